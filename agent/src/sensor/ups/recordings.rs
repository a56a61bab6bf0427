//! Every recorded supply is read as if live and held against its label; the table is in `tests/bench/README.md`.

use super::*;
use crate::sensor::testing::{named, recorded_files, values};
use std::collections::BTreeMap;

/// Labels go by `ups.status` alone. These differ on purpose, by the end of their path.
const DEPARTURES: &[&str] = &[
    // The supply's own battery test failed (`ups.test.result: Done and error`).
    "HP__R5500_XR__snmp-ups__2.6.3__01.dev",
];

fn read(path: &Path) -> Result<Reading, NoData> {
    let paths = Paths { nut: Some(path.display().to_string()), ..Paths::default() };
    Ups::new("").read(&paths)
}

/// Conditions by path: the column before the reason, which repeats the status. Makers' names may have commas.
fn labels(text: &str) -> BTreeMap<String, String> {
    let row = |line: &str| {
        let columns: Vec<&str> = line.split(',').collect();
        let reason = columns.iter().position(|column| column.contains("ups.status="))?;
        Some(((*columns.first()?).to_owned(), (*columns.get(reason.checked_sub(1)?)?).to_owned()))
    };
    text.lines().skip(1).filter_map(row).collect()
}

fn agrees(condition: &str, state: State) -> bool {
    match condition {
        "ok" => state == State::Ok,
        "warning" => matches!(state, State::Degraded | State::PredictedFailure),
        "fault" => matches!(state, State::Failed | State::PredictedFailure),
        // The source itself says that its status is wrong.
        "unknown" | "unreliable" => state == State::Unknown,
        _ => false,
    }
}

#[test]
fn every_recorded_supply_has_the_state_of_its_label() {
    let files = recorded_files("ups-nut");
    let text = |name: &str| {
        files.iter().find(|(path, _)| path == name).map(|(_, path)| std::fs::read_to_string(path).unwrap())
    };
    let Some(labelled) = text("ups-nut/LABELS.csv") else { return };
    let labels = labels(&labelled);
    let mut wrong = Vec::new();
    let mut right = BTreeMap::<&str, usize>::new();
    let dumps: Vec<_> = files.iter().filter(|(path, _)| path.ends_with(".dev")).collect();
    for (name, path) in &dumps {
        let reading = read(path).unwrap_or_else(|error| panic!("{error}"));
        let [part] = reading.components.as_slice() else {
            panic!("{name}: {} supplies", reading.components.len())
        };
        named(part);
        let condition = labels[name].as_str();
        if agrees(condition, part.state) {
            *right.entry(condition).or_default() += 1;
        } else {
            wrong.push(format!("{name}: {condition}, read as {:?} {:?}", part.state, part.reasons));
        }
    }
    eprintln!("ups-nut: {} read, right {right:?}, wrong {}:\n{}", dumps.len(), wrong.len(), wrong.join("\n"));
    assert_eq!(dumps.len(), 431);
    assert_eq!(
        right,
        BTreeMap::from([("ok", 382), ("warning", 34), ("fault", 2), ("unknown", 4), ("unreliable", 8)])
    );
    assert!(wrong.iter().all(|line| DEPARTURES.iter().any(|known| line.contains(known))), "{wrong:#?}");
}

#[test]
fn every_recorded_state_is_read() {
    let expected = [
        ("apc-smart-ups-1500.txt", State::Ok),
        ("bypass.txt", State::Degraded),
        ("calibrating.txt", State::Ok),
        ("on-battery-low.txt", State::PredictedFailure),
    ];
    for (name, path) in recorded_files("ups-nut-states") {
        let (_, state) = expected.iter().find(|(file, _)| name.ends_with(file)).unwrap();
        let reading = read(&path).unwrap();
        assert_eq!(reading.components[0].state, *state, "{name}");
        assert_eq!(is_power_failing(&reading.components), name.ends_with("on-battery-low.txt"));
    }
}

/// What a dump says of these, where it can be true and is not marked as wrong, is what the samples say.
#[test]
fn recorded_figures_are_those_of_the_samples_and_none_is_nonsense() {
    let mut compared = 0;
    for (name, path) in recorded_files("ups-nut") {
        if !name.ends_with(".dev") {
            continue;
        }
        let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
        let raw = |variable: &str| -> Option<f64> {
            let line = text.lines().find_map(|line| line.strip_prefix(&format!("{variable}:")))?;
            if line.contains("#BAD") { None } else { line.split('#').next()?.trim().parse().ok() }
        };
        let values = values(&read(&path).unwrap());
        let found = |key: &str| values[&format!("{key}{{hw.id=ups}}")];
        for (key, variable, unit, most) in [
            ("hw.battery.charge", "battery.charge", 0.01, 1.0),
            ("tram.ups.load", "ups.load", 0.01, 2.0),
            ("hw.battery.time_left", "battery.runtime", 1.0, 2_592_000.0),
        ] {
            if let Some(value) = found(key) {
                assert!((value - raw(variable).unwrap() * unit).abs() < 1e-9, "{name} {variable}");
                assert!((0.0..=most).contains(&value), "{name} {variable} {value}");
                compared += 1;
            }
        }
        for (key, value) in values.iter().filter_map(|(key, value)| Some((key, (*value)?))) {
            assert!(value.is_finite() && (0.0..=4_000_000.0).contains(&value), "{name}: {key} = {value}");
        }
    }
    assert!(compared == 0 || compared > 900, "{compared}");
    eprintln!("ups-nut: {compared} figures compared");
}
