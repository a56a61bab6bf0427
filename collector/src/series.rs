//! The history of samples: open hours in memory, closed chunks in a file for each day.
//!
//! Owns the way of a sample from its arrival to its deletion, and reading it back meanwhile. Samples come in by
//! [`Series::append`] once their row of the log is durable; from then on they can be read. [`Series::settle`] makes
//! closed chunks durable; [`Series::needed_from`] says which rows of the log are still needed to rebuild the rest after
//! a restart. It must not know of reports, alerts or pages.
//!
//! Every call blocks: short of [`Series::settle`] and reads of closed days, for microseconds.

pub mod apart;
pub mod chunk;
mod compact;
pub mod day;
pub mod groups;
pub mod open;
pub mod query;
mod read;
pub mod roll;
mod stored;
pub mod tier;

pub use compact::{Compacted, Keep};
pub use read::Gathered;

use crate::model::agent::AgentId;
use crate::model::catalogue::Catalogue;
use crate::varint;
use day::{Day, Days, Form, Put, Row, Span};
use open::{HOUR_MS, Key, Open, OpenChunk};
use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Buckets that one answer may have for each line.
pub const BUCKETS_MAX: usize = 11_000;
/// Buckets that one answer may have in all its lines: what they take in memory stays below 32 MiB.
pub const CELLS_MAX: usize = 1 << 19;
/// Samples that one answer may be made of: a second's work or two.
pub const SAMPLES_MAX: usize = 100_000_000;
/// How far before its start a read looks for the total that the first rate is counted from.
pub const LOOK_BACK_MS: i64 = 5 * 60_000;
/// Memory for open hours unless configured: room for some 10,000 hosts of 50 columns, at 15 s.
pub const OPEN_BYTES: usize = 256 << 20;

/// Number of a row of the log. Later rows have higher numbers, and a number is never used twice.
pub type LogId = i64;

/// One host's values at one moment, or what stands for those of a bucket that the agent has measured itself.
#[derive(Debug, Clone, Copy)]
pub struct Sample<'a> {
    /// The host's agent.
    pub agent: AgentId,
    /// What the values are.
    pub catalogue: &'a Arc<Catalogue>,
    /// [`Tier::Raw`](tier::Tier::Raw) for a moment, another for a bucket of its length.
    pub tier: tier::Tier,
    /// When, or when the bucket starts; milliseconds since 1970.
    pub time_ms: i64,
    /// One for each of the catalogue's columns, none where that lacks; for a bucket, what
    /// [`tier::Aggregate::values`] makes.
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
    /// More lines than fit one answer, with this many buckets each.
    #[error("more than {} series of {buckets} steps", CELLS_MAX / buckets)]
    TooManyCells {
        /// How many each has.
        buckets: usize,
    },
    /// More would have to be read than one answer may be made of.
    #[error("more than {SAMPLES_MAX} samples to read")]
    TooManySamples,
    /// Nobody waits for the answer any more.
    #[error("cancelled")]
    Cancelled,
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
    done: Mutex<compact::Done>,
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
        Ok(Self { state: Mutex::new(state), settling: Mutex::default(), done: Mutex::default(), days })
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
        let _alone = self.settling();
        let due = self.state().open.due(now_ms);
        let mut of_day: BTreeMap<(tier::Tier, Day), Vec<Arc<OpenChunk>>> = BTreeMap::new();
        for chunk in &due {
            let place = (chunk.key.tier, day::day_of(chunk.key.hour_ms));
            of_day.entry(place).or_default().push(Arc::clone(chunk));
        }
        let mut settled = Settled { chunks: 0, more: due.len() >= open::CLOSING_MAX };
        let mut failed = None;
        for ((tier, day), chunks) in of_day {
            let rows: Vec<Row<'_>> = chunks.iter().map(|chunk| packed(chunk)).collect();
            match self.days.put(tier, day, &[Put::Fresh(&rows)]) {
                Ok(()) => {
                    self.done().undo((tier, day));
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

    fn settling(&self) -> MutexGuard<'_, ()> {
        self.settling.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn done(&self) -> MutexGuard<'_, compact::Done> {
        self.done.lock().unwrap_or_else(PoisonError::into_inner)
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
        let key = Key::of(sample.agent, sample.tier, sample.catalogue.id, sample.time_ms);
        self.spans.get(&key).is_some_and(|spans| spans.iter().any(encloses))
    }
}

fn packed(chunk: &OpenChunk) -> Row<'_> {
    let mut pieces = chunk.kept().encode(chunk.key.catalogue);
    last_whole(chunk.key.tier, &mut pieces);
    Row {
        agent: chunk.key.agent,
        catalogue: &chunk.catalogue,
        logs: (chunk.first_log, chunk.last_log),
        form: Form::Fresh,
        source: 0,
        pieces,
    }
}

/// A piece of buckets goes on to the end of its last one.
fn last_whole(tier: tier::Tier, pieces: &mut [open::Piece]) {
    let length_ms = tier.step_ms().map_or(0, |step_ms| step_ms - 1);
    pieces.iter_mut().for_each(|piece| piece.to_ms = piece.to_ms.saturating_add(length_ms));
}

const _: () = assert!(LOOK_BACK_MS < HOUR_MS);

#[cfg(test)]
mod tests;
