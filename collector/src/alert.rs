//! From findings to alerts: pending, firing, resolved.
//!
//! Owns hold times, hysteresis and the mean of averaged rules. [`step`] is pure and total: the same alert, finding and
//! time give the same transition. Must not know what rules read, nor who is told.

use crate::health::{BuiltIn, Finding, Findings, Observation, Readings, Rule, RuleSet};
use crate::model::alert::{Alert, AlertId, AlertState, Figures, Severity, Watch};
use crate::model::asset::AssetId;

pub mod part;
#[cfg(test)]
mod tests;

/// After this long without a known value (or the hold time, if longer) what held before counts no more.
const GAP_MAX_MS: i64 = 3_600_000;

/// A part must be gone for this long (or the clear hold, if longer): a disk that comes back at once has not left.
const GONE_HOLD_MS: i64 = 600_000;

/// Figure set to 1 on an alert that was resolved because its part is gone.
pub const GONE: &str = "gone";

/// Figure set to 1 on an alert that was resolved because its rule was switched off or no longer exists.
pub const DISABLED: &str = "disabled";

/// Figure of averaged rules: the mean over the hold time.
pub const MEAN: &str = "mean_share";

/// What a finding does to an alert.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Transition {
    /// Nothing.
    None,
    /// The condition begins to hold now, at this severity: a pending alert.
    Pend(Severity, Watch),
    /// It fires, at this severity.
    Fire(Severity, Watch),
    /// It stays as it is, pending or firing; what it waits for moves on.
    Keep(Watch),
    /// It stays in its state, at another severity: milder while pending, worse while firing.
    Update(Severity, Watch),
    /// It has reached the clear level, for less than the clear hold.
    Clearing(Watch),
    /// It is resolved.
    Resolve,
    /// It was pending, and the condition no longer holds.
    Forget,
}

/// A change that is worth a row.
#[derive(Debug, Clone, PartialEq)]
pub enum AlertChange {
    /// It fires; it has an id from now on.
    Fired(Alert),
    /// It is worse than before.
    Updated(Alert),
    /// It is resolved.
    Resolved(Alert),
}

impl AlertChange {
    /// The alert as it is after the change.
    pub const fn alert(&self) -> &Alert {
        match self {
            Self::Fired(alert) | Self::Updated(alert) | Self::Resolved(alert) => alert,
        }
    }

    pub(crate) const fn alert_mut(&mut self) -> &mut Alert {
        match self {
            Self::Fired(alert) | Self::Updated(alert) | Self::Resolved(alert) => alert,
        }
    }
}

/// What `finding` does to `current`, the alert of the same rule and part, if there is one.
pub fn step(rules: &RuleSet, current: Option<&Alert>, finding: &Finding, now_ms: i64) -> Transition {
    let rule = rules.rule(finding.rule);
    let Some(alert) = current else { return begin(rule, finding, now_ms) };
    match (alert.state, rule.enabled) {
        (AlertState::Resolved, _) => begin(rule, finding, now_ms),
        (AlertState::Pending, false) => Transition::Forget,
        (AlertState::Firing, false) => Transition::Resolve,
        (_, true) if finding.observation == Observation::Unknown => Transition::None,
        (AlertState::Pending, true) => pending(rule, alert, finding, now_ms),
        (AlertState::Firing, true) => firing(rule, alert, finding, now_ms),
    }
}

fn begin(rule: &Rule, finding: &Finding, now_ms: i64) -> Transition {
    let Observation::Raise(severity) = finding.observation else { return Transition::None };
    let mean = if finding.rule.is_averaged() { finding.value } else { 0.0 };
    let watch = Watch { seen_ms: now_ms, mean, ..Watch::default() };
    if !rule.enabled {
        Transition::None
    } else if hold_ms(rule, finding) <= 0 {
        Transition::Fire(severity, watch)
    } else {
        Transition::Pend(severity, watch)
    }
}

/// How long a finding must hold.
fn hold_ms(rule: &Rule, finding: &Finding) -> i64 {
    finding.hold_ms.unwrap_or(rule.hold_ms)
}

fn pending(rule: &Rule, alert: &Alert, finding: &Finding, now_ms: i64) -> Transition {
    let hold_ms = hold_ms(rule, finding);
    if is_forgotten(&alert.watch, hold_ms, now_ms) {
        let begun = begin(rule, finding, now_ms);
        return if begun == Transition::None { Transition::Forget } else { begun };
    }
    let mut watch = averaged(rule, alert.watch, finding, now_ms);
    let means = rule.built_in.is_averaged() && finding.observation != Observation::Gone;
    let observation = if means { rule.judge(watch.mean) } else { finding.observation };
    let Observation::Raise(severity) = observation else { return Transition::Forget };
    // The hold time is for each level: what has been critical for a moment fires as what it was all the time.
    let lasting = alert.severity.min(severity);
    watch.rising_since_ms = (severity > lasting).then(|| watch.rising_since_ms.unwrap_or(now_ms));
    if now_ms - alert.since_ms >= hold_ms {
        Transition::Fire(lasting, watch)
    } else if lasting < alert.severity {
        // A milder level than before holds: that one has held since the beginning.
        Transition::Update(lasting, watch)
    } else {
        Transition::Keep(watch)
    }
}

fn firing(rule: &Rule, alert: &Alert, finding: &Finding, now_ms: i64) -> Transition {
    let mut watch = alert.watch;
    if is_forgotten(&watch, rule.hold_ms.max(rule.clear_hold_ms), now_ms) {
        (watch.clearing_since_ms, watch.rising_since_ms) = (None, None);
    }
    let mut observation = finding.observation;
    if rule.built_in.is_averaged() && watch.clearing_since_ms.is_some() && observation != Observation::Gone {
        watch = averaged(rule, watch, finding, now_ms);
        observation = rule.judge(watch.mean);
    }
    let seen = Watch { seen_ms: now_ms, clearing_since_ms: None, rising_since_ms: None, ..watch };
    match observation {
        Observation::Raise(severity) if severity > alert.severity => {
            let since_ms = watch.rising_since_ms.unwrap_or(now_ms);
            if now_ms - since_ms >= hold_ms(rule, finding) {
                Transition::Update(severity, seen)
            } else {
                Transition::Keep(Watch { rising_since_ms: Some(since_ms), ..seen })
            }
        }
        Observation::Raise(_) | Observation::Between | Observation::Unknown => Transition::Keep(seen),
        Observation::Clear => clearing(rule.clear_hold_ms, &watch, seen, finding.value, now_ms),
        Observation::Gone => {
            clearing(rule.clear_hold_ms.max(GONE_HOLD_MS), &watch, seen, finding.value, now_ms)
        }
    }
}

fn clearing(hold_ms: i64, before: &Watch, seen: Watch, value: f64, now_ms: i64) -> Transition {
    let since_ms = before.clearing_since_ms.unwrap_or(now_ms);
    if now_ms - since_ms >= hold_ms {
        return Transition::Resolve;
    }
    let begun = before.clearing_since_ms.is_some();
    let (mean, mean_ms) = if begun { (seen.mean, seen.mean_ms) } else { (value, 0) };
    Transition::Clearing(Watch { clearing_since_ms: Some(since_ms), mean, mean_ms, ..seen })
}

fn is_forgotten(watch: &Watch, hold_ms: i64, now_ms: i64) -> bool {
    now_ms - watch.seen_ms > hold_ms.max(GAP_MAX_MS)
}

/// Takes a value into the mean, by the time that it stands for.
fn averaged(rule: &Rule, watch: Watch, finding: &Finding, now_ms: i64) -> Watch {
    let mut watch = watch;
    let passed_ms = (now_ms - watch.seen_ms).max(0);
    watch.seen_ms = now_ms.max(watch.seen_ms);
    if !rule.built_in.is_averaged() || finding.value.is_nan() {
        return watch;
    }
    // The first value stands for as long as the second one does.
    let covered_ms = if watch.mean_ms == 0 { passed_ms.max(1) } else { watch.mean_ms };
    let total_ms = covered_ms + passed_ms;
    watch.mean = (watch.mean * covered_ms as f64 + finding.value * passed_ms as f64) / total_ms as f64;
    watch.mean_ms = total_ms;
    watch
}

/// Steps every alert of one asset by what a look at it found, and says which changes are worth a row. `alerts` keeps
/// what is pending or firing. `ids` gives the next alert id.
pub fn apply(
    alerts: &mut Vec<Alert>,
    rules: &RuleSet,
    findings: &Findings,
    asset: AssetId,
    now_ms: i64,
    ids: &mut dyn FnMut() -> AlertId,
) -> Vec<AlertChange> {
    let mut changes = vec![];
    if !alerts.is_empty() {
        leave(alerts, rules, findings, now_ms, &mut changes);
    }
    for finding in &findings.list {
        let place = alerts.iter().position(|alert| is_of(alert, finding));
        if place.is_none() && !matches!(finding.observation, Observation::Raise(_)) {
            continue;
        }
        let transition = step(rules, place.map(|place| &alerts[place]), finding, now_ms);
        change(alerts, place, finding, transition, asset, now_ms, ids, &mut changes);
    }
    changes
}

fn is_of(alert: &Alert, finding: &Finding) -> bool {
    alert.rule == finding.rule.id() && alert.part == finding.part
}

/// Alerts that no finding is about any more: their rule is off, or their part is gone.
fn leave(
    alerts: &mut Vec<Alert>,
    rules: &RuleSet,
    findings: &Findings,
    now_ms: i64,
    changes: &mut Vec<AlertChange>,
) {
    alerts.retain_mut(|alert| {
        let (transition, why) = match BuiltIn::from_id(alert.rule).filter(|rule| rules.rule(*rule).enabled) {
            None => (Transition::Resolve, DISABLED),
            Some(rule) => {
                let there = findings.list.iter().any(|finding| is_of(alert, finding));
                if there || !findings.is_swept(rule) {
                    return true;
                }
                let (part, readings) = (alert.part.clone(), Readings::new(&[(GONE, 1.0)]));
                let gone = Finding {
                    rule,
                    part,
                    observation: Observation::Gone,
                    value: f64::NAN,
                    readings,
                    hold_ms: None,
                };
                (step(rules, Some(alert), &gone, now_ms), GONE)
            }
        };
        match transition {
            Transition::Keep(watch) | Transition::Clearing(watch) => alert.watch = watch,
            Transition::Resolve | Transition::Forget => {
                if alert.state == AlertState::Firing {
                    alert.figures.insert(why.to_owned(), 1.0);
                    changes.push(resolved(alert, now_ms));
                }
                return false;
            }
            Transition::None | Transition::Pend(..) | Transition::Fire(..) | Transition::Update(..) => {}
        }
        true
    });
}

fn resolved(alert: &Alert, now_ms: i64) -> AlertChange {
    AlertChange::Resolved(Alert { state: AlertState::Resolved, resolved_ms: Some(now_ms), ..alert.clone() })
}

#[expect(clippy::too_many_arguments, reason = "one transition of one alert needs all of its surroundings")]
fn change(
    alerts: &mut Vec<Alert>,
    place: Option<usize>,
    finding: &Finding,
    transition: Transition,
    asset: AssetId,
    now_ms: i64,
    ids: &mut dyn FnMut() -> AlertId,
    changes: &mut Vec<AlertChange>,
) {
    match transition {
        Transition::None => {}
        Transition::Forget => {
            if let Some(place) = place {
                alerts.swap_remove(place);
            }
        }
        Transition::Resolve => {
            if let Some(place) = place {
                let mut alert = alerts.swap_remove(place);
                finding.readings.write(&mut alert.figures);
                changes.push(resolved(&alert, now_ms));
            }
        }
        Transition::Pend(severity, watch) | Transition::Fire(severity, watch) => {
            let place = place.unwrap_or_else(|| {
                alerts.push(new(asset, finding, severity, now_ms));
                alerts.len() - 1
            });
            let alert = &mut alerts[place];
            (alert.severity, alert.watch) = (severity, watch);
            take_figures(alert, finding);
            if matches!(transition, Transition::Fire(..)) {
                (alert.state, alert.fired_ms, alert.id) = (AlertState::Firing, Some(now_ms), Some(ids()));
                changes.push(AlertChange::Fired(alert.clone()));
            } else {
                alert.since_ms = now_ms;
            }
        }
        Transition::Keep(watch) | Transition::Clearing(watch) => {
            if let Some(alert) = place.and_then(|place| alerts.get_mut(place)) {
                alert.watch = watch;
                take_figures(alert, finding);
            }
        }
        Transition::Update(severity, watch) => {
            if let Some(alert) = place.and_then(|place| alerts.get_mut(place)) {
                (alert.severity, alert.watch) = (severity, watch);
                take_figures(alert, finding);
                if alert.state == AlertState::Firing {
                    changes.push(AlertChange::Updated(alert.clone()));
                }
            }
        }
    }
}

fn take_figures(alert: &mut Alert, finding: &Finding) {
    finding.readings.write(&mut alert.figures);
    if finding.rule.is_averaged() && alert.state == AlertState::Pending {
        Readings::new(&[(MEAN, alert.watch.mean)]).write(&mut alert.figures);
    }
}

fn new(asset: AssetId, finding: &Finding, severity: Severity, now_ms: i64) -> Alert {
    Alert {
        id: None,
        rule: finding.rule.id(),
        asset,
        part: finding.part.clone(),
        severity,
        state: AlertState::Pending,
        since_ms: now_ms,
        fired_ms: None,
        resolved_ms: None,
        acknowledged: None,
        figures: Figures::new(),
        component: None,
        work_order: None,
        watch: Watch { seen_ms: now_ms, ..Watch::default() },
    }
}
