//! The texts whose meaning stands for a passage.
//!
//! A long passage says several things, and one vector of all of it is near to none of them. So it has a vector for each of
//! its [parts](crate::chunk::parts), half of which is that of the part alone and half the middle of all: a part that
//! answers is found, and what stands around it still counts.

use crate::prepare::key_of;
use crate::record::Key;
use crate::{Passage, chunk};

/// The texts of its parts: the document's title goes before each, unless it is there already.
pub fn texts(title: Option<&str>, passage: &Passage) -> Vec<String> {
    let text = passage.text.trim();
    let titled = |part: &str| match title.map(str::trim) {
        Some(title) if !part.contains(title) => format!("{title}\n{part}"),
        _ => part.to_owned(),
    };
    chunk::parts(text).into_iter().map(|part| titled(&text[part])).collect()
}

/// What the vectors of these texts of one passage are kept by: each depends on all of the texts.
pub fn keys(texts: &[String]) -> Vec<Key> {
    let all = texts.join("\0");
    match texts.len() {
        1 => vec![key_of(all.as_bytes())],
        count => (0..count).map(|n| key_of(format!("{n}\0{all}").as_bytes())).collect(),
    }
}

/// The vectors of the parts of one passage, from those of their texts: each halfway to the middle of all. The more the
/// parts differ, the shorter their vectors: to have several chances with a query is no advantage.
pub fn mixed(mut vectors: Vec<Vec<f32>>) -> Vec<Vec<f32>> {
    if vectors.len() > 1 {
        let middle = middle(&vectors);
        for (x, y) in vectors.iter_mut().flat_map(|vector| vector.iter_mut().zip(&middle)) {
            *x = (*x + y) / 2.0;
        }
    }
    vectors
}

/// The unit vector in the middle; zero where they cancel each other out.
fn middle(vectors: &[Vec<f32>]) -> Vec<f32> {
    let mut sum = vec![0.0; vectors[0].len()];
    vectors.iter().for_each(|vector| sum.iter_mut().zip(vector).for_each(|(sum, x)| *sum += x));
    let norm = sum.iter().map(|x| x * x).sum::<f32>().sqrt();
    if norm > 1e-6 {
        sum.iter_mut().for_each(|x| *x /= norm);
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passage(text: &str) -> Passage {
        Passage { text: text.into(), ..Passage::default() }
    }

    #[test]
    fn the_title_goes_before_the_text() {
        assert_eq!(texts(Some("Bread"), &passage("Mix flour.")), ["Bread\nMix flour."]);
        assert_eq!(texts(Some("Bread"), &passage("# Bread\nMix flour.")), ["# Bread\nMix flour."]);
        assert_eq!(texts(None, &passage(" Mix flour.\n")), ["Mix flour."]);
    }

    #[test]
    fn each_part_has_the_title() {
        let long = format!("# Bread\n\n{}", "Mix flour and water, and wait for an hour. ".repeat(20));
        let texts = texts(Some("Bread"), &passage(&long));
        assert_eq!(texts.len(), 2);
        assert!(texts[0].starts_with("# Bread\n\nMix") && texts[1].starts_with("Bread\nMix"), "{texts:?}");
    }

    #[test]
    fn a_part_beside_another_one_has_another_key() {
        let keys = |texts: &[&str]| keys(&texts.iter().map(|text| text.to_string()).collect::<Vec<_>>());
        assert_eq!(keys(&["a"]), [key_of(b"a")], "that of its text alone");
        let (both, other) = (keys(&["a", "b"]), keys(&["a", "c"]));
        assert_eq!(both.len(), 2);
        assert!(both[0] != other[0] && both[0] != both[1] && both[0] != key_of(b"a"));
    }

    #[test]
    fn parts_meet_halfway() {
        assert_eq!(mixed(vec![vec![0.6, 0.8]]), [[0.6, 0.8]]);
        assert_eq!(mixed(vec![vec![0.6, 0.8]; 2]), [[0.6, 0.8]; 2], "the same twice");
        let half = 0.5_f32.sqrt() / 2.0;
        assert_eq!(mixed(vec![vec![1.0, 0.0], vec![0.0, 1.0]]), [[0.5 + half, half], [half, 0.5 + half]]);
        assert_eq!(mixed(vec![vec![1.0, 0.0], vec![-1.0, 0.0]]), [[0.5, 0.0], [-0.5, 0.0]], "no middle");
    }
}
