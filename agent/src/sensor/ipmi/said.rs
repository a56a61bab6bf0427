//! Everything that a management controller said, told apart by what it looks like: the same program prints one thing or
//! another, and a stand-in may print the same whatever it is asked. Pure; knows nothing of programs.

use crate::sensor::ipmi::log::{self, Event};
use crate::sensor::ipmi::table::{self, Entry, Header};
use crate::sensor::ipmi::{fru, words};
use tram_proto::component::Component;

/// Faults of the whole machine in `chassis status`, and what they are called here.
const CHASSIS: &[(&str, &str)] = &[
    ("power overload", "power overload"),
    ("main power fault", "main power fault"),
    ("power control fault", "power control fault"),
    ("drive fault", "drive fault"),
    ("cooling/fan fault", "cooling fault"),
];

/// What was said so far.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Said {
    /// Sensors.
    pub entries: Vec<Entry>,
    /// The event log; none: it was not asked for.
    pub events: Option<Vec<Event>>,
    /// The controller's clock.
    pub now_s: Option<i64>,
    /// Parts of its inventories.
    pub parts: Vec<Component>,
    /// What the machine draws.
    pub watts: Option<f64>,
    /// Faults of the whole machine; none: it was not asked.
    pub faults: Option<Vec<&'static str>>,
    /// Whether anything was understood.
    pub is_understood: bool,
}

impl Said {
    /// Takes in one program's answer. What it says again is not counted twice.
    pub fn take(&mut self, text: &str) {
        let mut part = Self::default();
        if text.contains("FRU Device Description") || text.contains("FRU Inventory Device") {
            part.parts = fru::parse(text);
            part.is_understood = true;
        } else if text.contains("DMI type") || text.trim_start().starts_with("# dmidecode") {
            part.parts = fru::parse_dmidecode(text);
            part.is_understood = true;
        } else {
            part.take_lines(text);
        }
        self.join(part);
    }

    fn take_lines(&mut self, text: &str) {
        let (mut sensors, mut events): (Option<Header>, Option<Vec<String>>) = (None, None);
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            let cells = table::cells(line);
            if let Some(header) = Header::parse(&cells) {
                (sensors, events) = (Some(header), None);
                self.is_understood = true;
            } else if let Some(header) = log::header(&cells) {
                (sensors, events) = (None, Some(header));
                self.events.get_or_insert_default();
            } else {
                self.take_line(line, &cells, sensors.as_ref(), events.as_deref());
            }
        }
        self.is_understood |= !self.entries.is_empty() || self.events.is_some() || self.now_s.is_some();
    }

    fn take_line(&mut self, line: &str, cells: &[&str], sensors: Option<&Header>, events: Option<&[String]>) {
        let entry = match sensors {
            Some(header) => table::freeipmi_row(header, cells),
            None if table::is_freeipmi(cells) => {
                Header::of_row(cells).and_then(|header| table::freeipmi_row(&header, cells))
            }
            None => {
                table::sensor_row(cells).or_else(|| table::elist_row(cells)).or_else(|| table::sdr_row(cells))
            }
        };
        let event = match events {
            Some(header) => log::freeipmi_row(header, cells),
            None => log::row(cells),
        };
        if let Some(entry) = entry {
            self.entries.push(entry);
        } else if let Some(event) = event {
            self.events.get_or_insert_default().push(event);
        } else if line.trim() == "SEL has no entries" {
            self.events.get_or_insert_default();
        } else if let [stamp] = cells {
            let (date, time) = stamp.split_once(' ').unwrap_or((stamp, ""));
            self.now_s = self.now_s.or_else(|| log::time_s(date, time.trim()));
            self.take_pair(line);
        }
    }

    /// Lines of `dcmi power reading`, `chassis status` and `mc info`.
    fn take_pair(&mut self, line: &str) {
        let Some((key, value)) = line.split_once(':') else { return };
        let (key, value) = (key.trim().to_lowercase(), value.trim());
        if key == "instantaneous power reading" || key == "current power" {
            let number = value.split_whitespace().next().and_then(|number| number.parse().ok());
            self.watts = number.filter(|watts| *watts > 0.0);
            self.is_understood = true;
        } else if let Some((_, fault)) = CHASSIS.iter().find(|(known, _)| *known == key) {
            let faults = self.faults.get_or_insert_default();
            faults.extend(value.eq_ignore_ascii_case("true").then_some(*fault));
            self.is_understood = true;
        } else if key == "firmware revision" {
            self.is_understood = true;
        }
    }

    /// Adds what changes so rarely that it is not asked for each time: thresholds and inventories.
    pub fn recall(&mut self, slow: &Self) {
        let mut is_used = vec![false; slow.entries.len()];
        for entry in &mut self.entries {
            let known = find(&slow.entries, &mut is_used, entry).and_then(|place| slow.entries.get(place));
            entry.limits = entry.limits.or(known.and_then(|known| known.limits));
        }
        if self.parts.is_empty() {
            self.parts.clone_from(&slow.parts);
        }
    }

    fn join(&mut self, other: Self) {
        // Tables list their sensors in one order: the second of a name is the second of the other table, too.
        let mut is_used = vec![false; self.entries.len()];
        for entry in other.entries {
            let place = find(&self.entries, &mut is_used, &entry);
            match place.and_then(|place| self.entries.get_mut(place)) {
                Some(known) => complete(known, entry),
                None => self.entries.push(entry),
            }
        }
        for part in other.parts {
            let is_known = |known: &Component| known.kind == part.kind && known.id == part.id;
            if !self.parts.iter().any(is_known) {
                self.parts.push(part);
            }
        }
        // An answer that comes again is the same log, not more of it.
        if other
            .events
            .as_ref()
            .is_some_and(|events| self.events.as_ref().is_none_or(|known| known.len() < events.len()))
        {
            self.events = other.events;
        }
        self.now_s = self.now_s.or(other.now_s);
        self.watts = self.watts.or(other.watts);
        if self.faults.is_none() {
            self.faults = other.faults;
        }
        self.is_understood |= other.is_understood;
    }
}

/// The first sensor not used yet that may be the same as one of another table: of its name, its entity and its kind of
/// reading.
fn find(known: &[Entry], is_used: &mut [bool], other: &Entry) -> Option<usize> {
    let is_same = |entry: &Entry| {
        let agree = entry.entity.is_none() || other.entity.is_none() || entry.entity == other.entity;
        entry.name == other.name && agree && entry.unit.is_empty() == other.unit.is_empty()
    };
    let free = known.iter().zip(is_used.iter_mut()).enumerate();
    let (place, (_, is_used)) =
        free.into_iter().find(|(_, (entry, is_used))| !**is_used && is_same(entry))?;
    *is_used = true;
    Some(place)
}

/// Adds what another table knows of a sensor.
fn complete(known: &mut Entry, other: Entry) {
    known.limits = known.limits.or(other.limits);
    known.entity = known.entity.or(other.entity);
    known.bits = known.bits.or(other.bits);
    if known.states.is_empty() {
        known.states = other.states;
    }
    if known.value.is_none() && other.value.is_some() {
        (known.value, known.unit, known.status) = (other.value, other.unit, other.status);
    }
}

/// The kind of part that a sensor watches; those that measure something watch what their unit says.
pub fn kind_of(entry: &Entry) -> &'static str {
    let by_name = words::kind(&entry.kind, entry.entity.map(|(id, _)| id), &entry.name);
    match entry.unit.as_str() {
        "degrees c" | "degrees f" | "c" | "f" => "temperature",
        "rpm" => "fan",
        "volts" | "v" if by_name == "battery" => "battery",
        "volts" | "v" => "voltage",
        _ => by_name,
    }
}
