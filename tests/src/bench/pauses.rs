//! How long reports wait for their acks while the collector does something else: the real program, with a day to merge and
//! roll up, a log to trim, a day to delete and memory of open hours that is used up, takes reports at a steady rate, and
//! a backup is made beside it. It says itself when each task's round was.

use super::bodies::Host;
use super::collector::{Collector, LOG, LOOPBACK, Setup, prepare};
use super::core::{Core, Row};
use super::datasets::time_ms;
use super::figures::{Better, Outcome, percentile};
use super::load::{self, Tally};
use super::{Options, ingest, now_ms};
use crate::fleet::dice::Dice;
use anyhow::{Context as _, ensure};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use tokio::time::Instant;
use tram_collector::series::Keep;
use tram_proto::catalogue::{Attributes, Catalogue, Column, Kind};
use tram_proto::id::AgentId;

/// Hosts that report, and those of them with a day behind them, of a report every five minutes.
const HOSTS: usize = 2_000;
const WITH_HISTORY: usize = 500;
const COLUMNS: usize = 50;
const STEP_MS: i64 = 5 * 60_000;
const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;
/// Rounds after which what is due is closed.
const SETTLE_ROUNDS: i64 = 12;
/// How long before today the day lies that is to be deleted, and what its file has beside a few reports: as much as a
/// province's day.
const PAST_DAYS: i64 = 5;
const PAST_BYTES: i64 = 256 << 20;
/// Days of samples that are kept, so that yesterday is rolled up when it is merged; memory of open hours, the least that
/// may be, and reports of each host that fill most of it.
const SETTINGS: &str = "[series]\nraw_days = 2\nmemory_mb = 16\n";
const FIRST_REPORTS: usize = 40;
/// Reports a second: for the window, from before the tasks begin, a minute after the start, until each had its turn.
const PACE_PER_S: f64 = 1_000.0;
/// A round that takes less does nothing.
const ROUND_MS: f64 = 1.0;
/// What the program is asked to say.
const LOG_OF_ROUNDS: &str = "info,tram_collector::app::background=debug";

/// When something went on, milliseconds since 1970.
type Span = (f64, f64);

/// Measures and fills in what was found.
pub async fn run(options: &Options, outcome: &mut Outcome) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let data_dir = folder.path().join("data");
    let identities = fill(&data_dir).await?;
    let mut hosts: Vec<Host> = identities
        .agents
        .iter()
        .zip(1_u64..)
        .map(|(agent, number)| Host::new(AgentId(agent.0), number, now_ms()))
        .collect();
    let setup = Setup { settings: SETTINGS, log: Some(LOG_OF_ROUNDS), ..Setup::default() };
    let collector = Collector::start_with(&options.collector, &data_dir, LOOPBACK, setup).await?;
    let mut senders = load::connect(collector.agents, &identities.identities).await?;
    ingest::fill(&mut senders, &mut hosts, FIRST_REPORTS);
    let (mut senders, tally) = load::flood(senders).await?;
    ingest::check(&tally)?;
    ingest::fill(&mut senders, &mut hosts, PACE_PER_S as usize * options.window_s as usize / HOSTS);
    let clock = (Instant::now(), now_ms() as f64);
    let mut backup = collector.beside();
    let backup_after = Duration::from_secs(options.window_s * 3 / 4);
    let target = folder.path().join("backup");
    backup.arg("backup").arg(&target).env("TRAM_BACKUP_PASSPHRASE", "measured while reports come");
    let making = async move {
        tokio::time::sleep(backup_after).await;
        tokio::task::spawn_blocking(move || made(backup)).await?
    };
    let (paced, backup) = tokio::join!(load::pace(senders, PACE_PER_S), making);
    let (_senders, tally) = paced?;
    ensure!(tally.errors == 0, "{} reports were not acked: {:?}", tally.errors, tally.first_error);
    let mut rounds = rounds(&std::fs::read_to_string(data_dir.join(LOG))?)?;
    rounds.insert("backup".to_owned(), vec![backup?]);
    drop(collector);
    tell(&tally, clock, &rounds, outcome);
    Ok(())
}

/// A data folder with yesterday to merge, the log that it came by, and a day that is past its time.
async fn fill(data_dir: &Path) -> anyhow::Result<super::collector::Fleet> {
    let today_ms = now_ms() - HOUR_MS;
    let today_ms = today_ms - today_ms.rem_euclid(DAY_MS);
    let (past_ms, yesterday_ms) = (today_ms - PAST_DAYS * DAY_MS, today_ms - DAY_MS);
    let fleet = prepare(data_dir, HOSTS, past_ms)?;
    let catalogues = (0..HOSTS).map(|_| catalogue()).collect();
    let mut core = Core::open(data_dir, &fleet.agents, catalogues, past_ms)?;
    let mut dice = Dice::new(1, "pauses");
    let mut state = vec![vec![10_000; COLUMNS]; WITH_HISTORY];
    core.take((0..WITH_HISTORY).map(|host| row(host, past_ms, &mut state, &mut dice)).collect()).await?;
    core.set_time(past_ms + DAY_MS + 2 * HOUR_MS);
    core.settle()?;
    core.trim().await?;
    core.compact(&Keep { raw_days: 1, ..Keep::default() })?;
    for step in 0..DAY_MS / STEP_MS {
        let time_ms = yesterday_ms + step * STEP_MS;
        core.take((0..WITH_HISTORY).map(|host| row(host, time_ms, &mut state, &mut dice)).collect()).await?;
        if step % SETTLE_ROUNDS == 0 {
            core.settle()?;
        }
    }
    core.set_time(now_ms());
    core.settle()?;
    core.snapshot().await?;
    core.close()?;
    let mut past: Vec<_> = std::fs::read_dir(data_dir.join("series"))?.collect::<std::io::Result<_>>()?;
    past.retain(|entry| {
        let name = entry.file_name().to_string_lossy().into_owned();
        name.starts_with("raw-") && name.ends_with(".db")
    });
    past.sort_by_key(std::fs::DirEntry::file_name);
    let past = past.first().context("no day of history was made")?.path();
    let sql = format!("CREATE TABLE filler (bytes BLOB); INSERT INTO filler VALUES (zeroblob({PAST_BYTES}))");
    rusqlite::Connection::open(past)?.execute_batch(&sql)?;
    Ok(fleet)
}

/// Makes a backup; when.
fn made(mut backup: Command) -> anyhow::Result<Span> {
    let start_ms = now_ms() as f64;
    let output = backup.output()?;
    ensure!(output.status.success(), "backup: {}", String::from_utf8_lossy(&output.stderr));
    Ok((start_ms, now_ms() as f64))
}

/// When each task's rounds were, by what the program says: `2026-11-26T07:00:14.123456Z DEBUG …: round task="trim"
/// took_us=1234`.
fn rounds(log: &str) -> anyhow::Result<BTreeMap<String, Vec<Span>>> {
    let mut rounds: BTreeMap<String, Vec<Span>> = BTreeMap::new();
    for line in log.lines().filter(|line| line.contains(": round task=")) {
        let field = |name: &str| {
            let value = line.split(name).nth(1)?.split_whitespace().next()?;
            Some(value.trim_matches('"').to_owned())
        };
        let (time, rest) = line.split_at_checked(19).context("a line without its time")?;
        let part: f64 =
            rest.split('Z').next().and_then(|part| format!("0{part}").parse().ok()).unwrap_or(0.0);
        let end_ms = time_ms(&time.replace('T', " "))? as f64 + part * 1e3;
        let took_us: f64 = field("took_us=").context("a round without its length")?.parse()?;
        let task = field("task=").context("a round of nothing")?;
        rounds.entry(task).or_default().push((end_ms - took_us / 1e3, end_ms));
    }
    Ok(rounds)
}

/// What acks waited that were under way in each task's rounds, and those that were in none.
fn tell(
    tally: &Tally,
    (start, start_ms): (Instant, f64),
    rounds: &BTreeMap<String, Vec<Span>>,
    outcome: &mut Outcome,
) {
    let acks: Vec<Span> = tally
        .since
        .iter()
        .zip(&tally.latencies_ms)
        .map(|(since, waited_ms)| {
            let since_ms = start_ms + since.duration_since(start).as_secs_f64() * 1e3;
            (since_ms, since_ms + waited_ms)
        })
        .collect();
    let (first_ms, last_ms) = acks.iter().fold((f64::MAX, 0.0), |(first, last), (since_ms, until_ms)| {
        (since_ms.min(first), until_ms.max(last))
    });
    let mut is_free = vec![true; acks.len()];
    let mut waits: Vec<(&str, Vec<f64>, Vec<f64>)> = Vec::new();
    for (task, spans) in rounds {
        let during =
            |(from_ms, to_ms): &&Span| *to_ms > first_ms && *from_ms < last_ms && to_ms - from_ms >= ROUND_MS;
        let spans: Vec<&Span> = spans.iter().filter(during).collect();
        let mut waited = Vec::new();
        for ((since_ms, until_ms), is_free) in acks.iter().zip(&mut is_free) {
            if spans.iter().any(|(from_ms, to_ms)| since_ms < to_ms && until_ms > from_ms) {
                waited.push(until_ms - since_ms);
                *is_free = false;
            }
        }
        waits.push((task, spans.iter().map(|(from_ms, to_ms)| to_ms - from_ms).collect(), waited));
    }
    let free = acks.iter().zip(&is_free).filter(|(_, is_free)| **is_free);
    waits.insert(
        0,
        ("nothing", Vec::new(), free.map(|((since_ms, until_ms), _)| until_ms - since_ms).collect()),
    );
    for (task, mut lengths, mut waited) in waits {
        if waited.is_empty() {
            outcome.note(format!("{task}: no report was under way in a round of it that took {ROUND_MS} ms"));
            continue;
        }
        let mut add = |name, value| outcome.ours(task, name, value, Better::Less);
        add("ack_p50_ms", percentile(&mut waited, 0.5));
        add("ack_p99_ms", percentile(&mut waited, 0.99));
        add("ack_worst_ms", percentile(&mut waited, 1.0));
        if !lengths.is_empty() {
            add("longest_round_ms", percentile(&mut lengths, 1.0));
            outcome.ours(task, "rounds", lengths.len() as f64, Better::More);
        }
        outcome.ours(task, "acks", waited.len() as f64, Better::More);
    }
}

fn catalogue() -> Catalogue {
    let column = |number| Column {
        name: format!("column.{number}"),
        attributes: Attributes::new(),
        unit: "1".to_owned(),
        scale: 2,
        kind: Kind::Gauge,
    };
    Catalogue { resource: Attributes::new(), columns: (0..COLUMNS).map(column).collect() }
}

/// A host's next values: half of them stay, half of them waver.
fn row(host: usize, time_ms: i64, state: &mut [Vec<i64>], dice: &mut Dice) -> Row {
    let mut values = Vec::with_capacity(COLUMNS);
    for (place, value) in state.get_mut(host).into_iter().flatten().enumerate() {
        if place % 2 == 0 {
            *value += dice.below(200) as i64 - 100;
        }
        values.push(Some(*value));
    }
    Row { host, time_ms, values }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_are_read_from_what_the_program_says() {
        let log = "2026-11-26T07:00:14.500000Z  INFO tram_collector::app: listening agents=127.0.0.1:1\n\
            2026-11-26T07:00:14.500000Z DEBUG tram_collector::app::background: round task=\"trim\" took_us=1500\n";
        let found = rounds(log).unwrap();
        let end_ms = time_ms("2026-11-26 07:00:14").unwrap() as f64 + 500.0;
        assert_eq!(found, BTreeMap::from([("trim".to_owned(), vec![(end_ms - 1.5, end_ms)])]));
    }
}
