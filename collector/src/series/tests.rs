//! The history as its callers see it: what goes in comes out, once, whatever happens between.

use super::query::Window;
use super::tier::Tier;
use super::*;
use crate::model::catalogue::{Attributes, CatalogueId, Column, Kind};
use proptest::prelude::*;
use std::collections::BTreeSet;

const MIDNIGHT: i64 = 1_795_046_400_000;
const AGENT: AgentId = AgentId([0xa1; 16]);

fn column(name: &str, kind: Kind) -> Column {
    Column { name: name.into(), attributes: Attributes::new(), unit: "1".into(), scale: 1, kind }
}

fn catalogue(id: u8) -> Arc<Catalogue> {
    let columns =
        vec![column("level", Kind::Gauge), column("total", Kind::Counter), column("log", Kind::Gauge)];
    let resource = Attributes::from_iter([("host.name".into(), "máy-chủ".into())]);
    Arc::new(Catalogue { id: CatalogueId([id; 16]), resource, columns: columns.into() })
}

/// A series in a folder of its own, with the log that a collector would keep beside it.
struct World {
    folder: tempfile::TempDir,
    series: Series,
    log: Vec<Vec<(AgentId, u8, i64)>>,
    log_from: LogId,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let series = Series::open(folder.path(), OPEN_BYTES, 0).unwrap();
        Self { folder, series, log: Vec::new(), log_from: 0 }
    }

    /// One row of the log: samples of agents under catalogues at times.
    fn append(&mut self, row: Vec<(AgentId, u8, i64)>, now_ms: i64) {
        self.log.push(row);
        self.replay(self.log.len() - 1, now_ms);
    }

    fn replay(&self, place: usize, now_ms: i64) {
        let log = place as LogId;
        let values = [Some(log * 10), Some(log * 600), Some(log)];
        let kinds: Vec<_> = self.log[place].iter().map(|(_, kind, _)| catalogue(*kind)).collect();
        let samples: Vec<_> = self.log[place]
            .iter()
            .zip(&kinds)
            .map(|((agent, _, time_ms), catalogue)| Sample {
                agent: *agent,
                catalogue,
                tier: Tier::Raw,
                time_ms: *time_ms,
                values: &values,
                log,
            })
            .collect();
        self.series.append(&samples, now_ms);
    }

    /// Rows of the log that nothing needs any more are gone.
    fn trim(&mut self) {
        let needed = self.series.needed_from().unwrap_or(self.log.len() as LogId);
        self.log_from = self.log_from.max(needed);
    }

    /// What SIGKILL leaves: the files, and the log from its first row on.
    fn crash(&mut self, now_ms: i64) {
        let from = self.log_from;
        self.series = Series::open(self.folder.path(), OPEN_BYTES, from).unwrap();
        (from as usize..self.log.len()).for_each(|place| self.replay(place, now_ms));
    }

    /// Rows of the log and times of all samples of an agent, as often as they are there.
    fn all(&self, agent: AgentId) -> Vec<(LogId, i64)> {
        let parts = self.series.all_samples(agent);
        let rows = parts.iter().flat_map(|(_, chunk)| {
            chunk
                .times_ms
                .iter()
                .enumerate()
                .map(|(row, time_ms)| (chunk.columns[2].at(row).unwrap(), *time_ms))
        });
        let mut all: Vec<_> = rows.collect();
        all.sort_unstable();
        all
    }

    fn expected(&self, agent: AgentId) -> Vec<(LogId, i64)> {
        let rows = self.log.iter().enumerate();
        let mut all: Vec<_> = rows
            .flat_map(|(log, row)| {
                row.iter().map(move |(agent, _, time_ms)| (*agent, log as LogId, *time_ms))
            })
            .filter(|sample| sample.0 == agent)
            .map(|(_, log, time_ms)| (log, time_ms))
            .collect();
        all.sort_unstable();
        all
    }

    fn settle_all(&self, now_ms: i64) {
        while self.series.settle(now_ms).unwrap().more {}
    }

    fn compact_all(&self, keep: &Keep, now_ms: i64) {
        while self.series.compact(keep, self.log_from, now_ms).unwrap().more {}
    }
}

fn window(from_ms: i64, hours: i64) -> Window {
    Window { from_ms, to_ms: from_ms + hours * HOUR_MS, step_ms: 60_000 }
}

#[test]
fn what_lies_beside_files_that_are_gone_goes_too() {
    let folder = tempfile::tempdir().unwrap();
    let [left, kept] = ["raw-2026-10-01.db-wal", "notes-wal"].map(|name| folder.path().join(name));
    for file in [&left, &kept] {
        std::fs::write(file, "x").unwrap();
    }
    Series::open(folder.path(), 1 << 20, 0).unwrap();
    assert!(!left.exists() && kept.exists());
}

#[test]
fn a_day_reads_back_across_closed_and_open_hours() {
    let mut world = World::new();
    let start = MIDNIGHT - 13 * HOUR_MS;
    for minute in 0..24 * 60 {
        let now = start + minute * 60_000;
        world.append(vec![(AGENT, 1, now)], now);
        world.series.settle(now).unwrap();
    }
    let figures = world.series.figures();
    assert!((1..=2).contains(&figures.chunks), "all but the last hours are closed: {figures:?}");
    let lines = world.series.range(AGENT, |column| column.name != "log", window(start, 24)).unwrap();
    assert_eq!(lines.iter().map(|line| line.column.name.as_str()).collect::<Vec<_>>(), ["level", "total"]);
    let level = lines[0].buckets();
    assert_eq!(level.len(), 24 * 60);
    assert!(level.iter().enumerate().all(|(minute, bucket)| bucket.last == minute as f64));
    let rate = lines[1].buckets();
    assert_eq!(rate.len(), 24 * 60 - 1, "the first total has none before it");
    assert!(rate.iter().all(|bucket| (bucket.mean - 1.0).abs() < 1e-9), "sixty a minute");
}

#[test]
fn two_days_lie_in_two_files_and_the_older_goes_when_its_time_is_over() {
    let mut world = World::new();
    for time in [MIDNIGHT - 1, MIDNIGHT] {
        world.append(vec![(AGENT, 1, time)], time);
    }
    world.settle_all(MIDNIGHT + 3 * HOUR_MS);
    let folder = world.folder.path().to_owned();
    let files = || {
        let entries = std::fs::read_dir(&folder).unwrap();
        let names: BTreeSet<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.into_iter().filter(|name| name.ends_with(".db")).collect::<Vec<_>>()
    };
    assert_eq!(files(), ["raw-2026-11-18.db", "raw-2026-11-19.db"]);
    assert_eq!(world.all(AGENT).len(), 2);
    let keep = Keep::default();
    let due = MIDNIGHT + 30 * 24 * HOUR_MS;
    assert_eq!(world.series.retain(&keep, due - 1).unwrap(), 0);
    assert_eq!(world.series.retain(&keep, due).unwrap(), 0, "nothing stands for its samples yet");
    world.trim();
    world.compact_all(&keep, due);
    assert_eq!(world.series.retain(&keep, due).unwrap(), 1);
    assert_eq!(
        files().iter().filter(|name| name.starts_with("raw")).collect::<Vec<_>>(),
        ["raw-2026-11-19.db"]
    );
    assert_eq!(world.all(AGENT), [(1, MIDNIGHT)]);
}

#[test]
fn late_samples_land_in_their_hour_and_read_back_in_order() {
    let mut world = World::new();
    let on_time: Vec<i64> = (0..60).map(|minute| MIDNIGHT + minute * 60_000).collect();
    let (late, live): (Vec<i64>, Vec<i64>) = on_time.iter().partition(|time| (*time / 60_000) % 3 == 0);
    live.iter().for_each(|time| world.append(vec![(AGENT, 1, *time)], *time));
    world.settle_all(MIDNIGHT + 2 * HOUR_MS);
    late.iter().rev().for_each(|time| world.append(vec![(AGENT, 1, *time)], MIDNIGHT + 9 * HOUR_MS));
    let read = || {
        let lines = world.series.range(AGENT, |column| column.name == "level", window(MIDNIGHT, 1)).unwrap();
        lines[0].buckets().iter().map(|bucket| bucket.time_ms).collect::<Vec<_>>()
    };
    assert_eq!(read(), on_time);
    world.settle_all(MIDNIGHT + 10 * HOUR_MS);
    assert_eq!(world.series.figures().chunks, 0);
    assert_eq!(read(), on_time);
}

#[test]
fn what_cannot_be_written_stays_readable_and_is_written_later() {
    let mut world = World::new();
    let in_the_way = world.folder.path().join("raw-2026-11-19.db");
    std::fs::create_dir(&in_the_way).unwrap();
    world.append(vec![(AGENT, 1, MIDNIGHT), (AGENT, 1, MIDNIGHT - 1)], MIDNIGHT);
    assert!(world.series.settle(MIDNIGHT + 2 * HOUR_MS).is_err());
    assert_eq!(world.all(AGENT), world.expected(AGENT));
    assert_eq!(
        (world.series.figures().chunks, world.series.needed_from()),
        (1, Some(0)),
        "the other day is written"
    );
    std::fs::remove_dir(&in_the_way).unwrap();
    assert_eq!(world.series.settle(MIDNIGHT + 2 * HOUR_MS).unwrap(), Settled { chunks: 1, more: false });
    assert_eq!((world.all(AGENT), world.series.needed_from()), (world.expected(AGENT), None));
}

#[test]
fn a_write_that_was_cut_off_is_made_up_from_the_log() {
    let mut world = World::new();
    world.append(vec![(AGENT, 1, MIDNIGHT)], MIDNIGHT);
    world.settle_all(MIDNIGHT + 2 * HOUR_MS);
    world.trim();
    let needed = world.log.len() as LogId;
    world.append(vec![(AGENT, 1, MIDNIGHT + 1)], MIDNIGHT + 2 * HOUR_MS);
    world.settle_all(MIDNIGHT + 4 * HOUR_MS);
    // The files as a killed process leaves them, the last page of the last write missing.
    let left = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(world.folder.path()).unwrap() {
        let entry = entry.unwrap();
        let copy = left.path().join(entry.file_name());
        std::fs::copy(entry.path(), &copy).unwrap();
        if entry.file_name().to_str().unwrap().ends_with("-wal") {
            let file = std::fs::File::options().write(true).open(copy).unwrap();
            file.set_len(file.metadata().unwrap().len() - 1_024).unwrap();
        }
    }
    world.series = Series::open(left.path(), OPEN_BYTES, needed).unwrap();
    assert_eq!(world.all(AGENT), [(0, MIDNIGHT)], "the last write is gone");
    world.replay(needed as usize, MIDNIGHT + 4 * HOUR_MS);
    assert_eq!(world.all(AGENT), world.expected(AGENT));
}

#[test]
fn a_damaged_day_hides_no_other_and_makes_room_for_new_samples() {
    let mut world = World::new();
    world.append(vec![(AGENT, 1, MIDNIGHT - 1), (AGENT, 1, MIDNIGHT)], MIDNIGHT);
    std::fs::write(world.folder.path().join("raw-2026-11-18.db"), [0x55; 8_192]).unwrap();
    world.crash(MIDNIGHT);
    assert_eq!(world.all(AGENT).len(), 2);
    world.settle_all(MIDNIGHT + 3 * HOUR_MS);
    assert_eq!(world.all(AGENT), world.expected(AGENT));
    assert!(world.folder.path().join("raw-2026-11-18.db.damaged").exists());
}

#[test]
fn a_window_beyond_bounds_is_refused_and_a_host_unknown_has_no_lines() {
    let series = World::new().series;
    let ask = |from_ms, to_ms, step_ms| series.range(AGENT, |_| true, Window { from_ms, to_ms, step_ms });
    assert!(matches!(ask(0, 1_000, 0), Err(SeriesError::Window { buckets: 0 })));
    assert!(matches!(ask(1_000, 0, 1), Err(SeriesError::Window { .. })));
    assert!(matches!(ask(i64::MIN, i64::MAX, 1), Err(SeriesError::Window { .. })));
    assert!(ask(0, 1_000, 1).unwrap().is_empty());
}

#[test]
fn days_that_are_over_leave_no_write_ahead_log_behind() {
    let mut world = World::new();
    let logs = |folder: &Path| {
        let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
        let left = |name: &std::ffi::OsStr| name.to_str().is_some_and(|name| name.ends_with("-wal"));
        entries.filter(|entry| left(&entry.file_name()) && entry.metadata().unwrap().len() > 0).count()
    };
    for day in 1..=10 {
        world.append(vec![(AGENT, 1, MIDNIGHT - day * 24 * HOUR_MS)], MIDNIGHT);
        world.settle_all(MIDNIGHT + HOUR_MS);
        assert_eq!(world.all(AGENT).len(), day as usize, "and a reader of each day stays open");
    }
    assert!((1..=8).contains(&logs(world.folder.path())), "{} logs", logs(world.folder.path()));
    let World { folder, series, .. } = world;
    drop(series);
    assert_eq!(logs(folder.path()), 0);
}

#[test]
fn a_reader_beside_the_closing_sees_every_sample_once() {
    let mut world = World::new();
    // More than one lot of closing, over several days.
    for hour in 0..3 * open::CLOSING_MAX as i64 {
        world.append(vec![(AGENT, 1, MIDNIGHT - hour * HOUR_MS)], MIDNIGHT);
    }
    let expected = world.expected(AGENT);
    std::thread::scope(|scope| {
        let closing = scope.spawn(|| world.settle_all(MIDNIGHT + 2 * HOUR_MS));
        while !closing.is_finished() {
            assert_eq!(world.all(AGENT), expected);
        }
    });
    assert_eq!((world.series.figures().chunks, world.all(AGENT)), (0, expected));
}

#[derive(Debug, Clone)]
enum Step {
    Append(Vec<(u8, u8, i64)>),
    Settle(i64),
    Trim,
    Compact,
    Crash,
}

fn step() -> impl Strategy<Value = Step> {
    let sample = (0_u8..3, 0_u8..2, -30 * HOUR_MS..3 * HOUR_MS);
    prop_oneof![
        6 => prop::collection::vec(sample, 1..6).prop_map(Step::Append),
        3 => (0_i64..4 * HOUR_MS).prop_map(Step::Settle),
        2 => Just(Step::Trim),
        3 => Just(Step::Compact),
        1 => Just(Step::Crash),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn every_sample_is_there_once_through_closings_mergings_and_crashes(
        steps in prop::collection::vec(step(), 1..60)
    ) {
        let mut world = World::new();
        let mut now = MIDNIGHT;
        let agent = |number: u8| AgentId([number; 16]);
        for step in steps {
            match step {
                Step::Append(row) => {
                    let row = row.into_iter().map(|(who, kind, time)| (agent(who), kind, MIDNIGHT + time));
                    world.append(row.collect(), now);
                }
                Step::Settle(passed) => {
                    now += passed;
                    world.settle_all(now);
                }
                Step::Trim => world.trim(),
                Step::Compact => world.compact_all(&Keep::default(), now),
                Step::Crash => world.crash(now),
            }
        }
        for number in 0..3 {
            prop_assert_eq!(world.all(agent(number)), world.expected(agent(number)));
        }
    }
}
