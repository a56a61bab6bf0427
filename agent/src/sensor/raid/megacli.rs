//! `MegaCli`: adapters, virtual drives, physical drives and batteries of MegaRAID controllers, from `-AdpAllInfo`,
//! `-LDInfo`, `-PDList`, `-LdPdInfo` and `-AdpBbuCmd`, apart or one after another. Ids are those of StorCLI, so that one
//! controller read by both is one. Pure.

use crate::sensor::raid::parts::{ARRAY, BATTERY, CACHE_OFF, CONTROLLER, DISK, PROGRESS, Parts, TEMPERATURE};
use crate::sensor::raid::text::{self, pair};
use crate::sensor::raid::words;
use tram_proto::component::State::{Degraded, Failed, Ok, PredictedFailure};

/// Inquiry data of a SAS disk is no longer; that of a SATA disk is, whatever was trimmed from its end.
const SAS_INQUIRY_LENGTH: usize = 52;

/// Takes in one answer; none where it is not of this tool.
pub(super) fn parse(answer: &str, parts: &mut Parts) -> Option<Result<(), String>> {
    let marks = [
        "Adapter #",
        "Adapter: ",
        "Adapter 0",
        "Adapter 1",
        "Firmware state:",
        "Virtual Drive:",
        "Virtual Disk:",
    ];
    if !marks.iter().any(|mark| answer.contains(mark)) || !is_megacli(answer) {
        return None;
    }
    let mut reader = Reader {
        adapter: 0,
        place: Place::Adapter,
        enclosure: None,
        cache: None,
        battery: Default::default(),
        basics: Default::default(),
        parts,
        failure: None,
    };
    answer.lines().for_each(|line| reader.line(line));
    reader.end_battery();
    Some(reader.failure.map_or(Result::Ok(()), Err))
}

fn is_megacli(answer: &str) -> bool {
    [
        "Exit Code: ",
        "Firmware state",
        "Target Id",
        "BatteryType",
        "Inquiry Data",
        "Get BBU Status",
        "Versions",
        "Slot Number",
    ]
    .iter()
    .any(|mark| answer.contains(mark))
}

/// What the lines speak of.
#[derive(Clone)]
enum Place {
    Adapter,
    Array(String),
    /// Solid-state disks as a cache: not every version tells their state.
    Cache(String),
    Disk(String),
    Battery(String),
}

struct Reader<'a> {
    adapter: u32,
    place: Place,
    /// Of the disk whose slot has not come yet.
    enclosure: Option<String>,
    /// Write policy that an array should have.
    cache: Option<String>,
    /// Word for a battery's state, and whether it learns its capacity, told later: meanwhile it is not operational.
    battery: (String, bool),
    /// Model and serial number of the adapter, which lists of its disks name as well, without its state.
    basics: (String, String),
    parts: &'a mut Parts,
    failure: Option<String>,
}

impl Reader<'_> {
    fn line(&mut self, line: &str) {
        let trimmed = line.trim();
        if let Some(number) = adapter(trimmed) {
            self.end_battery();
            if number != self.adapter {
                self.basics = Default::default();
            }
            self.adapter = number;
            self.place = Place::Adapter;
            if trimmed.contains("No Virtual Drive") {
                self.parts.part(CONTROLLER, &format!("c{number}")).say(Ok, "");
            }
            if trimmed.contains("Failed") || trimmed.contains("Can't") {
                self.failure = Some(trimmed.to_owned());
            } else if trimmed.starts_with("BBU ") || trimmed.contains(" BBU ") {
                self.place = Place::Battery(format!("c{number}/bbu"));
            }
            return;
        }
        let Some((key, value)) = pair(trimmed) else { return };
        match key {
            "Virtual Drive" | "Virtual Disk" | "CacheCade Virtual Drive" => {
                let number = text::number(value).unwrap_or_default();
                let id = format!("c{}/v{number}", self.adapter);
                self.place = if key.starts_with("CacheCade") { Place::Cache(id) } else { Place::Array(id) };
                self.cache = None;
            }
            "Enclosure Device ID" => self.enclosure = Some(value.to_owned()),
            "Slot Number" => {
                let enclosure =
                    self.enclosure.take().filter(|id| id.bytes().all(|byte| byte.is_ascii_digit()));
                let adapter = self.adapter;
                self.place = Place::Disk(enclosure.filter(|id| !id.is_empty()).map_or_else(
                    || format!("c{adapter}/s{value}"),
                    |enclosure| format!("c{adapter}/e{enclosure}/s{value}"),
                ));
            }
            // Its fields have widths: the spaces before it count.
            "Inquiry Data" => {
                let data = line.split_once(':').map(|(_, data)| data.strip_prefix(' ').unwrap_or(data));
                if let Place::Disk(id) = &self.place {
                    let (model, serial) = inquiry(data.unwrap_or_default());
                    let part = self.parts.part(DISK, id);
                    part.model(&model);
                    part.serial(&serial);
                }
            }
            "BatteryType" => {
                self.place = Place::Battery(format!("c{}/bbu", self.adapter));
                self.battery(key, value);
            }
            _ => match self.place.clone() {
                Place::Adapter => self.adapter_line(key, value),
                Place::Array(id) => self.array(&id, key, value),
                Place::Cache(id) if key == "State" => self.array(&id, key, value),
                Place::Cache(_) => {}
                Place::Disk(id) => self.disk(&id, key, value),
                Place::Battery(_) => self.battery(key, value),
            },
        }
    }

    /// `-AdpAllInfo`: the counts of what is not well are the adapter's own verdict.
    fn adapter_line(&mut self, key: &str, value: &str) {
        let id = format!("c{}", self.adapter);
        let count = text::number(value).unwrap_or_default();
        match key {
            "Product Name" => value.clone_into(&mut self.basics.0),
            "Serial No" => value.clone_into(&mut self.basics.1),
            "Virtual Drives" => {
                let part = self.parts.part(CONTROLLER, &id);
                part.say(Ok, "");
                part.model(&self.basics.0);
                part.serial(&self.basics.1);
            }
            "Degraded" if count > 0.0 => self.parts.part(CONTROLLER, &id).summarise("degraded array"),
            "Offline" if count > 0.0 => self.parts.part(CONTROLLER, &id).summarise("offline array"),
            "Critical Disks" if count > 0.0 => self.parts.part(CONTROLLER, &id).summarise("critical disk"),
            "Failed Disks" if count > 0.0 => self.parts.part(CONTROLLER, &id).summarise("failed disk"),
            "Memory Correctable Errors" => {
                self.parts.part(CONTROLLER, &id).figure("memory_correctable_errors", text::number(value));
            }
            "Memory Uncorrectable Errors" => {
                let part = self.parts.part(CONTROLLER, &id);
                part.figure("memory_uncorrectable_errors", text::number(value));
                if count > 0.0 {
                    part.say(Degraded, "uncorrectable memory errors");
                }
            }
            "Any Offline VD Cache Preserved" if text::is_yes(value) => {
                self.parts.part(CONTROLLER, &id).say(Degraded, "preserved cache of an offline array");
            }
            _ => {}
        }
    }

    fn array(&mut self, id: &str, key: &str, value: &str) {
        let part = self.parts.part(ARRAY, id);
        match key {
            "State" => part.word(words::ARRAY, value),
            "Name" => part.name(value),
            "RAID Level" => part.model(&level(value)),
            "Size" => part.figure("size_bytes", text::size_bytes(value)),
            "Number Of Drives" | "Number Of Drives per span" => part.figure("members", text::number(value)),
            "Span Depth" => {
                let drives =
                    part.figure_of("members").zip(text::number(value)).filter(|(_, spans)| *spans > 1.0);
                part.figure("members", drives.map(|(drives, spans)| drives * spans));
            }
            "Bad Blocks Exist" if text::is_yes(value) => part.say(Degraded, "bad blocks"),
            "Default Cache Policy" => self.cache = Some(value.to_owned()),
            "Current Cache Policy" => {
                let should = self.cache.as_deref().is_some_and(|should| should.starts_with("WriteBack"));
                if should && value.starts_with("WriteThrough") {
                    part.note(CACHE_OFF);
                }
            }
            "Rebuild" | "Rebuild Progress" if value.contains('%') => {
                part.say(Degraded, "rebuilding");
                part.figure(PROGRESS, text::share(value));
            }
            _ => {}
        }
    }

    fn disk(&mut self, id: &str, key: &str, value: &str) {
        let part = self.parts.part(DISK, id);
        let count = text::number(value);
        match key {
            "Firmware state" => part.word(words::DISK, value),
            "Media Error Count" => part.media_errors(count),
            "Other Error Count" => part.figure("other_errors", count),
            "Predictive Failure Count" => {
                part.figure("predictive_failures", count);
                if count.is_some_and(|count| count > 0.0) {
                    part.say(PredictedFailure, "predictive failure");
                }
            }
            "Drive has flagged a S.M.A.R.T alert" if text::is_yes(value) => {
                part.say(PredictedFailure, "SMART alert");
            }
            "Foreign State" if !words::is_absent(value) => part.say(Degraded, "foreign configuration"),
            "Coerced Size" => part.figure("size_bytes", text::size_bytes(value)),
            "Drive Temperature" => part.figure(TEMPERATURE, count.filter(|celsius| *celsius > 0.0)),
            "Rebuild Progress" | "Rebuild" => part.figure(PROGRESS, text::share(value)),
            _ => {}
        }
    }

    fn end_battery(&mut self) {
        let (word, is_learning) = std::mem::take(&mut self.battery);
        let Place::Battery(id) = &self.place else { return };
        let Some(part) = self.parts.known(BATTERY, id) else { return };
        let (state, _) = words::judge(words::BATTERY, &word);
        match (word.is_empty(), is_learning) {
            (_, true) => part.say(if state == Failed { Degraded } else { Ok }, "learning"),
            // Not operational until it is charged.
            (false, false) if state == Failed && part.has_reason("charging") => {
                part.say(Degraded, "charging")
            }
            (false, false) => part.word(words::BATTERY, &word),
            (true, false) => {}
        }
    }

    fn battery(&mut self, key: &str, value: &str) {
        let Place::Battery(id) = &self.place else { return };
        let part = self.parts.part(BATTERY, id);
        match key {
            "BatteryType" if words::is_absent(value) || value.eq_ignore_ascii_case("no battery") => {
                part.say(Degraded, "missing");
            }
            "BatteryType" => part.model(value),
            // Some versions leave it empty when the battery is bad, some when they do not know: then the flags tell.
            "Battery State" | "Battery state" => value.clone_into(&mut self.battery.0),
            "Learn Cycle Active" => self.battery.1 = text::is_yes(value),
            "Charging Status" if value.eq_ignore_ascii_case("charging") => part.say(Ok, "charging"),
            "Battery Pack Missing" if text::is_yes(value) => part.say(Degraded, "missing"),
            "Battery Replacement required" | "Pack is about to fail & should be replaced" => {
                if text::is_yes(value) {
                    part.say(Failed, "replace battery");
                } else {
                    part.say(Ok, "");
                }
            }
            "Voltage" | "Temperature" if ["Low", "High", "Critical"].contains(&value) => {
                part.say(Degraded, &format!("{} {}", key.to_ascii_lowercase(), value.to_ascii_lowercase()));
            }
            "Temperature" => part.figure(TEMPERATURE, text::number(value)),
            "Remaining Capacity Low" if text::is_yes(value) => part.say(Degraded, "capacity low"),
            "I2c Errors Detected" if text::is_yes(value) => part.say(Degraded, "cannot talk to battery"),
            "No space to cache offload" if text::is_yes(value) => {
                part.say(Degraded, "no space to offload the cache")
            }
            "isSOHGood" if value.eq_ignore_ascii_case("no") => part.say(Degraded, "health low"),
            "Relative State of Charge" => part.figure("charge_ratio", text::share(value)),
            "Cycle Count" => part.figure("charge_cycles", text::number(value)),
            _ => {}
        }
    }
}

/// `Adapter #0`, `Adapter 0 -- Virtual Drive Information:`, `BBU status for Adapter: 0`, `Adapter 0: Get BBU Status Failed.`
fn adapter(line: &str) -> Option<u32> {
    let line = line.strip_prefix("Adapter").or_else(|| {
        let (before, after) = line.split_once("Adapter")?;
        before.starts_with("BBU").then_some(after)
    })?;
    let digits: String = line
        .trim_start_matches([' ', '#', ':'])
        .chars()
        .take_while(|character| character.is_ascii_digit())
        .collect();
    digits.parse().ok()
}

/// `RAID5` of `Primary-5, Secondary-0, RAID Level Qualifier-3`; a level with a second one above is `RAID10`, `RAID50`.
fn level(value: &str) -> String {
    let part = |name: &str| {
        let (_, after) = value.split_once(name)?;
        let digits: String = after.chars().take_while(|character| character.is_ascii_digit()).collect();
        (!digits.is_empty()).then_some(digits)
    };
    match (part("Primary-"), part("Secondary-")) {
        (Some(primary), Some(secondary)) if secondary != "0" => format!("RAID{primary}0"),
        (Some(primary), _) => format!("RAID{primary}"),
        _ => value.to_owned(),
    }
}

/// Model and serial number of a disk's inquiry data, whose fields have fixed widths. SATA disks tell serial (20), model
/// (40), revision (8); SAS disks vendor (8), model (16), revision (4), serial (20).
fn inquiry(data: &str) -> (String, String) {
    let characters: Vec<char> = data.chars().collect();
    let field = |from: usize, until: usize| -> String {
        characters.iter().skip(from).take(until - from).collect::<String>().trim().to_owned()
    };
    if characters.len() > SAS_INQUIRY_LENGTH {
        return (field(20, 60), field(0, 20));
    }
    let vendor = field(0, 8);
    let serial = field(28, 48);
    // IBM's disks go on with other numbers after eight characters.
    let serial = if vendor.starts_with("IBM") { serial.chars().take(8).collect() } else { serial };
    (format!("{vendor} {}", field(8, 24)), serial)
}
