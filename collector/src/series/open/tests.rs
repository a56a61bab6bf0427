//! Open hours: when they close, and what they weigh.

use super::*;
use crate::model::catalogue::{Attributes, Column, Kind};
use proptest::prelude::*;

const NOON: i64 = 1_795_003_200_000;

fn catalogue(id: u8, columns: usize) -> Arc<Catalogue> {
    let column = |place: usize| Column {
        name: format!("column.{place}"),
        attributes: Attributes::new(),
        unit: "1".into(),
        scale: 0,
        kind: Kind::Gauge,
    };
    let columns = (0..columns).map(column).collect();
    Arc::new(Catalogue { id: CatalogueId([id; 16]), resource: Attributes::new(), columns })
}

fn append(open: &mut Open, agent: u8, catalogue: &Arc<Catalogue>, time_ms: i64, log: LogId) {
    let values = vec![Some(log); catalogue.columns.len()];
    let sample =
        Sample { tier: Tier::Raw, agent: AgentId([agent; 16]), catalogue, time_ms, values: &values, log };
    open.append(&sample, time_ms);
}

#[test]
fn a_chunk_closes_after_its_hour_each_agent_at_its_own_moment() {
    let (mut open, kinds) = (Open::new(1 << 20), catalogue(1, 3));
    (0..200).for_each(|agent| append(&mut open, agent, &kinds, NOON, 1));
    assert!(open.due(NOON + HOUR_MS - 1).is_empty());
    let half = open.due(NOON + HOUR_MS + CLOSE_SPREAD_MS / 2).len();
    assert!((20..180).contains(&half), "{half} of 200 at half time");
    assert_eq!(open.due(NOON + HOUR_MS + CLOSE_SPREAD_MS).len(), 200);
}

#[test]
fn late_samples_get_a_chunk_of_their_own_hour_and_wait_for_more() {
    let (mut open, kinds) = (Open::new(1 << 20), catalogue(1, 3));
    append(&mut open, 1, &kinds, NOON, 1);
    let late = Sample {
        tier: Tier::Raw,
        agent: AgentId([1; 16]),
        catalogue: &kinds,
        time_ms: NOON - 9 * HOUR_MS,
        values: &[Some(1)],
        log: 2,
    };
    open.append(&late, NOON);
    assert_eq!(open.count(), 2);
    assert!(open.due(NOON + LATE_WAIT_MS - 1).is_empty());
    let due = open.due(NOON + LATE_WAIT_MS + CLOSE_SPREAD_MS);
    assert_eq!(due.iter().map(|chunk| chunk.key.hour_ms).collect::<Vec<_>>(), [NOON - 9 * HOUR_MS]);
}

#[test]
fn what_is_handed_out_stays_readable_and_needed_until_confirmed() {
    let (mut open, kinds) = (Open::new(1 << 20), catalogue(1, 3));
    append(&mut open, 1, &kinds, NOON, 7);
    append(&mut open, 2, &kinds, NOON, 9);
    let due = open.due(NOON + 2 * HOUR_MS);
    append(&mut open, 1, &kinds, NOON + 1, 11);
    assert_eq!((open.needed_from(), open.copies(AgentId([1; 16]), NOON, NOON + 1).len()), (Some(7), 2));
    assert_eq!(open.due(NOON).len(), 2, "comes again until it is confirmed");
    open.confirm(&due);
    assert_eq!((open.needed_from(), open.copies(AgentId([1; 16]), NOON, NOON + 1).len()), (Some(11), 1));
    let rest = open.due(i64::MAX);
    open.confirm(&rest);
    assert_eq!((open.needed_from(), open.held_bytes(), open.count()), (None, 0, 0));
}

#[test]
fn a_full_budget_closes_the_oldest_first_and_is_kept() {
    let (mut open, kinds) = (Open::new(64 << 10), catalogue(1, 40));
    for log in 0..4_000 {
        append(&mut open, (log % 16) as u8, &kinds, NOON + log, log);
        let due = open.due(NOON + log);
        assert!(due.iter().all(|chunk| Some(chunk.first_log) < open.ages.first().map(|(log, _)| *log)));
        open.confirm(&due);
        assert!(!open.is_full(), "{} bytes", open.held_bytes());
    }
    assert!(open.needed_from() > Some(2_000));
}

#[test]
fn a_budget_that_nothing_leaves_is_said_to_be_full() {
    let (mut open, kinds) = (Open::new(64 << 10), catalogue(1, 40));
    for log in 0..4_000 {
        append(&mut open, (log % 16) as u8, &kinds, NOON + log, log);
        open.due(NOON + log);
    }
    assert!(open.is_full());
}

#[test]
fn a_flood_of_one_agent_closes_early_in_chunks_of_bounded_size() {
    let (mut open, kinds) = (Open::new(64 << 20), catalogue(1, 2));
    let rows = chunk::ROWS_MAX as i64 + 100;
    (0..rows).for_each(|row| append(&mut open, 1, &kinds, NOON + row, row));
    let due = open.due(NOON);
    let pieces = due[0].sorted().encode(kinds.id);
    assert_eq!(pieces.iter().map(|piece| piece.count).collect::<Vec<_>>(), [chunk::ROWS_MAX, 100]);
}

#[test]
fn an_hour_of_fifty_columns_takes_little_memory() {
    let (mut open, kinds) = (Open::new(1 << 20), catalogue(1, 50));
    for row in 0..240_i64 {
        // Half of the values stay as they were, as half of a real host's do.
        let values: Vec<_> =
            (0..50).map(|place| Some(if place % 2 == 0 { 7 } else { row * row % 800 })).collect();
        let sample = Sample {
            tier: Tier::Raw,
            agent: AgentId([1; 16]),
            catalogue: &kinds,
            time_ms: NOON + row * 15_000,
            values: &values,
            log: row,
        };
        open.append(&sample, NOON);
    }
    assert!(open.held_bytes() < 240 * 80, "{} bytes", open.held_bytes());
}

proptest! {
    #[test]
    fn rows_come_back_sorted_and_whole(
        rows in prop::collection::vec((0_i64..HOUR_MS, prop::collection::vec(any::<Option<i64>>(), 0..4)), 1..60)
    ) {
        let (mut open, kinds) = (Open::new(1 << 20), catalogue(1, 3));
        for (place, (time, values)) in rows.iter().enumerate() {
            let log = place as LogId;
            let sample = Sample { tier: Tier::Raw, agent: AgentId([1; 16]), catalogue: &kinds, time_ms: NOON + time, values, log };
            open.append(&sample, NOON);
        }
        let mut expect: Vec<(i64, Vec<Option<i64>>)> = rows
            .iter()
            .map(|(time, values)| (NOON + time, (0..3).map(|at| values.get(at).copied().flatten()).collect()))
            .collect();
        expect.sort_by_key(|row| row.0);
        let sorted = open.due(i64::MAX)[0].sorted();
        let row = |at: usize| (sorted.times_ms[at], sorted.columns.iter().map(|values| values[at]).collect::<Vec<_>>());
        prop_assert_eq!((0..sorted.times_ms.len()).map(row).collect::<Vec<_>>(), expect);
    }
}
