//! Proof on recordings of real disks, where they are: each is read by the sensor as if smartctl had just said it, and the
//! verdict's levels are held against the histories of disks that failed and that did not.

use super::*;
use crate::sensor::testing::recorded_files;
use std::collections::BTreeSet;
use std::path::PathBuf;
use tram_proto::component::State;

/// What is known to differ from the labels, and why: old entries in the error log alone are no fault; two outputs that
/// were called unknown for what they lack say of their disks that they are well.
const KNOWN_WRONG: &[&str] = &[
    "smart-json/sme__ST3200820AS_16.json",
    "smart-text/lf__smartctl-v6-text-wd40efrx-crit-attrs.txt",
    "smart-text/smartcheck__no-information-section.txt",
];

/// Fields of a line of CSV, which may be quoted.
fn fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut is_quoted = false;
    let mut characters = line.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            // Doubled within quotes, it stands for itself.
            '"' if is_quoted && characters.next_if_eq(&'"').is_some() => fields.last_mut().unwrap().push('"'),
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => fields.push(String::new()),
            other => fields.last_mut().unwrap().push(other),
        }
    }
    fields
}

fn read(path: PathBuf, sysfs: &Path) -> Vec<Component> {
    let paths = Paths { sysfs: sysfs.into(), programs: [("smartctl", path)].into(), ..Paths::default() };
    Smart::new(INTERVAL).read(&paths).map(|reading| reading.components).unwrap_or_default()
}

fn is_bad(part: &Component) -> bool {
    matches!(part.state, State::Failed | State::PredictedFailure | State::Degraded)
}

fn is_right(condition: &str, parts: &[Component]) -> bool {
    match condition {
        "ok" | "synthetic" => !parts.iter().any(is_bad),
        "watch" => parts.iter().all(|part| part.state == State::Ok) && !parts.is_empty(),
        "warning" | "fault" => parts.iter().any(is_bad),
        _ => parts.iter().all(|part| part.state == State::Unknown),
    }
}

/// What the label's notes say of temperature and age, where they say it: `temp=32 poh=29029`.
fn differs(notes: &str, part: &Component) -> Option<String> {
    let words = [("temp=", "temperature_celsius"), ("poh=", "power_on_hours")];
    words.into_iter().find_map(|(word, name)| {
        let text = notes.split_whitespace().find_map(|part| part.strip_prefix(word))?;
        // A virtual disk's 0 °C is no temperature.
        let value = text.parse::<f64>().ok().filter(|value| *value > 0.0)?;
        (part.figures.get(name) != Some(&value)).then(|| format!("{name} is not {value}"))
    })
}

#[test]
fn recorded_disks_are_read_and_judged() {
    let sysfs = tempfile::tempdir().unwrap();
    let mut wrong = BTreeSet::new();
    for folder in ["smart-json", "smart-text"] {
        let files = recorded_files(folder);
        let Some((_, labels)) = files.iter().find(|(name, _)| name.ends_with("LABELS.csv")) else { continue };
        let labels = std::fs::read_to_string(labels).unwrap();
        let mut tally: std::collections::BTreeMap<String, (usize, usize)> = std::collections::BTreeMap::new();
        for label in labels.lines().skip(1).map(fields) {
            let (name, device, condition, notes) = (&label[0], &label[3], &label[4], label.last().unwrap());
            let Some((_, path)) = files.iter().find(|(file, _)| file == name) else { continue };
            let parts = read(path.clone(), sysfs.path());
            let count = tally.entry(condition.clone()).or_default();
            count.0 += 1;
            let other = parts.first().and_then(|part| differs(notes, part));
            let is_named = parts.iter().all(|part| part.model.contains(device.as_str()));
            if is_right(condition, &parts) && other.is_none() && is_named {
                count.1 += 1;
            } else {
                eprintln!("{name}: {condition}, found {parts:?} {other:?}");
                wrong.insert(name.clone());
            }
        }
        eprintln!("{folder}: condition (read, right) {tally:?}");
    }
    let unknown: Vec<_> = wrong.iter().filter(|name| !KNOWN_WRONG.contains(&name.as_str())).collect();
    assert!(unknown.is_empty(), "{unknown:#?}");
}

/// A drive with the figures of a row of Backblaze's history.
fn disk(row: &[String], columns: &[String]) -> Drive {
    let mut disk = Drive { passed: Some(true), has_health: true, ..Drive::default() };
    disk.note(figure::ROTATION, Some(7200.0));
    for (column, name) in [
        ("smart_5", figure::REALLOCATED),
        ("smart_187", figure::UNCORRECTED),
        ("smart_197", figure::PENDING),
        ("smart_198", figure::OFFLINE_UNCORRECTABLE),
        ("smart_10", figure::SPIN_RETRIES),
    ] {
        let place = columns.iter().position(|known| known == column);
        disk.note(name, place.and_then(|place| row.get(place)?.parse().ok()));
    }
    disk
}

#[test]
fn levels_catch_most_failures_that_smart_foretells_and_accuse_few_disks() {
    let files = recorded_files("smart-history");
    let Some((_, path)) = files.iter().find(|(name, _)| name.ends_with("hds-startstop.csv.gz")) else {
        return;
    };
    let path = path.display().to_string();
    let Ok(unpacked) = program::run(Path::new("/usr/bin/gzip"), &["-dc", &path], Duration::from_secs(60))
    else {
        eprintln!("skipped: no gzip");
        return;
    };
    let text = unpacked.text();
    let rows: Vec<Vec<String>> = text.lines().map(fields).collect();
    let columns = &rows[0];
    let at = |name: &str| columns.iter().position(|column| column == name).unwrap();
    let (serial, until, failed) = (at("serial_number"), at("tstop"), at("fails"));
    // The last row of each disk is its state when it failed, or when it was seen last.
    let mut last: BTreeMap<&str, &Vec<String>> = BTreeMap::new();
    for row in &rows[1..] {
        let end = |row: &[String]| row[until].parse::<f64>().unwrap_or_default();
        let known = last.entry(&row[serial]).or_insert(row);
        if end(row) >= end(known) {
            *known = row;
        }
    }
    let share = |has_failed: bool, is_counted: &dyn Fn(State) -> bool| {
        let group: Vec<_> = last.values().filter(|row| (row[failed] == "1") == has_failed).collect();
        let counted = group.iter().filter(|row| is_counted(verdict::judge(&disk(row, columns)).0)).count();
        100.0 * counted as f64 / group.len() as f64
    };
    let any = |state: State| state != State::Ok;
    let failing = |state: State| state == State::PredictedFailure;
    let (recall, alarms) = (share(true, &any), share(false, &any));
    let (recall_failing, alarms_failing) = (share(true, &failing), share(false, &failing));
    eprintln!("not ok: {recall:.1} % of failed, {alarms:.2} % of others");
    eprintln!("predicted failure: {recall_failing:.1} % of failed, {alarms_failing:.2} % of others");
    assert!(recall > 60.0 && alarms < 3.0, "{recall} {alarms}");
    assert!(recall_failing > 50.0 && alarms_failing < 1.6, "{recall_failing} {alarms_failing}");
}
