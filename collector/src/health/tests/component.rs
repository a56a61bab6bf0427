//! The rule over parts: what each state raises, and when a part that is well makes a finding.

use super::*;
use crate::alert;
use crate::model::alert::AlertId;
use crate::model::asset::AssetId;
use crate::model::component::{Component, ComponentState};
use crate::model::missing::Missing;

fn part(kind: &str, id: &str, serial: &str, state: ComponentState) -> Component {
    Component { serial: serial.into(), state, ..Component::plain(kind, id) }
}

fn found(world: &World) -> Vec<(String, Observation)> {
    let findings = world.evaluate().list.into_iter();
    let of_rule = findings.filter(|finding| finding.rule == BuiltIn::ComponentHealth);
    of_rule.map(|finding| (finding.part.to_string(), finding.observation)).collect()
}

#[test]
fn a_part_that_is_not_well_is_named_by_its_serial_number() {
    let mut world = World::new();
    world.components = vec![
        part("physical_disk", "sda", "WD-1", ComponentState::Failed),
        part("fan", "fan1", "", ComponentState::Degraded),
        part("physical_disk", "sdb", "WD-2", ComponentState::Ok),
        part("ups", "ups", "", ComponentState::Unknown),
        part("temperature", "cpu", "", ComponentState::Failed),
    ];
    let expected = [
        ("physical_disk WD-1".to_owned(), CRITICAL),
        ("fan fan1".to_owned(), WARNING),
        ("ups ups".to_owned(), Observation::Unknown),
    ];
    assert_eq!(found(&world), expected);
}

#[test]
fn a_power_cut_is_no_fault_of_the_supply_that_bridges_it() {
    let mut world = World::new();
    world.components = vec![part("ups", "ups", "", ComponentState::Degraded)];
    world.components[0].reasons = vec!["on battery".into()];
    assert_eq!(found(&world), [("ups ups".to_owned(), Observation::Between)]);
    world.components[0].reasons.push("overloaded".into());
    assert_eq!(found(&world), [("ups ups".to_owned(), WARNING)]);
}

#[test]
fn a_part_that_was_replaced_or_recovered_ends_its_alert() {
    let mut world = World::new();
    world.components = vec![part("fan", "fan1", "", ComponentState::Failed)];
    let rules = RuleSet::default();
    let mut alerts = vec![];
    let mut ids = || AlertId(1);
    for minute in 0..2 {
        let now_ms = NOW_MS + minute * 60_000;
        alert::apply(&mut alerts, &rules, &world.evaluate(), AssetId(1), now_ms, &mut ids);
    }
    assert!(alerts[0].id.is_some(), "fires after its hold time");
    world.alerts.clone_from(&alerts);
    world.components[0].state = ComponentState::Ok;
    assert_eq!(found(&world), [("fan fan1".to_owned(), Observation::Clear)]);
    world.components.clear();
    assert!(found(&world).is_empty() && world.evaluate().is_swept(BuiltIn::ComponentHealth));
}

fn gone(id: &str, serial: &str, since_ms: i64) -> Missing {
    Missing { component: part("physical_disk", id, serial, ComponentState::Ok), since_ms }
}

#[test]
fn a_part_that_is_gone_raises_until_it_is_back_or_no_longer_waited_for() {
    let of_rule = |world: &World| -> Vec<(String, Observation)> {
        let found = world.evaluate().list.into_iter();
        let found = found.filter(|finding| finding.rule == BuiltIn::ComponentMissing);
        found.map(|finding| (finding.part.to_string(), finding.observation)).collect()
    };
    let mut world = World::new();
    assert_eq!(of_rule(&world), []);
    world.missing = vec![gone("sdb", "WD-2", NOW_MS)];
    assert_eq!(of_rule(&world), [("physical_disk WD-2".to_owned(), CRITICAL)]);

    let (rules, mut alerts, mut ids) = (RuleSet::default(), vec![], || AlertId(1));
    for minute in 0..=10 {
        let now_ms = NOW_MS + minute * 60_000;
        alert::apply(&mut alerts, &rules, &world.evaluate(), AssetId(1), now_ms, &mut ids);
        assert_eq!(alerts[0].id.is_some(), minute == 10, "fires after its hold time");
    }
    world.alerts.clone_from(&alerts);
    world.missing[0].since_ms = NOW_MS - 31 * 86_400_000;
    assert_eq!(of_rule(&world), [("physical_disk WD-2".to_owned(), Observation::Clear)]);
    world.missing.clear();
    assert_eq!(of_rule(&world), [("physical_disk WD-2".to_owned(), Observation::Clear)]);
}

#[test]
fn a_firing_alert_knows_its_part_and_says_when_that_says_something_new() {
    let mut world = World::new();
    world.components = vec![part("physical_disk", "sda", "WD-1", ComponentState::Failed)];
    world.components[0].reasons = vec!["pending sectors 8".into()];
    let (rules, mut alerts, mut ids) = (RuleSet::default(), vec![], || AlertId(1));
    let mut changes = vec![];
    for minute in 0..2 {
        let now_ms = NOW_MS + minute * 60_000;
        changes = alert::apply(&mut alerts, &rules, &world.evaluate(), AssetId(1), now_ms, &mut ids);
        alert::part::describe(&mut alerts, &world.components, &[], &mut changes);
    }
    let known =
        |change: &alert::AlertChange| change.alert().component.as_deref().map(|part| part.reasons.clone());
    assert_eq!((changes.len(), known(&changes[0])), (1, Some(vec!["pending sectors 8".to_owned()])));

    changes.clear();
    alert::part::describe(&mut alerts, &world.components, &[], &mut changes);
    assert!(changes.is_empty(), "nothing is new");
    world.components[0].reasons = vec!["pending sectors 9".into()];
    alert::part::describe(&mut alerts, &world.components, &[], &mut changes);
    assert!(matches!(changes.as_slice(), [alert::AlertChange::Updated(_)]));
    world.components[0].state = ComponentState::Ok;
    world.components[0].reasons.clear();
    alert::part::describe(&mut alerts, &world.components, &[], &mut changes);
    assert_eq!(alerts[0].component.as_ref().unwrap().reasons, ["pending sectors 9"], "why it fired stays");
}

#[test]
fn what_passes_by_itself_is_held_for_longer_than_what_does_not() {
    let held = |kind: &str, state, reasons: &[&str]| {
        let mut world = World::new();
        let mut part = part(kind, "x", "", state);
        part.reasons = reasons.iter().map(|reason| (*reason).to_owned()).collect();
        world.components = vec![part];
        let findings = world.evaluate().list;
        let found = findings.iter().find(|finding| finding.rule == BuiltIn::ComponentHealth).unwrap();
        (found.observation, found.hold_ms.map(|hold_ms| hold_ms / 60_000))
    };
    use ComponentState::{Degraded, Failed};
    assert_eq!(held("power_supply", Degraded, &["input lost"]), (WARNING, Some(15)));
    assert_eq!(held("power_supply", Degraded, &["input lost", "configuration error"]), (WARNING, None));
    assert_eq!(held("power_supply", Failed, &["failure detected"]), (CRITICAL, None));
    let rebuilds = ["degraded", "missing member", "rebuilding"];
    assert_eq!(held("logical_disk", Degraded, &rebuilds), (WARNING, Some(24 * 60)));
    assert_eq!(held("logical_disk", Degraded, &["degraded", "missing member"]), (WARNING, None));
    assert_eq!(held("logical_disk", Degraded, &["rebuilding", "failed member sdb"]), (WARNING, None));
    assert_eq!(held("fan", Degraded, &["fan below its minimum speed"]), (WARNING, Some(5)));
    assert_eq!(held("battery", Degraded, &["charge critical"]), (Observation::Between, None));
    assert_eq!(held("battery", Degraded, &["charge critical", "battery failed"]), (WARNING, None));
}
