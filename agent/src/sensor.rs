//! Sensors: each reads one source of this host. What they share is here; one file below each sensor.
//!
//! A sensor knows nothing of the wire, the spool or the schedule. `read` gathers bytes and calls a pure `parse`.

pub mod advice;
pub mod battery;
pub mod clock;
pub mod cpu;
pub mod date;
pub mod disk;
pub mod edac;
pub mod filesystem;
#[cfg(test)]
mod garbage;
pub mod globs;
pub mod hwmon;
pub mod inventory;
pub mod ipmi;
pub mod kernel_log;
pub mod md;
pub mod memory;
pub mod merge;
pub mod network;
pub mod part;
pub mod placeholder;
pub mod program;
pub mod raid;
pub mod reach;
#[cfg(test)]
mod recorded;
pub mod registry;
pub mod runner;
pub mod sample;
pub mod services;
pub mod smart;
pub mod source;
pub mod temperature;
#[cfg(test)]
pub(crate) mod testing;
pub mod updates;
pub mod ups;
pub mod uptime;
#[cfg(windows)]
pub mod windows;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;
use tram_proto::component::Component;

pub use crate::sample::Sample;

/// What one read of a sensor found.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Reading {
    /// Measured values.
    pub samples: Vec<Sample>,
    /// Parts of the host that this sensor looks after: all of them, each time.
    pub components: Vec<Component>,
}

/// Why a read found nothing.
#[derive(Debug, thiserror::Error)]
pub enum NoData {
    /// This host has nothing of the kind: not an error.
    #[error("this host has none")]
    Absent,
    /// The source is there and could not be read.
    #[error("cannot read {what}: {why}")]
    Unreadable {
        /// The file or program.
        what: String,
        /// The system's reason.
        why: String,
    },
    /// The source was read and is not what it should be.
    #[error("{what}: expected {expected}")]
    Malformed {
        /// The file, and the line where there is one.
        what: String,
        /// What should have been there.
        expected: &'static str,
    },
}

/// Where the sources are. Redirected, recorded trees are read as if live.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paths {
    /// `/proc`.
    pub procfs: PathBuf,
    /// `/sys`.
    pub sysfs: PathBuf,
    /// Root that mount points are looked up under: `/`.
    pub rootfs: PathBuf,
    /// The kernel's log: `/dev/kmsg`, or a text as `dmesg` prints it.
    pub kmsg: PathBuf,
    /// Where NUT is asked instead of at the server that is set: `HOST:PORT`, or an absolute path of what it answered.
    pub nut: Option<String>,
    /// Programs by the names of [`program::PROGRAMS`], absolute; those not named are looked for in their known places.
    pub programs: BTreeMap<&'static str, PathBuf>,
    /// Folder of programs' answers, which stand in for running them; none: they are run.
    pub answers: Option<PathBuf>,
}

impl Default for Paths {
    fn default() -> Self {
        // Windows has no such trees: what reads them finds nothing there, unless it is given a recording.
        let [procfs, sysfs, rootfs] = if cfg!(unix) { ["/proc", "/sys", "/"] } else { [""; 3] };
        Self {
            procfs: procfs.into(),
            sysfs: sysfs.into(),
            rootfs: rootfs.into(),
            kmsg: if cfg!(unix) { "/dev/kmsg".into() } else { PathBuf::new() },
            nut: None,
            programs: BTreeMap::new(),
            answers: None,
        }
    }
}

/// One source of this host.
pub trait Sensor: Send {
    /// Short and stable, such as `cpu`: named in `--only`, in the configuration and in `tram.sensor.*` samples.
    fn name(&self) -> &'static str;

    /// How often it is worth reading; none: with every report. Asked again after each read, so that what could not be
    /// read can be tried again sooner.
    fn interval(&self) -> Option<Duration> {
        None
    }

    /// How long one read may take before it counts as stale. A round waits at most [`runner::ROUND_MAX`]: what takes
    /// longer is read beside the rounds that follow, and what was found before stands until it has answered.
    fn deadline(&self) -> Duration {
        Duration::from_secs(5)
    }

    /// Whether [`Sensor::recall`] is of use to it, so that its parts are kept over a restart of the agent.
    fn remembers(&self) -> bool {
        self.interval().is_some()
    }

    /// What it found last before the agent was started: for one that compares, or must not disturb what it once found.
    fn recall(&mut self, _parts: &[Component]) {}

    /// Kind and id of what is there and was never read, where a failure says that something is.
    fn stand_in(&self) -> Option<(&'static str, &'static str)> {
        None
    }

    /// Reads now. Blocks; runs on a thread of its own when it may hang. Rates are kept against the read before.
    fn read(&mut self, paths: &Paths) -> Result<Reading, NoData>;
}
