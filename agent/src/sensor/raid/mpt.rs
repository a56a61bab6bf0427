//! `mpt-status`: LSI's older SCSI and SAS adapters with integrated RAID, in its three ways of printing. Pure.

use crate::sensor::raid::parts::{ARRAY, DISK, PROGRESS, Parts};
use crate::sensor::raid::{text, words};
use tram_proto::component::State::{Degraded, PredictedFailure};

/// Takes in one answer; none where it is not of this tool.
pub(super) fn parse(answer: &str, parts: &mut Parts) -> Option<Result<(), String>> {
    let begins = |line: &str| {
        let line = line.trim_start();
        ["ioc", "log_id ", "phys_id ", "Checking for SCSI ID", "Found SCSI id"]
            .iter()
            .any(|mark| line.starts_with(mark))
    };
    if !answer.lines().any(begins) {
        return None;
    }
    for line in answer.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["log_id", number, state, ..] => {
                parts.part(ARRAY, &format!("mpt0/v{number}")).word(words::ARRAY, state)
            }
            ["phys_id", number, state, ..] => {
                parts.part(DISK, &format!("mpt0/d{number}")).word(words::DISK, state)
            }
            [first, ..] if first.starts_with("ioc") => adapter_line(line, parts),
            [first, percent] if first.starts_with("scsi_id:") => {
                let share = text::share(percent);
                parts
                    .each(ARRAY)
                    .filter(|part| part.has_reason("rebuilding"))
                    .for_each(|part| part.figure(PROGRESS, share));
            }
            _ => {}
        }
    }
    Some(Ok(()))
}

/// `ioc0 vol_id 0 type IM, 2 phy, 135 GB, state OPTIMAL, flags ENABLED`, or the same with colons: `ioc:0 vol_id:0 ...`.
fn adapter_line(line: &str, parts: &mut Parts) {
    let after = |key: &str| {
        let (_, rest) = line.split_once(key)?;
        rest.trim_start_matches([':', ' ']).split([',', ' ']).next()
    };
    let flags =
        line.split_once("flags").map(|(_, rest)| rest.trim_start_matches([':', ' '])).unwrap_or_default();
    let flags = flags.split(" sync_state").next().unwrap_or_default();
    let adapter = after("ioc").unwrap_or("0");
    let state = after("state").unwrap_or_default();
    // `sync_state` comes after the state.
    if let Some(number) = after("vol_id") {
        let part = parts.part(ARRAY, &format!("mpt{adapter}/v{number}"));
        part.word(words::ARRAY, state);
        part.model(after("raidlevel").or_else(|| after("type")).unwrap_or_default());
        if flags.contains("RESYNC_IN_PROGRESS") && part.has_reason("degraded") {
            part.say(Degraded, "rebuilding");
        } else if flags.contains("RESYNC_IN_PROGRESS") {
            part.note("resync");
        }
        if flags.contains("INACTIVE") || flags.contains("NOT_ENABLED") {
            part.say(Degraded, "not enabled");
        }
    } else if let Some(number) = after(" phys_id").or_else(|| after(" phy")) {
        let part = parts.part(DISK, &format!("mpt{adapter}/d{number}"));
        part.word(words::DISK, state);
        part.model(after("product_id").unwrap_or_default());
        if flags.contains("OUT_OF_SYNC") {
            part.say(Degraded, "out of sync");
        }
        let sense = after("SMART ASC/ASCQ").unwrap_or("0x00/0x00");
        // 0x5d: failure prediction threshold exceeded.
        if sense.starts_with("0x5d") {
            part.say(PredictedFailure, "predictive failure");
        }
    }
}
