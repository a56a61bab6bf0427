//! Thinning through the spool's door: what is kept, what is counted, and power that goes at any moment.

use super::*;
use crate::spool::segment::RealDisk;
use crate::spool::{Bounds, Held};
use crate::uplink::Lane;
use proptest::prelude::*;
use std::collections::HashMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;
use tram_proto::ack::Ack;
use tram_proto::catalogue::{Attributes, Column};
use tram_proto::id::{BootId, SetDigest};
use tram_proto::ranges::Ranges;
use tram_proto::report::SpoolFigures;

const BOOT: BootId = BootId([7; 8]);
const STEP_MS: u64 = 15_000;
const START_MS: i64 = 1_795_000_000_000 / 3_600_000 * 3_600_000;
const COLUMNS: usize = 12;
const SMALL: u64 = 96 << 10;

fn bounds(bytes_max: u64) -> Bounds {
    Bounds { bytes_max, age_max: Duration::from_secs(30 * 86_400) }
}

fn catalogue() -> Catalogue {
    let column = |place: usize| Column {
        name: format!("column.{place}"),
        attributes: Attributes::new(),
        unit: "1".into(),
        scale: 0,
        kind: if place.is_multiple_of(2) { Kind::Gauge } else { Kind::Counter },
    };
    Catalogue { resource: Attributes::new(), columns: (0..COLUMNS).map(column).collect() }
}

fn value(seq: Seq, column: usize) -> i64 {
    let seq = seq as i64;
    if column.is_multiple_of(2) {
        (seq * 7_919 + column as i64) % 100_000
    } else {
        seq * 1_000 + column as i64
    }
}

fn report(seq: Seq) -> Report {
    let boot_ms = seq * STEP_MS;
    Report {
        boot: BOOT,
        boot_ms,
        wall_ms: START_MS + boot_ms as i64,
        catalogue: known().1,
        values: (0..COLUMNS).map(|column| Some(value(seq, column))).collect(),
        set: SetDigest::default(),
        components: None,
        end: None,
        aggregate: None,
    }
}

fn append(spool: &mut Spool) -> Option<Seq> {
    let seq = spool.state.next_seq;
    let now_ms = START_MS + (seq * STEP_MS) as i64;
    spool.append((known().1, &known().0), BOOT, &report(seq).encode(), now_ms).ok()
}

/// The one catalogue of these tests, and its id.
fn known() -> &'static (Catalogue, CatalogueId) {
    static KNOWN: LazyLock<(Catalogue, CatalogueId)> = LazyLock::new(|| (catalogue(), catalogue().id()));
    &KNOWN
}

fn ack(durable: Ranges) -> Ack {
    let text = r#"{"time":1,"durable":[]}"#;
    Ack { durable, ..serde_json::from_str(text).unwrap() }
}

fn waiting(spool: &mut Spool) -> Vec<Held> {
    let mut all = Vec::new();
    for seq in spool.ledger.select(Lane::Live, usize::MAX) {
        match spool.read_with_catalogue(seq) {
            Some((held, _)) => all.push(held),
            None => spool.lose(seq),
        }
    }
    all.reverse();
    all
}

/// Checks that a report says what was measured, and returns how many it stands for.
fn check(held: &Held) -> u64 {
    let found = Report::decode(&held.bytes).unwrap();
    let Some(aggregate) = &found.aggregate else {
        assert_eq!(
            (held.first, found),
            (held.seq, report(held.seq)),
            "bytes of a single report never change"
        );
        return 1;
    };
    assert_eq!(aggregate.first(held.seq), Some(held.first));
    let parts: Vec<Report> = (held.first..=held.seq).map(report).collect();
    assert_eq!(aggregate.since_boot_ms, parts[0].boot_ms);
    for column in 0..COLUMNS {
        let values: Vec<i64> = parts.iter().filter_map(|part| part.values[column]).collect();
        let gathered = aggregate.gathered(column, found.values[column]).unwrap();
        assert_eq!(gathered.count as usize, values.len());
        assert_eq!(gathered.min, *values.iter().min().unwrap());
        assert_eq!(gathered.max, *values.iter().max().unwrap());
        assert_eq!(gathered.last, *values.last().unwrap());
        assert!(column % 2 == 1 || gathered.sum == values.iter().sum::<i64>());
    }
    held.seq - held.first + 1
}

/// Numbers of reports that wait, whole or in an aggregate.
fn covered(spool: &mut Spool) -> Ranges {
    let mut ranges = Ranges::new();
    for held in waiting(spool) {
        check(&held);
        assert_eq!(ranges.count_within(held.first, held.seq), 0, "{held:?} is there twice");
        ranges.insert_range(held.first, held.seq);
    }
    ranges
}

#[test]
fn a_full_spool_thins_the_oldest_by_minutes_then_by_hours_before_it_drops_any() {
    let root = tempfile::tempdir().unwrap();
    let mut spool = Spool::open(root.path(), bounds(SMALL)).unwrap();
    let mut steps = Vec::new();
    while spool.figures().dropped == 0 {
        append(&mut spool).unwrap();
        assert!(spool.bytes() <= SMALL, "{}", spool.bytes());
        if spool.state.next_seq.is_multiple_of(500) {
            assert_eq!(covered(&mut spool).as_slice(), [(1, spool.state.next_seq - 1)]);
        }
        steps.push(spool.figures());
    }
    let raw = steps.iter().position(|figures| figures.thinned > 0).unwrap();
    let kept = steps.len();
    assert!(kept > 8 * raw, "thinning keeps {kept} reports where {raw} had room");
    let longest = waiting(&mut spool).iter().map(|held| held.seq - held.first + 1).max();
    assert!(longest > Some(60), "{longest:?}: no more by minutes alone");
    let figures = spool.figures();
    drop(spool);
    let mut spool = Spool::open(root.path(), bounds(SMALL)).unwrap();
    assert_eq!(spool.figures(), figures);
    let last = spool.state.next_seq - 1;
    assert_eq!(covered(&mut spool).as_slice(), [(figures.dropped + 1, last)]);
}

#[test]
fn what_may_have_been_sent_is_never_thinned() {
    let root = tempfile::tempdir().unwrap();
    let mut spool = Spool::open(root.path(), bounds(SMALL)).unwrap();
    let known = [known().1].into();
    let sent = 101..=130;
    for seq in 1..=1_500 {
        append(&mut spool).unwrap();
        if seq == 116 {
            let newest = spool.select(Lane::Live, 16, usize::MAX, &known);
            spool.set_off(Lane::Live, &newest.reports);
            spool.came_back(Lane::Live, false);
        }
        if seq == 130 {
            let batch = spool.select(Lane::History, 14, usize::MAX, &known);
            spool.set_off(Lane::History, &batch.reports);
            drop(spool);
            spool = Spool::open(root.path(), bounds(SMALL)).unwrap();
        }
        if seq == 145 {
            let newest = spool.select(Lane::Live, 10, usize::MAX, &known);
            spool.set_off(Lane::Live, &newest.reports);
            spool.came_back(Lane::Live, true);
        }
    }
    let singles: Vec<Seq> =
        waiting(&mut spool).iter().filter(|held| held.first == held.seq).map(|held| held.seq).collect();
    assert!(spool.figures().thinned > 300);
    assert!(sent.clone().all(|seq| singles.contains(&seq)));
    assert!(!singles.contains(&140), "what certainly never left is thinned");
}

#[test]
fn acknowledged_reports_make_room_before_anything_is_thinned() {
    let root = tempfile::tempdir().unwrap();
    let mut spool = Spool::open(root.path(), bounds(SMALL)).unwrap();
    for _ in 0..2_000 {
        let seq = append(&mut spool).unwrap();
        spool.settle(&ack((seq..=seq).collect()), BOOT, 1);
    }
    assert_eq!(spool.figures(), SpoolFigures::default());
    assert!(spool.floor() > 1);
}

#[test]
fn detail_is_kept_for_so_many_days_and_then_goes_or_is_thinned() {
    let root = tempfile::tempdir().unwrap();
    let bounds = Bounds { bytes_max: 1 << 20, age_max: Duration::from_secs(86_400 / 2) };
    let mut spool = Spool::open(root.path(), bounds).unwrap();
    for seq in 1..=6_000 {
        append(&mut spool).unwrap();
        if seq == 1_000 {
            spool.settle(&ack((1..=1_000).collect()), BOOT, 1);
        }
    }
    assert!(spool.floor() > 500, "what was acknowledged half a day ago is gone");
    let figures = spool.figures();
    assert!(figures.thinned > 1_000 && figures.dropped == 0, "{figures:?}");
    assert_eq!(covered(&mut spool).as_slice(), [(1_001, 6_000)]);
    let longest = waiting(&mut spool).iter().map(|held| held.seq - held.first + 1).max();
    assert_eq!(longest, Some(20), "for its age alone nothing is gathered by hours");
}

#[test]
fn a_new_spool_takes_aggregates_over_under_its_own_numbers() {
    let root = tempfile::tempdir().unwrap();
    let mut spool = Spool::open(root.path(), bounds(SMALL)).unwrap();
    while spool.figures().thinned < 400 {
        append(&mut spool).unwrap();
    }
    let acked = waiting(&mut spool)[0].seq;
    spool.settle(&ack((1..=acked).collect()), BOOT, 1);
    let before = waiting(&mut spool);
    let next = spool.state.next_seq;
    spool.start_anew().unwrap();
    let after = waiting(&mut spool);
    let said =
        |all: &[Held]| all.iter().map(|held| (held.seq - held.first, held.bytes.clone())).collect::<Vec<_>>();
    assert_eq!(said(&before), said(&after));
    assert_eq!((after[0].first, spool.state.next_seq), (1, next - acked));
}

#[test]
fn any_byte_that_changes_costs_no_more_than_is_counted() {
    let root = tempfile::tempdir().unwrap();
    let mut spool = Spool::open(root.path(), bounds(SMALL)).unwrap();
    while spool.figures().thinned < 100 {
        append(&mut spool).unwrap();
    }
    let (figures, last) = (spool.figures(), spool.state.next_seq - 1);
    let path = spool.segments.values().next().unwrap().path.clone();
    drop(spool);
    let sound = fs::read(&path).unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    for place in (0..sound.len()).step_by(23) {
        let copy = elsewhere.path().join(place.to_string());
        let copied = std::process::Command::new("cp").arg("-a").args([root.path(), &copy]).status().unwrap();
        assert!(copied.success());
        let mut bytes = sound.clone();
        bytes[place] ^= 0x10;
        fs::write(copy.join(path.strip_prefix(root.path()).unwrap()), &bytes).unwrap();
        let mut spool = Spool::open(&copy, bounds(SMALL)).unwrap();
        let id = spool.id();
        let covered = covered_numbers(&mut spool);
        let lost = last - covered;
        let counted = spool.figures().dropped - figures.dropped;
        drop(spool);
        let again = Spool::open(&copy, bounds(SMALL)).unwrap();
        assert_eq!((again.id(), again.figures().dropped - figures.dropped), (id, counted), "counted once");
        fs::remove_dir_all(&copy).unwrap();
        // A length that lies hides where the next record is: then a new spool begins, which cannot say how many.
        let is_new = !path.to_string_lossy().contains(&id.to_string());
        assert!(lost <= counted || is_new, "byte {place}: {lost} lost, {counted} counted");
    }
}

#[test]
fn what_damage_costs_is_counted_exactly_beside_what_was_acknowledged_or_lost_before() {
    let root = tempfile::tempdir().unwrap();
    let mut spool = Spool::open(root.path(), bounds(SMALL)).unwrap();
    while spool.figures().thinned < 100 {
        let seq = append(&mut spool).unwrap();
        // Every third is acknowledged, and left out when its segment is written anew.
        if seq.is_multiple_of(3) {
            spool.settle(&ack([seq].into_iter().collect()), BOOT, seq);
        }
    }
    drop(spool);
    let mut dropped = 0;
    for place in [200_usize, 700, 1_500, 2_300, 4_000] {
        let mut spool = Spool::open(root.path(), bounds(SMALL)).unwrap();
        let (before, id) = (covered_numbers(&mut spool), spool.id());
        assert_eq!(spool.figures().dropped, dropped, "nothing is counted twice");
        let paths: Vec<PathBuf> = spool.segments.values().map(|segment| segment.path.clone()).collect();
        drop(spool);
        // One that was thinned, if it is not mended down to nothing yet, and one that never was.
        for path in [&paths[0], &paths[paths.len() - 2]] {
            let mut bytes = fs::read(path).unwrap();
            let mut begins = Vec::new();
            scan(&bytes, |offset, record| {
                begins.extend(matches!(record, Record::Report(_)).then_some(offset))
            });
            // Behind the last one there is nothing that shows where it ends.
            begins.pop();
            if !begins.is_empty() {
                bytes[begins[place % begins.len()] + 40] ^= 1;
                fs::write(path, &bytes).unwrap();
            }
        }
        let mut spool = Spool::open(root.path(), bounds(SMALL)).unwrap();
        assert_eq!(spool.id(), id, "a damaged record costs only itself");
        let lost = before - covered_numbers(&mut spool);
        dropped += lost;
        assert_eq!(spool.figures().dropped, dropped, "byte {place}: {lost} lost");
    }
    assert!(dropped > 0);
}

/// How many numbers are covered, whatever a new spool calls them.
fn covered_numbers(spool: &mut Spool) -> u64 {
    waiting(spool).iter().map(|held| held.seq - held.first + 1).sum()
}

/// A disk whose power goes after so many operations. What was not synced by then is gone in part.
#[derive(Clone)]
struct MortalDisk(Arc<Mutex<Mortal>>);

#[derive(Default)]
struct Mortal {
    left: u64,
    synced: HashMap<u64, u64>,
}

impl MortalDisk {
    fn new(left: u64) -> Self {
        Self(Arc::new(Mutex::new(Mortal { left, synced: HashMap::new() })))
    }

    fn is_dead(&self) -> bool {
        self.0.lock().unwrap().left == 0
    }

    /// Uses one operation up; an error once the power is gone.
    fn live(&self) -> io::Result<()> {
        let mut mortal = self.0.lock().unwrap();
        mortal.left = mortal.left.saturating_sub(1);
        if mortal.left == 0 { Err(io::Error::other("the power is gone")) } else { Ok(()) }
    }

    /// Cuts what was not synced from every file below `root`, but for `share` eighths of it.
    fn cut_power(&self, root: &Path, share: u64) {
        let mortal = self.0.lock().unwrap();
        for directory in fs::read_dir(root).unwrap().flatten() {
            for entry in fs::read_dir(directory.path()).into_iter().flatten().flatten() {
                let metadata = entry.metadata().unwrap();
                let synced = mortal.synced.get(&metadata.ino()).copied().unwrap_or(metadata.len());
                let unsynced = metadata.len().saturating_sub(synced);
                let file = OpenOptions::new().write(true).open(entry.path()).unwrap();
                file.set_len(metadata.len() - unsynced + unsynced * share / 8).unwrap();
            }
        }
    }
}

impl Disk for MortalDisk {
    fn write(&mut self, file: &File, bytes: &[u8]) -> io::Result<()> {
        let metadata = file.metadata()?;
        self.0.lock().unwrap().synced.entry(metadata.ino()).or_insert(metadata.len());
        if let Err(error) = self.live() {
            RealDisk.write(file, bytes.get(..bytes.len() / 3).unwrap_or_default())?;
            return Err(error);
        }
        RealDisk.write(file, bytes)
    }

    fn sync(&mut self, file: &File) -> io::Result<()> {
        self.live()?;
        let metadata = file.metadata()?;
        self.0.lock().unwrap().synced.insert(metadata.ino(), metadata.len());
        Ok(())
    }

    fn replace(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        self.live()?;
        fs::rename(from, to)
    }

    fn remove(&mut self, path: &Path) -> io::Result<()> {
        self.live()?;
        fs::remove_file(path)
    }
}

/// A spool's life as the test knows it.
struct Life {
    root: PathBuf,
    spool: Option<Spool>,
    promised: Ranges,
    acked: Ranges,
}

impl Life {
    fn spool(&mut self) -> &mut Spool {
        self.spool.as_mut().unwrap()
    }

    fn act(&mut self, what: u8, number: u64) {
        match what {
            0..=4 => {
                for _ in 0..number {
                    if let Some(seq) = append(self.spool()) {
                        self.promised.insert(seq);
                    }
                }
            }
            5 => {
                let known = [known().1].into();
                let lane = if number.is_multiple_of(2) { Lane::Live } else { Lane::History };
                let batch = self.spool().select(lane, 16, usize::MAX, &known);
                self.spool().set_off(lane, &batch.reports);
                if number.is_multiple_of(3) {
                    let durable: Ranges =
                        batch.reports.iter().flat_map(|held| held.first..=held.seq).collect();
                    durable
                        .as_slice()
                        .iter()
                        .for_each(|(first, last)| self.acked.insert_range(*first, *last));
                    self.spool().settle(&ack(durable), BOOT, number);
                } else {
                    self.spool().came_back(lane, number % 3 == 1);
                }
            }
            _ => {
                self.spool = None;
                self.spool = Some(Spool::open(&self.root, bounds(SMALL / 2)).unwrap());
            }
        }
    }

    /// Whatever was promised is there, acknowledged, or counted; and what is there is right.
    fn check(&mut self) {
        let covered = covered(self.spool.as_mut().unwrap());
        let figures = self.spool().figures();
        let missing = |(first, last): &(Seq, Seq)| {
            (*first..=*last).filter(|seq| !covered.contains(*seq) && !self.acked.contains(*seq)).count()
                as u64
        };
        let lost: u64 = self.promised.as_slice().iter().map(missing).sum();
        assert!(lost <= figures.dropped, "{lost} lost, {figures:?}");
        let thin: u64 = waiting(self.spool.as_mut().unwrap()).iter().map(|held| held.seq - held.first).sum();
        assert!(thin <= figures.thinned, "{thin} fewer, {figures:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    #[test]
    fn power_that_goes_at_any_write_loses_nothing_that_is_not_counted(
        before in proptest::collection::vec((0_u8..7, 1_u64..120), 1..30),
        after in proptest::collection::vec((0_u8..7, 1_u64..120), 0..8),
        left in 1_u64..4_000, share in 0_u64..=8,
    ) {
        lives(&before, &after, left, share);
    }
}

/// What waits is in files that were begun one after the other, the last two without a report in them.
#[test]
fn a_file_whose_beginning_is_torn_goes_on_from_the_one_before() {
    let appended = [10, 89, 42, 42, 43, 26, 110, 61, 99, 89, 86, 61, 97, 108];
    let mut before: Vec<(u8, u64)> = appended.map(|number| (0, number)).into();
    before.insert(2, (5, 12));
    before.insert(4, (5, 67));
    before.insert(9, (5, 113));
    lives(&before, &[(5, 11), (1, 81), (1, 49), (0, 28), (6, 24), (5, 7)], 3_384, 3);
}

/// A spool's life before and after the power goes, `left` writes from the start, with `share` eighths of what was not
/// synced.
fn lives(before: &[(u8, u64)], after: &[(u8, u64)], left: u64, share: u64) {
    let root = tempfile::tempdir().unwrap();
    let disk = MortalDisk::new(left);
    let spool = Spool::open_with(root.path(), bounds(SMALL / 2), Box::new(disk.clone())).unwrap();
    let (promised, acked) = (Ranges::new(), Ranges::new());
    let mut life = Life { root: root.path().into(), spool: Some(spool), promised, acked };
    for (what, number) in before {
        if disk.is_dead() {
            break;
        }
        // Restarts would put another disk under it.
        life.act((*what).min(5), *number);
    }
    life.spool = None;
    disk.cut_power(root.path(), share);
    life.spool = Some(Spool::open(root.path(), bounds(SMALL / 2)).unwrap());
    life.check();
    for (what, number) in after {
        life.act(*what, *number);
        life.check();
    }
}
