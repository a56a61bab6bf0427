//! The policy: what the collector asks of an agent. Data, never code; the agent's own limits bind it.

use crate::hours::{self, Span};
use crate::limits;
use serde::{Deserialize, Serialize};

/// What the collector asks of an agent. Absent fields leave the agent's own setting.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
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
    /// What to probe besides, each time the ladder is climbed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub probes: Vec<Probe>,
    /// Values that are worth a send before its time once they pass these.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub urgent: Vec<Threshold>,
    /// Further addresses of the collector, `https://HOST:PORT`; each must prove the pinned CA.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub collectors: Vec<String>,
    /// When history may be sent, in UTC minutes of the day; empty: always.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub history_hours: Vec<Span>,
}

/// Something to probe: whether it answers, and how soon. Nothing of what it says is kept or sent.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Probe {
    /// An ICMP echo, or where that is not permitted to the agent nothing.
    Icmp {
        /// A name or an address.
        host: String,
    },
    /// A TCP connection that is opened and dropped.
    Tcp {
        /// A name or an address.
        host: String,
        /// The port.
        port: u16,
    },
    /// A request for the head of a page, `http://HOST[:PORT]/PATH` without a query; a status below 400 is an answer.
    Http {
        /// The page.
        url: String,
    },
    /// A query for a name's address.
    Dns {
        /// The name.
        name: String,
        /// The server's address; none: the first that the host uses.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        server: Option<String>,
    },
    /// A kind that this version does not know: never probed.
    #[serde(other)]
    Other,
}

/// Kinds of probes, as local limits name them.
pub const PROBE_KINDS: &[&str] = &["icmp", "tcp", "http", "dns"];

impl Probe {
    /// Its kind, one of [`PROBE_KINDS`] or `other`.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Icmp { .. } => "icmp",
            Self::Tcp { .. } => "tcp",
            Self::Http { .. } => "http",
            Self::Dns { .. } => "dns",
            Self::Other => "other",
        }
    }

    /// What is probed, as samples name it: a host, `HOST:PORT`, a page, or a name and the server that is asked for it.
    pub fn target(&self) -> String {
        match self {
            Self::Icmp { host } => host.clone(),
            Self::Tcp { host, port } if host.contains(':') => format!("[{host}]:{port}"),
            Self::Tcp { host, port } => format!("{host}:{port}"),
            Self::Http { url } => url.clone(),
            Self::Dns { name, server: None } => name.clone(),
            Self::Dns { name, server: Some(server) } => format!("{name}@{server}"),
            Self::Other => String::new(),
        }
    }

    fn texts(&self) -> Vec<&String> {
        match self {
            Self::Icmp { host } | Self::Tcp { host, .. } => vec![host],
            Self::Http { url } => vec![url],
            Self::Dns { name, server } => [Some(name), server.as_ref()].into_iter().flatten().collect(),
            Self::Other => vec![],
        }
    }
}

/// A value that is worth a send before its time.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Threshold {
    /// Name of the sample; any attributes.
    pub sample: String,
    /// Urgent above this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub above: Option<f64>,
    /// Urgent below this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub below: Option<f64>,
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
    /// More thresholds than allowed, or one without a sample or a level.
    #[error("urgent: at most {max}, each with a sample and a number above or below", max = limits::THRESHOLDS_MAX)]
    Urgent,
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
        let is_sound = |text: &String| !text.is_empty() && text.len() <= limits::TEXT_BYTES_MAX;
        for (name, list) in [("internet_targets", &self.internet_targets), ("collectors", &self.collectors)] {
            if list.len() > limits::TARGETS_MAX || !list.iter().all(is_sound) {
                return Err(InvalidPolicy::List(name));
            }
        }
        if !hours::are_sound(&self.history_hours) {
            return Err(InvalidPolicy::Hours);
        }
        let mut texts = self.probes.iter().flat_map(Probe::texts);
        if self.probes.len() > limits::TARGETS_MAX || !texts.all(is_sound) {
            return Err(InvalidPolicy::List("probes"));
        }
        let is_level = |level: &Option<f64>| level.is_none_or(f64::is_finite);
        let is_threshold = |threshold: &Threshold| {
            is_sound(&threshold.sample)
                && (threshold.above.is_some() || threshold.below.is_some())
                && is_level(&threshold.above)
                && is_level(&threshold.below)
        };
        if self.urgent.len() > limits::THRESHOLDS_MAX || !self.urgent.iter().all(is_threshold) {
            return Err(InvalidPolicy::Urgent);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probes_are_typed_and_a_kind_of_a_later_version_costs_only_itself() {
        let text = r#"{"version":3,"probes":[{"kind":"tcp","host":"a","port":8441},{"kind":"quic","host":"b"},
            {"kind":"dns","name":"c","server":"192.0.2.1"}],"urgent":[{"sample":"x","above":0.9}],"later":1}"#;
        let policy: Policy = serde_json::from_str(text).unwrap();
        policy.check().unwrap();
        let kinds: Vec<_> = policy.probes.iter().map(|probe| (probe.kind(), probe.target())).collect();
        assert_eq!(
            kinds,
            [("tcp", "a:8441".into()), ("other", String::new()), ("dns", "c@192.0.2.1".into())]
        );
        let again: Policy = serde_json::from_slice(&serde_json::to_vec(&policy).unwrap()).unwrap();
        assert_eq!(again, policy);
    }

    #[test]
    fn what_is_out_of_bounds_is_named() {
        let check = |policy: Policy, expect| assert_eq!(policy.check(), Err(expect));
        let probes = vec![Probe::Icmp { host: String::new() }];
        check(Policy { probes, ..Policy::default() }, InvalidPolicy::List("probes"));
        let urgent = vec![Threshold { sample: "x".into(), ..Threshold::default() }];
        check(Policy { urgent, ..Policy::default() }, InvalidPolicy::Urgent);
        let interval = Policy { send_interval_s: Some(1), ..Policy::default() };
        check(interval, InvalidPolicy::Interval("send_interval_s", 1));
    }
}
