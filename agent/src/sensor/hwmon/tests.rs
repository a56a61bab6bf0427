//! Verdicts over fans, voltages and temperatures, and recordings of `sensors`.

use super::*;
use crate::sensor::testing::{recorded_files, values};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

fn chip(name: &str, quantity: Quantity, label: Option<&str>, numbers: &[(&str, f64)]) -> Chip {
    let numbers = numbers.iter().map(|(name, number)| ((*name).to_owned(), *number)).collect();
    let input = Input { id: format!("{name}/x1"), quantity, label: label.map(str::to_owned), numbers };
    Chip { seat: name.into(), name: name.into(), inputs: vec![input] }
}

fn state(chip: Chip) -> Option<(State, Vec<String>)> {
    let reading = parse(&Printed { chips: vec![chip], battery: None });
    let component = reading.components.into_iter().next()?;
    Some((component.state, component.reasons))
}

fn verdict(name: &str, quantity: Quantity, label: Option<&str>, numbers: &[(&str, f64)]) -> Option<State> {
    state(chip(name, quantity, label, numbers)).map(|(state, _)| state)
}

#[test]
fn a_fan_fails_by_its_own_word_or_below_a_real_minimum_and_idles_otherwise() {
    let fan = |numbers: &[(&str, f64)]| verdict("nct6798", Quantity::Fan, None, numbers);
    assert_eq!(fan(&[("input", 1278.0), ("min", 0.0), ("alarm", 0.0)]), Some(State::Ok));
    assert_eq!(fan(&[("input", 0.0), ("min", 0.0), ("alarm", 1.0)]), Some(State::Ok));
    assert_eq!(fan(&[("input", 0.0)]), Some(State::Ok));
    assert_eq!(fan(&[("input", 0.0), ("min", 600.0), ("pwm", 0.0)]), Some(State::Ok));
    assert_eq!(fan(&[("input", 900.0), ("min", 1_350_000.0), ("alarm", 1.0)]), Some(State::Ok));
    let stopped = [("input", 0.0), ("min", 600.0), ("pwm", 128.0), ("alarm", 1.0)];
    // Without a name it may be a header that nothing is plugged into.
    assert_eq!(fan(&stopped), Some(State::Ok));
    assert_eq!(verdict("nct6798", Quantity::Fan, Some("CPU fan"), &stopped), Some(State::Failed));
    assert_eq!(verdict("max31785", Quantity::Fan, None, &stopped), Some(State::Failed));
    assert_eq!(fan(&[("input", 400.0), ("min", 600.0)]), Some(State::Degraded));
    assert_eq!(fan(&[("input", 1_998.0), ("min", 2_000.0)]), Some(State::Ok));
    assert_eq!(fan(&[("input", 0.0), ("fault", 1.0)]), Some(State::Failed));
    assert_eq!(fan(&[("input", 3_000.0), ("alarm", 1.0)]), Some(State::Degraded));
}

#[test]
fn a_voltage_is_judged_between_limits_that_leave_room() {
    let rail = |numbers: &[(&str, f64)]| verdict("lm25066", Quantity::Voltage, None, numbers);
    assert_eq!(rail(&[("input", 12.1), ("min", 10.8), ("max", 13.2)]), Some(State::Ok));
    assert_eq!(rail(&[("input", 10.5), ("min", 10.8), ("max", 13.2)]), Some(State::Degraded));
    assert_eq!(rail(&[("input", 10.5), ("min", 10.8), ("lcrit", 10.6)]), Some(State::Failed));
    assert_eq!(rail(&[("input", -12.1), ("min", -13.2), ("max", -10.8)]), Some(State::Ok));
    for meaningless in [[("min", 0.0), ("max", 0.0)], [("min", 4.0), ("max", 2.0)]] {
        let numbers = [("input", 3.4), ("alarm", 1.0), meaningless[0], meaningless[1]];
        assert_eq!(rail(&numbers), None, "{meaningless:?}");
    }
}

#[test]
fn a_boards_unnamed_inputs_are_guesses_and_named_ones_count() {
    let volts = [("input", 0.26), ("min", 1.9), ("max", 2.2), ("alarm", 1.0)];
    assert_eq!(verdict("w83627ehf", Quantity::Voltage, None, &volts), None);
    let rail = |volts| [("input", volts), ("min", 10.8), ("max", 13.2)];
    assert_eq!(verdict("w83627ehf", Quantity::Voltage, Some("+12V"), &rail(10.4)), Some(State::Degraded));
    assert_eq!(verdict("w83627ehf", Quantity::Voltage, Some("+12V"), &rail(0.98)), None);
    let heat = [("input", 115.0), ("max", 80.0), ("crit", 100.0), ("alarm", 1.0)];
    for guess in [None, Some("AUXTIN1"), Some("SYSTIN"), Some("PCH_CPU_TEMP")] {
        assert_eq!(verdict("nct6798", Quantity::Temperature, guess, &heat), None, "{guess:?}");
    }
    assert_eq!(verdict("nct6798", Quantity::Temperature, Some("PECI Agent 0"), &heat), Some(State::Failed));
    assert_eq!(verdict("nct6798", Quantity::Temperature, Some("System Temp"), &heat), Some(State::Failed));
}

#[test]
fn limits_that_nobody_chose_are_none() {
    let warm = [("input", 72.0), ("max", 70.0), ("crit", 90.0)];
    assert_eq!(verdict("k10temp", Quantity::Temperature, Some("Tctl"), &warm), Some(State::Ok));
    assert_eq!(verdict("coretemp", Quantity::Temperature, Some("Core 0"), &warm), Some(State::Degraded));
    let hot = [("input", 91.0), ("max", 55.0), ("crit", 85.0)];
    assert_eq!(verdict("spd5118", Quantity::Temperature, None, &hot), Some(State::Failed));
    let core = [("input", 2.03), ("min", 0.0), ("max", 1.74), ("alarm", 1.0)];
    assert_eq!(verdict("nct6779", Quantity::Voltage, Some("Vcore"), &core), None);
}

#[test]
fn a_temperature_in_fault_is_unknown_and_without_limits_no_part() {
    assert_eq!(verdict("tmp401", Quantity::Temperature, None, &[("input", 40.0)]), None);
    let broken = [("input", 40.0), ("max", 80.0), ("fault", 1.0)];
    assert_eq!(verdict("tmp401", Quantity::Temperature, None, &broken), Some(State::Unknown));
    assert_eq!(verdict("it8728", Quantity::Temperature, Some("CPU"), &broken), None);
    let hot = [("input", 85.0), ("max", 80.0), ("crit", 100.0), ("crit_alarm", 0.0)];
    let reasons = vec!["temperature above its high limit".to_owned()];
    assert_eq!(state(chip("coretemp", Quantity::Temperature, None, &hot)), Some((State::Degraded, reasons)));
}

#[test]
fn a_power_supplys_chip_is_one_part_with_all_its_complaints() {
    let mut supply = chip("ibm-cffps2", Quantity::Fan, None, &[("input", 0.0), ("fault", 1.0)]);
    supply
        .inputs
        .extend(chip("x", Quantity::Voltage, Some("vin"), &[("input", 0.0), ("min_alarm", 1.0)]).inputs);
    supply.inputs.extend(chip("y", Quantity::Power, None, &[("input", 230.0)]).inputs);
    let reading = parse(&Printed { chips: vec![supply], battery: None });
    let [component] = reading.components.as_slice() else { panic!("{reading:?}") };
    assert_eq!((component.kind.as_str(), component.state), ("power_supply", State::Failed));
    assert_eq!(component.reasons, ["fan fault", "alarm"]);
    let values = values(&reading);
    assert_eq!(values["hw.power{hw.id=y/x1,hw.name=ibm-cffps2}"], Some(230.0));
    assert_eq!(values["hw.fan.speed{hw.id=ibm-cffps2/x1,hw.name=ibm-cffps2}"], None);
}

#[test]
fn files_of_every_quantity_are_read_in_base_units() {
    let sys = tempfile::tempdir().unwrap();
    let folder = sys.path().join("class/hwmon/hwmon0");
    fs::create_dir_all(&folder).unwrap();
    for (file, text) in [
        ("name", "corsairpsu"),
        ("in0_input", "229500"),
        ("in1_label", "v_out +12v"),
        ("in1_input", "12031"),
        ("in1_min", "10800"),
        ("in1_max", "13200"),
        ("curr1_input", "4250"),
        ("power1_average", "61500000"),
        ("fan1_input", "812"),
        ("temp1_input", "38500"),
    ] {
        fs::write(folder.join(file), text).unwrap();
    }
    let paths = Paths { sysfs: sys.path().to_owned(), ..Paths::default() };
    let reading = Hwmon.read(&paths).unwrap();
    let values = values(&reading);
    for (key, expected) in [
        ("hw.voltage{hw.id=corsairpsu/in0,hw.name=corsairpsu}", 229.5),
        ("hw.voltage{hw.id=corsairpsu/in1,hw.name=v_out +12v}", 12.031),
        ("hw.voltage.limit{hw.id=corsairpsu/in1,hw.limit_type=low.degraded,hw.name=v_out +12v}", 10.8),
        ("tram.hw.current{hw.id=corsairpsu/curr1,hw.name=corsairpsu}", 4.25),
        ("hw.power{hw.id=corsairpsu/power1,hw.name=corsairpsu}", 61.5),
        ("hw.fan.speed{hw.id=corsairpsu/fan1,hw.name=corsairpsu}", 812.0),
    ] {
        assert_eq!(values[key], Some(expected), "{key}");
    }
    assert_eq!((reading.components.len(), reading.components[0].state), (1, State::Ok));
}

#[test]
fn a_program_that_was_given_is_asked_instead_of_the_kernel() {
    let folder = tempfile::tempdir().unwrap();
    let run = |commands: &str| {
        let program = crate::sensor::testing::script(folder.path(), "sensors", commands);
        Hwmon.read(&Paths { programs: [("sensors", program)].into(), ..Paths::default() })
    };
    let reading = run(r#"echo '{"x-pci-1":{"Adapter":"a","fan1":{"fan1_input":900.0}}}'"#).unwrap();
    assert_eq!(reading.components[0].name, "x");
    assert!(matches!(run("echo '{}'"), Err(NoData::Absent)));
    assert_eq!(
        run("echo 'no chips' >&2; exit 1").unwrap_err().to_string(),
        format!("cannot read {}: no chips", folder.path().join("sensors").display())
    );
}

/// What each recording of `sensors` should come to: the worst state of its parts.
#[test]
fn recordings_of_sensors_come_to_what_their_labels_say() {
    let expected: BTreeMap<&str, State> = [
        ("asrock.sj", State::Ok),
        ("battery-coolermaster-real-capture", State::Ok),
        ("battery-dell-laptop-real-capture", State::Ok),
        ("battery-discharging-3-percent", State::Degraded),
        ("battery-plugged-in-charging", State::Ok),
        ("fans-dell-laptop-real-capture", State::Ok),
        // Its label is its author's own limit; nothing in it states one.
        ("fans-fan-over-warn", State::Degraded),
        ("fans-no-fans", State::Ok),
        ("fans-two-fans-nominal", State::Ok),
        ("temperatures-coretemp-package-over-crit", State::Failed),
        ("temperatures-coretemp-package-over-warn", State::Degraded),
    ]
    .into();
    let (mut read, mut wrong) = (0, vec![]);
    for (name, path) in recorded_files("sensors") {
        let stem = Path::new(&name).file_stem().unwrap().to_string_lossy().replace("sensors-", "");
        let paths = Paths { programs: [("sensors", path)].into(), ..Paths::default() };
        let worst = match Hwmon.read(&paths) {
            Ok(reading) => reading
                .components
                .iter()
                .map(|part| part.state)
                .max_by_key(|state| crate::sensor::merge::rank(*state)),
            Err(NoData::Absent) => None,
            Err(error) => panic!("{name}: {error}"),
        };
        read += 1;
        if expected.get(stem.as_str()).is_some_and(|expected| *expected != worst.unwrap_or(State::Ok)) {
            wrong.push(stem);
        }
    }
    println!("sensors: {read} read, {} right, wrong: {wrong:?}", read - wrong.len());
    assert!(read == 0 || wrong == ["fans-fan-over-warn"], "{wrong:?}");
}
