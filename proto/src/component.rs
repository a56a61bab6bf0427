//! Components: parts of a host that have a health of their own, and the digest of a whole set.

use crate::bounded;
use crate::id::SetDigest;
use crate::limits;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// Health of a component: OpenTelemetry's `hw.state`, plus `unknown`, which always says why in its reasons.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Nothing speaks against it.
    Ok,
    /// Works, but less well than it should.
    Degraded,
    /// Does not work.
    Failed,
    /// Says itself, or by its figures, that it will fail.
    PredictedFailure,
    /// Works, wants cleaning.
    NeedsCleaning,
    /// Could not be read, or says nothing of its health.
    Unknown,
}

/// One part of a host.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Component {
    /// OpenTelemetry's `hw.type` (`physical_disk`, `network`, `temperature`, `cpu`, `memory`, `enclosure`, ...), `ups`,
    /// `supply`, `radio`, `firmware`, `operating_system` or `service`.
    pub kind: String,
    /// Stable within the host, such as `sda` or `eth0`.
    pub id: String,
    /// As people know it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Maker's model.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub model: String,
    /// Serial number, where it has one: history follows it from host to host.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub serial: String,
    /// Health.
    pub state: State,
    /// Why it is in this state, in short English phrases that rules can match.
    #[serde(
        default,
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "bounded::list::<_, _, { limits::REASONS_MAX }>"
    )]
    pub reasons: Vec<String>,
    /// Slow-moving figures in base units; what changes by the minute is a sample instead.
    #[serde(
        default,
        skip_serializing_if = "BTreeMap::is_empty",
        deserialize_with = "bounded::map::<_, _, _, { limits::FIGURES_MAX }>"
    )]
    pub figures: BTreeMap<String, f64>,
}

/// Why a component is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidComponent {
    /// More than [`limits::COMPONENTS_MAX`].
    #[error("{0} components, at most {max}", max = limits::COMPONENTS_MAX)]
    Count(usize),
    /// A text that is empty where it must not be, or too long.
    #[error("component {0}: a text is empty or too long")]
    Text(usize),
    /// More reasons or figures than allowed.
    #[error("component {0}: too many reasons or figures")]
    Size(usize),
    /// Two components of one kind and id.
    #[error("component {0}: kind and id are taken")]
    Duplicate(usize),
}

/// Digest of a complete set, independent of its order.
pub fn digest(components: &[Component]) -> SetDigest {
    let mut sorted: Vec<&Component> = components.iter().collect();
    sorted.sort_by(|a, b| (&a.kind, &a.id).cmp(&(&b.kind, &b.id)));
    let bytes = serde_json::to_vec(&sorted).unwrap_or_default();
    let mut set = SetDigest::default();
    set.0.iter_mut().zip(Sha256::digest(bytes).iter()).for_each(|(to, from)| *to = *from);
    set
}

/// Whether a set keeps the bounds of [`limits`].
pub fn check(components: &[Component]) -> Result<(), InvalidComponent> {
    if components.len() > limits::COMPONENTS_MAX {
        return Err(InvalidComponent::Count(components.len()));
    }
    let mut taken = std::collections::BTreeSet::new();
    for (place, component) in components.iter().enumerate() {
        let named = !component.kind.is_empty() && !component.id.is_empty();
        let texts = [&component.kind, &component.id, &component.name, &component.model, &component.serial];
        let texts = texts.into_iter().chain(&component.reasons).chain(component.figures.keys());
        if !named || texts.into_iter().any(|text| text.len() > limits::TEXT_BYTES_MAX) {
            return Err(InvalidComponent::Text(place));
        }
        if component.reasons.len() > limits::REASONS_MAX || component.figures.len() > limits::FIGURES_MAX {
            return Err(InvalidComponent::Size(place));
        }
        if !taken.insert((&component.kind, &component.id)) {
            return Err(InvalidComponent::Duplicate(place));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn disk(id: &str) -> Component {
        Component {
            kind: "physical_disk".into(),
            id: id.into(),
            name: String::new(),
            model: String::new(),
            serial: String::new(),
            state: State::Ok,
            reasons: vec![],
            figures: BTreeMap::new(),
        }
    }

    #[test]
    fn digest_ignores_order_and_sees_state() {
        let both = [disk("sda"), disk("sdb")];
        let turned = [disk("sdb"), disk("sda")];
        assert_eq!(digest(&both), digest(&turned));
        let failed = [disk("sda"), Component { state: State::Failed, ..disk("sdb") }];
        assert_ne!(digest(&both), digest(&failed));
    }

    #[test]
    fn a_set_names_each_part_once() {
        assert_eq!(check(&[disk("sda"), disk("sda")]), Err(InvalidComponent::Duplicate(1)));
        assert_eq!(check(&[disk("")]), Err(InvalidComponent::Text(0)));
    }
}
