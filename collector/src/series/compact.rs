//! Compaction: a day's chunks merged host by host, rolled up to coarser tiers, and deleted when their time is over.
//!
//! Works in steps of a few hosts, each of which may be the last before the process is killed: what a host's rows were
//! rolled up to is written first, and only then the rows themselves are replaced, so that a step done twice does the
//! same again. Only rows are merged that no row of the log can bring back. It must not know who calls it and when.

mod derive;

use super::chunk;
use super::day::{DAY_MS, Day, Form, Put, Row, Stored, day_of, start_of};
use super::open::{Piece, Sorted};
use super::read::Part;
use super::roll;
use super::tier::{self, Bucket, Tier};
use super::{LogId, Series, SeriesError, groups};
use crate::model::agent::AgentId;
use crate::model::catalogue::Catalogue;
use std::collections::BTreeSet;
use std::sync::Arc;

/// A day is merged when it has been over for so long: by then its last hours are closed.
const AFTER_MS: i64 = 45 * 60_000;
/// Hosts of one step.
const AGENTS_AT_ONCE: usize = 16;
/// A coarser tier is made at once where it has at most this share of the rows that it is made of: then it is nearly
/// free. Otherwise samples answer as well, and it is made when they are about to go.
const ROWS_FOR_A_BUCKET: usize = 100;
/// So many days before samples go, everything that is to stand for them is made.
const DAYS_AHEAD: i64 = 2;
/// Rows of buckets up to which varints pack better than pco.
const SHORT_ROWS: usize = 120;

/// How long what is kept; none for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keep {
    /// Days of samples as they came.
    pub raw_days: u32,
    /// Days of buckets of five minutes.
    pub five_minutes_days: Option<u32>,
    /// Days of buckets of an hour.
    pub hours_days: Option<u32>,
}

impl Default for Keep {
    fn default() -> Self {
        Self { raw_days: 30, five_minutes_days: Some(365), hours_days: None }
    }
}

impl Keep {
    const fn days(&self, tier: Tier) -> Option<u32> {
        match tier {
            Tier::Raw => Some(self.raw_days),
            Tier::FiveMinutes => self.five_minutes_days,
            Tier::Hour => self.hours_days,
        }
    }

    /// Whether everything that is to stand for a day's samples must be there.
    fn is_final(&self, day: Day, now_ms: i64) -> bool {
        day_of(now_ms) - day >= i64::from(self.raw_days) - DAYS_AHEAD
    }
}

/// What a call of [`Series::compact`] has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Compacted {
    /// Hosts whose day was merged or rolled up.
    pub hosts: usize,
    /// Whether there is more to do: call again.
    pub more: bool,
}

/// What is known to need nothing, so that it is not looked at again.
#[derive(Debug, Default)]
pub(super) struct Done {
    merged: BTreeSet<(Tier, Day)>,
    rolled_up: BTreeSet<Day>,
    shrunk: BTreeSet<(Tier, Day)>,
}

impl Done {
    /// Something has come.
    pub(super) fn undo(&mut self, place: (Tier, Day)) {
        self.merged.remove(&place);
        self.rolled_up.remove(&place.1);
    }
}

/// A chunk to write.
struct Packed {
    catalogue: Arc<Catalogue>,
    logs: (LogId, LogId),
    pieces: Vec<Piece>,
}

/// What becomes of one host's day.
struct Change {
    agent: AgentId,
    gone: Vec<i64>,
    unreadable: Vec<i64>,
    merged: Vec<Packed>,
    derived: Vec<Derived>,
}

/// A host's buckets of one file.
struct Derived {
    place: (Tier, Day),
    source: i64,
    buckets: Vec<Packed>,
}

impl Series {
    /// Does one step of what there is to do; rows of the log below `log_from` are gone for ever.
    pub fn compact(&self, keep: &Keep, log_from: LogId, now_ms: i64) -> Result<Compacted, SeriesError> {
        for tier in Tier::ALL {
            for day in self.days_over(tier, now_ms) {
                if self.done().merged.contains(&(tier, day)) {
                    continue;
                }
                // Marked first and taken back: what comes meanwhile takes the mark away again.
                self.done().merged.insert((tier, day));
                if !self.days.has_fresh(tier, day)? {
                    continue;
                }
                self.done().merged.remove(&(tier, day));
                let agents = self.days.fresh_agents(tier, day, log_from, AGENTS_AT_ONCE)?;
                if !agents.is_empty() {
                    return self.merge(tier, day, &agents, keep, log_from, now_ms);
                }
            }
        }
        for day in self.days_over(Tier::Raw, now_ms) {
            if let Some(compacted) = self.roll_up_rest(day, keep, now_ms)? {
                return Ok(compacted);
            }
        }
        self.shrink(now_ms)
    }

    /// Deletes files past their time, and says how many. Samples stay until all that is to stand for them is there.
    pub fn retain(&self, keep: &Keep, now_ms: i64) -> Result<usize, SeriesError> {
        let mut deleted = 0;
        for tier in Tier::ALL {
            let Some(days) = keep.days(tier) else { continue };
            let first = day_of(now_ms) - i64::from(days);
            for day in self.days.between(tier, 0, start_of(first)) {
                // Nothing may be closed into a file that goes.
                let _alone = self.settling();
                let is_needed = self.days.has_fresh(tier, day)?
                    || tier == Tier::Raw && !self.without(day, Tier::FiveMinutes)?.is_empty()
                    || tier == Tier::Raw && !self.without(day, Tier::Hour)?.is_empty();
                if day < first && !is_needed {
                    self.days.delete(tier, day)?;
                    deleted += 1;
                }
            }
        }
        Ok(deleted)
    }

    fn days_over(&self, tier: Tier, now_ms: i64) -> Vec<Day> {
        let today = day_of(now_ms.saturating_sub(AFTER_MS));
        self.days.between(tier, 0, start_of(today).max(1)).into_iter().filter(|day| *day < today).collect()
    }

    /// Hosts whose samples of a day are not rolled up to a tier.
    fn without(&self, day: Day, tier: Tier) -> Result<Vec<AgentId>, SeriesError> {
        let all = self.days.agents(Tier::Raw, day, &[Form::Merged, Form::Unreadable], None)?;
        let source = self.days.source(Tier::Raw, day)?;
        let done = self.days.agents(tier, day, &[Form::Derived], Some(source))?;
        Ok(all.difference(&done).copied().collect())
    }

    /// Rolls up what is only rolled up when samples are about to go.
    fn roll_up_rest(&self, day: Day, keep: &Keep, now_ms: i64) -> Result<Option<Compacted>, SeriesError> {
        if !keep.is_final(day, now_ms) || self.done().rolled_up.contains(&day) {
            return Ok(None);
        }
        self.done().rolled_up.insert(day);
        let mut agents: BTreeSet<AgentId> = BTreeSet::new();
        for tier in Tier::ROLLED {
            agents.extend(self.without(day, tier)?.into_iter().take(AGENTS_AT_ONCE));
        }
        if agents.is_empty() {
            return Ok(None);
        }
        self.done().rolled_up.remove(&day);
        let mut changes = Vec::new();
        for agent in &agents {
            let rows = self.days.reported(Tier::Raw, day, *agent)?;
            let merged = roll::merge(&rows.iter().filter_map(unpacked).collect::<Vec<_>>());
            let before = self.before(*agent, start_of(day))?;
            let derived = self.roll_up(*agent, day, (&merged, &before), &Tier::ROLLED)?;
            changes.push(Change { derived, ..Change::of(*agent) });
        }
        self.put_derived(&changes)?;
        Ok(Some(Compacted { hosts: agents.len(), more: true }))
    }

    /// Merges the rows of some hosts.
    fn merge(
        &self,
        tier: Tier,
        day: Day,
        agents: &[AgentId],
        keep: &Keep,
        log_from: LogId,
        now_ms: i64,
    ) -> Result<Compacted, SeriesError> {
        let mut changes = Vec::with_capacity(agents.len());
        for agent in agents {
            let mut rows = self.days.reported(tier, day, *agent)?;
            rows.retain(|row| row.found.form == Form::Merged || row.logs.1 < log_from);
            changes.push(match tier {
                Tier::Raw => self.merge_samples(day, *agent, &rows, keep, now_ms)?,
                Tier::FiveMinutes | Tier::Hour => self.merge_buckets((tier, day), *agent, &rows)?,
            });
        }
        self.put_derived(&changes)?;
        let rows: Vec<Vec<Row<'_>>> =
            changes.iter().map(|change| rows(change.agent, &change.merged, Form::Merged, 0)).collect();
        let puts: Vec<Put<'_>> = changes
            .iter()
            .zip(&rows)
            .map(|(change, rows)| Put::Merged { gone: &change.gone, unreadable: &change.unreadable, rows })
            .collect();
        self.days.put(tier, day, &puts)?;
        self.done().shrunk.remove(&(tier, day));
        Ok(Compacted { hosts: agents.len(), more: true })
    }

    fn merge_samples(
        &self,
        day: Day,
        agent: AgentId,
        rows: &[Stored],
        keep: &Keep,
        now_ms: i64,
    ) -> Result<Change, SeriesError> {
        let mut change = Change::replacing(agent, rows);
        let parts: Vec<Part> = rows.iter().filter_map(unpacked).collect();
        let merged = roll::merge(&parts);
        let logs = logs_of(rows);
        for (catalogue, sorted) in &merged {
            let pieces = sorted.encode_day(catalogue.id, &groups::of(catalogue));
            change.merged.push(Packed { catalogue: Arc::clone(catalogue), logs, pieces });
        }
        let source = self.days.source(Tier::Raw, day)?;
        let count: usize = merged.iter().map(|(_, sorted)| sorted.times_ms.len()).sum();
        let before = self.before(agent, start_of(day))?;
        let mut due = Vec::new();
        for tier in Tier::ROLLED {
            let buckets = tier.step_ms().map_or(1, |step_ms| DAY_MS / step_ms) as usize;
            let is_due = keep.is_final(day, now_ms)
                || count >= buckets * ROWS_FOR_A_BUCKET
                || self.has_derived((tier, day), agent, source)?;
            if is_due {
                due.push(tier);
            }
        }
        change.derived = self.roll_up(agent, day, (&merged, &before), &due)?;
        self.roll_up_next_day(&mut change, day, rows, &merged)?;
        Ok(change)
    }

    fn merge_buckets(
        &self,
        (tier, day): (Tier, Day),
        agent: AgentId,
        rows: &[Stored],
    ) -> Result<Change, SeriesError> {
        let mut change = Change::replacing(agent, rows);
        let parts: Vec<Part> = rows.iter().filter_map(unpacked).collect();
        let mut of_catalogue: Vec<(Arc<Catalogue>, Vec<Bucket>)> = Vec::new();
        for (catalogue, chunk) in &parts {
            let buckets = tier::buckets_of(catalogue, chunk);
            match of_catalogue.iter_mut().find(|(known, _)| known.id == catalogue.id) {
                Some((_, known)) => known.extend(buckets),
                None => of_catalogue.push((Arc::clone(catalogue), buckets)),
            }
        }
        of_catalogue.iter_mut().for_each(|(_, buckets)| buckets.sort_by_key(|bucket| bucket.start_ms));
        let logs = logs_of(rows);
        change.merged =
            of_catalogue.iter().map(|(catalogue, buckets)| packed(catalogue, buckets, tier, logs)).collect();
        if tier == Tier::FiveMinutes {
            let source = self.days.source(tier, day)?;
            let step_ms = Tier::Hour.step_ms().unwrap_or(DAY_MS);
            let hours = roll::roll_further(&of_catalogue, step_ms);
            let buckets =
                hours.iter().map(|(catalogue, buckets)| packed(catalogue, buckets, Tier::Hour, NO_LOGS));
            change.derived.push(Derived { place: (Tier::Hour, day), source, buckets: buckets.collect() });
        }
        self.roll_up_around(&mut change, day)?;
        Ok(change)
    }

    /// Writes what hosts' days were rolled up to, file by file.
    fn put_derived(&self, changes: &[Change]) -> Result<(), SeriesError> {
        let all = || changes.iter().flat_map(|change| change.derived.iter().map(|it| (change.agent, it)));
        let places: BTreeSet<(Tier, Day)> = all().map(|(_, derived)| derived.place).collect();
        for place in places {
            let of_place = all().filter(|(_, derived)| derived.place == place);
            let rows: Vec<(AgentId, i64, Vec<Row<'_>>)> = of_place
                .map(|(agent, it)| (agent, it.source, rows(agent, &it.buckets, Form::Derived, it.source)))
                .collect();
            let puts: Vec<Put<'_>> = rows
                .iter()
                .map(|(agent, source, rows)| Put::Derived { agent: *agent, source: *source, rows })
                .collect();
            self.days.put(place.0, place.1, &puts)?;
            self.done().shrunk.remove(&place);
        }
        Ok(())
    }

    /// Gives the room of what was merged back, of one file, and puts it away.
    fn shrink(&self, now_ms: i64) -> Result<Compacted, SeriesError> {
        for tier in Tier::ALL {
            for day in self.days_over(tier, now_ms) {
                let is_merged = self.done().merged.contains(&(tier, day));
                if is_merged && self.done().shrunk.insert((tier, day)) && self.days.shrink(tier, day)? {
                    return Ok(Compacted { hosts: 0, more: true });
                }
            }
        }
        Ok(Compacted::default())
    }
}

/// What was rolled up is of no row of the log.
const NO_LOGS: (LogId, LogId) = (0, -1);

impl Change {
    const fn of(agent: AgentId) -> Self {
        Self { agent, gone: Vec::new(), unreadable: Vec::new(), merged: Vec::new(), derived: Vec::new() }
    }

    fn replacing(agent: AgentId, rows: &[Stored]) -> Self {
        let (gone, unreadable): (Vec<&Stored>, Vec<&Stored>) =
            rows.iter().partition(|row| chunk::decode(&row.bytes, |_| false).is_ok());
        let numbers = |rows: Vec<&Stored>| rows.iter().map(|row| row.found.number).collect();
        Self { gone: numbers(gone), unreadable: numbers(unreadable), ..Self::of(agent) }
    }
}

fn unpacked(row: &Stored) -> Option<Part> {
    let chunk = chunk::decode(&row.bytes, |_| true);
    Some((Arc::clone(&row.catalogue), chunk.ok()?))
}

fn logs_of(rows: &[Stored]) -> (LogId, LogId) {
    let first = rows.iter().map(|row| row.logs.0).min().unwrap_or(NO_LOGS.0);
    let last = rows.iter().map(|row| row.logs.1).max().unwrap_or(NO_LOGS.1);
    (first, last)
}

fn packed(catalogue: &Arc<Catalogue>, buckets: &[Bucket], tier: Tier, logs: (LogId, LogId)) -> Packed {
    let times_ms: Vec<i64> = buckets.iter().map(|bucket| bucket.start_ms).collect();
    let sorted = Sorted { times_ms, columns: tier::columns_of(catalogue, buckets) };
    let mut pieces = if buckets.len() <= SHORT_ROWS {
        sorted.encode(catalogue.id)
    } else {
        sorted.encode_day(catalogue.id, &[])
    };
    super::last_whole(tier, &mut pieces);
    Packed { catalogue: Arc::clone(catalogue), logs, pieces }
}

fn rows<'a>(agent: AgentId, packed: &'a [Packed], form: Form, source: i64) -> Vec<Row<'a>> {
    let row = |packed: &'a Packed| Row {
        agent,
        catalogue: &packed.catalogue,
        logs: packed.logs,
        form,
        source,
        pieces: packed.pieces.clone(),
    };
    packed.iter().map(row).collect()
}

#[cfg(test)]
mod tests;
