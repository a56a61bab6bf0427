//! Units of systemd that have failed, or are started again and again. One part for each that is so, none for the others.
//! Owns what counts as that; knows nothing of what the units do.

use crate::sensor::sample::{SCALE_WHOLE, clean, counter, gauge};
use crate::sensor::{NoData, Paths, Reading, Sensor, part, program};
use crate::tree::tree;
use std::collections::BTreeMap;
use std::time::Duration;
use tram_proto::component::{Component, State};
use tram_proto::sample as names;

/// Kind of the parts.
const KIND: &str = "service";
/// A failed unit stays so until somebody looks.
const INTERVAL: Duration = Duration::from_secs(300);
const PATIENCE: Duration = Duration::from_secs(4);
/// Parts at most; a host with more of them has one cause.
const UNITS_MAX: usize = 32;
/// Starts between two reads that are no accident. systemd itself gives up after five in ten seconds, which units that
/// wait longer between their starts never reach.
const RESTARTS_MAX: u64 = 3;
const PROPERTIES: &str = "--property=Id,Description,ActiveState,SubState,Result,NRestarts,LoadState";

/// The sensor.
#[derive(Debug, Default)]
pub struct Services {
    /// Starts of each unit when it was last looked at.
    restarts: BTreeMap<String, u64>,
    /// Starts seen since the agent began.
    total: u64,
}

/// A unit, as far as it is of interest.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Unit {
    /// With its ending: `ssh.service`.
    pub id: String,
    description: String,
    has_failed: bool,
    result: String,
    /// Between two starts of one that keeps ending.
    waits_to_restart: bool,
    restarts: u64,
}

impl Sensor for Services {
    fn name(&self) -> &'static str {
        "services"
    }

    fn interval(&self) -> Option<Duration> {
        Some(INTERVAL)
    }

    fn read(&mut self, paths: &Paths) -> Result<Reading, NoData> {
        let is_given = paths.programs.contains_key("systemctl");
        // Where another init runs, systemctl may lie about all the same.
        if !is_given && !paths.rootfs.join("run/systemd/system").is_dir() {
            return Err(NoData::Absent);
        }
        let program = program::find(paths, "systemctl").ok_or(NoData::Absent)?;
        let units = ["*.service", "*.mount", "*.socket", "*.timer", "*.path", "*.swap"];
        let arguments = [&["show", "--no-pager", PROPERTIES, "--"][..], &units[..]].concat();
        let answer = program::run(&program, &arguments, PATIENCE)?;
        let units = parse(&answer.text());
        if units.is_empty() && answer.status != Some(0) {
            let why =
                answer.complaint.lines().next_back().unwrap_or("no answer that is understood").to_owned();
            return Err(NoData::Unreadable { what: program.display().to_string(), why });
        }
        Ok(self.judge(&units))
    }
}

impl Services {
    fn judge(&mut self, units: &[Unit]) -> Reading {
        let mut components: Vec<Component> = Vec::new();
        for unit in units {
            // A unit that was not there before has not been started again since.
            let before = self.restarts.get(&unit.id).copied().unwrap_or(unit.restarts);
            let more = unit.restarts.checked_sub(before).unwrap_or(unit.restarts);
            self.total += more;
            let is_looping = more >= RESTARTS_MAX || (more > 0 && unit.waits_to_restart);
            if (unit.has_failed || is_looping) && components.len() < UNITS_MAX {
                components.push(unit.part(is_looping));
            }
        }
        self.restarts = units
            .iter()
            .filter(|unit| unit.restarts > 0)
            .map(|unit| (unit.id.clone(), unit.restarts))
            .collect();
        let failed = units.iter().filter(|unit| unit.has_failed).count() as f64;
        let samples = vec![
            gauge(names::SERVICES_FAILED, "{service}", SCALE_WHOLE, &[], Some(failed)),
            counter(names::SERVICES_RESTARTS, "{restart}", SCALE_WHOLE, &[], Some(self.total as f64)),
        ];
        Reading { samples, components }
    }
}

impl Unit {
    fn part(&self, is_looping: bool) -> Component {
        let mut part = part::new(KIND, &self.id);
        part.name = clean(&self.description);
        if self.has_failed {
            let says_why = !["", "success"].contains(&self.result.as_str());
            let reason = if says_why { format!("failed: {}", self.result) } else { "failed".to_owned() };
            part::mark(&mut part, State::Failed, &reason);
        }
        if is_looping {
            part::mark(&mut part, State::Degraded, "restarts again and again");
        }
        part
    }
}

/// Units from what `systemctl show` prints, a block of `KEY=VALUE` each; or from the lines of `systemctl --failed`.
pub fn parse(text: &str) -> Vec<Unit> {
    let is_listing = !text.lines().any(|line| line.starts_with("Id="));
    if is_listing {
        return text.lines().filter_map(listed).collect();
    }
    text.split("\n\n").filter_map(block).collect()
}

fn block(text: &str) -> Option<Unit> {
    let fields: BTreeMap<&str, &str> = tree(text.lines().filter_map(|line| line.split_once('=')));
    let field = |name: &str| fields.get(name).copied().unwrap_or_default();
    let id = field("Id");
    // A unit that is only named by another has no file and says nothing of this host.
    (!id.is_empty() && field("LoadState") != "not-found").then(|| Unit {
        id: id.to_owned(),
        description: field("Description").to_owned(),
        has_failed: field("ActiveState") == "failed",
        result: field("Result").to_owned(),
        waits_to_restart: field("SubState") == "auto-restart",
        restarts: field("NRestarts").parse().unwrap_or_default(),
    })
}

/// `● ssh.service loaded failed failed OpenBSD Secure Shell server`.
fn listed(line: &str) -> Option<Unit> {
    let mut words = line.trim_start_matches(['●', '×', '*', ' ']).split_whitespace();
    let (id, _load, active, _sub) = (words.next()?, words.next()?, words.next()?, words.next()?);
    (id.contains('.') && active == "failed").then(|| Unit {
        id: id.to_owned(),
        description: words.collect::<Vec<_>>().join(" "),
        has_failed: true,
        ..Unit::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sensor::testing::{script, values};

    fn shown(id: &str, active: &str, result: &str, restarts: u64) -> String {
        format!(
            "Id={id}\nDescription=A unit\nLoadState=loaded\nActiveState={active}\nSubState=x\nResult={result}\nNRestarts={restarts}\n\n"
        )
    }

    #[test]
    fn failed_units_are_parts_and_others_are_not() {
        let text = [
            shown("a.service", "failed", "exit-code", 0),
            shown("b.service", "active", "success", 0),
            shown("c.mount", "failed", "success", 0),
        ]
        .concat();
        let reading = Services::default().judge(&parse(&text));
        let said: Vec<_> = reading
            .components
            .iter()
            .map(|part| (part.id.as_str(), part.state, part.reasons[0].as_str()))
            .collect();
        assert_eq!(
            said,
            [("a.service", State::Failed, "failed: exit-code"), ("c.mount", State::Failed, "failed")]
        );
        assert_eq!(reading.components[0].name, "A unit");
        assert_eq!(values(&reading)["tram.services.failed"], Some(2.0));
    }

    #[test]
    fn a_unit_that_is_started_again_and_again_is_told_and_one_start_is_not() {
        let mut services = Services::default();
        let mut read = |restarts| services.judge(&parse(&shown("a.service", "active", "success", restarts)));
        assert!(read(100).components.is_empty(), "how many there were before is not known");
        assert!(read(101).components.is_empty());
        let looping = read(105);
        assert_eq!(looping.components[0].reasons, ["restarts again and again"]);
        assert_eq!(values(&looping)["tram.services.restarts"], Some(5.0));
        let reset = read(1);
        assert!(reset.components.is_empty());
        assert_eq!(values(&reset)["tram.services.restarts"], Some(6.0));
    }

    #[test]
    fn a_listing_of_failed_units_is_read_too() {
        let text = "  UNIT LOAD ACTIVE SUB DESCRIPTION\n● nginx.service loaded failed failed A web server\n  srv.mount loaded failed failed /srv\n\nLOAD = Reflects\n2 loaded units listed.\n";
        let units = parse(text);
        assert_eq!(
            units.iter().map(|unit| unit.id.as_str()).collect::<Vec<_>>(),
            ["nginx.service", "srv.mount"]
        );
        assert_eq!(units[0].description, "A web server");
        assert!(parse("0 loaded units listed.\n").is_empty());
    }

    #[test]
    fn a_manager_that_does_not_answer_is_said_and_a_host_without_one_has_none() {
        let folder = tempfile::tempdir().unwrap();
        let mut paths = Paths { rootfs: folder.path().to_owned(), ..Paths::default() };
        assert!(matches!(Services::default().read(&paths), Err(NoData::Absent)));
        let broken = "echo 'System has not been booted with systemd' >&2; exit 1";
        paths.programs.insert("systemctl", script(folder.path(), "systemctl", broken));
        let error = Services::default().read(&paths).unwrap_err().to_string();
        assert!(error.ends_with("System has not been booted with systemd"), "{error}");
    }
}
