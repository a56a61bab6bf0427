//! What arrays are judged to be, from texts of the kernel's form and from recordings.

use super::*;
use crate::sensor::testing::{recorded_files, values};
use std::fs;

fn read(mdstat: &str) -> Result<Reading, NoData> {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("mdstat"), mdstat).unwrap();
    let nowhere = folder.path().join("sys");
    Md::default().read(&Paths { procfs: folder.path().to_owned(), sysfs: nowhere, ..Paths::default() })
}

/// State and reasons of one array under a heading of `mdstat`.
fn judged(array: &str) -> (State, Vec<String>) {
    let reading = read(&format!("Personalities : [raid1]\n{array}\nunused devices: <none>\n")).unwrap();
    let part = reading.components.into_iter().find(|part| part.kind == "logical_disk").unwrap();
    (part.state, part.reasons)
}

fn is(array: &str, state: State, reasons: &[&str]) {
    let (found, why) = judged(array);
    assert_eq!(
        (found, why.iter().map(String::as_str).collect::<Vec<_>>()),
        (state, reasons.to_vec()),
        "{array}"
    );
}

#[test]
fn whole_arrays_are_ok_whatever_they_do_meanwhile() {
    is(
        "md2 : active (auto-read-only) raid1 sdc3[0] sdd3[1]\n 175770 blocks super 1.2 [2/2] [UU]\n",
        State::Ok,
        &[],
    );
    is("md0 : active linear sdf2[0] sde6[1]\n 58291648 blocks 64k rounding\n", State::Ok, &[]);
    let whole = "md0 : active raid1 sda1[0] sdb1[1]\n 56128 blocks [2/2] [UU]\n";
    is(
        &format!("{whole} [=>..]  resync =  9.9% (73/732) finish=211.5min speed=51946K/sec\n"),
        State::Ok,
        &["resync"],
    );
    is(
        &format!("{whole}  resync=DELAYED\n bitmap: 0/4 pages [0KB], 65536KB chunk\n"),
        State::Ok,
        &["resync"],
    );
    is(&format!("{whole} [>...]  check =  0.4% (1/2) finish=3min speed=9K/sec\n"), State::Ok, &["check"]);
    let replacing = "md0 : active raid1 sdc1[2](R) sda1[0] sdb1[1]\n 56128 blocks [2/2] [UU]\n";
    is(
        &format!("{replacing} [>..]  recovery = 1.0% (1/2) finish=1min speed=1K/sec"),
        State::Ok,
        &["replacing member"],
    );
}

#[test]
fn an_array_without_a_member_is_degraded_and_says_whether_it_rebuilds() {
    let short = "md0 : active raid1 sda1[2] sdb1[1]\n 208704 blocks [2/1] [_U]\n";
    is(short, State::Degraded, &["degraded", "missing member"]);
    is(
        &format!("{short} [>...]  recovery =  0.4% (1024/208704) finish=276.9min speed=12K/sec\n"),
        State::Degraded,
        &["degraded", "missing member", "rebuilding"],
    );
    is(
        &format!("{short}   resync=DELAYED\n"),
        State::Degraded,
        &["degraded", "missing member", "waiting to rebuild"],
    );
    let spare_took_over =
        "md9 : active raid1 sdc2[2] sda2[0] sde[4](F)\n 523968 blocks super 1.2 [2/2] [UU]\n";
    is(spare_took_over, State::Degraded, &["failed member sde"]);
}

#[test]
fn an_array_that_lost_more_than_it_can_or_does_not_run_has_failed() {
    let lost = "more members missing than it can lose";
    is(
        "md0 : active raid5 sda1[0]\n 1 blocks level 5, 64k chunk, algorithm 2 [3/1] [U__]\n",
        State::Failed,
        &[lost, "missing member"],
    );
    is("md4 : inactive raid1 sda3[0](S)\n 4883648 blocks\n", State::Failed, &["inactive"]);
    is("md5 : broken raid0 sdb1[1] sda1[0]\n 4883648 blocks 512k chunks\n", State::Failed, &["broken"]);
    is(
        "md1 : active raid0 sda3[0] sdb3[1](F)\n 4 blocks 64k chunks\n",
        State::Failed,
        &["failed member sdb3"],
    );
    is(
        "md6 : active raid6 sda[0] sdb[1]\n 4 blocks [4/2] [UU__]\n",
        State::Degraded,
        &["degraded", "missing member"],
    );
}

#[test]
fn a_failed_member_is_a_failed_disk() {
    let text = "Personalities :\nmd0 : active raid1 nvme0n1p2[0](F) sdb11[1](F) dm-3[2](F) sdc[3]\n 8 blocks [4/1] [___U]\n";
    let disks: Vec<(String, State)> = read(text)
        .unwrap()
        .components
        .into_iter()
        .filter(|part| part.kind == "physical_disk")
        .map(|part| (part.id, part.state))
        .collect();
    assert_eq!(disks, [("nvme0n1".into(), State::Failed), ("sdb".into(), State::Failed)]);
}

#[test]
fn progress_is_a_sample_that_arrays_with_redundancy_always_have() {
    let text = "Personalities :\nmd0 : active raid1 sda1[2] sdb1[1]\n 20 blocks [2/1] [_U]\n [>...]  recovery =  45.5% (9/20)\n
md1 : active raid1 sda2[2] sdb2[1]\n 20 blocks [2/2] [UU]\n\nmd2 : active raid0 sda3[0]\n 20 blocks\n";
    let values = values(&read(text).unwrap());
    let expected = [
        ("tram.raid.progress{hw.id=md0}".into(), Some(0.455)),
        ("tram.raid.progress{hw.id=md1}".into(), None),
    ];
    assert_eq!(values.into_iter().collect::<Vec<_>>(), expected);
}

#[test]
fn what_is_no_mdstat_is_never_ok() {
    for text in ["", "garbage\n", "Personalities : [raid1]\nmd0 : asleep raid1 sda1[0]\n"] {
        let parts = read(text).unwrap().components;
        assert!(
            parts.iter().all(|part| part.state == State::Unknown && part.reasons[0] == "cannot read"),
            "{text:?}"
        );
        assert_eq!(parts.len(), 1, "{text:?}");
    }
    is("md0 : active raid5 sda1[0] sdb1[1]\n", State::Unknown, &["cannot read", "members not told"]);
    assert!(matches!(read("Personalities : \nunused devices: <none>\n"), Err(NoData::Absent)));
    let container =
        "Personalities :\nmd219 : inactive sdb[2](S) sda[0](S)\n 7932 blocks super external:imsm\n";
    assert!(matches!(read(container), Err(NoData::Absent)));
}

#[test]
fn arrays_once_found_are_unknown_while_they_cannot_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let mdstat = folder.path().join("mdstat");
    let paths =
        Paths { procfs: folder.path().to_owned(), sysfs: folder.path().join("sys"), ..Paths::default() };
    let mut sensor = Md::default();
    fs::write(&mdstat, "Personalities :\nmd0 : active raid0 sda1[0]\n 4 blocks 64k chunks\n").unwrap();
    assert_eq!(sensor.read(&paths).unwrap().components.len(), 1);
    fs::write(&mdstat, "?").unwrap();
    assert!(matches!(sensor.read(&paths), Err(NoData::Malformed { .. })));
}

#[test]
fn what_sys_says_counts_only_for_the_same_array() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(
        folder.path().join("mdstat"),
        "Personalities :\nmd0 : active raid0 sda1[0]\n 4 blocks 64k chunks\n",
    )
    .unwrap();
    let sys = folder.path().join("sys");
    let md = sys.join("block/md0/md");
    fs::create_dir_all(md.join("dev-sda1")).unwrap();
    fs::write(md.join("array_state"), "broken\n").unwrap();
    fs::write(md.join("uuid"), "a-b\n").unwrap();
    let paths = Paths { procfs: folder.path().to_owned(), sysfs: sys, ..Paths::default() };
    let part = Md::default().read(&paths).unwrap().components.remove(0);
    assert_eq!((part.state, part.serial.as_str()), (State::Failed, "a-b"));
    fs::rename(md.join("dev-sda1"), md.join("dev-sdx1")).unwrap();
    let part = Md::default().read(&paths).unwrap().components.remove(0);
    assert_eq!((part.state, part.serial.as_str()), (State::Ok, ""));
}

#[test]
fn recorded_arrays_are_as_their_recorders_say() {
    // Worst state of all parts; from EXPECTED.tsv, where a resync of a whole array is no fault.
    let expected = |name: &str| match name {
        "mdstat-failed" | "pr28_0" | "pr28_1" | "pr28_2" => "bad",
        "mdstat-none" => "none",
        "node_exporter-mdstat" | "procfs-mdstat" => "bad",
        _ => "ok",
    };
    let files = ["raid/mdstat", "raid/mdstat-prom"].iter().flat_map(|folder| recorded_files(folder));
    for (name, path) in files {
        let text = fs::read_to_string(path).unwrap();
        let found = match read(&text) {
            Err(NoData::Absent) => "none",
            Err(_) => "error",
            Ok(reading) if reading.components.iter().all(|part| part.state == State::Ok) => "ok",
            Ok(_) => "bad",
        };
        assert_eq!(found, expected(name.rsplit('/').next().unwrap()), "{name}");
    }
}
