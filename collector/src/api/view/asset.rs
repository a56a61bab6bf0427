//! Assets and their current values, as the API shows them.

use super::agent::AgentBrief;
use super::{AlertCounts, Named, Text};
use crate::model::asset::AssetKind as ModelKind;
use crate::model::catalogue::Attributes;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

macro_rules! kinds {
    ($($(#[$doc:meta])* $variant:ident),+ $(,)?) => {
        /// What an asset is.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum AssetKind { $($(#[$doc])* $variant,)+ }

        impl From<ModelKind> for AssetKind {
            fn from(kind: ModelKind) -> Self {
                match kind { $(ModelKind::$variant => Self::$variant,)+ }
            }
        }

        impl From<AssetKind> for ModelKind {
            fn from(kind: AssetKind) -> Self {
                match kind { $(AssetKind::$variant => Self::$variant,)+ }
            }
        }
    };
}

kinds!(
    /// Serves others.
    Server,
    /// A desktop.
    Workstation,
    /// A portable computer.
    Laptop,
    /// A printer.
    Printer,
    /// A scanner.
    Scanner,
    /// A wireless access point.
    AccessPoint,
    /// A switch.
    Switch,
    /// A router.
    Router,
    /// A firewall or similar.
    SecurityAppliance,
    /// A storage system.
    Storage,
    /// An uninterruptible power supply.
    Ups,
);

/// Whether an asset is heard of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AssetState {
    /// It reports.
    Up,
    /// It is expected to report, and does not.
    Silent,
    /// It is switched off, as workstations are in the evening.
    Off,
    /// Nothing is known.
    Unknown,
}

/// An asset in a list.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Asset {
    /// Id.
    pub id: i64,
    /// Name.
    pub name: String,
    /// What it is.
    pub kind: AssetKind,
    /// Whether silence means a fault.
    pub always_on: bool,
    /// The agency of its site.
    pub agency: Named,
    /// Where it stands.
    pub site: Named,
    /// Whether it is heard of.
    pub state: AssetState,
    /// When it was last heard of.
    pub last_seen_ms: Option<i64>,
    /// The reachability ladder's verdict, such as `ok` or `uplink_down`.
    pub verdict: Option<String>,
    /// Its firing alerts.
    pub alerts: AlertCounts,
    /// Share of processor time in use, 0 to 1.
    pub cpu: Option<f64>,
    /// Share of memory in use, 0 to 1.
    pub memory: Option<f64>,
    /// Share in use of its fullest file system, 0 to 1.
    pub disk: Option<f64>,
    /// The agent on it.
    pub agent: Option<AgentBrief>,
}

/// An asset with all that is known of it now.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct AssetDetail {
    /// The same as in the list.
    #[serde(flatten)]
    pub asset: Asset,
    /// What is fixed about the host: name, operating system, agent version.
    #[schema(value_type = BTreeMap<String, String>)]
    pub resource: Attributes,
    /// How long it has been up.
    pub uptime_s: Option<f64>,
    /// How far its wall clock is ahead of the collector's.
    pub clock_offset_s: Option<f64>,
    /// When it started.
    pub boot_ms: Option<i64>,
    /// Its latest samples.
    pub values: Vec<CurrentValue>,
    /// Its parts that have a health of their own.
    pub components: Vec<Component>,
    /// Its latest climb of the reachability ladder.
    pub reachability: Option<Reachability>,
    /// Give it as `If-Match` with a change.
    pub etag: String,
}

/// How a sample behaves over time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ValueKind {
    /// A level.
    Gauge,
    /// A running total.
    Counter,
}

/// One current sample.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct CurrentValue {
    /// OpenTelemetry name.
    pub name: String,
    /// What tells it from others of the name.
    #[schema(value_type = BTreeMap<String, String>)]
    pub attributes: Attributes,
    /// Unit in UCUM.
    pub unit: String,
    /// Level or running total.
    pub kind: ValueKind,
    /// The latest value; null where the host could not read it.
    pub value: Option<f64>,
    /// A running total's rise per second since the report before.
    pub rate: Option<f64>,
}

/// Health of a component.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ComponentState {
    /// Nothing speaks against it.
    Ok,
    /// Works, but less well than it should.
    Degraded,
    /// Does not work.
    Failed,
    /// Will fail, by its own word or figures.
    PredictedFailure,
    /// Wants cleaning.
    NeedsCleaning,
    /// Could not be read.
    Unknown,
}

/// Why a part is in its state.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Reason {
    /// As the agent says it: a short English phrase.
    pub said: String,
    /// As people read it. What no catalogue has is quoted.
    pub text: Text,
}

/// A part of an asset.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Component {
    /// OpenTelemetry's `hw.type`, or `ups`, `supply`, `radio`.
    pub kind: String,
    /// Stable within its asset.
    pub id: String,
    /// As people know it.
    pub name: String,
    /// Maker's model.
    pub model: String,
    /// Serial number; empty where it has none.
    pub serial: String,
    /// Health.
    pub state: ComponentState,
    /// Why.
    pub reasons: Vec<Reason>,
    /// Slow-moving figures in base units.
    pub figures: BTreeMap<String, f64>,
    /// The figures that people want, in words; empty where there are none.
    pub figures_text: Text,
    /// Since when it is there; 0 where that is not known.
    pub since_ms: i64,
}

/// One climb of the reachability ladder.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Reachability {
    /// What it says as a whole, such as `ok` or `uplink_down`.
    pub verdict: String,
    /// When it was climbed.
    pub at_ms: i64,
    /// From the host outwards.
    pub rungs: Vec<Rung>,
}

/// One probe of one rung.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Rung {
    /// `interface`, `gateway`, `resolver`, `name`, `internet`, `web` or `collector`.
    pub rung: String,
    /// `kernel`, `icmp`, `arp`, `tcp`, `dns` or `http`.
    pub method: String,
    /// What it was probed against.
    pub target: String,
    /// `ok`, `failed`, `lossy`, `captive` or `skipped`.
    pub outcome: String,
    /// Share of probes lost, 0 to 1.
    pub loss: Option<f64>,
    /// Round trip.
    pub rtt_s: Option<f64>,
}

/// What to change about an asset; absent fields stay.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AssetChange {
    /// Name.
    pub name: Option<String>,
    /// What it is.
    pub kind: Option<AssetKind>,
    /// Whether silence means a fault.
    pub always_on: Option<bool>,
    /// Where it stands.
    pub site_id: Option<i64>,
}
