//! Where things stand in a sequence from which some were taken and into which others were put.

/// What was taken out of a sequence and what was put in.
#[derive(Clone, Debug, Default)]
pub struct Shift {
    /// Places before, sorted, of what is gone.
    gone: Vec<u32>,
    /// Places now, sorted, of what is new.
    come: Vec<u32>,
}

impl Shift {
    /// From sorted places before of what is gone and sorted places now of what is new.
    pub fn new(gone: Vec<u32>, come: Vec<u32>) -> Self {
        Self { gone, come }
    }

    /// Places before of what is gone.
    pub fn gone(&self) -> &[u32] {
        &self.gone
    }

    /// Places now of what is new.
    pub fn come(&self) -> &[u32] {
        &self.come
    }

    /// Where that stands now which stood at `at`, if it is still there.
    pub fn forth(&self, at: u32) -> Option<u32> {
        let rank = rank(&self.gone, at).ok()?;
        Some(nth(&self.come, rank))
    }

    /// Where that stood which stands at `at`; what is new has its number among what is new instead.
    pub fn back(&self, at: u32) -> Result<u32, usize> {
        let rank = rank(&self.come, at)?;
        Ok(nth(&self.gone, rank))
    }
}

/// How many numbers that are not in a sorted list are smaller than `at`; where it stands in the list if it is in it.
fn rank(list: &[u32], at: u32) -> Result<u32, usize> {
    match list.binary_search(&at) {
        Ok(place) => Err(place),
        Err(smaller) => Ok(at - smaller as u32),
    }
}

/// The number that is not in a sorted list and of which `rank` smaller ones are not either.
fn nth(list: &[u32], rank: u32) -> u32 {
    let (mut from, mut to) = (0, list.len());
    while from < to {
        let middle = from.midpoint(to);
        match list[middle] - middle as u32 <= rank {
            true => from = middle + 1,
            false => to = middle,
        }
    }
    rank + from as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stays_keeps_its_order() {
        // 0 1 2 3 4 5 without 1 and 2, with x and y: x 0 3 y 4 5
        let shift = Shift::new(vec![1, 2], vec![0, 3]);
        let forth: Vec<Option<u32>> = (0..6).map(|at| shift.forth(at)).collect();
        assert_eq!(forth, [Some(1), None, None, Some(2), Some(4), Some(5)]);
        let back: Vec<Result<u32, usize>> = (0..6).map(|at| shift.back(at)).collect();
        assert_eq!(back, [Err(0), Ok(0), Ok(3), Err(1), Ok(4), Ok(5)]);
        assert_eq!((Shift::default().forth(7), Shift::default().back(7)), (Some(7), Ok(7)));
    }
}
