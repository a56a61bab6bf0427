//! Windows made by hand: what a failed one leaves behind, what the queue turns away.

use super::*;
use crate::clock::Clock;
use crate::health::RuleSet;
use crate::model::agency::Scope;
use crate::model::agent::{Agent, AgentId, AgentState};
use crate::model::arrival::{Incoming, Measured, Moment, NewCatalogue, SpoolId};
use crate::model::asset::AssetKind;
use crate::model::catalogue::{Catalogue, CatalogueId, Column, Kind};
use crate::model::component::{Component, ComponentState};
use crate::model::report::BootId;
use crate::store::sqlite::{agent, part_change};

const NOW_MS: i64 = 1_795_000_000_000;
const AGENT: AgentId = AgentId([5; 16]);
const COLUMNS: CatalogueId = CatalogueId([6; 16]);

fn catalogue() -> NewCatalogue {
    let column = Column {
        name: "system.uptime".into(),
        attributes: Default::default(),
        unit: "s".into(),
        scale: 0,
        kind: Kind::Gauge,
    };
    let catalogue = Catalogue { id: COLUMNS, resource: Default::default(), columns: vec![column].into() };
    NewCatalogue { catalogue: Arc::new(catalogue), canonical: r#"{"columns":[]}"#.into() }
}

fn arrival(numbers: std::ops::RangeInclusive<u64>, body: Vec<u8>) -> Arrival {
    let bytes = 0..body.len();
    let incoming = |seq: u64| {
        let measured = Measured {
            moment: Moment { boot: BootId([1; 8]), boot_ms: seq * 1_000, wall_ms: 0 },
            catalogue: COLUMNS,
            values: vec![Some(seq as i64)],
            set: [0; 8],
            components: None,
            end: None,
            aggregate: None,
        };
        Incoming { seq, crc: seq as u32, bytes: bytes.clone(), content: Ok(measured) }
    };
    Arrival {
        agent: AGENT,
        spool: SpoolId([2; 8]),
        floor: 1,
        sent: Moment { boot: BootId([1; 8]), boot_ms: 100_000, wall_ms: 0 },
        arrived_ms: NOW_MS,
        anchors: vec![],
        catalogues: vec![catalogue()],
        figures: None,
        gone: vec![],
        reports: numbers.map(incoming).collect(),
        body,
    }
}

/// Bytes that no compression makes small.
fn noise(bytes: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    std::iter::repeat_with(next).take(bytes).collect()
}

fn open(dir: &Path) -> (Writer, Memory, mpsc::UnboundedReceiver<Handback>) {
    drop(sqlite::open_writer(dir).unwrap());
    let added = write_once(dir, "agent", |transaction| {
        let site = agent::unassigned_site(transaction)?;
        let asset = agent::add_asset(transaction, site, "ubnd-1", AssetKind::Server)?;
        let new = Agent {
            id: AGENT,
            asset: asset.id,
            state: AgentState::Active,
            machine: [0; 32],
            clone_seen_ms: None,
            version: String::new(),
            enrolled_ms: NOW_MS,
        };
        agent::add(transaction, &new)
    });
    added.unwrap();
    reopen(dir)
}

fn reopen(dir: &Path) -> (Writer, Memory, mpsc::UnboundedReceiver<Handback>) {
    let (clock, _) = Clock::manual(NOW_MS);
    let settings =
        Settings { window: Duration::ZERO, interval_ms: 60_000, rules: Arc::new(RuleSet::default()), clock };
    let decoders = Decoders { report: |_| None, resource: |_| None, columns: |_| None };
    let (answers, handed_back) = mpsc::unbounded_channel();
    let (writer, memory) = Writer::open(dir, 1 << 24, settings, decoders, Handle::new(), answers).unwrap();
    (writer, memory, handed_back)
}

fn commit(writer: &mut Writer, arrival: Arrival) -> Result<Outcome, CommitError> {
    writer.window(vec![(Box::new(arrival), Reply::nobody())], None).pop().unwrap().1
}

fn pages_max(writer: &Writer, pages: i64) {
    writer.connection.pragma_update(None, "max_page_count", pages).unwrap();
}

#[test]
fn a_failed_window_leaves_memory_as_it_was_and_is_taken_whole_later() {
    let dir = tempfile::tempdir().unwrap();
    let (mut writer, memory, _handed_back) = open(dir.path());
    let before = memory.latest.host(AGENT).unwrap();
    pages_max(&writer, 1);
    let failed = commit(&mut writer, arrival(1..=3, noise(1 << 20)));
    assert!(matches!(failed, Err(CommitError::Failed(_))), "{failed:?}");
    assert_eq!(memory.latest.host(AGENT).unwrap(), before);
    assert_eq!((memory.catalogues.count(), memory.series.figures().chunks, memory.latest.log()), (0, 0, 0));

    pages_max(&writer, 1 << 30);
    let taken = commit(&mut writer, arrival(1..=3, noise(1 << 20))).unwrap();
    assert_eq!(taken.durable.as_slice(), [(1, 3)]);
    assert_eq!(memory.latest.host(AGENT).unwrap().at_ms, NOW_MS - 97_000);
    assert_eq!((memory.catalogues.count(), memory.series.figures().chunks, memory.latest.log()), (1, 1, 1));
}

#[test]
fn copies_within_a_window_share_its_answer_and_are_kept_once() {
    let dir = tempfile::tempdir().unwrap();
    let (mut writer, memory, _handed_back) = open(dir.path());
    let window = (0..3).map(|_| (Box::new(arrival(1..=2, vec![b'x'])), Reply::nobody())).collect();
    let handback = writer.window(window, None);
    for (_, answer) in &handback {
        assert_eq!(answer.as_ref().unwrap().durable.as_slice(), [(1, 2)]);
    }
    let figures = &writer.handle().figures().reports;
    assert_eq!(figures.load(Ordering::Relaxed), 2);
    assert_eq!(memory.latest.host(AGENT).unwrap().spools[0].seen.count(), 2);
}

#[test]
fn what_came_late_and_comes_again_is_a_copy_however_long_ago_its_number_was_taken() {
    let dir = tempfile::tempdir().unwrap();
    let (mut writer, memory, _handed_back) = open(dir.path());
    let late = |numbers| Arrival {
        sent: Moment { boot: BootId([1; 8]), boot_ms: 1_000_000, wall_ms: 0 },
        ..arrival(numbers, vec![b'x'])
    };
    commit(&mut writer, late(1..=40)).unwrap();
    let again = commit(&mut writer, late(1..=5)).unwrap();
    assert_eq!((again.durable.as_slice(), again.refused.as_slice()), (&[(1, 5)][..], &[][..]));
    assert!(!again.new_spool && memory.latest.host(AGENT).unwrap().clone_seen_ms.is_none());
}

#[test]
fn an_agent_that_is_not_known_is_told_so_and_nothing_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let (mut writer, memory, _handed_back) = open(dir.path());
    let strange = Arrival { agent: AgentId([9; 16]), ..arrival(1..=1, vec![]) };
    assert_eq!(commit(&mut writer, strange), Err(CommitError::UnknownAgent));
    assert_eq!(memory.latest.log(), 0);
}

#[test]
fn a_full_queue_turns_work_away_and_counts_it() {
    let handle = Handle::new();
    let push = |bytes| {
        let work = Work::Report(Box::new(arrival(1..=1, vec![])), Reply::nobody());
        handle.push(work, bytes)
    };
    for _ in 0..QUEUE_COUNT_MAX {
        assert_eq!(push(0), Ok(()));
    }
    assert_eq!(push(0), Err(CommitError::Busy));
    assert_eq!(handle.figures().busy.load(Ordering::Relaxed), 1);
    handle.close();
    assert_eq!(push(0), Err(CommitError::Closed));
    assert_eq!(handle.gather(Duration::ZERO).unwrap().len(), QUEUE_COUNT_MAX);
    assert!(handle.gather(Duration::ZERO).is_none());
}

#[test]
fn large_bodies_wait_for_the_next_windows_and_nothing_small_waits_for_them() {
    let handle = Handle::new();
    let push = |seq, bytes| {
        let work = Work::Report(Box::new(arrival(seq..=seq, vec![])), Reply::nobody());
        handle.push(work, bytes).unwrap();
    };
    let numbers = |work: Vec<Work>| -> Vec<u64> {
        let seq = |work| match work {
            Work::Report(arrival, _) => arrival.reports[0].seq,
            Work::Write(_) | Work::Tick(_) => 0,
        };
        work.into_iter().map(seq).collect()
    };
    for seq in 1..=5 {
        push(seq, LARGE_PER_WINDOW / 2 + 1);
    }
    push(6, LARGE_BYTES);
    push(7, 100);
    // What is left needs no time to gather.
    let gather = |window| handle.gather(window).map(numbers);
    assert_eq!(gather(Duration::ZERO), Some(vec![6, 7, 1, 2]));
    push(8, 100);
    assert_eq!(gather(Duration::from_secs(3_600)), Some(vec![8, 3, 4]));
    handle.close();
    assert_eq!(gather(Duration::ZERO), Some(vec![5]));
    assert_eq!(gather(Duration::ZERO), None);
}

#[test]
fn another_disk_in_place_of_one_is_remembered_and_the_first_set_is_not() {
    let data = tempfile::tempdir().unwrap();
    let (mut writer, memory, _answers) = open(data.path());
    let disk = |serial: &str| Component {
        kind: "physical_disk".into(),
        id: "sda".into(),
        name: String::new(),
        model: "ST1000".into(),
        serial: serial.into(),
        state: ComponentState::Ok,
        reasons: vec![],
        figures: [].into(),
        since_ms: 0,
    };
    for (seq, serial) in [(1, "AAAA1"), (2, "AAAA1"), (3, "BBBB1")] {
        let mut arrival = arrival(seq..=seq, vec![1]);
        for incoming in &mut arrival.reports {
            if let Ok(measured) = &mut incoming.content {
                measured.set = [seq as u8; 8];
                measured.components = Some(vec![disk(serial)]);
            }
        }
        commit(&mut writer, arrival).unwrap();
    }
    let asset = memory.latest.host(AGENT).unwrap().asset;
    let seen = part_change::page(&writer.connection, Scope::All, asset, None, 10).unwrap();
    let [only] = seen.as_slice() else { panic!("{seen:?}") };
    assert_eq!((only.change.before.as_str(), only.change.after.as_str()), ("ST1000 AAAA1", "ST1000 BBBB1"));
}

/// An arrival with a complete set, so many minutes after the host's start.
fn set_arrival(seq: u64, minute: u64, disks: &[(&str, &str)]) -> Arrival {
    let disk = |(id, serial): &(&str, &str)| Component {
        kind: "physical_disk".into(),
        id: (*id).into(),
        name: String::new(),
        model: "ST1000".into(),
        serial: (*serial).into(),
        state: ComponentState::Ok,
        reasons: vec![],
        figures: [].into(),
        since_ms: 0,
    };
    let mut arrival = arrival(seq..=seq, vec![1]);
    arrival.arrived_ms = NOW_MS + minute as i64 * 60_000;
    arrival.sent.boot_ms = minute * 60_000;
    for incoming in &mut arrival.reports {
        if let Ok(measured) = &mut incoming.content {
            measured.moment.boot_ms = minute * 60_000;
            measured.set = [disks.len() as u8; 8];
            measured.components = Some(disks.iter().map(disk).collect());
        }
    }
    arrival
}

#[test]
fn a_vanished_disk_alerts_through_a_restart_until_it_is_back() {
    let data = tempfile::tempdir().unwrap();
    let (both, one) = ([("sda", "AAAA1"), ("sdb", "BBBB1")], [("sda", "AAAA1")]);
    const DAY: u64 = 24 * 60;
    let firing = |memory: &Memory| -> Vec<String> {
        let host = memory.latest.host(AGENT).unwrap();
        let is_of_rule = |alert: &&crate::model::alert::Alert| alert.rule.0 == "component_missing";
        let firing = host.alerts.iter().filter(|alert| alert.id.is_some()).filter(is_of_rule);
        firing.map(|alert| alert.component.as_ref().unwrap().serial.clone()).collect()
    };
    {
        let (mut writer, memory, _answers) = open(data.path());
        commit(&mut writer, set_arrival(1, 0, &both)).unwrap();
        commit(&mut writer, set_arrival(2, 2 * DAY, &one)).unwrap();
        assert_eq!(firing(&memory), Vec::<String>::new(), "a moment is nothing");
    }
    let (mut writer, memory, _answers) = reopen(data.path());
    for (seq, minute) in [(3, 1), (4, 12)] {
        commit(&mut writer, set_arrival(seq, 2 * DAY + minute, &one)).unwrap();
    }
    assert_eq!(firing(&memory), ["BBBB1"]);
    commit(&mut writer, set_arrival(5, 2 * DAY + 20, &both)).unwrap();
    commit(&mut writer, set_arrival(6, 2 * DAY + 22, &both)).unwrap();
    assert_eq!(firing(&memory), Vec::<String>::new());
}
