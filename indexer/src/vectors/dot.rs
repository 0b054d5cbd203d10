//! Vectors as 8-bit numbers with a scale, and their dot product with a query of 16-bit numbers.

/// The largest code.
pub const LARGEST: f32 = 127.0;

/// Codes of a vector and what to multiply them with. All zero for one that is not `dim` finite numbers.
pub fn quantise(vector: &[f32], dim: usize) -> (Vec<i8>, f32) {
    let largest = vector.iter().fold(0.0f32, |m, x| m.max(x.abs()));
    if vector.len() != dim || !largest.is_finite() || largest == 0.0 || vector.iter().any(|x| x.is_nan()) {
        return (vec![0; dim], 0.0);
    }
    let scale = LARGEST / largest;
    (vector.iter().map(|x| (x * scale).round() as i8).collect(), largest / LARGEST)
}

/// A query, ready to be compared with many vectors.
#[derive(Clone, Debug)]
pub struct Quantised {
    codes: Vec<i16>,
    scale: f32,
    exact: Vec<f32>,
}

impl Quantised {
    /// Codes are as large as they can be without the sum leaving 32 bits.
    pub fn new(query: &[f32]) -> Self {
        let largest = query.iter().fold(0.0f32, |m, x| m.max(x.abs()));
        let room = (i32::MAX as f32 / (LARGEST * query.len().max(1) as f32)).min(i16::MAX as f32).floor();
        if !largest.is_finite() || largest == 0.0 || query.iter().any(|x| x.is_nan()) {
            return Self { codes: vec![0; query.len()], scale: 0.0, exact: vec![0.0; query.len()] };
        }
        let codes = query.iter().map(|x| (x / largest * room) as i16).collect();
        Self { codes, scale: largest / room, exact: query.to_vec() }
    }

    /// The query as it was given.
    pub fn exact(&self) -> &[f32] {
        &self.exact
    }

    /// The dot product with a vector's codes, in units of that vector's scale.
    pub fn dot(&self, codes: &[i8]) -> f32 {
        integer_dot(&self.codes, codes) as f32 * self.scale
    }
}

/// The dot product of a query's and a vector's codes.
fn integer_dot(query: &[i16], codes: &[i8]) -> i32 {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has AVX2, which is all that the function asks for.
        return unsafe { avx2::mixed(query, codes) };
    }
    plain(query.iter().map(|q| i32::from(*q)), codes)
}

/// The dot product of two vectors' codes.
pub fn bytes(a: &[i8], b: &[i8]) -> i32 {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has AVX2, which is all that the function asks for.
        return unsafe { avx2::bytes(a, b) };
    }
    plain(a.iter().map(|a| i32::from(*a)), b)
}

fn plain(a: impl Iterator<Item = i32>, b: &[i8]) -> i32 {
    a.zip(b).map(|(a, b)| a * i32::from(*b)).sum()
}

/// Sixteen products a step; what is left over one by one.
#[cfg(target_arch = "x86_64")]
mod avx2 {
    use std::arch::x86_64::{
        __m256i, _mm_loadu_si128, _mm256_add_epi32, _mm256_cvtepi8_epi16, _mm256_loadu_si256, _mm256_madd_epi16,
        _mm256_setzero_si256, _mm256_storeu_si256,
    };

    #[target_feature(enable = "avx2")]
    pub fn mixed(a: &[i16], b: &[i8]) -> i32 {
        let (left, right) = (a.as_chunks::<16>(), b.as_chunks::<16>());
        let mut sum = _mm256_setzero_si256();
        for (a, b) in left.0.iter().zip(right.0) {
            // SAFETY: `a` is 32 readable bytes; the load needs no alignment.
            let a = unsafe { _mm256_loadu_si256(a.as_ptr().cast()) };
            sum = _mm256_add_epi32(sum, _mm256_madd_epi16(a, widened(b)));
        }
        total(sum) + super::plain(left.1.iter().map(|a| i32::from(*a)), right.1)
    }

    #[target_feature(enable = "avx2")]
    pub fn bytes(a: &[i8], b: &[i8]) -> i32 {
        let (left, right) = (a.as_chunks::<16>(), b.as_chunks::<16>());
        let mut sum = _mm256_setzero_si256();
        for (a, b) in left.0.iter().zip(right.0) {
            sum = _mm256_add_epi32(sum, _mm256_madd_epi16(widened(a), widened(b)));
        }
        total(sum) + super::plain(left.1.iter().map(|a| i32::from(*a)), right.1)
    }

    #[target_feature(enable = "avx2")]
    fn widened(codes: &[i8; 16]) -> __m256i {
        // SAFETY: `codes` is 16 readable bytes; the load needs no alignment.
        _mm256_cvtepi8_epi16(unsafe { _mm_loadu_si128(codes.as_ptr().cast()) })
    }

    #[target_feature(enable = "avx2")]
    fn total(sums: __m256i) -> i32 {
        let mut lanes = [0i32; 8];
        // SAFETY: `lanes` is 32 writable bytes; the store needs no alignment.
        unsafe { _mm256_storeu_si256(lanes.as_mut_ptr().cast(), sums) };
        lanes.iter().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_stays_in_range() {
        let ones = vec![1.0f32; 1024];
        let (codes, scale) = quantise(&ones, 1024);
        let dot = Quantised::new(&ones).dot(&codes) * scale;
        assert!((dot - 1024.0).abs() < 1.0, "{dot}");
    }

    #[test]
    fn both_loops_agree() {
        for length in [0, 1, 15, 16, 17, 100, 384] {
            let query: Vec<i16> = (0..length).map(|n| n * 37 - 1000).collect();
            let codes: Vec<i8> = (0..length).map(|n| (n * 7 % 255 - 127) as i8).collect();
            assert_eq!(integer_dot(&query, &codes), plain(query.iter().map(|q| i32::from(*q)), &codes));
            let others: Vec<i8> = codes.iter().rev().copied().collect();
            assert_eq!(bytes(&codes, &others), plain(codes.iter().map(|c| i32::from(*c)), &others));
        }
    }
}
