//! Work orders: care that is due, with the evidence for it.

use crate::model::alert::{AlertId, Figures, RuleId};
use crate::model::asset::AssetId;
use crate::model::component::Component;
use std::sync::Arc;

/// A work order's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WorkOrderId(pub i64);

/// Where a work order stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WorkOrderState {
    /// Due, not yet planned.
    Open,
    /// Has a time.
    Planned,
    /// Someone is at it.
    InProgress,
    /// Someone says it is done.
    Done,
    /// Done, and the signal has cleared.
    Verified,
    /// Was done, and the signal came back or never cleared.
    Reopened,
}

impl WorkOrderState {
    /// Every state.
    pub const ALL: [Self; 6] =
        [Self::Open, Self::Planned, Self::InProgress, Self::Done, Self::Verified, Self::Reopened];

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Planned => "planned",
            Self::InProgress => "in_progress",
            Self::Done => "done",
            Self::Verified => "verified",
            Self::Reopened => "reopened",
        }
    }

    /// The state for a word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }
}

/// What an alert proved, kept with its figures.
#[derive(Debug, Clone, PartialEq)]
pub struct Evidence {
    /// The alert.
    pub alert: AlertId,
    /// Its rule.
    pub rule: RuleId,
    /// When, milliseconds since 1970.
    pub at_ms: i64,
    /// The figures.
    pub figures: Figures,
    /// The part that it is about, as it was then.
    pub component: Option<Arc<Component>>,
}

/// Care that is due.
#[derive(Debug, Clone, PartialEq)]
pub struct WorkOrder {
    /// Id.
    pub id: WorkOrderId,
    /// What needs care.
    pub asset: AssetId,
    /// Which part of it; empty for the asset itself.
    pub part: String,
    /// The rule whose action is due.
    pub rule: RuleId,
    /// Where it stands.
    pub state: WorkOrderState,
    /// A flag, not a state: its signal has cleared and it can be verified.
    pub ready_to_verify: bool,
    /// Why it is due.
    pub evidence: Vec<Evidence>,
    /// When it was opened, milliseconds since 1970.
    pub opened_ms: i64,
    /// When it should be done.
    pub due_ms: Option<i64>,
    /// When someone plans to do it.
    pub planned_ms: Option<i64>,
    /// When someone said that it is done.
    pub done_ms: Option<i64>,
    /// When it was closed as verified.
    pub closed_ms: Option<i64>,
    /// Who does it.
    pub assignee: Option<String>,
    /// What was noted.
    pub note: String,
    /// Rises with every change; the ETag.
    pub version: i64,
}
