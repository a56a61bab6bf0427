//! Open hours: what each host sent lately, in memory, until it is closed into chunks.
//!
//! Pure: no disk, no clock. All of it stays inside one budget of bytes, and it knows which rows of the log are needed
//! to make it anew. Rows lie one behind the other as changes from the row before, which costs one cache line to append
//! to; closing turns them into columns. It must not know where chunks go.

use super::chunk::{self, Chunk};
use super::day::{DAY_MS, day_of, start_of};
use super::tier::{self, Bucket, Tier};
use super::varint::{self, Reader};
use super::{LogId, Sample};
use crate::model::agent::AgentId;
use crate::model::catalogue::{Catalogue, CatalogueId};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// Length of what one chunk covers: an hour of UTC.
pub const HOUR_MS: i64 = 3_600_000;
/// Chunks of an hour that is over close within this time, each agent at its own moment, so that work is spread.
pub const CLOSE_SPREAD_MS: i64 = 15 * 60_000;
/// A chunk opened when its hour was over already waits this long for the rest of the late samples.
pub const LATE_WAIT_MS: i64 = 10 * 60_000;
/// Chunks handed out for closing at a time.
pub const CLOSING_MAX: usize = 256;

/// What tells one open chunk from the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// The host's agent.
    pub agent: AgentId,
    /// How finely its samples are kept.
    pub tier: Tier,
    /// Start of the hour, or of the day where rows are buckets; milliseconds since 1970.
    pub hour_ms: i64,
    /// What the columns are.
    pub catalogue: CatalogueId,
}

impl Key {
    /// The chunk that a sample belongs to.
    pub fn of(agent: AgentId, tier: Tier, catalogue: CatalogueId, time_ms: i64) -> Self {
        let hour_ms = if tier == Tier::Raw { hour_of(time_ms) } else { start_of(day_of(time_ms)) };
        Self { agent, tier, hour_ms, catalogue }
    }

    /// When the time that it covers is over.
    pub fn end_ms(&self) -> i64 {
        self.hour_ms.saturating_add(if self.tier == Tier::Raw { HOUR_MS } else { DAY_MS })
    }
}

/// Start of the hour that a time lies in.
pub fn hour_of(time_ms: i64) -> i64 {
    time_ms.saturating_sub(time_ms.rem_euclid(HOUR_MS))
}

/// One host's samples of one hour under one catalogue.
#[derive(Debug, Clone)]
pub struct OpenChunk {
    /// What tells it from the others.
    pub key: Key,
    /// What the columns are.
    pub catalogue: Arc<Catalogue>,
    /// Lowest row of the log that it has samples of.
    pub first_log: LogId,
    /// Highest row of the log that it has samples of.
    pub last_log: LogId,
    due_ms: i64,
    rows: u32,
    last_ms: i64,
    last: Box<[i64]>,
    missing: Box<[bool]>,
    bytes: Vec<u8>,
}

/// Rows unpacked and sorted by time, ready for [`chunk::encode`].
#[derive(Debug)]
pub struct Sorted {
    /// Time of each row, rising.
    pub times_ms: Vec<i64>,
    /// Values of each column.
    pub columns: Vec<Vec<Option<i64>>>,
}

impl OpenChunk {
    fn new(key: Key, catalogue: Arc<Catalogue>, log: LogId, due_ms: i64) -> Self {
        let columns = catalogue.columns.len();
        let columns = if key.tier == Tier::Raw { columns } else { tier::width(columns) };
        let columns = columns.min(chunk::COLUMNS_MAX);
        Self {
            key,
            catalogue,
            first_log: log,
            last_log: log,
            due_ms,
            rows: 0,
            last_ms: key.hour_ms,
            last: vec![0; columns].into(),
            missing: vec![true; columns].into(),
            bytes: Vec::new(),
        }
    }

    /// How many rows it has.
    pub fn rows(&self) -> usize {
        self.rows as usize
    }

    /// What it takes of the budget.
    pub fn held_bytes(&self) -> usize {
        const FIXED: usize = size_of::<OpenChunk>() + 3 * size_of::<Key>();
        FIXED + self.last.len() * 9 + self.bytes.capacity()
    }

    /// A row: the time's change, a bit for each column whether it changed, then the changes. A change of nothing means
    /// that the value is gone; a column that was gone comes back as a change from its last value.
    fn push(&mut self, time_ms: i64, values: &[Option<i64>], log: LogId) {
        self.make_room();
        varint::put_signed(&mut self.bytes, time_ms.wrapping_sub(self.last_ms));
        let bits_at = self.bytes.len();
        self.bytes.resize(bits_at + self.last.len().div_ceil(8), 0);
        let columns = self.last.iter_mut().zip(self.missing.iter_mut()).enumerate();
        for (place, (last, missing)) in columns {
            let value = values.get(place).copied().flatten();
            let change = match value {
                None if *missing => continue,
                None => 0,
                Some(value) if !*missing && value == *last => continue,
                Some(value) => value.wrapping_sub(*last),
            };
            varint::put_signed(&mut self.bytes, change);
            if let Some(byte) = self.bytes.get_mut(bits_at + place / 8) {
                *byte |= 1 << (place % 8);
            }
            *missing = value.is_none();
            *last = value.unwrap_or(*last);
        }
        self.last_ms = time_ms;
        self.last_log = self.last_log.max(log);
        self.rows += 1;
    }

    /// Grows by a quarter, not by doubling, since the unused part counts against the budget too.
    fn make_room(&mut self) {
        let likely = self.last.len() * 2 + varint::BYTES_MAX;
        if self.bytes.capacity() - self.bytes.len() < likely {
            self.bytes.reserve_exact(likely.max(self.bytes.len() / 4));
        }
    }

    /// Its rows in order of time, as columns. Rows of the same time keep the order of their arrival.
    pub fn sorted(&self) -> Sorted {
        let (times, columns) = self.unpack();
        let mut order: Vec<usize> = (0..times.len()).collect();
        let at = |row: usize| times.get(row).copied().unwrap_or_default();
        if times.is_sorted() {
            return Sorted { times_ms: times, columns };
        }
        order.sort_by_key(|row| at(*row));
        let pick =
            |values: Vec<Option<i64>>| order.iter().map(|row| values.get(*row).copied().flatten()).collect();
        let columns = columns.into_iter().map(pick).collect();
        Sorted { times_ms: order.iter().map(|row| at(*row)).collect(), columns }
    }

    /// Its rows as they are kept, in order of time.
    pub fn kept(&self) -> Sorted {
        let sorted = self.sorted();
        if self.key.tier == Tier::Raw {
            return sorted;
        }
        let buckets: Vec<Bucket> =
            sorted.rows().map(|(start_ms, row)| Bucket::from_values(start_ms, &row)).collect();
        Sorted { times_ms: sorted.times_ms, columns: tier::columns_of(&self.catalogue, &buckets) }
    }

    fn unpack(&self) -> (Vec<i64>, Vec<Vec<Option<i64>>>) {
        let width = self.last.len();
        let mut times = Vec::with_capacity(self.rows());
        let mut columns: Vec<Vec<Option<i64>>> = vec![Vec::with_capacity(self.rows()); width];
        let mut last = vec![0_i64; width];
        let mut reader = Reader::new(&self.bytes);
        let mut time_ms = self.key.hour_ms;
        while let Some(change) = reader.signed() {
            time_ms = time_ms.wrapping_add(change);
            times.push(time_ms);
            let bits = reader.take(width.div_ceil(8)).unwrap_or_default();
            for (place, (values, last)) in columns.iter_mut().zip(&mut last).enumerate() {
                let before = values.last().copied().flatten();
                let changed = bits.get(place / 8).is_some_and(|byte| byte >> (place % 8) & 1 == 1);
                values.push(match (changed.then(|| reader.signed()).flatten(), before) {
                    (None, before) => before,
                    (Some(0), Some(_)) => None,
                    (Some(change), Some(_) | None) => {
                        *last = last.wrapping_add(change);
                        Some(*last)
                    }
                });
            }
        }
        (times, columns)
    }
}

impl Sorted {
    /// As chunks' bytes with the first and the last time and the count of each, split where one would be too large.
    pub fn encode(&self, catalogue: CatalogueId) -> Vec<Piece> {
        let most = chunk::rows_max(self.columns.len());
        self.pieces(most, |times, columns| chunk::encode(catalogue.0, times, columns))
    }

    /// The same for chunks of a day.
    pub fn encode_day(&self, catalogue: CatalogueId, groups: &[Vec<usize>]) -> Vec<Piece> {
        let most = chunk::day_rows_max(self.columns.len());
        self.pieces(most, |times, columns| chunk::encode_day(catalogue.0, times, columns, groups))
    }

    fn pieces(
        &self,
        most: usize,
        encode: impl Fn(&[i64], &[Vec<Option<i64>>]) -> Option<Vec<u8>>,
    ) -> Vec<Piece> {
        let piece = |start: usize| {
            let end = (start + most).min(self.times_ms.len());
            let times = self.times_ms.get(start..end)?;
            let bytes = if times.len() == self.times_ms.len() {
                encode(times, &self.columns)?
            } else {
                let part = |values: &Vec<Option<i64>>| values.get(start..end).map(<[Option<i64>]>::to_vec);
                encode(times, &self.columns.iter().map(part).collect::<Option<Vec<_>>>()?)?
            };
            Some(Piece { from_ms: *times.first()?, to_ms: *times.last()?, count: times.len(), bytes })
        };
        (0..self.times_ms.len()).step_by(most).filter_map(piece).collect()
    }

    /// Each row: its time and its values.
    fn rows(&self) -> impl Iterator<Item = (i64, Vec<Option<i64>>)> {
        let row = |(row, time_ms): (usize, &i64)| {
            let value = |values: &Vec<Option<i64>>| values.get(row).copied().flatten();
            (*time_ms, self.columns.iter().map(value).collect())
        };
        self.times_ms.iter().enumerate().map(row)
    }

    /// As a chunk that needs no decoding.
    pub fn into_chunk(self, catalogue: CatalogueId) -> Chunk {
        let columns = self.columns.into_iter().map(chunk::Cells::Each).collect();
        Chunk { catalogue: catalogue.0, times_ms: self.times_ms, columns }
    }
}

/// A closed chunk's bytes and what is asked of them without unpacking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// Time of the first row.
    pub from_ms: i64,
    /// Time of the last row.
    pub to_ms: i64,
    /// Rows.
    pub count: usize,
    /// See [`chunk`].
    pub bytes: Vec<u8>,
}

/// All open chunks, and those handed out for closing that are not durable yet.
#[derive(Debug, Default)]
pub struct Open {
    budget_bytes: usize,
    held_bytes: usize,
    chunks: HashMap<AgentId, Vec<OpenChunk>>,
    deadlines: BTreeSet<(i64, Key)>,
    ages: BTreeSet<(LogId, Key)>,
    closing: Vec<Arc<OpenChunk>>,
}

impl Open {
    /// Holds at most so many bytes, as long as closing gets anywhere.
    pub fn new(budget_bytes: usize) -> Self {
        Self { budget_bytes, ..Self::default() }
    }

    /// Bytes held, of the open chunks and of those being closed.
    pub fn held_bytes(&self) -> usize {
        self.held_bytes
    }

    /// Open chunks, and those being closed.
    pub fn count(&self) -> usize {
        self.ages.len() + self.closing.len()
    }

    /// Whether the budget is used up, because closing does not get anywhere: nothing more should be taken.
    pub fn is_full(&self) -> bool {
        self.held_bytes >= self.budget_bytes
    }

    /// Adds a sample to the chunk of its hour, opening that when there is none.
    pub fn append(&mut self, sample: &Sample<'_>, now_ms: i64) {
        let key = Key::of(sample.agent, sample.tier, sample.catalogue.id, sample.time_ms);
        let chunks = self.chunks.entry(sample.agent).or_default();
        let place = chunks.iter().rposition(|chunk| chunk.key == key).unwrap_or_else(|| {
            let due_ms = due_ms(&key, now_ms);
            self.deadlines.insert((due_ms, key));
            self.ages.insert((sample.log, key));
            chunks.push(OpenChunk::new(key, Arc::clone(sample.catalogue), sample.log, due_ms));
            self.held_bytes += chunks.last().map_or(0, OpenChunk::held_bytes);
            chunks.len() - 1
        });
        if let Some(chunk) = chunks.get_mut(place) {
            let before = chunk.held_bytes();
            chunk.push(sample.time_ms, sample.values, sample.log);
            self.held_bytes += chunk.held_bytes() - before;
            if chunk.rows() == chunk::rows_max(chunk.last.len()) {
                self.deadlines.remove(&(chunk.due_ms, key));
                chunk.due_ms = i64::MIN;
                self.deadlines.insert((chunk.due_ms, key));
            }
        }
    }

    /// Takes the chunks to close now: those whose time has come, and the oldest when three quarters of the budget are
    /// used. They stay readable and held until [`Open::confirm`], and come again with the next call until then.
    pub fn due(&mut self, now_ms: i64) -> Vec<Arc<OpenChunk>> {
        let mut closing_bytes: usize = self.closing.iter().map(|chunk| chunk.held_bytes()).sum();
        while self.closing.len() < CLOSING_MAX {
            let open_bytes = self.held_bytes.saturating_sub(closing_bytes);
            let timely = self.deadlines.first().filter(|(due_ms, _)| *due_ms <= now_ms).map(|(_, key)| *key);
            let oldest = || self.ages.first().map(|(_, key)| *key);
            let crowded = open_bytes > self.budget_bytes / 4 * 3;
            let Some(key) = timely.or_else(|| if crowded { oldest() } else { None }) else { break };
            let Some(chunk) = self.remove(&key) else { break };
            closing_bytes += chunk.held_bytes();
            self.closing.push(Arc::new(chunk));
        }
        self.closing.clone()
    }

    /// Forgets chunks of [`Open::due`] that are durable.
    pub fn confirm(&mut self, durable: &[Arc<OpenChunk>]) {
        self.closing.retain(|held| !durable.iter().any(|chunk| Arc::ptr_eq(held, chunk)));
        let bytes: usize = durable.iter().map(|chunk| chunk.held_bytes()).sum();
        self.held_bytes = self.held_bytes.saturating_sub(bytes);
    }

    /// Makes every chunk due: before an orderly end.
    pub fn hurry(&mut self) {
        let keys = std::mem::take(&mut self.deadlines);
        self.deadlines = keys.into_iter().map(|(_, key)| (i64::MIN, key)).collect();
        self.chunks.values_mut().flatten().for_each(|chunk| chunk.due_ms = i64::MIN);
    }

    /// The lowest row of the log that has samples which are nowhere else but here.
    pub fn needed_from(&self) -> Option<LogId> {
        let open = self.ages.first().map(|(log, _)| *log);
        let closing = self.closing.iter().map(|chunk| chunk.first_log).min();
        open.into_iter().chain(closing).min()
    }

    /// Copies of an agent's chunks that may have samples between two times.
    pub fn copies(&self, agent: AgentId, from_ms: i64, to_ms: i64) -> Vec<Arc<OpenChunk>> {
        let within = |key: &Key| key.agent == agent && key.hour_ms < to_ms && key.end_ms() > from_ms;
        let open = self.chunks.get(&agent).into_iter().flatten().filter(|chunk| within(&chunk.key));
        let closing = self.closing.iter().filter(|chunk| within(&chunk.key)).map(Arc::clone);
        closing.chain(open.map(|chunk| Arc::new(chunk.clone()))).collect()
    }

    fn remove(&mut self, key: &Key) -> Option<OpenChunk> {
        let chunks = self.chunks.get_mut(&key.agent)?;
        let place = chunks.iter().position(|chunk| chunk.key == *key)?;
        let chunk = chunks.swap_remove(place);
        if chunks.is_empty() {
            self.chunks.remove(&key.agent);
        }
        self.deadlines.remove(&(chunk.due_ms, *key));
        self.ages.remove(&(chunk.first_log, *key));
        Some(chunk)
    }
}

/// When a chunk opened now is to be closed: after its hour, or after the wait for late samples, at the agent's moment.
fn due_ms(key: &Key, now_ms: i64) -> i64 {
    // Buckets come in lots, of times gone by: they wait for the rest of the lot only.
    let end_ms = if key.tier == Tier::Raw { key.end_ms() } else { now_ms };
    let whole_ms = if end_ms > now_ms { end_ms } else { now_ms.saturating_add(LATE_WAIT_MS) };
    let moment =
        key.agent.0.iter().fold(0_u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(*byte)));
    whole_ms.saturating_add((moment % CLOSE_SPREAD_MS as u64) as i64)
}

#[cfg(test)]
mod tests;
