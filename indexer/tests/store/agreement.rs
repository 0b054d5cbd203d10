//! How well two labellings of the same things agree.

use std::collections::BTreeMap;
use std::hash::Hash;

/// Normalised mutual information of two labellings, 0 to 1; by the mean of their entropies.
pub fn nmi<'a>(pairs: impl Iterator<Item = (&'a String, &'a String)>) -> f64 {
    let pairs: Vec<_> = pairs.collect();
    let (a, b) = (shares(pairs.iter().map(|pair| pair.0)), shares(pairs.iter().map(|pair| pair.1)));
    let information = shares(pairs.iter()).into_iter().map(|((x, y), share)| share * (share / (a[x] * b[y])).ln());
    2.0 * information.sum::<f64>() / (entropy(&a) + entropy(&b))
}

fn shares<T: Hash + Eq + Ord>(items: impl Iterator<Item = T>) -> BTreeMap<T, f64> {
    let mut shares = BTreeMap::new();
    let mut count = 0.0;
    for item in items {
        *shares.entry(item).or_insert(0.0) += 1.0;
        count += 1.0;
    }
    shares.values_mut().for_each(|share| *share /= count);
    shares
}

fn entropy<T>(shares: &BTreeMap<T, f64>) -> f64 {
    -shares.values().map(|share| share * share.ln()).sum::<f64>()
}
