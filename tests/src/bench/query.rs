//! What a question to the history takes over TLS: the program serves a fleet of which a hundred hosts have a day behind
//! them, partly merged, partly in hourly chunks, the last hour open; one connection is kept and asks one thing at a time.

use super::collector::{Collector, prepare};
use super::core::Core;
use super::datasets::{self, STEP_MS};
use super::figures::{Better, Outcome, percentile};
use super::storage::generate;
use super::{Options, now_ms, peers};
use crate::pki::{Connection, client_config};
use anyhow::{Context as _, ensure};
use hyper::Method;
use std::path::Path;
use tram_collector::series::Keep;
use tram_proto::sample as name;

/// Hosts that are known, and those of them with a day of history.
const HOSTS: usize = 2_000;
const WITH_HISTORY: usize = 100;
const DAY_STEPS: i64 = 24 * 240;
/// Reports of every host at the end.
const LAST_STEPS: i64 = 2;
/// Different questions of one kind, and how often all of them are asked, as the kit does.
const QUESTIONS: usize = 50;
const REPEATS: usize = 3;
/// Ends not quite now: the present minute is not over.
const BEFORE_NOW_MS: i64 = 60_000;
/// What is asked for begins and ends with a step of the answer.
const ANSWER_STEP_MS: i64 = 60_000;
const SETTLE_ROUNDS: i64 = 20;
const TRIM_ROUNDS: i64 = 240;
/// Five names, asked in turn.
const LATEST: [&str; 5] = [
    "system.cpu.utilization{cpu.mode=user}",
    name::MEMORY_AVAILABLE,
    name::LOAD_1M,
    "system.network.io{network.io.direction=receive}",
    name::UPTIME,
];

/// Measures and fills in what was found.
pub async fn run(options: &Options, outcome: &mut Outcome) -> anyhow::Result<()> {
    let Some(kit) = options.kit.as_deref() else {
        outcome.note("nothing measured: the kit, which makes the data, is not there");
        return Ok(());
    };
    let folder = tempfile::tempdir()?;
    let end_ms = (now_ms() - BEFORE_NOW_MS) / ANSWER_STEP_MS * ANSWER_STEP_MS;
    fill(kit, folder.path(), end_ms).await?;
    let collector = Collector::start(&options.collector, folder.path(), "localhost").await?;
    let process = collector.process();
    process.quiet().await?;
    let mut asker = Asker::open(&collector, folder.path()).await?;
    let from_ms = end_ms - DAY_STEPS * STEP_MS;
    for (run, figures) in [("range", "min,max,mean"), ("range_mean", "mean")] {
        let ask = |question: usize| {
            let host = (question * 37) % WITH_HISTORY + 1;
            let window = format!("from_ms={from_ms}&to_ms={end_ms}&step_s=60&figures={figures}");
            format!("/api/v1/series?asset={host}&{window}&name={}", encoded(&ten("system.process.count")))
        };
        let cpu_s = process.cpu_s()?;
        let (median_ms, worst_ms, answer) = asker.ask(QUESTIONS, ask).await?;
        let series = answer["series"].as_array().map_or(0, Vec::len);
        ensure!(series == 10, "{series} series in an answer, expected 10");
        let steps = answer["series"][0]["mean"].as_array().map_or(0, Vec::len);
        ensure!(steps == 24 * 60, "{steps} steps in an answer");
        outcome.ours(run, "median_ms", median_ms, Better::Less);
        outcome.ours(run, "worst_of_50_ms", worst_ms, Better::Less);
        let cpu_ms = (process.cpu_s()? - cpu_s) * 1e3 / (QUESTIONS * REPEATS) as f64;
        outcome.ours(run, "cpu_ms_per_query", cpu_ms, Better::Less);
    }
    let ask = |question: usize| {
        let name = LATEST.get(question % LATEST.len()).copied().unwrap_or_default();
        format!("/api/v1/latest?limit={HOSTS}&name={}", encoded(name))
    };
    let cpu_s = process.cpu_s()?;
    let (median_ms, worst_ms, answer) = asker.ask(QUESTIONS, ask).await?;
    let items = answer["items"].as_array().map_or(0, Vec::len);
    ensure!(items == HOSTS, "{items} values in an answer");
    outcome.ours("latest", "median_ms", median_ms, Better::Less);
    outcome.ours("latest", "worst_of_50_ms", worst_ms, Better::Less);
    let cpu_ms = (process.cpu_s()? - cpu_s) * 1e3 / (QUESTIONS * REPEATS) as f64;
    outcome.ours("latest", "cpu_ms_per_query", cpu_ms, Better::Less);
    drop(collector);
    peers::query(options, HOSTS, outcome)
}

/// A data folder with a fleet that has reported until `end_ms`.
async fn fill(kit: &Path, data_dir: &Path, end_ms: i64) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let (day, last) = (folder.path().join("day.bin"), folder.path().join("last.bin"));
    let first_ms = end_ms - DAY_STEPS * STEP_MS;
    let day_steps = DAY_STEPS - LAST_STEPS;
    generate(kit, &day, WITH_HISTORY, day_steps, 0, first_ms / 1_000)?;
    generate(kit, &last, HOSTS, LAST_STEPS, 0, (first_ms + day_steps * STEP_MS) / 1_000)?;
    let fleet = prepare(data_dir, HOSTS, first_ms)?;
    let set = datasets::kit(&last, HOSTS)?;
    let mut core = Core::open(data_dir, &fleet.agents, set.catalogues, first_ms)?;
    let mut rows = datasets::kit(&day, WITH_HISTORY)?.rows.chain(set.rows).peekable();
    for step in 1..=DAY_STEPS {
        let until_ms = first_ms + step * STEP_MS;
        let mut together = Vec::new();
        while let Some(row) = rows.next_if(|row| row.as_ref().is_ok_and(|row| row.time_ms < until_ms)) {
            together.push(row?);
        }
        core.take(together).await?;
        if step % SETTLE_ROUNDS == 0 {
            core.settle()?;
        }
        if step % TRIM_ROUNDS == 0 {
            core.trim().await?;
        }
    }
    core.set_time(end_ms);
    core.settle()?;
    core.trim().await?;
    core.compact(&Keep::default())?;
    core.close()
}

/// Ten series of a host, as the kit asks for them, the last of a name that the host has.
pub(super) fn ten(last: &str) -> String {
    [
        "system.cpu.utilization{cpu.mode=user|system|iowait}",
        name::LOAD_1M,
        name::MEMORY_AVAILABLE,
        "system.memory.usage{system.memory.state=used}",
        name::NETWORK_IO,
        "system.disk.io{disk.io.direction=write}",
        last,
    ]
    .join(",")
}

pub(super) fn encoded(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'_' | b'-' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(byte).collect()
}

/// One kept connection.
pub(super) struct Asker {
    connection: Connection,
    authorization: String,
}

impl Asker {
    /// Connects to a collector that serves a data folder, with a token of its own.
    pub(super) async fn open(collector: &Collector, data_dir: &Path) -> anyhow::Result<Self> {
        let ca = std::fs::read_to_string(data_dir.join("pki/ca.pem")).context("the collector's CA")?;
        let authorization = format!("Bearer {}", collector.api_token()?);
        let connection = Connection::open(collector.operators, client_config(&ca, None)?).await?;
        Ok(Self { connection, authorization })
    }

    /// What one address answers.
    pub(super) async fn get(&mut self, path: &str) -> anyhow::Result<Vec<u8>> {
        let headers = [("authorization", self.authorization.as_str())];
        let reply = self.connection.send(Method::GET, path, &headers, Vec::new()).await?;
        let said = || String::from_utf8_lossy(&reply.body).into_owned();
        ensure!(reply.status == 200, "{path}: {} {}", reply.status, said());
        Ok(reply.body)
    }

    /// Asks all questions some times over: the median, the worst of a round (each the median of the rounds), and the last
    /// answer.
    pub(super) async fn ask(
        &mut self,
        questions: usize,
        path: impl Fn(usize) -> String,
    ) -> anyhow::Result<(f64, f64, serde_json::Value)> {
        let (mut medians, mut worst) = (Vec::new(), Vec::new());
        let mut last = Vec::new();
        for _ in 0..REPEATS {
            let mut took_ms = Vec::with_capacity(questions);
            for question in 0..questions {
                let path = path(question);
                let start = tokio::time::Instant::now();
                last = self.get(&path).await?;
                took_ms.push(start.elapsed().as_secs_f64() * 1e3);
            }
            medians.push(percentile(&mut took_ms, 0.5));
            worst.push(percentile(&mut took_ms, 1.0));
        }
        let answer = serde_json::from_slice(&last)?;
        Ok((percentile(&mut medians, 0.5), percentile(&mut worst, 0.5), answer))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_survives_an_address() {
        assert_eq!(encoded("a.b{c=d|e}, ổ"), "a.b%7Bc%3Dd%7Ce%7D%2C%20%E1%BB%95");
    }
}
