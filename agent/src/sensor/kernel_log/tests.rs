//! What counts and for how long; the ring read as it comes; recordings of `dmesg`.

use super::*;
use crate::sensor::merge::rank;
use crate::sensor::testing::{recorded_files, values};
use std::collections::BTreeMap;

fn reading(text: &str) -> Reading {
    let (tally, now_s) = parse(text);
    tally.reading(now_s, |_| true)
}

fn parts(reading: &Reading) -> Vec<(&str, &str, State, String)> {
    let said = |part: &Component| part.reasons.join(", ");
    let parts = reading.components.iter();
    parts.map(|part| (part.kind.as_str(), part.id.as_str(), part.state, said(part))).collect()
}

#[test]
fn errors_speak_against_the_disk_whatever_partition_saw_them() {
    let text = "[   10.0] I/O error, dev sda1, sector 1\n[   11.0] blk_update_request: I/O error, dev sda, sector 2\n\
                [   12.0] critical medium error, dev nvme0n1p2, sector 3\n[   13.0] I/O error, dev sdb, sector 4\n";
    let reading = reading(text);
    let expected = [
        ("physical_disk", "sda", State::Degraded, "kernel reports I/O errors".to_owned()),
        ("physical_disk", "nvme0n1", State::Degraded, "kernel reports medium errors".to_owned()),
    ];
    assert_eq!(parts(&reading), expected);
    let values = values(&reading);
    assert_eq!(values["tram.kernel.events{system.device=sda,tram.kernel.class=disk_io}"], Some(2.0));
    assert_eq!(values["tram.kernel.events{system.device=sdb,tram.kernel.class=disk_io}"], Some(1.0));
}

#[test]
fn a_day_later_they_are_history_and_still_counted() {
    let text =
        "[   10.0] critical medium error, dev sda, sector 3\n[   20.0] EXT4-fs error (device sda1): x\n";
    let (tally, now_s) = parse(text);
    assert_eq!(tally.reading(now_s, |_| true).components.len(), 2);
    assert_eq!(tally.reading(now_s, |_| false).components.len(), 0);
    let later = tally.reading(now_s + 86_400.0, |_| true);
    assert_eq!((later.components.len(), later.samples.len()), (0, 2));
}

#[test]
fn file_systems_links_and_processors_are_parts_of_their_own() {
    let reset = "[   1.0] ata1: hard resetting link\n";
    let text = format!(
        "{reset}{reset}{reset}[ 2.0] ata2: hard resetting link\n[ 3.0] EXT4-fs (sda1): Remounting filesystem read-only\n\
         [ 3.0] Aborting journal on device sda1-8.\n[ 4.0] sd 6:0:0:0: rejecting I/O to offline device\n\
         [ 5.0] ata3.00: disabled\n[ 6.0] {{1}}[Hardware Error]: event severity: fatal\n"
    );
    let reading = reading(&text);
    let mut found = parts(&reading);
    found.sort_by_key(|(kind, id, ..)| (*kind, *id));
    assert_eq!(
        found,
        [
            ("cpu", "cpu", State::Failed, "machine check".to_owned()),
            ("disk_controller", "ata1", State::Degraded, "kernel keeps resetting it".to_owned()),
            ("disk_controller", "ata3", State::Failed, "kernel lost a disk".to_owned()),
            (
                "logical_disk",
                "sda1",
                State::Failed,
                "file system errors, file system went read-only".to_owned()
            ),
        ]
    );
}

#[test]
fn a_flood_of_devices_is_bounded() {
    let text: String = (0..1_000).map(|number| format!("EXT4-fs error (device dm-{number}): x\n")).collect();
    let reading = reading(&text);
    assert_eq!(reading.samples.len(), TOLD_APART_MAX + 1);
}

#[test]
fn a_log_that_is_not_there_is_absent_and_a_text_is_read_each_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("dmesg");
    let paths = Paths { kmsg: path.clone(), ..Paths::default() };
    assert!(matches!(KernelLog::default().read(&paths), Err(NoData::Absent)));
    std::fs::write(&path, "critical medium error, dev sda, sector 3\n").unwrap();
    let mut log = KernelLog::default();
    for _ in 0..2 {
        assert_eq!(log.read(&paths).unwrap().samples[0].value, Some(1.0));
    }
}

#[test]
fn recordings_of_dmesg_come_to_what_their_labels_say() {
    let expected: BTreeMap<&str, State> =
        [("error-rcu-stall.txt", State::Degraded), ("errors-blk-update-request-two.txt", State::Degraded)]
            .into();
    let (mut read, mut wrong) = (0, vec![]);
    for (name, path) in recorded_files("sysfs-proc/linuxfabrik/dmesg") {
        let reading = KernelLog::default().read(&Paths { kmsg: path, ..Paths::default() }).unwrap();
        let worst = reading.components.iter().map(|part| part.state).max_by_key(|state| rank(*state));
        let file = name.rsplit('/').next().unwrap();
        read += 1;
        if worst.unwrap_or(State::Ok) != expected.get(file).copied().unwrap_or(State::Ok) {
            wrong.push(name);
        }
    }
    println!("dmesg: {read} read, {} right, wrong: {wrong:?}", read - wrong.len());
    assert!(wrong.is_empty(), "{wrong:#?}");
}
