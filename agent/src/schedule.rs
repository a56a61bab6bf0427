//! When to sample and when to probe. Pure: `now` comes in, what is due comes out. Missed ticks are not made up for.

use std::time::{Duration, Instant};

/// What is due at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Due {
    /// Read the sensors and make a report.
    pub sample: bool,
    /// Climb the reachability ladder.
    pub probe: bool,
}

/// Two rhythms, both beginning at once.
#[derive(Debug, Clone)]
pub struct Schedule {
    sample: Rhythm,
    probe: Rhythm,
}

#[derive(Debug, Clone)]
struct Rhythm {
    interval: Duration,
    next: Instant,
}

impl Schedule {
    /// Both are due at `now` for the first time.
    pub fn new(sample_interval: Duration, probe_interval: Duration, now: Instant) -> Self {
        let rhythm = |interval| Rhythm { interval, next: now };
        Self { sample: rhythm(sample_interval), probe: rhythm(probe_interval) }
    }

    /// Other intervals, from the next tick on.
    pub fn set_intervals(&mut self, sample_interval: Duration, probe_interval: Duration, now: Instant) {
        self.sample.set_interval(sample_interval, now);
        self.probe.set_interval(probe_interval, now);
    }

    /// A sample is due now, whatever the rhythm says, which begins anew.
    pub fn sample_now(&mut self, now: Instant) {
        self.sample.next = now;
    }

    /// What is due; each tick is said once.
    pub fn take_due(&mut self, now: Instant) -> Due {
        Due { sample: self.sample.take(now), probe: self.probe.take(now) }
    }

    /// When something is due next.
    pub fn next(&self) -> Instant {
        self.sample.next.min(self.probe.next)
    }
}

impl Rhythm {
    fn set_interval(&mut self, interval: Duration, now: Instant) {
        self.next = self.next.min(now + interval);
        self.interval = interval;
    }

    fn take(&mut self, now: Instant) -> bool {
        let is_due = now >= self.next;
        if is_due {
            let next = self.next + self.interval;
            self.next = if next > now { next } else { now + self.interval };
        }
        is_due
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Clock as _, SystemClock};

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn ticks_keep_their_rhythm_and_missed_ones_are_left_out() {
        let start = SystemClock.monotonic();
        let mut schedule = Schedule::new(15 * SECOND, 60 * SECOND, start);
        assert_eq!(schedule.take_due(start), Due { sample: true, probe: true });
        assert_eq!(schedule.take_due(start), Due::default());
        assert_eq!(schedule.next(), start + 15 * SECOND);
        assert_eq!(schedule.take_due(start + 16 * SECOND), Due { sample: true, probe: false });
        assert_eq!(schedule.next(), start + 30 * SECOND);
        assert_eq!(schedule.take_due(start + 200 * SECOND), Due { sample: true, probe: true });
        assert_eq!(schedule.next(), start + 215 * SECOND);
    }

    #[test]
    fn a_shorter_interval_counts_from_now() {
        let start = SystemClock.monotonic();
        let mut schedule = Schedule::new(600 * SECOND, 600 * SECOND, start);
        schedule.take_due(start);
        schedule.set_intervals(5 * SECOND, 600 * SECOND, start + SECOND);
        assert_eq!(schedule.next(), start + 6 * SECOND);
    }
}
