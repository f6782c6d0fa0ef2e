// Owned by you: written once, an update never touches it.

//! Normal random numbers, the same ones every time.

use std::f64::consts::TAU;

/// A stream of them: SplitMix64 (Steele, Lea and Flood, 2014), then Box and Muller's transform.
pub struct Noise(u64);

impl Noise {
    pub const fn new() -> Self {
        Self(0)
    }

    /// The next `count` numbers.
    pub fn take(&mut self, count: usize) -> Vec<f32> {
        let mut values = Vec::with_capacity(count + 1);
        while values.len() < count {
            let radius = (-2.0 * (1.0 - self.fraction()).ln()).sqrt();
            let (sin, cos) = (TAU * self.fraction()).sin_cos();
            values.push((radius * cos) as f32);
            values.push((radius * sin) as f32);
        }
        values.truncate(count);
        values
    }

    /// From 0 up to, but not including, 1.
    fn fraction(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^= bits >> 31;
        (bits >> 11) as f64 / (1u64 << 53) as f64
    }
}
