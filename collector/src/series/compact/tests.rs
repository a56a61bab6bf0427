//! Days merged, rolled up and deleted, on disk.

use super::*;
use crate::model::arrival::Gathered;
use crate::model::catalogue::{Attributes, CatalogueId, Column, Kind};
use crate::series::open::HOUR_MS;
use crate::series::query::{Bucket as Shown, Window};
use crate::series::{OPEN_BYTES, Sample};
use std::path::Path;

const MIDNIGHT: i64 = 1_795_046_400_000;
const AGENT: AgentId = AgentId([0xa1; 16]);
const STEP: i64 = 15_000;

fn catalogue() -> Arc<Catalogue> {
    let column = |name: &str, kind, scale| Column {
        name: name.into(),
        attributes: Attributes::new(),
        unit: "1".into(),
        scale,
        kind,
    };
    let columns = vec![column("level", Kind::Gauge, 1), column("total", Kind::Counter, 0)];
    Arc::new(Catalogue { id: CatalogueId([7; 16]), resource: Attributes::new(), columns: columns.into() })
}

struct World {
    folder: tempfile::TempDir,
    series: Series,
    catalogue: Arc<Catalogue>,
    log: LogId,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let series = Series::open(folder.path(), OPEN_BYTES, 0).unwrap();
        Self { folder, series, catalogue: catalogue(), log: 0 }
    }

    fn append(&mut self, tier: Tier, time_ms: i64, values: &[Option<i64>]) {
        self.log += 1;
        let (catalogue, log) = (&self.catalogue, self.log);
        self.series.append(&[Sample { agent: AGENT, catalogue, tier, time_ms, values, log }], time_ms);
    }

    fn measure(&mut self, time_ms: i64) {
        let step = time_ms / STEP;
        self.append(Tier::Raw, time_ms, &[Some(step * 7 % 101), Some(step * 3)]);
    }

    /// What an agent gathered in the five minutes from a time on, but for the last 15 s.
    fn gather(&mut self, from_ms: i64, columns: &[Option<Gathered>]) {
        let (to_ms, count) = (from_ms + 285_000, 20);
        let aggregate = tier::Aggregate { from_ms, to_ms, step_ms: 300_000, count, columns };
        let (tier, start_ms) = aggregate.place();
        let values = aggregate.values(&self.catalogue);
        self.append(tier, start_ms, &values);
    }

    fn settle(&self, now_ms: i64) {
        while self.series.settle(now_ms).unwrap().more {}
    }

    /// Closes and merges everything as it is this long after midnight.
    fn compact(&self, keep: &Keep, after_ms: i64) {
        let now_ms = MIDNIGHT + after_ms;
        self.settle(now_ms);
        while self.series.compact(keep, self.log + 1, now_ms).unwrap().more {}
    }

    fn read(&self, (from_ms, to_ms): (i64, i64), step_ms: i64, name: &str) -> Vec<Shown> {
        let window = Window { from_ms, to_ms, step_ms };
        let lines = self.series.range(AGENT, |column| column.name == name, window).unwrap();
        lines.first().map(|line| line.buckets()).unwrap_or_default()
    }

    fn files(&self) -> Vec<String> {
        files(self.folder.path()).into_iter().map(|(name, _)| name).collect()
    }
}

fn files(folder: &Path) -> Vec<(String, u64)> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let mut files: Vec<_> = entries
        .map(|entry| (entry.file_name().into_string().unwrap(), entry.metadata().unwrap().len()))
        .filter(|(name, _)| name.ends_with(".db"))
        .collect();
    files.sort();
    files
}

/// Files that are no day's.
fn beside(folder: &Path) -> usize {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    entries.filter(|entry| !entry.file_name().to_string_lossy().ends_with(".db")).count()
}

/// A whole day of samples, closed as it passes, and the day after.
fn a_day() -> World {
    let mut world = World::new();
    for time_ms in (MIDNIGHT - DAY_MS..MIDNIGHT).step_by(STEP as usize) {
        world.measure(time_ms);
        world.settle(time_ms);
    }
    world
}

const DAY: (i64, i64) = (MIDNIGHT - DAY_MS, MIDNIGHT);

fn close_to(a: &[Shown], b: &[Shown]) {
    assert_eq!(a.len(), b.len());
    for (a, b) in a.iter().zip(b) {
        let figures = |it: &Shown| [it.min, it.max, it.mean];
        let is_close =
            figures(a).iter().zip(figures(b)).all(|(a, b)| (a - b).abs() <= 1e-9 * b.abs().max(1.0));
        assert!(a.time_ms == b.time_ms && is_close, "{a:?} {b:?}");
    }
}

#[test]
fn a_merged_day_reads_as_before_and_takes_less_room() {
    let world = a_day();
    world.settle(MIDNIGHT + HOUR_MS);
    let before = world.read(DAY, 60_000, "level");
    let hours = world.read(DAY, HOUR_MS, "total");
    let bytes = "SELECT sum(length(bytes)) FROM chunk";
    let size = |world: &World| -> i64 {
        let connection = rusqlite::Connection::open(world.folder.path().join("raw-2026-11-18.db")).unwrap();
        connection.query_row(bytes, [], |row| row.get(0)).unwrap()
    };
    let size_before = size(&world);
    world.compact(&Keep::default(), HOUR_MS);
    assert_eq!(world.read(DAY, 60_000, "level"), before);
    close_to(&world.read(DAY, HOUR_MS, "total"), &hours);
    let after = files(world.folder.path());
    assert_eq!(world.files(), ["1h-2026-11-18.db", "raw-2026-11-18.db"], "an hour's buckets are nearly free");
    assert!(size(&world) < size_before * 3 / 4, "{} of {size_before}", size(&world));
    assert!(after[1].1 < size(&world) as u64 + 12_288, "no unused pages stay: {after:?}");
    assert_eq!(beside(world.folder.path()), 0, "nothing stays beside a day that is over");
    world.compact(&Keep::default(), HOUR_MS);
    assert_eq!(files(world.folder.path()), after, "nothing is done twice");
}

#[test]
fn rows_that_the_log_can_bring_back_are_not_merged() {
    let world = a_day();
    world.settle(MIDNIGHT + HOUR_MS);
    let compacted = world.series.compact(&Keep::default(), world.log, MIDNIGHT + HOUR_MS).unwrap();
    assert_eq!(compacted, Compacted::default(), "the last row of the log is still there");
    assert!(world.series.compact(&Keep::default(), world.log + 1, MIDNIGHT + HOUR_MS).unwrap().hosts > 0);
}

#[test]
fn buckets_outlive_their_samples_and_late_samples_are_counted_with_them() {
    let mut world = a_day();
    let keep = Keep { raw_days: 5, five_minutes_days: Some(20), hours_days: Some(40) };
    let days = |days: i64| days * DAY_MS + HOUR_MS;
    let samples = world.read(DAY, 300_000, "level");
    let rates = world.read(DAY, 300_000, "total");
    world.compact(&keep, days(3));
    assert_eq!(world.files(), ["1h-2026-11-18.db", "5min-2026-11-18.db", "raw-2026-11-18.db"]);
    close_to(&world.read(DAY, 300_000, "level"), &samples);
    close_to(&world.read(DAY, 300_000, "total"), &rates);
    assert_eq!(world.series.retain(&keep, MIDNIGHT + days(5)).unwrap(), 1);
    close_to(&world.read(DAY, 300_000, "level"), &samples);
    close_to(&world.read(DAY, 60_000, "level"), &samples);

    // A sample of a day whose samples are gone.
    world.append(Tier::Raw, MIDNIGHT - HOUR_MS + 1, &[Some(9_990), None]);
    for _ in 0..2 {
        let hour = world.read((MIDNIGHT - HOUR_MS, MIDNIGHT), HOUR_MS, "level");
        assert_eq!((hour.len(), hour[0].max), (1, 999.0));
        let mean = samples[samples.len() - 12..].iter().map(|bucket| bucket.mean * 20.0).sum::<f64>();
        assert!((hour[0].mean - (mean + 999.0) / 241.0).abs() < 1e-9, "{hour:?}");
        world.compact(&keep, days(5) + HOUR_MS);
        world.series.retain(&keep, MIDNIGHT + days(5) + HOUR_MS).unwrap();
    }
    assert_eq!(world.files(), ["1h-2026-11-18.db", "5min-2026-11-18.db"]);
    assert_eq!(world.series.retain(&keep, MIDNIGHT + days(20)).unwrap(), 1);
    assert_eq!(world.read(DAY, HOUR_MS, "level").len(), 24);
    assert_eq!(world.read(DAY, 60_000, "level").len(), 24, "all there is");
    assert_eq!(world.series.retain(&keep, MIDNIGHT + days(40)).unwrap(), 1);
    assert!(world.read(DAY, HOUR_MS, "level").is_empty() && world.files().is_empty());
}

#[test]
fn late_samples_land_in_their_day_and_its_buckets_are_made_anew() {
    let keep = Keep::default();
    let (mut early, mut late) = (World::new(), World::new());
    let times: Vec<i64> = (MIDNIGHT - DAY_MS..MIDNIGHT + DAY_MS).step_by(STEP as usize).collect();
    let is_late = |time_ms: i64| (MIDNIGHT - 7 * HOUR_MS..MIDNIGHT).contains(&time_ms);
    for time_ms in &times {
        early.measure(*time_ms);
        if !is_late(*time_ms) {
            late.measure(*time_ms);
        }
    }
    early.compact(&keep, DAY_MS + HOUR_MS);
    late.compact(&keep, DAY_MS + HOUR_MS);
    let hours = (MIDNIGHT - DAY_MS, MIDNIGHT + DAY_MS);
    assert_eq!(late.read(hours, HOUR_MS, "level").len(), 41, "a gap is a gap");
    let first = |world: &World| world.read((MIDNIGHT, MIDNIGHT + HOUR_MS), HOUR_MS, "total");
    assert!((first(&late)[0].mean - 0.2).abs() < 1e-9, "{:?}", first(&late));
    times.iter().rev().filter(|time_ms| is_late(**time_ms)).for_each(|time_ms| late.measure(*time_ms));
    late.compact(&keep, DAY_MS + 3 * HOUR_MS);
    for name in ["level", "total"] {
        for step_ms in [60_000, HOUR_MS, 4 * HOUR_MS] {
            close_to(&late.read(hours, step_ms, name), &early.read(hours, step_ms, name));
        }
    }
    let sums = |world: &World| {
        let found =
            world.series.days.read((Tier::Hour, day_of(MIDNIGHT)), AGENT, (0, i64::MAX), &mut |rows| {
                vec![true; rows.len()]
            });
        let found = found.unwrap();
        let chunk = chunk::decode(&found[0].bytes, |_| true).unwrap();
        tier::buckets_of(&world.catalogue, &chunk)[0].figures[1].unwrap()
    };
    assert_eq!(sums(&early), sums(&late), "the next day's first hour counts from the late samples");
}

#[test]
fn what_an_agent_counted_itself_lands_in_its_tier_and_in_coarser_ones() {
    let mut world = World::new();
    let five = Tier::FiveMinutes.step_ms().unwrap();
    for start_ms in (MIDNIGHT - HOUR_MS..MIDNIGHT).step_by(five as usize) {
        let level = Gathered { min: 10, max: 50, sum: 400, count: 20, last: 30 };
        let total = Gathered { min: 0, max: 1_900, sum: 0, count: 20, last: 1_900 };
        world.gather(start_ms, &[Some(level), Some(total)]);
    }
    let hour = |world: &World, name: &str| world.read((MIDNIGHT - HOUR_MS, MIDNIGHT), HOUR_MS, name);
    for _ in 0..3 {
        let level = hour(&world, "level");
        assert_eq!((level[0].min, level[0].max, level[0].mean, level[0].last), (1.0, 5.0, 2.0, 3.0));
        assert!((hour(&world, "total")[0].mean - 1_900.0 / 285.0).abs() < 1e-9);
        assert_eq!(world.read((MIDNIGHT - HOUR_MS, MIDNIGHT), five, "level").len(), 12);
        assert_eq!(world.read((MIDNIGHT - HOUR_MS, MIDNIGHT), 60_000, "level").len(), 12);
        world.settle(MIDNIGHT + HOUR_MS);
        if world.files().len() == 1 {
            world.compact(&Keep::default(), HOUR_MS);
        }
    }
    assert_eq!(world.files(), ["1h-2026-11-18.db", "5min-2026-11-18.db"]);
    // Once more of the same day, and the hours are made anew of all of them.
    let more = Gathered { min: 0, max: 990, sum: 300, count: 10, last: 1 };
    world.gather(MIDNIGHT - HOUR_MS, &[Some(more), None]);
    for _ in 0..2 {
        let level = hour(&world, "level");
        assert_eq!((level[0].min, level[0].max), (0.0, 99.0));
        assert!((level[0].mean - (20.0 * 240.0 + 300.0) / 250.0 / 10.0).abs() < 1e-9);
        world.compact(&Keep::default(), 2 * HOUR_MS);
    }
}

#[test]
fn a_day_of_samples_and_of_what_was_gathered_counts_everything_once() {
    let five = Tier::FiveMinutes.step_ms().unwrap();
    // The counter grows by three each step, whoever counts it.
    let gathered = |from_ms: i64| {
        let first = from_ms / STEP * 3;
        let total = Gathered { min: first, max: first + 57, sum: 0, count: 20, last: first + 57 };
        [Some(Gathered { min: 0, max: 100, sum: 20 * 50, count: 20, last: 50 }), Some(total)]
    };
    let gap = (MIDNIGHT - 8 * HOUR_MS, MIDNIGHT - 6 * HOUR_MS);
    let at_night = MIDNIGHT - DAY_MS;
    for late in [false, true] {
        let mut world = World::new();
        let gather = |world: &mut World| {
            (gap.0..gap.1)
                .step_by(five as usize)
                .for_each(|from_ms| world.gather(from_ms, &gathered(from_ms)));
        };
        for time_ms in (at_night..MIDNIGHT).step_by(STEP as usize) {
            match time_ms {
                _ if time_ms == gap.1 && !late => gather(&mut world),
                _ if (gap.0..gap.1).contains(&time_ms) => continue,
                _ => {}
            }
            world.measure(time_ms);
            world.settle(time_ms);
        }
        if late {
            world.compact(&Keep::default(), HOUR_MS);
            gather(&mut world);
        }
        for round in 0..3 {
            let rate = world.read(DAY, HOUR_MS, "total");
            let is_even = |bucket: &Shown| (bucket.mean - 0.2).abs() < 1e-9 && bucket.max < 0.22;
            // Until they are merged, the late ones may count beside what was counted across them.
            let is_final = round > 0 || !late;
            assert!(!is_final || rate.len() == 24 && rate.iter().all(is_even), "{late} {round}: {rate:?}");
            let weights = |step_ms: i64| {
                let window = Window { from_ms: DAY.0, to_ms: DAY.1, step_ms };
                world.series.range(AGENT, |column| column.name == "total", window).unwrap()
            };
            let seconds: f64 = weights(HOUR_MS)[0].cells.iter().map(|cell| cell.weight()).sum();
            let lost = 24.0 * 15.0 + 2.0 * 15.0;
            assert!(!is_final || (seconds - 86_400.0).abs() <= lost, "{late} {round}: {seconds}");
            let level = &world.read(DAY, HOUR_MS, "level")[16];
            assert_eq!((level.min, level.max, level.mean, level.last), (0.0, 10.0, 5.0, 5.0));
            world.compact(&Keep::default(), (2 + round) * HOUR_MS);
        }
    }
}

#[test]
fn a_damaged_chunk_is_left_out_and_keeps_nothing_from_being_merged() {
    let world = a_day();
    world.settle(MIDNIGHT + HOUR_MS);
    let file = world.folder.path().join("raw-2026-11-18.db");
    let connection = rusqlite::Connection::open(&file).unwrap();
    connection.execute("UPDATE chunk SET bytes = x'00ff' WHERE number = 3", []).unwrap();
    drop(connection);
    let readable = world.read(DAY, 60_000, "level");
    assert_eq!(readable.len(), 23 * 60);
    world.compact(&Keep::default(), HOUR_MS);
    assert_eq!(world.read(DAY, 60_000, "level"), readable);
    let connection = rusqlite::Connection::open(&file).unwrap();
    let forms: Vec<i64> = connection
        .prepare("SELECT form FROM chunk ORDER BY form")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    assert_eq!(forms, [Form::Merged as i64, Form::Unreadable as i64]);
}

#[test]
fn a_file_of_the_first_release_opens_and_is_merged() {
    let world = a_day();
    world.settle(MIDNIGHT + HOUR_MS);
    let expected = world.read(DAY, 60_000, "level");
    let old = tempfile::tempdir().unwrap();
    let file = |folder: &Path| folder.join("raw-2026-11-18.db");
    let connection = rusqlite::Connection::open(file(old.path())).unwrap();
    connection.execute_batch(include_str!("first_release.sql")).unwrap();
    connection.execute("ATTACH ?1 AS new", [file(world.folder.path()).display().to_string()]).unwrap();
    let body = crate::series::stored::pack_whole(&world.catalogue).unwrap();
    connection
        .execute("INSERT INTO catalogue VALUES (1, ?1, ?2)", rusqlite::params![[7_u8; 16], body])
        .unwrap();
    let copy = "INSERT INTO chunk SELECT number, agent, from_ms, to_ms, count, catalogue, first_log, last_log, bytes FROM new.chunk";
    connection.execute(copy, []).unwrap();
    drop(connection);
    let series = Series::open(old.path(), OPEN_BYTES, world.log + 1).unwrap();
    let world = World { folder: old, series, ..world };
    assert_eq!(world.read(DAY, 60_000, "level"), expected);
    world.compact(&Keep::default(), HOUR_MS);
    assert_eq!(world.read(DAY, 60_000, "level"), expected);
    assert_eq!(world.files(), ["1h-2026-11-18.db", "raw-2026-11-18.db"]);
}
