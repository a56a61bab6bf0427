//! What the API says and takes: the only types that become JSON.
//!
//! Converts the model's nouns once, here and in the files below. Times are milliseconds since 1970, ids of agents are 32
//! hexadecimal digits, other ids are integers. Knows nothing of HTTP, SQL or the wire of the agents.

pub mod agent;
pub mod alert;
pub mod asset;
pub mod part_change;
pub mod person;
pub mod place;
pub mod policy;
pub mod series;
pub mod work_order;

use crate::model::text;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

/// One page of a collection.
#[derive(Debug, Serialize, ToSchema)]
pub struct Page<T> {
    /// The page's items, in a fixed order.
    pub items: Vec<T>,
    /// Where the next page starts: give it as `cursor`. Null on the last page.
    pub next: Option<String>,
}

/// One text in both languages of the product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Text {
    /// In Vietnamese.
    pub vi: String,
    /// In English.
    pub en: String,
}

impl From<text::Text> for Text {
    fn from(text: text::Text) -> Self {
        Self { vi: text.vi, en: text.en }
    }
}

/// A language of the product.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Language {
    /// Vietnamese.
    Vi,
    /// English.
    En,
}

impl From<text::Language> for Language {
    fn from(language: text::Language) -> Self {
        match language {
            text::Language::Vi => Self::Vi,
            text::Language::En => Self::En,
        }
    }
}

/// Something by its id and name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Named {
    /// Id.
    pub id: i64,
    /// Name.
    pub name: String,
}

/// Every answer that is not a success: RFC 9457, with the detail in both languages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Problem {
    /// A stable word for the kind of problem, such as `about:blank#not-found`.
    #[serde(rename = "type")]
    pub kind: String,
    /// A short summary in English.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What, where and what was expected, in English.
    pub detail: String,
    /// The detail for people, in both languages.
    pub text: Text,
    /// Which field or parameter is at fault, where one is.
    pub field: Option<String>,
}

/// The province at a glance, within the caller's scope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Summary {
    /// Assets by state.
    pub assets: AssetCounts,
    /// Firing alerts by severity.
    pub alerts: AlertCounts,
    /// Work orders that are not verified, by state.
    pub work_orders: WorkOrderCounts,
    /// The collector's time.
    pub now_ms: i64,
}

/// Assets by state.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct AssetCounts {
    /// All of them.
    pub total: u64,
    /// Reporting.
    pub up: u64,
    /// Expected to report, and do not.
    pub silent: u64,
    /// Switched off, as workstations are in the evening.
    pub off: u64,
    /// Nothing is known.
    pub unknown: u64,
}

/// Firing alerts by severity.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct AlertCounts {
    /// Worth going now.
    pub critical: u64,
    /// Worth planning.
    pub warning: u64,
    /// Worth knowing.
    pub info: u64,
}

/// Work orders by state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct WorkOrderCounts {
    /// Due, not yet planned; those that were reopened among them.
    pub open: u64,
    /// With a time.
    pub planned: u64,
    /// Someone is at it.
    pub in_progress: u64,
    /// Said to be done.
    pub done: u64,
    /// Of all these: the signal has cleared.
    pub ready_to_verify: u64,
}

/// Tells a field that is absent (leave it) from one that is null (empty it).
fn present<'de, D, T>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::deserialize(deserializer).map(Some)
}
