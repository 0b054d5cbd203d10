//! Points in space: rows of as many numbers each, of length one.

/// Rows of `dim` numbers.
#[derive(Clone, Debug, Default)]
pub struct Points {
    dim: usize,
    values: Vec<f32>,
}

impl Points {
    /// None yet.
    pub fn new(dim: usize) -> Self {
        Self { dim, values: Vec::new() }
    }

    /// Adds a row, brought to length one.
    pub fn push(&mut self, row: &[f32]) {
        self.values.extend_from_slice(row);
        let start = self.values.len() - self.dim;
        normalise(&mut self.values[start..]);
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.values.len().checked_div(self.dim).unwrap_or(0)
    }

    /// The row with this number.
    pub fn row(&self, number: usize) -> &[f32] {
        &self.values[number * self.dim..(number + 1) * self.dim]
    }

    /// These rows.
    pub fn choose(&self, rows: &[usize]) -> Self {
        Self { dim: self.dim, values: rows.iter().flat_map(|row| self.row(*row)).copied().collect() }
    }

    /// The direction of the mean of these rows.
    pub fn centre(&self, rows: impl Iterator<Item = usize>) -> Vec<f32> {
        let mut centre = vec![0.0; self.dim];
        rows.for_each(|row| add(&mut centre, self.row(row), 1.0));
        normalise(&mut centre);
        centre
    }
}

/// Adds `share` of `b` to `a`.
pub fn add(a: &mut [f32], b: &[f32], share: f32) {
    a.iter_mut().zip(b).for_each(|(a, b)| *a += share * b);
}

/// Brings a row to length one; one without direction stays as it is.
pub fn normalise(row: &mut [f32]) {
    let length = dot(row, row).sqrt();
    if length > 0.0 {
        row.iter_mut().for_each(|x| *x /= length);
    }
}

/// The dot product, in lanes that the compiler can keep in registers.
pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    const LANES: usize = 16;
    let ((a, rest_a), (b, rest_b)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    let mut sums = [0.0; LANES];
    for (a, b) in a.iter().zip(b) {
        for lane in 0..LANES {
            sums[lane] += a[lane] * b[lane];
        }
    }
    sums.iter().sum::<f32>() + rest_a.iter().zip(rest_b).map(|(a, b)| a * b).sum::<f32>()
}

/// The nearest and the second nearest of some centres, with their cosines; the first of equals.
pub fn nearest_two<'a>(point: &[f32], centres: impl Iterator<Item = &'a [f32]>) -> [Option<(usize, f32)>; 2] {
    let mut best: [Option<(usize, f32)>; 2] = [None; 2];
    for (number, centre) in centres.enumerate() {
        let found = Some((number, dot(point, centre)));
        let closer = |than: Option<(usize, f32)>| than.is_none_or(|(_, cosine)| found.is_some_and(|f| f.1 > cosine));
        if closer(best[0]) {
            best = [found, best[0]];
        } else if closer(best[1]) {
            best[1] = found;
        }
    }
    best
}
