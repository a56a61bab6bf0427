//! The rule over parts: what each state raises, and when a part that is well makes a finding.

use super::*;
use crate::alert;
use crate::model::alert::AlertId;
use crate::model::asset::AssetId;
use crate::model::component::{Component, ComponentState};

fn part(kind: &str, id: &str, serial: &str, state: ComponentState) -> Component {
    Component {
        kind: kind.into(),
        id: id.into(),
        name: String::new(),
        model: String::new(),
        serial: serial.into(),
        state,
        reasons: vec![],
        figures: BTreeMap::new(),
    }
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
