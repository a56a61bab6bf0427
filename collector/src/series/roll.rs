//! Rolling up: from a host's samples of a day to buckets, and from buckets to longer ones.
//!
//! Pure. What comes out depends on the samples alone, in whatever pieces and order they came, so that it can be made
//! anew whenever late ones arrive. A bucket without samples is not there. It must not know where chunks are kept.

use super::apart::Apart;
use super::chunk::Chunk;
use super::open::Sorted;
use super::tier::{Bucket, Figures, per_mean_time};
use crate::model::catalogue::{Attributes, Catalogue, CatalogueId, Kind};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

/// A host's samples under one catalogue, sorted.
pub type Rows = (Arc<Catalogue>, Sorted);

/// Puts the chunks of each catalogue together, sorted by time; samples of the same time keep their order.
pub fn merge(chunks: &[(Arc<Catalogue>, Chunk)]) -> Vec<Rows> {
    let mut of_catalogue: BTreeMap<CatalogueId, Vec<&(Arc<Catalogue>, Chunk)>> = BTreeMap::new();
    for part in chunks {
        of_catalogue.entry(part.0.id).or_default().push(part);
    }
    of_catalogue
        .into_values()
        .filter_map(|parts| Some((Arc::clone(&parts.first()?.0), sorted(&parts))))
        .collect()
}

fn sorted(parts: &[&(Arc<Catalogue>, Chunk)]) -> Sorted {
    let mut order: Vec<(i64, usize, usize)> = Vec::new();
    for (part, (_, chunk)) in parts.iter().enumerate() {
        order.extend(chunk.times_ms.iter().enumerate().map(|(row, time_ms)| (*time_ms, part, row)));
    }
    order.sort_by_key(|(time_ms, _, _)| *time_ms);
    let width = parts.iter().map(|(_, chunk)| chunk.columns.len()).max().unwrap_or(0);
    let value = |place: usize, part: usize, row: usize| {
        parts.get(part).and_then(|(_, chunk)| chunk.columns.get(place)).and_then(|cells| cells.at(row))
    };
    let column = |place| order.iter().map(|(_, part, row)| value(place, *part, *row)).collect();
    Sorted {
        times_ms: order.iter().map(|(time_ms, _, _)| *time_ms).collect(),
        columns: (0..width).map(column).collect(),
    }
}

/// The buckets of samples, for each catalogue. `before` is what came in the time before them: increases of counters are
/// counted from it. Over times that are `apart` none is.
pub fn roll(
    rows: &[Rows],
    before: &[Rows],
    apart: &Apart,
    step_ms: i64,
) -> Vec<(Arc<Catalogue>, Vec<Bucket>)> {
    let mut rolled: Vec<(Arc<Catalogue>, Vec<Bucket>)> = Vec::with_capacity(rows.len());
    for (catalogue, sorted) in rows {
        let ranges = ranges(&sorted.times_ms, step_ms);
        let mut buckets = empty_buckets(&sorted.times_ms, &ranges, step_ms, catalogue.columns.len());
        for (place, (column, values)) in catalogue.columns.iter().zip(&sorted.columns).enumerate() {
            for (bucket, range) in buckets.iter_mut().zip(&ranges) {
                let values = values.get(range.clone()).unwrap_or_default();
                let figures = match column.kind {
                    Kind::Gauge => level(values),
                    Kind::Counter => total(values),
                };
                if let Some(cell) = bucket.figures.get_mut(place) {
                    *cell = figures;
                }
            }
        }
        rolled.push((Arc::clone(catalogue), buckets));
    }
    count_increases(&mut rolled, rows, before, apart, step_ms);
    rolled
}

/// Longer buckets of shorter ones, which are sorted; several of one start are taken together.
pub fn roll_further(
    of_catalogue: &[(Arc<Catalogue>, Vec<Bucket>)],
    step_ms: i64,
) -> Vec<(Arc<Catalogue>, Vec<Bucket>)> {
    let further = |(catalogue, buckets): &(Arc<Catalogue>, Vec<Bucket>)| {
        let groups = buckets.chunk_by(|a, b| start_of(a.start_ms, step_ms) == start_of(b.start_ms, step_ms));
        let one =
            |group: &[Bucket]| Some(together(catalogue, start_of(group.first()?.start_ms, step_ms), group));
        (Arc::clone(catalogue), groups.filter_map(one).collect())
    };
    of_catalogue.iter().map(further).collect()
}

fn together(catalogue: &Catalogue, start_ms: i64, parts: &[Bucket]) -> Bucket {
    let figures = |(place, column): (usize, &crate::model::catalogue::Column)| {
        let each: Vec<Figures> =
            parts.iter().filter_map(|part| part.figures.get(place).copied().flatten()).collect();
        Figures::of_all(column.kind, &each)
    };
    Bucket {
        start_ms,
        rows: parts.iter().map(|part| part.rows).sum(),
        span_ms: parts.iter().map(|part| part.span_ms).sum(),
        figures: catalogue.columns.iter().enumerate().map(figures).collect(),
    }
}

fn start_of(time_ms: i64, step_ms: i64) -> i64 {
    time_ms.saturating_sub(time_ms.rem_euclid(step_ms.max(1)))
}

/// Which rows lie in which bucket.
fn ranges(times_ms: &[i64], step_ms: i64) -> Vec<Range<usize>> {
    let mut end = 0;
    let together = times_ms.chunk_by(|a, b| start_of(*a, step_ms) == start_of(*b, step_ms));
    together
        .map(|times| {
            let start = end;
            end += times.len();
            start..end
        })
        .collect()
}

fn empty_buckets(times_ms: &[i64], ranges: &[Range<usize>], step_ms: i64, columns: usize) -> Vec<Bucket> {
    let mut before = times_ms.first().copied().unwrap_or_default();
    let bucket = |range: &Range<usize>| {
        let last = range.end.checked_sub(1).and_then(|row| times_ms.get(row)).copied().unwrap_or(before);
        let span_ms = last.saturating_sub(std::mem::replace(&mut before, last));
        let rows = i64::try_from(range.len()).unwrap_or(i64::MAX);
        Bucket { start_ms: start_of(last, step_ms), rows, span_ms, figures: vec![None; columns] }
    };
    ranges.iter().map(bucket).collect()
}

fn level(values: &[Option<i64>]) -> Option<Figures> {
    let mut values = values.iter().copied().flatten();
    let first = values.next()?;
    let start = Figures { last: first, min: first, max: first, sum: first, count: 1, span_ms: 0 };
    Some(values.fold(start, |all, value| Figures {
        last: value,
        min: all.min.min(value),
        max: all.max.max(value),
        sum: all.sum.saturating_add(value),
        count: all.count + 1,
        span_ms: 0,
    }))
}

fn total(values: &[Option<i64>]) -> Option<Figures> {
    let last = values.iter().rev().copied().flatten().next()?;
    Some(Figures { last, ..Figures::default() })
}

/// One counter of one host: where its column is in each catalogue that has it, and how many digits its values shift.
type Counter = Vec<(Place, usize, u8)>;

/// Whose samples: those that are rolled up, or those before them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Before(usize),
    Rolled(usize),
}

/// A total, shifted by as many digits as the counter's finest column.
struct Point {
    time_ms: i64,
    total: i64,
    rolled: Option<usize>,
}

/// Fills in the increases of every counter. A counter goes on from one catalogue to the next.
fn count_increases(
    rolled: &mut [(Arc<Catalogue>, Vec<Bucket>)],
    rows: &[Rows],
    before: &[Rows],
    apart: &Apart,
    step_ms: i64,
) {
    let mut counters: BTreeMap<(&str, &Attributes), Counter> = BTreeMap::new();
    let before_too = before.iter().enumerate().map(|(number, rows)| (Place::Before(number), rows));
    let all = before_too.chain(rows.iter().enumerate().map(|(number, rows)| (Place::Rolled(number), rows)));
    for (owner, (catalogue, _)) in all {
        for (place, column) in catalogue.columns.iter().enumerate().filter(|(_, it)| it.kind == Kind::Counter)
        {
            counters.entry((&column.name, &column.attributes)).or_default().push((
                owner,
                place,
                column.scale,
            ));
        }
    }
    for counter in counters.into_values() {
        let finest = counter.iter().map(|(_, _, scale)| *scale).max().unwrap_or_default();
        let mut points: Vec<Point> = Vec::new();
        for (owner, place, scale) in &counter {
            let (sorted, number) = match owner {
                Place::Before(number) => (before.get(*number), None),
                Place::Rolled(number) => (rows.get(*number), Some(*number)),
            };
            let Some((_, sorted)) = sorted else { continue };
            let shift = power(finest.saturating_sub(*scale));
            let values = sorted.columns.get(*place).into_iter().flatten();
            let point = |(time_ms, value): (&i64, &Option<i64>)| {
                Some(Point {
                    time_ms: *time_ms,
                    total: value.as_ref()?.saturating_mul(shift),
                    rolled: number,
                })
            };
            points.extend(sorted.times_ms.iter().zip(values).filter_map(point));
        }
        if counter.len() > 1 {
            points.sort_by_key(|point| point.time_ms);
        }
        for (bucket, increases) in increases(&points, apart, step_ms) {
            let (number, start_ms) = bucket;
            let owner = counter.iter().find(|(owner, _, _)| *owner == Place::Rolled(number));
            let Some((_, place, scale)) = owner else { continue };
            let Some((_, buckets)) = rolled.get_mut(number) else { continue };
            let Ok(found) = buckets.binary_search_by_key(&start_ms, |bucket| bucket.start_ms) else {
                continue;
            };
            let cell = buckets.get_mut(found).and_then(|bucket| bucket.figures.get_mut(*place));
            if let Some(Some(figures)) = cell {
                fill(figures, &increases, power(finest.saturating_sub(*scale)));
            }
        }
    }
}

fn power(digits: u8) -> i64 {
    10_i64.checked_pow(u32::from(digits)).unwrap_or(i64::MAX)
}

/// What a counter grew by, and in what time, for each bucket: of which rolled rows, and its start.
fn increases(points: &[Point], apart: &Apart, step_ms: i64) -> BTreeMap<(usize, i64), Vec<(i64, i64)>> {
    let mut found: BTreeMap<(usize, i64), Vec<(i64, i64)>> = BTreeMap::new();
    for (before, after) in points.iter().zip(points.iter().skip(1)) {
        let took_ms = after.time_ms.saturating_sub(before.time_ms);
        let Some(number) = after.rolled.filter(|_| took_ms > 0) else { continue };
        if apart.is_between(before.time_ms, after.time_ms) {
            continue;
        }
        let bucket = (number, start_of(after.time_ms, step_ms));
        found.entry(bucket).or_default().push((increase(before.total, after.total), took_ms));
    }
    found
}

/// A total that fell has started anew from nothing: what it shows was counted since.
pub fn increase(before: i64, after: i64) -> i64 {
    let counted = if after < before { after } else { after.saturating_sub(before) };
    counted.max(0)
}

fn fill(figures: &mut Figures, increases: &[(i64, i64)], shift: i64) {
    let shifted = |grown: i64| if shift <= 1 { grown } else { grown.saturating_add(shift / 2) / shift };
    let count = i64::try_from(increases.len()).unwrap_or(i64::MAX);
    let span_ms = increases.iter().fold(0_i64, |sum, (_, took_ms)| sum.saturating_add(*took_ms));
    let even = |(grown, took_ms): &(i64, i64)| per_mean_time(shifted(*grown), *took_ms, 1, span_ms, count);
    figures.sum = shifted(increases.iter().fold(0_i64, |sum, (grown, _)| sum.saturating_add(*grown)));
    (figures.count, figures.span_ms) = (count, span_ms);
    figures.min = increases.iter().map(even).min().unwrap_or_default();
    figures.max = increases.iter().map(even).max().unwrap_or_default();
}

#[cfg(test)]
mod tests;
