//! What the agent says of itself: a small file that the running agent writes. Its words for people are in
//! `status/words.rs`. Knows nothing of how it came about.

use crate::spool::{RefusedForEver, SpoolError};
use crate::system;
use crate::uplink::history::Shut;
use crate::uplink::{Failure, Refusal};
use serde::{Deserialize, Serialize};
use std::fs;
use std::io::{self, Write as _};
use std::path::Path;
use tram_proto::id::{BootId, CatalogueId};
use tram_proto::reach::{Outcome, Rung, Verdict};

mod picture;
mod words;

pub use picture::{Enrolled, Picture, Queue};

const FILE: &str = "status.json";
const OTHER: &str = "status.other";
/// What a file is filled up to: a block of the usual file systems.
const BLOCK_BYTES: usize = 4_096;

/// What became of a sensor's last read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Read {
    /// It was read.
    Done,
    /// It was read, and this host has nothing of the kind.
    Absent,
    /// It could not be read.
    Failed,
}

/// A sensor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sensed {
    /// Its name.
    pub sensor: String,
    /// What became of its last read.
    pub read: Read,
    /// When it was read last, in milliseconds of the status's boot; none: not in this run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_boot_ms: Option<u64>,
    /// Why it cannot be read.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub why: String,
}

/// A part whose state is not known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unknown {
    /// Its kind and id.
    pub part: String,
    /// Why.
    pub why: String,
}

/// What was probed, and what it came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Probe {
    /// The rung of the ladder; none: the policy asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rung: Option<Rung>,
    /// What was probed.
    pub target: String,
    /// What it came to.
    pub outcome: Outcome,
    /// Median round trip in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rtt_s: Option<f64>,
    /// Why it failed or was skipped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What the last climb of the ladder found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reached {
    /// When, in milliseconds of the status's boot.
    pub boot_ms: u64,
    /// What it adds up to.
    pub verdict: Verdict,
    /// Every rung, and what the policy asked for.
    pub probes: Vec<Probe>,
}

/// History that waits and has a bound.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Paced {
    /// Reports that wait, as far as known.
    pub reports: u64,
    /// Bytes a minute.
    pub bytes_per_minute: u64,
    /// Whether the site has a budget; otherwise it is this host's own limit.
    pub is_shared: bool,
}

/// A request that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failing {
    /// How, as far as it decides what to do.
    pub how: How,
    /// What was said.
    pub words: String,
}

/// How a request can fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// No answer, or none of a collector's.
    Unreachable,
    /// The collector has no time.
    Busy,
    /// The certificate has expired.
    Expired,
    /// The collector cannot take a batch.
    Batch,
    /// The certificate was revoked.
    Revoked,
    /// An operator has to accept this agent.
    Unknown,
    /// There is a copy of this agent.
    Clone,
    /// The certificate is another agent's.
    WrongAgent,
}

impl From<Failure> for How {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Unreachable => Self::Unreachable,
            Failure::Busy { .. } => Self::Busy,
            Failure::Expired => Self::Expired,
            Failure::Batch { .. } => Self::Batch,
            Failure::Refused(Refusal::Revoked) => Self::Revoked,
            Failure::Refused(Refusal::Unknown) => Self::Unknown,
            Failure::Refused(Refusal::Clone) => Self::Clone,
            Failure::Refused(Refusal::WrongAgent) => Self::WrongAgent,
        }
    }
}

/// A policy that cannot be followed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unfollowed {
    /// Its version, where it says so.
    pub version: Option<u64>,
    /// What is wrong with it.
    pub words: String,
}

/// Reports that cannot be kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unkept {
    /// Whether it is for lack of space.
    pub is_full: bool,
    /// What was said.
    pub words: String,
}

impl From<&SpoolError> for Unkept {
    fn from(error: &SpoolError) -> Self {
        Self { is_full: matches!(error, SpoolError::Full(_)), words: error.to_string() }
    }
}

/// Parts of unknown state that are told.
pub const UNKNOWN_MAX: usize = 16;

/// What the running agent knows of itself.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Status {
    /// Its boot.
    pub boot: BootId,
    /// When it last got an answer, in milliseconds of that boot; none: not in this run.
    pub reached_boot_ms: Option<u64>,
    /// Why the last request failed; none: it did not.
    pub failing: Option<Failing>,
    /// A policy that came last and cannot be followed; none: the last one could.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unfollowed: Option<Unfollowed>,
    /// Why new reports cannot be kept; none: they are.
    pub unkept: Option<Unkept>,
    /// Reports that wait.
    pub pending: u64,
    /// History that waits for its hours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shut: Option<Shut>,
    /// Reports that are history, and how many bytes of it may go each minute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paced: Option<Paced>,
    /// Reports dropped because there was no room.
    pub dropped: u64,
    /// Reports that were gathered into fewer because there was no room for each.
    #[serde(default)]
    pub thinned: u64,
    /// Reports that the collector refused for ever.
    pub refused: u64,
    /// The last of them.
    pub last_refused: Vec<RefusedForEver>,
    /// Every sensor.
    pub sensors: Vec<Sensed>,
    /// The first few parts whose state is not known.
    pub unknown: Vec<Unknown>,
    /// What the ladder found last.
    pub reached: Option<Reached>,
    /// The collector's address in use.
    pub address: String,
    /// Catalogues that the collector has, which travel no more.
    pub known: Vec<CatalogueId>,
    /// How far the wall clock is ahead of the collector's; none: not measured in this run.
    pub clock_ahead_ms: Option<i64>,
}

impl Status {
    /// Writes it to a state directory. It is a convenience, so it is not synced.
    ///
    /// It matters most when the disk is full. Two files of a size that hardly changes take turns: what was written
    /// before is overwritten in its own blocks, then the two change names.
    pub fn write(&self, state: &Path) -> io::Result<()> {
        let (file, other) = (state.join(FILE), state.join(OTHER));
        let mut bytes = serde_json::to_vec(self)?;
        bytes.resize(bytes.len().next_multiple_of(BLOCK_BYTES), b' ');
        let mut open = system::private_file().write(true).create(true).truncate(false).open(&other)?;
        open.write_all(&bytes)?;
        open.set_len(bytes.len() as u64)?;
        if system::exchange(&other, &file).is_err() {
            // The first time, and where the file system cannot exchange.
            fs::copy(&other, &file)?;
        }
        Ok(())
    }

    /// Sensors that cannot be read.
    pub fn silent(&self) -> impl Iterator<Item = &Sensed> {
        self.sensors.iter().filter(|sensed| sensed.read == Read::Failed)
    }

    /// Reads the last one; none when no agent has run with this state directory.
    pub fn read(state: &Path) -> Option<Self> {
        serde_json::from_slice(&fs::read(state.join(FILE)).ok()?).ok()
    }
}

#[cfg(test)]
mod tests;
