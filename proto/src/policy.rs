//! The policy: what the collector asks of an agent. Data, never code; the agent's own limits bind it.

use crate::hours::{self, Span};
use crate::limits;
use serde::{Deserialize, Serialize};

/// What the collector asks of an agent. Absent fields leave the agent's own setting.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Policy {
    /// Rises with every change.
    pub version: u64,
    /// Seconds between samples.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample_interval_s: Option<u32>,
    /// Seconds between sends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub send_interval_s: Option<u32>,
    /// Seconds between climbs of the reachability ladder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probe_interval_s: Option<u32>,
    /// Internet targets to probe instead of the agent's own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub internet_targets: Vec<String>,
    /// Further addresses of the collector, `https://HOST:PORT`; each must prove the pinned CA.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub collectors: Vec<String>,
    /// When history may be sent, in UTC minutes of the day; empty: always.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub history_hours: Vec<Span>,
}

/// Why a policy is refused by the agent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPolicy {
    /// An interval outside its bounds.
    #[error("{0}: {1} s is outside 5 to 86400")]
    Interval(&'static str, u32),
    /// More targets or addresses than allowed, or one that is empty or too long.
    #[error("{0}: at most {max}, each of 1 to {bytes} bytes", max = limits::TARGETS_MAX, bytes = limits::TEXT_BYTES_MAX)]
    List(&'static str),
    /// Spans of the day that are none, or too many.
    #[error("history_hours: at most {max} spans, from 0 to 1439, to 1 to 1440", max = limits::HISTORY_HOURS_MAX)]
    Hours,
}

impl Policy {
    /// Whether every field keeps its bounds.
    pub fn check(&self) -> Result<(), InvalidPolicy> {
        let intervals = [
            ("sample_interval_s", self.sample_interval_s),
            ("send_interval_s", self.send_interval_s),
            ("probe_interval_s", self.probe_interval_s),
        ];
        for (name, seconds) in intervals {
            if let Some(seconds) = seconds.filter(|seconds| !(5..=86_400).contains(seconds)) {
                return Err(InvalidPolicy::Interval(name, seconds));
            }
        }
        for (name, list) in [("internet_targets", &self.internet_targets), ("collectors", &self.collectors)] {
            let sound = |text: &String| !text.is_empty() && text.len() <= limits::TEXT_BYTES_MAX;
            if list.len() > limits::TARGETS_MAX || !list.iter().all(sound) {
                return Err(InvalidPolicy::List(name));
            }
        }
        if hours::are_sound(&self.history_hours) { Ok(()) } else { Err(InvalidPolicy::Hours) }
    }
}
