//! The sensor against a stand-in server on a real socket, and against what was written down.

use super::*;
use crate::sensor::date;
use crate::sensor::testing::values;
use proptest::prelude::*;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, TcpListener};

/// Answers as `upsd` does, for as many connections as it is given answers for: each a list of supplies with what
/// `LIST VAR` says of them.
fn server(rounds: Vec<Vec<(&'static str, String)>>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for supplies in rounds {
            let (stream, _) = listener.accept().unwrap();
            serve(&stream, &supplies);
        }
    });
    address
}

fn serve(mut stream: &TcpStream, supplies: &[(&str, String)]) {
    for line in BufReader::new(stream.try_clone().unwrap()).lines() {
        let line = line.unwrap_or_default();
        let answer = match line.split(' ').collect::<Vec<_>>().as_slice() {
            ["VER"] => "Network UPS Tools upsd 2.8.0 - https://www.networkupstools.org/\n".to_owned(),
            ["LIST", "UPS"] => {
                let lines: String =
                    supplies.iter().map(|(name, _)| format!("UPS {name} \"A \\\"supply\\\"\"\n")).collect();
                format!("BEGIN LIST UPS\n{lines}END LIST UPS\n")
            }
            ["LIST", "VAR", name] => match supplies.iter().find(|(known, _)| known == name) {
                Some((_, text)) if text.starts_with("ERR ") => format!("{text}\n"),
                Some((_, text)) => format!("BEGIN LIST VAR {name}\n{text}END LIST VAR {name}\n"),
                None => "ERR UNKNOWN-UPS\n".to_owned(),
            },
            _ => return,
        };
        if stream.write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

/// A dump as the server would tell it.
fn told(name: &str, dump: &str) -> String {
    let (_, answered) = parse_dump(dump, Path::new("dump")).unwrap().remove(0);
    let quoted = |value: &str| value.replace('\\', "\\\\").replace('"', "\\\"");
    answered.unwrap().iter().map(|(key, value)| format!("VAR {name} {key} \"{}\"\n", quoted(value))).collect()
}

fn from(place: &str) -> Paths {
    Paths { nut: Some(place.to_owned()), ..Paths::default() }
}

fn read_dump(dump: &str) -> Reading {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("dump");
    std::fs::write(&file, dump).unwrap();
    Ups::new("").read(&from(file.to_str().unwrap())).unwrap()
}

const HEALTHY: &str = "device.mfr: EATON\ndevice.model: Ellipse PRO 650\ndevice.serial: G355A00001\nups.status: OL CHRG\n\
    battery.charge: 93\nbattery.runtime: 2281\nups.load: 12\ninput.voltage: 231.4\noutput.voltage: 230.0\n\
    battery.voltage: 13.6\nbattery.voltage.nominal: 12\nbattery.date: 11/17/14\nups.temperature: 25.0\nups.realpower: 40\n";

#[test]
fn a_runtime_that_cannot_be_a_limit_is_none() {
    let state = |low: u32| {
        let dump = format!("ups.status: OB\nbattery.runtime: 76\nbattery.runtime.low: {low}\n");
        read_dump(&dump).components[0].state
    };
    assert_eq!((state(300), state(59_940)), (State::PredictedFailure, State::Degraded));
}

#[test]
fn a_supply_is_read_from_its_server() {
    let address = server(vec![vec![("eaton", told("eaton", HEALTHY))]]);
    let reading = Ups::new(&address).read(&Paths::default()).unwrap();
    let [part] = reading.components.as_slice() else { panic!("{reading:?}") };
    assert_eq!((part.kind.as_str(), part.id.as_str(), part.state), ("ups", "eaton", State::Ok));
    assert_eq!((part.model.as_str(), part.serial.as_str()), ("EATON Ellipse PRO 650", "G355A00001"));
    assert_eq!(part.figures["battery_installed_unix_seconds"], 1_416_182_400.0);
    assert_eq!(part.figures["battery_nominal_volts"], 12.0);
    let values = values(&reading);
    assert_eq!(values["hw.battery.charge{hw.id=eaton}"], Some(0.93));
    assert_eq!(values["hw.battery.time_left{hw.id=eaton}"], Some(2281.0));
    assert_eq!(values["tram.ups.load{hw.id=eaton}"], Some(0.12));
    assert_eq!(values["tram.ups.on_battery{hw.id=eaton}"], Some(0.0));
    assert_eq!(values["hw.voltage{hw.id=eaton,hw.sensor_location=input}"], Some(231.4));
    assert_eq!(values["hw.voltage{hw.id=eaton,hw.sensor_location=battery}"], Some(13.6));
    assert_eq!(values["hw.temperature{hw.id=eaton,hw.name=ups}"], Some(25.0));
    assert_eq!(values["hw.power{hw.id=eaton}"], Some(40.0));
}

#[test]
fn a_supply_whose_driver_is_silent_is_unknown_and_keeps_its_identity() {
    let stale = || vec![("a", "ERR DATA-STALE".to_owned()), ("b", "ERR DRIVER-NOT-CONNECTED".to_owned())];
    let both = vec![("a", told("a", HEALTHY)), ("b", told("b", "ups.status: OL\n"))];
    let mut ups = Ups::new(&server(vec![both, stale()]));
    ups.read(&Paths::default()).unwrap();
    let reading = ups.read(&Paths::default()).unwrap();
    let [first, second] = reading.components.as_slice() else { panic!("{reading:?}") };
    assert_eq!((first.state, first.serial.as_str()), (State::Unknown, "G355A00001"));
    assert_eq!(first.reasons, ["cannot read", "data stale"]);
    assert_eq!(second.reasons, ["cannot read", "driver not connected"]);
    assert_eq!(values(&reading)["hw.battery.charge{hw.id=a}"], None);
    assert!(!is_power_failing(&reading.components));
}

#[test]
fn a_host_without_a_server_has_no_supplies_and_a_lost_server_is_not_that() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let closed = listener.local_addr().unwrap().to_string();
    drop(listener);
    let error = Ups::new("").read(&from(&closed)).unwrap_err();
    assert_eq!(error.to_string(), format!("cannot read NUT server {closed}: connection refused"));
    assert!(matches!(Ups::new("").read(&Paths::default()), Err(NoData::Absent)));
    let mut ups = Ups::new(SERVER);
    assert!(ups.may_be_absent(SERVER));
    ups.take_in(vec![("a".into(), Answer::Refused("DATA-STALE".into()))]);
    assert!(!ups.may_be_absent(SERVER));
    let mut known = Ups::new(&server(vec![vec![]]));
    assert!(matches!(known.read(&Paths::default()), Err(NoData::Absent)));
}

#[test]
fn what_is_no_nut_server_is_said() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for answer in ["HTTP/1.1 400 Bad Request\r\n\r\n", "x", "\0\n", ""] {
            let (mut stream, _) = listener.accept().unwrap();
            let mut asked = BufReader::new(stream.try_clone().unwrap());
            asked.read_line(&mut String::new()).unwrap();
            stream.write_all(answer.as_bytes()).unwrap();
            // Until the other side hangs up: closing with something unread resets the connection, answer and all.
            stream.shutdown(Shutdown::Write).unwrap();
            drop(asked.read_to_end(&mut Vec::new()));
        }
    });
    for _ in 0..4 {
        let error = Ups::new("").read(&from(&address)).unwrap_err().to_string();
        assert_eq!(error, format!("{address}: expected an answer of a NUT server"));
    }
}

#[test]
fn each_flag_has_its_verdict() {
    let check = |status: &str, state: State, reasons: &[&str]| {
        let reading = read_dump(&format!("ups.status: {status}\nbattery.charge: 50\n"));
        assert_eq!(
            (reading.components[0].state, reading.components[0].reasons.as_slice()),
            (state, reasons.iter().map(|reason| (*reason).to_owned()).collect::<Vec<_>>().as_slice()),
            "{status}"
        );
    };
    for fine in ["OL", "OL CHRG", "HB OL", "OL TRIM", "BOOST OL", "OL CAL CHRG", "OL DISCHRG", "OL HE", "ol"]
    {
        check(fine, State::Ok, &[]);
    }
    check("OB DISCHRG", State::Degraded, &["on battery"]);
    check("OB CAL", State::Degraded, &["on battery", "calibrating"]);
    check("OL LB CHRG", State::Degraded, &["battery low"]);
    check("OL BYPASS", State::Degraded, &["on bypass"]);
    check("OFF", State::Degraded, &["output off"]);
    check("OL OVER", State::Degraded, &["overloaded"]);
    check("OVERHEAT OL", State::Degraded, &["overheated"]);
    check("OL COMMFAULT", State::Degraded, &["internal fault"]);
    check("OL NOBATT", State::Degraded, &["no battery"]);
    check("OB DEPLETED", State::PredictedFailure, &["on battery", "battery low"]);
    check("ALARM OL", State::Degraded, &["alarm"]);
    check("OL RB", State::PredictedFailure, &["replace battery"]);
    check("OB LB", State::PredictedFailure, &["on battery", "battery low"]);
    check("FSD OB", State::PredictedFailure, &["forced shutdown", "on battery"]);
    check("OL LB OVER RB BOOST", State::PredictedFailure, &["replace battery", "battery low", "overloaded"]);
    check("OL OB", State::Unknown, &["cannot read", "on mains and on battery at once"]);
    for nothing in ["", "WAIT", "OL\t#BAD: always"] {
        check(nothing, State::Unknown, &["cannot read", "no status"]);
    }
}

#[test]
fn alarms_tests_and_packs_say_why() {
    let reasons = |dump: &str| read_dump(dump).components[0].reasons.clone();
    assert_eq!(
        reasons("ups.status: ALARM OL\nups.alarm: No battery installed!\n"),
        ["alarm: No battery installed!"]
    );
    assert_eq!(reasons("ups.status: OL\nups.alarm: x\n"), [""; 0]);
    assert_eq!(reasons("ups.status: OL\nups.test.result: Done and error\n"), ["self-test failed"]);
    assert_eq!(reasons("ups.status: OL\nups.test.result: Done and warning\n"), [""; 0]);
    assert_eq!(reasons("ups.status: OL\nbattery.packs.bad: 1\n"), ["battery pack bad"]);
    assert_eq!(reasons("ups.status: OL\nbattery.packs.bad: -1\n"), [""; 0]);
    // Its own limits say it where the driver does not.
    let low = "ups.status: OB\nbattery.charge: 9\nbattery.charge.low: 10\n";
    assert_eq!(reasons(low), ["on battery", "battery low"]);
}

#[test]
fn nonsense_is_not_known() {
    let check = |status: &str, line: &str, key: &str, expected: Option<f64>| {
        let values = values(&read_dump(&format!("ups.status: {status}\n{line}\n")));
        assert_eq!(
            values[&format!(
                "{key}hw.id=ups{}}}",
                if key.contains("voltage") { ",hw.sensor_location=input" } else { "" }
            )],
            expected,
            "{status} {line}"
        );
    };
    for (line, expected) in [
        ("4294967295", None),
        ("65535", None),
        ("3932100", None),
        ("-60.0", None),
        ("0", None),
        ("1:57", None),
        ("NaN", None),
        ("inf", None),
        ("120", Some(120.0)),
        ("133200.00", Some(133_200.0)),
        ("00617", Some(617.0)),
    ] {
        check("OL", &format!("battery.runtime: {line}"), "hw.battery.time_left{", expected);
    }
    check("OB", "battery.runtime: 0", "hw.battery.time_left{", Some(0.0));
    for (line, expected) in
        [("-143.2", None), ("120", None), ("255", None), ("0", Some(0.0)), ("018.0", Some(0.18))]
    {
        check("OL", &format!("battery.charge: {line}"), "hw.battery.charge{", expected);
    }
    for (line, expected) in
        [("255", None), ("562020.0", None), ("-1", None), ("105", Some(1.05)), ("0", Some(0.0))]
    {
        check("OL", &format!("ups.load: {line}"), "tram.ups.load{", expected);
    }
    for (status, line, expected) in [
        ("OL", "0.0", None),
        ("OB", "0.0", Some(0.0)),
        ("OL", "-159357104.0", None),
        ("OL", "2320.00", None),
        ("OL", "230.4", Some(230.4)),
    ] {
        check(status, &format!("input.voltage: {line}"), "hw.voltage{", expected);
    }
    check("OL", "input.voltage: 405.4\ninput.voltage.nominal: 120", "hw.voltage{", None);
    check("OL", "input.L1-N.voltage: 231\ninput.L2-N.voltage: 9", "hw.voltage{", Some(231.0));
}

#[test]
fn power_fails_when_a_battery_empties_or_a_shutdown_is_forced() {
    let failing = |status: &str| is_power_failing(&read_dump(&format!("ups.status: {status}\n")).components);
    assert!(failing("OB LB") && failing("FSD OB LB") && failing("FSD OL"));
    assert!(
        !failing("OB DISCHRG")
            && !failing("OL LB")
            && !failing("OL RB")
            && !failing("OL OB LB")
            && !failing("")
    );
}

proptest! {
    #[test]
    fn noise_makes_no_parser_panic(text in ".{0,80}", pieces in prop::collection::vec("(VAR |ups\\.status: |ups\\.alarm: |battery\\.date: |ERR |\"|\\\\)?[^\n]{0,12}", 0..8)) {
        let lines = format!("{text}\n{}\n", pieces.join("\n"));
        for line in lines.lines() {
            date::seconds(line);
        }
        for (name, answered) in parse_dump(&lines, Path::new("dump")).into_iter().flatten() {
            let _ = answered.map(|variables| judge::judge(&name, &variables));
        }
    }
}
