//! The clocks of simulated hosts. All hosts share one timeline; each boot of a host counts from its own beginning.
//!
//! The province's day may be shifted against the real one, so that offices are open whenever the fleet is looked at.
//! Wall clocks are not: hosts with a wrong clock would be a failure of their own.

use std::sync::Arc;
use std::time::Instant;
use tram_agent::clock::{Clock, SystemClock};

/// Milliseconds of a day.
const DAY_MS: i64 = 86_400_000;
/// The province is seven hours ahead of UTC.
const ZONE_MS: i64 = 7 * 3_600_000;

/// The time that models live in.
#[derive(Debug, Clone)]
pub struct Timeline {
    began: Instant,
    began_ms: i64,
}

impl Timeline {
    /// That begins now; with an hour given, it is that hour in the province today.
    pub fn begin(hour: Option<f64>) -> Self {
        let now_ms = SystemClock.wall_ms();
        Self { began: SystemClock.monotonic(), began_ms: hour.map_or(now_ms, |hour| at_hour(now_ms, hour)) }
    }

    /// Milliseconds since 1970 in the models' time.
    pub fn now_ms(&self) -> i64 {
        let passed = SystemClock.monotonic().saturating_duration_since(self.began);
        self.began_ms + i64::try_from(passed.as_millis()).unwrap_or(i64::MAX / 2)
    }

    /// The clocks of a host whose boot began at a moment of the models' time.
    pub fn clock(&self, boot_started_ms: i64) -> Arc<dyn Clock> {
        Arc::new(BootClock { timeline: self.clone(), boot_started_ms })
    }
}

/// The same day at another hour of the province.
fn at_hour(now_ms: i64, hour: f64) -> i64 {
    let midnight_ms = (now_ms + ZONE_MS).div_euclid(DAY_MS) * DAY_MS - ZONE_MS;
    midnight_ms + (hour * 3_600_000.0) as i64
}

#[derive(Debug)]
struct BootClock {
    timeline: Timeline,
    boot_started_ms: i64,
}

impl Clock for BootClock {
    fn monotonic(&self) -> Instant {
        SystemClock.monotonic()
    }

    fn boot_ms(&self) -> u64 {
        u64::try_from(self.timeline.now_ms() - self.boot_started_ms).unwrap_or_default()
    }

    fn wall_ms(&self) -> i64 {
        SystemClock.wall_ms()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::day;

    #[test]
    fn an_hour_is_that_hour_of_the_same_day_in_the_province() {
        for now_ms in [1_795_366_800_000, 1_795_402_800_000, 1_795_366_800_000 + DAY_MS - 1] {
            let local = day::local(at_hour(now_ms, 9.5));
            assert_eq!((local.day, local.hour), (day::local(now_ms).day, 9.5));
        }
    }

    #[test]
    fn boot_clocks_count_from_their_boot_and_never_below_zero() {
        let timeline = Timeline::begin(Some(10.0));
        let now_ms = timeline.now_ms();
        assert!(timeline.clock(now_ms - 5_000).boot_ms() >= 5_000);
        assert_eq!(timeline.clock(now_ms + 60_000).boot_ms(), 0);
    }
}
