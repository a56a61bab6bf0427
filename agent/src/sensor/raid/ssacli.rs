//! `ssacli`, and `hpssacli` and `hpacucli` before it: controllers of HP and HPE, their arrays, disks, caches and
//! enclosures, from `show status`, `show config`, `show config detail` and the lists of drives. Pure.

use crate::sensor::raid::parts::{
    ARRAY, BATTERY, CACHE_OFF, CONTROLLER, DISK, ENCLOSURE, PROGRESS, Part, Parts, TEMPERATURE,
};
use crate::sensor::raid::text::{self, indent, pair};
use crate::sensor::raid::words;
use tram_proto::component::State::{self, Degraded, PredictedFailure, Unknown};

/// Takes in one answer; none where it is not of this tool. An error that it tells is the reason.
pub(super) fn parse(answer: &str, parts: &mut Parts) -> Option<Result<(), String>> {
    let error = answer.lines().find_map(|line| line.trim().strip_prefix("Error: "));
    let is_known = answer.lines().any(|line| controller(line).is_some())
        || ["logicaldrive ", "physicaldrive ", "Smart Array"].iter().any(|mark| answer.contains(mark));
    if !is_known && error.is_none() {
        return None;
    }
    let mut reader = Reader {
        slot: "slot?".into(),
        model: String::new(),
        serial: String::new(),
        array: None,
        place: Place::Elsewhere,
        depth: 0,
        wants_firmware: false,
        has_media_errors: false,
        parts,
    };
    answer.lines().for_each(|line| reader.line(line));
    Some(error.map_or(Ok(()), |error| Err(error.to_owned())))
}

/// What the lines speak of.
#[derive(Debug, Clone, PartialEq)]
enum Place {
    Controller,
    Array,
    Logical(String),
    Physical(String),
    Enclosure(String),
    Elsewhere,
}

struct Reader<'a> {
    /// Id of the controller.
    slot: String,
    /// What is told of the controller before its state.
    model: String,
    serial: String,
    /// Letter of the array, and its state where that is not well.
    array: Option<(String, Option<String>)>,
    place: Place,
    /// Spaces before the line that began the place.
    depth: usize,
    /// Whether the controller that follows was said to want newer firmware.
    wants_firmware: bool,
    /// Whether the controller, above its values, was said to have found what it could not read.
    has_media_errors: bool,
    parts: &'a mut Parts,
}

impl Reader<'_> {
    fn line(&mut self, line: &str) {
        let trimmed = line.trim();
        if trimmed.is_empty() {
            return;
        }
        if let Some((model, slot)) = controller(line) {
            self.slot = slot;
            (self.model, self.serial) = (model, String::new());
            self.begin(Place::Controller, line);
        } else if trimmed.starts_with("FIRMWARE UPGRADE REQUIRED") {
            self.wants_firmware = true;
        } else if trimmed.starts_with("Warning: Unrecoverable Media Errors") {
            self.has_media_errors = true;
        } else if let Some(rest) = trimmed.strip_prefix("logicaldrive ") {
            self.logical_summary(rest);
        } else if let Some(rest) = trimmed.strip_prefix("physicaldrive ") {
            self.physical(rest, line);
        } else if let Some(number) = trimmed.strip_prefix("Logical Drive: ") {
            self.begin(Place::Logical(format!("{}/l{number}", self.slot)), line);
            self.mark_array();
        } else if let Some(letter) = array(trimmed) {
            self.array = Some(letter);
            self.begin(Place::Array, line);
        } else if let Some((name, state)) = enclosure(trimmed) {
            self.enclosure(&name, &state, line);
        } else if let Some((key, value)) = pair(trimmed) {
            if indent(line) > self.depth {
                self.value(key, value);
            }
        } else if indent(line) <= self.depth && self.place != Place::Controller {
            self.place = Place::Elsewhere;
        }
    }

    fn begin(&mut self, place: Place, line: &str) {
        self.depth = indent(line);
        self.place = place;
    }

    fn value(&mut self, key: &str, value: &str) {
        match self.place.clone() {
            Place::Controller => self.controller(key, value),
            Place::Array if key == "Status" => {
                if let Some(array) = &mut self.array {
                    array.1 = (words::judge(words::ARRAY, value).0 != State::Ok).then(|| value.to_owned());
                }
            }
            Place::Logical(id) => logical(self.parts.part(ARRAY, &id), key, value),
            Place::Physical(id) => physical(self.parts.part(DISK, &id), key, value),
            Place::Enclosure(id) => {
                let part = self.parts.part(ENCLOSURE, &id);
                match key {
                    "Fan Status" | "Temperature Status" | "Power Supply Status" => {
                        enclosure_line(part, key, value)
                    }
                    "Serial Number" => part.serial(value),
                    _ => {}
                }
            }
            Place::Array | Place::Elsewhere => {}
        }
    }

    fn controller(&mut self, key: &str, value: &str) {
        // Lists of drives name the controller as well, and tell nothing of it.
        if key == "Controller Status" {
            let part = self.parts.part(CONTROLLER, &self.slot);
            part.word(words::CONTROLLER, value);
            part.model(&self.model);
            part.serial(&self.serial);
            if std::mem::take(&mut self.wants_firmware) {
                part.note("firmware upgrade required");
            }
            if std::mem::take(&mut self.has_media_errors) {
                part.summarise("unrecoverable media errors");
            }
        }
        let slot = self.slot.clone();
        let Some(part) = self.parts.known(CONTROLLER, &slot) else {
            if key == "Serial Number" {
                value.clone_into(&mut self.serial);
            }
            return;
        };
        match key {
            "Cache Status" if words::is_absent(value) => {}
            "Cache Status" => match value.to_ascii_lowercase().as_str() {
                "ok" | "enabled" => {}
                "temporarily disabled" => part.note(CACHE_OFF),
                // Not a fault: someone chose it.
                "disabled" | "not enabled" => {}
                _ if words::judge(words::BATTERY, value).0 == Unknown => part.word(words::BATTERY, value),
                _ => part.cite(Degraded, &format!("cache {}", value.to_ascii_lowercase())),
            },
            "Controller Temperature (C)" => part.figure(TEMPERATURE, text::number(value)),
            "Battery/Capacitor Status" if !words::is_absent(value) => {
                self.parts.part(BATTERY, &format!("{slot}/battery")).word(words::BATTERY, value);
            }
            "Capacitor Temperature  (C)" | "Capacitor Temperature (C)" => {
                if let Some(part) = self.parts.known(BATTERY, &format!("{slot}/battery")) {
                    part.figure(TEMPERATURE, text::number(value));
                }
            }
            _ => {}
        }
    }

    /// `logicaldrive 1 (838.1 GB, RAID 5, Recovering, 45% complete)`, or `logicaldrive 1 (838.1 GB, RAID 5): OK`.
    fn logical_summary(&mut self, rest: &str) {
        let Some((number, details, after)) = in_brackets(rest) else { return };
        let id = format!("{}/l{number}", self.slot);
        let mut details = details.splitn(3, ',').map(str::trim);
        let (size, level, state) = (details.next(), details.next(), details.next());
        let part = self.parts.part(ARRAY, &id);
        part.figure("size_bytes", size.and_then(text::size_bytes));
        part.model(level.unwrap_or_default());
        part.word(words::ARRAY, after.or(state).unwrap_or_default());
        part.figure(PROGRESS, text::share(rest).filter(|_| part.has_reason("rebuilding")));
        self.place = Place::Logical(id);
        self.mark_array();
    }

    /// What is said of an array as a whole is said of its logical drives.
    fn mark_array(&mut self) {
        let Some((letter, Some(state))) = &self.array else { return };
        if let Place::Logical(id) = &self.place {
            let reason = format!("array {letter} {}", state.to_ascii_lowercase());
            self.parts.part(ARRAY, id).cite(Degraded, &reason);
        }
    }

    /// `physicaldrive 1I:1:1 (port 1I:box 1:bay 1, SAS HDD, 300 GB, OK, spare)`, with its state behind the brackets in
    /// `show status`, or the head of its details.
    fn physical(&mut self, rest: &str, line: &str) {
        let Some((place, details, after)) = in_brackets(rest) else {
            let place = rest.trim();
            if !place.is_empty() && !place.contains(' ') {
                let id = format!("{}/{place}", self.slot);
                self.parts.part(DISK, &id);
                self.begin(Place::Physical(id), line);
            }
            return;
        };
        let id = format!("{}/{place}", self.slot);
        let part = self.parts.part(DISK, &id);
        if let Some(state) = after {
            part.word(words::DISK, state);
            return;
        }
        for (number, word) in details.split(',').map(str::trim).skip(3).enumerate() {
            // The state, then what it is besides: `spare`, `active spare for 1I:1:2`.
            match (number, word.split(" for ").next().unwrap_or(word)) {
                (0, word) => part.word(words::DISK, word),
                (_, "spare" | "active spare") => part.note("hot spare"),
                (_, other) => part.quote(other),
            }
        }
    }

    fn enclosure(&mut self, name: &str, state: &str, line: &str) {
        let id = format!("{}/{name}", self.slot);
        let part = self.parts.part(ENCLOSURE, &id);
        part.word(words::CONTROLLER, state);
        part.name(name);
        self.begin(Place::Enclosure(id), line);
    }
}

fn logical(part: &mut Part, key: &str, value: &str) {
    match key {
        "Status" => {
            part.word(words::ARRAY, value);
            part.figure(PROGRESS, text::share(value).filter(|_| part.has_reason("rebuilding")));
        }
        "Size" => part.figure("size_bytes", text::size_bytes(value)),
        "Fault Tolerance" => part.model(&format!("RAID {}", value.trim_start_matches("RAID "))),
        "Unique Identifier" => part.serial(value),
        "Disk Name" => part.name(value),
        "Unrecoverable Media Errors" if !words::is_absent(value) => {
            part.say(Degraded, "unrecoverable media errors");
        }
        "Caching" if value.eq_ignore_ascii_case("Temporarily Disabled") => part.note(CACHE_OFF),
        _ => {}
    }
}

fn physical(part: &mut Part, key: &str, value: &str) {
    match key {
        "Status" => {
            part.word(words::DISK, value);
            part.figure(PROGRESS, text::share(value).filter(|_| part.has_reason("rebuilding")));
        }
        "Drive Type" if value.to_ascii_lowercase().contains("spare") => part.note("hot spare"),
        "Last Failure Reason" if !words::is_absent(value) && !value.eq_ignore_ascii_case("no failure") => {
            part.quote(&value.to_ascii_lowercase())
        }
        "Serial Number" => part.serial(value),
        "Model" => part.model(value),
        "Current Temperature (C)" => part.figure(TEMPERATURE, text::number(value)),
        "SSD Wear Status" | "SSD Smart Trip Wearout" => {
            let is_well = words::is_absent(value)
                || ["ok", "false", "no"].iter().any(|well| value.eq_ignore_ascii_case(well));
            if !is_well {
                part.say(PredictedFailure, "worn out");
            }
        }
        "Usage remaining" => part.figure("endurance_left_ratio", text::share(value)),
        "Power On Hours" => part.figure("power_on_hours", text::number(value)),
        _ => {}
    }
}

/// A drive cage has no power supplies of its own, and says of the server's that they are not redundant.
fn enclosure_line(part: &mut Part, key: &str, value: &str) {
    if words::is_absent(value) || value.eq_ignore_ascii_case("not redundant") {
        return;
    }
    let (state, _) = words::judge(words::CONTROLLER, value);
    if state != State::Ok {
        part.cite(
            state,
            &format!("{} {}", key.to_ascii_lowercase().replace(" status", ""), value.to_ascii_lowercase()),
        );
    }
}

/// `Smart Array P410i in Slot 0 (Embedded)`, `MSA1500 CS in MY STORAGE`: model and id of a controller, which stand at the
/// beginning of a line.
fn controller(line: &str) -> Option<(String, String)> {
    if line.starts_with([' ', '#', '\t']) || line.contains(['.', '$']) {
        return None;
    }
    let (model, place) = line.trim().split_once(" in ")?;
    let slot = place.strip_prefix("Slot ").map(|rest| rest.split_whitespace().next().unwrap_or_default());
    let id = match slot {
        Some(slot) => format!("slot{slot}"),
        None if place.split(' ').all(|word| word.chars().next().is_some_and(char::is_uppercase)) => {
            place.to_owned()
        }
        None => return None,
    };
    Some((model.to_owned(), id))
}

/// `array A (Failed)`, `Array: A`: the letter, and the state where one is told.
fn array(trimmed: &str) -> Option<(String, Option<String>)> {
    let rest = trimmed
        .strip_prefix("array ")
        .or_else(|| trimmed.strip_prefix("Array: "))
        .or_else(|| trimmed.strip_prefix("Array "))?;
    let (letter, after) = rest.split_once(' ').unwrap_or((rest, ""));
    let is_letter =
        !letter.is_empty() && letter.len() <= 3 && letter.bytes().all(|byte| byte.is_ascii_uppercase());
    let state = after.split(['(', ')']).nth(1).map(str::trim);
    let state = state.filter(|word| words::judge(words::ARRAY, word).0 != State::Ok);
    // `array A (SAS, Unused Space: 0 MB)` tells no state.
    let state = state.filter(|word| !word.contains([',', ':'])).map(str::to_owned);
    is_letter.then(|| (letter.to_owned(), state))
}

/// `StorageWorks MSA 60 at Port 2E, Box 1, OK`.
fn enclosure(trimmed: &str) -> Option<(String, String)> {
    let (name, rest) = trimmed.split_once(" at Port ")?;
    let (place, state) = rest.rsplit_once(',')?;
    (!name.contains("drive "))
        .then(|| (format!("{name} {}", place.replace(',', "")), state.trim().to_owned()))
}

/// `1I:1:1 (port 1I:box 1:bay 1, ...): OK`: what stands before the brackets, in them and, after a colon, behind them.
/// Levels have brackets of their own: `RAID 6 (ADG)`.
fn in_brackets(rest: &str) -> Option<(&str, &str, Option<&str>)> {
    let (before, inside) = rest.split_once('(')?;
    let (inside, after) = inside.rsplit_once(')')?;
    Some((before.trim(), inside, after.trim().strip_prefix(':').map(str::trim)))
}
