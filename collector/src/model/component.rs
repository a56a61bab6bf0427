//! Components: parts of an asset that have a health of their own.

use std::collections::BTreeMap;

/// Health of a component.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
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
    /// Could not be read; its reasons say why.
    Unknown,
}

impl ComponentState {
    /// Every state.
    pub const ALL: [Self; 6] =
        [Self::Ok, Self::Degraded, Self::Failed, Self::PredictedFailure, Self::NeedsCleaning, Self::Unknown];

    /// The state for a word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Degraded => "degraded",
            Self::Failed => "failed",
            Self::PredictedFailure => "predicted_failure",
            Self::NeedsCleaning => "needs_cleaning",
            Self::Unknown => "unknown",
        }
    }
}

/// One part of an asset.
#[derive(Debug, Clone, PartialEq)]
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
    pub reasons: Vec<String>,
    /// Slow-moving figures in base units.
    pub figures: BTreeMap<String, f64>,
    /// Since when it is there, milliseconds since 1970.
    pub since_ms: i64,
}

#[cfg(test)]
impl Component {
    /// One that is well and of which nothing else is known, for tests to start from.
    pub(crate) fn plain(kind: &str, id: &str) -> Self {
        Self {
            kind: kind.into(),
            id: id.into(),
            name: String::new(),
            model: String::new(),
            serial: String::new(),
            state: ComponentState::Ok,
            reasons: vec![],
            figures: BTreeMap::new(),
            since_ms: 0,
        }
    }
}
