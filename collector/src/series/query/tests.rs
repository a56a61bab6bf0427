//! Buckets of levels and rates.

use super::*;
use crate::model::catalogue::Attributes;

const MINUTE: Window = Window { from_ms: 0, to_ms: 600_000, step_ms: 60_000 };

fn column(kind: Kind, scale: u8) -> Column {
    Column { name: "x".into(), attributes: Attributes::new(), unit: "1".into(), scale, kind }
}

fn line(points: &[(i64, i64)], kind: Kind, window: Window) -> Line {
    let column = column(kind, 1);
    let mut line = Line::new(&column, window);
    let times: Vec<i64> = points.iter().map(|(time_ms, _)| *time_ms).collect();
    let cells = Cells::Full(points.iter().map(|(_, value)| *value * 10).collect());
    line.feed(&column, &times, &window.runs(&times), &cells, &Apart::default());
    let mut other = Line::new(&column, window);
    let each = Cells::Each(points.iter().map(|(_, value)| Some(*value * 10)).collect());
    other.feed(&column, &times, &window.runs(&times), &each, &Apart::default());
    assert_eq!(line.buckets(), other.buckets(), "in whatever form the values are");
    line
}

fn check(points: &[(i64, i64)], kind: Kind, expect: &[(i64, f64, f64, f64, f64)]) {
    let buckets = line(points, kind, MINUTE).buckets();
    let got: Vec<_> = buckets.iter().map(|b| (b.time_ms, b.min, b.max, b.mean, b.last)).collect();
    assert_eq!(got, expect);
}

#[test]
fn a_level_keeps_least_greatest_mean_and_last() {
    let points = [(0, 4), (15_000, 1), (59_999, 7), (60_000, 5)];
    check(&points, Kind::Gauge, &[(0, 1.0, 7.0, 4.0, 7.0), (60_000, 5.0, 5.0, 5.0, 5.0)]);
}

#[test]
fn buckets_without_points_are_left_out() {
    check(&[(0, 1), (240_000, 2)], Kind::Gauge, &[(0, 1.0, 1.0, 1.0, 1.0), (240_000, 2.0, 2.0, 2.0, 2.0)]);
}

#[test]
fn a_total_becomes_its_rate_weighted_by_time() {
    check(&[(0, 100), (10_000, 200), (40_000, 200)], Kind::Counter, &[(0, 0.0, 10.0, 2.5, 0.0)]);
}

#[test]
fn a_total_that_falls_has_started_anew() {
    check(&[(0, 1_000_000_000), (10_000, 50)], Kind::Counter, &[(0, 5.0, 5.0, 5.0, 5.0)]);
}

#[test]
fn one_total_or_two_of_the_same_time_give_no_rate() {
    check(&[(0, 1)], Kind::Counter, &[]);
    check(&[(0, 1), (0, 9)], Kind::Counter, &[]);
}

#[test]
fn a_total_from_before_the_window_only_counts_for_the_next() {
    let window = Window { from_ms: 60_000, to_ms: 120_000, step_ms: 60_000 };
    let buckets = line(&[(50_000, 0), (70_000, 40), (120_000, 90)], Kind::Counter, window).buckets();
    assert_eq!(buckets, [Bucket { time_ms: 60_000, min: 2.0, max: 2.0, mean: 2.0, last: 2.0 }]);
}

#[test]
fn buckets_start_at_multiples_of_the_step() {
    let window = Window { from_ms: 90_000, to_ms: 200_000, step_ms: 60_000 };
    let buckets =
        line(&[(70_000, 1), (95_000, 2), (130_000, 3), (200_000, 9)], Kind::Gauge, window).buckets();
    assert_eq!(buckets.iter().map(|bucket| bucket.time_ms).collect::<Vec<_>>(), [60_000, 120_000]);
    assert_eq!(window.buckets(), 3);
}

#[test]
fn a_catalogue_with_more_digits_goes_on_with_the_same_line() {
    let mut line = line(&[(0, 4), (60_000, 100)], Kind::Counter, MINUTE);
    let finer = column(Kind::Counter, 3);
    line.feed(&finer, &[90_000], &MINUTE.runs(&[90_000]), &Cells::Constant(130_500), &Apart::default());
    let last = *line.buckets().last().unwrap();
    assert!((last.last - 30.5 / 30.0).abs() < 1e-9, "{last:?}");
    line.begin();
    line.feed(&finer, &[100_000], &MINUTE.runs(&[100_000]), &Cells::Constant(999_000), &Apart::default());
    assert_eq!(line.buckets().last(), Some(&last), "another host's total is not its continuation");
}

#[test]
fn a_window_is_read_from_the_coarsest_tier_that_fits() {
    let check = |from_ms, to_ms, step_ms, expect| {
        assert_eq!(Window { from_ms, to_ms, step_ms }.tier(), expect, "{from_ms} {to_ms} {step_ms}");
    };
    check(0, 86_400_000, 60_000, Tier::Raw);
    check(0, 86_400_000, 300_000, Tier::FiveMinutes);
    check(0, 86_400_000, 900_000, Tier::FiveMinutes);
    check(0, 86_400_000, 7_200_000, Tier::Hour);
    check(300_000, 86_400_000, 3_600_000, Tier::FiveMinutes);
    check(0, 86_399_999, 3_600_000, Tier::Raw);
}

#[test]
fn a_bucket_of_a_tier_counts_as_what_it_stands_for() {
    let mut line = line(&[(0, 4), (15_000, 8)], Kind::Gauge, MINUTE);
    let figures = Figures { last: 20, min: 10, max: 90, sum: 120, count: 4, span_ms: 0 };
    line.feed_bucket(&column(Kind::Gauge, 1), 0, 60_000, figures);
    let expect = Bucket { time_ms: 0, min: 1.0, max: 9.0, mean: 4.0, last: 8.0 };
    assert_eq!(line.buckets(), [expect]);
    let mut rate = Line::new(&column(Kind::Counter, 1), MINUTE);
    let figures = Figures { last: 900, min: 10, max: 30, sum: 40, count: 2, span_ms: 20_000 };
    rate.feed_bucket(&column(Kind::Counter, 1), 60_000, 300_000, figures);
    assert_eq!(rate.buckets(), [Bucket { time_ms: 60_000, min: 0.1, max: 0.3, mean: 0.2, last: 0.2 }]);
}

#[test]
fn a_window_within_a_bucket_shows_it_unless_there_is_something_finer() {
    let window = Window { from_ms: 600_000, to_ms: 1_200_000, step_ms: 60_000 };
    let figures = Figures { last: 20, min: 10, max: 90, sum: 120, count: 4, span_ms: 0 };
    let of_hour = |line: &mut Line| line.feed_bucket(&column(Kind::Gauge, 1), 0, 3_600_000, figures);
    let mut alone = Line::new(&column(Kind::Gauge, 1), window);
    of_hour(&mut alone);
    alone.finish();
    assert_eq!(alone.buckets(), [Bucket { time_ms: 600_000, min: 1.0, max: 9.0, mean: 3.0, last: 2.0 }]);
    let mut finer = line(&[(700_000, 5)], Kind::Gauge, window);
    of_hour(&mut finer);
    finer.finish();
    assert_eq!(finer.buckets().len(), 1);
    assert_eq!((finer.buckets()[0].time_ms, finer.buckets()[0].mean), (660_000, 5.0));
    let mut over = Line::new(&column(Kind::Gauge, 1), window);
    over.feed_bucket(&column(Kind::Gauge, 1), 0, 300_000, figures);
    over.finish();
    assert!(over.is_empty(), "what ended before is of another time");
}

#[test]
fn a_total_does_not_count_twice_what_a_bucket_tells() {
    let window = Window { from_ms: 0, to_ms: 7_200_000, step_ms: 3_600_000 };
    let (column, times) = (column(Kind::Counter, 0), [0, 10_000, 3_600_000, 3_610_000]);
    let mut apart = Apart::default();
    apart.add(&[600_000], 300_000);
    let mut line = Line::new(&column, window);
    line.feed(&column, &times, &window.runs(&times), &Cells::Full(vec![0, 10, 9_000, 9_020]), &apart);
    assert_eq!(line.buckets().iter().map(|bucket| bucket.mean).collect::<Vec<_>>(), [1.0, 2.0]);
}
