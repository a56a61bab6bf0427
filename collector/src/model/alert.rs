//! Alerts: a rule's state for one asset, or for one part of it.

use crate::model::asset::AssetId;
use crate::model::component::Component;
use crate::model::work_order::WorkOrderId;
use std::collections::BTreeMap;
use std::sync::Arc;

/// An alert's id; given when it first fires.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AlertId(pub i64);

/// A rule's name, such as `filesystem_nearly_full`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleId(pub &'static str);

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Worth planning.
    Warning,
    /// Worth going now.
    Critical,
}

impl Severity {
    /// Every severity, mildest first.
    pub const ALL: [Self; 3] = [Self::Info, Self::Warning, Self::Critical];

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }

    /// The severity for a word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|severity| severity.as_str() == word)
    }
}

/// Where an alert stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AlertState {
    /// The condition holds, for less than the hold time. Lives in memory only.
    Pending,
    /// The condition has held for the hold time.
    Firing,
    /// The clear level was reached.
    Resolved,
}

impl AlertState {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Firing => "firing",
            Self::Resolved => "resolved",
        }
    }

    /// The state for a word.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Pending, Self::Firing, Self::Resolved].into_iter().find(|state| state.as_str() == word)
    }
}

/// Numbers that an alert or its evidence rests on: name with unit to value.
pub type Figures = BTreeMap<String, f64>;

/// A person's word that they have seen it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acknowledgement {
    /// Who.
    pub by: String,
    /// When, milliseconds since 1970.
    pub at_ms: i64,
    /// What they said.
    pub note: String,
}

/// A rule's state for one asset or one part of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Alert {
    /// Given when it first fires; none while pending.
    pub id: Option<AlertId>,
    /// The rule.
    pub rule: RuleId,
    /// The asset.
    pub asset: AssetId,
    /// The part, such as a mount point or an interface; empty for the asset itself.
    pub part: Arc<str>,
    /// How bad it is.
    pub severity: Severity,
    /// Where it stands.
    pub state: AlertState,
    /// Since when the condition holds, milliseconds since 1970.
    pub since_ms: i64,
    /// When it fired.
    pub fired_ms: Option<i64>,
    /// When it was resolved.
    pub resolved_ms: Option<i64>,
    /// Who has seen it.
    pub acknowledged: Option<Acknowledgement>,
    /// The figures of its latest finding.
    pub figures: Figures,
    /// The part that it is about, where that is one with a health of its own, as it was said last while the alert fired.
    pub component: Option<Arc<Component>>,
    /// The work order that it opened or added to.
    pub work_order: Option<WorkOrderId>,
    /// What it is waiting for.
    pub watch: Watch,
}

/// The times and the mean that the next step needs. Lives in memory and its snapshot only.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Watch {
    /// When a value was last known, milliseconds since 1970.
    pub seen_ms: i64,
    /// Since when it has been continuously at or below the clear level, while still firing.
    pub clearing_since_ms: Option<i64>,
    /// Since when a worse level than its severity holds.
    pub rising_since_ms: Option<i64>,
    /// Mean since it began to hold or to clear, for rules that average.
    pub mean: f64,
    /// Time that the mean covers, milliseconds.
    pub mean_ms: i64,
}
