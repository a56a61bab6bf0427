//! The spool through its door: restarts, torn tails, full spools, full and failing disks.

use super::*;
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use tram_proto::ack::{Reason, Refused};
use tram_proto::catalogue::{Attributes, Column, Kind};
use tram_proto::ranges::Ranges;

const BOOT: BootId = BootId([7; 8]);
const ROOMY: Bounds = bounds(1 << 20);
const NOW_MS: i64 = 1_795_000_000_000;

const fn bounds(bytes_max: u64) -> Bounds {
    Bounds { bytes_max, age_max: Duration::from_secs(30 * 86_400) }
}

fn catalogue(name: &str) -> Catalogue {
    let name = name.to_owned();
    let column =
        Column { name, attributes: Attributes::new(), unit: "1".into(), scale: 0, kind: Kind::Gauge };
    Catalogue { resource: Attributes::new(), columns: vec![column] }
}

fn append(spool: &mut Spool, text: &str) -> Result<Seq, SpoolError> {
    let catalogue = catalogue("a");
    spool.append((catalogue.id(), &catalogue), BOOT, text.as_bytes(), NOW_MS)
}

fn filled(root: &Path, count: u64) -> Spool {
    let mut spool = Spool::open(root, ROOMY).unwrap();
    for seq in 1..=count {
        assert_eq!(append(&mut spool, &format!("[{seq}]")).unwrap(), seq);
    }
    spool
}

fn ack(durable: impl IntoIterator<Item = Seq>) -> Ack {
    Ack {
        collector_ms: 1_000,
        durable: durable.into_iter().collect::<Ranges>(),
        refused: vec![],
        need: None,
        need_catalogues: vec![],
        need_components: false,
        new_spool: false,
        policy: 0,
        pause_ms: None,
        history_bytes_per_minute: None,
    }
}

fn pending(spool: &mut Spool) -> Vec<(Seq, String)> {
    let selection = spool.select(Lane::History, usize::MAX, usize::MAX, &BTreeSet::new());
    selection.reports.into_iter().map(|held| (held.seq, String::from_utf8(held.bytes).unwrap())).collect()
}

#[test]
fn what_was_appended_is_there_after_a_restart() {
    let root = tempfile::tempdir().unwrap();
    let mut spool = filled(root.path(), 5);
    spool.settle(&ack([2, 3]), BOOT, 10);
    let id = spool.id();
    append(&mut spool, "[6]").unwrap();
    drop(spool);
    let mut spool = Spool::open(root.path(), ROOMY).unwrap();
    assert_eq!(spool.id(), id);
    let left: Vec<_> = [1, 4, 5, 6].map(|seq| (seq, format!("[{seq}]"))).into();
    assert_eq!(pending(&mut spool), left);
    assert_eq!(spool.latest_anchor(), Some(Anchor { boot: BOOT, boot_ms: 10, collector_ms: 1_000 }));
    assert_eq!(append(&mut spool, "[7]").unwrap(), 7);
}

#[test]
fn a_torn_tail_at_any_byte_costs_only_the_torn_report() {
    let root = tempfile::tempdir().unwrap();
    let mut spool = filled(root.path(), 2);
    let path = spool.segments.values().last().unwrap().path.clone();
    let whole = fs::metadata(&path).unwrap().len();
    append(&mut spool, "[3]").unwrap();
    drop(spool);
    let bytes = fs::read(&path).unwrap();
    for end in whole..bytes.len() as u64 {
        fs::write(&path, &bytes[..end as usize]).unwrap();
        let mut spool = Spool::open(root.path(), ROOMY).unwrap();
        assert_eq!(pending(&mut spool).len(), 2, "cut at {end}");
        assert_eq!(append(&mut spool, "[3b]").unwrap(), 3);
        drop(spool);
        let mut spool = Spool::open(root.path(), ROOMY).unwrap();
        assert_eq!(pending(&mut spool).last().unwrap(), &(3, "[3b]".to_owned()));
    }
}

#[test]
fn garbage_in_place_of_reports_begins_a_new_spool() {
    let garbage = [0xA5; 3_000];
    for kept in [0, 1] {
        let root = tempfile::tempdir().unwrap();
        let spool = filled(root.path(), 5);
        let (old, path) = (spool.id(), spool.segments.values().next().unwrap().path.clone());
        let first = spool.index.reports[1].1 as usize * kept;
        drop(spool);
        let mut bytes = fs::read(&path).unwrap();
        bytes.truncate(first);
        bytes.extend(garbage);
        fs::write(&path, bytes).unwrap();
        fs::write(root.path().join("0123456789abcdef"), b"not a spool").unwrap();
        let mut spool = Spool::open(root.path(), ROOMY).unwrap();
        assert_ne!(spool.id(), old, "the numbers of what is gone are not given out again");
        assert_eq!(pending(&mut spool).len(), kept);
        assert_eq!(append(&mut spool, "[new]").unwrap(), kept as u64 + 1);
        let id = spool.id();
        drop(spool);
        assert_eq!(Spool::open(root.path(), ROOMY).unwrap().id(), id, "once is enough");
    }
}

#[test]
fn a_tail_of_zeros_is_cut_off() {
    let root = tempfile::tempdir().unwrap();
    let spool = filled(root.path(), 2);
    let path = spool.segments.values().last().unwrap().path.clone();
    drop(spool);
    let mut bytes = fs::read(&path).unwrap();
    bytes.extend([0; 4_096]);
    fs::write(&path, bytes).unwrap();
    assert_eq!(pending(&mut Spool::open(root.path(), ROOMY).unwrap()).len(), 2);
}

#[test]
fn full_spool_evicts_acknowledged_first_then_oldest_and_counts_it() {
    let root = tempfile::tempdir().unwrap();
    let mut spool = Spool::open(root.path(), bounds(64 << 10)).unwrap();
    let text = format!("\"{}\"", "x".repeat(1_000));
    let first_settled = (0..40).map(|_| append(&mut spool, &text).unwrap()).collect::<Vec<_>>();
    spool.settle(&ack(first_settled.into_iter().skip(20)), BOOT, 1);
    while spool.figures().dropped == 0 {
        append(&mut spool, &text).unwrap();
    }
    let still_settled = spool.ledger.settled().count();
    assert!(still_settled <= 2, "{still_settled} acknowledged ones were kept at the cost of others");
    assert!(spool.floor() > 1);
    assert!(spool.bytes() <= 64 << 10, "{}", spool.bytes());
    let (next, dropped) = (spool.state.next_seq, spool.figures().dropped);
    drop(spool);
    let spool = Spool::open(root.path(), bounds(64 << 10)).unwrap();
    assert_eq!(spool.state.next_seq, next);
    assert_eq!(spool.figures().dropped, dropped);
}

#[test]
fn catalogues_travel_with_their_reports_until_known() {
    let root = tempfile::tempdir().unwrap();
    let mut spool = Spool::open(root.path(), ROOMY).unwrap();
    let (a, b) = (catalogue("a"), catalogue("b"));
    for catalogue in [&a, &b, &a] {
        spool.append((catalogue.id(), catalogue), BOOT, b"{}", NOW_MS).unwrap();
    }
    let selection = spool.select(Lane::Live, 10, usize::MAX, &BTreeSet::new());
    assert_eq!(selection.catalogues, [a.clone(), b.clone()]);
    let selection = spool.select(Lane::Live, 10, usize::MAX, &[a.id()].into());
    assert_eq!(selection.catalogues, [b]);
}

#[test]
fn refused_for_ever_leaves_and_later_stays() {
    let root = tempfile::tempdir().unwrap();
    let mut spool = filled(root.path(), 3);
    let refused = vec![Refused::new(2, Reason::Limit), Refused::new(3, Reason::UnknownCatalogue)];
    assert_eq!(spool.settle(&Ack { refused, ..ack([1]) }, BOOT, 1), 2);
    assert_eq!(pending(&mut spool), [(3, "[3]".to_owned())]);
    assert_eq!(spool.last_refused(), [RefusedForEver { seq: 2, reason: Reason::Limit }]);
    assert_eq!(spool.figures(), SpoolFigures { pending: 1, dropped: 0, refused: 1, thinned: 0 });
}

#[test]
fn a_restored_collector_gets_again_what_it_lacks() {
    let root = tempfile::tempdir().unwrap();
    let mut spool = filled(root.path(), 4);
    spool.settle(&ack(1..=4), BOOT, 1);
    assert_eq!(spool.pending(), 0);
    spool.settle(&Ack { need: Some((2, 3)), ..ack([]) }, BOOT, 2);
    assert_eq!(pending(&mut spool).into_iter().map(|(seq, _)| seq).collect::<Vec<_>>(), [2, 3]);
}

#[test]
fn a_copied_spool_starts_anew_with_what_was_not_acknowledged() {
    let root = tempfile::tempdir().unwrap();
    let mut spool = filled(root.path(), 4);
    spool.settle(&ack([1, 3]), BOOT, 1);
    let old = spool.id();
    spool.start_anew().unwrap();
    assert_ne!(spool.id(), old);
    let moved = [(1, "[2]".to_owned()), (2, "[4]".to_owned())];
    assert_eq!(pending(&mut spool), moved);
    drop(spool);
    let mut spool = Spool::open(root.path(), ROOMY).unwrap();
    assert_eq!(pending(&mut spool), moved);
    assert_eq!(fs::read_dir(root.path()).unwrap().count(), 1);
}

/// A disk that fails on demand.
#[derive(Clone, Default)]
struct BadDisk {
    full_writes: Arc<AtomicU32>,
    failing_syncs: Arc<AtomicU32>,
    syncs: Arc<AtomicU32>,
}

fn take(count: &AtomicU32) -> bool {
    count.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1)).is_ok()
}

impl Disk for BadDisk {
    fn write(&mut self, file: &File, bytes: &[u8]) -> io::Result<()> {
        if take(&self.full_writes) {
            RealDisk.write(file, bytes.get(..bytes.len() / 2).unwrap_or_default())?;
            return Err(io::Error::from(io::ErrorKind::StorageFull));
        }
        RealDisk.write(file, bytes)
    }

    fn sync(&mut self, _file: &File) -> io::Result<()> {
        self.syncs.fetch_add(1, Relaxed);
        if take(&self.failing_syncs) { Err(io::Error::other("I/O error")) } else { Ok(()) }
    }
}

#[test]
fn every_report_is_synced_before_it_may_be_sent() {
    let root = tempfile::tempdir().unwrap();
    let disk = BadDisk::default();
    let mut spool = Spool::open_with(root.path(), ROOMY, Box::new(disk.clone())).unwrap();
    append(&mut spool, "[1]").unwrap();
    let before = disk.syncs.load(Relaxed);
    append(&mut spool, "[2]").unwrap();
    assert_eq!(disk.syncs.load(Relaxed), before + 1);
}

#[test]
fn a_failed_sync_gives_the_file_up_and_keeps_the_report() {
    let root = tempfile::tempdir().unwrap();
    let disk = BadDisk::default();
    let mut spool = Spool::open_with(root.path(), ROOMY, Box::new(disk.clone())).unwrap();
    append(&mut spool, "[1]").unwrap();
    disk.failing_syncs.store(1, Relaxed);
    assert_eq!(append(&mut spool, "[2]").unwrap(), 2);
    assert_eq!(spool.segments.len(), 2, "the second report is in a new file");
    append(&mut spool, "[3]").unwrap();
    drop(spool);
    let mut spool = Spool::open(root.path(), ROOMY).unwrap();
    let all: Vec<_> = [1, 2, 3].map(|seq| (seq, format!("[{seq}]"))).into();
    assert_eq!(pending(&mut spool), all);
}

#[test]
fn a_full_disk_loses_no_older_report_and_is_survived() {
    let root = tempfile::tempdir().unwrap();
    let disk = BadDisk::default();
    let mut spool = Spool::open_with(root.path(), ROOMY, Box::new(disk.clone())).unwrap();
    append(&mut spool, "[1]").unwrap();
    disk.full_writes.store(u32::MAX, Relaxed);
    assert!(matches!(append(&mut spool, "[lost]"), Err(SpoolError::Full(_))));
    assert_eq!(spool.figures().dropped, 1);
    disk.full_writes.store(0, Relaxed);
    assert_eq!(append(&mut spool, "[2]").unwrap(), 2);
    drop(spool);
    let mut spool = Spool::open(root.path(), ROOMY).unwrap();
    assert_eq!(pending(&mut spool), [(1, "[1]".to_owned()), (2, "[2]".to_owned())]);
}

#[test]
fn a_segment_that_cannot_begin_leaves_the_one_before_readable() {
    let root = tempfile::tempdir().unwrap();
    let disk = BadDisk::default();
    let mut spool = Spool::open_with(root.path(), bounds(64 << 10), Box::new(disk.clone())).unwrap();
    let text = format!("\"{}\"", "x".repeat(1_000));
    for _ in 0..3 {
        append(&mut spool, &text).unwrap();
    }
    assert_eq!(spool.segments.len(), 1);
    disk.full_writes.store(1, Relaxed);
    assert!(
        matches!(append(&mut spool, &text), Err(SpoolError::Full(_))),
        "the next one needs a new segment"
    );
    assert_eq!(pending(&mut spool).len(), 3);
    assert_eq!(append(&mut spool, &text).unwrap(), 4);
    assert_eq!((pending(&mut spool).len(), spool.segments.len()), (4, 2));
}

#[test]
fn a_full_disk_takes_acknowledged_segments_first() {
    let root = tempfile::tempdir().unwrap();
    let disk = BadDisk::default();
    let mut spool = Spool::open_with(root.path(), bounds(64 << 10), Box::new(disk.clone())).unwrap();
    while spool.segments.len() < 3 {
        append(&mut spool, &format!("\"{}\"", "x".repeat(1_000))).unwrap();
    }
    let highest = spool.ledger.highest().unwrap();
    spool.settle(&ack(1..=highest), BOOT, 1);
    disk.full_writes.store(1, Relaxed);
    append(&mut spool, "[new]").unwrap();
    assert_eq!(spool.figures().dropped, 0);
    assert!(spool.floor() > 1);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
    #[test]
    fn restarts_acks_and_evictions_never_lose_or_change_a_held_report(
        steps in proptest::collection::vec((0_u8..6, 0_u64..30), 1..60)
    ) {
        let root = tempfile::tempdir().unwrap();
        let bytes_max = bounds(32 << 10);
        let mut spool = Spool::open(root.path(), bytes_max).unwrap();
        let (mut next, mut acked) = (1, BTreeSet::new());
        for (what, number) in steps {
            match what {
                0..=2 => {
                    let text = format!("[{next},\"{}\"]", "y".repeat(number as usize * 40));
                    prop_assert_eq!(append(&mut spool, &text).unwrap(), next);
                    next += 1;
                }
                3 | 4 => {
                    let first = (number + 1).min(next);
                    spool.settle(&ack(first..next), BOOT, number);
                    acked.extend(first..next);
                    // What a restart may forget of an answer is written with the next report.
                    append(&mut spool, &format!("[{next},\"\"]")).unwrap();
                    next += 1;
                }
                _ => {
                    drop(spool);
                    spool = Spool::open(root.path(), bytes_max).unwrap();
                }
            }
            let floor = spool.floor();
            let dropped = spool.figures().dropped;
            let expect: Vec<Seq> = (floor..next).filter(|seq| !acked.contains(seq)).collect();
            let found = pending(&mut spool);
            prop_assert_eq!(found.len() as u64, spool.pending());
            let is_own = |(seq, text): &(Seq, String)| text.starts_with(&format!("[{seq},"));
            prop_assert!(found.iter().all(is_own));
            let found: Vec<Seq> = found.into_iter().map(|(seq, _)| seq).collect();
            if dropped == 0 {
                let all: Vec<Seq> = (1..next).filter(|seq| !acked.contains(seq)).collect();
                prop_assert_eq!(found, all);
            } else {
                prop_assert!(found.iter().all(|seq| expect.contains(seq)));
                prop_assert!(found.contains(&(next - 1)) || acked.contains(&(next - 1)));
            }
        }
    }
}
