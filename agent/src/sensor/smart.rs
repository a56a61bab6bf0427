//! Disks' own health, by `smartctl`: which disks there are, what each says, what is made of it. Owns how smartctl is
//! asked: never so that a sleeping disk wakes, and so that one disk that hangs costs only its own answer.
//!
//! smartctl's exit status is a bit mask; whatever it is, what was said counts. A program that prints one disk's answer
//! whatever it is asked is taken for that disk.

use crate::sensor::program::{self, Budget};
use crate::sensor::sample::{SCALE_CELSIUS, clean, gauge};
use crate::sensor::{NoData, Paths, Reading, Sample, Sensor};
use crate::tree::tree;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;
use tram_proto::component::Component;
use tram_proto::sample as names;

pub mod attribute;
pub mod component;
pub mod controller;
pub mod drive;
pub mod figure;
pub mod json;
#[cfg(test)]
#[cfg(unix)]
mod recordings;
pub mod scan;
pub mod text;
pub mod verdict;

use component::{asleep, of_drive, once_each, unreadable};
use drive::{Answer, Drive, Refusal};
use scan::Device;

/// How often disks are read, unless set otherwise.
pub const INTERVAL: Duration = Duration::from_secs(3600);
/// How soon those are tried again that could not be read, and how often.
const RETRY_INTERVAL: Duration = Duration::from_secs(300);
const RETRIES_MAX: u32 = 3;
/// What all disks together may take, and each of them.
const READ_MAX: Duration = Duration::from_secs(120);
const DRIVE_MAX: Duration = Duration::from_secs(30);
/// Empty places behind a controller, one after another, after which there is nothing more.
const MISSES_MAX: usize = 4;
/// Disks that are read, at most.
const DRIVES_MAX: usize = 256;
/// Types to try where smartctl does not know a USB bridge: those that any disk may be sent.
const FALLBACK_TYPES: &[&str] = &["sat", "scsi"];
/// What a disk is called of which nothing is known.
const NAMELESS: &str = "smartctl";

/// The sensor.
#[derive(Debug)]
pub struct Smart {
    interval: Duration,
    /// What was found last of each disk, by its id.
    known: BTreeMap<String, Component>,
    /// Types that smartctl had to be given, by device.
    types: BTreeMap<String, &'static str>,
    /// Reads in a row in which some disk could not be read.
    failures: u32,
    /// Whether the answers are those that another unit was given.
    is_told: bool,
}

impl Smart {
    /// Read that often.
    pub fn new(interval: Duration) -> Self {
        Self { interval, known: BTreeMap::new(), types: BTreeMap::new(), failures: 0, is_told: false }
    }
}

impl Sensor for Smart {
    fn name(&self) -> &'static str {
        "smart"
    }

    fn interval(&self) -> Option<Duration> {
        let is_retried = self.is_told || (1..=RETRIES_MAX).contains(&self.failures);
        Some(if is_retried { self.interval.min(RETRY_INTERVAL) } else { self.interval })
    }

    fn deadline(&self) -> Duration {
        READ_MAX + DRIVE_MAX
    }

    fn recall(&mut self, known: &[Component]) {
        self.known = tree(known.iter().map(|part| (part.id.clone(), part.clone())));
    }

    fn read(&mut self, paths: &Paths) -> Result<Reading, NoData> {
        let program = program::find(paths, "smartctl").ok_or(NoData::Absent)?;
        let smartctl = Smartctl { program: &program, budget: Budget::new(READ_MAX), is_old: false };
        let answers = self.answers(smartctl, paths)?;
        let answers: Vec<_> =
            answers.into_iter().map(|(device, answer)| (kernel_id(&device, paths), answer)).collect();
        let mut reading = self.reading(&answers);
        program::drop_old(&program, &mut reading.samples);
        // Another asks the disks: its answers are looked at more often, so that they are still young.
        self.is_told = program::is_answers(&program);
        let is_unread = |part: &Component| part.reasons.first().is_some_and(|reason| reason == "cannot read");
        self.failures = if reading.components.iter().any(is_unread) { self.failures + 1 } else { 0 };
        if reading.components.is_empty() { Err(NoData::Absent) } else { Ok(reading) }
    }
}

/// How smartctl is asked in one read.
#[derive(Clone, Copy)]
struct Smartctl<'a> {
    program: &'a Path,
    budget: Budget,
    /// Whether it knows no JSON.
    is_old: bool,
}

impl Smartctl<'_> {
    fn ask(&self, arguments: &[&str]) -> Result<Answer, NoData> {
        let json: &[&str] = if self.is_old { &[] } else { &["-j"] };
        let arguments: Vec<&str> = json.iter().chain(arguments).copied().collect();
        let what = || self.program.display().to_string();
        let spent =
            || NoData::Unreadable { what: what(), why: format!("disks took {} s", READ_MAX.as_secs()) };
        let time = self.budget.share(DRIVE_MAX).ok_or_else(spent)?;
        let said = program::run(self.program, &arguments, time)?;
        let mut answer = parse(&said.text());
        match &mut answer {
            Answer::Drive(drive) if drive.exit_status == 0 => {
                drive.exit_status =
                    said.status.and_then(|status| u8::try_from(status).ok()).unwrap_or_default();
            }
            Answer::Unreadable(refusal) if refusal.why.is_empty() => refusal.why = said.complaint,
            Answer::Drive(_) | Answer::Unreadable(_) | Answer::Devices(_) | Answer::Asleep => {}
        }
        Ok(answer)
    }
}

/// What an answer is, told by its content.
pub fn parse(text: &str) -> Answer {
    json::parse(text).unwrap_or_else(|| text::parse(text))
}

impl Smart {
    /// Every disk with its answer. A list that cannot be had is the sensor's failure; a disk that cannot, its own.
    fn answers(
        &mut self,
        mut smartctl: Smartctl<'_>,
        paths: &Paths,
    ) -> Result<Vec<(Device, Answer)>, NoData> {
        let mut listing = smartctl.ask(&["--scan-open"])?;
        if matches!(&listing, Answer::Unreadable(refusal) if text::is_too_old(&refusal.why)) {
            smartctl.is_old = true;
            listing = smartctl.ask(&["--scan-open"])?;
            // Where there is no disk an old one prints nothing.
            if listing == Answer::Unreadable(Refusal::default()) {
                listing = Answer::Devices(vec![]);
            }
        }
        let mut devices = match listing {
            Answer::Devices(devices) => devices,
            Answer::Drive(drive) => {
                return Ok(vec![(Device::new(name_of(&drive.device), ""), Answer::Drive(drive))]);
            }
            Answer::Asleep => return Ok(vec![(Device::new(NAMELESS, ""), Answer::Asleep)]),
            Answer::Unreadable(refusal) => {
                let device = Device::new(name_of(&refusal.device), "");
                return Ok(vec![(device, Answer::Unreadable(refusal))]);
            }
        };
        devices.extend(controller::guesses(&paths.sysfs));
        let mut answers = vec![];
        let mut misses: BTreeMap<String, usize> = BTreeMap::new();
        for device in devices.into_iter().take(DRIVES_MAX) {
            let missed = misses.entry(device.name.clone()).or_default();
            if device.is_guess && *missed >= MISSES_MAX {
                continue;
            }
            let answer = self.ask_drive(smartctl, &device);
            let is_miss = matches!(&answer, Answer::Unreadable(_));
            *missed = if is_miss { *missed + 1 } else { 0 };
            if !(device.is_guess && is_miss) {
                answers.push((device, answer));
            }
        }
        Ok(answers)
    }

    fn ask_drive(&mut self, smartctl: Smartctl<'_>, device: &Device) -> Answer {
        let ask = |device: &Device| {
            let arguments = [vec!["-x", "--nocheck=standby"], device.arguments()].concat();
            smartctl.ask(&arguments).unwrap_or_else(|error| {
                let why = match error {
                    NoData::Unreadable { why, .. } => why,
                    other @ (NoData::Absent | NoData::Malformed { .. }) => other.to_string(),
                };
                Answer::Unreadable(Refusal { device: device.name.clone(), why })
            })
        };
        let typed = |kind: &str| Device::new(&device.name, kind);
        let answer = ask(&self.types.get(&device.name).map_or_else(|| device.clone(), |kind| typed(kind)));
        if !matches!(&answer, Answer::Unreadable(refusal) if wants_type(&refusal.why)) {
            return answer;
        }
        for kind in FALLBACK_TYPES {
            let other = ask(&typed(kind));
            if matches!(&other, Answer::Drive(drive) if drive.has_health) {
                self.types.insert(device.name.clone(), kind);
                return other;
            }
        }
        answer
    }

    /// Parts and samples of what the disks answered, by their ids.
    fn reading(&mut self, answers: &[(String, Answer)]) -> Reading {
        let is_read = |answer: &Answer| matches!(answer, Answer::Drive(drive) if drive.has_health);
        let has_disks = answers.iter().any(|(_, answer)| is_read(answer));
        let mut components = vec![];
        let mut samples: BTreeMap<&str, Vec<Sample>> = BTreeMap::new();
        for (id, answer) in answers {
            let known = self.known.get(id);
            match answer {
                Answer::Drive(drive) if !drive.is_disk() => {}
                // A volume's disks speak for themselves.
                Answer::Drive(drive) if drive.is_volume() && has_disks => {}
                Answer::Drive(drive) => {
                    components.push(of_drive(id, drive));
                    samples.insert(id, temperatures(id, drive));
                }
                Answer::Asleep => components.push(asleep(id, known)),
                Answer::Unreadable(refusal) => components.push(unreadable(id, refusal, known)),
                Answer::Devices(_) => components.push(unreadable(id, &Refusal::default(), known)),
            }
        }
        let components = once_each(components);
        let samples =
            components.iter().filter_map(|part| samples.remove(part.id.as_str())).flatten().collect();
        self.known = tree(components.iter().map(|part| (part.id.clone(), part.clone())));
        Reading { samples, components }
    }
}

fn name_of(device: &str) -> &str {
    if device.is_empty() { NAMELESS } else { device }
}

/// The part's id. smartctl speaks to an NVMe controller; the kernel's disk is its first name space.
fn kernel_id(device: &Device, paths: &Paths) -> String {
    let id = device.id();
    let is_controller = id.strip_prefix("nvme").is_some_and(|rest| rest.parse::<u32>().is_ok());
    let space = format!("{id}n1");
    if is_controller && paths.sysfs.join("block").join(&space).exists() { space } else { id }
}

fn wants_type(words: &str) -> bool {
    words.contains("specify device type") || words.contains("USB bridge") || words.contains("-d option")
}

fn temperatures(id: &str, drive: &Drive) -> Vec<Sample> {
    let (id, model) = (clean(id), clean(&drive.model));
    let attributes = [(names::HW_ID, id.as_str()), (names::HW_NAME, model.as_str())];
    let celsius = drive.figure(figure::TEMPERATURE);
    let value =
        celsius.map(|celsius| gauge(names::TEMPERATURE, "Cel", SCALE_CELSIUS, &attributes, Some(celsius)));
    let limit = drive.figure(figure::TEMPERATURE_LIMIT).map(|limit| {
        let attributes = [attributes[0], attributes[1], (names::LIMIT_TYPE, "high.critical")];
        gauge(names::TEMPERATURE_LIMIT, "Cel", SCALE_CELSIUS, &attributes, Some(limit))
    });
    value.into_iter().chain(limit).collect()
}

#[cfg(test)]
#[cfg(unix)]
mod tests;
