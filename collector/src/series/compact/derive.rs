//! What stands for a host's samples in coarser tiers, made from the samples again whenever something comes that it depends
//! on: late samples of the day, of the end of the day before, or of what the host gathered itself.

use super::{Change, Derived, NO_LOGS, Packed, packed, unpacked};
use crate::model::agent::AgentId;
use crate::model::catalogue::{Catalogue, Column, Kind};
use crate::series::apart::Apart;
use crate::series::chunk;
use crate::series::day::{Day, Form, Found, Stored, start_of};
use crate::series::open::{Piece, Sorted};
use crate::series::roll::{self, Rows};
use crate::series::tier::Tier;
use crate::series::{LOOK_BACK_MS, Series, SeriesError};
use std::sync::Arc;

impl Series {
    /// What came late may be what the next day's first increases are counted from.
    pub(super) fn roll_up_next_day(
        &self,
        change: &mut Change,
        day: Day,
        rows: &[Stored],
        merged: &[Rows],
    ) -> Result<(), SeriesError> {
        let (next, midnight_ms) = (day + 1, start_of(day + 1));
        let near = |row: &Stored| {
            row.found.form == Form::Fresh && row.times_ms.1 >= midnight_ms.saturating_sub(LOOK_BACK_MS)
        };
        if !self.days.has(Tier::Raw, next) || !rows.iter().any(near) {
            return Ok(());
        }
        let before: Vec<Rows> =
            merged.iter().map(|rows| since(rows, midnight_ms.saturating_sub(LOOK_BACK_MS))).collect();
        self.roll_up_again(change, next, Some(before))
    }

    /// What a host gathered itself counts what totals grew by between samples, so their buckets no longer may.
    pub(super) fn roll_up_around(&self, change: &mut Change, day: Day) -> Result<(), SeriesError> {
        if self.days.has(Tier::Raw, day) { self.roll_up_again(change, day, None) } else { Ok(()) }
    }

    /// Makes what samples were rolled up to anew, where they were.
    fn roll_up_again(
        &self,
        change: &mut Change,
        day: Day,
        before: Option<Vec<Rows>>,
    ) -> Result<(), SeriesError> {
        let source = self.days.source(Tier::Raw, day)?;
        let mut due = Vec::new();
        for tier in Tier::ROLLED {
            if self.has_derived((tier, day), change.agent, source)? {
                due.push(tier);
            }
        }
        if due.is_empty() {
            return Ok(());
        }
        let rows = self.days.reported(Tier::Raw, day, change.agent)?;
        let rows = roll::merge(&rows.iter().filter_map(unpacked).collect::<Vec<_>>());
        let before = match before {
            Some(before) => before,
            None => self.before(change.agent, start_of(day))?,
        };
        change.derived.extend(self.roll_up(change.agent, day, (&rows, &before), &due)?);
        Ok(())
    }

    /// What a host's samples of a day, which follow others, come to in some tiers.
    pub(super) fn roll_up(
        &self,
        agent: AgentId,
        day: Day,
        (rows, before): (&[Rows], &[Rows]),
        tiers: &[Tier],
    ) -> Result<Vec<Derived>, SeriesError> {
        if tiers.is_empty() {
            return Ok(Vec::new());
        }
        let source = self.days.source(Tier::Raw, day)?;
        let mut apart = Apart::default();
        for tier in Tier::ROLLED {
            for row in self.days.reported(tier, day, agent)? {
                let Ok(chunk) = chunk::decode(&row.bytes, |_| false) else { continue };
                apart.add(&chunk.times_ms, tier.step_ms().unwrap_or_default());
            }
        }
        let roll = |tier: &Tier| derived(rows, before, &apart, (*tier, day), source);
        Ok(tiers.iter().filter_map(roll).collect())
    }

    /// Counters' last samples before a time.
    pub(super) fn before(&self, agent: AgentId, time_ms: i64) -> Result<Vec<Rows>, SeriesError> {
        let counters = |column: &Column| column.kind == Kind::Counter;
        let from_ms = time_ms.saturating_sub(LOOK_BACK_MS);
        let parts = self.closed_samples(agent, (from_ms, time_ms), &counters)?;
        let rows = roll::merge(&parts);
        Ok(rows.iter().map(|rows| since(rows, from_ms)).collect())
    }

    pub(super) fn has_derived(
        &self,
        place: (Tier, Day),
        agent: AgentId,
        source: i64,
    ) -> Result<bool, SeriesError> {
        let mut is_there = false;
        let mut look = |found: &[Found]| {
            is_there = found.iter().any(|row| row.form == Form::Derived && row.source == source);
            vec![false; found.len()]
        };
        self.days.read(place, agent, (i64::MIN, i64::MAX), &mut look)?;
        Ok(is_there)
    }
}

/// A host's samples rolled up for one file; a mark without buckets where there are none, so that it is known to be done.
fn derived(
    rows: &[Rows],
    before: &[Rows],
    apart: &Apart,
    place: (Tier, Day),
    source: i64,
) -> Option<Derived> {
    let (tier, day) = place;
    let rolled = roll::roll(rows, before, apart, tier.step_ms()?);
    let mut buckets: Vec<Packed> =
        rolled.iter().map(|(catalogue, buckets)| packed(catalogue, buckets, tier, NO_LOGS)).collect();
    if buckets.iter().all(|packed| packed.pieces.is_empty()) {
        let id = rows.first().map(|(catalogue, _)| catalogue.id).unwrap_or_default();
        let empty = Catalogue { id, resource: Default::default(), columns: Arc::new([]) };
        let catalogue = rows.first().map_or_else(|| Arc::new(empty), |(catalogue, _)| Arc::clone(catalogue));
        let bytes = chunk::encode(catalogue.id.0, &[], &[])?;
        let piece = Piece { from_ms: start_of(day), to_ms: start_of(day), count: 0, bytes };
        buckets = vec![Packed { catalogue, logs: NO_LOGS, pieces: vec![piece] }];
    }
    Some(Derived { place, source, buckets })
}

/// The rows from a time on.
fn since((catalogue, sorted): &Rows, from_ms: i64) -> Rows {
    let start = sorted.times_ms.partition_point(|time_ms| *time_ms < from_ms);
    let rest = |values: &Vec<Option<i64>>| values.get(start..).unwrap_or_default().to_vec();
    let times_ms = sorted.times_ms.get(start..).unwrap_or_default().to_vec();
    (Arc::clone(catalogue), Sorted { times_ms, columns: sorted.columns.iter().map(rest).collect() })
}
