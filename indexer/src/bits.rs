//! A set of serial numbers.

use std::ops::{BitAndAssign, BitOrAssign};

/// A fixed number of bits, one for each serial number that is in use.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bits {
    words: Vec<u64>,
    len: usize,
}

impl Bits {
    /// None of `len` numbers.
    pub fn none(len: usize) -> Self {
        Self { words: vec![0; len.div_ceil(64)], len }
    }

    /// Adds a number; those beyond the length are ignored.
    pub fn insert(&mut self, number: u32) {
        if (number as usize) < self.len {
            self.words[number as usize / 64] |= 1 << (number % 64);
        }
    }

    /// Whether it is in the set.
    pub fn contains(&self, number: u32) -> bool {
        self.words.get(number as usize / 64).is_some_and(|word| word >> (number % 64) & 1 == 1)
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.words.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// Takes out what is in `other`.
    pub fn subtract(&mut self, other: &Self) {
        self.words.iter_mut().zip(&other.words).for_each(|(a, b)| *a &= !b);
    }

    /// The numbers, ascending.
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        self.words.iter().enumerate().flat_map(|(at, &word)| {
            std::iter::successors(Some(word), |w| Some(w & w.wrapping_sub(1)))
                .take_while(|w| *w != 0)
                .map(move |w| at as u32 * 64 + w.trailing_zeros())
        })
    }
}

impl BitAndAssign<&Bits> for Bits {
    fn bitand_assign(&mut self, other: &Bits) {
        self.words.iter_mut().zip(&other.words).for_each(|(a, b)| *a &= b);
    }
}

impl BitOrAssign<&Bits> for Bits {
    fn bitor_assign(&mut self, other: &Bits) {
        self.words.iter_mut().zip(&other.words).for_each(|(a, b)| *a |= b);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_combine() {
        let set = |numbers: &[u32]| {
            let mut bits = Bits::none(200);
            numbers.iter().for_each(|n| bits.insert(*n));
            bits
        };
        let mut a = set(&[0, 63, 64, 199, 200]);
        assert_eq!(a.iter().collect::<Vec<_>>(), [0, 63, 64, 199]);
        assert!(!a.contains(200) && a.contains(64) && a.count() == 4);
        a &= &set(&[63, 64, 70]);
        a |= &set(&[1]);
        a.subtract(&set(&[64]));
        assert_eq!(a.iter().collect::<Vec<_>>(), [1, 63]);
    }
}
