//! Vectors one after the other in a file, as 32-bit floats.

use std::fs::File;
use std::os::unix::fs::FileExt;

/// A file of vectors of `dim` numbers.
pub struct Flat {
    file: File,
    dim: usize,
}

impl Flat {
    pub fn open(path: &str, dim: usize) -> Self {
        Self { file: File::open(path).expect("the vectors"), dim }
    }

    pub fn count(&self) -> usize {
        self.file.metadata().expect("its size").len() as usize / (self.dim * 4)
    }

    pub fn vector(&self, number: usize) -> Vec<f32> {
        let mut bytes = vec![0; self.dim * 4];
        self.file.read_exact_at(&mut bytes, (number * self.dim * 4) as u64).expect("so many vectors");
        bytes.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect()
    }
}
