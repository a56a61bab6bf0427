//! Settings as typed in the file: one structure for each section, with its defaults. Knows nothing of what they mean.

use crate::sensor::reach::ReachConfig;
use crate::sensor::source::SOURCES;
use crate::sensor::{disk, filesystem, ipmi, network, raid, smart, ups};
use crate::system::STATE_DIRECTORY;
use crate::tree::tree;
use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use tram_proto::hours::Span;
use tram_proto::policy::PROBE_KINDS;

/// Sections of the file; variables name them too.
pub(super) const SECTIONS: &[&str] =
    &["agent", "collector", "intervals", "spool", "sensors", "ups", "paths", "reach", "limits", "log"];

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawConfig {
    pub(super) agent: Agent,
    pub(super) collector: Collector,
    pub(super) intervals: Intervals,
    pub(super) spool: Spool,
    pub(super) sensors: Sensors,
    pub(super) ups: Ups,
    pub(super) paths: PathsGiven,
    pub(super) reach: Reach,
    pub(super) limits: Limits,
    pub(super) log: Log,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Agent {
    pub(super) state_dir: PathBuf,
    pub(super) machine_id: String,
}

impl Default for Agent {
    fn default() -> Self {
        Self { state_dir: STATE_DIRECTORY.into(), machine_id: String::new() }
    }
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Collector {
    pub(super) url: String,
    pub(super) urls: Vec<String>,
    pub(super) ca_file: PathBuf,
    pub(super) proxy: String,
    pub(super) proxy_password: String,
    pub(super) proxy_password_file: PathBuf,
    pub(super) proxy_ca_file: PathBuf,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Intervals {
    pub(super) sample_s: u64,
    pub(super) send_s: u64,
    pub(super) probe_s: u64,
}

impl Default for Intervals {
    fn default() -> Self {
        Self { sample_s: 15, send_s: 60, probe_s: 60 }
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Spool {
    pub(super) size_mib: u64,
    pub(super) days: u64,
}

impl Default for Spool {
    fn default() -> Self {
        Self { size_mib: 128, days: 30 }
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Sensors {
    pub(super) disabled: Vec<String>,
    pub(super) filesystem_types_excluded: Vec<String>,
    pub(super) mount_points_excluded: Vec<String>,
    pub(super) disks_excluded: Vec<String>,
    pub(super) interfaces_excluded: Vec<String>,
    pub(super) ipmi_interval_s: u64,
    pub(super) raid_interval_s: u64,
    pub(super) smart_interval_s: u64,
    pub(super) windows_services: Vec<String>,
}

impl Default for Sensors {
    fn default() -> Self {
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        Self {
            disabled: vec![],
            filesystem_types_excluded: owned(filesystem::TYPES_EXCLUDED),
            mount_points_excluded: owned(filesystem::MOUNT_POINTS_EXCLUDED),
            disks_excluded: owned(disk::DISKS_EXCLUDED),
            interfaces_excluded: owned(network::INTERFACES_EXCLUDED),
            ipmi_interval_s: ipmi::INTERVAL.as_secs(),
            raid_interval_s: raid::INTERVAL.as_secs(),
            smart_interval_s: smart::INTERVAL.as_secs(),
            windows_services: vec![],
        }
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Ups {
    pub(super) server: String,
}

impl Default for Ups {
    fn default() -> Self {
        Self { server: ups::SERVER.to_owned() }
    }
}

/// Sources by their names; an empty one stands for its usual place.
#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
pub(super) struct PathsGiven(pub(super) BTreeMap<String, String>);

impl Default for PathsGiven {
    fn default() -> Self {
        Self(tree(SOURCES.iter().map(|name| ((*name).to_owned(), String::new()))))
    }
}

impl<'de> Deserialize<'de> for PathsGiven {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(PathsVisitor)
    }
}

/// Refuses a name that is no source's where it stands, so that the error names its line.
struct SourceName(String);

impl<'de> Deserialize<'de> for SourceName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        let is_known = SOURCES.contains(&name.as_str());
        if is_known { Ok(Self(name)) } else { Err(D::Error::unknown_field(&name, SOURCES)) }
    }
}

struct PathsVisitor;

impl<'de> Visitor<'de> for PathsVisitor {
    type Value = PathsGiven;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("paths by the names of sources")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<PathsGiven, A::Error> {
        let mut given = PathsGiven::default();
        while let Some(SourceName(name)) = map.next_key()? {
            given.0.insert(name, map.next_value()?);
        }
        Ok(given)
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Reach {
    pub(super) internet_targets: Vec<String>,
    pub(super) web_targets: Vec<String>,
    pub(super) name: String,
    pub(super) tcp_port: u16,
    pub(super) resolv_conf: PathBuf,
    pub(super) hosts: PathBuf,
}

impl Default for Reach {
    fn default() -> Self {
        let ReachConfig { internet_targets, web_targets, name, tcp_port, resolv_conf, hosts, .. } =
            ReachConfig::default();
        Self { internet_targets, web_targets, name, tcp_port, resolv_conf, hosts }
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Limits {
    pub(super) policy_targets: bool,
    pub(super) targets_max: usize,
    pub(super) probe_interval_min_s: u64,
    pub(super) probe_kinds: Vec<String>,
    pub(super) private_networks: Vec<String>,
    pub(super) history_hours: Vec<Span>,
    pub(super) history_bytes_per_minute: u64,
}

impl Default for Limits {
    fn default() -> Self {
        let probe_kinds = PROBE_KINDS.iter().map(|kind| (*kind).to_owned()).collect();
        let private_networks = Vec::new();
        Self {
            policy_targets: true,
            targets_max: 32,
            probe_interval_min_s: 30,
            probe_kinds,
            private_networks,
            history_hours: Vec::new(),
            history_bytes_per_minute: 0,
        }
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Log {
    pub(super) level: String,
}

impl Default for Log {
    fn default() -> Self {
        Self { level: "info".into() }
    }
}
