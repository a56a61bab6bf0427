//! Changes of an asset's parts, as the API shows them.

use crate::model::part_change::What as ModelWhat;
use serde::Serialize;
use utoipa::ToSchema;

/// What became of a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// It was not there before.
    Appeared,
    /// It is no longer there.
    Vanished,
    /// Another one is in its place: its serial number is another.
    Replaced,
    /// It is the same one, and says otherwise what it is: new firmware, another kernel.
    Changed,
}

impl From<ModelWhat> for What {
    fn from(what: ModelWhat) -> Self {
        match what {
            ModelWhat::Appeared => Self::Appeared,
            ModelWhat::Vanished => Self::Vanished,
            ModelWhat::Replaced => Self::Replaced,
            ModelWhat::Changed => Self::Changed,
        }
    }
}

/// One change of one part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct PartChange {
    /// Its place in the order.
    pub id: i64,
    /// When the report that shows it was measured.
    pub at_ms: i64,
    /// The part's kind.
    pub kind: String,
    /// Its id within the asset.
    pub part: String,
    /// What became of it.
    pub what: What,
    /// What it was: model and serial number; empty for one that appeared.
    pub before: String,
    /// What it is; empty for one that vanished.
    pub after: String,
}
