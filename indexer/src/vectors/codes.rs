//! Vectors as whole numbers: 8 bits to search with, 8 more to decide between those that come near.
//!
//! A component is `(coarse + fine / 256) * scale`, both signed bytes. The coarse bytes alone are the vector rounded to 8
//! bits. Rows are padded with zeros to a multiple of [`dot::STEP`].

use super::dot;

/// The largest coarse code.
const LARGEST: f32 = 127.0;
/// What makes signed codes unsigned, as the left side of a product wants them.
const SHIFT: u8 = 128;

/// Bytes of a row of `dim` codes.
pub fn width(dim: usize) -> usize {
    dim.next_multiple_of(dot::STEP)
}

/// What is known of a row beside its codes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Measure {
    /// What a coarse code is multiplied with.
    pub scale: f32,
    /// Sum of the coarse codes.
    pub sum: i32,
}

/// A vector in codes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Coded {
    /// The vector in 8 bits.
    pub coarse: Vec<u8>,
    /// What that leaves over, in 256ths.
    pub fine: Vec<u8>,
    /// Scale and sum.
    pub measure: Measure,
}

impl Coded {
    /// The codes of a vector. All zero for one that is not `dim` finite numbers.
    pub fn new(vector: &[f32], dim: usize) -> Self {
        let width = width(dim);
        let mut coded = Self { coarse: vec![0; width], fine: vec![0; width], measure: Measure::default() };
        let largest = largest(vector);
        if vector.len() != dim || largest == 0.0 {
            return coded;
        }
        for (n, x) in vector.iter().enumerate() {
            let code = (x / largest * LARGEST * 256.0).round() as i32;
            let coarse = (code + 128) >> 8;
            coded.coarse[n] = coarse as i8 as u8;
            coded.fine[n] = (code - (coarse << 8)) as i8 as u8;
            coded.measure.sum += coarse;
        }
        coded.measure.scale = largest / LARGEST;
        coded
    }
}

/// The largest component; 0 for vectors that hold something else than finite numbers.
fn largest(vector: &[f32]) -> f32 {
    let largest = vector.iter().fold(0.0f32, |m, x| m.max(x.abs()));
    if largest.is_finite() && vector.iter().all(|x| x.is_finite()) { largest } else { 0.0 }
}

/// The left side of products in 8 bits: a query, or a row that is compared with others.
#[derive(Clone, Debug)]
pub struct Probe {
    shifted: Vec<u8>,
    scale: f32,
}

impl Probe {
    /// Compares with a row's codes.
    pub fn new(coarse: &[u8], scale: f32) -> Self {
        Self { shifted: coarse.iter().map(|code| code.wrapping_add(SHIFT)).collect(), scale }
    }

    /// The dot product, about.
    pub fn dot(&self, coarse: &[u8], measure: Measure) -> f32 {
        let sum = dot::shifted(&self.shifted, coarse) - i32::from(SHIFT) * measure.sum;
        sum as f32 * (self.scale * measure.scale)
    }
}

/// A query, ready to be compared with many vectors.
#[derive(Clone, Debug)]
pub struct Quantised {
    probe: Probe,
    wide: Vec<i16>,
    scale: f32,
}

impl Quantised {
    /// Its wide codes are as large as they can be without a sum leaving 32 bits.
    pub fn new(query: &[f32]) -> Self {
        let coded = Coded::new(query, query.len());
        let room = (i32::MAX as f32 / (f32::from(SHIFT) * query.len().max(1) as f32)).min(i16::MAX as f32).floor();
        let largest = largest(query);
        let mut wide = vec![0; width(query.len())];
        if largest > 0.0 {
            wide.iter_mut().zip(query).for_each(|(code, x)| *code = (x / largest * room) as i16);
        }
        Self { probe: Probe::new(&coded.coarse, coded.measure.scale), wide, scale: largest / room }
    }

    /// The query in 8 bits.
    pub fn probe(&self) -> &Probe {
        &self.probe
    }

    /// The dot product with all bits of a row.
    pub fn exact(&self, coarse: &[u8], fine: &[u8], measure: Measure) -> f32 {
        let sum = dot::wide(&self.wide, coarse) as f32 + dot::wide(&self.wide, fine) as f32 / 256.0;
        sum * (self.scale * measure.scale)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wave(length: usize, step: f32) -> Vec<f32> {
        let wave: Vec<f32> = (0..length).map(|n| (n as f32 * step).sin()).collect();
        let norm = wave.iter().map(|x| x * x).sum::<f32>().sqrt();
        wave.iter().map(|x| x / norm).collect()
    }

    #[test]
    fn products_are_close_and_exact_ones_very_close() {
        for dim in [3, 64, 384, 1000] {
            let (a, b) = (wave(dim, 0.7), wave(dim, 0.71));
            let truth: f32 = a.iter().zip(&b).map(|(x, y)| x * y).sum();
            let (query, row) = (Quantised::new(&a), Coded::new(&b, dim));
            let rough = query.probe().dot(&row.coarse, row.measure);
            let exact = query.exact(&row.coarse, &row.fine, row.measure);
            assert!((rough - truth).abs() < 0.01 && (exact - truth).abs() < 0.0002, "{dim}: {truth} {rough} {exact}");
        }
    }

    #[test]
    fn sums_stay_in_range() {
        let ones = vec![1.0f32; 1024];
        let (query, row) = (Quantised::new(&ones), Coded::new(&ones, 1024));
        assert!((query.exact(&row.coarse, &row.fine, row.measure) - 1024.0).abs() < 1.0);
        assert!((query.probe().dot(&row.coarse, row.measure) - 1024.0).abs() < 1.0);
    }

    #[test]
    fn what_is_no_vector_has_no_direction() {
        let row = Coded::new(&wave(4, 0.7), 4);
        for bad in [vec![0.0; 4], vec![f32::NAN; 4], vec![f32::INFINITY; 4]] {
            let (query, coded) = (Quantised::new(&bad), Coded::new(&bad, 4));
            assert_eq!(query.exact(&row.coarse, &row.fine, row.measure), 0.0);
            assert_eq!(query.probe().dot(&coded.coarse, coded.measure), 0.0);
        }
        assert_eq!(Coded::new(&[1.0; 3], 4).measure, Measure::default());
    }
}
