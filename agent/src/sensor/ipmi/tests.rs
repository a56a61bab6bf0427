//! What a management controller's answers come to, whole: by questions, by stand-ins, by recordings.

use super::*;
use crate::sensor::merge::rank;
use crate::sensor::testing::{recorded_files, script, values};
use std::collections::BTreeMap;
use tram_proto::component::{Component, State};

const ELIST: &str = "\
Fan1A RPM        | 30h | ok  |  7.1 | 5880 RPM
Fan2A RPM        | 31h | ns  |  7.1 | Disabled
Inlet Temp       | 04h | ok  |  7.1 | 23 degrees C
Temp             | 0Eh | ok  |  3.1 | 45 degrees C
Temp             | 0Fh | cr  |  3.2 | 98 degrees C
Status           | 60h | ok  |  3.1 | Presence detected
PS1 Status       | 62h | ok  | 10.1 | Presence detected
PS2 Status       | 63h | ok  | 10.2 | Presence detected, Failure detected, Power Supply AC lost
PS Redundancy    | 77h | ok  |  7.1 | Redundancy Lost
CMOS Battery     | 6Dh | ok  |  7.1 | Low
Drive 0          | 40h | ok  | 26.1 | Drive Present
Drive 1          | 41h | ok  | 26.2 | Drive Present, Drive Fault
DIMM A1          | 50h | ok  | 32.1 | Presence Detected, Correctable ECC
Intrusion        | 73h | ok  |  7.1 | General Chassis intrusion
BMC              | 00h | ns  |  7.1 | Dynamic MC @ 20h";

fn said(texts: &[&str]) -> Reading {
    let mut said = Said::default();
    for text in texts {
        said.take(text);
    }
    parts::reading(&said)
}

fn part<'a>(reading: &'a Reading, kind: &str, id: &str) -> &'a Component {
    let found = reading.components.iter().find(|part| part.kind == kind && part.id == id);
    found.unwrap_or_else(|| panic!("no {kind} {id} among {:#?}", reading.components))
}

#[test]
fn what_freeipmi_calls_critical_is_and_what_people_did_is_not() {
    let row = |name: &str, state: &str, event: &str| {
        format!("1 | {name} | Chassis | {state} | N/A | N/A | '{event}'")
    };
    let table = [
        "ID | Name | Type | State | Reading | Units | Event".to_owned(),
        row("Sysboard", "Critical", "OEM Event = 0002h"),
        row("Cover", "Critical", "General Chassis Intrusion"),
        row("Port 1 Link Down", "Warning", "Slot is Disabled"),
    ];
    let reading = said(&[&table.join("\n")]);
    let [machine] = reading.components.as_slice() else { panic!("{reading:?}") };
    assert_eq!(
        (machine.state, machine.reasons.as_slice()),
        (State::Failed, &["Sysboard: critical event".to_owned()][..])
    );
}

#[test]
fn discrete_states_are_judged_and_what_is_not_there_is_no_part() {
    let reading = said(&[ELIST]);
    for (kind, id, state, reasons) in [
        ("fan", "Fan1A RPM", State::Ok, vec![]),
        ("temperature", "Temp 3.2", State::Failed, vec!["temperature above its critical limit"]),
        ("cpu", "Status", State::Ok, vec![]),
        ("power_supply", "PSU 1", State::Ok, vec![]),
        ("power_supply", "PSU 2", State::Failed, vec!["failure detected", "input lost"]),
        ("power_supply", "PS Redundancy", State::Degraded, vec!["redundancy lost"]),
        ("battery", "CMOS Battery", State::PredictedFailure, vec!["battery low"]),
        ("physical_disk", "Drive 0", State::Ok, vec![]),
        ("physical_disk", "Drive 1", State::Failed, vec!["drive fault"]),
        ("memory", "DIMM A1", State::Degraded, vec!["correctable errors"]),
    ] {
        let part = part(&reading, kind, id);
        assert_eq!(
            (part.state, part.reasons.iter().map(String::as_str).collect::<Vec<_>>()),
            (state, reasons),
            "{id}"
        );
    }
    assert!(
        !reading
            .components
            .iter()
            .any(|part| part.id.contains("Fan2A") || part.id == "BMC" || part.id == "Intrusion")
    );
    let values = values(&reading);
    assert_eq!(values["hw.fan.speed{hw.id=Fan1A RPM,hw.name=Fan1A RPM}"], Some(5_880.0));
    assert_eq!(values["hw.temperature{hw.id=Temp 3.1,hw.name=Temp}"], Some(45.0));
}

#[test]
fn thresholds_of_nought_or_upside_down_raise_nothing_and_real_ones_do() {
    let row = |name: &str, value: &str, unit: &str, status: &str, limits: &str| {
        let reading = said(&[&format!("{name} | {value} | {unit} | {status} | {limits}")]);
        let part = reading.components.into_iter().next().unwrap();
        (part.state, part.reasons.join(","))
    };
    let none = "na | na | na | na | na | na";
    assert_eq!(row("FAN1", "0.000", "RPM", "nr", none).0, State::Ok);
    assert_eq!(
        row("FAN1", "0.000", "RPM", "nr", "0.000 | 0.000 | 0.000 | 0.000 | 0.000 | 0.000").0,
        State::Ok
    );
    assert_eq!(row("P1V8", "1.800", "Volts", "cr", "9.0 | 9.0 | 9.0 | 1.0 | 1.0 | 1.0").0, State::Ok);
    let fan = "300.000 | 500.000 | 700.000 | 25300.000 | 25400.000 | 25500.000";
    assert_eq!(row("FAN1", "0.000", "RPM", "nr", fan), (State::Failed, "fan stopped".into()));
    assert_eq!(
        row("FAN1", "600.000", "RPM", "nc", fan),
        (State::Degraded, "fan below its minimum speed".into())
    );
    let volts = "2.384 | 2.496 | 2.580 | 3.476 | 3.588 | 3.672";
    assert_eq!(row("VBAT", "2.410", "Volts", "cr", volts), (State::Failed, "battery low".into()));
    assert_eq!(
        row("3.3VSB", "3.600", "Volts", "cr", volts),
        (State::Failed, "voltage past its limit".into())
    );
}

#[test]
fn a_table_of_thresholds_completes_a_table_of_states() {
    let sensor = "Fan1A RPM | 5880.000 | RPM | ok | na | 360.000 | 600.000 | na | na | na\n\
                  Inlet Temp | 23.000 | degrees C | ok | na | -7.000 | 3.000 | 38.000 | 42.000 | na";
    let reading = said(&[ELIST, sensor, sensor]);
    assert_eq!(reading.components.iter().filter(|part| part.kind == "fan").count(), 1);
    let limit = "hw.temperature.limit{hw.id=Inlet Temp,hw.limit_type=high.critical,hw.name=Inlet Temp}";
    assert_eq!(values(&reading)[limit], Some(42.0));
}

#[test]
fn power_faults_and_log_are_on_the_machine() {
    let fru = "FRU Device Description : Builtin FRU Device (ID 0)\n Product Manufacturer : DELL\n Product Name : PowerEdge R630\n Product Serial : 2WF88P2\n";
    let chassis = "System Power         : on\nPower Overload       : false\nMain Power Fault     : true\nDrive Fault          : false\n";
    let dcmi = "    Instantaneous power reading:                   220 Watts\n    Minimum during sampling period:                 18 Watts\n";
    let log = "1 | 08/06/2020 | 15:05:38 | Memory | Uncorrectable ECC (@DIMMA1(CPU1)) | Asserted\n\
               2 | 08/06/2020 | 15:05:39 | Chassis #0x10 | Transition to Critical from less severe | Asserted\n\
               3 | 08/06/2020 | 15:05:40 | Power Supply PS1 Status | Failure detected | Asserted\n";
    let reading = said(&[ELIST, fru, chassis, dcmi, log, log]);
    let machine = part(&reading, "enclosure", "chassis");
    assert_eq!((machine.serial.as_str(), machine.model.as_str()), ("2WF88P2", "DELL PowerEdge R630"));
    assert_eq!(machine.reasons, ["main power fault", "event log: Chassis #0x10: critical"]);
    assert_eq!((machine.state, machine.figures["event_log_critical_entries"]), (State::Failed, 3.0));
    assert_eq!(machine.figures["event_log_newest_unix_seconds"], 1_596_726_340.0);
    assert_eq!(part(&reading, "memory", "DIMMA1").reasons, ["event log: uncorrectable errors"]);
    // The supply answers for itself now, and says that it works.
    assert_eq!(part(&reading, "power_supply", "PSU 1").state, State::Ok);
    assert_eq!(values(&reading)["hw.power{hw.id=chassis,hw.name=DCMI}"], Some(220.0));
}

#[test]
fn questions_are_asked_only_where_there_is_a_controller() {
    let folder = tempfile::tempdir().unwrap();
    let paths = Paths { rootfs: folder.path().to_owned(), ..Paths::default() };
    assert!(matches!(Ipmi::new(INTERVAL).read(&paths), Err(NoData::Absent)));
    let commands = "case \"$*\" in \
        'sdr elist all') echo 'FAN 1 | 30h | ok | 29.1 | 900 RPM';; \
        sensor) echo 'FAN 1 | 900.000 | RPM | ok | na | na | 300.000 | na | na | na'; echo x >> \"$(dirname $0)/asked\";; \
        'fru print') printf 'FRU Device Description : PS1 (ID 1)\\n Board Serial : CNDED0081G\\n';; \
        'sel elist') echo '1 | 08/06/20 | 15:05:38 UTC | Power Supply PS9 | Failure detected | Asserted';; \
        'sel time get') echo '12/24/2020 10:00:00';; \
        *) echo 'Invalid command' >&2; exit 1;; esac";
    let program = script(folder.path(), "ipmitool", commands);
    let paths = Paths { programs: [("ipmitool", program)].into(), ..Paths::default() };
    let mut ipmi = Ipmi::new(INTERVAL);
    for _ in 0..3 {
        let reading = ipmi.read(&paths).unwrap();
        assert_eq!(part(&reading, "power_supply", "PSU 1").serial, "CNDED0081G");
        assert_eq!(part(&reading, "fan", "FAN 1").state, State::Ok);
        // Half a year ago by the controller's own clock.
        assert!(!reading.components.iter().any(|part| part.id == "PSU 9"));
    }
    assert_eq!(std::fs::read_to_string(folder.path().join("asked")).unwrap(), "x\n");
}

#[test]
fn a_controller_that_does_not_answer_cannot_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let program = script(folder.path(), "ipmitool", "echo 'Could not open device at /dev/ipmi0' >&2; exit 1");
    let paths = Paths { programs: [("ipmitool", program.clone())].into(), ..Paths::default() };
    let error = Ipmi::new(INTERVAL).read(&paths).unwrap_err().to_string();
    assert_eq!(error, format!("cannot read {}: Could not open device at /dev/ipmi0", program.display()));
}

fn worst(reading: &Reading) -> State {
    reading.components.iter().map(|part| part.state).max_by_key(|state| rank(*state)).unwrap_or(State::Ok)
}

/// Every recording through the real sensor, by the worst state of its parts where its label says one, and by what an
/// inventory holds otherwise.
#[test]
fn recordings_of_controllers_come_to_what_they_say() {
    let states: BTreeMap<&str, State> = [
        ("ipmi/dmidecode_type39.txt", State::Ok),
        ("ipmi/freeipmi/ipmi_dcmi_sample_output.txt", State::Ok),
        ("ipmi/freeipmi/ipmi_sel_sample_output.txt", State::Failed),
        ("ipmi/sel/acpi-soft-off.txt", State::Ok),
        ("ipmi/sel/empty-sel.txt", State::Ok),
        ("ipmi/sensor/thirtyeight-sensors-ok.txt", State::Ok),
        ("ipmi/sensor/thirtyeight-sensors-with-critical.txt", State::Failed),
    ]
    .into();
    let parts: BTreeMap<&str, (usize, usize)> = [
        // Power supplies, memory modules.
        ("ipmi/dmidecode_type39.txt", (2, 0)),
        ("ipmi/fru/dell-r630.txt", (1, 0)),
        ("ipmi/fru/dell-r640.txt", (2, 0)),
        ("ipmi/fru/hp-dl360-gen7.txt", (0, 8)),
        ("ipmi/fru/hp-dl360-gen7_2.txt", (0, 8)),
        ("ipmi/powersupplies/dmidecode_1.txt", (0, 0)),
        ("ipmi/powersupplies/dmidecode_2.txt", (1, 0)),
        ("ipmi/powersupplies/dmidecode_4.txt", (1, 0)),
        ("ipmi/powersupplies/fru_1.txt", (2, 0)),
        ("ipmi/powersupplies/fru_2.txt", (0, 0)),
        ("ipmi/powersupplies/fru_4.txt", (2, 0)),
    ]
    .into();
    let (mut read, mut wrong) = (0, vec![]);
    for (name, path) in recorded_files("ipmi") {
        let paths = Paths { programs: [("ipmitool", path)].into(), ..Paths::default() };
        let reading = Ipmi::new(INTERVAL).read(&paths).unwrap_or_else(|error| panic!("{name}: {error}"));
        let count = |kind: &str| reading.components.iter().filter(|part| part.kind == kind).count();
        let is_state = states.get(name.as_str()).is_none_or(|state| *state == worst(&reading));
        let counted = (count("power_supply"), count("memory"));
        let is_counted = parts.get(name.as_str()).is_none_or(|expected| *expected == counted);
        read += 1;
        if !is_state || !is_counted {
            wrong.push(format!("{name}: {:?} {counted:?}", worst(&reading)));
        }
    }
    println!("ipmi: {read} read, {} right, wrong: {wrong:?}", read - wrong.len());
    assert!(wrong.is_empty(), "{wrong:#?}");
}
