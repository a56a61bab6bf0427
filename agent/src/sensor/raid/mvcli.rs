//! `mvcli`: Marvell's controllers, from `info -o vd`, `info -o pd`, `info -o blk` and `smart -p N`. Pure.

use crate::sensor::raid::parts::{ARRAY, DISK, PROGRESS, Parts};
use crate::sensor::raid::text::{self, pair};
use crate::sensor::raid::words;
use tram_proto::component::State::{Degraded, Ok, PredictedFailure};

/// Takes in one answer; none where it is not of this tool.
pub(super) fn parse(answer: &str, parts: &mut Parts) -> Option<Result<(), String>> {
    let marks = [
        "Virtual Disk Information",
        "Physical Disk Information",
        "Block Information",
        "SMART STATUS RETURN",
        "BGA status",
    ];
    // Other tools have such headings, too.
    let own = ["SG driver version", "Marvell RAID", "Block id", "PD ID:"];
    if ![&marks[..], &own].iter().all(|some| some.iter().any(|mark| answer.contains(mark))) {
        return None;
    }
    let mut id = String::new();
    let mut kind = ARRAY;
    for line in answer.lines() {
        let Some((key, value)) = pair(line) else { continue };
        match key.trim_start_matches("# /bin/").trim() {
            "id" => {
                kind = ARRAY;
                id = format!("mv/v{value}");
            }
            "PD ID" | "PD id" if answer.contains("Physical Disk Information") => {
                kind = DISK;
                id = format!("mv/d{value}");
            }
            // The first says whether it can be used, the other of newer versions how it is.
            "status" | "VD status" if kind == ARRAY => parts.part(ARRAY, &id).word(words::ARRAY, value),
            "status" | "PD status" => parts.part(DISK, &id).word(words::DISK, value),
            "name" if kind == ARRAY => parts.part(ARRAY, &id).name(value),
            "RAID mode" => parts.part(ARRAY, &id).model(value),
            "size" if kind == ARRAY => parts.part(ARRAY, &id).figure("size_bytes", text::size_bytes(value)),
            "# of PDs" => parts.part(ARRAY, &id).figure("members", text::number(value)),
            "BGA status" if value.to_ascii_lowercase().contains("rebuild") => {
                let part = parts.part(ARRAY, &id);
                part.say(Degraded, "rebuilding");
                part.figure(PROGRESS, text::share(value));
            }
            "model" => parts.part(DISK, &id).model(value),
            "Serial" | "serial" | "Serial #" => parts.part(DISK, &id).serial(value),
            "Block id" => id.clear(),
            "PD id" => {
                kind = DISK;
                id = format!("mv/d{value}");
            }
            "Block status" if !id.is_empty() => match value.to_ascii_lowercase().as_str() {
                "assigned" | "free" | "unassigned" => parts.part(DISK, &id).say(Ok, ""),
                other => parts.part(DISK, &id).word(words::DISK, other),
            },
            "SMART STATUS RETURN" => {
                let disk =
                    answer.lines().find_map(|line| line.split_once("smart -p ")).map(|(_, rest)| rest.trim());
                let part = parts.part(DISK, &format!("mv/d{}", disk.unwrap_or("0")));
                match value.trim_end_matches('.').eq_ignore_ascii_case("ok") {
                    true => part.say(Ok, ""),
                    false => part.say(PredictedFailure, "SMART alert"),
                }
            }
            _ => {}
        }
    }
    Some(Result::Ok(()))
}
