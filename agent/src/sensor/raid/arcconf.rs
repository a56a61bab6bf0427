//! `arcconf`: Adaptec's controllers, logical devices, disks, batteries and enclosures, from `GETCONFIG` and `GETSTATUS`.
//! Pure.

use crate::sensor::raid::parts::{
    ARRAY, BATTERY, CACHE_OFF, CONTROLLER, DISK, ENCLOSURE, PROGRESS, Part, Parts, TEMPERATURE,
};
use crate::sensor::raid::text::{self, pair};
use crate::sensor::raid::words;
use tram_proto::component::State::{Degraded, Ok, PredictedFailure};

/// Takes in one answer about a controller; none where it is not of this tool.
pub(super) fn parse(answer: &str, number: u32, parts: &mut Parts) -> Option<Result<(), String>> {
    let lower = answer.to_ascii_lowercase();
    let marks = [
        "controllers found:",
        "logical device number",
        "logical drive number",
        "physical device information",
        "logical device information",
    ];
    if !marks.iter().any(|mark| lower.contains(mark)) {
        return None;
    }
    let mut reader = Reader {
        controller: format!("adaptec{number}"),
        section: Section::Other,
        id: String::new(),
        device: Device::default(),
        parts,
    };
    answer.lines().for_each(|line| reader.line(line));
    reader.end_device();
    let none = lower.contains("controllers found: 0");
    Some(if none { Err("no controller found".into()) } else { Result::Ok(()) })
}

/// How many controllers an answer tells of.
pub(super) fn controllers(answer: &str) -> Vec<u32> {
    let count = answer.lines().find_map(|line| {
        let (key, value) = pair(line)?;
        key.eq_ignore_ascii_case("controllers found").then(|| text::number(value))?
    });
    (1..=count.unwrap_or_default().clamp(0.0, 16.0) as u32).collect()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Section {
    Controller,
    Battery,
    Logical,
    MaxCache,
    Physical,
    Task,
    Other,
}

/// A device whose lines are gathered, because where it sits is told among them.
#[derive(Debug, Default)]
struct Device {
    /// `Hard drive`, `Enclosure services device`, in lower case.
    what: String,
    lines: Vec<(String, String)>,
}

impl Device {
    fn line(&self, key: &str) -> Option<&str> {
        self.lines.iter().find(|(known, _)| known == key).map(|(_, value)| value.as_str())
    }
}

struct Reader<'a> {
    controller: String,
    section: Section,
    /// Of the part that the lines speak of.
    id: String,
    device: Device,
    parts: &'a mut Parts,
}

impl Reader<'_> {
    fn line(&mut self, line: &str) {
        let trimmed = line.trim();
        let lower = trimmed.to_ascii_lowercase();
        if let Some(section) = heading(&lower) {
            self.section = section;
            self.end_device();
            if section == Section::Battery {
                self.id = format!("{}/battery", self.controller);
            }
            return;
        }
        let last = lower.rsplit([' ', '#']).next().unwrap_or_default().to_owned();
        if lower.starts_with("logical device number") || lower.starts_with("logical drive number") {
            self.begin(Section::Logical, ARRAY, &format!("l{last}"));
        } else if lower.starts_with("maxcache device number") {
            self.begin(Section::MaxCache, ARRAY, &format!("l{last}"));
        } else if lower.starts_with("device #") {
            self.section = Section::Physical;
            self.end_device();
            self.id = format!("{}/d{last}", self.controller);
        } else if let (Section::Physical, Some(what)) = (self.section, lower.strip_prefix("device is a")) {
            what.clone_into(&mut self.device.what);
        } else if let Some((key, value)) = pair(trimmed) {
            self.value(&key.to_ascii_lowercase(), value);
        }
    }

    fn begin(&mut self, section: Section, kind: &'static str, id: &str) {
        self.section = section;
        self.id = format!("{}/{id}", self.controller);
        self.parts.part(kind, &self.id);
    }

    fn value(&mut self, key: &str, value: &str) {
        let id = self.id.clone();
        match self.section {
            Section::Controller => self.controller(key, value),
            Section::Battery => self.battery(key, value),
            Section::Logical | Section::MaxCache => logical(self.parts.part(ARRAY, &id), key, value),
            Section::Physical => self.device.lines.push((key.to_owned(), value.to_owned())),
            Section::Task => self.task(key, value),
            Section::Other => {}
        }
    }

    /// Where a device sits is its better name: numbers follow the order in which devices were found.
    fn end_device(&mut self) {
        let device = std::mem::take(&mut self.device);
        let location = device.line("reported location").and_then(place);
        let channel = || {
            let told = device
                .line("reported channel,device")
                .or_else(|| device.line("reported channel,device(t:l)"))?;
            let (channel, device) = told.split('(').next()?.split_once(',')?;
            Some(format!("ch{}/d{}", channel.trim(), device.trim()))
        };
        let id =
            location.or_else(channel).map_or(self.id.clone(), |place| format!("{}/{place}", self.controller));
        if ["hard", "solid", "ssd", "disk"].iter().any(|word| device.what.contains(word)) {
            self.parts.part(DISK, &id);
            device.lines.iter().for_each(|(key, value)| disk(self.parts.part(DISK, &id), key, value));
        } else if device.what.contains("enclosure") {
            let id =
                device.line("enclosure id").map_or(id, |number| format!("{}/e{number}", self.controller));
            // Backplanes tell nothing of their health.
            for (key, value) in device.lines.iter().filter(|(key, _)| is_enclosure_state(key)) {
                let part = self.parts.part(ENCLOSURE, &id);
                part.model(device.line("model").unwrap_or_default());
                enclosure(part, key, value);
            }
        }
    }

    fn controller(&mut self, key: &str, value: &str) {
        let part = self.parts.part(CONTROLLER, &self.controller);
        match key {
            "controller status" => part.word(words::CONTROLLER, value),
            "controller model" => part.model(value),
            "controller serial number" => part.serial(value),
            "temperature" => {
                part.figure(TEMPERATURE, text::number(value));
                let is_well = !value.contains('(') || value.contains("(Normal)");
                if !is_well {
                    part.say(Degraded, "temperature");
                }
            }
            "cache status" => match value.to_ascii_lowercase().as_str() {
                "temporarily disabled" => part.note(CACHE_OFF),
                "permanently disabled" | "failed" => part.say(Degraded, CACHE_OFF),
                _ => {}
            },
            "defunct disk drive count" if text::number(value).is_some_and(|count| count > 0.0) => {
                part.summarise("defunct disk");
            }
            "logical devices/failed/degraded" | "logical drives/offline/critical" => {
                let counts: Vec<f64> = value.split('/').filter_map(text::number).collect();
                for (count, reason) in counts.iter().skip(1).zip(["failed array", "degraded array"]) {
                    if *count > 0.0 {
                        part.summarise(reason);
                    }
                }
            }
            _ => {}
        }
    }

    fn battery(&mut self, key: &str, value: &str) {
        let id = self.id.clone();
        match key {
            "status"
            | "overall backup unit status"
            | "battery status"
            | "backup power status"
            | "supercap status" => {
                if !words::is_absent(value) {
                    self.parts.part(BATTERY, &id).word(words::BATTERY, value);
                }
                return;
            }
            _ => {}
        }
        let Some(part) = self.parts.known(BATTERY, &id) else { return };
        match key {
            "over temperature" if text::is_yes(value) => part.say(Degraded, "over temperature"),
            "hardware error" if !value.eq_ignore_ascii_case("no error") && !words::is_absent(value) => {
                part.cite(Degraded, &value.to_ascii_lowercase());
            }
            "capacity remaining" | "charge level" | "relative charge" => {
                part.figure("charge_ratio", percent(value))
            }
            "health" | "health status" => part.figure("health_ratio", percent(value)),
            "current temperature" => part.figure(TEMPERATURE, text::number(value)),
            "backup unit type" | "battery type" => part.model(value),
            "serial number" => part.serial(value),
            _ => {}
        }
    }

    /// `GETSTATUS`: what a logical device is busy with.
    fn task(&mut self, key: &str, value: &str) {
        match key {
            "logical device" | "logical drive" => {
                self.id = format!("{}/l{value}", self.controller);
            }
            "current operation" => {
                let lower = value.to_ascii_lowercase();
                let part = self.parts.part(ARRAY, &self.id);
                match lower.as_str() {
                    "none" => {}
                    rebuild if rebuild.starts_with("rebuild") => part.say(Degraded, "rebuilding"),
                    other => part.quote(other),
                }
            }
            "percentage complete" => {
                if let Some(part) = self.parts.known(ARRAY, &self.id) {
                    part.figure(PROGRESS, percent(value));
                }
            }
            _ => {}
        }
    }
}

fn disk(part: &mut Part, key: &str, value: &str) {
    let count = text::number(value);
    match key {
        "state" => part.word(words::DISK, value),
        "model" => part.model(value),
        "serial number" => part.serial(value),
        "s.m.a.r.t. warnings" => {
            part.figure("smart_warnings", count);
            if count.is_some_and(|count| count > 0.0) {
                part.say(PredictedFailure, "SMART warning");
            }
        }
        "medium error count" | "hard read errors" => part.media_errors(count),
        "hardware error count" | "hardware errors" => part.figure("other_errors", count),
        "aborted command count" | "aborted commands" => part.figure("aborted_commands", count),
        "failed logical device segments" if text::is_yes(value) => part.say(Degraded, "failed segments"),
        "56 day warning present" if text::is_yes(value) => part.say(PredictedFailure, "worn out"),
        "ssd smart trip wearout" if text::is_yes(value) => part.say(PredictedFailure, "worn out"),
        // Not whether it has SMART, but whether that predicts its failure: of some hundred disks it is yes of those warned of.
        "s.m.a.r.t." if text::is_yes(value) => part.say(PredictedFailure, "SMART warning"),
        "pfa" if text::is_yes(value) => part.say(PredictedFailure, "predictive failure"),
        "total size" | "size" => {
            part.figure("size_bytes", text::size_bytes(value).filter(|size| *size > 0.0))
        }
        "temperature" | "current temperature" => part.figure(TEMPERATURE, count),
        _ => {}
    }
}

fn is_enclosure_state(key: &str) -> bool {
    let states = ["fan ", "power supply ", "temperature sensor status", "temperature status"];
    states.iter().any(|beginning| key.starts_with(beginning))
}

/// Fans, power supplies and temperatures; those not installed are no fault.
fn enclosure(part: &mut Part, key: &str, value: &str) {
    part.say(Ok, "");
    let word = value.split(['(', ')']).nth(1).unwrap_or(value);
    if !words::is_absent(word) && words::judge(words::CONTROLLER, word).0 != Ok {
        part.cite(Degraded, &format!("{} {}", key.replace(" status", ""), word.to_ascii_lowercase()));
    }
}

fn logical(part: &mut Part, key: &str, value: &str) {
    match key {
        "status of logical device" | "status of logical drive" | "status of maxcache" => {
            part.word(words::ARRAY, value)
        }
        "logical device name" | "logical drive name" | "maxcache device name" => part.name(value),
        "raid level" => part.model(&format!("RAID {value}")),
        "size" => part.figure("size_bytes", text::size_bytes(value)),
        "failed stripes" if text::is_yes(value) => part.say(Degraded, "failed stripes"),
        "defunct segments" if text::is_yes(value) => part.say(Degraded, "missing member"),
        "unique identifier" => part.serial(value),
        _ if key.contains("segment ") => segment(part, value),
        _ => {}
    }
}

/// `Present (Controller:1,Enclosure:0,Slot:2) SERIAL`, `Inconsistent (0,2)`, `Missing`.
fn segment(part: &mut Part, value: &str) {
    let add = |part: &mut Part, key: &str| {
        let count = part.figure_of(key).unwrap_or_default();
        part.figure(key, Some(count + 1.0));
    };
    add(part, "members");
    let word = value.split(['(', ' ']).next().unwrap_or_default().to_ascii_lowercase();
    match word.as_str() {
        "present" | "rebuilding" | "" => add(part, "members_active"),
        "missing" | "failed" | "inconsistent" | "degraded" => part.say(Degraded, "missing member"),
        other => part.quote(&format!("segment {other}")),
    }
}

/// Section of a heading, in lower case.
fn heading(lower: &str) -> Option<Section> {
    Some(match lower {
        "controller information" => Section::Controller,
        "controller battery information"
        | "controller zmm information"
        | "controller cache backup unit information"
        | "cache backup unit information"
        | "green backup information" => Section::Battery,
        "logical device information" | "logical drive information" => Section::Other,
        "physical device information" | "physical devices information" => Section::Physical,
        "logical device task:" | "logical drive task:" | "current operations" => Section::Task,
        _ if lower.ends_with(" information") && lower.starts_with("controller ") => Section::Other,
        _ if lower.ends_with(" information")
            && (lower.starts_with("maxcache") || lower.starts_with("connector")) =>
        {
            Section::Other
        }
        "raid properties" => Section::Other,
        _ => return None,
    })
}

/// `Enclosure 0, Slot 3( Connector 1 )` is `e0/s3`, `Connector 1, Device 2` is `n1/d2`.
fn place(value: &str) -> Option<String> {
    let mut numbers = value.split(',').map(|part| {
        let digits: String = part.chars().filter(char::is_ascii_digit).collect();
        (part.trim().to_ascii_lowercase(), digits)
    });
    let ((outer, first), (inner, second)) = (numbers.next()?, numbers.next()?);
    let second: String =
        inner.split('(').next().map_or(second, |inner| inner.chars().filter(char::is_ascii_digit).collect());
    if first.is_empty() || second.is_empty() {
        return None;
    }
    let outer = if outer.starts_with("enclosure") { "e" } else { "n" };
    let inner = if inner.starts_with("slot") { "s" } else { "d" };
    Some(format!("{outer}{first}/{inner}{second}"))
}

/// `1`, `100 percent`, `90 %`.
fn percent(value: &str) -> Option<f64> {
    let percent = text::number(value)?;
    (0.0..=100.0).contains(&percent).then_some(percent / 100.0)
}
