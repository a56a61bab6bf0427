//! The history of samples: open hours in memory, closed chunks in a file for each day.
//!
//! Owns the way of a sample from its arrival to its deletion, and reading it back meanwhile. Samples come in by
//! [`Series::append`] once their row of the log is durable; from then on they can be read. [`Series::settle`] makes
//! closed chunks durable; [`Series::needed_from`] says which rows of the log are still needed to rebuild the rest after
//! a restart. It must not know of reports, alerts or pages.
//!
//! Every call blocks: short of [`Series::settle`] and reads of closed days, for microseconds.

pub mod chunk;
pub mod day;
pub mod open;
pub mod query;
mod stored;
mod varint;

use crate::model::agent::AgentId;
use crate::model::catalogue::{Attributes, Catalogue, Column};
use chunk::Chunk;
use day::{Day, Days, Span, Written};
use open::{HOUR_MS, Key, Open, OpenChunk};
use query::{Bucket, Point, Window};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Buckets that one answer may have for each line.
pub const BUCKETS_MAX: usize = 11_000;
/// Samples that one answer may be made of: what they take in memory stays below 64 MiB.
pub const SAMPLES_MAX: usize = 4_000_000;
/// How far before its start a read looks for the total that the first rate is counted from.
pub const LOOK_BACK_MS: i64 = 5 * 60_000;
/// Memory for open hours unless configured: room for some 10,000 hosts of 50 columns, at 15 s.
pub const OPEN_BYTES: usize = 256 << 20;

/// Number of a row of the log. Later rows have higher numbers, and a number is never used twice.
pub type LogId = i64;

/// One host's values at one moment.
#[derive(Debug, Clone, Copy)]
pub struct Sample<'a> {
    /// The host's agent.
    pub agent: AgentId,
    /// What the values are.
    pub catalogue: &'a Arc<Catalogue>,
    /// When, milliseconds since 1970.
    pub time_ms: i64,
    /// One for each of the catalogue's columns; what lacks is none.
    pub values: &'a [Option<i64>],
    /// The row of the log that makes it durable until its chunk is.
    pub log: LogId,
}

/// Why the history did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum SeriesError {
    /// A day's file could not be read or written: full disk, damaged file.
    #[error("history: {0}")]
    Database(#[from] rusqlite::Error),
    /// The folder or a file in it could not be used.
    #[error("history: {0}")]
    File(#[from] std::io::Error),
    /// A day's file was written by a newer release.
    #[error("history is of a newer release: schema {version}, this release knows up to {known}")]
    Newer {
        /// What the file says.
        version: i64,
        /// What this release knows.
        known: i64,
    },
    /// The window has no length, or more buckets than an answer may have.
    #[error("from, to and step make {buckets} buckets, expected 1 to {BUCKETS_MAX}")]
    Window {
        /// How many there would be.
        buckets: usize,
    },
    /// More samples would have to be read than one answer may be made of.
    #[error("more than {SAMPLES_MAX} samples: ask for fewer names or a shorter time")]
    TooMuch,
}

/// One column's buckets: of every catalogue that has a column of this name and these attributes.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// Name.
    pub name: String,
    /// What tells it from others of the name.
    pub attributes: Attributes,
    /// The column as last seen: unit, scale, kind. A counter's buckets are rates per second.
    pub column: Column,
    /// In order of time.
    pub buckets: Vec<Bucket>,
}

/// What a call of [`Series::settle`] has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Settled {
    /// Chunks that have become durable.
    pub chunks: usize,
    /// Whether more are due already: call again soon.
    pub more: bool,
}

/// What the history holds in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Figures {
    /// Bytes of open hours.
    pub held_bytes: usize,
    /// Chunks open or being closed.
    pub chunks: usize,
}

/// The history of all hosts' samples.
#[derive(Debug)]
pub struct Series {
    state: Mutex<State>,
    settling: Mutex<()>,
    days: Days,
}

#[derive(Debug)]
struct State {
    open: Open,
    closed: Closed,
}

/// What was closed before a restart, of the rows of the log that are read again after it.
#[derive(Debug, Default)]
struct Closed {
    spans: HashMap<Key, Vec<Span>>,
    last_log: Option<LogId>,
}

impl Series {
    /// Opens the history in a folder, made when it is not there. Open hours hold at most `open_bytes`. The caller then
    /// appends what the log has, from its oldest row `log_from` on; samples that are in a closed chunk already are
    /// passed over.
    pub fn open(directory: &Path, open_bytes: usize, log_from: LogId) -> Result<Self, SeriesError> {
        let days = Days::open(directory)?;
        let closed = Closed::new(days.closed_since(log_from)?);
        let state = State { open: Open::new(open_bytes), closed };
        Ok(Self { state: Mutex::new(state), settling: Mutex::default(), days })
    }

    /// Adds samples. All samples of one row of the log come in one call, rows in rising order; a sample that is
    /// appended twice is there twice.
    pub fn append(&self, samples: &[Sample<'_>], now_ms: i64) {
        let mut state = self.state();
        for sample in samples {
            if !state.closed.has(sample) {
                state.open.append(sample, now_ms);
            }
        }
    }

    /// Closes what is due and writes it. What cannot be written stays in memory and readable, and is tried again by
    /// the next call; the first error is returned. At most [`open::CLOSING_MAX`] chunks at a time.
    pub fn settle(&self, now_ms: i64) -> Result<Settled, SeriesError> {
        let _alone = self.settling.lock().unwrap_or_else(PoisonError::into_inner);
        let due = self.state().open.due(now_ms);
        let mut of_day: BTreeMap<Day, Vec<Arc<OpenChunk>>> = BTreeMap::new();
        for chunk in &due {
            of_day.entry(day::day_of(chunk.key.hour_ms)).or_default().push(Arc::clone(chunk));
        }
        let mut settled = Settled { chunks: 0, more: due.len() >= open::CLOSING_MAX };
        let mut failed = None;
        for (day, chunks) in of_day {
            let packed: Vec<Written<'_>> = chunks.iter().map(|chunk| packed(chunk)).collect();
            match self.days.write(day, &packed) {
                Ok(()) => {
                    self.state().open.confirm(&chunks);
                    settled.chunks += chunks.len();
                }
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        failed.map_or(Ok(settled), Err)
    }

    /// The lowest row of the log that is needed to rebuild what is only in memory; none when nothing is. Rows of the
    /// log that were not appended yet are the caller's to keep.
    pub fn needed_from(&self) -> Option<LogId> {
        self.state().open.needed_from()
    }

    /// Whether memory for open hours is used up because chunks cannot be written: no more reports should be taken.
    pub fn is_full(&self) -> bool {
        self.state().open.is_full()
    }

    /// What is held in memory.
    pub fn figures(&self) -> Figures {
        let state = self.state();
        Figures { held_bytes: state.open.held_bytes(), chunks: state.open.count() }
    }

    /// Deletes days that ended more than `keep_days` ago, and says how many.
    pub fn retain(&self, keep_days: u32, now_ms: i64) -> Result<usize, SeriesError> {
        self.days.delete_before(day::day_of(now_ms) - i64::from(keep_days))
    }

    /// One host's lines over a window, sorted by name and attributes: of the columns that are wanted, those that have
    /// any points in it. A host that is not known has none.
    pub fn range(
        &self,
        agent: AgentId,
        wanted: impl Fn(&Column) -> bool,
        window: Window,
    ) -> Result<Vec<Line>, SeriesError> {
        let buckets = window.buckets();
        if window.step_ms <= 0 || window.to_ms <= window.from_ms || buckets > BUCKETS_MAX {
            return Err(SeriesError::Window { buckets: if window.step_ms <= 0 { 0 } else { buckets } });
        }
        let mut lines: BTreeMap<(String, Attributes), (Column, Vec<Point>)> = BTreeMap::new();
        let mut samples = 0_usize;
        let from_ms = window.from_ms.saturating_sub(LOOK_BACK_MS);
        self.visit(agent, from_ms, window.to_ms, &wanted, |catalogue, chunk| {
            for (column, cells) in
                catalogue.columns.iter().zip(&chunk.columns).filter(|(column, _)| wanted(column))
            {
                let identity = (column.name.clone(), column.attributes.clone());
                let (newest, points) = lines.entry(identity).or_insert_with(|| (column.clone(), Vec::new()));
                newest.clone_from(column);
                let rows = chunk.times_ms.iter().enumerate();
                let value = |(row, time_ms): (usize, &i64)| Some((*time_ms, column.unscale(cells.at(row)?)));
                let before = points.len();
                points.extend(rows.filter_map(value));
                samples += points.len() - before;
            }
            if samples > SAMPLES_MAX { Err(SeriesError::TooMuch) } else { Ok(()) }
        })?;
        let line = |((name, attributes), (column, mut points)): (_, (Column, Vec<Point>))| {
            points.sort_by_key(|(time_ms, _)| *time_ms);
            let buckets = query::gather(&points, column.kind, window);
            Line { name, attributes, column, buckets }
        };
        Ok(lines.into_iter().map(line).filter(|line| !line.buckets.is_empty()).collect())
    }

    /// Shows each chunk, open or closed, of a host that may have samples from one time to before another.
    fn visit(
        &self,
        agent: AgentId,
        from_ms: i64,
        to_ms: i64,
        wanted: &dyn Fn(&Column) -> bool,
        mut show: impl FnMut(&Catalogue, &Chunk) -> Result<(), SeriesError>,
    ) -> Result<(), SeriesError> {
        // Memory first: a chunk that closes meanwhile is found on disk as well, and known by its first row of the log.
        let copies = self.state().open.copies(agent, from_ms, to_ms);
        let seen: HashSet<_> = copies.iter().map(|chunk| (chunk.key, chunk.first_log)).collect();
        for day in self.days.between(from_ms, to_ms) {
            for stored in day::or_none_if_damaged(day, self.days.read(day, agent, from_ms, to_ms))? {
                let key = Key { agent, hour_ms: stored.hour_ms, catalogue: stored.catalogue.id };
                if seen.contains(&(key, stored.first_log)) {
                    continue;
                }
                let is_wanted = |place: usize| stored.catalogue.columns.get(place).is_some_and(wanted);
                match chunk::decode(&stored.bytes, is_wanted) {
                    Ok(chunk) => show(&stored.catalogue, &chunk)?,
                    Err(error) => tracing::warn!(%agent, hour_ms = stored.hour_ms, %error, "chunk left out"),
                }
            }
        }
        copies
            .iter()
            .try_for_each(|copy| show(&copy.catalogue, &copy.sorted().into_chunk(copy.key.catalogue)))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Closed {
    fn new(spans: HashMap<Key, Vec<Span>>) -> Self {
        let last_log = spans.values().flatten().map(|span| span.logs.1).max();
        Self { spans, last_log }
    }

    /// Whether a closed chunk has this sample: one of its hour whose rows of the log and times enclose the sample's. A
    /// chunk has all samples of its hour between its first and its last row, so this is exact.
    fn has(&mut self, sample: &Sample<'_>) -> bool {
        let Some(last_log) = self.last_log else { return false };
        if sample.log > last_log {
            *self = Self::default();
            return false;
        }
        let encloses = |span: &Span| {
            let (first, last) = span.logs;
            let (from_ms, to_ms) = span.times_ms;
            (first..=last).contains(&sample.log) && (from_ms..=to_ms).contains(&sample.time_ms)
        };
        let key = Key::of(sample.agent, sample.catalogue.id, sample.time_ms);
        self.spans.get(&key).is_some_and(|spans| spans.iter().any(encloses))
    }
}

fn packed(chunk: &OpenChunk) -> Written<'_> {
    Written {
        key: chunk.key,
        catalogue: &chunk.catalogue,
        logs: (chunk.first_log, chunk.last_log),
        pieces: chunk.sorted().encode(chunk.key.catalogue),
    }
}

const _: () = assert!(LOOK_BACK_MS < HOUR_MS);

#[cfg(test)]
mod tests;
