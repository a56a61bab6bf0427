//! Samples and components of what a management controller said. Pure. Owns which of its alarms count: a threshold that
//! was never set reads as nought, and what is said to be past it says nothing.

use crate::sensor::hwmon::judge::TRUSTED_RPM;
use crate::sensor::ipmi::fru::{MACHINE, supply_number};
use crate::sensor::ipmi::log::{self, Summary};
use crate::sensor::ipmi::said::{Said, kind_of};
use crate::sensor::ipmi::table::{Entry, Status};
use crate::sensor::ipmi::words::{self, Meaning};
use crate::sensor::sample::{SCALE_CELSIUS, SCALE_VOLTS, SCALE_WATTS, SCALE_WHOLE, clean, gauge};
use crate::sensor::{Reading, Sample, part};
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use tram_proto::component::{Component, State};
use tram_proto::sample as names;

/// What a part of a server, or the air that it takes in, can have as a limit.
const TRUSTED_LIMIT_CELSIUS: RangeInclusive<f64> = 20.0..=150.0;
/// What a sensor can answer.
const TRUSTED_CELSIUS: RangeInclusive<f64> = -100.0..=200.0;

/// What was said, as samples and components.
pub fn reading(said: &Said) -> Reading {
    let mut reading = Reading::default();
    let mut parts = said.parts.clone();
    for (entry, id) in said.entries.iter().zip(ids(&said.entries)) {
        reading.samples.extend(samples(entry, &id));
        judge(&mut parts, entry, &id);
    }
    if let Some(watts) = said.watts {
        let attributes = [(names::HW_ID, MACHINE), (names::HW_NAME, "DCMI")];
        reading.samples.push(gauge(names::POWER, "W", SCALE_WATTS, &attributes, Some(watts)));
    }
    for fault in said.faults.iter().flatten() {
        part::mark(find(&mut parts, "enclosure", MACHINE), State::Degraded, fault);
    }
    if let Some(events) = &said.events {
        tell(&mut parts, said, &log::summarise(events, said.now_s));
    }
    reading.components = parts;
    reading
}

/// An id for each sensor: its name, with its entity or its place among its namesakes where it shares the name.
fn ids(entries: &[Entry]) -> Vec<String> {
    let mut uses: BTreeMap<&str, usize> = BTreeMap::new();
    for entry in entries {
        *uses.entry(&entry.name).or_default() += 1;
    }
    let mut taken: BTreeMap<String, usize> = BTreeMap::new();
    let mut id = |entry: &Entry| {
        let is_shared = uses.get(entry.name.as_str()).is_some_and(|uses| *uses > 1);
        let id = match entry.entity {
            Some((number, instance)) if is_shared => format!("{} {number}.{instance}", entry.name),
            _ => entry.name.clone(),
        };
        let place = taken.entry(id.clone()).or_default();
        *place += 1;
        if *place > 1 { format!("{id}#{place}") } else { id }
    };
    entries.iter().map(&mut id).collect()
}

/// The thresholds that were set: in the table's order, those of nought left out, and each pair that leaves no room.
fn trusted(entry: &Entry) -> Option<[Option<f64>; 6]> {
    let mut limits = entry.limits?.map(|limit| limit.filter(|limit| *limit != 0.0));
    for (low, high) in [(0, 5), (1, 4), (2, 3)] {
        if let (Some(Some(below)), Some(Some(above))) = (limits.get(low), limits.get(high))
            && below >= above
        {
            limits[low] = None;
            limits[high] = None;
        }
    }
    Some(limits)
}

/// What the controller says of a sensor's thresholds, where there are any that it could mean.
fn status(entry: &Entry) -> Status {
    let has_none = trusted(entry).is_some_and(|limits| limits.iter().all(Option::is_none));
    if has_none && entry.status != Status::NoReading { Status::Ok } else { entry.status }
}

fn samples(entry: &Entry, id: &str) -> Vec<Sample> {
    let Some(value) = entry.value else { return vec![] };
    let (id, name) = ((names::HW_ID, id), (names::HW_NAME, entry.name.as_str()));
    let one = |sample: &str, unit, scale, value| vec![gauge(sample, unit, scale, &[id, name], value)];
    match entry.unit.as_str() {
        "degrees c" | "c" => temperatures(value, trusted(entry), [id, name]),
        "degrees f" | "f" => temperatures((value - 32.0) / 1.8, None, [id, name]),
        "rpm" => {
            one(names::FAN_SPEED, "rpm", SCALE_WHOLE, Some(value).filter(|rpm| TRUSTED_RPM.contains(rpm)))
        }
        "volts" | "v" => one(names::VOLTAGE, "V", SCALE_VOLTS, Some(value)),
        "watts" | "w" => one(names::POWER, "W", SCALE_WATTS, Some(value)),
        "amps" | "a" => one(names::CURRENT, "A", SCALE_VOLTS, Some(value)),
        _ => vec![],
    }
}

fn temperatures(value: f64, limits: Option<[Option<f64>; 6]>, on: [(&str, &str); 2]) -> Vec<Sample> {
    let value = Some(value).filter(|celsius| TRUSTED_CELSIUS.contains(celsius));
    let mut samples = vec![gauge(names::TEMPERATURE, "Cel", SCALE_CELSIUS, &on, value)];
    let [.., high, critical, last] = limits.unwrap_or_default();
    let is_limit = |limit: &f64| TRUSTED_LIMIT_CELSIUS.contains(limit);
    let limits = [("high.degraded", high), ("high.critical", critical.or(last))];
    for (limit_type, limit) in
        limits.into_iter().filter_map(|(kind, limit)| Some((kind, limit.filter(is_limit)?)))
    {
        let attributes = [on[0], on[1], (names::LIMIT_TYPE, limit_type)];
        samples.push(gauge(names::TEMPERATURE_LIMIT, "Cel", SCALE_CELSIUS, &attributes, Some(limit)));
    }
    samples
}

/// The part of a kind and id, made where there is none yet.
fn find<'a>(parts: &'a mut Vec<Component>, kind: &str, id: &str) -> &'a mut Component {
    let new = part::new(kind, id);
    let place = parts.iter().position(|known| known.kind == new.kind && known.id == new.id);
    let place = place.unwrap_or_else(|| {
        parts.push(new);
        parts.len() - 1
    });
    &mut parts[place]
}

fn judge(parts: &mut Vec<Component>, entry: &Entry, id: &str) {
    let kind = kind_of(entry);
    match entry.unit.is_empty() {
        _ if entry.status == Status::NoReading => {}
        true => judge_discrete(parts, entry, kind, id),
        false => judge_value(parts, entry, kind, id),
    }
}

fn judge_value(parts: &mut Vec<Component>, entry: &Entry, kind: &str, id: &str) {
    let state = match status(entry) {
        Status::Ok | Status::NoReading => State::Ok,
        Status::NonCritical => State::Degraded,
        Status::Critical | Status::NonRecoverable => State::Failed,
    };
    let is_own = matches!(entry.unit.as_str(), "degrees c" | "degrees f" | "c" | "f" | "rpm" | "volts" | "v");
    if is_own {
        let part = find(parts, kind, id);
        part.name = clean(&entry.name);
        if state != State::Ok {
            let (state, reason) = past(entry, kind, state);
            part::mark(part, state, reason);
        }
    } else if state != State::Ok {
        // Watts, amperes, percent: against the part that they are of, else against the machine.
        let (kind, id) = seat(kind, &entry.name, id, entry.entity);
        part::mark(find(parts, kind, &id), state, &format!("{} past its limit", entry.name));
    }
}

/// A battery that is low will fail; one that is past its last threshold has.
fn worse(state: State) -> State {
    if state == State::Failed { State::Failed } else { State::PredictedFailure }
}

/// In which direction a value is past its limits, in words.
fn past(entry: &Entry, kind: &str, state: State) -> (State, &'static str) {
    let value = entry.value.unwrap_or_default();
    let lower = trusted(entry).and_then(|[_, critical, low, ..]| low.or(critical));
    let is_low = lower.is_some_and(|limit| value <= limit);
    let reason = match kind {
        "fan" if value == 0.0 => "fan stopped",
        "fan" if is_low => "fan below its minimum speed",
        "fan" => "fan speed past its limit",
        "battery" if is_low || lower.is_none() => return (worse(state), "battery low"),
        "voltage" | "battery" if is_low => "voltage below its limit",
        "voltage" | "battery" => "voltage past its limit",
        _ if is_low => "temperature below its limit",
        _ if state == State::Failed => "temperature above its critical limit",
        _ => "temperature above its high limit",
    };
    (state, reason)
}

fn judge_discrete(parts: &mut Vec<Component>, entry: &Entry, kind: &str, id: &str) {
    let spelled =
        entry.bits.filter(|_| entry.states.is_empty()).map(|bits| words::spelled(kind, &entry.name, bits));
    let spelled = spelled.unwrap_or_default();
    let phrases = entry.states.iter().map(String::as_str).chain(spelled);
    let is_of_people = entry.states.iter().any(|phrase| words::is_of_people(phrase));
    let mut meanings: Vec<Meaning> =
        phrases.map(|phrase| words::meaning(kind, &entry.name, phrase)).collect();
    if meanings.contains(&Meaning::Missing) {
        return;
    }
    // What the table itself calls critical is, in whatever words. It warns of ports without a cable, too.
    let is_told = is_of_people || meanings.iter().any(|meaning| matches!(meaning, Meaning::Wrong(..)));
    if !is_told && matches!(entry.status, Status::Critical | Status::NonRecoverable) {
        meanings.push(Meaning::Wrong(State::Failed, "critical event"));
    }
    let (seat_kind, seat_id) = seat(kind, &entry.name, id, entry.entity);
    let is_machine = seat_id == MACHINE;
    for meaning in meanings {
        match meaning {
            Meaning::Wrong(state, reason) if is_machine => {
                part::mark(find(parts, seat_kind, &seat_id), state, &format!("{}: {reason}", entry.name));
            }
            Meaning::Wrong(state, reason) => {
                part::mark(named(parts, entry, seat_kind, &seat_id), state, reason)
            }
            Meaning::Present | Meaning::Redundant if !is_machine => {
                named(parts, entry, seat_kind, &seat_id);
            }
            Meaning::Present | Meaning::Redundant | Meaning::Missing | Meaning::Nothing => {}
        }
    }
}

fn named<'a>(parts: &'a mut Vec<Component>, entry: &Entry, kind: &str, id: &str) -> &'a mut Component {
    let part = find(parts, kind, id);
    if part.name.is_empty() && entry.name != id {
        part.name = clean(&entry.name);
    }
    part
}

/// The part that a sensor's complaint is against. Power supplies go by their number, under which their inventory knows
/// them too; what has no part of its own is the machine's.
fn seat<'a>(kind: &'a str, name: &str, id: &str, entity: Option<(u16, u16)>) -> (&'a str, String) {
    match kind {
        "power_supply" if !words::is_redundancy(name) => {
            let instance = entity.filter(|(number, _)| *number == words::ENTITY_POWER_SUPPLY);
            let number = supply_number(name).or_else(|| instance.map(|(_, instance)| instance.into()));
            (kind, number.map_or_else(|| id.to_owned(), |number| format!("PSU {number}")))
        }
        "power_supply" | "physical_disk" | "memory" | "battery" | "fan" | "cpu" | "temperature"
        | "voltage" => (kind, id.to_owned()),
        _ => ("enclosure", MACHINE.to_owned()),
    }
}

/// What stands in the log against parts, and the log's figures on the machine. Where a sensor answers now, its answer
/// counts and not what it once said; errors that pass leave nothing but their entry.
fn tell(parts: &mut Vec<Component>, said: &Said, summary: &Summary) {
    for standing in &summary.standing {
        let answers = |entry: &Entry| {
            let is_read = !entry.unit.is_empty() || !entry.states.is_empty() || entry.bits.is_some();
            entry.name == standing.name && is_read && entry.status != Status::NoReading
        };
        if !standing.is_passing && said.entries.iter().any(answers) {
            continue;
        }
        let (kind, id) = seat(standing.kind, &standing.name, &standing.name, None);
        let reason = match id.as_str() {
            MACHINE => format!("event log: {}: {}", standing.name, standing.reason),
            _ => format!("event log: {}", standing.reason),
        };
        part::mark(find(parts, kind, &id), standing.state, &reason);
    }
    let machine = find(parts, "enclosure", MACHINE);
    for (key, value) in [
        ("event_log_entries", summary.entries as f64),
        ("event_log_critical_entries", summary.critical as f64),
        ("event_log_corrected_memory_errors", summary.corrected as f64),
    ] {
        part::figure(machine, key, Some(value));
    }
    part::figure(machine, "event_log_newest_unix_seconds", summary.newest_s.map(|time_s| time_s as f64));
}
