//! The history of an asset and the latest values of a fleet, as the API shows them.

use super::Named;
use crate::model::catalogue::Attributes;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// Samples of one asset over a range of time, a place in each array for each step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct History {
    /// Start of the first step.
    pub from_ms: i64,
    /// End of the last step.
    pub to_ms: i64,
    /// Width of one step.
    pub step_s: i64,
    /// What was read, in order of time; the coarsest that will do, as far as it is there.
    pub tiers: Vec<HistoryPart>,
    /// One for each name and set of attributes.
    pub series: Vec<HistorySeries>,
}

/// A part of the range, and what was read for it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct HistoryPart {
    /// `raw`: samples; `5min`, `1h`: what they were rolled up to.
    pub tier: String,
    /// From the first that was found.
    pub from_ms: i64,
    /// Until the last.
    pub to_ms: i64,
}

/// How a series of samples is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SeriesKind {
    /// Levels as they were.
    Gauge,
    /// A running total's rise per second.
    Rate,
}

/// One series: null in a step without data, and for figures that were not asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct HistorySeries {
    /// OpenTelemetry name.
    pub name: String,
    /// What tells it from others of the name.
    pub attributes: BTreeMap<String, String>,
    /// Unit in UCUM, that of a rate per second.
    pub unit: String,
    /// Level or rate.
    pub kind: SeriesKind,
    /// Least value of each step.
    pub min: Option<Vec<Option<f64>>>,
    /// Greatest value of each step.
    pub max: Option<Vec<Option<f64>>>,
    /// Mean of each step.
    pub mean: Option<Vec<Option<f64>>>,
    /// Latest value of each step.
    pub last: Option<Vec<Option<f64>>>,
    /// How many samples each step is made of; of a rate, how many increases.
    pub count: Option<Vec<Option<u64>>>,
}

/// The latest values of one name over a fleet.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct LatestValues<'a> {
    /// How many there are, shown or not.
    pub total: usize,
    /// In the order that was asked for.
    pub items: Vec<LatestValue<'a>>,
}

/// One asset's latest value. Borrowed: thousands are written at once.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct LatestValue<'a> {
    /// The asset.
    pub asset: Named,
    /// What tells the series from others of the name.
    #[schema(value_type = BTreeMap<String, String>)]
    pub attributes: &'a Attributes,
    /// Unit in UCUM, that of a rate per second.
    pub unit: Cow<'a, str>,
    /// Level or rate.
    pub kind: SeriesKind,
    /// The value, or the rate.
    pub value: f64,
    /// When it was measured.
    pub at_ms: i64,
}
