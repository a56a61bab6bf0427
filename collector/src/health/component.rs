//! Conditions over the parts of a host that have a health of their own, by the verdict that comes with them.
//!
//! Only parts that are not well, or of which there is an alert, make a finding: most sets have neither.

use crate::health::Facts;
use crate::health::finding::{Findings, Observation, Readings};
use crate::health::rule::{BuiltIn, RuleSet};
use crate::model::alert::Severity;
use crate::model::component::{Component, ComponentState};
use std::sync::Arc;

/// The word before the part's own name, which texts choose by.
const KIND_ENDS: char = ' ';

/// What a UPS says of itself while the mains are away.
const ON_BATTERY: &str = "on battery";
/// Temperatures have a rule of their own, over their samples: one cause, one alert.
const JUDGED_BY_SAMPLES: &str = "temperature";

pub(super) fn components(rules: &RuleSet, facts: &Facts<'_>, findings: &mut Findings) {
    let rule = rules.rule(BuiltIn::ComponentHealth);
    if !rule.enabled {
        return;
    }
    let is_watched = facts.alerts.iter().any(|alert| alert.rule == rule.built_in.id());
    for component in facts.components.iter().filter(|component| component.kind != JUDGED_BY_SAMPLES) {
        let observation = match component.state {
            ComponentState::Ok if is_watched => Observation::Clear,
            ComponentState::Ok => continue,
            ComponentState::Failed => Observation::Raise(Severity::Critical),
            // It does what it is there for: a power cut is nothing to be repaired here.
            ComponentState::Degraded if is_power_cut(component) => Observation::Between,
            ComponentState::PredictedFailure | ComponentState::Degraded | ComponentState::NeedsCleaning => {
                Observation::Raise(rule.severity)
            }
            ComponentState::Unknown => Observation::Unknown,
        };
        let readings = Readings::new(&[("state", state_code(component.state))]);
        findings.of_part(rule.built_in, &Arc::from(part_of(component)), observation, f64::NAN, readings);
    }
    // A set is complete: what is not in it is no longer there.
    findings.sweep(BuiltIn::ComponentHealth);
}

/// Whether a power supply of last resort only says that it is needed.
fn is_power_cut(component: &Component) -> bool {
    component.kind == "ups" && component.reasons.iter().all(|reason| reason == ON_BATTERY)
}

/// A part's name in alerts: its kind, and its serial number where it has one, so that an alert follows the part.
fn part_of(component: &Component) -> String {
    let own = if component.serial.is_empty() { &component.id } else { &component.serial };
    format!("{}{KIND_ENDS}{own}", component.kind)
}

/// The kind and the own name of a part as [`part_of`] put them together.
pub(crate) fn kind_and_name(part: &str) -> (&str, &str) {
    part.split_once(KIND_ENDS).unwrap_or(("", part))
}

/// A state as an alert's figures carry it.
const fn state_code(state: ComponentState) -> f64 {
    match state {
        ComponentState::Ok => 0.0,
        ComponentState::NeedsCleaning => 1.0,
        ComponentState::Degraded => 2.0,
        ComponentState::PredictedFailure => 3.0,
        ComponentState::Failed => 4.0,
        ComponentState::Unknown => 5.0,
    }
}

/// The state that a figure stands for.
pub(crate) fn state_of(code: f64) -> ComponentState {
    let states = ComponentState::ALL.into_iter();
    states.into_iter().find(|state| state_code(*state) == code).unwrap_or(ComponentState::Unknown)
}
