//! Times of which something else than samples tells: what a host gathered itself, or what samples were rolled up to.
//!
//! Pure. A total before such a time and one after it say by how much it grew meanwhile, but that is counted already.

use super::LOOK_BACK_MS;
use super::open::HOUR_MS;
use std::collections::BTreeSet;

/// Such times of one host.
#[derive(Debug, Default)]
pub struct Apart {
    /// Start and end of each bucket; none is longer than an hour.
    buckets: BTreeSet<(i64, i64)>,
}

impl Apart {
    /// Adds buckets of one length.
    pub fn add(&mut self, starts_ms: &[i64], step_ms: i64) {
        self.buckets.extend(starts_ms.iter().map(|start_ms| (*start_ms, start_ms.saturating_add(step_ms))));
    }

    /// Begins with another host.
    pub fn clear(&mut self) {
        self.buckets.clear();
    }

    /// Whether what a total grew by between two samples is counted elsewhere. Samples close to each other never are
    /// apart: a bucket that a host gathered only in part shares its time with samples.
    pub fn is_between(&self, before_ms: i64, after_ms: i64) -> bool {
        if self.buckets.is_empty() || after_ms.saturating_sub(before_ms) <= LOOK_BACK_MS {
            return false;
        }
        let reach = (before_ms.saturating_sub(HOUR_MS), i64::MIN)..(after_ms, i64::MIN);
        self.buckets.range(reach).any(|(_, end_ms)| *end_ms > before_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_far_from_each_other_are_apart_when_a_bucket_lies_between() {
        let mut apart = Apart::default();
        apart.add(&[HOUR_MS], 300_000);
        let check = |before_ms, after_ms, expect| {
            assert_eq!(apart.is_between(before_ms, after_ms), expect, "{before_ms} {after_ms}");
        };
        check(HOUR_MS - 15_000, HOUR_MS + 300_000, true);
        check(HOUR_MS + 60_000, HOUR_MS + 75_000, false);
        check(0, HOUR_MS, false);
        check(HOUR_MS + 299_000, 2 * HOUR_MS, true);
        check(HOUR_MS + 300_000, 2 * HOUR_MS, false);
        apart.clear();
        check_none(&apart);
    }

    fn check_none(apart: &Apart) {
        assert!(!apart.is_between(0, 2 * HOUR_MS));
    }
}
