//! `/proc/mdstat` as arrays. Pure; judges nothing.

use crate::sensor::{NoData, source};
use std::path::Path;

/// One line of `/proc/mdstat` counts in these.
const BLOCK_BYTES: f64 = 1024.0;

/// One array as the kernel tells of it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Array {
    /// Such as `md0`.
    pub name: String,
    /// The word after the colon: `active`, `inactive` or `broken`; from `/sys`, the array's state.
    pub state: String,
    /// `raid1`, `raid0`, `linear`, ...; empty where the array is not running.
    pub level: String,
    /// What it holds.
    pub size_bytes: Option<f64>,
    /// Whether it only holds the members of other arrays, as BIOS RAID does.
    pub is_container: bool,
    /// Members that it should have.
    pub wanted: Option<u32>,
    /// Of them, those that work and are up to date.
    pub working: Option<u32>,
    /// Block devices that belong to it.
    pub members: Vec<Member>,
    /// What it is busy with.
    pub action: Option<Action>,
    /// Unique id, from `/sys`.
    pub uuid: String,
    /// Sectors that differed between members in the last check, from `/sys`.
    pub mismatches: Option<f64>,
}

/// A block device in an array.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Such as `sda1`.
    pub name: String,
    /// What it does.
    pub role: Role,
}

/// What a member does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Holds data, or is being filled.
    Active,
    /// Waits.
    Spare,
    /// Takes the place of another that still works.
    Replacement,
    /// Was put out of the array because it failed.
    Faulty,
}

/// What an array is busy with.
#[derive(Debug, Clone, PartialEq)]
pub struct Action {
    /// `recovery`, `resync`, `check`, `repair` or `reshape`.
    pub word: String,
    /// Share done; none while it waits for its turn.
    pub progress: Option<f64>,
}

/// Arrays in the order of the text.
pub fn parse(text: &str, path: &Path) -> Result<Vec<Array>, NoData> {
    let mut arrays: Vec<Array> = Vec::new();
    let mut is_mdstat = false;
    for (place, line) in text.lines().enumerate() {
        if line.starts_with("Personalities") || line.starts_with("unused devices") {
            is_mdstat = true;
        } else if let Some(array) = header(line) {
            let array = array.ok_or_else(|| {
                source::malformed(path, Some(place + 1), "\"mdN : active|inactive [LEVEL] MEMBERS\"")
            })?;
            arrays.push(array);
        } else if let Some(array) = arrays.last_mut() {
            detail(array, line);
        }
    }
    match is_mdstat || !arrays.is_empty() {
        true => Ok(arrays),
        false => Err(source::malformed(path, None, "\"Personalities\" and arrays")),
    }
}

/// The first line of an array; none inside where it begins like one and goes on otherwise; none where it is none.
fn header(line: &str) -> Option<Option<Array>> {
    let (name, rest) = line.split_once(" : ")?;
    if !name.starts_with("md") || name.contains(' ') {
        return None;
    }
    let mut words = rest.split_whitespace().peekable();
    // Old kernels write `active(read-only)`.
    let state = words.next().map(|word| word.split('(').next().unwrap_or_default());
    // Since Linux 5.5 an array without redundancy that has lost a member is `broken`.
    let Some(state @ ("active" | "inactive" | "broken")) = state else { return Some(None) };
    let mut array = Array { name: name.to_owned(), state: state.to_owned(), ..Array::default() };
    while words.peek().is_some_and(|word| word.starts_with('(')) {
        words.next();
    }
    for word in words {
        match member(word) {
            Some(member) => array.members.push(member),
            None if array.level.is_empty() => array.level = word.to_owned(),
            None => return Some(None),
        }
    }
    Some(Some(array))
}

/// `sda1[0]`, `sdb1[1](F)`, `sdc1[2](W)(S)`.
fn member(word: &str) -> Option<Member> {
    let (name, rest) = word.split_once('[')?;
    let (number, flags) = rest.split_once(']')?;
    number.parse::<u32>().ok()?;
    let role = match flags {
        flags if flags.contains("(F)") => Role::Faulty,
        flags if flags.contains("(R)") => Role::Replacement,
        // A journal holds no place among the counted members either.
        flags if flags.contains("(S)") || flags.contains("(J)") => Role::Spare,
        _ => Role::Active,
    };
    Some(Member { name: name.to_owned(), role })
}

/// A line below: size and members that work, or what the array is busy with.
fn detail(array: &mut Array, line: &str) {
    let mut before = "";
    for word in line.split_whitespace() {
        if word == "blocks" {
            array.size_bytes = before.parse().ok().map(|blocks: f64| blocks * BLOCK_BYTES);
        } else if let Some(metadata) = word.strip_prefix("external:") {
            // `external:/md127/0` is an array inside a container, `external:imsm` the container.
            array.is_container = !metadata.starts_with('/');
        } else if let Some((wanted, working)) = members_counted(word) {
            (array.wanted, array.working) = (Some(wanted), Some(working));
        }
        before = word;
    }
    if let Some(action) = action(line) {
        array.action = Some(action);
    }
}

/// `[3/2]`.
fn members_counted(word: &str) -> Option<(u32, u32)> {
    let (wanted, working) = word.strip_prefix('[')?.strip_suffix(']')?.split_once('/')?;
    Some((wanted.parse().ok()?, working.parse().ok()?))
}

/// `[=>....]  recovery =  8.5% (16775552/195310144) finish=17.0min`, or `resync=DELAYED`, `PENDING`, `REMOTE`.
fn action(line: &str) -> Option<Action> {
    let (before, after) = line
        .split_once('=')
        .filter(|_| !line.contains("[=") && !line.contains("[>"))
        .or_else(|| line.split_once(']').and_then(|(_, rest)| rest.split_once('=')))?;
    let word = before.trim();
    if !["recovery", "resync", "check", "repair", "reshape"].contains(&word) {
        return None;
    }
    let percent = after.trim_start().split('%').next().and_then(|text| text.parse::<f64>().ok());
    let progress = percent.filter(|percent| (0.0..=100.0).contains(percent)).map(|percent| percent / 100.0);
    Some(Action { word: word.to_owned(), progress })
}
