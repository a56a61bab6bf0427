//! RAID controllers, through the programs of their makers. Owns which program is asked what, and that a program which is
//! there and cannot be read is said, never left out. What an answer means is told from the answer itself, one file below
//! for each family of programs: a program may answer for another.

mod arcconf;
mod areca;
mod cciss;
mod dm;
mod ircu;
mod megacli;
mod mpt;
mod mvcli;
mod parts;
mod ssacli;
mod storcli;
mod text;
mod tools;
mod tw_cli;
mod words;
mod zpool;

use crate::sensor::raid::parts::{CONTROLLER, Parts, TEMPERATURE};
use crate::sensor::raid::tools::{TOOLS, Tool};
use crate::sensor::sample::{SCALE_CELSIUS, clean, gauge};
use crate::sensor::{NoData, Paths, Reading, Sample, Sensor, part, program};
use crate::tree::tree;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;
use tram_proto::component::{Component, State};
use tram_proto::sample as names;

/// How often controllers are asked unless set otherwise. Some programs hold up the controller while they read it.
pub const INTERVAL: Duration = Duration::from_secs(600);
/// One answer takes no longer; a program that hangs is not asked anything more this time.
const ANSWER_DEADLINE: Duration = Duration::from_secs(60);
/// All answers of all programs.
const DEADLINE: Duration = Duration::from_secs(480);
/// What is kept of a program's complaint, in a reason.
const COMPLAINT_CHARACTERS: usize = 120;

/// The sensor.
#[derive(Debug)]
pub struct Raid {
    interval: Duration,
    /// What each program told last: if it cannot be read once, its parts are unknown, not gone.
    told: BTreeMap<&'static str, Vec<Component>>,
}

impl Raid {
    /// Asking the programs this often.
    pub fn new(interval: Duration) -> Self {
        Self { interval, told: BTreeMap::new() }
    }
}

impl Sensor for Raid {
    fn name(&self) -> &'static str {
        "raid"
    }

    fn interval(&self) -> Option<Duration> {
        Some(self.interval)
    }

    fn deadline(&self) -> Duration {
        DEADLINE
    }

    fn read(&mut self, paths: &Paths) -> Result<Reading, NoData> {
        let mut components = Vec::new();
        for tool in TOOLS {
            let Some(place) = program::find(paths, tool.name) else { continue };
            let is_given = paths.programs.contains_key(tool.name);
            let known = self.told.remove(tool.name).unwrap_or_default();
            let told = ask(tool, &place).settle(tool, is_given, known);
            let is_old = program::is_old(&place);
            components.extend(told.iter().cloned().map(|mut part| {
                if is_old {
                    part.figures.remove(TEMPERATURE);
                }
                part
            }));
            self.told.insert(tool.name, told);
        }
        if components.is_empty() {
            return Err(NoData::Absent);
        }
        let samples = components.iter_mut().filter_map(temperature).collect();
        Ok(Reading { samples, components })
    }
}

/// What one program's answers came to.
#[derive(Debug, Default)]
struct Told {
    components: Vec<Component>,
    /// Whether an answer was the program's own, even if it told of no part.
    is_understood: bool,
    /// Whether it left something unanswered.
    is_cut: bool,
    /// Why nothing was told.
    why: String,
}

fn ask(tool: &Tool, place: &Path) -> Told {
    let mut told = Told::default();
    for questions in tool.questions {
        let mut parts = Parts::default();
        ask_all(tool, place, questions, &mut parts, &mut told);
        told.components = parts.finish();
        if !told.components.is_empty() || told.is_cut {
            break;
        }
    }
    told
}

fn ask_all(tool: &Tool, place: &Path, questions: &[&[&str]], parts: &mut Parts, told: &mut Told) {
    let mut controllers = Vec::new();
    let mut seen: BTreeSet<Vec<u8>> = BTreeSet::new();
    for question in questions {
        let is_each = question.iter().any(|word| word.contains("{}"));
        let numbers = if is_each { controllers.clone() } else { vec![tool.first] };
        for number in numbers {
            let arguments: Vec<String> =
                question.iter().map(|word| word.replace("{}", &number.to_string())).collect();
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            let answer = match program::run(place, &arguments, ANSWER_DEADLINE) {
                Ok(answer) => answer,
                Err(error) => {
                    told.is_cut = true;
                    told.why = error.to_string();
                    return;
                }
            };
            // A stand-in answers every question alike, and some programs answer as one what they are asked of each.
            if !seen.insert(answer.output.clone()) {
                continue;
            }
            let text = answer.text();
            if !is_each && controllers.is_empty() {
                controllers = (tool.controllers)(&text);
            }
            match understand(&text, number, parts) {
                Some(Ok(())) => told.is_understood = true,
                Some(Err(error)) => told.why = error,
                None if told.why.is_empty() => told.why = complaint(&text, &answer.complaint),
                None => {}
            }
        }
    }
}

/// Reads an answer by what is in it, whichever program gave it. The first family that finds parts in it has it.
fn understand(answer: &str, number: u32, parts: &mut Parts) -> Option<Result<(), String>> {
    let mut found = None;
    for family in tools::FAMILIES {
        let known = parts.len();
        match family(answer, number, parts) {
            Some(Ok(())) => return Some(Ok(())),
            Some(Err(_)) if parts.len() > known => return Some(Ok(())),
            Some(error) => found = Some(error),
            None => {}
        }
    }
    found
}

/// The first line of what a program said instead of an answer.
fn complaint(answer: &str, complaint: &str) -> String {
    let said =
        [complaint, answer].into_iter().flat_map(str::lines).map(str::trim).find(|line| !line.is_empty());
    said.map_or_else(
        || "no answer".to_owned(),
        |line| clean(&line.chars().take(COMPLAINT_CHARACTERS).collect::<String>()),
    )
}

impl Told {
    /// What is reported of a program, beside what was known of it.
    fn settle(mut self, tool: &Tool, is_given: bool, known: Vec<Component>) -> Vec<Component> {
        let is_quiet = tool.is_common && !is_given;
        let failed = self.is_cut || (self.components.is_empty() && !self.is_understood);
        if failed && !is_quiet {
            let told: BTreeSet<(String, String)> =
                tree(self.components.iter().map(|part| (part.kind.clone(), part.id.clone())));
            let lost = known.into_iter().filter(|part| !told.contains(&(part.kind.clone(), part.id.clone())));
            self.components.extend(lost.map(|part| Component {
                state: State::Unknown,
                reasons: vec![part::CANNOT_READ.to_owned()],
                ..part
            }));
        }
        // A program for what is in every host may well find no RAID; that of a controller should find the controller.
        let may_find_none = is_quiet || (tool.is_common && self.is_understood);
        if self.components.is_empty() && !may_find_none {
            let why = if self.why.is_empty() { "no controller, array or disk told" } else { &self.why };
            self.components.push(part::unreadable(CONTROLLER, tool.name, why));
        }
        self.components
    }
}

/// A temperature moves with each read: it is a sample, not a figure.
fn temperature(component: &mut Component) -> Option<Sample> {
    let celsius = component.figures.remove(TEMPERATURE)?;
    let attributes = [(names::HW_ID, component.id.as_str()), (names::HW_NAME, component.kind.as_str())];
    Some(gauge(names::TEMPERATURE, "Cel", SCALE_CELSIUS, &attributes, Some(celsius)))
}

#[cfg(unix)]
#[cfg(test)]
mod tests;
