//! Hold times, hysteresis, means, gaps, parts that leave.

use super::*;
use crate::health::Key;
use proptest::prelude::*;
use std::sync::Arc;

const MINUTE_MS: i64 = 60_000;
const ASSET: AssetId = AssetId(7);
const WARNING: Observation = Observation::Raise(Severity::Warning);
const CRITICAL: Observation = Observation::Raise(Severity::Critical);

/// One asset's alerts, stepped minute by minute.
struct Desk {
    rules: RuleSet,
    alerts: Vec<Alert>,
    next: i64,
}

impl Desk {
    fn new() -> Self {
        Self { rules: RuleSet::default(), alerts: vec![], next: 1 }
    }

    fn look(&mut self, now_ms: i64, findings: &Findings) -> Vec<AlertChange> {
        let next = &mut self.next;
        let mut ids = || {
            *next += 1;
            AlertId(*next - 1)
        };
        apply(&mut self.alerts, &self.rules, findings, ASSET, now_ms, &mut ids)
    }

    /// Looks at one finding of the asset's inodes on `/`: held for 10 minutes, both ways.
    fn inodes(&mut self, minute: i64, observation: Observation) -> String {
        let mut findings = Findings::default();
        let readings = Readings::new(&[("used_share", 0.5)]);
        let part = Arc::from("/");
        findings.of_part(BuiltIn::FilesystemInodes, &part, observation, f64::NAN, readings);
        words(&self.look(minute * MINUTE_MS, &findings))
    }

    /// Looks at how busy the processors are: held for 15 minutes, clear after 5.
    fn busy(&mut self, minute: i64, share: f64) -> String {
        let mut findings = Findings::default();
        let observation = self.rules.rule(BuiltIn::CpuBusy).judge(share);
        findings.of_asset(BuiltIn::CpuBusy, observation, share, Readings::new(&[("busy_share", share)]));
        words(&self.look(minute * MINUTE_MS, &findings))
    }
}

fn words(changes: &[AlertChange]) -> String {
    let word = |change: &AlertChange| match change {
        AlertChange::Fired(alert) => format!("fired {}", alert.severity.as_str()),
        AlertChange::Updated(alert) => format!("updated {}", alert.severity.as_str()),
        AlertChange::Resolved(_) => "resolved".to_owned(),
    };
    changes.iter().map(word).collect::<Vec<_>>().join(", ")
}

#[test]
fn an_alert_fires_once_after_the_hold_and_resolves_after_the_clear_hold() {
    let mut desk = Desk::new();
    assert_eq!(desk.inodes(0, WARNING), "");
    assert_eq!(desk.alerts[0].state, AlertState::Pending);
    assert_eq!(desk.alerts[0].id, None);
    assert_eq!(desk.inodes(9, WARNING), "");
    assert_eq!(desk.inodes(10, WARNING), "fired warning");
    assert_eq!((desk.alerts[0].since_ms, desk.alerts[0].fired_ms), (0, Some(10 * MINUTE_MS)));
    assert_eq!(desk.inodes(11, WARNING), "");
    assert_eq!(desk.inodes(12, Observation::Clear), "");
    assert_eq!(desk.inodes(21, Observation::Clear), "");
    assert_eq!(desk.inodes(22, Observation::Clear), "resolved");
    assert!(desk.alerts.is_empty());
}

#[test]
fn what_stops_before_the_hold_is_forgotten_without_a_word() {
    for stop in [Observation::Clear, Observation::Between, Observation::Gone] {
        let mut desk = Desk::new();
        desk.inodes(0, WARNING);
        assert_eq!(desk.inodes(5, stop), "");
        assert!(desk.alerts.is_empty(), "{stop:?}");
    }
}

#[test]
fn clearing_must_not_be_interrupted() {
    let mut desk = Desk::new();
    desk.inodes(0, WARNING);
    desk.inodes(10, WARNING);
    desk.inodes(11, Observation::Clear);
    desk.inodes(20, Observation::Between);
    assert_eq!(desk.inodes(22, Observation::Clear), "");
    assert_eq!(desk.inodes(32, Observation::Clear), "resolved");
}

#[test]
fn severity_rises_after_its_own_hold_and_never_falls() {
    let mut desk = Desk::new();
    desk.inodes(0, WARNING);
    assert_eq!(desk.inodes(5, CRITICAL), "");
    // Critical for 5 minutes of the 10: fires as what it was all the time.
    assert_eq!(desk.inodes(10, CRITICAL), "fired warning");
    assert_eq!(desk.inodes(14, CRITICAL), "");
    assert_eq!(desk.inodes(15, CRITICAL), "updated critical");
    assert_eq!(desk.inodes(16, WARNING), "");
    assert_eq!(desk.alerts[0].severity, Severity::Critical);
}

#[test]
fn a_moment_of_critical_does_not_make_a_pending_warning_critical() {
    let mut desk = Desk::new();
    desk.inodes(0, CRITICAL);
    desk.inodes(1, WARNING);
    assert_eq!(desk.inodes(10, CRITICAL), "fired warning");
    assert_eq!(desk.inodes(11, WARNING), "");
    assert_eq!(desk.inodes(20, CRITICAL), "", "rising begins anew");
}

#[test]
fn a_resolved_alert_fires_again_under_a_new_id() {
    let mut desk = Desk::new();
    desk.rules.rule_mut(BuiltIn::FilesystemInodes).hold_ms = 0;
    desk.rules.rule_mut(BuiltIn::FilesystemInodes).clear_hold_ms = 0;
    desk.inodes(0, WARNING);
    let first = desk.alerts[0].id;
    assert_eq!(desk.inodes(1, Observation::Clear), "resolved");
    assert_eq!(desk.inodes(2, CRITICAL), "fired critical");
    assert!(desk.alerts[0].id > first && first.is_some());
}

#[test]
fn after_a_long_gap_the_hold_begins_anew() {
    let mut desk = Desk::new();
    desk.inodes(0, WARNING);
    assert_eq!(desk.inodes(600, WARNING), "", "ten hours of nothing prove nothing");
    assert_eq!(desk.alerts[0].since_ms, 600 * MINUTE_MS);
    assert_eq!(desk.inodes(610, WARNING), "fired warning");
    desk.inodes(611, Observation::Clear);
    assert_eq!(desk.inodes(1_200, Observation::Clear), "", "nor that it has stayed clear");
    assert_eq!(desk.inodes(1_210, Observation::Clear), "resolved");
}

#[test]
fn a_slow_reporter_still_fires() {
    let mut desk = Desk::new();
    desk.inodes(0, WARNING);
    // Reports every 30 minutes are further apart than the hold of 10.
    assert_eq!(desk.inodes(30, WARNING), "fired warning");
}

#[test]
fn an_averaged_rule_outlives_a_dip_and_ignores_a_spike() {
    let mut desk = Desk::new();
    let shares = [0.97, 0.99, 0.80, 0.98, 0.97, 0.99, 0.96, 0.98, 0.99, 0.97, 0.85, 0.98, 0.99, 0.98, 0.97];
    for (minute, share) in (0_i64..).zip(shares) {
        assert_eq!(desk.busy(minute, share), "", "{minute}");
    }
    assert_eq!(desk.busy(15, 0.97), "fired warning");
    let mean = desk.alerts[0].figures[MEAN];
    assert!((0.95..0.97).contains(&mean), "{mean}");

    let mut desk = Desk::new();
    desk.busy(0, 1.0);
    desk.busy(1, 0.2);
    assert!(desk.alerts.is_empty(), "a spike");
}

#[test]
fn an_averaged_rule_clears_by_its_mean_too() {
    let mut desk = Desk::new();
    desk.busy(0, 0.99);
    assert_eq!(desk.busy(15, 0.99), "fired warning");
    assert_eq!(desk.busy(16, 0.30), "");
    assert_eq!(desk.busy(18, 0.95), "", "one burst in a calm stretch");
    assert_eq!(desk.busy(20, 0.10), "");
    assert_eq!(desk.busy(21, 0.10), "resolved");
}

fn mounts(parts: &[&str], observation: Observation, swept: bool) -> Findings {
    let mut findings = Findings::default();
    for part in parts {
        let part: Arc<str> = Arc::from(*part);
        findings.of_part(BuiltIn::FilesystemInodes, &part, observation, f64::NAN, Readings::default());
    }
    if swept {
        findings.sweep(BuiltIn::FilesystemInodes);
    }
    findings
}

#[test]
fn a_part_that_vanished_resolves_only_by_the_word_of_its_sensor() {
    let mut desk = Desk::new();
    desk.rules.rule_mut(BuiltIn::FilesystemInodes).hold_ms = 0;
    assert_eq!(words(&desk.look(0, &mounts(&["/mnt/usb"], WARNING, true))), "fired warning");
    // The sensor failed: nothing is known.
    assert_eq!(words(&desk.look(60 * MINUTE_MS, &mounts(&["/"], Observation::Clear, false))), "");
    // It was read, and the mount is not there: resolved after a while.
    assert_eq!(words(&desk.look(61 * MINUTE_MS, &mounts(&["/"], Observation::Clear, true))), "");
    let changes = desk.look(71 * MINUTE_MS, &mounts(&["/"], Observation::Clear, true));
    assert_eq!(words(&changes), "resolved");
    assert_eq!(changes[0].alert().figures[GONE], 1.0);
}

#[test]
fn a_part_that_comes_back_at_once_has_not_left() {
    let mut desk = Desk::new();
    desk.rules.rule_mut(BuiltIn::FilesystemInodes).hold_ms = 0;
    desk.look(0, &mounts(&["/mnt/usb"], WARNING, true));
    desk.look(MINUTE_MS, &mounts(&[], WARNING, true));
    desk.look(2 * MINUTE_MS, &mounts(&["/mnt/usb"], WARNING, true));
    assert_eq!(words(&desk.look(12 * MINUTE_MS, &mounts(&[], WARNING, true))), "");
    assert_eq!(desk.alerts.len(), 1);
}

#[test]
fn alerts_of_a_rule_that_was_switched_off_resolve_and_say_so() {
    let mut desk = Desk::new();
    desk.rules.rule_mut(BuiltIn::FilesystemInodes).hold_ms = 0;
    desk.look(0, &mounts(&["/"], WARNING, true));
    desk.rules.rule_mut(BuiltIn::FilesystemInodes).enabled = false;
    let changes = desk.look(1, &Findings::default());
    assert_eq!(words(&changes), "resolved");
    assert_eq!(changes[0].alert().figures[DISABLED], 1.0);
    assert!(desk.alerts.is_empty());
}

#[test]
fn parts_have_alerts_of_their_own() {
    let mut desk = Desk::new();
    desk.rules.rule_mut(BuiltIn::FilesystemInodes).hold_ms = 0;
    assert_eq!(words(&desk.look(0, &mounts(&["/", "/srv"], WARNING, true))), "fired warning, fired warning");
    assert_ne!(desk.alerts[0].id, desk.alerts[1].id);
}

fn observation() -> impl Strategy<Value = Observation> {
    prop_oneof![
        Just(Observation::Raise(Severity::Info)),
        Just(WARNING),
        Just(CRITICAL),
        Just(Observation::Clear),
        Just(Observation::Between),
        Just(Observation::Unknown),
        Just(Observation::Gone),
    ]
}

fn finding(rule: BuiltIn, observation: Observation, value: f64) -> Finding {
    Finding { rule, part: Arc::from("/"), observation, value, readings: Readings::default(), hold_ms: None }
}

/// Findings of one rule with the seconds that pass before each.
fn story() -> impl Strategy<Value = Vec<(i64, Observation, f64)>> {
    prop::collection::vec((0..1_200_i64, observation(), 0.0..1.0_f64), 1..80)
}

proptest! {
    #[test]
    fn within_the_band_nothing_ever_changes(share in prop::collection::vec(0.8001..0.8999_f64, 1..60)) {
        let rules = RuleSet::default();
        let rule = rules.rule(BuiltIn::FilesystemInodes);
        // Neither fires what is quiet, nor resolves what fires.
        let mut quiet = Desk::new();
        let mut loud = Desk::new();
        loud.inodes(0, WARNING);
        loud.inodes(10, WARNING);
        for (minute, share) in (11_i64..).zip(share) {
            prop_assert_eq!(rule.judge(share), Observation::Between);
            prop_assert_eq!(quiet.inodes(minute, rule.judge(share)), "");
            prop_assert_eq!(loud.inodes(minute, rule.judge(share)), "");
        }
        prop_assert!(quiet.alerts.is_empty());
        prop_assert_eq!(loud.alerts[0].state, AlertState::Firing);
    }

    #[test]
    fn unknown_changes_nothing(story in story(), rule in prop::sample::select(BuiltIn::ALL)) {
        let mut desk = Desk::new();
        let mut now_ms = 0;
        for (seconds, observation, value) in story {
            now_ms += seconds * 1_000;
            let before = desk.alerts.clone();
            let mut unknown = Findings::default();
            let part = Arc::from("/");
            unknown.of_part(rule, &part, Observation::Unknown, f64::NAN, Readings::default());
            prop_assert_eq!(desk.look(now_ms, &unknown).len(), 0);
            prop_assert_eq!(&before, &desk.alerts);
            let mut findings = Findings::default();
            findings.of_part(rule, &part, observation, value, Readings::default());
            desk.look(now_ms, &findings);
        }
    }

    #[test]
    fn a_step_is_total_and_the_same_each_time(
        story in story(),
        rule in prop::sample::select(BuiltIn::ALL),
        enabled in any::<bool>(),
        jump_ms in any::<i64>().prop_map(|jump| jump / 4),
    ) {
        let mut desk = Desk::new();
        let mut now_ms = 0;
        for (seconds, observation, value) in story {
            now_ms += seconds * 1_000;
            let finding = finding(rule, observation, value);
            desk.rules.rule_mut(rule).enabled = enabled;
            for at_ms in [now_ms, jump_ms] {
                let first = step(&desk.rules, desk.alerts.first(), &finding, at_ms);
                prop_assert_eq!(first, step(&desk.rules, desk.alerts.first(), &finding, at_ms));
            }
            desk.rules.rule_mut(rule).enabled = true;
            let mut findings = Findings::default();
            findings.list.push(finding);
            desk.look(now_ms, &findings);
        }
    }

    #[test]
    fn hold_and_clear_hold_are_kept_at_any_interval(story in story()) {
        let mut desk = Desk::new();
        let rule = desk.rules.rule(BuiltIn::FilesystemInodes).clone();
        let (mut now_ms, mut raised_since_ms, mut clear_since_ms) = (0, None, None);
        for (seconds, observation, _) in story {
            now_ms += seconds * 1_000;
            match observation {
                Observation::Raise(_) => {
                    raised_since_ms = raised_since_ms.or(Some(now_ms));
                    clear_since_ms = None;
                }
                Observation::Clear | Observation::Gone => {
                    clear_since_ms = clear_since_ms.or(Some(now_ms));
                    raised_since_ms = None;
                }
                Observation::Between => (raised_since_ms, clear_since_ms) = (None, None),
                Observation::Unknown => {}
            }
            let mut findings = Findings::default();
            findings.list.push(finding(BuiltIn::FilesystemInodes, observation, f64::NAN));
            for change in desk.look(now_ms, &findings) {
                match change {
                    AlertChange::Fired(_) => {
                        prop_assert!(raised_since_ms.is_some_and(|since| now_ms - since >= rule.hold_ms));
                    }
                    AlertChange::Resolved(_) => {
                        prop_assert!(clear_since_ms.is_some_and(|since| now_ms - since >= rule.clear_hold_ms));
                    }
                    AlertChange::Updated(_) => {}
                }
            }
        }
    }

    #[test]
    fn an_alert_is_fired_and_resolved_by_turns_and_ids_are_never_used_twice(
        story in story(),
        rule in prop::sample::select(BuiltIn::ALL),
    ) {
        let mut desk = Desk::new();
        let (mut now_ms, mut open, mut used) = (0, None, vec![]);
        for (seconds, observation, value) in story {
            now_ms += seconds * 1_000;
            let mut findings = Findings::default();
            findings.list.push(finding(rule, observation, value));
            for change in desk.look(now_ms, &findings) {
                let id = change.alert().id;
                prop_assert!(id.is_some());
                match change {
                    AlertChange::Fired(_) => {
                        prop_assert!(open.is_none() && !used.contains(&id));
                        used.push(id);
                        open = id;
                    }
                    AlertChange::Updated(_) => prop_assert_eq!(open, id),
                    AlertChange::Resolved(alert) => {
                        prop_assert_eq!(open, id);
                        prop_assert_eq!(alert.resolved_ms, Some(now_ms));
                        open = None;
                    }
                }
            }
            prop_assert!(desk.alerts.len() <= 1);
        }
    }
}

#[test]
fn the_gap_is_longer_for_rules_with_a_longer_hold() {
    let mut desk = Desk::new();
    desk.rules.rule_mut(BuiltIn::FilesystemInodes).hold_ms = 10 * GAP_MAX_MS;
    assert!(desk.rules.rule(BuiltIn::FilesystemInodes).level(Key::Raise) > 0.0);
    desk.inodes(0, WARNING);
    desk.inodes(300, WARNING);
    assert_eq!(desk.inodes(600, WARNING), "fired warning");
}
