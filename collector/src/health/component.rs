//! Conditions over the parts of a host that have a health of their own, by the verdict that comes with them.
//!
//! Only parts that are not well, or of which there is an alert, make a finding: most sets have neither.

use crate::health::Facts;
use crate::health::finding::{Findings, Observation, Readings};
use crate::health::rule::{BuiltIn, Key, Rule, RuleSet};
use crate::model::alert::Severity;
use crate::model::component::{Component, ComponentState};
use crate::model::missing::Missing;
use std::sync::Arc;

/// The word before the part's own name, which texts choose by.
const KIND_ENDS: char = ' ';

/// What a UPS says of itself while the mains are away.
const ON_BATTERY: &[&str] = &["on battery"];
/// What a laptop's battery says when it was used up.
const EMPTY: &[&str] = &["charge critical"];
/// What a power supply says when the mains are away, or when its fellow says so.
const NO_MAINS: &[&str] = &["input lost", "input out of range", "redundancy lost", "redundancy degraded"];
/// What an array or disk says while it is being rebuilt.
const REBUILDING: &[&str] = &["rebuilding", "resync", "replacing member"];
/// What it says besides, meanwhile.
const DURING_REBUILD: &[&str] = &["degraded", "partially degraded", "missing member", "out of sync"];
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
            ComponentState::Degraded if is_in_use(component) => Observation::Between,
            ComponentState::PredictedFailure | ComponentState::Degraded | ComponentState::NeedsCleaning => {
                Observation::Raise(rule.severity)
            }
            ComponentState::Unknown => Observation::Unknown,
        };
        let readings = Readings::new(&[("state", state_code(component.state))]);
        findings.of_part(rule.built_in, &Arc::from(part_of(component)), observation, f64::NAN, readings);
        findings.hold(hold_ms(rule, component));
    }
    // A set is complete: what is not in it is no longer there.
    findings.sweep(BuiltIn::ComponentHealth);
}

/// Parts that are gone though they should be there. One that is back, or has been replaced, ends its alert; so does the
/// end of the time that it is waited for.
pub(super) fn missing(rules: &RuleSet, facts: &Facts<'_>, now_ms: i64, findings: &mut Findings) {
    let rule = rules.rule(BuiltIn::ComponentMissing);
    if !rule.enabled {
        return;
    }
    let is_waited_for = |gone: &&Missing| ((now_ms - gone.since_ms) as f64) < rule.level(Key::Window);
    let waited_for = || facts.missing.iter().filter(is_waited_for);
    for gone in waited_for() {
        let readings = Readings::new(&[("gone_s", (now_ms - gone.since_ms) as f64 / 1_000.0)]);
        let part = Arc::from(part_of(&gone.component));
        findings.of_part(rule.built_in, &part, Observation::Raise(rule.severity), f64::NAN, readings);
    }
    let of_rule = facts.alerts.iter().filter(|alert| alert.rule == rule.built_in.id());
    for alert in of_rule.filter(|alert| !waited_for().any(|gone| is_named(&gone.component, &alert.part))) {
        findings.of_part(rule.built_in, &alert.part, Observation::Clear, f64::NAN, Readings::new(&[]));
    }
}

/// Whether an alert's part is this one.
pub(crate) fn is_named(component: &Component, part: &str) -> bool {
    let own = if component.serial.is_empty() { &component.id } else { &component.serial };
    kind_and_name(part) == (component.kind.as_str(), own.as_str())
}

/// Whether a battery only says that it is needed, or that it was: its fault is neither.
fn is_in_use(component: &Component) -> bool {
    match component.kind.as_str() {
        "ups" => says_only(component, ON_BATTERY),
        "battery" => !component.reasons.is_empty() && says_only(component, EMPTY),
        _ => false,
    }
}

fn says_only(component: &Component, phrases: &[&str]) -> bool {
    component.reasons.iter().all(|reason| phrases.contains(&reason.as_str()))
}

/// How long a part must be unwell, where a minute says nothing. What has failed, or will, waits no longer than others.
fn hold_ms(rule: &Rule, component: &Component) -> Option<i64> {
    if component.state != ComponentState::Degraded || component.reasons.is_empty() {
        return None;
    }
    let key = match component.kind.as_str() {
        "power_supply" if says_only(component, NO_MAINS) => Key::HoldMains,
        "logical_disk" | "physical_disk" if is_rebuilding(component) => Key::HoldRebuild,
        "fan" | "voltage" | "network" => Key::HoldReading,
        _ => return None,
    };
    Some(rule.level(key) as i64)
}

fn is_rebuilding(component: &Component) -> bool {
    let rebuilds = |reason: &String| REBUILDING.contains(&reason.as_str());
    component.reasons.iter().any(rebuilds)
        && component
            .reasons
            .iter()
            .all(|reason| rebuilds(reason) || DURING_REBUILD.contains(&reason.as_str()))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_phrases_that_count_are_those_that_agents_say() {
        for phrase in [ON_BATTERY, EMPTY, NO_MAINS, REBUILDING, DURING_REBUILD].into_iter().flatten() {
            assert!(tram_proto::phrase::is_known(phrase), "{phrase}");
        }
    }
}
