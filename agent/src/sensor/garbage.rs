//! No text makes a parser panic: each is fed noise, and what its source looks like with a piece torn out.

use crate::sensor::filesystem::mounts;
use crate::sensor::globs::Globs;
use crate::sensor::md::mdstat;
use crate::sensor::testing::recorded_files;
use crate::sensor::{cpu, disk, hwmon, ipmi, kernel_log, memory, network, smart, uptime};
use proptest::prelude::*;
use std::path::Path;

const SOURCES: &[&str] = &[
    "cpu  301854 612 111922 8979004 3552 2 3944 0 0 0\ncpu0 44490 19 21045 1087069 220 1 3410 0 0 0\nintr 8885917 17\n",
    "0.68 0.37 0.23 4/123 14310\n",
    "processor\t: 0\nmodel name\t: Intel(R) Core(TM) i7-8650U\nphysical id\t: 0\n\nprocessor\t: 1\nphysical id\t: 1\n",
    "MemTotal: 15666184 kB\nMemFree: 440324 kB\nBuffers: 1020128 kB\nCached: 12007640 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n",
    "   8       0 sda 25354637 34367663 1003346126 18492372 28444756 11134226 505697032 63877960 0 9653880 82621804\n",
    "Inter-|   Receive    |  Transmit\n face |bytes\n  eth0: 874354587 1036395 0 0 0 0 0 0 563352563 732147 0 0 0 0 0 0\n",
    "31 27 8:17 / /srv/my\\040disk rw master:2 propagate_from:1 - xfs /dev/sdb1 rw\n",
    "/dev/mapper/root / ext4 rw,relatime 0 0\n",
    "350735.47 234388.90\n",
    "65261850\n",
    "Personalities : [raid1]\nmd0 : active raid1 sda1[2](F) sdb1[1]\n      208704 blocks [2/1] [_U]\n      [>....]  recovery =  0.4% (1024/208704) finish=276.9min speed=12K/sec\n",
    "FAN1 | 600.000 | RPM | nc | 300.000 | 450.000 | 600.000 | na | na | 19125.000\nPS2 Status | 63h | ok | 10.2 | Presence detected, Failure detected\n",
    " 131 | 10/19/2020 | 14:45:09 | Power Supply Power Supply 2 | Failure detected | Asserted\nPre-Init | x\n",
    "FRU Device Description : PS1 (ID 1)\n Board Mfg : DELL\n Board Serial : CN1797238QA8EI\n",
    "3,339,5140900,-;I/O error, dev nvme0n1p2, sector 1\n[   12.5] EXT4-fs error (device sda1): x\n",
    "{\"nct6798-isa-02a0\":{\"fan1\":{\"fan1_input\":1278.0,\"fan1_min\":0.0,},},\"x\":[{\"current\":1.5}]}",
    "{\"smart_status\":{\"passed\":true},\"ata_smart_attributes\":{\"table\":[{\"id\":5,\"name\":\"Reallocated_Sector_Ct\",\"raw\":{\"string\":\"8 (0 1)\"}}]}}",
    "SMART Health Status: OK\n  5 Reallocated_Sector_Ct   0x0033   100   100   036    Pre-fail  Always       -       0 (1 2)\n# 1  Extended offline    Completed: read failure\n0x07  0x008  1  6  N--  Percentage Used Endurance Indicator\n",
];

/// Answers and errors alike are of no interest here.
fn parse_as_everything(text: &str) {
    let path = Path::new("source");
    let _ = cpu::parse_stat(text, path).map(|(ticks, _)| cpu::utilization(ticks, ticks));
    let _ = cpu::parse_loadavg(text, path);
    let _ = cpu::parse_cpuinfo(text, 4);
    let _ = memory::parse(text, path);
    let _ = disk::parse(text, path, &Globs::default());
    let _ = network::parse(text, path, &Globs::default());
    let parsed = [mounts::parse_mountinfo(text, path), mounts::parse_mounts(text, path)];
    for mounts in parsed.into_iter().flatten() {
        let _ = mounts::select(mounts, &Globs::default(), &Globs::default());
    }
    let _ = uptime::parse(text, path);
    let _ = mdstat::parse(text, path);
    let mut said = ipmi::said::Said::default();
    said.take(text);
    said.take(&format!("ID | Name | Type | State | Reading | Units | Event\n{text}"));
    let _ = ipmi::parts::reading(&said);
    let (tally, now_s) = kernel_log::parse(text);
    let _ = tally.reading(now_s, |device| Some(device.to_owned()));
    let _ = hwmon::json::parse(text, path).map(|printed| hwmon::parse(&printed));
    if let smart::drive::Answer::Drive(drive) = smart::parse(text) {
        let _ = smart::verdict::judge(&drive);
    }
}

#[test]
fn no_recorded_text_makes_a_parser_panic() {
    for (_, path) in recorded_files("sysfs-proc")
        .into_iter()
        .chain(recorded_files("sensors"))
        .chain(recorded_files("ipmi"))
    {
        parse_as_everything(&String::from_utf8_lossy(&std::fs::read(path).unwrap()));
    }
}

proptest! {
    #[test]
    fn noise_makes_no_parser_panic(text in ".{0,200}") {
        parse_as_everything(&text);
    }

    #[test]
    fn a_source_with_a_piece_replaced_makes_no_parser_panic(
        which in 0..SOURCES.len(),
        from in any::<prop::sample::Index>(),
        length in 0_usize..24,
        piece in prop::sample::select(vec!["", " ", "\n", "-1", "99999999999999999999999999", "NaN", "ạ", ":", "\\", "\0"]),
    ) {
        let characters: Vec<char> = SOURCES[which].chars().collect();
        let from = from.index(characters.len());
        let until = (from + length).min(characters.len());
        let torn: String = characters[..from].iter().chain(&piece.chars().collect::<Vec<_>>()).chain(&characters[until..]).collect();
        parse_as_everything(&torn);
    }
}
