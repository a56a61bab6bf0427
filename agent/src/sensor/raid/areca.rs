//! Areca's `cli64`: raid sets, volumes and disks, from `rsf info`, `vsf info` and `disk info`. Its tables are read from
//! the right, because names hold spaces. Pure.

use crate::sensor::raid::parts::{ARRAY, DISK, PROGRESS, Parts};
use crate::sensor::raid::{text, words};
use tram_proto::component::State;

/// Takes in one answer; none where it is not of this tool.
pub(super) fn parse(answer: &str, parts: &mut Parts) -> Option<Result<(), String>> {
    let mut table = None;
    let mut is_known = false;
    for line in answer.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.first() {
            Some(&"#") => {
                table = Table::of(line).or(table);
                is_known |= table.is_some();
            }
            Some(number) if number.bytes().all(|byte| byte.is_ascii_digit()) => match table {
                Some(Table::Sets) => set(&words, parts),
                Some(Table::Volumes) => volume(&words, parts),
                Some(Table::Disks { has_enclosures }) => disk(&words, has_enclosures, parts),
                None => {}
            },
            Some(_) | None => {}
        }
    }
    let message = answer.lines().find_map(|line| line.split_once("GuiErrMsg<")?.1.split_once(": "));
    let message = message.map(|(_, message)| message.trim().trim_end_matches('.').to_owned());
    match message {
        Some(error) if error != "Success" => Some(Err(error)),
        Some(_) => Some(Ok(())),
        None => is_known.then_some(Ok(())),
    }
}

/// What the rows below a head are.
#[derive(Clone, Copy)]
enum Table {
    Sets,
    Volumes,
    Disks { has_enclosures: bool },
}

impl Table {
    fn of(head: &str) -> Option<Self> {
        let has = |column: &str| head.contains(column);
        match () {
            () if has("TotalCap") => Some(Self::Sets),
            () if has("Usage") && has("ModelName") => Some(Self::Disks { has_enclosures: has("Enc#") }),
            () if has("Raid Name") || has("Level") => Some(Self::Volumes),
            () => None,
        }
    }
}

/// `1  Raid Set # 00  15 15000.0GB 0.0GB 123G567C9AB48EF Normal`.
fn set(words: &[&str], parts: &mut Parts) {
    let [number, .., disks, capacity, _free, _channels, state] = words else { return };
    let part = parts.part(ARRAY, &format!("areca/set{number}"));
    let name = words.get(1..words.len().saturating_sub(5)).map(|words| words.join(" "));
    part.name(&name.unwrap_or_default());
    part.word(words::ARRAY, state);
    part.figure("members", disks.parse().ok());
    part.figure("size_bytes", text::size_bytes(capacity));
}

/// `1 vol0 data Raid6 11250.0GB 00/00/00 Rebuilding(45.6%)`.
fn volume(words: &[&str], parts: &mut Parts) {
    let [number, .., level, capacity, _channel, state] = words else { return };
    let part = parts.part(ARRAY, &format!("areca/vol{number}"));
    part.model(level);
    part.word(words::ARRAY, state);
    part.figure("size_bytes", text::size_bytes(capacity));
    part.figure(PROGRESS, text::share(state).filter(|_| part.has_reason("rebuilding")));
}

/// `16 16 WDC WD7500AYYS-01RCA0 750.2GB HotSpare[Global]`: what follows the capacity is a state, or the name of the raid
/// set that the disk is in.
fn disk(words: &[&str], has_enclosures: bool, parts: &mut Parts) {
    let capacity = words.iter().rposition(|word| word.ends_with("GB") && text::size_bytes(word).is_some());
    let Some((number, capacity)) = words.first().zip(capacity) else { return };
    let usage = words.get(capacity + 1..).map(|words| words.join(" ")).unwrap_or_default();
    if usage == "N.A." || usage.is_empty() {
        return;
    }
    // Number and channel; number, enclosure and `Slot#1` or `SLOT 01`.
    let begin = match has_enclosures {
        true => 3 + usize::from(words.get(2).is_some_and(|word| word.eq_ignore_ascii_case("slot"))),
        false => 2,
    };
    let part = parts.part(DISK, &format!("areca/d{number}"));
    part.model(&words.get(begin..capacity).map(|words| words.join(" ")).unwrap_or_default());
    part.figure("size_bytes", words.get(capacity).and_then(|size| text::size_bytes(size)));
    // A name is no state: the disk is in use.
    match words::judge(words::DISK, &usage) {
        (State::Unknown, _) => part.say(State::Ok, ""),
        (state, reason) => part.say(state, &reason),
    }
}
