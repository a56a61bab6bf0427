//! What a host last said, as the API shows it: values, rates, shares in use, the reachability ladder.
//!
//! Pure: a host in memory in, view types out.

use crate::api::view::AlertCounts;
use crate::api::view::agent::{AgentBrief, AgentState};
use crate::api::view::asset::{
    AssetState, Component, ComponentState, CurrentValue, Reachability, Reason, Rung, ValueKind,
};
use crate::health::Presence;
use crate::latest::Host;
use crate::model::agent;
use crate::model::alert::{Alert, AlertState, Severity};
use crate::model::catalogue::{Column, Kind};
use crate::model::component;
use crate::texts;
use std::collections::BTreeMap;
use tram_proto::reach;
use tram_proto::sample;

/// Shares of an asset's capacity in use, 0 to 1.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Shares {
    /// Of processor time.
    pub cpu: Option<f64>,
    /// Of memory.
    pub memory: Option<f64>,
    /// Of the fullest file system.
    pub disk: Option<f64>,
}

/// The state of an asset; that of one without an agent is unknown.
pub fn state(presence: Option<Presence>) -> AssetState {
    match presence.unwrap_or(Presence::Unknown) {
        Presence::Up => AssetState::Up,
        Presence::Silent => AssetState::Silent,
        Presence::Off => AssetState::Off,
        Presence::Unknown => AssetState::Unknown,
    }
}

/// An agent's state; that it is used by two hosts is more than that it is active.
pub const fn agent_state(state: agent::AgentState, clone_seen_ms: Option<i64>) -> AgentState {
    match (state, clone_seen_ms) {
        (agent::AgentState::Active, Some(_)) => AgentState::Clone,
        (agent::AgentState::Active, None) => AgentState::Active,
        (agent::AgentState::Quarantined, _) => AgentState::Quarantined,
        (agent::AgentState::Revoked, _) => AgentState::Revoked,
    }
}

/// The agent of a host.
pub fn agent_brief(host: &Host) -> AgentBrief {
    let resource = host.catalogue.as_ref().map(|catalogue| &catalogue.resource);
    let version = resource.and_then(|resource| resource.get(sample::SERVICE_VERSION));
    AgentBrief {
        id: host.agent.to_string(),
        version: version.cloned().unwrap_or_default(),
        state: agent_state(host.state, host.clone_seen_ms),
    }
}

/// Firing alerts by severity.
pub fn alert_counts(alerts: &[Alert]) -> AlertCounts {
    let mut counts = AlertCounts::default();
    for alert in alerts.iter().filter(|alert| alert.state == AlertState::Firing) {
        match alert.severity {
            Severity::Critical => counts.critical += 1,
            Severity::Warning => counts.warning += 1,
            Severity::Info => counts.info += 1,
        }
    }
    counts
}

/// When anything was last heard of a host.
pub fn last_seen_ms(host: &Host) -> Option<i64> {
    (host.received_ms > 0).then_some(host.received_ms)
}

/// The columns of a host with their latest values.
fn cells(host: &Host) -> impl Iterator<Item = (&Column, Option<i64>)> {
    let columns = host.catalogue.iter().flat_map(|catalogue| catalogue.columns.iter());
    columns.zip(host.values.iter().copied())
}

fn value(host: &Host, name: &str) -> Option<f64> {
    cells(host).find(|(column, _)| column.name == name).and_then(|(column, raw)| Some(column.unscale(raw?)))
}

/// Shares of a host's capacity in use.
pub fn shares(host: &Host) -> Shares {
    let mut busy = None;
    let (mut available, mut limit) = (None, None);
    let mut mounts: BTreeMap<&str, (f64, f64)> = BTreeMap::new();
    for (column, raw) in cells(host) {
        let Some(value) = raw.map(|raw| column.unscale(raw)) else { continue };
        match column.name.as_str() {
            sample::CPU_UTILIZATION => {
                let mode = column.attribute(sample::CPU_MODE).unwrap_or_default();
                let counted = if matches!(mode, "idle" | "iowait") { 0.0 } else { value };
                busy = Some(busy.unwrap_or(0.0) + counted);
            }
            sample::MEMORY_AVAILABLE => available = Some(value),
            sample::MEMORY_LIMIT => limit = Some(value),
            sample::FILESYSTEM_USAGE => {
                let mount = column.attribute(sample::MOUNTPOINT).unwrap_or_default();
                let (used, free) = mounts.entry(mount).or_default();
                match column.attribute(sample::FILESYSTEM_STATE) {
                    Some("used") => *used = value,
                    Some("free") => *free = value,
                    Some(_) | None => {}
                }
            }
            _ => {}
        }
    }
    let full =
        mounts.values().filter(|(used, free)| used + free > 0.0).map(|(used, free)| used / (used + free));
    Shares {
        cpu: busy.map(|share: f64| share.clamp(0.0, 1.0)),
        memory: available
            .zip(limit.filter(|limit| *limit > 0.0))
            .map(|(available, limit): (f64, f64)| (1.0 - available / limit).clamp(0.0, 1.0)),
        disk: full.reduce(f64::max),
    }
}

/// The ladder's verdict.
pub fn verdict(host: &Host) -> Option<&'static str> {
    let (_, raw) = cells(host).find(|(column, _)| column.name == sample::REACH_VERDICT)?;
    reach::Verdict::from_code(raw?).map(reach::Verdict::as_str)
}

/// How long a host has been up, as it said.
pub fn uptime_s(host: &Host) -> Option<f64> {
    value(host, sample::UPTIME)
}

/// The latest samples of a host, with the rates of its running totals.
pub fn values(host: &Host) -> Vec<CurrentValue> {
    let same = host.previous.as_ref().filter(|previous| {
        host.catalogue.as_ref().is_some_and(|catalogue| catalogue.id == previous.catalogue)
    });
    let view = |(place, (column, raw)): (usize, (&Column, Option<i64>))| {
        let before = same.and_then(|previous| Some((previous.at_ms, previous.values.get(place).copied()??)));
        let rate = raw.zip(before).and_then(|(raw, before)| rate(column, (host.at_ms, raw), before));
        CurrentValue {
            name: column.name.clone(),
            attributes: column.attributes.clone(),
            unit: column.unit.clone(),
            kind: match column.kind {
                Kind::Gauge => ValueKind::Gauge,
                Kind::Counter => ValueKind::Counter,
            },
            value: raw.map(|raw| column.unscale(raw)),
            rate,
        }
    };
    cells(host).enumerate().map(view).collect()
}

/// Rise per second; none for levels, and where the total has started anew.
fn rate(column: &Column, now: (i64, i64), before: (i64, i64)) -> Option<f64> {
    let seconds = now.0.saturating_sub(before.0) as f64 / 1_000.0;
    let is_rise = column.kind == Kind::Counter && now.1 >= before.1 && seconds > 0.0;
    is_rise.then(|| (column.unscale(now.1) - column.unscale(before.1)) / seconds)
}

/// The latest climb of the ladder.
pub fn reachability(host: &Host) -> Option<Reachability> {
    let verdict = verdict(host)?.to_owned();
    let mut rungs: BTreeMap<(i64, &str, &str), Rung> = BTreeMap::new();
    for (column, raw) in cells(host) {
        let Some(raw) = raw else { continue };
        let Some(rung) = column.attribute(sample::RUNG) else { continue };
        let order = reach::Rung::from_word(rung).map_or(i64::MAX, reach::Rung::code);
        let method = column.attribute(sample::METHOD).unwrap_or_default();
        let target = column.attribute(sample::TARGET).unwrap_or_default();
        let entry = rungs.entry((order, method, target)).or_insert_with(|| Rung {
            rung: rung.to_owned(),
            method: method.to_owned(),
            target: target.to_owned(),
            outcome: String::new(),
            loss: None,
            rtt_s: None,
        });
        match column.name.as_str() {
            sample::REACH_OUTCOME => {
                let outcome = reach::Outcome::from_code(raw).map_or("skipped", reach::Outcome::as_str);
                outcome.clone_into(&mut entry.outcome);
            }
            sample::REACH_LOSS => entry.loss = Some(column.unscale(raw)),
            sample::REACH_RTT => entry.rtt_s = Some(column.unscale(raw)),
            _ => {}
        }
    }
    let rungs = rungs.into_values().filter(|rung| !rung.outcome.is_empty()).collect();
    Some(Reachability { verdict, at_ms: host.at_ms, rungs })
}

/// A component.
pub fn component(component: &component::Component) -> Component {
    Component {
        kind: component.kind.clone(),
        id: component.id.clone(),
        name: component.name.clone(),
        model: component.model.clone(),
        serial: component.serial.clone(),
        state: match component.state {
            component::ComponentState::Ok => ComponentState::Ok,
            component::ComponentState::Degraded => ComponentState::Degraded,
            component::ComponentState::Failed => ComponentState::Failed,
            component::ComponentState::PredictedFailure => ComponentState::PredictedFailure,
            component::ComponentState::NeedsCleaning => ComponentState::NeedsCleaning,
            component::ComponentState::Unknown => ComponentState::Unknown,
        },
        reasons: component
            .reasons
            .iter()
            .map(|said| Reason { said: said.clone(), text: texts::part::reason(said).into() })
            .collect(),
        figures: component.figures.clone(),
        figures_text: texts::part::figures(component).into(),
        since_ms: component.since_ms,
    }
}

#[cfg(test)]
mod tests;
