//! `zpool status`: ZFS pools and the devices in them. Pure.

use crate::sensor::raid::parts::{ARRAY, DISK, PROGRESS, Parts};
use crate::sensor::raid::{text, words};
use tram_proto::component::State::{self, Degraded, Failed};

/// Takes in one answer; none where it is not of this tool.
pub(super) fn parse(answer: &str, parts: &mut Parts) -> Option<Result<(), String>> {
    if answer.trim() == "no pools available" {
        return Some(Ok(()));
    }
    let mut pool = String::new();
    let mut is_config = false;
    for line in answer.lines() {
        let trimmed = line.trim();
        if let Some(name) = trimmed.strip_prefix("pool: ") {
            pool = format!("zfs/{name}");
            is_config = false;
        } else if pool.is_empty() || trimmed.is_empty() {
            continue;
        } else if let Some(state) = trimmed.strip_prefix("state: ") {
            let part = parts.part(ARRAY, &pool);
            part.word(words::ARRAY, state);
            part.model("ZFS");
        } else if trimmed.contains("resilver in progress") {
            parts.part(ARRAY, &pool).say(Degraded, "rebuilding");
        } else if let (true, Some(share)) = (trimmed.contains("% done"), text::share(trimmed)) {
            let part = parts.part(ARRAY, &pool);
            part.figure(PROGRESS, Some(share).filter(|_| part.has_reason("rebuilding")));
        } else if let Some(errors) = trimmed.strip_prefix("errors: ") {
            if errors != "No known data errors" {
                parts.part(ARRAY, &pool).say(Degraded, "data errors");
            }
        } else if trimmed.starts_with("NAME ") {
            is_config = true;
        } else if is_config {
            device(&pool, trimmed, parts);
        }
    }
    (!pool.is_empty()).then_some(Ok(()))
}

/// `sdb UNAVAIL 0 0 0 cannot open`: a device; pools and groups of devices have a line as well, spares no counts.
fn device(pool: &str, line: &str, parts: &mut Parts) {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let [name, state, rest @ ..] = fields.as_slice() else { return };
    let is_group = ["mirror", "raidz", "draid", "spare", "replacing", "logs", "cache", "special", "dedup"]
        .iter()
        .any(|group| name.starts_with(group));
    if is_group || pool.ends_with(&format!("/{name}")) {
        return;
    }
    let part = parts.part(DISK, &format!("{pool}/{}", name.trim_start_matches("/dev/")));
    match *state {
        "ONLINE" | "AVAIL" => part.say(State::Ok, ""),
        "INUSE" => part.say(State::Ok, "active spare"),
        "DEGRADED" => part.say(Degraded, "degraded"),
        "FAULTED" => part.say(Failed, "failed"),
        "OFFLINE" | "REMOVED" | "UNAVAIL" => part.say(Failed, &state.to_ascii_lowercase()),
        other => part.word(words::DISK, other),
    }
    for (key, count) in ["read_errors", "write_errors", "checksum_errors"].iter().zip(rest) {
        part.figure(key, count.parse().ok());
    }
}
