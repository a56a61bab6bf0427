//! From samples to what a chart shows: one column's points gathered into buckets of equal length.
//!
//! Pure. A level keeps its least, greatest, mean and last value; a running total becomes its rate per second, across
//! restarts of the counting. It must not know where the points come from.

use crate::model::catalogue::Kind;

/// A measured value and when, milliseconds since 1970.
pub type Point = (i64, f64);

/// Which times to gather, and how finely.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// From this time on, milliseconds since 1970.
    pub from_ms: i64,
    /// To before this time.
    pub to_ms: i64,
    /// Length of a bucket; the first starts at a multiple of it.
    pub step_ms: i64,
}

impl Window {
    /// How many buckets it has at most.
    pub fn buckets(&self) -> usize {
        let length = self.to_ms.saturating_sub(self.start_of(self.from_ms)).max(0);
        usize::try_from((length / self.step_ms.max(1)).saturating_add(1)).unwrap_or(usize::MAX)
    }

    fn holds(&self, time_ms: i64) -> bool {
        (self.from_ms..self.to_ms).contains(&time_ms)
    }

    fn start_of(&self, time_ms: i64) -> i64 {
        time_ms.saturating_sub(time_ms.rem_euclid(self.step_ms.max(1)))
    }
}

/// What a bucket's points come to. Rates are per second, of the column's unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bucket {
    /// When it starts, milliseconds since 1970.
    pub time_ms: i64,
    /// Least.
    pub min: f64,
    /// Greatest.
    pub max: f64,
    /// Mean: of the points of a level; of a rate, all that was counted by all the time that it took.
    pub mean: f64,
    /// Latest.
    pub last: f64,
}

/// Gathers points, which are in order of time. Buckets without any are left out.
pub fn gather(points: &[Point], kind: Kind, window: Window) -> Vec<Bucket> {
    let mut gathering = Gathering { window, buckets: Vec::new(), sum: 0.0, weight: 0.0 };
    match kind {
        Kind::Gauge => points.iter().for_each(|(time_ms, value)| gathering.add(*time_ms, *value, 1.0)),
        Kind::Counter => {
            let pairs = points.iter().zip(points.iter().skip(1));
            pairs.for_each(|(before, after)| gathering.add_rate(*before, *after));
        }
    }
    gathering.buckets
}

struct Gathering {
    window: Window,
    buckets: Vec<Bucket>,
    sum: f64,
    weight: f64,
}

impl Gathering {
    fn add(&mut self, time_ms: i64, value: f64, weight: f64) {
        if !self.window.holds(time_ms) {
            return;
        }
        let start_ms = self.window.start_of(time_ms);
        if let Some(bucket) = self.buckets.last_mut().filter(|bucket| bucket.time_ms == start_ms) {
            self.sum += value * weight;
            self.weight += weight;
            bucket.min = bucket.min.min(value);
            bucket.max = bucket.max.max(value);
            bucket.mean = self.sum / self.weight;
            bucket.last = value;
        } else {
            (self.sum, self.weight) = (value * weight, weight);
            self.buckets.push(Bucket { time_ms: start_ms, min: value, max: value, mean: value, last: value });
        }
    }

    /// A total that fell has started anew from nothing: what it shows was counted since.
    fn add_rate(&mut self, before: Point, after: Point) {
        let seconds = after.0.saturating_sub(before.0) as f64 / 1_000.0;
        if seconds <= 0.0 {
            return;
        }
        let counted = if after.1 < before.1 { after.1 } else { after.1 - before.1 };
        self.add(after.0, counted.max(0.0) / seconds, seconds);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Window = Window { from_ms: 0, to_ms: 600_000, step_ms: 60_000 };

    fn check(points: &[Point], kind: Kind, expect: &[(i64, f64, f64, f64, f64)]) {
        let buckets = gather(points, kind, MINUTE);
        let got: Vec<_> = buckets.iter().map(|b| (b.time_ms, b.min, b.max, b.mean, b.last)).collect();
        assert_eq!(got, expect);
    }

    #[test]
    fn a_level_keeps_least_greatest_mean_and_last() {
        let points = [(0, 4.0), (15_000, 1.0), (59_999, 7.0), (60_000, 5.0)];
        check(&points, Kind::Gauge, &[(0, 1.0, 7.0, 4.0, 7.0), (60_000, 5.0, 5.0, 5.0, 5.0)]);
    }

    #[test]
    fn buckets_without_points_are_left_out() {
        check(
            &[(0, 1.0), (240_000, 2.0)],
            Kind::Gauge,
            &[(0, 1.0, 1.0, 1.0, 1.0), (240_000, 2.0, 2.0, 2.0, 2.0)],
        );
    }

    #[test]
    fn a_total_becomes_its_rate_weighted_by_time() {
        let points = [(0, 100.0), (10_000, 200.0), (40_000, 200.0)];
        check(&points, Kind::Counter, &[(0, 0.0, 10.0, 2.5, 0.0)]);
    }

    #[test]
    fn a_total_that_falls_has_started_anew() {
        check(&[(0, 1e9), (10_000, 50.0)], Kind::Counter, &[(0, 5.0, 5.0, 5.0, 5.0)]);
    }

    #[test]
    fn one_total_or_two_of_the_same_time_give_no_rate() {
        check(&[(0, 1.0)], Kind::Counter, &[]);
        check(&[(0, 1.0), (0, 9.0)], Kind::Counter, &[]);
    }

    #[test]
    fn a_total_from_before_the_window_only_counts_for_the_next() {
        let window = Window { from_ms: 60_000, to_ms: 120_000, step_ms: 60_000 };
        let buckets = gather(&[(50_000, 0.0), (70_000, 40.0), (120_000, 90.0)], Kind::Counter, window);
        assert_eq!(buckets, [Bucket { time_ms: 60_000, min: 2.0, max: 2.0, mean: 2.0, last: 2.0 }]);
    }

    #[test]
    fn buckets_start_at_multiples_of_the_step() {
        let window = Window { from_ms: 90_000, to_ms: 200_000, step_ms: 60_000 };
        let buckets = gather(&[(70_000, 1.0), (95_000, 2.0), (130_000, 3.0)], Kind::Gauge, window);
        assert_eq!(buckets.iter().map(|bucket| bucket.time_ms).collect::<Vec<_>>(), [60_000, 120_000]);
        assert!(window.buckets() >= buckets.len());
    }
}
