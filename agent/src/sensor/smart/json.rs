//! smartctl's answer in JSON, versions 7.0 and later. Pure. Takes what is there and stumbles over nothing: fields move
//! and change their types between versions.

use super::attribute::{Attribute, Failed, interpret, trusted_celsius, trusted_count, trusted_hours};
use super::drive::{Answer, Drive, Outcome, Protocol, Refusal, SelfTest};
use super::figure;
use super::scan::Device;
use serde::Deserializer as _;
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;

/// Units that NVMe counts written data in: thousand blocks of 512 bytes.
const NVME_DATA_UNIT_BYTES: f64 = 512_000.0;
/// A block of ATA's statistics.
const ATA_SECTOR_BYTES: f64 = 512.0;
/// Entries that a SCSI self-test log has.
const SCSI_SELF_TESTS: usize = 20;

/// Fields of the answer that are read; the rest, mostly long logs, is passed over unread.
const KEPT: &[&str] = &[
    "ata_device_statistics",
    "ata_pending_defects_log",
    "ata_smart_attributes",
    "ata_smart_data",
    "ata_smart_error_log",
    "ata_smart_self_test_log",
    "device",
    "device_type",
    "devices",
    "endurance_used",
    "logical_unit_id",
    "model_family",
    "model_name",
    "nvme_composite_temperature_threshold",
    "nvme_self_test_log",
    "nvme_smart_health_information_log",
    "nvme_total_capacity",
    "power_cycle_count",
    "power_on_time",
    "rotation_rate",
    "scsi_environmental_reports",
    "scsi_error_counter_log",
    "scsi_grown_defect_list",
    "scsi_model_name",
    "scsi_pending_defects",
    "scsi_percentage_used_endurance_indicator",
    "scsi_product",
    "scsi_start_stop_cycle_counter",
    "scsi_temperature",
    "scsi_vendor",
    "serial_number",
    "smart_status",
    "smart_support",
    "smartctl",
    "spare_available",
    "temperature",
    "user_capacity",
    "vendor",
    "product",
];

/// Reads an answer; none where it is no JSON at all.
pub fn parse(text: &str) -> Option<Answer> {
    let start =
        text.find('{').filter(|start| text.get(..*start).is_some_and(|before| before.trim().is_empty()))?;
    let mut deserializer = serde_json::Deserializer::from_str(text.get(start..)?);
    let Ok(fields) = deserializer.deserialize_map(FieldsVisitor) else {
        return Some(Answer::Unreadable(Refusal {
            device: String::new(),
            why: "not JSON to its end".into(),
        }));
    };
    if let Some(devices) = fields.list("devices") {
        return Some(Answer::Devices(devices.iter().filter_map(device).collect()));
    }
    let drive = drive(&fields);
    if !drive.is_empty() {
        return Some(Answer::Drive(Box::new(drive)));
    }
    if messages(&fields).any(is_asleep) {
        return Some(Answer::Asleep);
    }
    let is_scan = fields.list("smartctl/argv").is_some_and(|words| {
        words.iter().any(|word| word.as_str().is_some_and(|word| word.starts_with("--scan")))
    });
    match messages(&fields).last() {
        None if is_scan => Some(Answer::Devices(vec![])),
        why => Some(Answer::Unreadable(Refusal {
            device: drive.device,
            why: why.unwrap_or_default().to_owned(),
        })),
    }
}

/// What smartctl said in words.
fn messages(fields: &Fields) -> impl Iterator<Item = &str> {
    fields.list("smartctl/messages").unwrap_or_default().iter().filter_map(|said| said["string"].as_str())
}

/// What smartctl says of attributes that are not what the drive meant to send, as of a virtual disk or a bad bridge.
pub fn is_garbled(message: &str) -> bool {
    message.contains("Attribute Data Structure error: invalid SMART checksum")
}

/// What smartctl says of a disk that sleeps and is not woken.
pub fn is_asleep(message: &str) -> bool {
    message.contains("Device is in ") && message.contains(" mode, exit(")
}

struct Fields(BTreeMap<String, Value>);

struct FieldsVisitor;

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = Fields;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("smartctl's answer")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
        let mut fields = BTreeMap::new();
        while let Some(key) = map.next_key::<String>()? {
            if KEPT.contains(&key.as_str()) || key.starts_with("scsi_self_test_") {
                fields.insert(key, map.next_value()?);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(Fields(fields))
    }
}

impl Fields {
    /// A field by its path, such as `temperature/current`.
    fn at(&self, path: &str) -> Option<&Value> {
        let (first, rest) = path.split_once('/').map_or((path, None), |(first, rest)| (first, Some(rest)));
        let top = self.0.get(first)?;
        rest.map_or(Some(top), |rest| top.pointer(&format!("/{rest}")))
    }

    fn number(&self, path: &str) -> Option<f64> {
        number(self.at(path)?)
    }

    /// The first of several that is a number.
    fn first(&self, paths: &[&str]) -> Option<f64> {
        paths.iter().find_map(|path| self.number(path))
    }

    fn flag(&self, path: &str) -> Option<bool> {
        self.at(path)?.as_bool()
    }

    fn text(&self, path: &str) -> Option<&str> {
        self.at(path)?.as_str().map(str::trim).filter(|text| !text.is_empty())
    }

    fn list(&self, path: &str) -> Option<&[Value]> {
        self.at(path)?.as_array().map(Vec::as_slice)
    }
}

fn number(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.trim().parse().ok())
}

fn device(value: &Value) -> Option<Device> {
    Some(Device::new(value["name"].as_str()?, value["type"].as_str().unwrap_or_default()))
}

fn drive(fields: &Fields) -> Drive {
    let mut drive = Drive {
        device: fields.text("device/name").map(str::to_owned).unwrap_or_else(|| refused_device(fields)),
        protocol: protocol(fields),
        device_type: fields.text("device_type/name").unwrap_or_default().to_ascii_lowercase(),
        model: model(fields),
        family: fields.text("model_family").unwrap_or_default().to_owned(),
        serial: fields.text("serial_number").unwrap_or_default().to_owned(),
        unit: fields.text("logical_unit_id").unwrap_or_default().to_ascii_lowercase(),
        has_smart: fields.flag("smart_support/available").or_else(|| fields.flag("smart_support")),
        is_smart_on: fields.flag("smart_support/enabled"),
        passed: fields.flag("smart_status/passed"),
        verdict_words: fields.text("smart_status/scsi/ie_string").unwrap_or_default().to_owned(),
        exit_status: fields.number("smartctl/exit_status").unwrap_or_default() as u8,
        ..Drive::default()
    };
    drive.has_health = drive.passed.is_some();
    drive.is_garbled = messages(fields).any(is_garbled);
    common(&mut drive, fields);
    match fields.at("nvme_smart_health_information_log").is_some_and(Value::is_object) {
        true => nvme(&mut drive, fields),
        false => {
            scsi(&mut drive, fields);
            ata(&mut drive, fields);
        }
    }
    drive
}

fn protocol(fields: &Fields) -> Protocol {
    match fields.text("device/protocol") {
        Some("ATA") => Protocol::Ata,
        Some("SCSI") => Protocol::Scsi,
        Some("NVMe") => Protocol::Nvme,
        Some(_) | None => Protocol::Unknown,
    }
}

fn model(fields: &Fields) -> String {
    let whole = ["model_name", "scsi_model_name"].into_iter().find_map(|path| fields.text(path));
    let parts = || {
        let part = |path: &str, other: &str| {
            fields.text(path).or_else(|| fields.text(other)).unwrap_or_default().to_owned()
        };
        format!("{} {}", part("scsi_vendor", "vendor"), part("scsi_product", "product")).trim().to_owned()
    };
    whole.map_or_else(parts, str::to_owned)
}

/// The device that could not be opened, which only a message names.
fn refused_device(fields: &Fields) -> String {
    messages(fields).find_map(opened_device).unwrap_or_default()
}

/// The device in `Smartctl open device: /dev/sda failed: …`.
pub fn opened_device(message: &str) -> Option<String> {
    let (_, rest) = message.split_once("open device: ")?;
    rest.split_whitespace().next().map(str::to_owned)
}

fn common(drive: &mut Drive, fields: &Fields) {
    // SAS drives that report their surroundings have it there alone, and nought at the usual place.
    let places = [
        "temperature/current",
        "scsi_temperature/current",
        "scsi_environmental_reports/temperature_1/current",
    ];
    let celsius = places.iter().find_map(|place| trusted_celsius(fields.number(place)));
    let limit = fields.first(&["temperature/drive_trip", "scsi_temperature/drive_trip"]);
    let flash_limits = ["temperature/critical_limit_max", "nvme_composite_temperature_threshold/critical"];
    drive.note(figure::TEMPERATURE, celsius);
    drive.note(figure::TEMPERATURE_LIMIT, trusted_celsius(limit));
    drive.note_flash_limit(fields.first(&flash_limits));
    drive.note(figure::POWER_ON_HOURS, trusted_hours(fields.number("power_on_time/hours")));
    drive.note(figure::POWER_CYCLES, fields.number("power_cycle_count"));
    let capacity = fields.number("user_capacity/bytes").or_else(|| fields.number("nvme_total_capacity"));
    drive.note(figure::CAPACITY, capacity);
    drive.note(figure::ROTATION, fields.number("rotation_rate"));
    drive.note(figure::WEAR, fields.number("endurance_used/current_percent"));
    drive.note(figure::SPARE, fields.number("spare_available/current_percent"));
    drive.note(figure::SPARE_MIN, fields.number("spare_available/threshold_percent"));
}

fn nvme(drive: &mut Drive, fields: &Fields) {
    let log = |name: &str| fields.number(&format!("nvme_smart_health_information_log/{name}"));
    drive.protocol = Protocol::Nvme;
    let told = [
        (figure::CRITICAL_WARNING, log("critical_warning")),
        (figure::WEAR, log("percentage_used")),
        (figure::SPARE, log("available_spare")),
        (figure::SPARE_MIN, log("available_spare_threshold")),
        (figure::UNCORRECTED, trusted_count(log("media_errors"))),
        (figure::ERROR_LOG, trusted_count(log("num_err_log_entries"))),
    ];
    // A log without any of them was not read.
    drive.has_health |= told.iter().any(|(_, value)| value.is_some());
    told.into_iter().for_each(|(name, value)| drive.note(name, value));
    drive.note(figure::UNSAFE_SHUTDOWNS, log("unsafe_shutdowns"));
    drive.note(figure::WRITTEN, log("data_units_written").map(|units| units * NVME_DATA_UNIT_BYTES));
    if drive.figure(figure::POWER_ON_HOURS).is_none() {
        drive.note(figure::POWER_ON_HOURS, trusted_hours(log("power_on_hours")));
    }
    if drive.figure(figure::TEMPERATURE).is_none() {
        drive.note(figure::TEMPERATURE, trusted_celsius(log("temperature")));
    }
    let tests = fields.list("nvme_self_test_log/table").unwrap_or_default();
    drive.self_tests = tests.iter().map(nvme_self_test).collect();
    drive.close();
}

/// Results 5 to 7 are faults, 0 a success; the others were ended from outside. Code 2 is the extended test.
fn nvme_self_test(test: &Value) -> SelfTest {
    let value = |path: &str| test.pointer(path).and_then(Value::as_u64);
    let outcome = match value("/self_test_result/value") {
        Some(0) => Outcome::Passed,
        Some(5..=7) => Outcome::Failed,
        Some(_) | None => Outcome::Open,
    };
    SelfTest { outcome, is_complete: value("/self_test_code/value") == Some(2) }
}

fn scsi(drive: &mut Drive, fields: &Fields) {
    drive.note(figure::REALLOCATED, trusted_count(fields.number("scsi_grown_defect_list")));
    let pending = fields.first(&["scsi_pending_defects/count", "ata_pending_defects_log/count"]);
    drive.note(figure::PENDING, trusted_count(pending));
    drive.note(figure::WEAR, fields.number("scsi_percentage_used_endurance_indicator"));
    let counters = ["read", "write", "verify"]
        .iter()
        .filter_map(|what| fields.number(&format!("scsi_error_counter_log/{what}/total_uncorrected_errors")))
        .filter_map(|errors| trusted_count(Some(errors)));
    let counters: Vec<f64> = counters.collect();
    if !counters.is_empty() {
        drive.note(figure::UNCORRECTED, Some(counters.iter().sum()));
    }
    drive.has_health |= !counters.is_empty() || drive.figure(figure::REALLOCATED).is_some();
    let year = fields.number("scsi_start_stop_cycle_counter/year_of_manufacture");
    drive.note(figure::MANUFACTURED, year.filter(|year| (1990.0..2100.0).contains(year)));
    let tests = (0..SCSI_SELF_TESTS).map_while(|place| fields.at(&format!("scsi_self_test_{place}")));
    drive.self_tests = tests.map(scsi_self_test).collect();
}

/// Results 3 to 7 are faults, 0 a success. Codes 2 and 6 are the long tests.
fn scsi_self_test(test: &Value) -> SelfTest {
    let value = |path: &str| test.pointer(path).and_then(Value::as_u64);
    let outcome = match value("/result/value") {
        Some(0) => Outcome::Passed,
        Some(3..=7) => Outcome::Failed,
        Some(_) | None => Outcome::Open,
    };
    SelfTest { outcome, is_complete: matches!(value("/code/value"), Some(2 | 6)) }
}

fn ata(drive: &mut Drive, fields: &Fields) {
    let rows = fields.list("ata_smart_attributes/table").unwrap_or_default();
    drive.attributes = rows.iter().filter_map(attribute).collect();
    let logs = ["extended", "standard"].map(|kind| format!("ata_smart_self_test_log/{kind}/table"));
    if let Some(tests) = logs.iter().find_map(|path| fields.list(path)) {
        drive.self_tests = tests.iter().map(ata_self_test).collect();
    }
    drive.last_self_test_failed = fields.flag("ata_smart_data/self_test/status/passed") == Some(false);
    let entries = ["extended", "summary"].map(|kind| format!("ata_smart_error_log/{kind}/count"));
    drive.note(figure::ERROR_LOG, entries.iter().find_map(|path| fields.number(path)));
    statistics(drive, fields);
    drive.close();
    interpret(drive);
    if drive.is_solid() {
        drive.note_flash_limit(fields.number("temperature/limit_max"));
    }
}

/// ATA's statistics mean the same with every maker.
fn statistics(drive: &mut Drive, fields: &Fields) {
    let pages = fields.list("ata_device_statistics/pages").unwrap_or_default();
    for row in pages.iter().filter_map(|page| page["table"].as_array()).flatten() {
        if row.pointer("/flags/valid").and_then(Value::as_bool) != Some(false) {
            statistic(drive, row["name"].as_str().unwrap_or_default(), number(&row["value"]));
        }
    }
}

/// One of ATA's statistics, by its name.
pub fn statistic(drive: &mut Drive, name: &str, value: Option<f64>) {
    match name {
        "Percentage Used Endurance Indicator" => drive.note(figure::WEAR, value),
        "Logical Sectors Written" => {
            drive.note(figure::WRITTEN, value.map(|sectors| sectors * ATA_SECTOR_BYTES))
        }
        _ => {}
    }
}

fn attribute(row: &Value) -> Option<Attribute> {
    Some(Attribute {
        id: u8::try_from(row["id"].as_u64()?).ok()?,
        name: row["name"].as_str().unwrap_or_default().to_owned(),
        value: number(&row["value"]),
        worst: number(&row["worst"]),
        is_prefail: row.pointer("/flags/prefailure").and_then(Value::as_bool).unwrap_or_default(),
        failed: match row["when_failed"].as_str() {
            Some("now") => Failed::Now,
            Some("past") => Failed::Past,
            Some(_) | None => Failed::No,
        },
        raw: row.pointer("/raw/string").and_then(Value::as_str).unwrap_or_default().to_owned(),
        raw_bits: row.pointer("/raw/value").and_then(Value::as_u64),
    })
}

/// The upper four bits of the status: 0 a success, 3 to 8 faults, others ended from outside or still running.
fn ata_self_test(test: &Value) -> SelfTest {
    let status = test.pointer("/status/value").and_then(Value::as_u64).map(|status| status >> 4);
    let passed = test.pointer("/status/passed").and_then(Value::as_bool);
    let outcome = match (status, passed) {
        (Some(0), _) | (None, Some(true)) => Outcome::Passed,
        (Some(3..=8), _) | (None, Some(false)) => Outcome::Failed,
        (Some(_) | None, _) => Outcome::Open,
    };
    let kind = test.pointer("/type/string").and_then(Value::as_str).unwrap_or_default();
    SelfTest { outcome, is_complete: kind.contains("Extended") }
}

#[cfg(test)]
mod tests;
