//! `sas2ircu` and `sas3ircu`: LSI's host bus adapters with integrated RAID, from `LIST`, `DISPLAY` and `STATUS`. Pure.

use crate::sensor::raid::parts::{ARRAY, CONTROLLER, DISK, PROGRESS, Part, Parts};
use crate::sensor::raid::text::{self, pair};
use crate::sensor::raid::words;
use tram_proto::component::State::{Degraded, Ok};

/// Takes in one answer about a controller; none where it is not of this tool.
pub(super) fn parse(answer: &str, number: u32, parts: &mut Parts) -> Option<Result<(), String>> {
    let marks = ["IR Configuration Utility", "SAS2IRCU:", "SAS3IRCU:", "IR Volume information", "IR volume "];
    if !marks.iter().any(|mark| answer.contains(mark)) {
        return None;
    }
    for (index, model) in listed(answer) {
        let part = parts.part(CONTROLLER, &format!("ircu{index}"));
        part.model(&model);
        part.say(Ok, "");
    }
    let told = answer.lines().find_map(|line| line.split_once("initiated for controller "));
    let number = told.and_then(|(_, rest)| text::number(rest)).map_or(number, |told| told as u32);
    let mut reader =
        Reader { controller: format!("ircu{number}"), place: Place::Other, disk: Disk::default(), parts };
    answer.lines().for_each(|line| reader.line(line));
    reader.end_disk();
    Some(failure(answer).map_or(Result::Ok(()), Err))
}

/// Numbers of the controllers that `LIST` tells.
pub(super) fn controllers(answer: &str) -> Vec<u32> {
    listed(answer).into_iter().map(|(index, _)| index).collect()
}

/// Rows of `LIST`: index, type, three more ids and a PCI address.
fn listed(answer: &str) -> Vec<(u32, String)> {
    let row = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [index, model, vendor, _, address, ..] = words.as_slice() else { return None };
        let is_row = vendor.ends_with('h') && address.contains("h:");
        is_row.then(|| Some((index.parse().ok()?, (*model).to_owned())))?
    };
    answer.lines().filter_map(row).collect()
}

/// `SAS2IRCU: MPTLib2 Error 1`. That there are no volumes is none.
fn failure(answer: &str) -> Option<String> {
    let line = answer
        .lines()
        .find(|line| line.contains("IRCU:") && line.contains("Error ") && !line.contains("command STATUS"))?;
    line.split_once(": ").map(|(_, error)| error.trim().to_owned())
}

/// What the lines speak of.
enum Place {
    Controller,
    Volume(String),
    Disk,
    Other,
}

/// A disk whose place has not come yet.
#[derive(Default)]
struct Disk {
    enclosure: String,
    slot: String,
    lines: Vec<(String, String)>,
}

struct Reader<'a> {
    controller: String,
    place: Place,
    disk: Disk,
    parts: &'a mut Parts,
}

impl Reader<'_> {
    fn line(&mut self, line: &str) {
        let trimmed = line.trim();
        if trimmed == "Controller information" {
            self.place = Place::Controller;
        } else if let Some(number) =
            trimmed.strip_prefix("IR volume ").or_else(|| trimmed.strip_prefix("IR Volume "))
        {
            if number.bytes().all(|byte| byte.is_ascii_digit()) {
                let id = format!("{}/v{number}", self.controller);
                self.parts.part(ARRAY, &id);
                self.place = Place::Volume(id);
            }
        } else if let Some(what) = trimmed.strip_prefix("Device is a ") {
            self.end_disk();
            // An enclosure is a device as well, always in standby.
            let is_disk =
                what.to_ascii_lowercase().contains("disk") || what.to_ascii_lowercase().contains("drive");
            self.place = if is_disk { Place::Disk } else { Place::Other };
        } else if trimmed.ends_with(" information") {
            self.end_disk();
            self.place = Place::Other;
        } else if let Some((key, value)) = pair(trimmed) {
            self.value(key, value);
        }
    }

    fn value(&mut self, key: &str, value: &str) {
        match &self.place {
            Place::Controller if key == "Controller type" => {
                let part = self.parts.part(CONTROLLER, &self.controller);
                part.model(value);
                part.say(Ok, "");
            }
            Place::Volume(id) => volume(self.parts.part(ARRAY, id), key, value),
            Place::Disk => match key {
                "Enclosure #" => value.clone_into(&mut self.disk.enclosure),
                "Slot #" => value.clone_into(&mut self.disk.slot),
                _ => self.disk.lines.push((key.to_owned(), value.to_owned())),
            },
            Place::Controller | Place::Other => {}
        }
    }

    fn end_disk(&mut self) {
        let told = std::mem::take(&mut self.disk);
        if told.lines.is_empty() {
            return;
        }
        let part = self.parts.part(DISK, &format!("{}/e{}/s{}", self.controller, told.enclosure, told.slot));
        for (key, value) in &told.lines {
            match key.as_str() {
                "State" => part.word(words::DISK, value),
                "Manufacturer" | "Model Number" if value == "ATA" => {}
                "Model Number" => part.model(value),
                // SMART tells the serial number of the unit; the other may be cut short.
                "Serial No" if !told.lines.iter().any(|(key, _)| key.starts_with("Unit Serial")) => {
                    part.serial(value)
                }
                "Unit Serial No(VPD)" => part.serial(value),
                "Size (in MB)/(in sectors)" => {
                    part.figure(
                        "size_bytes",
                        text::number(value).filter(|size| *size > 0.0).map(|mib| mib * 1_048_576.0),
                    );
                }
                _ => {}
            }
        }
    }
}

/// A volume, in the words of `DISPLAY` or of `STATUS`.
fn volume(part: &mut Part, key: &str, value: &str) {
    match key {
        "Status of volume" | "Volume state" => part.word(words::ARRAY, value),
        "RAID level" => part.model(value),
        "Volume wwid" => part.serial(value),
        "Size (in MB)" => part.figure("size_bytes", text::number(value).map(|mib| mib * 1_048_576.0)),
        "Current operation"
            if value.to_ascii_lowercase().contains("sync")
                || value.to_ascii_lowercase().contains("rebuild") =>
        {
            part.note("resync");
        }
        "Percentage complete" if part.has_reason("resync") || part.has_reason("degraded") => {
            part.figure(PROGRESS, text::share(&format!("{value}%")));
        }
        _ if key.starts_with("PHY[") => {
            let count = part.figure_of("members").unwrap_or_default();
            part.figure("members", Some(count + 1.0));
            if value.starts_with("0:0") && value.contains("Missing") {
                part.say(Degraded, "missing member");
            }
        }
        _ => {}
    }
}
