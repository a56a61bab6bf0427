//! The sensor over stand-in programs, and every recording read through it: `EXPECTED.tsv` says what its recorders' own
//! check made of a group of files.

use super::*;
use crate::sensor::testing::{recorded_files, script};
use std::fs;
use std::path::PathBuf;

mod families;

/// Groups of recordings read as their recorders say. Only ever raised.
const GROUPS_RIGHT_MIN: u32 = 66;

/// Reads as if `program` printed these files, one after another, whatever it is asked.
fn printed(program: &'static str, files: &[&PathBuf]) -> Vec<Component> {
    let folder = tempfile::tempdir().unwrap();
    let files: Vec<String> = files.iter().map(|path| format!("'{}'", path.display())).collect();
    answers(program, &format!("cat {}", files.join(" ")), folder.path())
}

fn answers(program: &'static str, commands: &str, folder: &Path) -> Vec<Component> {
    let stand_in = script(folder, program, commands);
    let paths = Paths { programs: [(program, stand_in)].into(), ..Paths::default() };
    components(&mut Raid::new(INTERVAL), &paths)
}

fn components(sensor: &mut Raid, paths: &Paths) -> Vec<Component> {
    match sensor.read(paths) {
        Ok(reading) => reading.components,
        Err(NoData::Absent) => vec![],
        Err(error) => panic!("{error}"),
    }
}

/// The name of the setting for a folder of recordings.
fn program_of(folder: &str) -> &'static str {
    match folder {
        "arcconf" | "arcconf-netdata" => "arcconf",
        "areca" => "areca",
        "cciss" => "cciss_vol_status",
        "dm" => "dmsetup",
        "dmraid" | "lsraid" => "dmraid",
        "hpacucli" | "ssacli" => "ssacli",
        "megacli" | "megacli-netdata" => "megacli",
        "mpt" => "mpt_status",
        "mvcli" => "mvcli",
        "perccli" => "perccli",
        "sas2ircu" => "sas2ircu",
        "sas3ircu" => "sas3ircu",
        "tw_cli" => "tw_cli",
        _ => "storcli",
    }
}

/// `ok`, `bad`, `unknown` or `none`, of the worst part.
fn worst(parts: &[Component]) -> &'static str {
    let rank = parts.iter().map(|part| crate::sensor::merge::rank(part.state)).max();
    match rank {
        None => "none",
        Some(0) => "ok",
        Some(1) => "unknown",
        Some(_) => "bad",
    }
}

/// Files of the recordings that hold no state at all: versions, lists of devices, answers that are errors.
fn tells_nothing(name: &str) -> bool {
    ["version", "lsscsi", "smartctl.out", "cciss0", "tw_cli/empty", "getctrlno", "no_controller", "pr207", "slot1", "slot3"]
        .iter()
        .any(|mark| name.contains(mark))
        || name.ends_with("issue157/controller.logicaldrive.all.show")
        || name.contains("issue32/bbustatus")
        || name.ends_with("sas2ircu-status.out")
        // `GETSTATUS` of a controller that is busy with nothing, or with what is no fault.
        || (name.contains("getstatus") && !name.ends_with("getstatus2"))
}

#[test]
fn every_recording_is_read_within_the_bounds_and_none_without_a_state_is_ok() {
    for (name, path) in recorded_files("raid") {
        let folder = name.split('/').nth(1).unwrap();
        if name.contains("mdstat") || name.ends_with(".tsv") || name.ends_with(".csv") {
            continue;
        }
        let parts = printed(program_of(folder), &[&path]);
        tram_proto::component::check(&parts).unwrap();
        for part in &parts {
            assert!(part.state == State::Ok || !part.reasons.is_empty(), "{name}: {part:?}");
        }
        if tells_nothing(&name) {
            assert_eq!(worst(&parts), "unknown", "{name}: {parts:?}");
        } else {
            let is_empty = ["dm/pr-134/lvm-only", "dmraid/pr60"].iter().any(|end| name.ends_with(end));
            assert_eq!(parts.is_empty(), is_empty, "{name}");
            let unknown: Vec<&Component> = parts.iter().filter(|part| part.state == State::Unknown).collect();
            assert!(unknown.is_empty(), "{name}: {unknown:?}");
        }
    }
}

/// A group of files, and the state that their recorders' check came to with its usual settings.
struct Group {
    folder: String,
    names: String,
    files: Vec<PathBuf>,
    state: String,
}

/// Rows of `EXPECTED.tsv`, but for those that say what the check makes of the same files with other settings.
fn groups() -> Vec<Group> {
    let files = recorded_files("raid");
    let Some((_, table)) = files.iter().find(|(name, _)| name.ends_with("EXPECTED.tsv")) else {
        return vec![];
    };
    let rows = fs::read_to_string(table).unwrap();
    let row = |line: &str| {
        let cells: Vec<&str> = line.split('\t').collect();
        let [folder, names, state, _message, settings @ ..] = cells.as_slice() else { return None };
        let is_unusual = settings.iter().any(|set| set.contains("=WARNING") || set.contains("=CRITICAL"));
        let paths = names.split('|').filter_map(|name| files.iter().find(|(known, _)| known == name));
        let files: Vec<PathBuf> = paths.map(|(_, path)| path.clone()).collect();
        let group =
            || Group { folder: (*folder).into(), names: (*names).into(), files, state: (*state).into() };
        (*folder != "kind" && !is_unusual).then(group)
    };
    rows.lines().filter_map(row).collect()
}

fn read(group: &Group) -> Vec<Component> {
    if group.folder != "mdstat" {
        return printed(program_of(&group.folder), &group.files.iter().collect::<Vec<_>>());
    }
    let folder = tempfile::tempdir().unwrap();
    fs::copy(&group.files[0], folder.path().join("mdstat")).unwrap();
    let sysfs = folder.path().join("sys");
    let paths = Paths { procfs: folder.path().to_owned(), sysfs, ..Paths::default() };
    crate::sensor::md::Md::default().read(&paths).map(|reading| reading.components).unwrap_or_default()
}

fn is_right(group: &Group, parts: &[Component]) -> bool {
    let found = worst(parts);
    let says = |reason: &str| parts.iter().any(|part| part.reasons.iter().any(|said| said == reason));
    match group.state.as_str() {
        "OK" => found == "ok",
        "CRITICAL" => found == "bad",
        "WARNING" => found == "bad" || found == "unknown",
        // A controller without arrays is no fault: the recorders' check does not know what to make of it.
        "UNKNOWN" => found == "ok" && group.names.contains("logicaldrive.slot"),
        "RESYNC" => (found == "ok" && says("resync")) || (found == "bad" && says("rebuilding")),
        "INACTIVE" => found == "none",
        other => panic!("{other}"),
    }
}

#[test]
fn groups_of_recordings_are_what_their_recorders_say() {
    let mut counts: BTreeMap<String, (u32, Vec<String>)> = BTreeMap::new();
    for group in groups() {
        let parts = read(&group);
        let (right, wrong) = counts.entry(group.folder.clone()).or_default();
        match is_right(&group, &parts) {
            true => *right += 1,
            false => wrong.push(format!("{} read as {}: {}", group.state, worst(&parts), group.names)),
        }
    }
    for (folder, (right, wrong)) in &counts {
        println!(
            "raid/{folder}: {} groups read, {right} right, {} wrong {wrong:?}",
            right + wrong.len() as u32,
            wrong.len()
        );
    }
    if !counts.is_empty() {
        let right: u32 = counts.values().map(|(right, _)| right).sum();
        assert!(right >= GROUPS_RIGHT_MIN, "{right} of {GROUPS_RIGHT_MIN}: {counts:#?}");
    }
}

#[test]
fn a_program_that_no_longer_answers_leaves_its_parts_unknown_not_gone() {
    let folder = tempfile::tempdir().unwrap();
    let answer = folder.path().join("answer");
    let stand_in = script(folder.path(), "x", &format!("cat '{}'", answer.display()));
    let paths = Paths { programs: [("mpt_status", stand_in)].into(), ..Paths::default() };
    let mut sensor = Raid::new(INTERVAL);
    fs::write(&answer, "ioc0 vol_id 0 type IM, 2 phy, 135 GB, state OPTIMAL, flags ENABLED\n").unwrap();
    assert_eq!(worst(&components(&mut sensor, &paths)), "ok");
    for broken in ["open /dev/mptctl: No such device\n", ""] {
        fs::write(&answer, broken).unwrap();
        let parts = components(&mut sensor, &paths);
        assert_eq!(parts.len(), 1);
        assert_eq!((parts[0].id.as_str(), parts[0].state), ("mpt0/v0", State::Unknown));
        assert_eq!(parts[0].reasons, ["cannot read"]);
    }
    let parts = components(&mut Raid::new(INTERVAL), &paths);
    assert_eq!((parts[0].id.as_str(), parts[0].state), ("mpt_status", State::Unknown));
    assert_eq!(parts[0].reasons, ["cannot read", "no answer"]);
}

#[test]
fn each_controller_that_a_program_tells_of_is_asked() {
    let folder = tempfile::tempdir().unwrap();
    let commands = "case $1 in getversion) echo 'Controllers found: 2';; getconfig) echo 'Controllers found: 2'
echo 'Controller information'; echo \"Controller Status : Optimal\"; echo \"Controller Model : $2\"; echo 'Temperature : 40 C';; esac";
    let stand_in = script(folder.path(), "x", commands);
    let paths = Paths { programs: [("arcconf", stand_in)].into(), ..Paths::default() };
    let reading = Raid::new(INTERVAL).read(&paths).unwrap();
    let found: Vec<(&str, &str)> =
        reading.components.iter().map(|part| (part.id.as_str(), part.model.as_str())).collect();
    assert_eq!(found, [("adaptec1", "1"), ("adaptec2", "2")]);
    assert!(reading.components.iter().all(|part| part.figures.is_empty()), "a temperature is a sample");
    let values = crate::sensor::testing::values(&reading);
    assert_eq!(values["hw.temperature{hw.id=adaptec2,hw.name=disk_controller}"], Some(40.0));
}

#[test]
fn a_host_without_these_programs_has_none() {
    let nowhere = tools::TOOLS.iter().all(|tool| program::find(&Paths::default(), tool.name).is_none());
    if nowhere {
        assert!(matches!(Raid::new(INTERVAL).read(&Paths::default()), Err(NoData::Absent)));
    }
    // A program that many hosts have is quiet where it finds nothing; one that was given is not.
    let told = || Told { why: "permission denied".into(), ..Told::default() };
    let dmsetup = tools::TOOLS.iter().find(|tool| tool.name == "dmsetup").unwrap();
    assert!(told().settle(dmsetup, false, vec![]).is_empty());
    assert_eq!(told().settle(dmsetup, true, vec![]).len(), 1);
}

#[test]
fn every_question_only_reads() {
    let reading = [
        "show",
        "info",
        "getconfig",
        "getstatus",
        "getversion",
        "LIST",
        "DISPLAY",
        "STATUS",
        "-AdpAllInfo",
        "-LDInfo",
        "-PDList",
        "-AdpBbuCmd",
        "status",
        "-V",
        "/dev/cciss/c0d0",
        "/dev/sg0",
        "-n",
        "-s",
        "-r",
    ];
    for tool in tools::TOOLS {
        assert!(program::PROGRAMS.iter().any(|(name, _)| *name == tool.name), "{}", tool.name);
        for question in tool.questions.iter().copied().flatten().filter(|question| !question.is_empty()) {
            assert!(question.iter().any(|word| reading.contains(word)), "{} {question:?}", tool.name);
            assert!(
                !question.iter().any(|word| ["set", "add", "del", "start", "modify"].contains(word)),
                "{question:?}"
            );
        }
    }
}
