//! RAID in software beside `md`: LVM's volumes from `dmsetup status`, BIOS RAID from `dmraid`, and what the old `lsraid`
//! and `mdadm --detail` print of `md` arrays. Pure.

use crate::sensor::raid::parts::{ARRAY, DISK, PROGRESS, Part, Parts};
use crate::sensor::raid::text::{self, pair};
use crate::sensor::raid::words;
use tram_proto::component::State::{Degraded, Failed, Ok};

type Answer = Option<Result<(), String>>;

/// `dmsetup status`: `vg-root: 0 20971520 raid raid1 2 AA 20971520/20971520 idle 0`. Targets that are no RAID are left
/// out.
pub(super) fn parse_dmsetup(answer: &str, parts: &mut Parts) -> Answer {
    let mut is_known = answer.trim() == "No devices found";
    for line in answer.lines() {
        let Some((name, rest)) = line.split_once(": ").filter(|(name, _)| !name.contains(' ')) else {
            continue;
        };
        let fields: Vec<&str> = rest.split_whitespace().collect();
        let [begin, length, target, arguments @ ..] = fields.as_slice() else { continue };
        if begin.parse::<u64>().is_err() || length.parse::<u64>().is_err() {
            continue;
        }
        is_known = true;
        match (*target, arguments) {
            ("raid", [level, _, health, ratio, rest @ ..]) => {
                let part = parts.part(ARRAY, &format!("dm/{name}"));
                part.model(level);
                members(part, health);
                let action = rest.first().copied().unwrap_or("idle");
                working(part, action, ratio);
                part.figure("mismatch_sectors", rest.get(1).and_then(|count| count.parse().ok()));
            }
            ("mirror", [legs, rest @ ..]) => {
                let legs: usize = legs.parse().unwrap_or_default();
                let part = parts.part(ARRAY, &format!("dm/{name}"));
                part.model("mirror");
                match (rest.get(legs), rest.get(legs + 2)) {
                    (Some(ratio), Some(health)) if health.bytes().all(|byte| byte.is_ascii_uppercase()) => {
                        members(part, health);
                        working(part, "resync", ratio);
                    }
                    _ => {}
                }
            }
            _ => {}
        }
    }
    is_known.then_some(Result::Ok(()))
}

/// One letter each member: `A` alive, `a` alive and not in sync, `D` dead; `F` failed, `S` and `R` failed reads or
/// writes, `U` unclassified; `-` is no member.
fn members(part: &mut Part, health: &str) {
    let count = |letters: &str| health.chars().filter(|letter| letters.contains(*letter)).count() as f64;
    part.figure("members", Some(health.len() as f64));
    part.figure("members_active", Some(count("A")));
    part.say(Ok, "");
    if count("DFSRU-") > 0.0 {
        part.say(Degraded, "missing member");
    }
    if count("Aa") == 0.0 {
        part.say(Failed, "no member left");
    }
    if health.chars().any(|letter| !"AaDFSRU-".contains(letter)) {
        part.word(words::ARRAY, health);
    }
}

fn working(part: &mut Part, action: &str, ratio: &str) {
    let share = ratio.split_once('/').and_then(|(done, whole)| {
        let (done, whole): (f64, f64) = (done.parse().ok()?, whole.parse().ok()?);
        (whole > 0.0 && done < whole).then_some(done / whole)
    });
    match action {
        "recover" | "rebuild" => part.say(Degraded, "rebuilding"),
        "idle" | "frozen" | "-" => {}
        "resync" if share.is_none() => {}
        other => part.quote(other),
    }
    part.figure(PROGRESS, share.filter(|_| action != "check"));
}

/// `dmraid -s` (sets) and `dmraid -r` (disks).
pub(super) fn parse_dmraid(answer: &str, parts: &mut Parts) -> Answer {
    if answer.trim().eq_ignore_ascii_case("no raid disks") {
        return Some(Result::Ok(()));
    }
    let is_sets = answer.contains("Subset")
        || answer.contains("Active Set")
        || answer.contains("*** Set")
        || answer.contains("superset");
    let mut is_known = false;
    let mut id = String::new();
    for line in answer.lines() {
        let fields: Vec<&str> = line.split(',').map(str::trim).collect();
        match (pair(line), fields.as_slice()) {
            (_, [head, set, _level, state, ..]) if head.starts_with("/dev/") && head.contains(": ") => {
                let (device, format) = head.split_once(": ").unwrap_or((head, ""));
                let part = parts.part(DISK, device.trim_start_matches("/dev/"));
                part.word(words::DISK, state);
                part.note(&format!("in {format} {}", set.trim_matches('"')));
                is_known = true;
            }
            (Some(("name", name)), _) if is_sets => {
                id = format!("dmraid/{name}");
                is_known = true;
            }
            (Some(("status", state)), _) if is_sets && !id.is_empty() => {
                parts.part(ARRAY, &id).word(words::ARRAY, state)
            }
            (Some(("type", level)), _) if is_sets && !id.is_empty() => parts.part(ARRAY, &id).model(level),
            (Some(("devs", count)), _) if is_sets && !id.is_empty() => {
                parts.part(ARRAY, &id).figure("members", text::number(count));
            }
            _ => {}
        }
    }
    is_known.then_some(Result::Ok(()))
}

/// `lsraid`: `[dev   9,   0] /dev/md0 UUID online`, then its members.
pub(super) fn parse_lsraid(answer: &str, parts: &mut Parts) -> Answer {
    let mut array = String::new();
    for line in answer.lines().filter(|line| line.starts_with("[dev ")) {
        let Some((_, rest)) = line.split_once(']') else { continue };
        let fields: Vec<&str> = rest.split_whitespace().collect();
        let [device, uuid, state] = fields.as_slice() else { continue };
        let name = device.trim_start_matches("/dev/");
        if name.starts_with("md") {
            array = name.to_owned();
            let part = parts.part(ARRAY, name);
            part.word(words::ARRAY, state);
            part.serial(uuid);
            continue;
        }
        let Some(part) = parts.known(ARRAY, &array) else { continue };
        match *state {
            "good" | "spare" => {}
            "failed" => {
                part.say(Degraded, &format!("failed member {name}"));
                part.say(Degraded, "degraded");
            }
            "missing" => {
                part.say(Degraded, "degraded");
                part.say(Degraded, "missing member");
            }
            other => part.word(words::DISK, other),
        }
    }
    (!array.is_empty()).then_some(Result::Ok(()))
}

/// `mdadm --detail`.
pub(super) fn parse_mdadm(answer: &str, parts: &mut Parts) -> Answer {
    let mut id = String::new();
    for line in answer.lines() {
        if let Some(name) = line.strip_prefix("/dev/").and_then(|rest| rest.strip_suffix(':')) {
            name.trim_start_matches("md/").clone_into(&mut id);
            continue;
        }
        let Some((key, value)) = pair(line).filter(|_| !id.is_empty()) else { continue };
        let part = parts.part(ARRAY, &id);
        match key {
            "Raid Level" => part.model(value),
            "UUID" => part.serial(value),
            "Raid Devices" => part.figure("members", text::number(value)),
            "Active Devices" => part.figure("members_active", text::number(value)),
            "Failed Devices" => {
                part.figure("members_failed", text::number(value));
                if text::number(value).is_some_and(|count| count > 0.0) {
                    part.say(Degraded, "failed member");
                }
            }
            "Array Size" => part.figure("size_bytes", text::number(value).map(|blocks| blocks * 1024.0)),
            "Rebuild Status" | "Resync Status" => part.figure(PROGRESS, text::share(value)),
            "State" => {
                value.split(',').map(str::trim).filter(|word| !word.is_empty()).for_each(|word| match word {
                    "broken" | "FAILED" | "Not Started" | "inactive" => {
                        part.say(Failed, &word.to_ascii_lowercase())
                    }
                    "resyncing" | "reshaping" | "checking" | "read-auto" | "readonly" | "active-idle"
                    | "write-pending" | "read-only" => {
                        part.say(Ok, word);
                    }
                    word if word.starts_with("resyncing") || word.starts_with("resync") => {
                        part.say(Ok, "resync")
                    }
                    word => part.word(words::ARRAY, word),
                })
            }
            _ => {}
        }
    }
    (!id.is_empty()).then_some(Result::Ok(()))
}
