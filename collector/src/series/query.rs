//! From samples to what a chart shows: one column's values gathered into buckets of equal length.
//!
//! Pure. A level keeps its least, greatest, mean and last value; a running total becomes its rate per second, across
//! restarts of the counting. Values stay scaled as they are kept until they are shown. It must not know where they come
//! from.

use super::apart::Apart;
use super::chunk::Cells;
use super::tier::{Figures, Tier};
use crate::model::catalogue::{Column, Kind};
use std::ops::Range;

/// Which times to gather, and how finely.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// From this time on, milliseconds since 1970.
    pub from_ms: i64,
    /// To before this time.
    pub to_ms: i64,
    /// Length of a bucket; each starts at a multiple of it.
    pub step_ms: i64,
}

impl Window {
    /// How many buckets it has.
    pub fn buckets(&self) -> usize {
        let length = self.to_ms.saturating_sub(self.start_ms()).max(0);
        let step = self.step_ms.max(1);
        let whole = length / step + i64::from(length % step > 0);
        usize::try_from(whole).unwrap_or(usize::MAX)
    }

    /// When its first bucket starts.
    pub fn start_ms(&self) -> i64 {
        self.from_ms.saturating_sub(self.from_ms.rem_euclid(self.step_ms.max(1)))
    }

    /// The coarsest tier whose buckets each lie whole in one of the window's.
    pub fn tier(&self) -> Tier {
        let fits = |tier: &&Tier| {
            tier.step_ms().is_none_or(|step_ms| {
                [self.from_ms, self.to_ms, self.step_ms].iter().all(|time| time.rem_euclid(step_ms) == 0)
            })
        };
        Tier::ALL.iter().rev().find(fits).copied().unwrap_or(Tier::Raw)
    }

    /// The bucket that a time lies in; none outside.
    fn place(&self, time_ms: i64) -> Option<usize> {
        let is_within = (self.from_ms..self.to_ms).contains(&time_ms);
        let place = time_ms.saturating_sub(self.start_ms()) / self.step_ms.max(1);
        is_within.then(|| usize::try_from(place).ok()).flatten()
    }

    /// Which rows lie in which bucket; rows outside in none. Times are in order.
    pub fn runs(&self, times_ms: &[i64]) -> Vec<(Option<usize>, Range<usize>)> {
        let mut runs: Vec<(Option<usize>, Range<usize>)> = Vec::new();
        let (mut until_ms, mut is_open) = (i64::MIN, false);
        for (row, time_ms) in times_ms.iter().enumerate() {
            match runs.last_mut() {
                Some((_, range)) if is_open && *time_ms < until_ms => range.end = row + 1,
                Some(_) | None => {
                    let place = self.place(*time_ms);
                    until_ms = match place {
                        Some(place) => self.end_of(place),
                        None if *time_ms < self.from_ms => self.from_ms,
                        None => i64::MAX,
                    };
                    is_open = true;
                    runs.push((place, row..row + 1));
                }
            }
        }
        runs
    }

    fn end_of(&self, place: usize) -> i64 {
        let steps = i64::try_from(place).unwrap_or(i64::MAX).saturating_add(1);
        self.start_ms().saturating_add(steps.saturating_mul(self.step_ms)).min(self.to_ms)
    }
}

/// A part of a window, and the tier that answered for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answered {
    /// What was read.
    pub tier: Tier,
    /// From when.
    pub from_ms: i64,
    /// Until when.
    pub to_ms: i64,
}

/// Times of one tier that are no further apart than this are one part.
const APART_MS: i64 = 3_600_000;

/// The parts of a window that these answered for, in order of time; those of one tier that follow each other are one.
pub(super) fn answered(window: Window, mut spans: Vec<Answered>) -> Vec<Answered> {
    spans.sort_by_key(|span| span.from_ms);
    let mut parts: Vec<Answered> = Vec::new();
    for span in spans {
        let span = Answered {
            from_ms: span.from_ms.max(window.from_ms),
            to_ms: span.to_ms.min(window.to_ms),
            ..span
        };
        if span.from_ms >= span.to_ms {
            continue;
        }
        let follows = |part: &&mut Answered| {
            part.tier == span.tier && span.from_ms <= part.to_ms.saturating_add(APART_MS)
        };
        match parts.iter_mut().rev().find(follows) {
            Some(part) => part.to_ms = part.to_ms.max(span.to_ms),
            None => parts.push(span),
        }
    }
    parts
}

/// What a bucket's samples come to. Rates are per second, of the column's unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bucket {
    /// When it starts, milliseconds since 1970.
    pub time_ms: i64,
    /// Least.
    pub min: f64,
    /// Greatest.
    pub max: f64,
    /// Mean: of the samples of a level; of a rate, all that was counted by all the time that it took.
    pub mean: f64,
    /// Latest.
    pub last: f64,
}

/// A bucket in the making, scaled as the line is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cell {
    /// Least.
    pub min: f64,
    /// Greatest.
    pub max: f64,
    sum: f64,
    weight: f64,
    /// Latest.
    pub last: f64,
    /// How many samples of a level, or increases of a total.
    pub count: u64,
    last_ms: i64,
}

impl Cell {
    const EMPTY: Self = Self {
        min: f64::INFINITY,
        max: f64::NEG_INFINITY,
        sum: 0.0,
        weight: 0.0,
        last: 0.0,
        count: 0,
        last_ms: i64::MIN,
    };

    /// Whether it has anything.
    pub const fn is_empty(&self) -> bool {
        self.weight <= 0.0
    }

    /// Mean; of an empty one there is none.
    pub fn mean(&self) -> f64 {
        self.sum / self.weight
    }

    /// What the mean is of: samples, or the seconds that a rate was counted in.
    pub const fn weight(&self) -> f64 {
        self.weight
    }

    fn add(&mut self, time_ms: i64, part: Self) {
        self.min = self.min.min(part.min);
        self.max = self.max.max(part.max);
        self.sum += part.sum;
        self.weight += part.weight;
        self.count += part.count;
        if time_ms >= self.last_ms {
            (self.last, self.last_ms) = (part.last, time_ms);
        }
    }
}

/// One column's buckets: of every catalogue that has a column of this name and these attributes.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// The column as last seen: name, attributes, unit, scale, kind. A counter's buckets are rates per second.
    pub column: Column,
    /// The window.
    pub window: Window,
    /// A place for each of its buckets, scaled by the column's scale.
    pub cells: Vec<Cell>,
    previous: Option<(i64, f64)>,
    /// Of a tier's bucket that begins before the window and goes on into it.
    reaching_in: Option<Cell>,
}

impl Line {
    /// A line without anything.
    pub fn new(column: &Column, window: Window) -> Self {
        let cells = vec![Cell::EMPTY; window.buckets()];
        Self { column: column.clone(), window, cells, previous: None, reaching_in: None }
    }

    /// Whether it has anything in its window.
    pub fn is_empty(&self) -> bool {
        self.cells.iter().all(Cell::is_empty)
    }

    /// To be called when all is fed: a line without anything shows what a bucket from before its window says.
    pub fn finish(&mut self) {
        if self.is_empty()
            && let Some((first, part)) = self.cells.first_mut().zip(self.reaching_in)
        {
            *first = part;
        }
    }

    /// Buckets that have anything, in order of time, in the column's unit.
    pub fn buckets(&self) -> Vec<Bucket> {
        let power = 10_f64.powi(i32::from(self.column.scale));
        let start_ms = self.window.start_ms();
        let cells = self.cells.iter().enumerate().filter(|(_, cell)| !cell.is_empty());
        cells
            .map(|(place, cell)| Bucket {
                time_ms: start_ms.saturating_add((place as i64).saturating_mul(self.window.step_ms)),
                min: cell.min / power,
                max: cell.max / power,
                mean: cell.mean() / power,
                last: cell.last / power,
            })
            .collect()
    }

    /// Begins with another host: what it counts has nothing to do with what was counted before.
    pub fn begin(&mut self) {
        self.previous = None;
    }

    /// Takes the column as a newer catalogue has it: what is there already is scaled anew.
    fn factor(&mut self, column: &Column) -> f64 {
        let (own, other) = (self.column.scale, column.scale);
        if other > own {
            let power = 10_f64.powi(i32::from(other - own));
            for cell in self.cells.iter_mut().chain(&mut self.reaching_in) {
                (cell.min, cell.max) = (cell.min * power, cell.max * power);
                (cell.sum, cell.last) = (cell.sum * power, cell.last * power);
            }
            self.previous = self.previous.map(|(time_ms, total)| (time_ms, total * power));
        }
        self.column.unit.clone_from(&column.unit);
        self.column.kind = column.kind;
        self.column.scale = own.max(other);
        10_f64.powi(i32::from(self.column.scale - other))
    }

    /// Adds samples, which are in order of time and not before those added last. What a total grew by over times that are
    /// `apart` is not counted.
    pub fn feed(
        &mut self,
        column: &Column,
        times_ms: &[i64],
        runs: &[(Option<usize>, Range<usize>)],
        cells: &Cells,
        apart: &Apart,
    ) {
        let factor = self.factor(column);
        for (place, range) in runs {
            let times_ms = times_ms.get(range.clone()).unwrap_or_default();
            match (column.kind, place) {
                (Kind::Gauge, None) => {}
                (Kind::Gauge, Some(place)) => {
                    let part = level(times_ms, range, cells, factor);
                    if let Some(((time_ms, part), cell)) = part.zip(self.cells.get_mut(*place)) {
                        cell.add(time_ms, part);
                    }
                }
                (Kind::Counter, _) => {
                    let values = times_ms
                        .iter()
                        .zip(range.clone())
                        .filter_map(|(time_ms, row)| Some((*time_ms, cells.at(row)? as f64 * factor)));
                    let cell = place.and_then(|place| self.cells.get_mut(place));
                    self.previous = total(values, cell, self.previous, apart);
                }
            }
        }
    }

    /// Adds a bucket of a tier, `step_ms` long; what it stands for counts as measured when it starts.
    pub fn feed_bucket(&mut self, column: &Column, start_ms: i64, step_ms: i64, figures: Figures) {
        let place = self.window.place(start_ms);
        let from_ms = self.window.from_ms;
        let reaches_in = start_ms < from_ms && start_ms.saturating_add(step_ms) > from_ms;
        if place.is_none() && !reaches_in {
            return;
        }
        let factor = self.factor(column);
        let cell = match place {
            Some(place) => self.cells.get_mut(place),
            None => Some(self.reaching_in.get_or_insert(Cell::EMPTY)),
        };
        let Some(cell) = cell else { return };
        let scaled = |value: i64| value as f64 * factor;
        let Figures { last, min, max, sum, count, span_ms } = figures;
        let samples = u64::try_from(count).unwrap_or_default();
        let part = match column.kind {
            Kind::Gauge => Cell {
                min: scaled(min),
                max: scaled(max),
                sum: scaled(sum),
                weight: count as f64,
                last: scaled(last),
                count: samples,
                last_ms: start_ms,
            },
            Kind::Counter => {
                let seconds = span_ms as f64 / 1_000.0;
                let per_s = count as f64 / seconds;
                let (min, max) = (scaled(min) * per_s, scaled(max) * per_s);
                Cell {
                    min,
                    max,
                    sum: scaled(sum),
                    weight: seconds,
                    last: scaled(sum) / seconds,
                    count: samples,
                    last_ms: start_ms,
                }
            }
        };
        if part.weight > 0.0 && part.min.is_finite() {
            cell.add(start_ms, part);
        }
    }
}

/// What the rows of a run come to, and when the last of them was.
fn level(times_ms: &[i64], range: &Range<usize>, cells: &Cells, factor: f64) -> Option<(i64, Cell)> {
    let scaled = |value: i64| value as f64 * factor;
    let whole = |min: i64, max: i64, sum: f64, count: usize, last: i64| Cell {
        min: scaled(min),
        max: scaled(max),
        sum: sum * factor,
        weight: count as f64,
        last: scaled(last),
        count: count as u64,
        last_ms: i64::MIN,
    };
    let last_ms = *times_ms.last()?;
    match cells {
        Cells::Empty => None,
        Cells::Constant(value) => {
            let sum = *value as f64 * range.len() as f64;
            Some((last_ms, whole(*value, *value, sum, range.len(), *value)))
        }
        Cells::Full(values) => {
            let values = values.get(range.clone())?;
            let (first, last) = (*values.first()?, *values.last()?);
            let (mut min, mut max, mut sum) = (first, first, 0.0);
            for value in values {
                min = min.min(*value);
                max = max.max(*value);
                sum += *value as f64;
            }
            Some((last_ms, whole(min, max, sum, values.len(), last)))
        }
        Cells::Each(values) => {
            let values = values.get(range.clone())?;
            let mut part: Option<(i64, Cell)> = None;
            for (time_ms, value) in times_ms.iter().zip(values) {
                let Some(value) = value else { continue };
                let one = whole(*value, *value, *value as f64, 1, *value);
                let (last_ms, all) = part.get_or_insert((*time_ms, Cell::EMPTY));
                all.add(*time_ms, one);
                *last_ms = *time_ms;
            }
            part
        }
    }
}

/// Counts what a total grew by from each value to the next; gives the last one back. A total that fell has started anew
/// from nothing: what it shows was counted since. What is counted elsewhere is left out.
fn total(
    values: impl Iterator<Item = (i64, f64)>,
    mut cell: Option<&mut Cell>,
    mut previous: Option<(i64, f64)>,
    apart: &Apart,
) -> Option<(i64, f64)> {
    for (time_ms, value) in values {
        let before = previous.replace((time_ms, value));
        let (Some((before_ms, before)), Some(cell)) = (before, cell.as_deref_mut()) else { continue };
        let seconds = time_ms.saturating_sub(before_ms) as f64 / 1_000.0;
        if seconds <= 0.0 || apart.is_between(before_ms, time_ms) {
            continue;
        }
        let counted = if value < before { value } else { value - before }.max(0.0);
        let rate = counted / seconds;
        let (sum, weight, count, last_ms) = (counted, seconds, 1, time_ms);
        let part = Cell { min: rate, max: rate, sum, weight, last: rate, count, last_ms };
        cell.add(time_ms, part);
    }
    previous
}

#[cfg(test)]
mod tests;
