//! Rolling up against the plainest way of counting, whatever the samples are.

use super::*;
use crate::model::arrival::Gathered;
use crate::model::catalogue::{CatalogueId, Column};
use crate::series::chunk::Cells;
use crate::series::tier::{self, Tier};
use proptest::prelude::*;

const STEP_MS: i64 = 300_000;

fn catalogue(id: u8, scale: u8) -> Arc<Catalogue> {
    let column = |name: &str, kind| Column {
        name: name.into(),
        attributes: Attributes::new(),
        unit: "1".into(),
        scale,
        kind,
    };
    let columns = vec![column("level", Kind::Gauge), column("total", Kind::Counter)];
    Arc::new(Catalogue { id: CatalogueId([id; 16]), resource: Attributes::new(), columns: columns.into() })
}

type Sample = (i64, Option<i64>, Option<i64>);

fn chunk(samples: &[Sample]) -> Chunk {
    let column = |pick: fn(&Sample) -> Option<i64>| Cells::Each(samples.iter().map(pick).collect());
    Chunk {
        catalogue: [0; 16],
        times_ms: samples.iter().map(|sample| sample.0).collect(),
        columns: vec![column(|sample| sample.1), column(|sample| sample.2)],
    }
}

fn rows(id: u8, scale: u8, samples: &[Sample]) -> Rows {
    merge(&[(catalogue(id, scale), chunk(samples))]).remove(0)
}

/// The figures of one bucket, counted one by one.
fn level_by_hand(samples: &[Sample], start_ms: i64) -> Option<Figures> {
    let values: Vec<i64> = samples
        .iter()
        .filter(|sample| (start_ms..start_ms + STEP_MS).contains(&sample.0))
        .filter_map(|sample| sample.1)
        .collect();
    Some(Figures {
        last: *values.last()?,
        min: *values.iter().min()?,
        max: *values.iter().max()?,
        sum: values.iter().sum(),
        count: values.len() as i64,
        span_ms: 0,
    })
}

/// Sum, count and span of what a total grew by in one bucket.
fn total_by_hand(samples: &[Sample], start_ms: i64) -> (i64, i64, i64) {
    let points: Vec<(i64, i64)> = samples.iter().filter_map(|sample| Some((sample.0, sample.2?))).collect();
    let mut found = (0, 0, 0);
    for (place, (time_ms, value)) in points.iter().enumerate().skip(1) {
        let (before_ms, before) = points[place - 1];
        if (start_ms..start_ms + STEP_MS).contains(time_ms) && *time_ms > before_ms {
            let grown = if *value < before { *value } else { value - before };
            found = (found.0 + grown, found.1 + 1, found.2 + time_ms - before_ms);
        }
    }
    found
}

fn check(samples: &[Sample], buckets: &[Bucket]) {
    let starts: std::collections::BTreeSet<i64> =
        samples.iter().map(|sample| start_of(sample.0, STEP_MS)).collect();
    assert_eq!(buckets.iter().map(|bucket| bucket.start_ms).collect::<Vec<_>>(), Vec::from_iter(starts));
    for bucket in buckets {
        assert_eq!(bucket.figures[0], level_by_hand(samples, bucket.start_ms));
        let within = |sample: &&Sample| start_of(sample.0, STEP_MS) == bucket.start_ms;
        let last = samples.iter().filter(within).filter_map(|sample| sample.2).next_back();
        assert_eq!(bucket.figures[1].map(|figures| figures.last), last);
        let counted = bucket.figures[1].map_or((0, 0, 0), |it| (it.sum, it.count, it.span_ms));
        assert_eq!(counted, total_by_hand(samples, bucket.start_ms));
        let mean = counted.0 as f64 / counted.1.max(1) as f64;
        let figures = bucket.figures[1].unwrap_or_default();
        assert!(figures.min as f64 <= mean + 0.5 && mean <= figures.max as f64 + 0.5, "{figures:?}");
    }
}

fn samples() -> impl Strategy<Value = Vec<Sample>> {
    let time = prop_oneof![3 => 1_i64..60_000, 1 => 1_i64..900_000];
    let sample =
        (time, prop::option::weighted(0.8, -1_000_i64..1_000), prop::option::weighted(0.8, 0_i64..500));
    prop::collection::vec(sample, 1..150).prop_map(|gaps| {
        let (mut time_ms, mut total) = (0, 1_000);
        let mut samples = Vec::new();
        for (gap, level, grown) in gaps {
            time_ms += gap;
            // Every so often the counting starts anew.
            total = if grown == Some(7) { 3 } else { total + grown.unwrap_or(0) };
            samples.push((time_ms, level, grown.map(|_| total)));
        }
        samples
    })
}

proptest! {
    #[test]
    fn buckets_are_what_counting_one_by_one_gives(samples in samples()) {
        let rolled = roll(&[rows(1, 0, &samples)], &[], &Apart::default(), STEP_MS);
        check(&samples, &rolled[0].1);
    }

    #[test]
    fn the_order_and_the_pieces_that_samples_come_in_change_nothing(
        samples in samples(), cuts in prop::collection::vec(0_usize..4, 150)
    ) {
        let whole = roll(&[rows(1, 0, &samples)], &[], &Apart::default(), STEP_MS);
        let piece = |number: usize| -> Vec<Sample> {
            samples.iter().zip(&cuts).filter(|(_, cut)| **cut == number).map(|(sample, _)| *sample).collect()
        };
        let pieces: Vec<_> = [2, 0, 3, 1].map(|number| (catalogue(1, 0), chunk(&piece(number)))).into();
        prop_assert_eq!(roll(&merge(&pieces), &[], &Apart::default(), STEP_MS), whole);
    }

    #[test]
    fn increases_go_on_from_what_came_before(samples in samples(), cut in any::<prop::sample::Index>()) {
        let cut = cut.index(samples.len());
        let (before, after) = samples.split_at(cut);
        let rolled = roll(&[rows(1, 0, after)], &[rows(2, 0, before)], &Apart::default(), STEP_MS);
        for bucket in &rolled[0].1 {
            let counted = bucket.figures[1].map_or((0, 0, 0), |it| (it.sum, it.count, it.span_ms));
            // A bucket that the cut goes through has only the part after it.
            if before.iter().all(|sample| start_of(sample.0, STEP_MS) != bucket.start_ms) {
                prop_assert_eq!(counted, total_by_hand(&samples, bucket.start_ms));
            }
        }
    }

    #[test]
    fn hours_of_buckets_are_hours_of_samples(samples in samples()) {
        let hour = Tier::Hour.step_ms().unwrap();
        let at_once = roll(&[rows(1, 0, &samples)], &[], &Apart::default(), hour);
        let in_steps = roll_further(&roll(&[rows(1, 0, &samples)], &[], &Apart::default(), STEP_MS), hour);
        for (once, steps) in at_once[0].1.iter().zip(&in_steps[0].1) {
            prop_assert_eq!((once.start_ms, once.rows, once.figures[0]), (steps.start_ms, steps.rows, steps.figures[0]));
            let part = |it: &Bucket| it.figures[1].map(|it| (it.last, it.sum, it.count, it.span_ms));
            prop_assert_eq!(part(once), part(steps));
        }
        prop_assert_eq!(at_once[0].1.len(), in_steps[0].1.len());
    }

    #[test]
    fn buckets_pack_and_unpack(samples in samples()) {
        let rolled = roll(&[rows(1, 0, &samples)], &[], &Apart::default(), STEP_MS);
        let (catalogue, buckets) = &rolled[0];
        let columns = tier::columns_of(catalogue, buckets);
        let chunk = Chunk {
            catalogue: [0; 16],
            times_ms: buckets.iter().map(|bucket| bucket.start_ms).collect(),
            columns: columns.into_iter().map(Cells::Each).collect(),
        };
        prop_assert_eq!(&tier::buckets_of(catalogue, &chunk), buckets);
        let again: Vec<Bucket> =
            buckets.iter().map(|bucket| Bucket::from_values(bucket.start_ms, &bucket.to_values())).collect();
        prop_assert_eq!(&again, buckets);
    }
}

#[test]
fn a_counter_goes_on_under_a_catalogue_with_more_digits() {
    let (old, new) = (vec![(0, None, Some(10))], vec![(10_000, None, Some(1_250))]);
    let rolled = roll(&[rows(1, 0, &old), rows(2, 2, &new)], &[], &Apart::default(), STEP_MS);
    let figures = rolled[1].1[0].figures[1].unwrap();
    assert_eq!(
        (figures.sum, figures.count, figures.span_ms),
        (250, 1, 10_000),
        "hundredths: from 10.00 to 12.50"
    );
    assert_eq!(rolled[0].1[0].figures[1].unwrap().count, 0);
}

#[test]
fn increases_over_unequal_times_are_compared_as_rates() {
    let samples = [(0, None, Some(0)), (10_000, None, Some(100)), (40_000, None, Some(160))];
    let figures = roll(&[rows(1, 0, &samples)], &[], &Apart::default(), STEP_MS)[0].1[0].figures[1].unwrap();
    // 10 and 2 a second; the mean time is 20 s.
    assert_eq!((figures.min, figures.max, figures.sum), (40, 200, 160));
}

#[test]
fn what_an_agent_counted_itself_is_a_rate_between_its_own_samples() {
    let gathered = |count, min, max, sum, last| Some(Gathered { count, min, max, sum, last });
    let of = |kind: Kind, one: Option<Gathered>| {
        let columns = Arc::new([Column { kind, ..catalogue(1, 0).columns[0].clone() }]);
        let catalogue = Catalogue { id: CatalogueId([1; 16]), resource: Attributes::new(), columns };
        let (from_ms, to_ms) = (STEP_MS + 15_000, STEP_MS + 285_000);
        let columns = [one];
        let all = tier::Aggregate { from_ms, to_ms, step_ms: STEP_MS, count: 20, columns: &columns };
        let bucket = tier::Bucket::from_values(0, &all.values(&catalogue));
        assert_eq!((bucket.rows, bucket.span_ms), (20, 270_000));
        bucket.figures[0]
    };
    let level = Figures { last: 2, min: 1, max: 9, sum: 18, count: 4, span_ms: 0 };
    assert_eq!(of(Kind::Gauge, gathered(4, 1, 9, 18, 2)), Some(level));
    let total = of(Kind::Counter, gathered(10, 100, 190, 0, 190)).unwrap();
    assert_eq!((total.sum, total.count, total.span_ms), (90, 9, 270_000));
    assert_eq!((total.min, total.max), (10, 10));
    let uneven = of(Kind::Counter, gathered(10, 100, 195, 0, 195)).unwrap();
    assert_eq!((uneven.min, uneven.max), (10, 11), "no mean lies outside");
    let one = of(Kind::Counter, gathered(1, 5, 5, 5, 5));
    assert_eq!(one, Some(Figures { last: 5, ..Figures::default() }));
    assert_eq!(of(Kind::Gauge, None), None);
}

#[test]
fn what_an_agent_counted_itself_lies_in_the_bucket_of_its_middle() {
    let place =
        |from_ms, to_ms, step_ms| tier::Aggregate { from_ms, to_ms, step_ms, count: 2, columns: &[] }.place();
    let (five, hour) = (300_000, 3_600_000);
    assert_eq!(place(0, 285_000, five), (Tier::FiveMinutes, 0));
    assert_eq!(place(-140_000, 145_000, five), (Tier::FiveMinutes, 0), "the host's clock is ahead");
    assert_eq!(place(200_000, 485_000, five), (Tier::FiveMinutes, five));
    assert_eq!(place(hour + 15_000, 2 * hour - 15_000, hour), (Tier::Hour, hour));
    assert_eq!(
        place(0, 60_000, 60_000),
        (Tier::FiveMinutes, 0),
        "of steps that no tier has: the next longer"
    );
    assert_eq!(place(0, 10 * hour, 86_400_000), (Tier::Hour, 5 * hour));
    assert_eq!(place(i64::MIN, i64::MAX, i64::MAX).0, Tier::Hour);
}
