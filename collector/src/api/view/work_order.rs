//! Work orders as the API shows and takes them.

use super::asset::Component;
use super::{Named, Text, present};
use crate::model::work_order as model;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

macro_rules! states {
    ($($(#[$doc:meta])* $variant:ident),+ $(,)?) => {
        /// Where a work order stands.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum WorkOrderState { $($(#[$doc])* $variant,)+ }

        impl From<model::WorkOrderState> for WorkOrderState {
            fn from(state: model::WorkOrderState) -> Self {
                match state { $(model::WorkOrderState::$variant => Self::$variant,)+ }
            }
        }

        impl From<WorkOrderState> for model::WorkOrderState {
            fn from(state: WorkOrderState) -> Self {
                match state { $(WorkOrderState::$variant => Self::$variant,)+ }
            }
        }
    };
}

states!(
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
);

/// What an alert proved.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Evidence {
    /// The alert.
    pub alert_id: i64,
    /// Its rule.
    pub rule: String,
    /// When.
    pub at_ms: i64,
    /// In words, with its figures.
    pub text: Text,
    /// The figures: name with unit to value.
    pub figures: BTreeMap<String, f64>,
    /// The part that it is about, as it was then; none for what has no part of its own.
    pub component: Option<Component>,
}

/// Care that is due.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct WorkOrder {
    /// Id.
    pub id: i64,
    /// What needs care.
    pub asset: Named,
    /// Where it stands.
    pub site: Named,
    /// Whose it is.
    pub agency: Named,
    /// Which part of it; empty for the asset itself.
    pub part: String,
    /// The rule whose action is due.
    pub rule: String,
    /// Where it stands.
    pub state: WorkOrderState,
    /// Its signal has cleared and it can be verified.
    pub ready_to_verify: bool,
    /// What is wrong, in a few words.
    pub title: Text,
    /// What to do.
    pub action: Text,
    /// Why it is due.
    pub evidence: Vec<Evidence>,
    /// When it was opened.
    pub opened_ms: i64,
    /// When it should be done.
    pub due_ms: Option<i64>,
    /// When someone plans to do it.
    pub planned_ms: Option<i64>,
    /// When it was closed as verified.
    pub closed_ms: Option<i64>,
    /// Who does it.
    pub assignee: Option<String>,
    /// What was noted.
    pub note: String,
    /// Give it as `If-Match` with a change.
    pub etag: String,
}

/// What to change about a work order; absent fields stay, null empties.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WorkOrderChange {
    /// Where it stands. `verified` needs its signal to have cleared; otherwise it is reopened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<WorkOrderState>,
    /// Who does it.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub assignee: Option<Option<String>>,
    /// When it should be done.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<i64>)]
    pub due_ms: Option<Option<i64>>,
    /// When someone plans to do it.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<i64>)]
    pub planned_ms: Option<Option<i64>>,
    /// What was noted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}
