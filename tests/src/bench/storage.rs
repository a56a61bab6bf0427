//! Bytes on disk for each sample: a whole collector core fills a data folder with a day, or with a recording, closes and
//! merges it as the real one does, and every file of the folder is counted. The peers store the same numbers.

use super::collector::prepare;
use super::core::Core;
use super::datasets::{self, Recorded, STEP_MS, Set};
use super::figures::{Better, Outcome};
use super::{Options, peers};
use anyhow::{Context as _, ensure};
use std::path::Path;
use std::process::Command;
use tram_collector::series::Keep;

/// Hosts and hours of the kit's data, as its own `storage` has them.
const KIT_HOSTS: usize = 100;
const KIT_STEPS: i64 = 24 * 240;
/// Real clocks waver by so much.
const JITTER_MS: i64 = 100;
/// Hosts that play a recording, each one step after the one before: what a file costs is shared by many, as in a
/// province.
const FLEET: usize = 100;
const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;
/// Rounds after which what is due is closed, and after which the log is trimmed.
const SETTLE_ROUNDS: usize = 20;
const TRIM_ROUNDS: usize = 240;

/// Measures and fills in what was found.
pub async fn run(options: &Options, outcome: &mut Outcome) -> anyhow::Result<()> {
    let is_wanted = |run: &str| options.only.as_ref().is_none_or(|only| run.starts_with(only.as_str()));
    let of_kit = [("whole_seconds", 0), ("jitter_100ms", JITTER_MS)];
    for (run, jitter_ms) in of_kit.into_iter().filter(|(run, _)| is_wanted(run)) {
        let Some(kit) = options.kit.as_deref() else {
            outcome.note("the kit's data is left out: the kit is not there");
            break;
        };
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("kit.bin");
        generate(kit, &file, KIT_HOSTS, KIT_STEPS, jitter_ms, datasets::KIT_BASE_S)?;
        store(datasets::kit(&file, KIT_HOSTS)?, run, outcome).await?;
        drop(folder);
        peers::storage(options, run, jitter_ms, outcome)?;
    }
    let sets = options.recordings.as_deref().map(datasets::real).transpose()?.unwrap_or_default();
    if sets.is_empty() {
        outcome.note("the real sets are left out: the recordings are not there");
    }
    for (name, machines) in sets.iter().filter(|(name, _)| is_wanted(name)) {
        for (run, fleets) in [(format!("{name}_alone"), 1), (format!("{name}_fleet"), fleets_of(machines))] {
            let set = || datasets::played(machines, fleets);
            store(set(), &run, outcome).await?;
            peers::storage_of(options, &run, set(), fleets == 1, outcome).await?;
        }
    }
    Ok(())
}

/// As many fleets as make about [`FLEET`] hosts.
fn fleets_of(machines: &[Recorded]) -> usize {
    (FLEET / machines.len().max(1)).max(1)
}

/// Has the kit make its data.
pub fn generate(
    kit: &Path,
    file: &Path,
    hosts: usize,
    steps: i64,
    jitter_ms: i64,
    base_s: i64,
) -> anyhow::Result<()> {
    let mut generate = Command::new(kit.join("peers"));
    let numbers =
        [("--hosts", hosts as i64), ("--steps", steps), ("--jitter-ms", jitter_ms), ("--base", base_s)];
    generate.args(["gen", "--format", "json"]).arg("--out").arg(file);
    for (name, number) in numbers {
        generate.arg(name).arg(number.to_string());
    }
    let output = generate.output().context("running the kit")?;
    ensure!(output.status.success(), "gen: {}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

/// Bytes of a data folder.
#[derive(Debug, Clone, Copy, Default)]
struct Bytes {
    raw: u64,
    five_minutes: u64,
    hours: u64,
    /// State, log, keys: all the rest.
    rest: u64,
}

impl Bytes {
    fn of(data_dir: &Path) -> anyhow::Result<Self> {
        let mut bytes = Self::default();
        let mut folders = vec![data_dir.to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder)? {
                let entry = entry?;
                let (name, metadata) = (entry.file_name(), entry.metadata()?);
                let name = name.to_string_lossy();
                if metadata.is_dir() {
                    folders.push(entry.path());
                } else if name.starts_with("raw-") {
                    bytes.raw += metadata.len();
                } else if name.starts_with("5min-") {
                    bytes.five_minutes += metadata.len();
                } else if name.starts_with("1h-") {
                    bytes.hours += metadata.len();
                } else if !name.ends_with("-shm") {
                    // An index of the write-ahead log in shared memory, made anew at each start.
                    bytes.rest += metadata.len();
                }
            }
        }
        Ok(bytes)
    }

    fn all(&self) -> u64 {
        self.raw + self.five_minutes + self.hours + self.rest
    }
}

async fn store(set: Set, run: &str, outcome: &mut Outcome) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let data_dir = folder.path().join("data");
    let (rows, mut rest) = (set.rows, 0_u64);
    let mut rows = rows.peekable();
    let first_ms = match rows.peek() {
        Some(Ok(row)) => row.time_ms,
        _ => return Ok(()),
    };
    let fleet = prepare(&data_dir, set.catalogues.len(), first_ms)?;
    let mut core = Core::open(&data_dir, &fleet.agents, set.catalogues, first_ms)?;
    let (mut samples, mut reports, mut last_ms) = (0, 0_u64, first_ms);
    for round in 1_usize.. {
        let Some(Ok(next)) = rows.peek() else { break };
        let end_ms = next.time_ms + STEP_MS - next.time_ms.rem_euclid(STEP_MS);
        let mut together = Vec::new();
        while let Some(row) = rows.next_if(|row| row.as_ref().is_ok_and(|row| row.time_ms < end_ms)) {
            together.push(row?);
        }
        samples += together.iter().map(|row| row.values.len() as u64).sum::<u64>();
        reports += together.len() as u64;
        last_ms = last_ms.max(together.iter().map(|row| row.time_ms).max().unwrap_or(last_ms));
        core.take(together).await?;
        if round.is_multiple_of(SETTLE_ROUNDS) {
            core.settle()?;
        }
        if round.is_multiple_of(TRIM_ROUNDS) {
            core.trim().await?;
        }
        rest = rest.max(Bytes::of(&data_dir)?.rest * u64::from(round.is_multiple_of(TRIM_ROUNDS)));
    }
    if let Some(Err(error)) = rows.next() {
        return Err(error);
    }
    // An hour after the last day: everything is closed and merged, and what is nearly free is rolled up.
    core.set_time(last_ms - last_ms.rem_euclid(DAY_MS) + DAY_MS + HOUR_MS);
    core.settle()?;
    core.trim().await?;
    core.give_back().await?;
    core.compact(&Keep { raw_days: 3_650, ..Keep::default() })?;
    let merged = Bytes::of(&data_dir)?;
    // A month later: everything that is to stand for the samples is there, and they are as well.
    core.compact(&Keep { raw_days: 1, ..Keep::default() })?;
    let all = Bytes::of(&data_dir)?;
    core.close()?;
    ensure!(stored_reports(&data_dir)? == reports, "not every report is in a merged chunk");
    let mut add = |name, bytes: u64| outcome.ours(run, name, bytes as f64 / samples as f64, Better::Less);
    add("bytes_per_sample", merged.all());
    add("raw_bytes_per_sample", merged.raw);
    add("raw_and_tiers_bytes_per_sample", all.raw + all.five_minutes + all.hours);
    add("five_minutes_bytes_per_sample", all.five_minutes);
    add("hours_bytes_per_sample", all.hours);
    add("state_bytes_per_sample", merged.rest);
    outcome.ours(run, "state_peak_mb", rest as f64 / 1e6, Better::Less);
    outcome.ours(run, "samples", samples as f64, Better::More);
    Ok(())
}

/// Reports in merged chunks of samples.
fn stored_reports(data_dir: &Path) -> anyhow::Result<u64> {
    let mut reports = 0;
    for entry in std::fs::read_dir(data_dir.join("series"))? {
        let file = entry?.path();
        let is_raw = file.file_name().is_some_and(|name| name.to_string_lossy().starts_with("raw-"));
        if is_raw && file.extension().is_some_and(|extension| extension == "db") {
            let sql = "SELECT coalesce(sum(count), 0) FROM chunk WHERE form = 2";
            let count: i64 = rusqlite::Connection::open(&file)?.query_row(sql, [], |row| row.get(0))?;
            reports += count.unsigned_abs();
        }
    }
    Ok(reports)
}
