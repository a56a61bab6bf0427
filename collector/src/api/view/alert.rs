//! Alerts as the API shows them.

use super::asset::Component;
use super::{Named, Text};
use crate::model::alert;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Worth planning.
    Warning,
    /// Worth going now.
    Critical,
}

impl From<alert::Severity> for Severity {
    fn from(severity: alert::Severity) -> Self {
        match severity {
            alert::Severity::Info => Self::Info,
            alert::Severity::Warning => Self::Warning,
            alert::Severity::Critical => Self::Critical,
        }
    }
}

impl From<Severity> for alert::Severity {
    fn from(severity: Severity) -> Self {
        match severity {
            Severity::Info => Self::Info,
            Severity::Warning => Self::Warning,
            Severity::Critical => Self::Critical,
        }
    }
}

/// Where an alert stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AlertState {
    /// The condition holds, for less than the hold time. In the collection only when it is asked for.
    Pending,
    /// The condition has held for the hold time.
    Firing,
    /// The clear level was reached.
    Resolved,
}

impl From<alert::AlertState> for AlertState {
    fn from(state: alert::AlertState) -> Self {
        match state {
            alert::AlertState::Pending => Self::Pending,
            alert::AlertState::Firing => Self::Firing,
            alert::AlertState::Resolved => Self::Resolved,
        }
    }
}

impl From<AlertState> for alert::AlertState {
    fn from(state: AlertState) -> Self {
        match state {
            AlertState::Pending => Self::Pending,
            AlertState::Firing => Self::Firing,
            AlertState::Resolved => Self::Resolved,
        }
    }
}

/// A person's word that they have seen it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Acknowledgement {
    /// Who.
    pub by: String,
    /// When.
    pub at_ms: i64,
    /// What they said.
    pub note: String,
}

/// A rule that fired for an asset or a part of it.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Alert {
    /// Id; 0 while it is pending: it is given when the alert fires.
    pub id: i64,
    /// The rule, such as `filesystem_nearly_full`.
    pub rule: String,
    /// How bad it is.
    pub severity: Severity,
    /// Where it stands.
    pub state: AlertState,
    /// The asset.
    pub asset: Named,
    /// Where it stands.
    pub site: Named,
    /// Whose it is.
    pub agency: Named,
    /// The part, such as a mount point; empty for the asset itself.
    pub part: String,
    /// What is wrong, in a few words.
    pub title: Text,
    /// What is wrong, with its figures.
    pub detail: Text,
    /// What to do.
    pub action: Text,
    /// Where the threshold comes from.
    pub source: Text,
    /// Since when the condition holds.
    pub since_ms: i64,
    /// When it fired.
    pub fired_ms: Option<i64>,
    /// When it was resolved.
    pub resolved_ms: Option<i64>,
    /// Who has seen it.
    pub acknowledged: Option<Acknowledgement>,
    /// The figures of its latest finding: name with unit to value.
    pub figures: BTreeMap<String, f64>,
    /// The part that it is about, as it was said last while the alert fired; none for what has no part of its own.
    pub component: Option<Component>,
    /// The work order that it opened or added to.
    pub work_order_id: Option<i64>,
}

/// That someone has seen an alert.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAcknowledgement {
    /// What they say about it.
    #[serde(default)]
    pub note: String,
}
