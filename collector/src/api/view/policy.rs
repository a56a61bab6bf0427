//! Policies as the API shows and takes them: what is asked of the agents of a place.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What is asked of agents. Absent fields leave what wider places ask, and in the end the agent's own settings. An
/// agent's local limits bind all of it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// Seconds between samples, 5 to 86400.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample_interval_s: Option<u32>,
    /// Seconds between climbs of the reachability ladder, 5 to 86400.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probe_interval_s: Option<u32>,
    /// Internet addresses to probe instead of the agent's own, at most 32.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub internet_targets: Option<Vec<String>>,
    /// What to probe besides, at most 32.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probes: Option<Vec<Probe>>,
    /// Values that are worth a send before its time, at most 32.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub urgent: Option<Vec<Threshold>>,
    /// Further addresses of the collector, `https://HOST:PORT`; each must prove the collector's own authority.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collectors: Option<Vec<String>>,
    /// When history may be sent, in UTC minutes of the day; empty: always.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub history_hours: Option<Vec<Hours>>,
}

/// Something to probe: whether it answers, and how soon.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Probe {
    /// An ICMP echo.
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
    /// The head of a page, `http://HOST[:PORT]/PATH` without a query.
    Http {
        /// The page.
        url: String,
    },
    /// A query for a name's address.
    Dns {
        /// The name.
        name: String,
        /// The server's address; absent: the first that the host uses.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        server: Option<String>,
    },
}

/// A value that is worth a send before its time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Threshold {
    /// Name of the sample.
    pub sample: String,
    /// Urgent above this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub above: Option<f64>,
    /// Urgent below this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub below: Option<f64>,
}

/// A part of the day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Hours {
    /// First minute of the day, 0 to 1439, UTC.
    pub from_minute: u16,
    /// The minute after the last, 1 to 1440; below the first it is the next day's.
    pub to_minute: u16,
}

/// A policy at its place.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct PlacedPolicy {
    /// What is asked here; empty when nothing is.
    pub policy: Policy,
    /// How often it was changed.
    pub version: i64,
    /// What `If-Match` needs for a change.
    pub etag: String,
}
