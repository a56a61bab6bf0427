//! Answers as text, from small ones made up for the purpose.

use super::*;

fn read(text: &str) -> Drive {
    let Answer::Drive(drive) = parse(text) else { panic!("no disk in {text}") };
    *drive
}

#[test]
fn an_ata_disk_is_read_in_both_shapes_of_its_table() {
    let tables = [
        "  5 Reallocated_Sector_Ct   0x0033   001   001   005    Pre-fail  Always   FAILING_NOW 1975
  9 Power_On_Hours          0x0032   067   067   000    Old_age   Always       -       23120h+47m+35.910s
194 Temperature_Celsius     0x0022   044   047   000    Old_age   Always       -       44 (0 21 0 0 0)",
        "  5 Reallocated_Sector_Ct   PO--CK   001   001   005    NOW  1975
  9 Power_On_Hours          -O--CK   067   067   000    -    23120
194 Temperature_Celsius     -O---K   044   047   ---    -    44 (Min/Max 19/51)",
    ];
    for table in tables {
        let drive = read(&format!(
            "Device Model:     X 500\nSerial Number:    AB12\nUser Capacity:    4’000’787’030’016 bytes [4.00 TB]
Rotation Rate:    5400 rpm\nSMART overall-health self-assessment test result: PASSED
Self-test execution status:      (   0)\tThe previous self-test routine completed\n{table}
ATA Error Count: 52 (device log contains only the most recent five errors)
# 1  Short offline       Completed without error       00%     23001         -
# 2  Extended offline    Completed: read failure       70%     23001         1988770936
# 3  Extended offline    Interrupted (host reset)      80%     22998         -"
        ));
        assert_eq!((drive.serial.as_str(), drive.passed, drive.failed_self_tests()), ("AB12", Some(true), 1));
        assert_eq!((drive.attributes[0].failed, drive.attributes[0].is_prefail), (Failed::Now, true));
        let figures = [figure::REALLOCATED, figure::POWER_ON_HOURS, figure::TEMPERATURE, figure::ERROR_LOG];
        assert_eq!(figures.map(|name| drive.count(name)), [1975.0, 23_120.0, 44.0, 52.0]);
        assert_eq!(drive.figure(figure::CAPACITY), Some(4_000_787_030_016.0));
    }
}

#[test]
fn a_sas_disk_is_read() {
    let drive = read(
        "Vendor:               V\nProduct:              P\nSerial number:        CD34\nDevice type:          disk
Logical Unit id:      0x5000cca25c244870\nSMART support is:     Available - device has SMART capability.
SMART Health Status: OK\nCurrent Drive Temperature:     40 C\nDrive Trip Temperature:        85 C
Manufactured in week 37 of year 2017\nElements in grown defect list: 195
read:          0        8         0         8      60614      16772.475           1
write:         0      211         0       211     233430     574543.134           2
    Accumulated power on time, hours:minutes 9153:46 [549226 minutes]
# 1  Background long   Failed in segment -->       3     302                 123 [0x3 0x11 0x0]",
    );
    assert_eq!((drive.model.as_str(), drive.serial.as_str(), drive.failed_self_tests()), ("V P", "CD34", 1));
    let figures = [
        figure::REALLOCATED,
        figure::UNCORRECTED,
        figure::POWER_ON_HOURS,
        figure::TEMPERATURE,
        figure::TEMPERATURE_LIMIT,
    ];
    assert_eq!(figures.map(|name| drive.count(name)), [195.0, 3.0, 9153.0, 40.0, 85.0]);
}

#[test]
fn an_nvme_disk_is_read() {
    let drive = read(
        "Model Number:                       N\nSMART overall-health self-assessment test result: FAILED!
Critical Warning:                   0x04\nTemperature:                        42 Celsius
Available Spare:                    100%\nAvailable Spare Threshold:          10%\nPercentage Used:                    102%
Power On Hours:                     12,433\nMedia and Data Integrity Errors:    0\nError Information Log Entries:      1.135
 0   Extended          Completed without error                8754            -     -   -   -    -
 1   Short             Completed: failed segments             8754            -     -   -   -    -",
    );
    assert_eq!((drive.passed, drive.is_solid(), drive.failed_self_tests()), (Some(false), true, 0));
    let figures = [
        figure::CRITICAL_WARNING,
        figure::WEAR,
        figure::POWER_ON_HOURS,
        figure::ERROR_LOG,
        figure::TEMPERATURE,
    ];
    assert_eq!(figures.map(|name| drive.count(name)), [4.0, 102.0, 12_433.0, 1135.0, 42.0]);
}

#[test]
fn what_is_asked_for_alone_is_enough_to_judge() {
    let tests =
        read("# 1  Short offline       Completed: unknown failure    90%       770         4294705152\n");
    assert_eq!((tests.has_health, tests.failed_self_tests()), (true, 1));
    let counters =
        read("read:   3716474487        0         0  3716474487          0     170154.272           0\n");
    assert_eq!((counters.has_health, counters.figure(figure::UNCORRECTED)), (true, Some(0.0)));
}

#[test]
fn attributes_that_fail_their_checksum_are_none() {
    let garbled = "Device Model:     X\nSMART support is: Available - device has SMART capability.
Warning! SMART Attribute Data Structure error: invalid SMART checksum.
112 Unknown_Attribute       0x00b3   000   000   179    Pre-fail  Always   FAILING_NOW 0";
    let drive = read(garbled);
    assert_eq!((drive.has_health, drive.attributes.len(), drive.has_smart), (false, 0, Some(true)));
}

#[test]
fn limits_of_flash_are_taken_and_odd_ones_are_not() {
    let limit = |text: &str| read(&format!("Device Model:     X\n{text}")).figure(figure::TEMPERATURE_LIMIT);
    assert_eq!(limit("Critical Comp. Temp. Threshold:     85 Celsius"), Some(85.0));
    assert_eq!(limit("Critical Comp. Temp. Threshold:     54 Celsius"), None);
    let range = "Min/Max Temperature Limit:            0/70 Celsius";
    assert_eq!(limit(&format!("Rotation Rate:    Solid State Device\n{range}")), Some(70.0));
    assert_eq!(limit(&format!("Rotation Rate:    7200 rpm\n{range}")), None);
}

#[test]
fn answers_without_a_disk_say_what_they_are() {
    let heading = "smartctl 6.6 2016-05-31 r4324 [x86_64-linux] (local build)\nCopyright (C) 2002-16\n\n";
    let refused = parse(&format!("{heading}Smartctl open device: /dev/sdb failed: No such device\n"));
    let why = "Smartctl open device: /dev/sdb failed: No such device";
    assert_eq!(refused, Answer::Unreadable(Refusal { device: "/dev/sdb".into(), why: why.into() }));
    assert_eq!(parse(&format!("{heading}Device is in STANDBY mode, exit(2)\n")), Answer::Asleep);
    let Answer::Unreadable(old) = parse(&format!(
        "{heading}=======> UNRECOGNIZED OPTION: j\n\nUse smartctl -h to get a usage summary\n"
    )) else {
        panic!("an old version has no disk to tell of");
    };
    assert!(is_too_old(&old.why));
    let list = "/dev/sda -d scsi # /dev/sda, SCSI device\n# /dev/sdb -d sat # /dev/sdb [SAT], ATA device open failed: x\n";
    assert!(matches!(parse(list), Answer::Devices(devices) if devices.len() == 2));
    assert_eq!(parse(""), Answer::Unreadable(Refusal::default()));
}
