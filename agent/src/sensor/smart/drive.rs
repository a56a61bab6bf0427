//! What one disk said of itself, the same shape whether smartctl answered in JSON or in text. Judges nothing.

use super::attribute::{Attribute, trusted_celsius};
use super::figure;
use super::scan::Device;
use std::collections::BTreeMap;

/// What smartctl's answer is, told by its content alone.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// A disk's information, however little.
    Drive(Box<Drive>),
    /// A list of devices.
    Devices(Vec<Device>),
    /// The disk sleeps and was left alone.
    Asleep,
    /// Nothing of a disk.
    Unreadable(Refusal),
}

/// Why there is nothing of a disk.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Refusal {
    /// The device that smartctl named.
    pub device: String,
    /// smartctl's words; empty when it had none.
    pub why: String,
}

/// How a disk speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Protocol {
    /// SATA and PATA.
    Ata,
    /// SAS and parallel SCSI.
    Scsi,
    /// NVMe.
    Nvme,
    /// Not said.
    #[default]
    Unknown,
}

/// How a self-test ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// To its end, without a fault.
    Passed,
    /// With a fault.
    Failed,
    /// Aborted, interrupted or still running: says nothing.
    Open,
}

/// An entry of the self-test log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SelfTest {
    /// How it ended.
    pub outcome: Outcome,
    /// Whether it looked at the whole disk.
    pub is_complete: bool,
}

/// What one disk said.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Drive {
    /// As the kernel calls it, such as `/dev/sda`.
    pub device: String,
    /// How it speaks.
    pub protocol: Protocol,
    /// SCSI's word for what it is, such as `disk` or `enclosure`, in lower case.
    pub device_type: String,
    /// Maker's model, with the maker where told apart.
    pub model: String,
    /// Family of models, as smartctl's list has it.
    pub family: String,
    /// Serial number.
    pub serial: String,
    /// World-wide name of a SCSI unit: `0x5…` is a disk's, `0x6…` that of a volume that something puts together.
    pub unit: String,
    /// Whether it has SMART.
    pub has_smart: Option<bool>,
    /// Whether SMART is switched on.
    pub is_smart_on: Option<bool>,
    /// The drive's own verdict.
    pub passed: Option<bool>,
    /// Why the verdict is what it is, in the drive's words.
    pub verdict_words: String,
    /// smartctl's exit status, a bit mask.
    pub exit_status: u8,
    /// ATA attributes.
    pub attributes: Vec<Attribute>,
    /// Newest first.
    pub self_tests: Vec<SelfTest>,
    /// Whether the last self-test failed, for drives without a log.
    pub last_self_test_failed: bool,
    /// Whether anything that tells its health was read.
    pub has_health: bool,
    /// Whether its attributes did not add up to their checksum, so that they are none.
    pub is_garbled: bool,
    /// Whether a slot for media is empty, as in a card reader.
    pub has_no_medium: bool,
    /// Figures by the names of [`figure`].
    pub figures: BTreeMap<&'static str, f64>,
}

impl Drive {
    /// Notes a figure that is a sensible number; what is none is not known.
    pub fn note(&mut self, name: &'static str, value: Option<f64>) {
        if let Some(value) = value.filter(|value| value.is_finite() && *value >= 0.0) {
            self.figures.insert(name, value);
        }
    }

    /// Notes the temperature limit that a solid drive states; none of them stands less than 60 degrees, so that lower ones
    /// were never meant.
    pub fn note_flash_limit(&mut self, celsius: Option<f64>) {
        if self.figure(figure::TEMPERATURE_LIMIT).is_none() {
            self.note(figure::TEMPERATURE_LIMIT, trusted_celsius(celsius).filter(|celsius| *celsius >= 60.0));
        }
    }

    /// Closes what was read: attributes that are none are left out, and tests that ended tell of its health. What cannot send
    /// its attributes, such as a bridge before a drive that has none, is not believed when it says that it is well.
    pub fn close(&mut self) {
        if self.is_garbled {
            self.attributes.clear();
            self.has_health = self.passed == Some(false);
        }
        self.has_health |= self.self_tests.iter().any(|test| test.outcome != Outcome::Open);
    }

    /// A figure.
    pub fn figure(&self, name: &str) -> Option<f64> {
        self.figures.get(name).copied()
    }

    /// A figure, or nothing to worry about.
    pub fn count(&self, name: &str) -> f64 {
        self.figure(name).unwrap_or(0.0)
    }

    /// Whether it has no moving parts.
    pub fn is_solid(&self) -> bool {
        let is_named_so = || {
            let text = format!("{} {}", self.model, self.family).to_ascii_uppercase();
            text.contains("SSD") || text.contains("SOLID STATE")
        };
        match self.figure(figure::ROTATION) {
            Some(rotation) => rotation == 0.0,
            None => self.protocol == Protocol::Nvme || is_named_so(),
        }
    }

    /// Whether it packs counts in the way that Seagate does.
    pub fn is_seagate(&self) -> bool {
        let is_model =
            self.model.strip_prefix("ST").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
        is_model || self.family.to_ascii_lowercase().contains("seagate")
    }

    /// Whether it is a disk at all, and not an enclosure, a tape or an empty slot.
    pub fn is_disk(&self) -> bool {
        let is_type = self.device_type.is_empty() || self.device_type.contains("disk");
        is_type && (self.has_health || !self.has_no_medium)
    }

    /// Whether it is put together by a controller or a host, and not a disk of its own.
    pub fn is_volume(&self) -> bool {
        !self.has_health && self.unit.starts_with("0x6")
    }

    /// Whether anything at all was said.
    pub fn is_empty(&self) -> bool {
        let is_nameless = self.model.is_empty() && self.serial.is_empty() && self.device_type.is_empty();
        is_nameless && !self.has_health && self.has_smart.is_none()
    }

    /// Self-tests that failed since the last complete one that passed. Newest first, a later success of a short test
    /// proves nothing of the sectors that it did not read.
    pub fn failed_self_tests(&self) -> usize {
        let newer =
            self.self_tests.iter().take_while(|test| !(test.is_complete && test.outcome == Outcome::Passed));
        let failed = newer.filter(|test| test.outcome == Outcome::Failed).count();
        failed.max(usize::from(self.self_tests.is_empty() && self.last_self_test_failed))
    }
}
