//! Answers in JSON, from small ones made up for the purpose.

use super::*;

fn read(text: &str) -> Drive {
    let Some(Answer::Drive(drive)) = parse(text) else { panic!("no disk in {text}") };
    *drive
}

#[test]
fn an_ata_disk_is_read_with_its_log_of_self_tests() {
    let drive = read(
        r#"{"smartctl":{"exit_status":216},"device":{"name":"/dev/sda","type":"sat","protocol":"ATA"},
        "model_name":"X 500","serial_number":"AB12","rotation_rate":7200,"smart_status":{"passed":false},
        "ata_smart_attributes":{"table":[
          {"id":5,"name":"Reallocated_Sector_Ct","value":1,"worst":1,"thresh":5,"when_failed":"now",
           "flags":{"prefailure":true},"raw":{"value":1975,"string":"1975"}},
          {"id":197,"name":"Current_Pending_Sector","value":100,"when_failed":"","raw":{"value":8,"string":"8"}}]},
        "power_on_time":{"hours":65592},"temperature":{"current":25},
        "ata_smart_error_log":{"summary":{"count":56}},
        "ata_smart_self_test_log":{"standard":{"table":[
          {"type":{"string":"Short offline"},"status":{"value":0,"passed":true}},
          {"type":{"string":"Extended offline"},"status":{"value":121,"passed":false}}]}}}"#,
    );
    assert_eq!((drive.serial.as_str(), drive.passed, drive.exit_status), ("AB12", Some(false), 216));
    assert_eq!((drive.protocol, drive.failed_self_tests()), (Protocol::Ata, 1));
    assert_eq!(drive.attributes[0].failed, Failed::Now);
    let figures = [
        figure::REALLOCATED,
        figure::PENDING,
        figure::ERROR_LOG,
        figure::TEMPERATURE,
        figure::POWER_ON_HOURS,
    ];
    assert_eq!(figures.map(|name| drive.count(name)), [1975.0, 8.0, 56.0, 25.0, 65_592.0]);
}

#[test]
fn an_nvme_and_a_sas_disk_have_figures_of_the_same_names() {
    let nvme = read(
        r#"{"model_name":"N","smart_status":{"passed":true},"nvme_smart_health_information_log":{"critical_warning":0,
        "temperature":35,"available_spare":100,"available_spare_threshold":10,"percentage_used":3,"data_units_written":2,
        "media_errors":7,"power_on_hours":1767},"nvme_self_test_log":{"table":[
        {"self_test_code":{"value":2},"self_test_result":{"value":7}}]}}"#,
    );
    let figures =
        [figure::UNCORRECTED, figure::WEAR, figure::WRITTEN, figure::POWER_ON_HOURS, figure::TEMPERATURE];
    assert_eq!(figures.map(|name| nvme.count(name)), [7.0, 3.0, 1_024_000.0, 1767.0, 35.0]);
    assert_eq!((nvme.is_solid(), nvme.failed_self_tests()), (true, 1));
    let sas = read(
        r#"{"device":{"protocol":"SCSI"},"vendor":"V","product":"P","scsi_grown_defect_list":260,
        "scsi_error_counter_log":{"read":{"total_uncorrected_errors":1},"write":{"total_uncorrected_errors":535}},
        "scsi_start_stop_cycle_counter":{"year_of_manufacture":"2017"},"smart_status":{"passed":true},
        "scsi_self_test_0":{"code":{"value":1},"result":{"value":0}},
        "scsi_self_test_1":{"code":{"value":2},"result":{"value":5}}}"#,
    );
    let figures = [figure::REALLOCATED, figure::UNCORRECTED, figure::MANUFACTURED];
    assert_eq!((figures.map(|name| sas.count(name)), sas.model.as_str()), ([260.0, 536.0, 2017.0], "V P"));
    assert_eq!(sas.failed_self_tests(), 1);
}

#[test]
fn a_health_log_without_figures_was_not_read_and_a_full_counter_is_none() {
    let with = |log: &str| {
        let text =
            r#"{"model_name":"N","smart_support":{"available":true},"nvme_smart_health_information_log":"#;
        read(&format!("{text}{log}}}"))
    };
    assert!(!with("null").has_health && !with("{}").has_health);
    let full = with(r#"{"critical_warning":0,"media_errors":18446744073709551615,"available_spare":"91"}"#);
    assert_eq!((full.has_health, full.figure(figure::UNCORRECTED)), (true, None));
    assert_eq!(full.figure(figure::SPARE), Some(91.0));
}

#[test]
fn attributes_that_fail_their_checksum_are_none() {
    let garbled = read(
        r#"{"model_name":"X","smart_support":{"available":true,"enabled":true},"smartctl":{"messages":[
        {"string":"Warning! SMART Attribute Data Structure error: invalid SMART checksum."}]},
        "smart_status":{"passed":true},
        "ata_smart_attributes":{"table":[{"id":112,"when_failed":"now","flags":{"prefailure":true}}]}}"#,
    );
    assert_eq!((garbled.has_health, garbled.attributes.len()), (false, 0));
}

#[test]
fn temperatures_are_found_wherever_versions_put_them() {
    let figures = |text: &str| {
        let drive = read(text);
        (drive.figure(figure::TEMPERATURE), drive.figure(figure::TEMPERATURE_LIMIT))
    };
    let sas = r#"{"model_name":"X","temperature":{"current":0,"drive_trip":0},
        "scsi_environmental_reports":{"temperature_1":{"current":36}}}"#;
    assert_eq!(figures(sas), (Some(36.0), None));
    let nvme = r#"{"model_name":"X","temperature":{"current":59,"critical_limit_max":85}}"#;
    assert_eq!(figures(nvme), (Some(59.0), Some(85.0)));
    let newer = r#"{"model_name":"X","nvme_composite_temperature_threshold":{"warning":82,"critical":85}}"#;
    assert_eq!(figures(newer), (None, Some(85.0)));
    let never_meant = r#"{"model_name":"X","temperature":{"current":45,"critical_limit_max":44}}"#;
    assert_eq!(figures(never_meant), (Some(45.0), None));
}

#[test]
fn answers_without_a_disk_say_what_they_are() {
    let refused = r#"{"smartctl":{"argv":["smartctl","-x","/dev/sdb"],"messages":[
        {"string":"Smartctl open device: /dev/sdb failed: Permission denied","severity":"error"}],"exit_status":2}}"#;
    let why = "Smartctl open device: /dev/sdb failed: Permission denied";
    assert_eq!(
        parse(refused),
        Some(Answer::Unreadable(Refusal { device: "/dev/sdb".into(), why: why.into() }))
    );
    let asleep = r#"{"smartctl":{"messages":[{"string":"Device is in STANDBY mode, exit(2)"}],"exit_status":2},
        "device":{"name":"/dev/sdb","protocol":"ATA"}}"#;
    assert_eq!(parse(asleep), Some(Answer::Asleep));
    let list = r#"{"devices":[{"name":"/dev/bus/6","type":"megaraid,8"},{"nonsense":1}]}"#;
    assert_eq!(parse(list), Some(Answer::Devices(vec![Device::new("/dev/bus/6", "megaraid,8")])));
    let none = r#"{"smartctl":{"argv":["smartctl","-j","--scan-open"],"exit_status":0}}"#;
    assert_eq!(parse(none), Some(Answer::Devices(vec![])));
    assert!(matches!(parse(r#"{"smartctl":{"argv":["#), Some(Answer::Unreadable(_))));
    assert_eq!(parse(""), None);
    assert_eq!(parse("smartctl 6.6\n{}"), None);
}
