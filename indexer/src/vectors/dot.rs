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

fn integer_dot(query: &[i16], codes: &[i8]) -> i32 {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has AVX2, which is all that the function asks for.
        return unsafe { integer_dot_avx2(query, codes) };
    }
    plain(query, codes)
}

/// The same loop, compiled for wider registers.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn integer_dot_avx2(query: &[i16], codes: &[i8]) -> i32 {
    plain(query, codes)
}

#[inline(always)]
fn plain(query: &[i16], codes: &[i8]) -> i32 {
    query.iter().zip(codes).map(|(q, c)| i32::from(*q) * i32::from(*c)).sum()
}

/// The dot product of two vectors' codes.
pub fn bytes(a: &[i8], b: &[i8]) -> i32 {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has AVX2, which is all that the function asks for.
        return unsafe { bytes_avx2(a, b) };
    }
    plain_bytes(a, b)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn bytes_avx2(a: &[i8], b: &[i8]) -> i32 {
    plain_bytes(a, b)
}

#[inline(always)]
fn plain_bytes(a: &[i8], b: &[i8]) -> i32 {
    a.iter().zip(b).map(|(a, b)| i32::from(i16::from(*a) * i16::from(*b))).sum()
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
        let query: Vec<i16> = (0..100).map(|n| n * 37 - 1000).collect();
        let codes: Vec<i8> = (0..100).map(|n| (n * 7 % 255 - 127) as i8).collect();
        assert_eq!(integer_dot(&query, &codes), plain(&query, &codes));
    }
}
