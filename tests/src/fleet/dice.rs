//! Repeatable chance: the same seed and the same questions give the same answers on every machine, for ever.

/// A small generator (SplitMix64), good enough for noise and shuffling and for nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dice {
    state: u64,
}

impl Dice {
    /// For one purpose under one seed: other words, other dice.
    pub fn new(seed: u64, purpose: &str) -> Self {
        // FNV-1a over the words, so that neighbouring seeds and names are far apart.
        let mix = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        let hash = purpose.as_bytes().iter().fold(0xcbf2_9ce4_8422_2325, mix);
        let mut dice = Self { state: seed ^ hash };
        dice.bits();
        dice
    }

    /// 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.state;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// From 0 up to, but without, 1.
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Between two numbers.
    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// Around zero, mostly within one, never beyond three: the sum of twelve.
    pub fn noise(&mut self) -> f64 {
        let sum: f64 = (0..12).map(|_| self.unit()).sum();
        (sum - 6.0).clamp(-3.0, 3.0)
    }

    /// A whole number below `count`, which must not be zero.
    pub fn below(&mut self, count: usize) -> usize {
        (self.unit() * count as f64) as usize
    }

    /// One of several.
    ///
    /// # Panics
    /// When there is none.
    pub fn pick<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.below(choices.len())]
    }

    /// Puts a list into any order.
    pub fn shuffle<T>(&mut self, list: &mut [T]) {
        for last in (1..list.len()).rev() {
            list.swap(last, self.below(last + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_itself_and_another_purpose_does_not() {
        let rolls = |seed, purpose| {
            let mut dice = Dice::new(seed, purpose);
            (0..8).map(|_| dice.bits()).collect::<Vec<_>>()
        };
        assert_eq!(rolls(7, "a"), rolls(7, "a"));
        assert_ne!(rolls(7, "a"), rolls(7, "b"));
        assert_ne!(rolls(7, "a"), rolls(8, "a"));
    }

    #[test]
    fn chance_is_spread_and_bounded() {
        let mut dice = Dice::new(1, "spread");
        let units: Vec<f64> = (0..10_000).map(|_| dice.unit()).collect();
        assert!(units.iter().all(|unit| (0.0..1.0).contains(unit)));
        let mean = units.iter().sum::<f64>() / units.len() as f64;
        assert!((mean - 0.5).abs() < 0.02, "{mean}");
        assert!((0..10_000).all(|_| dice.noise().abs() <= 3.0 && dice.below(3) < 3));
        let mut list: Vec<u32> = (0..100).collect();
        dice.shuffle(&mut list);
        let mut sorted = list.clone();
        sorted.sort_unstable();
        assert_ne!(list, sorted);
        assert_eq!(sorted, (0..100).collect::<Vec<_>>());
    }
}
