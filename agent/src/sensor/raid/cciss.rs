//! `cciss_vol_status`: volumes, disks, enclosures and caches of HP's Smart Array controllers. Pure.

use crate::sensor::raid::parts::{ARRAY, CACHE_OFF, CONTROLLER, DISK, ENCLOSURE, Parts};
use crate::sensor::raid::{text, words};
use tram_proto::component::State::{self, Degraded};

/// Takes in one answer; none where it is not of this tool.
pub(super) fn parse(answer: &str, parts: &mut Parts) -> Option<Result<(), String>> {
    let is_known = answer.lines().any(|line| line.contains(" status: ") && line.starts_with("/dev/"))
        || answer.lines().any(|line| line.trim_start().starts_with("connector ") && line.contains(" bay "));
    if !is_known {
        return None;
    }
    let mut device = String::new();
    let mut list = List::Drives;
    for line in answer.lines() {
        let trimmed = line.trim();
        if let Some((head, state)) = trimmed.split_once(" status: ").filter(|_| trimmed.starts_with("/dev/"))
        {
            device = device_id(head);
            subject(&device, head, state, parts);
        } else if trimmed.contains("Non-Volatile Cache status") {
            device = device_id(trimmed);
        } else if trimmed.ends_with("drives:")
            || trimmed.contains("drives: ")
            || trimmed.contains("by spares:")
        {
            list = List::of(trimmed);
        } else if trimmed.contains("connector ") && trimmed.contains(" bay ") {
            disk(&device, trimmed, list, parts);
        } else {
            cache(&device, trimmed, parts);
        }
    }
    Some(Ok(()))
}

/// `cciss:c0d0` of `/dev/cciss/c0d0: ...`.
fn device_id(line: &str) -> String {
    let device = line.split([':', '(']).next().unwrap_or_default();
    device.trim_start_matches("/dev/").replace('/', ":")
}

/// What the lines that name a drive each are a list of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum List {
    Drives,
    Failed,
    Replacement,
    Substituted,
}

impl List {
    fn of(heading: &str) -> Self {
        match heading {
            heading if heading.contains("Failed") => Self::Failed,
            heading if heading.contains("Replacement") => Self::Replacement,
            heading if heading.contains("substituted") => Self::Substituted,
            _ => Self::Drives,
        }
    }
}

/// `/dev/cciss/c0d0: (Smart Array P400i) RAID 6 Volume 0` or `... Enclosure MSA70 (S/N: X) on Bus 2, Physical Port 1E`,
/// and a state of one sentence, after which more are told of spares.
fn subject(device: &str, head: &str, state: &str, parts: &mut Parts) {
    let mut sentences = state.split('.').map(str::trim).filter(|sentence| !sentence.is_empty());
    let state = sentences.next().unwrap_or_default();
    if let Some((_, enclosure)) = head.split_once(" Enclosure ") {
        let (name, rest) = enclosure.split_once("(S/N:").unwrap_or((enclosure, ""));
        let serial = rest.split(')').next().unwrap_or_default().trim();
        let port = rest.rsplit("Port ").next().unwrap_or_default();
        let bus = rest.split_once("on Bus ").and_then(|(_, bus)| bus.split(',').next()).unwrap_or_default();
        let part = parts.part(ENCLOSURE, &format!("{device}/{port}-{bus}"));
        part.word(words::CONTROLLER, state);
        part.model(name);
        part.serial(serial);
        return;
    }
    let Some((before, number)) = head.split_once(" Volume ") else { return };
    let number = number.split(['(', ' ']).next().unwrap_or_default();
    let part = parts.part(ARRAY, &format!("{device}/l{number}"));
    part.word(words::ARRAY, volume_word(state));
    part.model(before.rsplit_once(") ").map_or("", |(_, level)| level));
    for sentence in sentences {
        let sentence = sentence.to_ascii_lowercase();
        match sentence.contains("spare") && sentence.contains("failed") {
            true => part.say(Degraded, "failed spare"),
            false => part.quote(&sentence),
        }
    }
}

/// The tool writes whole phrases for some of HP's words.
fn volume_word(state: &str) -> &str {
    let lower = state.to_ascii_lowercase();
    [
        ("interim recovery", "interim recovery mode"),
        ("ready for recovery", "ready for recovery"),
        ("ready for rebuild", "ready for rebuild"),
        ("currently recovering", "recovering"),
        ("rebuild", "rebuilding"),
        ("wrong physical drive", "wrong drive replaced"),
        ("wrong drive", "wrong drive replaced"),
        ("not properly connected", "drive not properly connected"),
        ("overheat", "overheated"),
        ("currently expanding", "expanding"),
        ("queued for expansion", "queued for expansion"),
        ("not yet available", "not yet available"),
        ("scsi id conflict", "disabled"),
        ("ejected", "ejected"),
        ("not configured", "not available"),
        ("failed", "failed"),
    ]
    .iter()
    .find(|(phrase, _)| lower.contains(phrase))
    .map_or(state, |(_, word)| word)
}

/// `connector 1I box 1 bay 4` and fields of fixed width, each after a space: maker and model (40), serial number (40),
/// firmware (8), and the state.
fn disk(device: &str, line: &str, list: List, parts: &mut Parts) {
    let Some((_, rest)) = line.split_once("connector ") else { return };
    let Some((place, rest)) = rest.split_once(" bay ") else { return };
    let Some((connector, shelf)) = place.split_once(" box ") else { return };
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let (bay, rest) = rest.split_at(digits);
    // Version 1.12 pads the number of the bay. Model and maker are the last 24 characters of their field.
    let padding = text::indent(rest).checked_sub(17).filter(|padding| *padding <= 2);
    let characters: Vec<char> = rest.chars().skip(padding.unwrap_or_default()).collect();
    let field = |from: usize, length: usize| -> String {
        characters.iter().skip(from).take(length).collect::<String>().trim().to_owned()
    };
    let part = parts.part(DISK, &format!("{device}/{}:{}:{bay}", connector.trim(), shelf.trim()));
    match list {
        List::Drives => part.word(words::DISK, &field(91, usize::MAX)),
        List::Failed => part.say(State::Failed, "failed"),
        List::Replacement => part.say(Degraded, "replacement"),
        List::Substituted => part.say(State::Failed, "replaced by a spare"),
    }
    part.model(&field(1, 40));
    part.serial(&field(42, 40));
}

fn cache(device: &str, line: &str, parts: &mut Parts) {
    let lower = line.to_ascii_lowercase();
    let is_off = lower.contains("write cache temporarily disabled")
        || lower.contains("write cache permanently disabled");
    if is_off {
        let part = parts.part(CONTROLLER, device);
        part.say(State::Ok, CACHE_OFF);
        if lower.contains("permanently") {
            part.say(Degraded, CACHE_OFF);
        }
    } else if lower.contains("total of") && lower.contains("failed physical drives") {
        parts.each(ARRAY).filter(|part| part.id().starts_with(&format!("{device}/"))).for_each(|part| {
            part.say(Degraded, "missing member");
        });
    }
}
