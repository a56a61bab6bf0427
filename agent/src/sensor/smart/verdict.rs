//! Judges a disk by its own verdict and by the figures for which there is evidence. Pure; each state has its reasons.
//!
//! The levels come from the yearly failure rates of 87,068 drives (Backblaze 2013-2016; 2.3 % where a figure is 0):
//! reallocated sectors 1-10 9.8 %, 11-100 24 %, more 133 %; pending ones 1-10 73 %, more 265 %; those that an offline
//! scan could not read 1-10 139 %; uncorrectable errors 1 34 %, 3-6 50 %, 11-100 206 %; any two of the four 125 %. That is
//! of disks that turn: solid ones are judged by their wear, their spare and what they gave up. Timeouts and interface
//! errors foretell little, and old entries in the error log nothing.

use super::attribute::Failed;
use super::drive::{Drive, Protocol};
use super::figure;
use tram_proto::component::State;

/// What a figure is worth: above the first level the disk is degraded, above the second it will fail.
struct Level {
    figure: &'static str,
    words: &'static str,
    degraded_above: f64,
    failing_above: f64,
}

const NEVER: f64 = f64::INFINITY;

const fn level(figure: &'static str, words: &'static str, degraded_above: f64, failing_above: f64) -> Level {
    Level { figure, words, degraded_above, failing_above }
}

/// Of disks that turn.
const TURNING: &[Level] = &[
    level(figure::REALLOCATED, "reallocated sectors", 10.0, 100.0),
    level(figure::PENDING, "pending sectors", 0.0, 10.0),
    level(figure::OFFLINE_UNCORRECTABLE, "offline uncorrectable sectors", 0.0, 10.0),
    level(figure::UNCORRECTED, "uncorrected errors", 2.0, 10.0),
];

/// Of solid ones, which replace blocks as a matter of course.
const SOLID: &[Level] = &[
    level(figure::REALLOCATED, "reallocated sectors", 10.0, NEVER),
    level(figure::PENDING, "pending sectors", 10.0, NEVER),
    level(figure::OFFLINE_UNCORRECTABLE, "offline uncorrectable sectors", 2.0, NEVER),
    level(figure::UNCORRECTED, "uncorrected errors", 2.0, 100.0),
];

/// Of both. A quarter of the rated life left is the time to ask for money; a cable that damaged a hundred transfers is
/// worth a look.
const ANY: &[Level] = &[
    level(figure::END_TO_END, "end-to-end errors", 0.0, NEVER),
    level(figure::SPIN_RETRIES, "spin retries", 10.0, NEVER),
    level(figure::INTERFACE_CRC, "interface crc errors", 100.0, NEVER),
    level(figure::WEAR, "rated life used percent", 75.0, NEVER),
];

/// Signs of which any two together foretell a failure of a disk that turns.
const SIGNS: &[&str] =
    &[figure::REALLOCATED, figure::PENDING, figure::OFFLINE_UNCORRECTABLE, figure::UNCORRECTED];

/// Bits of NVMe's critical warning.
const CRITICAL: &[(u8, State, &str)] = &[
    (0x01, State::PredictedFailure, "spare below threshold"),
    (0x02, State::Degraded, "temperature outside its limits"),
    (0x04, State::PredictedFailure, "reliability degraded"),
    (0x08, State::Failed, "media read-only"),
    (0x10, State::PredictedFailure, "volatile memory backup failed"),
    (0x20, State::Degraded, "persistent memory region unreliable"),
];

/// Attributes that fall by faults, even where their maker counts them among those of age.
const FAULT_ATTRIBUTES: &[u8] = &[1, 5, 7, 10, 184, 187, 196, 197, 198];
/// Attributes that fall with the room's temperature.
const TEMPERATURE_ATTRIBUTES: &[u8] = &[190, 194];

/// smartctl's exit status: the drive could not be opened, or did not say what it is.
const EXIT_UNOPENED: u8 = 1 << 1;
/// smartctl's exit status: the drive says that it is failing.
const EXIT_FAILING: u8 = 1 << 3;
/// smartctl's exit status: self-tests failed since the last complete one that passed.
const EXIT_SELF_TEST: u8 = 1 << 7;
/// smartctl's exit status: an attribute that announces failure has fallen to its threshold.
const EXIT_BELOW_THRESHOLD: u8 = 1 << 4;

/// Its state, and why; nothing to say of one that is well.
pub fn judge(drive: &Drive) -> (State, Vec<String>) {
    if !drive.has_health {
        return (State::Unknown, vec![silence(drive).to_owned()]);
    }
    let mut found: Vec<(State, String)> = vec![];
    own_verdict(drive, &mut found);
    attributes(drive, &mut found);
    // The log itself says more than the status, where it was read.
    let is_said_failed = drive.exit_status & EXIT_SELF_TEST != 0 && drive.self_tests.is_empty();
    if drive.failed_self_tests() > 0 || is_said_failed {
        found.push((State::PredictedFailure, "self-test failed".into()));
    }
    figures(drive, &mut found);
    found.sort_by_key(|(state, _)| std::cmp::Reverse(rank(*state)));
    let state = found.first().map_or(State::Ok, |(state, _)| *state);
    (state, found.into_iter().map(|(_, reason)| reason).collect())
}

/// Why nothing is known of its health. Only `cannot read` is a fault of the reading.
fn silence(drive: &Drive) -> &'static str {
    let model = drive.model.to_ascii_lowercase();
    let is_made_up = ["virtual", "amazon elastic"].iter().any(|word| model.contains(word));
    // Every NVMe drive that one can touch keeps a health log.
    let is_unread = drive.is_garbled || drive.exit_status & EXIT_UNOPENED != 0;
    let should_say = is_unread || (drive.protocol == Protocol::Nvme && !is_made_up);
    match (drive.has_smart, drive.is_smart_on) {
        (Some(true), Some(false)) => "SMART is switched off",
        _ if drive.is_volume() => "volume without SMART of its own",
        (Some(true), _) => "cannot read",
        (None, _) if should_say => "cannot read",
        (Some(false) | None, _) => "no SMART",
    }
}

fn own_verdict(drive: &Drive, found: &mut Vec<(State, String)>) {
    let warning = drive.count(figure::CRITICAL_WARNING) as u8;
    let bits = || CRITICAL.iter().filter(|(bit, _, _)| warning & bit != 0);
    found.extend(bits().map(|(_, state, words)| (*state, (*words).to_owned())));
    let is_hot = drive.verdict_words.to_ascii_uppercase().contains("TEMPERATURE");
    let is_failing =
        drive.passed == Some(false) || (drive.passed.is_none() && drive.exit_status & EXIT_FAILING != 0);
    // NVMe and SCSI drives fail their own verdict by being too hot or too cold, too.
    if is_failing && is_hot {
        found.push((State::Degraded, "temperature outside its limits".into()));
    } else if is_failing
        && (drive.protocol != Protocol::Nvme
            || warning == 0
            || bits().any(|(_, state, _)| *state != State::Degraded))
    {
        found.push((State::PredictedFailure, "drive says it is failing".into()));
    }
    let (spare, least) = (drive.figure(figure::SPARE), drive.figure(figure::SPARE_MIN));
    // More than all of it, as 255, is no threshold.
    if spare.zip(least).is_some_and(|(spare, least)| spare < least && least <= 100.0) && warning & 1 == 0 {
        found.push((State::PredictedFailure, "spare below threshold".into()));
    }
    let (celsius, limit) = (drive.figure(figure::TEMPERATURE), drive.figure(figure::TEMPERATURE_LIMIT));
    let is_limit = |limit: f64| limit >= LIMIT_MIN_CELSIUS;
    if celsius.zip(limit).is_some_and(|(celsius, limit)| is_limit(limit) && celsius >= limit) {
        found.push((State::Degraded, "temperature outside its limits".into()));
    }
}

/// Below lie limits that were never set.
const LIMIT_MIN_CELSIUS: f64 = 40.0;

fn attributes(drive: &Drive, found: &mut Vec<(State, String)>) {
    for attribute in &drive.attributes {
        let is_fault = attribute.is_prefail || FAULT_ATTRIBUTES.contains(&attribute.id);
        let is_temperature = TEMPERATURE_ATTRIBUTES.contains(&attribute.id);
        let id = attribute.id;
        match attribute.failed {
            Failed::Now if is_temperature => {
                found.push((State::Degraded, "temperature outside its limits".into()))
            }
            Failed::Now if is_fault => {
                found.push((State::PredictedFailure, format!("attribute {id} below threshold")))
            }
            Failed::Now => found.push((State::Degraded, format!("attribute {id} below threshold"))),
            Failed::Past if is_fault && !is_temperature => {
                found.push((State::Degraded, format!("attribute {id} was below threshold")));
            }
            Failed::Past | Failed::No => {}
        }
    }
    let is_named = drive.attributes.iter().any(|attribute| attribute.failed == Failed::Now);
    if drive.exit_status & EXIT_BELOW_THRESHOLD != 0 && !is_named {
        found.push((State::PredictedFailure, "attribute below threshold".into()));
    }
}

fn figures(drive: &Drive, found: &mut Vec<(State, String)>) {
    let levels = if drive.is_solid() { SOLID } else { TURNING };
    for level in levels.iter().chain(ANY) {
        let value = drive.count(level.figure);
        let state = match value {
            value if value > level.failing_above => State::PredictedFailure,
            value if value > level.degraded_above => State::Degraded,
            _ => continue,
        };
        found.push((state, format!("{} {value}", level.words)));
    }
    let signs = SIGNS.iter().filter(|name| drive.count(name) > 0.0).count();
    if signs >= 2 && !drive.is_solid() {
        found.push((State::PredictedFailure, format!("{signs} signs of failing media")));
    }
}

fn rank(state: State) -> u8 {
    match state {
        State::Failed => 3,
        State::PredictedFailure => 2,
        State::Degraded | State::NeedsCleaning => 1,
        State::Ok | State::Unknown => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::super::attribute::Attribute;
    use super::super::drive::{Outcome, SelfTest};
    use super::*;

    fn drive(rotation: f64, figures: &[(&'static str, f64)]) -> Drive {
        let mut drive = Drive { passed: Some(true), has_health: true, ..Drive::default() };
        drive.note(figure::ROTATION, Some(rotation));
        for (name, value) in figures {
            drive.note(name, Some(*value));
        }
        drive
    }

    fn check(drive: &Drive, state: State, reasons: &[&str]) {
        assert_eq!(judge(drive), (state, reasons.iter().map(|reason| (*reason).to_owned()).collect()));
    }

    #[test]
    fn figures_count_by_what_they_foretell() {
        let turning = |figures| drive(7200.0, figures);
        check(&turning(&[]), State::Ok, &[]);
        check(&turning(&[(figure::REALLOCATED, 4.0), (figure::INTERFACE_CRC, 12.0)]), State::Ok, &[]);
        check(&turning(&[(figure::UNCORRECTED, 1.0), (figure::ERROR_LOG, 98.0)]), State::Ok, &[]);
        check(&turning(&[(figure::COMMAND_TIMEOUTS, 500.0)]), State::Ok, &[]);
        check(&turning(&[(figure::PENDING, 1.0)]), State::Degraded, &["pending sectors 1"]);
        check(
            &turning(&[(figure::REALLOCATED, 1040.0)]),
            State::PredictedFailure,
            &["reallocated sectors 1040"],
        );
        check(&turning(&[(figure::INTERFACE_CRC, 644.0)]), State::Degraded, &["interface crc errors 644"]);
        let two = turning(&[(figure::REALLOCATED, 1.0), (figure::UNCORRECTED, 1.0)]);
        check(&two, State::PredictedFailure, &["2 signs of failing media"]);
        check(&drive(0.0, &[(figure::PENDING, 1.0), (figure::REALLOCATED, 4.0)]), State::Ok, &[]);
        check(&drive(0.0, &[(figure::WEAR, 85.0)]), State::Degraded, &["rated life used percent 85"]);
    }

    #[test]
    fn the_drives_own_verdict_counts() {
        let failing = Drive { passed: Some(false), ..drive(7200.0, &[]) };
        check(&failing, State::PredictedFailure, &["drive says it is failing"]);
        let nvme = |warning: f64| Drive {
            protocol: Protocol::Nvme,
            passed: Some(warning == 0.0),
            ..drive(0.0, &[(figure::CRITICAL_WARNING, warning)])
        };
        check(&nvme(2.0), State::Degraded, &["temperature outside its limits"]);
        check(&nvme(4.0), State::PredictedFailure, &["reliability degraded", "drive says it is failing"]);
        assert_eq!(judge(&nvme(8.0)).0, State::Failed);
        let spare = drive(0.0, &[(figure::SPARE, 4.0), (figure::SPARE_MIN, 10.0)]);
        check(&spare, State::PredictedFailure, &["spare below threshold"]);
        check(&drive(0.0, &[(figure::SPARE, 64.0), (figure::SPARE_MIN, 255.0)]), State::Ok, &[]);
        let hot = Drive { verdict_words: "WARNING: SPECIFIED TEMPERATURE EXCEEDED".into(), ..failing };
        check(&hot, State::Degraded, &["temperature outside its limits"]);
    }

    #[test]
    fn attributes_at_their_threshold_count_by_what_they_tell() {
        let with = |id, is_prefail, failed| Drive {
            attributes: vec![Attribute { id, is_prefail, failed, ..Attribute::default() }],
            ..drive(7200.0, &[])
        };
        check(&with(184, false, Failed::Now), State::PredictedFailure, &["attribute 184 below threshold"]);
        check(&with(190, false, Failed::Past), State::Ok, &[]);
        check(&with(190, false, Failed::Now), State::Degraded, &["temperature outside its limits"]);
        check(&with(9, false, Failed::Now), State::Degraded, &["attribute 9 below threshold"]);
        check(&with(5, true, Failed::Past), State::Degraded, &["attribute 5 was below threshold"]);
        let unnamed = Drive { exit_status: EXIT_BELOW_THRESHOLD, ..drive(7200.0, &[]) };
        check(&unnamed, State::PredictedFailure, &["attribute below threshold"]);
    }

    #[test]
    fn a_failed_self_test_counts_until_a_complete_one_has_passed() {
        let test = |outcome, is_complete| SelfTest { outcome, is_complete };
        let (failed, short) = (test(Outcome::Failed, true), test(Outcome::Passed, false));
        let with = |tests: &[SelfTest]| Drive { self_tests: tests.to_vec(), ..drive(7200.0, &[]) };
        check(&with(&[short, failed]), State::PredictedFailure, &["self-test failed"]);
        check(&with(&[short, test(Outcome::Passed, true), failed]), State::Ok, &[]);
        check(&with(&[test(Outcome::Open, true)]), State::Ok, &[]);
        let said = |tests: &[SelfTest]| Drive { exit_status: EXIT_SELF_TEST, ..with(tests) };
        check(&said(&[]), State::PredictedFailure, &["self-test failed"]);
        check(&said(&[test(Outcome::Passed, true)]), State::Ok, &[]);
    }

    #[test]
    fn silence_is_never_ok() {
        let silent = |has_smart, is_smart_on, unit: &str| Drive {
            has_smart,
            is_smart_on,
            unit: unit.into(),
            ..Drive::default()
        };
        check(&silent(None, None, ""), State::Unknown, &["no SMART"]);
        let nvme = Drive { protocol: Protocol::Nvme, ..Drive::default() };
        check(&nvme, State::Unknown, &["cannot read"]);
        let in_a_cloud = Drive { model: "VMware Virtual NVMe Disk".into(), ..nvme };
        check(&in_a_cloud, State::Unknown, &["no SMART"]);
        // A virtual disk does not do all that it is asked; that is no fault.
        check(&Drive { exit_status: 4, ..Drive::default() }, State::Unknown, &["no SMART"]);
        check(&Drive { exit_status: 2, ..Drive::default() }, State::Unknown, &["cannot read"]);
        check(&silent(Some(true), Some(true), ""), State::Unknown, &["cannot read"]);
        check(&silent(Some(true), Some(false), ""), State::Unknown, &["SMART is switched off"]);
        check(&silent(Some(false), None, "0x600605b0"), State::Unknown, &["volume without SMART of its own"]);
    }
}
