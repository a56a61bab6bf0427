//! Batteries worn, failed and emptied; what else is in the same folder.

use super::*;
use crate::sensor::testing::values;
use std::fs;

fn tree(supplies: &[(&str, &[(&str, &str)])]) -> (tempfile::TempDir, Paths) {
    let sys = tempfile::tempdir().unwrap();
    for (name, files) in supplies {
        let folder = sys.path().join("class/power_supply").join(name);
        fs::create_dir_all(&folder).unwrap();
        for (file, text) in *files {
            fs::write(folder.join(file), format!("{text}\n")).unwrap();
        }
    }
    let paths = Paths { sysfs: sys.path().to_owned(), ..Paths::default() };
    (sys, paths)
}

#[test]
fn a_laptops_battery_and_its_mains_are_read_and_a_mouse_is_not() {
    let (_sys, paths) = tree(&[
        ("AC", &[("type", "Mains"), ("online", "0")]),
        (
            "BAT0",
            &[
                ("type", "Battery"),
                ("present", "1"),
                ("status", "Discharging"),
                ("capacity", "81"),
                ("energy_full", "45070000"),
                ("energy_full_design", "47520000"),
                ("energy_now", "36580000"),
                ("power_now", "5002000"),
                ("cycle_count", "312"),
                ("manufacturer", "LGC"),
                ("model_name", "LNV-45N1"),
                ("serial_number", "38109"),
            ],
        ),
        ("BAT1", &[("type", "Battery"), ("present", "0")]),
        (
            "hidpp_battery_0",
            &[("type", "Battery"), ("scope", "Device"), ("capacity", "3"), ("status", "Discharging")],
        ),
        ("ucsi-source-psy-1", &[("type", "USB"), ("online", "0")]),
    ]);
    let reading = Battery.read(&paths).unwrap();
    let values = values(&reading);
    assert_eq!(values.len(), 3);
    assert_eq!(values["hw.battery.charge{hw.id=BAT0}"], Some(0.81));
    assert_eq!(values["hw.power{hw.id=BAT0}"], Some(5.002));
    assert_eq!(values["tram.mains.online{hw.id=AC}"], Some(0.0));
    let [battery] = reading.components.as_slice() else { panic!("{reading:?}") };
    assert_eq!(
        (battery.model.as_str(), battery.serial.as_str(), battery.state),
        ("LGC LNV-45N1", "38109", State::Ok)
    );
    assert_eq!((battery.figures["health_share"], battery.figures["charge_cycles"]), (0.95, 312.0));
}

#[test]
fn worn_failed_and_empty_batteries_say_so() {
    let state = |cell: Cell| {
        let component = parse(&cell).1;
        (component.state, component.reasons.join(", "))
    };
    let worn = Cell { full: Some(20.0), design: Some(47.0), ..Cell::default() };
    assert_eq!(state(worn), (State::Degraded, "holds less than half of its design charge".into()));
    let dead = Cell { health: "Dead".into(), ..Cell::default() };
    assert_eq!(state(dead).0, State::Failed);
    let empty = |status: &str| Cell { status: status.into(), charge: Some(0.03), ..Cell::default() };
    assert_eq!(state(empty("Discharging")).1, "charge critical");
    assert_eq!(state(empty("Charging")).0, State::Ok);
}

#[test]
fn capacities_that_cannot_be_of_one_battery_say_nothing() {
    for (full, design) in [(0.0, 47.0), (47.0, 0.0), (470.0, 47.0)] {
        let cell = Cell { full: Some(full), design: Some(design), ..Cell::default() };
        let component = parse(&cell).1;
        assert_eq!((component.state, component.figures.len()), (State::Ok, 0), "{full} {design}");
    }
}

#[test]
fn a_host_without_batteries_has_none() {
    let (_sys, paths) = tree(&[]);
    assert!(matches!(Battery.read(&paths), Err(NoData::Absent)));
}
