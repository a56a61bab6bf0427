//! Tiers of the history: how finely samples are kept, and the figures that stand for the samples of a bucket.
//!
//! Pure. A rolled-up chunk is a chunk like any other whose rows are buckets and whose columns are figures, six for each
//! column of the catalogue. It must not know where chunks are kept.

use super::chunk::{Cells, Chunk};
use super::open::HOUR_MS;
use crate::model::arrival::Gathered;
use crate::model::catalogue::{Catalogue, Column, Kind};

/// How finely samples are kept, the finest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tier {
    /// As they came.
    Raw,
    /// A bucket for every five minutes.
    FiveMinutes,
    /// A bucket for every hour.
    Hour,
}

impl Tier {
    /// All tiers, the finest first.
    pub const ALL: [Self; 3] = [Self::Raw, Self::FiveMinutes, Self::Hour];
    /// Those that stand for more than one sample.
    pub const ROLLED: [Self; 2] = [Self::FiveMinutes, Self::Hour];

    /// Length of a bucket; none for samples as they came.
    pub const fn step_ms(self) -> Option<i64> {
        match self {
            Self::Raw => None,
            Self::FiveMinutes => Some(5 * 60_000),
            Self::Hour => Some(HOUR_MS),
        }
    }

    /// The finest tier that can hold what was gathered by steps of such a length.
    pub fn of_step(step_ms: i64) -> Self {
        let holds = |tier: &Self| tier.step_ms().is_some_and(|own_ms| own_ms >= step_ms);
        Self::ROLLED.into_iter().find(holds).unwrap_or(Self::Hour)
    }

    /// Its name in files and answers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::FiveMinutes => "5min",
            Self::Hour => "1h",
        }
    }
}

/// What stands for one column's samples of one bucket, in scaled values. Of a counter, `min`, `max` and `sum` are of
/// its increases from one sample to the next, `count` is of these, and `span_ms` is the time that they took; increases
/// over unequal times are given as if each had taken the mean of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Figures {
    /// Latest value.
    pub last: i64,
    /// Least.
    pub min: i64,
    /// Greatest.
    pub max: i64,
    /// Sum.
    pub sum: i64,
    /// How many.
    pub count: i64,
    /// Time that a counter's increases took, milliseconds.
    pub span_ms: i64,
}

impl Figures {
    /// What stands for the samples of several buckets, given in order of time.
    pub fn of_all(kind: Kind, parts: &[Self]) -> Option<Self> {
        let last = parts.last()?.last;
        let (mut sum, mut count, mut span_ms) = (0_i64, 0_i64, 0_i64);
        for part in parts {
            sum = sum.saturating_add(part.sum);
            count = count.saturating_add(part.count);
            span_ms = span_ms.saturating_add(part.span_ms);
        }
        let counted = parts.iter().filter(|part| part.count > 0);
        let (min, max) = match kind {
            Kind::Gauge => (counted.clone().map(|part| part.min).min(), counted.map(|part| part.max).max()),
            Kind::Counter => {
                let even =
                    |part: &Self, grown: i64| per_mean_time(grown, part.span_ms, part.count, span_ms, count);
                (
                    counted.clone().map(|part| even(part, part.min)).min(),
                    counted.map(|part| even(part, part.max)).max(),
                )
            }
        };
        Some(Self { last, min: min.unwrap_or(last), max: max.unwrap_or(last), sum, count, span_ms })
    }
}

/// What grew in the mean of some times (`span_ms` by `count`), as if it had grown in the mean of others.
pub fn per_mean_time(grown: i64, span_ms: i64, count: i64, to_span_ms: i64, to_count: i64) -> i64 {
    let below = i128::from(span_ms) * i128::from(to_count);
    if below <= 0 {
        return grown;
    }
    let above = (i128::from(grown) * i128::from(count)).saturating_mul(i128::from(to_span_ms));
    let rounded = above.saturating_add(below / 2).div_euclid(below);
    i64::try_from(rounded).unwrap_or(if rounded < 0 { i64::MIN } else { i64::MAX })
}

/// What an agent that has gathered several samples itself says of them, placed in time.
#[derive(Debug, Clone, Copy)]
pub struct Aggregate<'a> {
    /// When the first of them was measured, milliseconds since 1970.
    pub from_ms: i64,
    /// When the last of them was.
    pub to_ms: i64,
    /// Length of the steps that they were gathered by.
    pub step_ms: i64,
    /// How many they were.
    pub count: u32,
    /// One for each of the catalogue's columns.
    pub columns: &'a [Option<Gathered>],
}

impl Aggregate<'_> {
    /// Where it is kept: the tier, and the start of the bucket. Its steps are those of the host's clock, so that it may
    /// lie across the border of two buckets: it goes where its middle is, and so two steps seldom share a bucket.
    pub fn place(&self) -> (Tier, i64) {
        let tier = Tier::of_step(self.step_ms);
        let middle_ms = self.from_ms.midpoint(self.to_ms);
        let into_ms = tier.step_ms().map_or(0, |step_ms| middle_ms.rem_euclid(step_ms));
        (tier, middle_ms.saturating_sub(into_ms))
    }

    /// The values of a sample that stands for it.
    pub fn values(&self, catalogue: &Catalogue) -> Vec<Option<i64>> {
        let span_ms = self.to_ms.saturating_sub(self.from_ms).max(0);
        let figures = |(place, column): (usize, &Column)| {
            Some(figures(column.kind, self.columns.get(place).copied().flatten()?, span_ms))
        };
        let figures = catalogue.columns.iter().enumerate().map(figures).collect();
        Bucket { start_ms: 0, rows: i64::from(self.count), span_ms, figures }.to_values()
    }
}

/// What is kept of one column. Of a total, which never falls within an aggregate, only the first and the last value are
/// known: how its increases differed is not, so each is between the mean rounded down and rounded up.
fn figures(kind: Kind, gathered: Gathered, span_ms: i64) -> Figures {
    let Gathered { count, min, max, sum, last } = gathered;
    let count = i64::from(count);
    match kind {
        Kind::Gauge => Figures { last, min, max, sum, count, span_ms: 0 },
        Kind::Counter => {
            let pairs = count.saturating_sub(1);
            if pairs <= 0 {
                return Figures { last, ..Figures::default() };
            }
            let sum = max.saturating_sub(min).max(0);
            let least = sum / pairs;
            let greatest = least + i64::from(sum % pairs > 0);
            Figures { last, min: least, max: greatest, sum, count: pairs, span_ms }
        }
    }
}

/// Columns that say something of a whole bucket: its samples, and the time from the last of the one before to its own.
pub const LEADING: usize = 2;
/// Columns for each column of the catalogue.
pub const EACH: usize = 6;

/// How many columns a rolled-up chunk of so many columns has.
pub const fn width(columns: usize) -> usize {
    LEADING + EACH * columns
}

/// Which of the columns of a rolled-up chunk must be read for those of the catalogue that are wanted.
pub fn is_wanted(place: usize, wanted: impl Fn(usize) -> bool) -> bool {
    place.checked_sub(LEADING).is_none_or(|place| wanted(place / EACH))
}

/// A bucket of one host: figures for each column of the catalogue, none where it has no sample of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bucket {
    /// When it starts, milliseconds since 1970.
    pub start_ms: i64,
    /// Samples of the host in it.
    pub rows: i64,
    /// From the last sample before it to its own last one.
    pub span_ms: i64,
    /// For each column.
    pub figures: Vec<Option<Figures>>,
}

impl Bucket {
    /// As values of a sample, for the time until it is packed.
    pub fn to_values(&self) -> Vec<Option<i64>> {
        let mut values = vec![Some(self.rows), Some(self.span_ms)];
        for figures in &self.figures {
            let figures = figures.map(|it| [it.last, it.min, it.max, it.sum, it.count, it.span_ms]);
            values.extend(figures.map_or([None; EACH], |figures| figures.map(Some)));
        }
        values
    }

    /// From such values.
    pub fn from_values(start_ms: i64, values: &[Option<i64>]) -> Self {
        let (leading, each) = values.split_at_checked(LEADING).unwrap_or_default();
        let number = |place: usize| leading.get(place).copied().flatten().unwrap_or_default();
        let figures = |six: &[Option<i64>]| match *six {
            [Some(last), Some(min), Some(max), Some(sum), Some(count), Some(span_ms)] => {
                Some(Figures { last, min, max, sum, count, span_ms })
            }
            _ => None,
        };
        let figures = each.chunks_exact(EACH).map(figures).collect();
        Self { start_ms, rows: number(0), span_ms: number(1), figures }
    }
}

/// The columns of a rolled-up chunk, each made small by what the others let expect; [`figures_of`] undoes it.
pub fn columns_of(catalogue: &Catalogue, buckets: &[Bucket]) -> Vec<Vec<Option<i64>>> {
    let mut columns = Vec::with_capacity(width(catalogue.columns.len()));
    columns.push(buckets.iter().map(|bucket| Some(bucket.rows)).collect());
    columns.push(buckets.iter().map(|bucket| Some(bucket.span_ms)).collect());
    for (place, column) in catalogue.columns.iter().enumerate() {
        let mut each: [Vec<Option<i64>>; EACH] = std::array::from_fn(|_| Vec::with_capacity(buckets.len()));
        let mut before = None;
        for bucket in buckets {
            let plain = bucket.figures.get(place).copied().flatten();
            let expected = Expected { rows: bucket.rows, span_ms: bucket.span_ms, before };
            let tight = plain.map(|plain| expected.differences(column.kind, plain));
            let tight = tight.map(|it| [it.last, it.min, it.max, it.sum, it.count, it.span_ms].map(Some));
            each.iter_mut().zip(tight.unwrap_or_default()).for_each(|(values, value)| values.push(value));
            before = plain.map_or(before, |plain| Some(plain.last));
        }
        columns.extend(each);
    }
    columns
}

/// The buckets of a whole chunk.
pub fn buckets_of(catalogue: &Catalogue, chunk: &Chunk) -> Vec<Bucket> {
    let number = |offset: usize, row: usize| {
        chunk.columns.get(offset).and_then(|cells| cells.at(row)).unwrap_or_default()
    };
    let bucket = |(row, start_ms): (usize, &i64)| Bucket {
        start_ms: *start_ms,
        rows: number(0, row),
        span_ms: number(1, row),
        figures: vec![None; catalogue.columns.len()],
    };
    let mut buckets: Vec<Bucket> = chunk.times_ms.iter().enumerate().map(bucket).collect();
    for (place, column) in catalogue.columns.iter().enumerate() {
        for (row, _, figures) in figures_of(chunk, column.kind, place) {
            if let Some(cell) = buckets.get_mut(row).and_then(|bucket| bucket.figures.get_mut(place)) {
                *cell = Some(figures);
            }
        }
    }
    buckets
}

/// The buckets of one column of a rolled-up chunk: its row, when it starts, and its figures.
pub fn figures_of(chunk: &Chunk, kind: Kind, place: usize) -> Vec<(usize, i64, Figures)> {
    let cell = |offset: usize, row: usize| chunk.columns.get(offset).and_then(|cells| cells.at(row));
    let first = LEADING + EACH * place;
    if matches!(chunk.columns.get(first), None | Some(Cells::Empty)) {
        return Vec::new();
    }
    let mut before = None;
    let mut buckets = Vec::with_capacity(chunk.times_ms.len());
    for (row, start_ms) in chunk.times_ms.iter().enumerate() {
        let read = |offset: usize| cell(first + offset, row);
        let Some(((last, min), (max, sum))) = read(0).zip(read(1)).zip(read(2).zip(read(3))) else {
            continue;
        };
        let Some((count, span_ms)) = read(4).zip(read(5)) else { continue };
        let tight = Figures { last, min, max, sum, count, span_ms };
        let expected =
            Expected { rows: cell(0, row).unwrap_or(0), span_ms: cell(1, row).unwrap_or(0), before };
        let plain = expected.plain(kind, tight);
        before = Some(plain.last);
        buckets.push((row, *start_ms, plain));
    }
    buckets
}

/// What the rest of a row, and the row before, let expect of a column's figures.
struct Expected {
    rows: i64,
    span_ms: i64,
    before: Option<i64>,
}

impl Expected {
    fn differences(&self, kind: Kind, plain: Figures) -> Figures {
        let Figures { last, min, max, sum, count, span_ms } = plain;
        let count_left = self.rows.wrapping_sub(count);
        match kind {
            Kind::Gauge => Figures {
                last,
                min: last.wrapping_sub(min),
                max: max.wrapping_sub(last),
                sum: sum.wrapping_sub(last.wrapping_mul(count)),
                count: count_left,
                span_ms,
            },
            Kind::Counter => Figures {
                last,
                min,
                max: max.wrapping_sub(min),
                sum: sum.wrapping_sub(last.wrapping_sub(self.before.unwrap_or(last))),
                count: count_left,
                span_ms: self.span_ms.wrapping_sub(span_ms),
            },
        }
    }

    fn plain(&self, kind: Kind, tight: Figures) -> Figures {
        let Figures { last, min, max, sum, count, span_ms } = tight;
        let count = self.rows.wrapping_sub(count);
        match kind {
            Kind::Gauge => Figures {
                last,
                min: last.wrapping_sub(min),
                max: max.wrapping_add(last),
                sum: sum.wrapping_add(last.wrapping_mul(count)),
                count,
                span_ms,
            },
            Kind::Counter => Figures {
                last,
                min,
                max: max.wrapping_add(min),
                sum: sum.wrapping_add(last.wrapping_sub(self.before.unwrap_or(last))),
                count,
                span_ms: self.span_ms.wrapping_sub(span_ms),
            },
        }
    }
}
