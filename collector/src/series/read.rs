//! Reading the history: which rows of which tier answer for a host's day, gathered into lines.
//!
//! A day is read from the coarsest tier that fits, as long as nothing has come since it was rolled up; where that is
//! not there, from a finer one, and where samples are past their time, from what stands for them. Memory is looked at
//! first: a chunk that closes meanwhile is found on disk as well, and known by its first row of the log.

use super::apart::Apart;
use super::chunk::{self, Chunk};
use super::day::{self, DAY_MS, Day, Form, Found, Stored, day_of};
use super::open::OpenChunk;
use super::query::{self, Answered, Line, Window};
use super::tier::{self, Tier};
use super::{BUCKETS_MAX, CELLS_MAX, LOOK_BACK_MS, SAMPLES_MAX, Series, SeriesError};
use crate::model::agent::AgentId;
use crate::model::catalogue::{Attributes, Catalogue, CatalogueId, Column};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

/// Which columns.
pub(super) type Wanted<'a> = &'a dyn Fn(&Column) -> bool;
/// A chunk and what its columns are.
pub(super) type Part = (Arc<Catalogue>, Chunk);

/// What was found of one asset.
#[derive(Debug, Clone, PartialEq)]
pub struct Gathered {
    /// The lines, sorted by name and attributes.
    pub lines: Vec<Line>,
    /// What was read for them, in order of time.
    pub tiers: Vec<Answered>,
}

/// A host's day as far as it is asked for.
#[derive(Debug, Default)]
struct HostDay {
    /// Samples.
    raw: Vec<Part>,
    /// Buckets, with their length.
    rolled: Vec<(i64, Part)>,
}

/// One host's day, and what of it is open.
struct Asked<'a> {
    agent: AgentId,
    day: Day,
    times_ms: (i64, i64),
    tier: Tier,
    open: Vec<&'a Arc<OpenChunk>>,
}

impl Asked<'_> {
    fn is_open(&self, tier: Tier) -> bool {
        self.open.iter().any(|chunk| chunk.key.tier == tier)
    }
}

impl Series {
    /// One host's lines over a window, sorted by name and attributes: of the columns that are wanted, those that have
    /// anything in it. A host that is not known has none.
    pub fn range(
        &self,
        agent: AgentId,
        wanted: impl Fn(&Column) -> bool,
        window: Window,
    ) -> Result<Vec<Line>, SeriesError> {
        Ok(self.gather(&[agent], &wanted, window, &|| true)?.lines)
    }

    /// The lines of one asset, which has had these agents. `go_on` is asked between days.
    pub fn gather(
        &self,
        agents: &[AgentId],
        wanted: Wanted<'_>,
        window: Window,
        go_on: &dyn Fn() -> bool,
    ) -> Result<Gathered, SeriesError> {
        let buckets =
            if window.step_ms <= 0 || window.to_ms <= window.from_ms { 0 } else { window.buckets() };
        if !(1..=BUCKETS_MAX).contains(&buckets) {
            return Err(SeriesError::Window { buckets });
        }
        let mut lines = Lines::new(window);
        let tier = window.tier();
        let from_ms =
            if tier == Tier::Raw { window.from_ms.saturating_sub(LOOK_BACK_MS) } else { window.from_ms };
        let mut samples = 0;
        for agent in agents {
            lines.begin();
            let copies = self.state().open.copies(*agent, from_ms, window.to_ms);
            let open_days = copies.iter().map(|chunk| day_of(chunk.key.hour_ms));
            let closed_days =
                Tier::ALL.into_iter().flat_map(|tier| self.days.between(tier, from_ms, window.to_ms));
            let days: BTreeSet<Day> = open_days.chain(closed_days).collect();
            for day in days {
                if !go_on() {
                    return Err(SeriesError::Cancelled);
                }
                let open = copies.iter().filter(|chunk| day_of(chunk.key.hour_ms) == day).collect();
                let asked = Asked { agent: *agent, day, times_ms: (from_ms, window.to_ms), tier, open };
                let found = self.host_day(&asked, wanted)?;
                samples += lines.add(found, wanted)?;
                if samples > SAMPLES_MAX {
                    return Err(SeriesError::TooManySamples);
                }
            }
        }
        Ok(lines.finish())
    }

    /// All samples of a host, in no order.
    #[cfg(test)]
    pub(super) fn all_samples(&self, agent: AgentId) -> Vec<Part> {
        let times_ms = (0, i64::MAX);
        let copies = self.state().open.copies(agent, times_ms.0, times_ms.1);
        let mut days: BTreeSet<Day> = copies.iter().map(|chunk| day_of(chunk.key.hour_ms)).collect();
        days.extend(self.days.between(Tier::Raw, times_ms.0, times_ms.1));
        let of_day = |day: Day| {
            let open = copies.iter().filter(|chunk| day_of(chunk.key.hour_ms) == day).collect();
            let asked = Asked { agent, day, times_ms, tier: Tier::Raw, open };
            self.host_day(&asked, &|_| true).unwrap().raw
        };
        days.into_iter().flat_map(of_day).collect()
    }

    /// All samples of a host in a time, from disk alone.
    pub(super) fn closed_samples(
        &self,
        agent: AgentId,
        (from_ms, to_ms): (i64, i64),
        wanted: Wanted<'_>,
    ) -> Result<Vec<Part>, SeriesError> {
        let mut parts = Vec::new();
        for day in self.days.between(Tier::Raw, from_ms, to_ms) {
            let mut reported = |found: &[Found]| found.iter().map(is_reported).collect();
            let rows = self.days.read((Tier::Raw, day), agent, (from_ms, to_ms), &mut reported);
            let rows = day::or_none_if_damaged((Tier::Raw, day), rows)?;
            parts.extend(rows.iter().filter_map(|row| unpack(row, wanted)));
        }
        Ok(parts)
    }

    fn host_day(&self, asked: &Asked<'_>, wanted: Wanted<'_>) -> Result<HostDay, SeriesError> {
        let has_raw = self.days.has(Tier::Raw, asked.day);
        let source = if has_raw { Some(self.source_of(Tier::Raw, asked.day)?) } else { None };
        let mut found = HostDay::default();
        // Whether what the samples were rolled up to stands for all of them.
        let mut is_rolled_up = false;
        if has_raw && asked.tier != Tier::Raw && !asked.is_open(Tier::Raw) {
            is_rolled_up = self.is_rolled_up(asked, Tier::Raw, source.unwrap_or_default())?;
        }
        if !is_rolled_up {
            let mut reported = |found: &[Found]| found.iter().map(is_reported).collect();
            self.add(asked, Tier::Raw, &mut reported, wanted, &mut found.raw)?;
        }
        let mut are_buckets_rolled_up = !self.days.has(Tier::FiveMinutes, asked.day);
        if !are_buckets_rolled_up && asked.tier == Tier::Hour && !asked.is_open(Tier::FiveMinutes) {
            let source = self.source_of(Tier::FiveMinutes, asked.day)?;
            are_buckets_rolled_up = self.is_rolled_up(asked, Tier::FiveMinutes, source)?;
        }
        let gone = if asked.tier != Tier::Hour && self.days.has(Tier::FiveMinutes, asked.day) {
            Tier::FiveMinutes
        } else {
            Tier::Hour
        };
        for tier in Tier::ROLLED {
            let are_reported_wanted = tier == Tier::Hour || !are_buckets_rolled_up;
            let pick = |row: &Found| match (row.form, day::source_tier(row.source)) {
                (Form::Fresh | Form::Merged, _) => are_reported_wanted,
                (Form::Unreadable, _) => false,
                // Samples that are gone are never rolled up anew: what stands for them is all there is.
                (Form::Derived, Tier::Raw) if Some(row.source) != source => tier == gone,
                (Form::Derived, Tier::Raw) => is_rolled_up && tier == asked.tier,
                (Form::Derived, Tier::FiveMinutes | Tier::Hour) => are_buckets_rolled_up,
            };
            let mut picked = |found: &[Found]| found.iter().map(pick).collect();
            let mut parts = Vec::new();
            self.add(asked, tier, &mut picked, wanted, &mut parts)?;
            let step_ms = tier.step_ms().unwrap_or_default();
            found.rolled.extend(parts.into_iter().map(|part| (step_ms, part)));
        }
        Ok(found)
    }

    fn source_of(&self, tier: Tier, day: Day) -> Result<i64, SeriesError> {
        day::or_none_if_damaged((tier, day), self.days.source(tier, day))
    }

    /// Whether a host's rows of a day, which have this source, are all rolled up to the tier that is asked for.
    fn is_rolled_up(&self, asked: &Asked<'_>, tier: Tier, source: i64) -> Result<bool, SeriesError> {
        let mut is_clean = true;
        let mut look = |found: &[Found]| {
            is_clean = found.iter().all(|row| row.form != Form::Fresh);
            vec![false; found.len()]
        };
        let day = (i64::MIN, i64::MAX);
        let rows = self.days.read((tier, asked.day), asked.agent, day, &mut look);
        day::or_none_if_damaged((tier, asked.day), rows)?;
        let mut is_there = false;
        let mut look = |found: &[Found]| {
            is_there = found.iter().any(|row| row.form == Form::Derived && row.source == source);
            vec![false; found.len()]
        };
        let rows = self.days.read((asked.tier, asked.day), asked.agent, day, &mut look);
        day::or_none_if_damaged((asked.tier, asked.day), rows)?;
        Ok(is_clean && is_there)
    }

    /// Adds what is open, and the closed rows that are picked and not of it.
    fn add(
        &self,
        asked: &Asked<'_>,
        tier: Tier,
        pick: &mut dyn FnMut(&[Found]) -> Vec<bool>,
        wanted: Wanted<'_>,
        to: &mut Vec<Part>,
    ) -> Result<(), SeriesError> {
        let place = (tier, asked.day);
        let rows = self.days.read(place, asked.agent, asked.times_ms, pick);
        let seen: HashSet<_> = asked.open.iter().map(|chunk| (chunk.key, chunk.first_log)).collect();
        let rows = day::or_none_if_damaged(place, rows)?;
        let unseen = rows.iter().filter(|row| !seen.contains(&(row.key, row.logs.0)));
        to.extend(unseen.filter_map(|row| unpack(row, wanted)));
        let open = asked.open.iter().filter(|chunk| chunk.key.tier == tier);
        to.extend(open.map(|chunk| {
            let catalogue = Arc::clone(&chunk.catalogue);
            (catalogue, chunk.kept().into_chunk(chunk.key.catalogue))
        }));
        Ok(())
    }
}

fn is_reported(found: &Found) -> bool {
    Form::REPORTED.contains(&found.form)
}

/// A row's chunk, or none when it is damaged.
fn unpack(row: &Stored, wanted: Wanted<'_>) -> Option<Part> {
    let column = |place: usize| row.catalogue.columns.get(place).is_some_and(wanted);
    let decoded = if row.key.tier == Tier::Raw {
        chunk::decode(&row.bytes, column)
    } else {
        chunk::decode(&row.bytes, |place| tier::is_wanted(place, column))
    };
    match decoded {
        Ok(chunk) => Some((Arc::clone(&row.catalogue), chunk)),
        Err(error) => {
            let (agent, hour_ms) = (row.key.agent, row.key.hour_ms);
            tracing::warn!(%agent, hour_ms, tier = row.key.tier.name(), %error, "chunk left out");
            None
        }
    }
}

/// Lines in the making.
struct Lines {
    window: Window,
    by_name: BTreeMap<(String, Attributes), usize>,
    /// Where the wanted columns of a catalogue are, and which lines they belong to.
    places: HashMap<CatalogueId, Vec<(usize, usize)>>,
    lines: Vec<Line>,
    spans: Vec<Answered>,
    /// Of the host that is being read.
    apart: Apart,
}

impl Lines {
    fn new(window: Window) -> Self {
        let (by_name, places, lines, spans, apart) = Default::default();
        Self { window, by_name, places, lines, spans, apart }
    }

    /// Begins with another host.
    fn begin(&mut self) {
        self.lines.iter_mut().for_each(Line::begin);
        self.apart.clear();
    }

    /// Adds a host's day; says how many samples it was.
    fn add(&mut self, mut found: HostDay, wanted: Wanted<'_>) -> Result<usize, SeriesError> {
        let mut samples = 0;
        for (step_ms, (_, chunk)) in &found.rolled {
            self.apart.add(&chunk.times_ms, *step_ms);
        }
        found.raw.sort_by_key(|(_, chunk)| chunk.times_ms.first().copied());
        let ends = found.raw.iter().map(|(_, chunk)| chunk.times_ms.last());
        let starts = found.raw.iter().skip(1).map(|(_, chunk)| chunk.times_ms.first());
        if ends.zip(starts).any(|(end, start)| end > start) {
            found.raw = one_after_the_other(&found.raw);
        }
        for (catalogue, chunk) in &found.raw {
            let runs = self.window.runs(&chunk.times_ms);
            self.note(Tier::Raw, &chunk.times_ms, 1);
            for (place, line) in self.places_of(catalogue, wanted)? {
                let Some((column, cells)) = catalogue.columns.get(place).zip(chunk.columns.get(place)) else {
                    continue;
                };
                samples += chunk.times_ms.len();
                if let Some(line) = self.lines.get_mut(line) {
                    line.feed(column, &chunk.times_ms, &runs, cells, &self.apart);
                }
            }
        }
        for (step_ms, (catalogue, chunk)) in &found.rolled {
            let tier = Tier::ROLLED.into_iter().find(|tier| tier.step_ms() == Some(*step_ms));
            self.note(tier.unwrap_or(Tier::Raw), &chunk.times_ms, *step_ms);
            for (place, line) in self.places_of(catalogue, wanted)? {
                let Some((column, line)) = catalogue.columns.get(place).zip(self.lines.get_mut(line)) else {
                    continue;
                };
                for (_, start_ms, figures) in tier::figures_of(chunk, column.kind, place) {
                    samples += 1;
                    line.feed_bucket(column, start_ms, *step_ms, figures);
                }
            }
        }
        Ok(samples)
    }

    /// Notes that a tier answered for these times.
    fn note(&mut self, tier: Tier, times_ms: &[i64], step_ms: i64) {
        if let Some((first, last)) = times_ms.first().zip(times_ms.last()) {
            self.spans.push(Answered { tier, from_ms: *first, to_ms: last.saturating_add(step_ms) });
        }
    }

    fn places_of(
        &mut self,
        catalogue: &Catalogue,
        wanted: Wanted<'_>,
    ) -> Result<Vec<(usize, usize)>, SeriesError> {
        if let Some(places) = self.places.get(&catalogue.id) {
            return Ok(places.clone());
        }
        let mut places = Vec::new();
        for (place, column) in catalogue.columns.iter().enumerate().filter(|(_, column)| wanted(column)) {
            let next = self.lines.len();
            let identity = (column.name.clone(), column.attributes.clone());
            let line = *self.by_name.entry(identity).or_insert(next);
            if line == next {
                if (next + 1) * self.window.buckets() > CELLS_MAX {
                    return Err(SeriesError::TooManyCells { buckets: self.window.buckets() });
                }
                self.lines.push(Line::new(column, self.window));
            }
            places.push((place, line));
        }
        self.places.insert(catalogue.id, places.clone());
        Ok(places)
    }

    fn finish(self) -> Gathered {
        let tiers = query::answered(self.window, self.spans);
        let mut lines: Vec<Option<Line>> = self.lines.into_iter().map(Some).collect();
        let in_order = self.by_name.into_values().filter_map(|place| lines.get_mut(place)?.take());
        let finished = in_order.map(|mut line| {
            line.finish();
            line
        });
        Gathered { lines: finished.filter(|line| !line.is_empty()).collect(), tiers }
    }
}

/// Chunks that overlap, cut into such that do not, in order of time.
fn one_after_the_other(parts: &[Part]) -> Vec<Part> {
    let mut order: Vec<(i64, usize, usize)> = Vec::new();
    for (number, (_, chunk)) in parts.iter().enumerate() {
        order.extend(chunk.times_ms.iter().enumerate().map(|(row, time_ms)| (*time_ms, number, row)));
    }
    order.sort_by_key(|(time_ms, _, _)| *time_ms);
    let cut = |rows: &[(i64, usize, usize)]| {
        let (_, number, _) = *rows.first()?;
        let (catalogue, chunk) = parts.get(number)?;
        let column = |cells: &chunk::Cells| match cells {
            chunk::Cells::Empty => chunk::Cells::Empty,
            chunk::Cells::Constant(value) => chunk::Cells::Constant(*value),
            chunk::Cells::Full(_) | chunk::Cells::Each(_) => {
                chunk::Cells::Each(rows.iter().map(|(_, _, row)| cells.at(*row)).collect())
            }
        };
        let times_ms = rows.iter().map(|(time_ms, _, _)| *time_ms).collect();
        let columns = chunk.columns.iter().map(column).collect();
        Some((Arc::clone(catalogue), Chunk { catalogue: chunk.catalogue, times_ms, columns }))
    };
    order.chunk_by(|a, b| a.1 == b.1).filter_map(cut).collect()
}

const _: () = assert!(LOOK_BACK_MS < DAY_MS);
