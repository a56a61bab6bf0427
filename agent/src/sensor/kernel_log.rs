//! Failures that the kernel wrote into its log since boot, counted by kind and device, and the parts that recent ones
//! speak against. Owns how long a line counts against a part; what lines mean is below.

pub mod classify;
pub mod record;

use crate::sensor::sample::{SCALE_WHOLE, clean, counter};
use crate::sensor::{NoData, Paths, Reading, Sensor, part, source};
use classify::{Class, classify, disk_of};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::path::Path;
use std::time::Duration;
use tram_proto::component::{Component, State};
use tram_proto::sample as names;

/// The kernel's ring keeps what comes in between.
const INTERVAL: Duration = Duration::from_secs(60);
/// How long a failure counts against its part: a disk that fails again says so again.
const RECENT_S: f64 = 86_400.0;
/// Kinds of failures by device that are told apart; the rest of a flood goes unnamed.
const TOLD_APART_MAX: usize = 128;
/// The longest record that the kernel hands out.
const RECORD_BYTES_MAX: usize = 8 << 10;
/// Records of one read, at most: more than any ring holds.
const RECORDS_MAX: usize = 200_000;
/// Corrected machine checks of a day from which on the processor is not well: mcelog's threshold for memory, for want of
/// one for the rest.
const MACHINE_CHECKS_MAX: u64 = 10;
/// Resets of a link in a day from which on a cable, a port or a disk is not well.
const RESETS_MAX: u64 = 3;
/// A single request may fail for a reason of its own; the second makes it the disk's.
const IO_ERRORS_MAX: u64 = 2;

/// Volumes over volumes that are followed.
const DEVICES_DEPTH_MAX: usize = 8;

/// The sensor: holds its place in the log.
#[derive(Debug, Default)]
pub struct KernelLog {
    file: Option<File>,
    tally: Tally,
    /// Whether the ring's contents from before the agent's start have been read.
    has_caught_up: bool,
}

/// What was counted.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Tally {
    counts: BTreeMap<(Class, Option<String>), Count>,
}

/// Failures of one kind and device.
#[derive(Debug, Clone, PartialEq, Default)]
struct Count {
    total: u64,
    /// Seconds after boot of the last ones, from the oldest, as many as any rule asks for.
    times: Vec<f64>,
}

impl Sensor for KernelLog {
    fn name(&self) -> &'static str {
        "kernel_log"
    }

    fn interval(&self) -> Option<Duration> {
        Some(INTERVAL)
    }

    fn read(&mut self, paths: &Paths) -> Result<Reading, NoData> {
        let path = &paths.kmsg;
        let is_text = path.metadata().is_ok_and(|metadata| metadata.is_file());
        if is_text {
            let (tally, now_s) = parse(&source::text(path)?);
            return Ok(tally.reading(now_s, |device| Some(disk_of(device).unwrap_or(device).to_owned())));
        }
        let uptime = source::word(&paths.procfs.join("uptime"));
        let now_s = uptime.and_then(|text| text.split_whitespace().next()?.parse().ok()).unwrap_or_default();
        self.follow(path, now_s)?;
        Ok(self.tally.reading(now_s, |device| disk_under(&paths.sysfs, device)))
    }
}

impl KernelLog {
    /// Reads what was written since the last time.
    fn follow(&mut self, path: &Path, now_s: f64) -> Result<(), NoData> {
        let unreadable =
            |why: ErrorKind| NoData::Unreadable { what: path.display().to_string(), why: why.to_string() };
        let mut file = match self.file.take() {
            Some(file) => file,
            None => match open(path) {
                Ok(file) => file,
                Err(error) if error.kind() == ErrorKind::NotFound => return Err(NoData::Absent),
                Err(error) => return Err(unreadable(error.kind())),
            },
        };
        let mut record = vec![0; RECORD_BYTES_MAX];
        for _ in 0..RECORDS_MAX {
            match file.read(&mut record) {
                Ok(0) => break,
                Ok(length) => {
                    let text = String::from_utf8_lossy(record.get(..length).unwrap_or_default());
                    if let Some(line) = record::parse(&text) {
                        // The log's clock stops while the machine sleeps: what comes in now, happened now.
                        let time_s = if self.has_caught_up { Some(now_s) } else { line.time_s };
                        self.tally.add(line.message, time_s.unwrap_or(now_s));
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                // What was overwritten before it was read; the next record follows.
                Err(error) if matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::Interrupted) => {}
                Err(error) => return Err(unreadable(error.kind())),
            }
        }
        self.has_caught_up = true;
        self.file = Some(file);
        Ok(())
    }
}

/// Opens the log so that its end is told instead of waited for.
#[cfg(unix)]
fn open(path: &Path) -> std::io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let flags = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or_default();
    File::options().read(true).custom_flags(flags).open(path)
}

/// No other kernel has such a log.
#[cfg(not(unix))]
fn open(_path: &Path) -> std::io::Result<File> {
    Err(ErrorKind::NotFound.into())
}

/// Counts the lines of a text; the time of the last that says one is now. Lines that say none happened now.
pub fn parse(text: &str) -> (Tally, f64) {
    let lines: Vec<record::Line<'_>> =
        text.lines().map(|line| record::parse(line).unwrap_or_else(|| record::parse_text(line))).collect();
    let now_s = lines.iter().filter_map(|line| line.time_s).fold(0.0, f64::max);
    let mut tally = Tally::default();
    for line in lines {
        tally.add(line.message, line.time_s.unwrap_or(now_s));
    }
    (tally, now_s)
}

impl Tally {
    fn add(&mut self, message: &str, time_s: f64) {
        let Some((class, device)) = classify(message) else { return };
        // A journal is named by its file system and its inode, which is always 8.
        let device = device.map(|device| {
            let journal = device.strip_suffix("-8").or_else(|| device.strip_suffix(":8"));
            journal.map_or_else(|| device.clone(), str::to_owned)
        });
        let device =
            device.map(|device| disk_of(&device).filter(|_| is_of_disk(class)).unwrap_or(&device).to_owned());
        let is_full = self.counts.len() >= TOLD_APART_MAX;
        let key = if is_full && !self.counts.contains_key(&(class, device.clone())) {
            (class, None)
        } else {
            (class, device)
        };
        let count = self.counts.entry(key).or_default();
        count.total += 1;
        count.times.push(time_s);
        let surplus = count.times.len().saturating_sub(MACHINE_CHECKS_MAX as usize);
        count.times.drain(..surplus);
    }

    /// Samples and components at `now_s` seconds after boot. Parts that are no longer here are left out.
    pub fn reading(&self, now_s: f64, disk_under: impl Fn(&str) -> Option<String>) -> Reading {
        let mut reading = Reading::default();
        for ((class, device), count) in &self.counts {
            let mut attributes = vec![(names::KERNEL_CLASS, class.as_str())];
            attributes.extend(device.as_deref().map(|device| (names::DEVICE, device)));
            let total = Some(count.total as f64);
            reading.samples.push(counter(names::KERNEL_EVENTS, "{event}", SCALE_WHOLE, &attributes, total));
            let recent = count.times.iter().filter(|time_s| now_s - **time_s < RECENT_S).count() as u64;
            if let Some((kind, id, state, reason)) = verdict(*class, device.as_deref(), recent, &disk_under) {
                mark(&mut reading.components, kind, &id, state, reason);
            }
            if let Some(device) = device.as_deref().filter(|_| recent > 0) {
                file_system(&mut reading.components, *class, device, &disk_under);
            }
        }
        reading
    }
}

/// Failures that are counted by disk, whatever partition they were seen on.
fn is_of_disk(class: Class) -> bool {
    matches!(
        class,
        Class::DiskIo
            | Class::DiskMedium
            | Class::DiskCommand
            | Class::DiskReset
            | Class::DiskLost
            | Class::Raid
    )
}

type Verdict = (&'static str, String, State, &'static str);

/// What so many recent failures of a kind say of which part.
fn verdict(
    class: Class,
    device: Option<&str>,
    recent: u64,
    disk_under: impl Fn(&str) -> Option<String>,
) -> Option<Verdict> {
    if recent == 0 {
        return None;
    }
    let disk = device.filter(|device| disk_of(device).is_some() && disk_under(device).is_some());
    let is_often = |least: u64| recent >= least;
    match class {
        Class::DiskMedium => {
            Some(("physical_disk", disk?.to_owned(), State::Degraded, "kernel reports medium errors"))
        }
        Class::DiskIo if is_often(IO_ERRORS_MAX) => {
            Some(("physical_disk", disk?.to_owned(), State::Degraded, "kernel reports I/O errors"))
        }
        Class::Raid => Some(("physical_disk", disk?.to_owned(), State::Degraded, "thrown out of an array")),
        Class::DiskReset if is_often(RESETS_MAX) => {
            Some(("disk_controller", device?.to_owned(), State::Degraded, "kernel keeps resetting it"))
        }
        // A stick that was pulled is lost as well, and nobody's loss: only disks on ports of their own count.
        Class::DiskLost
            if device.is_some_and(|device| device.starts_with("ata") || device.starts_with("nvme")) =>
        {
            Some(("disk_controller", device?.to_owned(), State::Failed, "kernel lost a disk"))
        }
        Class::MachineCheck if is_often(MACHINE_CHECKS_MAX) => {
            Some(("cpu", "cpu".into(), State::Degraded, "many machine checks"))
        }
        Class::MachineCheckFatal => Some(("cpu", "cpu".into(), State::Failed, "machine check")),
        Class::MemoryUncorrected => Some(("memory", "memory".into(), State::Failed, "uncorrectable errors")),
        Class::Lockup => Some(("cpu", "cpu".into(), State::Degraded, "kernel reports lockups")),
        Class::TooHot => Some(("cpu", "cpu".into(), State::Degraded, "critical temperature reached")),
        Class::DiskIo
        | Class::DiskCommand
        | Class::DiskReset
        | Class::DiskLost
        | Class::MachineCheck
        | Class::MemoryCorrected
        | Class::BusCorrected
        | Class::BusUncorrected
        | Class::OutOfMemory
        | Class::OutOfMemoryLimit
        | Class::HungTask
        | Class::Filesystem
        | Class::ReadOnly
        | Class::Throttled
        | Class::NetworkReset
        | Class::Crash => None,
    }
}

/// Failures of a file system, against what it lies on.
fn file_system(
    components: &mut Vec<Component>,
    class: Class,
    device: &str,
    disk_under: impl Fn(&str) -> Option<String>,
) {
    #[expect(clippy::wildcard_enum_match_arm, reason = "the others are no failures of a file system")]
    let (state, alone, named) = match class {
        Class::Filesystem => {
            (State::Degraded, "file system errors", format!("file system errors on {device}"))
        }
        Class::ReadOnly => {
            (State::Failed, "file system went read-only", format!("file system on {device} went read-only"))
        }
        _ => return,
    };
    if let Some((kind, id)) = disk_under(device).map(holder) {
        let reason = if device == id { alone } else { named.as_str() };
        // A disk whose file system was damaged, by a power cut perhaps, has not failed itself.
        let state = if kind == "physical_disk" { State::Degraded } else { state };
        mark(components, kind, &id, state, reason);
    }
}

/// What a file system lies on, as a part: a disk, or an array of several.
fn holder(device: String) -> (&'static str, String) {
    let is_disk = disk_of(&device) == Some(device.as_str());
    (if is_disk { "physical_disk" } else { "logical_disk" }, device)
}

/// The disk that a device lies on: of a partition its disk, of a volume the one disk below it. A device over several,
/// such as an array, stands for itself; none where it is no longer here.
fn disk_under(sysfs: &Path, device: &str) -> Option<String> {
    let mut name = device.to_owned();
    for _ in 0..DEVICES_DEPTH_MAX {
        let place = sysfs.join("class/block").join(&name);
        if !place.exists() {
            return None;
        }
        if place.join("partition").exists() {
            let parent =
                std::fs::canonicalize(&place).ok().and_then(|place| place.parent().map(source::name));
            let known = parent.filter(|parent| sysfs.join("class/block").join(parent).exists());
            return known.or_else(|| disk_of(&name).map(str::to_owned));
        }
        let below = source::entries(&place.join("slaves")).unwrap_or_default();
        match below.as_slice() {
            // An array that has lost all members but one is still an array.
            [only] if !name.starts_with("md") => name = source::name(only),
            _ => return Some(name),
        }
    }
    Some(name)
}

fn mark(components: &mut Vec<Component>, kind: &str, id: &str, state: State, reason: &str) {
    let id = clean(id);
    match components.iter_mut().find(|known| known.kind == kind && known.id == id) {
        Some(known) => part::mark(known, state, reason),
        None => {
            let mut component = part::new(kind, &id);
            part::mark(&mut component, state, reason);
            components.push(component);
        }
    }
}

#[cfg(test)]
mod tests;
