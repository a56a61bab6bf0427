//! One simulated host: what its sensors would read at a moment. Pure and seeded: the same steps give the same values.
//!
//! Values follow the day's activity with noise, file systems grow slowly, counters only rise while the host is on.
//! Samples have the names, units and scales of the agent's own sensors.

mod values;

use crate::fleet::dice::Dice;
use crate::fleet::failure::{Failure, FailureKind};
use crate::fleet::hardware::{Hardware, part};
use crate::fleet::{day, plan, smartctl};
use std::collections::BTreeMap;
use tram_agent::sensor::Sample;
use tram_agent::sensor::merge::merge;
use tram_proto::catalogue::Attributes;
use tram_proto::component::{Component, State};
use tram_proto::id::BootId;
use tram_proto::sample as names;

/// A host that loses power does so this often.
const POWER_LOST_EVERY_MS: u64 = 120_000;
/// And needs this long until it is back.
const POWER_LOST_MS: u64 = 20_000;

/// What a host does at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// Measures and sends.
    On,
    /// Measures and cannot send.
    CutOff,
    /// Was shut down properly.
    Off,
    /// Is gone without a word.
    Dead,
}

/// One boot of a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Boot {
    /// Its id.
    pub id: BootId,
    /// When it began, milliseconds since 1970.
    pub started_ms: i64,
    /// Whether the one before ended without a shutdown.
    pub unclean: bool,
}

/// What a host's sensors read.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// Values.
    pub samples: Vec<Sample>,
    /// All its parts.
    pub components: Vec<Component>,
}

/// A host that is stepped through time.
#[derive(Debug, Clone)]
pub struct Model {
    seed: u64,
    host: plan::Host,
    hardware: Hardware,
    failures: Vec<Failure>,
    dice: Dice,
    /// When the model began, milliseconds since 1970.
    began_ms: i64,
    boot: Boot,
    /// The last step; none before the first of a boot.
    stepped_ms: Option<i64>,
    load: f64,
    /// Running totals by what they count; a reboot starts them anew.
    totals: BTreeMap<String, f64>,
}

impl Model {
    /// A host of the plan that begins now, with what will go wrong with it.
    pub fn new(seed: u64, host: &plan::Host, failures: Vec<Failure>, now_ms: i64) -> Self {
        let mut dice = Dice::new(seed, &host.name);
        let hardware = Hardware::new(seed, &host.name, host.kind);
        // Servers have been up for weeks; the others since this morning.
        let up_hours = match host.kind {
            plan::HostKind::Server => dice.between(24.0, 24.0 * 60.0),
            plan::HostKind::Workstation | plan::HostKind::Laptop => {
                dice.between(0.1, 0.9) * day::local(now_ms).hour
            }
        };
        let started_ms = now_ms - (up_hours * 3_600_000.0) as i64;
        let boot = Boot { id: boot_id(seed, &host.name, started_ms), started_ms, unclean: false };
        let host = host.clone();
        let totals = BTreeMap::new();
        Self {
            seed,
            host,
            hardware,
            failures,
            dice,
            began_ms: now_ms,
            boot,
            stepped_ms: None,
            load: 0.1,
            totals,
        }
    }

    /// The boot that it is in.
    pub fn boot(&self) -> Boot {
        self.boot
    }

    /// What is fixed about it, for its catalogue.
    pub fn resource(&self, version: &str) -> Attributes {
        let pairs = [
            (names::HOST_NAME, self.host.name.as_str()),
            (names::OS_TYPE, "linux"),
            (names::OS_DESCRIPTION, self.hardware.system),
            (names::OS_VERSION, self.hardware.kernel),
            (names::HOST_ARCH, "x86_64"),
            (names::SERVICE_VERSION, version),
            (names::ASSET_KIND, self.host.kind.as_str()),
        ];
        pairs.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
    }

    /// What it does now. Also moves it on to its next boot when that has begun.
    pub fn presence(&mut self, now_ms: i64) -> Presence {
        let since_ms = self.since_ms(now_ms);
        if self.has(FailureKind::SilentHost, since_ms) {
            return Presence::Dead;
        }
        if let Some(active_ms) = self.active_ms(FailureKind::DyingPower, since_ms) {
            let in_cycle_ms = active_ms % POWER_LOST_EVERY_MS;
            let cycle = active_ms / POWER_LOST_EVERY_MS;
            if cycle > 0 && in_cycle_ms < POWER_LOST_MS {
                return Presence::Dead;
            }
            if cycle > 0 {
                self.boot_at(now_ms - (in_cycle_ms - POWER_LOST_MS) as i64, true);
            }
        }
        if !day::is_on(self.seed, &self.host.name, self.host.kind, now_ms) {
            return Presence::Off;
        }
        self.boot_after_a_night(now_ms);
        if self.has(FailureKind::CutUplink, since_ms) { Presence::CutOff } else { Presence::On }
    }

    /// Reads all its sensors. Call at most once for each moment, in the order of time.
    pub fn step(&mut self, now_ms: i64) -> Reading {
        let since_ms = self.since_ms(now_ms);
        let passed_s = self.stepped_ms.map_or(0.0, |before_ms| (now_ms - before_ms).max(0) as f64 / 1000.0);
        let samples = self.values(now_ms, since_ms, passed_s);
        self.stepped_ms = Some(now_ms);
        Reading { samples, components: self.components(since_ms) }
    }

    fn components(&self, since_ms: u64) -> Vec<Component> {
        let mut parts = self.hardware.components();
        if self.host.kind == plan::HostKind::Server {
            let mut supply = part("power_supply", "psu0", "", "", &[]);
            if self.has(FailureKind::DyingPower, since_ms) {
                supply.state = State::PredictedFailure;
                supply.reasons = vec!["voltage below its limit".to_owned()];
            }
            parts.push(supply);
        }
        if self.has(FailureKind::FailingDisk, since_ms) {
            parts.extend(self.hardware.disks.last().and_then(smartctl::worn_disk));
        }
        // As a round of the agent's sensors, of which several know one disk.
        merge(parts)
    }

    fn since_ms(&self, now_ms: i64) -> u64 {
        u64::try_from(now_ms - self.began_ms).unwrap_or_default()
    }

    fn has(&self, kind: FailureKind, since_ms: u64) -> bool {
        self.active_ms(kind, since_ms).is_some()
    }

    /// How long a failure has been in force.
    fn active_ms(&self, kind: FailureKind, since_ms: u64) -> Option<u64> {
        let active = |failure: &&Failure| failure.kind == kind && failure.is_active(since_ms);
        self.failures.iter().find(active).map(|failure| since_ms - failure.from_s * 1_000)
    }

    /// A host that is on and was not for longer than a night's first hours has been started since.
    fn boot_after_a_night(&mut self, now_ms: i64) {
        let slept = self.stepped_ms.is_some_and(|before_ms| now_ms - before_ms > 3_600_000);
        if slept {
            self.boot_at(now_ms - 60_000, false);
        }
    }

    fn boot_at(&mut self, started_ms: i64, unclean: bool) {
        if started_ms <= self.boot.started_ms {
            return;
        }
        self.boot = Boot { id: boot_id(self.seed, &self.host.name, started_ms), started_ms, unclean };
        self.stepped_ms = None;
        self.totals.clear();
    }
}

/// A boot is known by its beginning: a fleet that is started again has hosts that were too.
fn boot_id(seed: u64, host: &str, started_ms: i64) -> BootId {
    BootId(Dice::new(seed, &format!("{host} {started_ms}")).bits().to_be_bytes())
}

#[cfg(test)]
mod tests;
