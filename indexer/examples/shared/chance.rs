//! Numbers that look random and are the same every time (splitmix64).

pub struct Chance(u64);

impl Chance {
    /// Another series for every pair of numbers.
    pub fn new(seed: u64, number: u64) -> Self {
        let start = Self(number).next();
        Self(seed ^ start)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    /// Between 0 and 1, neither of them.
    pub fn unit(&mut self) -> f32 {
        ((self.next() >> 41) as f32 + 0.5) / (1 << 23) as f32
    }

    pub fn below(&mut self, count: usize) -> usize {
        (self.next() % count as u64) as usize
    }

    /// Of the normal distribution (Box and Muller, 1958).
    pub fn normal(&mut self) -> f32 {
        let (length, turn) = (self.unit(), self.unit());
        (-2.0 * length.ln()).sqrt() * (std::f32::consts::TAU * turn).cos()
    }
}
