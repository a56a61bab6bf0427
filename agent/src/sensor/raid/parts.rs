//! Gathers what the answers of one tool say of its parts: a part is named in several of them. Owns that a part whose
//! state no answer told is unknown, never ok. Pure.

use crate::sensor::merge::rank;
use crate::sensor::part;
use crate::sensor::raid::words::{self, Words};
use crate::sensor::sample::clean;
use crate::tree::tree;
use std::collections::{BTreeMap, BTreeSet};
use tram_proto::component::{Component, State};

/// A RAID array.
pub(super) const ARRAY: &str = "logical_disk";
/// A disk behind a controller.
pub(super) const DISK: &str = "physical_disk";
/// A controller.
pub(super) const CONTROLLER: &str = "disk_controller";
/// What keeps a controller's cache alive: a battery or a capacitor.
pub(super) const BATTERY: &str = "battery";
/// A box of disks.
pub(super) const ENCLOSURE: &str = "enclosure";

/// Noted of an array or controller whose write cache should be on and is not.
pub(super) const CACHE_OFF: &str = "write cache off";

/// More than a few. Of disks with one to ten such errors (SMART attribute 187, Backblaze 2013 to 2016) 79 failed in a
/// hundred disk-years, of those with up to a hundred 206. Controllers also count those of cables pulled and power lost.
const MEDIA_ERRORS_FEW: f64 = 10.0;

/// Figure that becomes a sample of its own, because it moves with each read.
pub(super) const TEMPERATURE: &str = "temperature_celsius";
/// Share done of a rebuild.
pub(super) const PROGRESS: &str = "rebuild_progress_ratio";

/// Parts so far.
#[derive(Debug, Default)]
pub(super) struct Parts(BTreeMap<(&'static str, String), Part>);

/// One part so far.
#[derive(Debug)]
pub(super) struct Part {
    component: Component,
    is_judged: bool,
    /// What it counts that is wrong with other parts.
    summaries: Vec<String>,
}

impl Parts {
    /// The part of this kind and id, new where it was not named before.
    pub(super) fn part(&mut self, kind: &'static str, id: &str) -> &mut Part {
        let id = key(id);
        let new = || Part { component: part::new(kind, &id), is_judged: false, summaries: vec![] };
        self.0.entry((kind, id.clone())).or_insert_with(new)
    }

    /// A part that was named before.
    pub(super) fn known(&mut self, kind: &'static str, id: &str) -> Option<&mut Part> {
        self.0.get_mut(&(kind, key(id)))
    }

    /// Every part of a kind named so far.
    pub(super) fn each(&mut self, kind: &'static str) -> impl Iterator<Item = &mut Part> {
        self.0.iter_mut().filter(move |((of, _), _)| *of == kind).map(|(_, part)| part)
    }

    /// How many parts were named.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The parts, those without a state unknown. A serial number that several parts of a kind share is none: it was
    /// blacked out, or never set.
    pub(super) fn finish(mut self) -> Vec<Component> {
        self.judge_caches();
        self.judge_summaries();
        let mut parts: Vec<Component> = self.0.into_values().map(Part::finish).collect();
        let mut count: BTreeMap<(String, String), usize> = BTreeMap::new();
        for part in parts.iter().filter(|part| !part.serial.is_empty()) {
            *count.entry((part.kind.clone(), part.serial.clone())).or_default() += 1;
        }
        for part in &mut parts {
            if count.get(&(part.kind.clone(), part.serial.clone())).is_some_and(|count| *count > 1) {
                part.serial.clear();
            }
        }
        parts
    }
}

impl Parts {
    /// A write cache is off while its battery is charging or learns its capacity: that is no fault, and passes; while the
    /// battery is bad, the battery is the fault. Otherwise the array is slower than it should be.
    fn judge_caches(&mut self) {
        let excused = |part: &&mut Part| {
            let rests = ["charging", "learning"].iter().any(|reason| part.has_reason(reason));
            is_bad(part.component.state) || rests
        };
        let excused: BTreeSet<String> =
            tree(self.each(BATTERY).filter(excused).map(|part| controller_of(part.id())));
        for part in self.0.values_mut().filter(|part| part.has_reason(CACHE_OFF)) {
            if !excused.contains(&controller_of(part.id())) {
                part.say(State::Degraded, CACHE_OFF);
            }
        }
    }

    /// What a controller counts that is wrong with its arrays and disks is wrong with itself only where none of them says
    /// so: one fault is one part's.
    fn judge_summaries(&mut self) {
        let is_told = |part: &&Part| part.component.kind != CONTROLLER && is_bad(part.component.state);
        let told: BTreeSet<String> =
            tree(self.0.values().filter(is_told).map(|part| controller_of(part.id())));
        for part in self.0.values_mut() {
            for reason in std::mem::take(&mut part.summaries) {
                let state =
                    if told.contains(&controller_of(part.id())) { State::Ok } else { State::Degraded };
                part.say(state, &reason);
            }
        }
    }
}

/// An id as it is sent: two that would be sent alike are one.
fn key(id: &str) -> String {
    let id = clean(id.trim());
    if id.is_empty() { "?".to_owned() } else { id }
}

fn controller_of(id: &str) -> String {
    id.split('/').next().unwrap_or_default().to_owned()
}

fn is_bad(state: State) -> bool {
    rank(state) > rank(State::Unknown)
}

impl Part {
    /// The tool's word for its state. What the table lacks is unknown, and the reason names it.
    pub(super) fn word(&mut self, words: Words, word: &str) {
        let (state, reason) = words::judge(words, word);
        self.say(state, &reason);
    }

    /// Says something that tells its state; an empty reason says nothing more.
    pub(super) fn say(&mut self, state: State, reason: &str) {
        self.is_judged = true;
        if state == State::Unknown {
            part::mark(&mut self.component, state, part::CANNOT_READ);
        }
        part::mark(&mut self.component, state, reason);
    }

    /// Says something that tells its state, in the tool's own words.
    pub(super) fn cite(&mut self, state: State, words: &str) {
        self.is_judged = true;
        part::quote(&mut self.component, state, words);
    }

    /// Says what a controller counts that is wrong with its arrays and disks.
    pub(super) fn summarise(&mut self, reason: &str) {
        self.is_judged = true;
        self.summaries.push(reason.to_owned());
    }

    /// Adds what does not tell its state by itself.
    pub(super) fn note(&mut self, reason: &str) {
        part::mark(&mut self.component, State::Ok, reason);
    }

    /// Adds the tool's own words, which do not tell its state by themselves.
    pub(super) fn quote(&mut self, words: &str) {
        part::quote(&mut self.component, State::Ok, words);
    }

    /// Gives it a figure where there is one.
    pub(super) fn figure(&mut self, key: &str, value: Option<f64>) {
        part::figure(&mut self.component, key, value);
    }

    /// How often a disk could not give its data back.
    pub(super) fn media_errors(&mut self, count: Option<f64>) {
        self.figure("media_errors", count);
        if count.is_some_and(|count| count > MEDIA_ERRORS_FEW) {
            self.say(State::Degraded, "unrecoverable media errors");
        }
    }

    /// Its maker's model, or an array's level.
    pub(super) fn model(&mut self, model: &str) {
        set(&mut self.component.model, model);
    }

    /// What people call it.
    pub(super) fn name(&mut self, name: &str) {
        set(&mut self.component.name, name);
    }

    /// Its serial number. One without a digit, or with stars, was blacked out.
    pub(super) fn serial(&mut self, serial: &str) {
        if serial.bytes().any(|byte| byte.is_ascii_digit()) && !serial.contains('*') {
            set(&mut self.component.serial, serial);
        }
    }

    /// What it is called among its kind.
    pub(super) fn id(&self) -> &str {
        &self.component.id
    }

    /// A figure that it was given.
    pub(super) fn figure_of(&self, key: &str) -> Option<f64> {
        self.component.figures.get(key).copied()
    }

    /// Whether this was said of it.
    pub(super) fn has_reason(&self, reason: &str) -> bool {
        self.component.reasons.iter().any(|said| said == reason)
    }

    fn finish(mut self) -> Component {
        if !self.is_judged {
            self.say(State::Unknown, "state not told");
        }
        self.component
    }
}

/// Keeps the first text that says something.
fn set(text: &mut String, told: &str) {
    let told = told.split_whitespace().collect::<Vec<_>>().join(" ");
    let is_nothing =
        ["", "-", "--", "N/A", "NA", "None", "Unknown", "Not Available"].contains(&told.as_str());
    if text.is_empty() && !is_nothing {
        *text = clean(&told);
    }
}
