//! Chance with a seed: what spreads the agents of a fleet in time. Pure; not for secrets.

use std::time::Duration;

/// A sequence of numbers that differs between seeds.
#[derive(Debug, Clone, Copy)]
pub struct Noise(u64);

impl Noise {
    /// From a seed.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number, 0 to less than 1.
    pub fn share(&mut self) -> f64 {
        // SplitMix64: small, seeded, good enough to spread reconnects.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Between half and the whole of a duration.
    pub fn jittered(&mut self, whole: Duration) -> Duration {
        whole.mul_f64(0.5 + self.share() / 2.0)
    }

    /// Any part of a duration.
    pub fn part(&mut self, whole: Duration) -> Duration {
        whole.mul_f64(self.share())
    }
}
