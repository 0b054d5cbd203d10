//! Stand-ins for vectors that nobody computed: each between a real one and one of its nearest, with noise.
//!
//! There is as much noise as makes some of them as dense as real ones of the same number.

use echofs_indexer::vectors::{Quantised, Vectors};

use crate::chance::Chance;
use crate::grow::grow;

/// Real vectors that are enough to mix others from.
pub const ENOUGH: usize = 100_000;
/// Fewer are no sample of anything.
const FEWEST: usize = 100;
/// The nearest that a vector is mixed with, and those that density is measured by.
const NEAR: usize = 10;
/// Rows that a walk to them keeps in sight.
const EFFORT: usize = 64;
/// Vectors whose density is measured, and how many of them are asked for their nearest.
const SAMPLE: usize = 4_000;
const ASKED: usize = 400;
/// How often the range of the noise, from none to the length of a vector, is halved.
const HALVINGS: usize = 8;

/// Makes stand-ins, the same every time.
pub struct Mixer {
    real: Vec<Vec<f32>>,
    near: Vec<Vec<u32>>,
    seed: u64,
    /// Length of what is added to a vector of length 1.
    pub noise: f32,
}

impl Mixer {
    /// Mixes these vectors.
    pub fn new(real: impl Iterator<Item = Vec<f32>>, seed: u64) -> Self {
        let real: Vec<Vec<f32>> = real.filter_map(unit).collect();
        assert!(real.len() >= FEWEST, "only {} real vectors; {FEWEST} are needed", real.len());
        let near = near(&real);
        let mut mixer = Self { real, near, seed, noise: 0.0 };
        mixer.noise = mixer.fitting_noise();
        mixer
    }

    /// The stand-in of a number.
    pub fn stand_in(&self, number: u64) -> Vec<f32> {
        self.mixed(number, self.noise)
    }

    fn mixed(&self, number: u64, noise: f32) -> Vec<f32> {
        let mut chance = Chance::new(self.seed, number);
        let first = chance.below(self.real.len());
        let second = self.near[first][chance.below(self.near[first].len())] as usize;
        let weight = chance.unit();
        let between = self.real[first].iter().zip(&self.real[second]).map(|(a, b)| weight * a + (1.0 - weight) * b);
        let Some(mut mixed) = unit(between.collect()) else { return self.real[first].clone() };
        let each = noise / (mixed.len() as f32).sqrt();
        mixed.iter_mut().for_each(|x| *x += each * chance.normal());
        unit(mixed).unwrap_or_else(|| self.real[first].clone())
    }

    fn fitting_noise(&self) -> f32 {
        let count = self.real.len().min(SAMPLE);
        let wanted = density(self.real.iter().step_by(self.real.len() / count).take(count));
        let (mut low, mut high) = (0.0, 1.0);
        for _ in 0..HALVINGS {
            let middle = (low + high) / 2.0;
            let sample: Vec<Vec<f32>> = (0..count as u64).map(|number| self.mixed(number, middle)).collect();
            let bound = if density(sample.iter()) > wanted { &mut low } else { &mut high };
            *bound = middle;
        }
        (low + high) / 2.0
    }
}

/// Of length 1; `None` for one without direction.
fn unit(mut vector: Vec<f32>) -> Option<Vec<f32>> {
    let norm = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
    vector.iter_mut().for_each(|x| *x /= norm);
    (norm.is_finite() && norm > 1e-6).then_some(vector)
}

fn rows<'a>(vectors: impl Iterator<Item = &'a Vec<f32>>) -> Vectors {
    let mut vectors = vectors.peekable();
    let mut rows = Vectors::new(vectors.peek().map_or(0, |vector| vector.len()));
    for (row, vector) in vectors.enumerate() {
        rows.add(row as u32, &[vector]);
    }
    rows
}

/// The nearest others of each.
fn near(real: &[Vec<f32>]) -> Vec<Vec<u32>> {
    let mut rows = rows(real.iter());
    grow(&mut rows);
    let others = |(row, vector): (usize, &Vec<f32>)| {
        let near = rows.neighbours(&Quantised::new(vector), NEAR + 1, Some(EFFORT));
        near.into_iter().map(|near| near.row).filter(|other| *other != row as u32).take(NEAR).collect()
    };
    real.iter().enumerate().map(others).collect()
}

/// The mean cosine of vectors with the nearest others.
fn density<'a>(sample: impl Iterator<Item = &'a Vec<f32>> + Clone) -> f32 {
    let rows = rows(sample.clone());
    let asked = sample.step_by(rows.size().living.div_ceil(ASKED));
    let others = asked.flat_map(|vector| rows.neighbours(&Quantised::new(vector), NEAR + 1, None).into_iter().skip(1));
    let (sum, count) = others.fold((0.0, 0), |(sum, count), near| (sum + near.cosine, count + 1));
    sum / count.max(1) as f32
}
