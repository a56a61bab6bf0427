//! How smartctl is asked and what comes of it, with stand-ins for the program.

use super::*;
use crate::sensor::testing::{script, values};
use tram_proto::component::State;

const HEALTHY: &str = r#"{"model_name":"X","serial_number":"AB12","rotation_rate":7200,"smart_status":{"passed":true},"temperature":{"current":31,"drive_trip":60}}"#;

/// Reads with a stand-in for smartctl, on a host without controllers.
struct Host {
    folder: tempfile::TempDir,
    sensor: Smart,
}

impl Host {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), sensor: Smart::new(INTERVAL) }
    }

    fn read(&mut self, commands: &str) -> Result<Reading, NoData> {
        let program = script(self.folder.path(), "smartctl", commands);
        let sysfs = self.folder.path().to_owned();
        self.sensor.read(&Paths { sysfs, programs: [("smartctl", program)].into(), ..Paths::default() })
    }

    /// Ids, states and first reasons.
    fn parts(&mut self, commands: &str) -> Vec<(String, State, String)> {
        let parts = self.read(commands).unwrap().components.into_iter();
        parts.map(|part| (part.id, part.state, part.reasons.first().cloned().unwrap_or_default())).collect()
    }
}

fn part(id: &str, state: State, reason: &str) -> (String, State, String) {
    (id.into(), state, reason.into())
}

fn by_argument(cases: &[(&str, &str)]) -> String {
    let cases: Vec<String> =
        cases.iter().map(|(pattern, text)| format!("{pattern}) cat <<'END'\n{text}\nEND\n;;")).collect();
    format!("case \"$*\" in\n{}\nesac", cases.join("\n"))
}

#[test]
fn each_disk_of_the_list_is_read_and_none_is_woken() {
    let list = r#"{"devices":[{"name":"/dev/sda","type":"sat"},{"name":"/dev/bus/6","type":"megaraid,8"}]}"#;
    let other = HEALTHY.replace("AB12", "CD34").replace("true", "false");
    let commands = by_argument(&[
        ("'-j --scan-open'", list),
        ("'-j -x --nocheck=standby -d sat /dev/sda'", HEALTHY),
        ("'-j -x --nocheck=standby -d megaraid,8 /dev/bus/6'", &other),
    ]);
    let mut host = Host::new();
    let reading = host.read(&commands).unwrap();
    let found: Vec<_> = reading.components.iter().map(|part| (part.id.as_str(), part.state)).collect();
    assert_eq!(found, [("sda", State::Ok), ("megaraid,8@bus/6", State::PredictedFailure)]);
    let values = values(&reading);
    assert_eq!(values["hw.temperature{hw.id=sda,hw.name=X}"], Some(31.0));
    assert_eq!(values["hw.temperature.limit{hw.id=sda,hw.limit_type=high.critical,hw.name=X}"], Some(60.0));
}

#[test]
fn a_sleeping_disk_stays_what_it_was_known_to_be() {
    let list = r#"{"devices":[{"name":"/dev/sda","type":"sat"}]}"#;
    let failing = HEALTHY.replace("true", "false");
    let sleeping = r#"{"smartctl":{"messages":[{"string":"Device is in STANDBY mode, exit(2)"}]}}"#;
    let mut host = Host::new();
    assert_eq!(
        host.parts(&by_argument(&[("*scan*", list), ("*", sleeping)])),
        [part("sda", State::Unknown, "asleep")]
    );
    let known = host.read(&by_argument(&[("*scan*", list), ("*", &failing)])).unwrap().components;
    let asleep = by_argument(&[("*scan*", list), ("*", sleeping)]);
    assert_eq!(host.read(&asleep).unwrap().components, known);
    // And after a restart of the agent, too.
    host.sensor = Smart::new(INTERVAL);
    host.sensor.recall(&known);
    assert_eq!(host.read(&asleep).unwrap().components, known);
}

#[test]
fn a_disk_that_cannot_be_read_is_tried_again_sooner() {
    let list = r#"{"devices":[{"name":"/dev/sda","type":"sat"}]}"#;
    let refused = r#"{"smartctl":{"messages":[{"string":"Smartctl open device: /dev/sda failed: Permission denied"}],"exit_status":2}}"#;
    let commands = by_argument(&[("*scan*", list), ("*", refused)]);
    let mut host = Host::new();
    assert_eq!(host.sensor.interval(), Some(INTERVAL));
    for _ in 0..RETRIES_MAX {
        assert_eq!(host.parts(&commands), [part("sda", State::Unknown, "cannot read")]);
        assert_eq!(host.sensor.interval(), Some(RETRY_INTERVAL));
    }
    host.read(&commands).unwrap();
    assert_eq!(host.sensor.interval(), Some(INTERVAL));
}

#[test]
fn a_bridge_that_is_not_known_is_asked_in_another_way_and_that_is_remembered() {
    let list = r#"{"devices":[{"name":"/dev/sdb","type":"usb"}]}"#;
    let unknown = r#"{"smartctl":{"messages":[{"string":"/dev/sdb: Unknown USB bridge [0x1234:0x5678 (0x000)]"},{"string":"Please specify device type with the -d option."}],"exit_status":1}}"#;
    let asked = "echo \"$*\" >> $(dirname $0)/asked; ";
    let commands =
        format!("{asked}{}", by_argument(&[("*scan*", list), ("*-d?sat*", HEALTHY), ("*", unknown)]));
    let mut host = Host::new();
    assert_eq!(host.parts(&commands), [part("sdb", State::Ok, "")]);
    assert_eq!(host.parts(&commands), [part("sdb", State::Ok, "")]);
    let asked = std::fs::read_to_string(host.folder.path().join("asked")).unwrap();
    assert_eq!(asked.lines().count(), 5, "{asked}");
}

#[test]
fn an_old_smartctl_is_read_as_text() {
    let old = "smartctl 6.6\n\n=======> UNRECOGNIZED OPTION: j\n\nUse smartctl -h to get a usage summary";
    let list = "/dev/sda -d sat # /dev/sda [SAT], ATA device";
    let text = "Device Model:     X\nSerial Number:    AB12\nSMART overall-health self-assessment test result: PASSED";
    let mut host = Host::new();
    let commands =
        by_argument(&[("-j*", old), ("--scan-open", list), ("'-x --nocheck=standby -d sat /dev/sda'", text)]);
    assert_eq!(host.parts(&commands), [part("sda", State::Ok, "")]);
    let empty = format!("{}\ntrue", by_argument(&[("-j*", old)]));
    assert!(matches!(host.read(&empty), Err(NoData::Absent)));
}

#[test]
fn one_recording_whatever_is_asked_is_that_disk() {
    let mut host = Host::new();
    let named = HEALTHY.replacen('{', r#"{"device":{"name":"/dev/sdq"},"#, 1);
    assert_eq!(host.parts(&by_argument(&[("*", &named)])), [part("sdq", State::Ok, "")]);
    assert_eq!(host.parts("echo 'SMART Health Status: OK'"), [part("smartctl", State::Ok, "")]);
    let list = r#"{"devices":[{"name":"/dev/sda","type":"scsi"},{"name":"/dev/sdb","type":"scsi"}]}"#;
    let unread = |id: &str| part(id, State::Unknown, "cannot read");
    assert_eq!(host.parts(&by_argument(&[("*", list)])), [unread("sda"), unread("sdb")]);
}

#[test]
fn nothing_and_noise_are_never_ok() {
    let mut host = Host::new();
    for commands in ["true", "echo nonsense", "echo '{\"smartctl\":{'", "exit 2", "echo '[]'"] {
        assert_eq!(host.parts(commands), [part("smartctl", State::Unknown, "cannot read")], "{commands}");
    }
    let none = r#"{"smartctl":{"argv":["smartctl","-j","--scan-open"],"exit_status":0}}"#;
    assert!(matches!(host.read(&by_argument(&[("*", none)])), Err(NoData::Absent)));
}

#[test]
fn a_volume_gives_way_to_its_disks_and_what_is_no_disk_is_left_out() {
    let list = r#"{"devices":[{"name":"/dev/sda","type":"scsi"},{"name":"/dev/bus/0","type":"megaraid,0"},{"name":"/dev/sg3","type":"scsi"}]}"#;
    let volume = r#"{"scsi_vendor":"AVAGO","scsi_product":"MR9340","logical_unit_id":"0x600605b00bf860b0","smart_support":{"available":false}}"#;
    let enclosure = r#"{"scsi_vendor":"V","scsi_product":"E","device_type":{"name":"enclosure"}}"#;
    let mut host = Host::new();
    let commands =
        by_argument(&[("*scan*", list), ("*/dev/sda", volume), ("*/dev/sg3", enclosure), ("*", HEALTHY)]);
    assert_eq!(host.parts(&commands), [part("megaraid,0@bus/0", State::Ok, "")]);
    let alone = by_argument(&[("*", volume)]);
    assert_eq!(host.parts(&alone), [part("smartctl", State::Unknown, "volume without SMART of its own")]);
}
