//! What counts and for how long; the ring read as it comes; recordings of `dmesg`.

use super::*;
use crate::sensor::merge::rank;
use crate::sensor::testing::{recorded_files, values};
use std::collections::BTreeMap;

fn reading(text: &str) -> Reading {
    let (tally, now_s) = parse(text);
    tally.reading(now_s, here)
}

/// Every disk is there.
fn here(device: &str) -> Option<String> {
    Some(disk_of(device).unwrap_or(device).to_owned())
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
    assert_eq!(tally.reading(now_s, here).components.len(), 1);
    assert_eq!(tally.reading(now_s, |_| None).components.len(), 0);
    let later = tally.reading(now_s + 86_400.0, here);
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
                "physical_disk",
                "sda",
                State::Degraded,
                "file system errors on sda1, file system on sda1 went read-only".to_owned()
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

#[cfg(unix)]
#[test]
fn errors_of_a_file_system_are_of_the_disk_that_it_lies_on() {
    let root = tempfile::tempdir().unwrap();
    let block = |path: &str, is_partition: bool| {
        let place = root.path().join("devices").join(path);
        std::fs::create_dir_all(&place).unwrap();
        if is_partition {
            std::fs::write(place.join("partition"), "1").unwrap();
        }
        let class = root.path().join("class/block");
        std::fs::create_dir_all(&class).unwrap();
        std::os::unix::fs::symlink(&place, class.join(place.file_name().unwrap())).unwrap();
    };
    for (path, is_partition) in
        [("sda", false), ("sda/sda1", true), ("dm-0", false), ("dm-0/slaves/sda1", false), ("md0", false)]
    {
        match path.contains("slaves") {
            true => std::fs::create_dir_all(root.path().join("devices").join(path)).unwrap(),
            false => block(path, is_partition),
        }
    }
    std::fs::create_dir_all(root.path().join("devices/md0/slaves/sda1")).unwrap();
    for (device, expected) in [
        ("sda1", Some("sda")),
        ("sda", Some("sda")),
        ("dm-0", Some("sda")),
        ("md0", Some("md0")),
        ("sdz1", None),
    ] {
        assert_eq!(disk_under(root.path(), device).as_deref(), expected, "{device}");
    }
    let (tally, now_s) =
        parse("[ 5.0] EXT4-fs error (device sda1): ext4_find_entry:1455: inode #2: comm ls: reading\n");
    let reading = tally.reading(now_s, |device| disk_under(root.path(), device));
    let [part] = reading.components.as_slice() else { panic!("{:?}", reading.components) };
    assert_eq!((part.kind.as_str(), part.id.as_str()), ("physical_disk", "sda"));
    assert_eq!(part.reasons, ["file system errors on sda1"]);
}
