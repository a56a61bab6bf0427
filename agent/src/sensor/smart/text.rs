//! smartctl's answer as text: what versions before 7.0 have, and recordings. Pure. The same result as from JSON.

use super::attribute::{Attribute, Failed, interpret, trusted_celsius, trusted_count, trusted_hours};
use super::drive::{Answer, Drive, Outcome, Protocol, Refusal, SelfTest};
use super::json::{is_asleep, is_garbled, opened_device, statistic};
use super::{figure, scan};

/// Units that NVMe counts written data in.
const NVME_DATA_UNIT_BYTES: f64 = 512_000.0;
/// Lowest of the results of an ATA self-test that are faults; the highest is 8.
const ATA_FAULTS: std::ops::RangeInclusive<u64> = 3..=8;

/// Reads an answer.
pub fn parse(text: &str) -> Answer {
    let drive = drive(text);
    if !drive.is_empty() {
        return Answer::Drive(Box::new(drive));
    }
    if text.lines().any(is_asleep) {
        return Answer::Asleep;
    }
    let devices: Vec<_> = text.lines().filter_map(scan::line).collect();
    if !devices.is_empty() {
        return Answer::Devices(devices);
    }
    Answer::Unreadable(Refusal { device: drive.device, why: complaint(text) })
}

/// Whether smartctl did not understand what it was asked: it is older than the option.
pub fn is_too_old(text: &str) -> bool {
    ["INVALID ARGUMENT", "UNRECOGNIZED OPTION", "invalid option", "unrecognized option"]
        .iter()
        .any(|words| text.contains(words))
}

/// The line that says what went wrong, else the last one that is not smartctl's heading.
fn complaint(text: &str) -> String {
    if let Some(line) = text.lines().find(|line| is_too_old(line)) {
        return line.trim().to_owned();
    }
    let is_heading = |line: &&str| {
        line.is_empty()
            || line.starts_with("smartctl ")
            || line.starts_with("Copyright")
            || line.starts_with("Home page")
            || line.starts_with("===")
    };
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !is_heading(line)).collect();
    let failed = lines.iter().find(|line| line.contains("failed"));
    failed.or(lines.last()).map(|line| (*line).to_owned()).unwrap_or_default()
}

fn drive(text: &str) -> Drive {
    let mut drive = Drive::default();
    let mut vendor = String::new();
    let mut uncorrected = None;
    for line in text.lines().map(str::trim_end) {
        drive.is_garbled |= is_garbled(line);
        if let Some(attribute) = attribute(line) {
            drive.attributes.push(attribute);
        } else if let Some(test) = self_test(line) {
            drive.self_tests.push(test);
        } else if let Some(errors) = uncorrected_errors(line) {
            uncorrected = Some(uncorrected.unwrap_or(0.0) + errors);
        } else if let Some((name, value)) = device_statistic(line) {
            statistic(&mut drive, name, Some(value));
        } else if let Some((key, value)) = line.split_once(':') {
            let (key, value) = (key.trim(), value.trim());
            if key == "Vendor" {
                vendor = value.to_owned();
            }
            identity(&mut drive, key, value);
            health(&mut drive, key, value);
            numbers(&mut drive, key, value);
        } else {
            sentence(&mut drive, line);
        }
    }
    if !vendor.is_empty() {
        drive.model = format!("{vendor} {}", drive.model).trim().to_owned();
    }
    if uncorrected.is_some() {
        drive.note(figure::UNCORRECTED, uncorrected);
        drive.has_health = true;
    }
    drive.close();
    interpret(&mut drive);
    drive
}

fn identity(drive: &mut Drive, key: &str, value: &str) {
    let word = || if value.starts_with('[') { String::new() } else { value.to_owned() };
    match key.to_ascii_lowercase().as_str() {
        "device model" | "product" => drive.model = word(),
        "model number" => (drive.model, drive.protocol) = (word(), Protocol::Nvme),
        "device" if value.contains("Version:") => {
            let model = value.split("Version:").next().unwrap_or_default();
            drive.model = model.split_whitespace().collect::<Vec<_>>().join(" ");
        }
        "model family" => drive.family = word(),
        "serial number" => drive.serial = word(),
        "logical unit id" => (drive.unit, drive.protocol) = (value.to_ascii_lowercase(), Protocol::Scsi),
        "device type" => (drive.device_type, drive.protocol) = (value.to_ascii_lowercase(), Protocol::Scsi),
        "ata version is" => drive.protocol = Protocol::Ata,
        "user capacity" | "total nvm capacity" | "namespace 1 size/capacity" => {
            let bytes = value.split("bytes").next().unwrap_or_default().split('[').next().unwrap_or_default();
            drive.note(figure::CAPACITY, digits(bytes).filter(|bytes| *bytes > 0.0));
        }
        "rotation rate" if value.contains("Solid State") => drive.note(figure::ROTATION, Some(0.0)),
        "rotation rate" => drive.note(figure::ROTATION, first_number(value)),
        "smartctl open device" => {
            drive.device = opened_device(&format!("open device: {value}")).unwrap_or_default()
        }
        _ => {}
    }
}

fn health(drive: &mut Drive, key: &str, value: &str) {
    let verdict = match key {
        "SMART overall-health self-assessment test result" if value.starts_with("PASSED") => Some(true),
        "SMART overall-health self-assessment test result" if value.starts_with("FAILED") => Some(false),
        "SMART Health Status" if value.starts_with("OK") || value == "PASSED" => Some(true),
        "SMART Health Status" if !value.is_empty() => {
            drive.verdict_words = value.to_owned();
            Some(false)
        }
        "SMART support is" => {
            match value.split([' ', '-']).next() {
                Some("Available") => drive.has_smart = Some(true),
                Some("Unavailable") => drive.has_smart = Some(false),
                Some("Enabled") => drive.is_smart_on = Some(true),
                Some("Disabled") => drive.is_smart_on = Some(false),
                Some(_) | None => {}
            }
            None
        }
        "Self-test execution status" => {
            drive.last_self_test_failed =
                first_number(value).is_some_and(|status| ATA_FAULTS.contains(&((status as u64) >> 4)));
            None
        }
        _ => None,
    };
    if verdict.is_some() {
        drive.passed = verdict;
        drive.has_health = true;
    }
}

fn numbers(drive: &mut Drive, key: &str, value: &str) {
    let number = || digits(value.split(['%', '[', 'C']).next().unwrap_or_default());
    let last_number = || digits(value.rsplit('/').next().unwrap_or_default());
    match key {
        "Current Drive Temperature" | "Temperature" | "Current Temperature" => {
            drive.note(figure::TEMPERATURE, trusted_celsius(number()).filter(|_| !value.starts_with('-')));
        }
        "Critical Comp. Temp. Threshold" => drive.note_flash_limit(number()),
        "Min/Max Temperature Limit" if drive.is_solid() => drive.note_flash_limit(last_number()),
        "Drive Trip Temperature" => drive.note(figure::TEMPERATURE_LIMIT, trusted_celsius(number())),
        "Elements in grown defect list" => {
            drive.note(figure::REALLOCATED, trusted_count(number()));
            drive.has_health |= number().is_some();
        }
        "Percentage used endurance indicator" | "Percentage Used" => drive.note(figure::WEAR, number()),
        "Critical Warning" => {
            let bits = value.strip_prefix("0x").and_then(|digits| u8::from_str_radix(digits, 16).ok());
            drive.note(figure::CRITICAL_WARNING, bits.map(f64::from));
            drive.has_health |= bits.is_some();
        }
        "Available Spare" => drive.note(figure::SPARE, number()),
        "Available Spare Threshold" => drive.note(figure::SPARE_MIN, number()),
        "Data Units Written" => {
            drive.note(figure::WRITTEN, number().map(|units| units * NVME_DATA_UNIT_BYTES))
        }
        "Power Cycles" => drive.note(figure::POWER_CYCLES, number()),
        "Power On Hours" => drive.note(figure::POWER_ON_HOURS, trusted_hours(number())),
        "Unsafe Shutdowns" => drive.note(figure::UNSAFE_SHUTDOWNS, number()),
        "Media and Data Integrity Errors" => drive.note(figure::UNCORRECTED, trusted_count(number())),
        "Error Information Log Entries" | "ATA Error Count" | "Device Error Count" => {
            let entries = digits(value.split('(').next().unwrap_or_default());
            drive.note(figure::ERROR_LOG, trusted_count(entries));
        }
        // `hours:minutes 9153:46 [549226 minutes]` after the first colon.
        "Accumulated power on time, hours" => {
            let hours = value.strip_prefix("minutes ").and_then(|time| time.split(':').next());
            drive.note(figure::POWER_ON_HOURS, hours.and_then(digits));
        }
        _ => {}
    }
}

/// What is said without a colon.
fn sentence(drive: &mut Drive, line: &str) {
    let line = line.trim();
    if line.contains("No Errors Logged") {
        drive.figures.entry(figure::ERROR_LOG).or_insert(0.0);
    } else if line.starts_with("Device supports SMART and is ") {
        (drive.has_smart, drive.is_smart_on) = (Some(true), Some(line.contains("is Enabled")));
    } else if line.starts_with("Device does not support SMART") {
        drive.has_smart = Some(false);
    } else if line.starts_with("NO MEDIUM present") {
        drive.has_no_medium = true;
    } else if let Some(hours) = line.strip_prefix("number of hours powered up = ") {
        drive.note(figure::POWER_ON_HOURS, hours.split('.').next().and_then(digits));
    } else if let Some((_, year)) =
        line.strip_prefix("Manufactured in week ").and_then(|rest| rest.split_once("of year "))
    {
        drive.note(figure::MANUFACTURED, digits(year).filter(|year| (1990.0..2100.0).contains(year)));
    }
}

/// A row of the table of attributes, in either of its two shapes:
/// `ID# ATTRIBUTE_NAME FLAG VALUE WORST THRESH TYPE UPDATED WHEN_FAILED RAW_VALUE` and
/// `ID# ATTRIBUTE_NAME FLAGS VALUE WORST THRESH FAIL RAW_VALUE`.
fn attribute(line: &str) -> Option<Attribute> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let [id, name, flag, value, worst, threshold, rest @ ..] = words.as_slice() else { return None };
    let is_level =
        |word: &&str| *word == "---" || (word.len() <= 3 && word.bytes().all(|byte| byte.is_ascii_digit()));
    let id: u8 = id.parse().ok().filter(|id| *id > 0)?;
    if ![value, worst, threshold].into_iter().all(is_level) {
        return None;
    }
    let is_brief = flag.len() == 6 && flag.bytes().all(|byte| b"POSRCK-+".contains(&byte));
    let (is_prefail, failed, raw) = match rest {
        [kind, _, failed, raw @ ..] if flag.starts_with("0x") => (*kind == "Pre-fail", *failed, raw),
        [failed, raw @ ..] if is_brief => (flag.starts_with('P'), *failed, raw),
        _ => return None,
    };
    Some(Attribute {
        id,
        name: (*name).to_owned(),
        value: value.parse().ok(),
        worst: worst.parse().ok(),
        is_prefail,
        failed: match failed {
            "FAILING_NOW" | "NOW" => Failed::Now,
            "In_the_past" | "Past" => Failed::Past,
            _ => Failed::No,
        },
        raw: raw.join(" "),
        raw_bits: None,
    })
}

/// A row of a self-test log. ATA's and SCSI's begin with `# 1`, NVMe's with the number alone.
fn self_test(line: &str) -> Option<SelfTest> {
    let line = line.trim_start();
    let numbered = line.strip_prefix('#').unwrap_or(line).trim_start();
    let rest = numbered.trim_start_matches(|character: char| character.is_ascii_digit());
    if rest.len() == numbered.len() || !rest.starts_with(' ') {
        return None;
    }
    let rest = rest.trim_start();
    const KINDS: &[&str] = &[
        "Short",
        "Extended",
        "Conveyance",
        "Selective",
        "Background",
        "Foreground",
        "Offline",
        "Vendor",
        "Reserved",
    ];
    if !KINDS.iter().any(|kind| rest.starts_with(kind)) {
        return None;
    }
    let is_complete = rest.starts_with("Extended") || rest.contains("ground long");
    // What ended a test from outside says nothing of the disk, whatever else the row has.
    let has = |words: &[&str]| words.iter().any(|words| rest.contains(words));
    let outcome = if has(&["Aborted", "Interrupted", "in progress", "aborted"]) {
        Outcome::Open
    } else if has(&["Completed: ", "Completed, ", "Failed in", "failed", "failure", "Fatal", "Unknown error"])
    {
        Outcome::Failed
    } else if has(&["Completed"]) {
        Outcome::Passed
    } else {
        Outcome::Open
    };
    Some(SelfTest { outcome, is_complete })
}

/// The last column of SCSI's error counters: `read: 0 8 0 8 60614 16772.475 0`.
fn uncorrected_errors(line: &str) -> Option<f64> {
    let (what, counters) = line.split_once(':')?;
    let counters: Vec<&str> = counters.split_whitespace().collect();
    let is_row = matches!(what.trim(), "read" | "write" | "verify") && counters.len() == 7;
    trusted_count(counters.last().filter(|_| is_row)?.parse().ok())
}

/// A row of ATA's statistics: `0x07  0x008  1   6  N--  Percentage Used Endurance Indicator`.
fn device_statistic(line: &str) -> Option<(&str, f64)> {
    let mut words = line.split_whitespace();
    let (page, offset) = (words.next()?, words.next()?);
    if !page.starts_with("0x") || !offset.starts_with("0x") {
        return None;
    }
    let value = words.nth(1)?.parse().ok()?;
    let flags = words.next()?;
    let (_, name) = line.split_once(&format!(" {flags} "))?;
    Some((name.trim(), value))
}

/// A number with whatever a language puts between its thousands.
fn digits(text: &str) -> Option<f64> {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    digits.parse().ok()
}

/// The first run of digits.
fn first_number(text: &str) -> Option<f64> {
    let start = text.find(|character: char| character.is_ascii_digit())?;
    let rest = text.get(start..)?;
    let end = rest.find(|character: char| !character.is_ascii_digit()).unwrap_or(rest.len());
    rest.get(..end)?.parse().ok()
}

#[cfg(test)]
mod tests;
