//! Disks: bytes and operations moved, time busy, from `/proc/diskstats`; what they are, from `/sys/block`.
//! Knows whole disks only; how healthy they say they are is another sensor's question.

use crate::sensor::globs::Globs;
use crate::sensor::sample::{SCALE_SECONDS, SCALE_WHOLE, clean, counter};
use crate::sensor::{NoData, Paths, Reading, Sample, Sensor, part, source};
use std::collections::BTreeMap;
use std::path::Path;
use tram_proto::component::{Component, State};
use tram_proto::sample as names;

/// Devices that are parts of others or of memory: partitions, loops, RAM, device mapper and RAID sets (whose members
/// are counted), optical and floppy drives, network blocks.
pub const DISKS_EXCLUDED: &[&str] = &[
    "dm-*",
    "fd[0-9]*",
    "loop*",
    "md[0-9]*",
    "nbd*",
    "ram*",
    "sr[0-9]*",
    "zram*",
    "[hsv]d[a-z]*[0-9]",
    "xvd[a-z]*[0-9]",
    "mmcblk[0-9]*p[0-9]*",
    "mmcblk[0-9]*boot[0-9]*",
    "nvme[0-9]*n[0-9]*p[0-9]*",
    "nvme[0-9]*c[0-9]*n[0-9]*",
];

/// `/proc/diskstats` counts in these, whatever the disk's own sectors are.
const SECTOR_BYTES: f64 = 512.0;

/// The sensor.
#[derive(Debug)]
pub struct Disk {
    excluded: Globs,
}

impl Disk {
    /// With globs of device names to leave out.
    pub fn new(excluded: Globs) -> Self {
        Self { excluded }
    }
}

impl Sensor for Disk {
    fn name(&self) -> &'static str {
        "disk"
    }

    fn read(&mut self, paths: &Paths) -> Result<Reading, NoData> {
        let path = paths.procfs.join("diskstats");
        let disks = parse(&source::text(&path)?, &path, &self.excluded)?;
        if disks.is_empty() {
            return Err(NoData::Absent);
        }
        let components =
            disks.keys().filter_map(|name| component(&paths.sysfs.join("block").join(name))).collect();
        Ok(Reading { samples: disks.into_values().flatten().collect(), components })
    }
}

/// Samples by disk from the text of `/proc/diskstats`.
pub fn parse(text: &str, path: &Path, excluded: &Globs) -> Result<BTreeMap<String, Vec<Sample>>, NoData> {
    let mut disks = BTreeMap::new();
    for (place, line) in text.lines().enumerate() {
        let mut fields = line.split_whitespace().skip(2);
        let name = fields.next();
        let counts: Vec<u64> = fields.map_while(|field| field.parse().ok()).collect();
        let (
            Some(name),
            &[reads, _, sectors_read, read_ms, writes, _, sectors_written, write_ms, _, busy_ms, ..],
        ) = (name, counts.as_slice())
        else {
            return Err(source::malformed(
                path,
                Some(place + 1),
                "two numbers, a device and at least 11 counts",
            ));
        };
        if !excluded.matches(name) {
            let read = [sectors_read, reads, read_ms];
            disks.insert(name.to_owned(), samples(name, read, [sectors_written, writes, write_ms], busy_ms));
        }
    }
    Ok(disks)
}

fn samples(device: &str, read: [u64; 3], write: [u64; 3], busy_ms: u64) -> Vec<Sample> {
    let both = [("read", read), ("write", write)];
    let mut samples: Vec<Sample> = both
        .into_iter()
        .flat_map(|(direction, [sectors, operations, took_ms])| {
            let attributes = [(names::DEVICE, device), (names::IO_DIRECTION, direction)];
            let of = |name: &str, unit: &str, scale: u8, value: f64| {
                counter(name, unit, scale, &attributes, Some(value))
            };
            [
                of(names::DISK_IO, "By", SCALE_WHOLE, sectors as f64 * SECTOR_BYTES),
                of(names::DISK_OPERATIONS, "{operation}", SCALE_WHOLE, operations as f64),
                of(names::DISK_OPERATION_TIME, "s", SCALE_SECONDS, took_ms as f64 / 1000.0),
            ]
        })
        .collect();
    let busy_s = busy_ms as f64 / 1000.0;
    samples.push(counter(names::DISK_IO_TIME, "s", SCALE_SECONDS, &[(names::DEVICE, device)], Some(busy_s)));
    samples
}

/// What `/sys/block/NAME` says of a disk; none where it says nothing.
fn component(block: &Path) -> Option<Component> {
    if !block.is_dir() {
        return None;
    }
    let word = |file: &str| source::word(&block.join(file));
    let number = |file: &str| source::number(&block.join(file));
    let figures = [
        ("size_bytes", number("size").map(|sectors| sectors * SECTOR_BYTES)),
        ("sector_size_bytes", number("queue/physical_block_size")),
        ("rotational", number("queue/rotational")),
        ("removable", number("removable")),
        ("external", is_external(block, word("device/type").as_deref()).then_some(1.0)),
    ];
    let (state, reasons) = state(word("device/state").as_deref());
    let vendor = word("device/vendor").filter(|vendor| vendor != "ATA" && !vendor.starts_with("0x"));
    let model = [vendor, word("device/model").or_else(|| word("device/name"))];
    let model: Vec<String> = model.into_iter().flatten().collect();
    Some(Component {
        kind: "physical_disk".into(),
        id: clean(&source::name(block)),
        name: String::new(),
        model: clean(&model.join(" ")),
        serial: serial(block),
        state,
        reasons,
        figures: part::figures(&figures),
    })
}

/// Whether it is made to be carried away: on a USB or Thunderbolt cable, or a memory card.
fn is_external(block: &Path, kind: Option<&str>) -> bool {
    let is_bus = |name: &str| {
        let digits = name.strip_prefix("usb").unwrap_or_default();
        !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit())
    };
    let place = std::fs::canonicalize(block).unwrap_or_default();
    kind == Some("SD") || place.iter().any(|name| is_bus(&name.to_string_lossy()))
}

/// The kernel's own word for SCSI and NVMe devices; others have none, and nothing speaks against them.
fn state(word: Option<&str>) -> (State, Vec<String>) {
    match word {
        None
        | Some("running" | "live" | "created" | "new" | "connecting" | "resetting" | "blocked" | "quiesce") => {
            (State::Ok, vec![])
        }
        Some(word) => {
            let reason = clean(&format!("kernel says {word}"));
            part::own(&reason);
            (State::Failed, vec![reason])
        }
    }
}

/// NVMe, eMMC and virtio state it as text; SCSI as a page of four bytes and the text.
fn serial(block: &Path) -> String {
    let stated = ["device/serial", "serial"].iter().find_map(|file| source::word(&block.join(file)));
    let page = || {
        let page = source::bytes(&block.join("device/vpd_pg80")).ok()?;
        Some(String::from_utf8_lossy(page.get(4..)?).trim_matches(['\0', ' ']).to_owned())
    };
    clean(&stated.or_else(page).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sensor::testing::{recording, values};
    use std::fs;

    fn parsed(text: &str) -> Result<BTreeMap<String, Vec<Sample>>, NoData> {
        parse(text, Path::new("diskstats"), &Globs::known(DISKS_EXCLUDED))
    }

    #[test]
    fn every_default_glob_is_one_and_only_whole_disks_pass() {
        let globs = Globs::parse(DISKS_EXCLUDED).unwrap();
        for disk in ["sda", "sdab", "hda", "vda", "xvda", "nvme0n1", "nvme10n12", "mmcblk0"] {
            assert!(!globs.matches(disk), "{disk}");
        }
        let parts =
            ["sda1", "sdab12", "vda1", "xvda15", "nvme0n1p1", "nvme0c0n1", "mmcblk0p2", "mmcblk0boot1"];
        for part in parts.into_iter().chain(["loop0", "ram3", "zram0", "dm-0", "md127", "sr0"]) {
            assert!(globs.matches(part), "{part}");
        }
    }

    #[test]
    fn sectors_become_bytes_and_milliseconds_seconds() {
        let disks = parsed(
            "   8       0 sda 10 1 20 3000 30 2 40 5000 0 7000 8000\n   8 1 sda1 1 2 3 4 5 6 7 8 9 10 11\n",
        );
        let samples: Vec<Sample> = disks.unwrap().into_values().flatten().collect();
        let values = values(&Reading { samples, components: vec![] });
        assert_eq!(values["system.disk.io{disk.io.direction=read,system.device=sda}"], Some(10_240.0));
        assert_eq!(values["system.disk.operations{disk.io.direction=write,system.device=sda}"], Some(30.0));
        assert_eq!(
            values["system.disk.operation_time{disk.io.direction=write,system.device=sda}"],
            Some(5.0)
        );
        assert_eq!(values["system.disk.io_time{system.device=sda}"], Some(7.0));
        assert_eq!(values.len(), 7);
    }

    #[test]
    fn text_that_is_not_diskstats_is_refused_by_line() {
        for text in ["x", "8 0 sda", "8 0 sda 1 2 3 4 5 6 7 8 9", "8 0 sda 1 2 3 x 5 6 7 8 9 10 11"] {
            let error = parsed(text).unwrap_err().to_string();
            assert_eq!(error, "diskstats: line 1: expected two numbers, a device and at least 11 counts");
        }
    }

    #[test]
    fn a_disk_is_named_by_model_and_serial_and_a_dead_one_says_so() {
        let sys = tempfile::tempdir().unwrap();
        let block = sys.path().join("sda");
        fs::create_dir_all(block.join("device")).unwrap();
        fs::create_dir_all(block.join("queue")).unwrap();
        fs::write(block.join("size"), "1000\n").unwrap();
        fs::write(block.join("queue/rotational"), "1\n").unwrap();
        fs::write(block.join("device/vendor"), "ATA     \n").unwrap();
        fs::write(block.join("device/model"), "ST1000DM003-1CH1\n").unwrap();
        fs::write(block.join("device/vpd_pg80"), b"\0\x80\0\x08    Z1D4\0").unwrap();
        fs::write(block.join("device/state"), "offline\n").unwrap();
        let disk = component(&block).unwrap();
        assert_eq!(
            (disk.id.as_str(), disk.model.as_str(), disk.serial.as_str()),
            ("sda", "ST1000DM003-1CH1", "Z1D4")
        );
        assert_eq!((disk.state, disk.reasons), (State::Failed, vec!["kernel says offline".to_owned()]));
        assert_eq!((disk.figures["size_bytes"], disk.figures["rotational"]), (512_000.0, 1.0));
        assert_eq!(component(&sys.path().join("sdb")), None);
    }

    #[test]
    fn of_a_recording_whole_disks_are_kept_and_nothing_else() {
        let Some(text) = recording("procfs/proc/diskstats") else { return };
        assert_eq!(
            parsed(&text).unwrap().into_keys().collect::<Vec<_>>(),
            ["mmcblk0", "nvme0n1", "sda", "sdb", "sdc", "vda"]
        );
    }

    #[cfg(unix)]
    #[test]
    fn disks_on_a_cable_and_cards_are_told_from_those_that_stay() {
        let root = tempfile::tempdir().unwrap();
        let make = |path: &str| {
            let path = root.path().join(path);
            fs::create_dir_all(&path).unwrap();
            path
        };
        let stick = make("devices/pci0000:00/usb2/2-1/host6/block/sdb");
        let fixed = make("devices/pci0000:00/ata1/host0/block/sda");
        let link = root.path().join("sdb");
        std::os::unix::fs::symlink(&stick, &link).unwrap();
        assert!(is_external(&link, None) && !is_external(&fixed, None) && !is_external(&fixed, Some("MMC")));
        assert!(is_external(&fixed, Some("SD")) && !is_external(&make("devices/usbhid/block/sdc"), None));
    }
}
