//! The peers beside Trạm, in the same call: their kit runs them, this reads its lines.

mod prometheus;
mod victoria_metrics;

use super::Options;
use super::datasets::{self, Set};
use super::figures::{Better, Outcome};
use anyhow::{Context as _, ensure};
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Stdio};

/// The kit's repeats of an ingest run; medians are taken.
const REPEATS: &str = "3";

/// VictoriaMetrics and Prometheus taking one host a request.
pub fn ingest(options: &Options, outcome: &mut Outcome) -> anyhow::Result<()> {
    for (server, program) in [("vm", "victoria-metrics"), ("prom", "prometheus")] {
        let Some(kit) = kit(options, program, outcome) else { continue };
        let lines = lines(kit, &["ingest", server, "h1", REPEATS])?;
        let steady = |line: &&Value| line["label"].as_str().is_some_and(|label| label.contains(".steady"));
        let steady: Vec<&Value> = lines.iter().filter(steady).collect();
        let median = |name: &str| {
            let mut values: Vec<f64> = steady.iter().filter_map(|line| line[name].as_f64()).collect();
            super::figures::percentile(&mut values, 0.5)
        };
        outcome.peer(server, "samples_per_cpu_s", median("samples_per_cpu_s"), Better::More);
        // The kit counts per thousand samples; a report of its fleet has fifty.
        outcome.peer(server, "us_per_report", median("us_per_1k_total") * 50.0 / 1_000.0, Better::Less);
        outcome.peer(server, "rss_mb", median("peak_rss_mb"), Better::Less);
    }
    Ok(())
}

/// Prometheus judging 20 rules over 2,000 hosts; takes ten minutes.
pub fn rules(options: &Options, outcome: &mut Outcome) -> anyhow::Result<()> {
    const HOSTS_AND_RULES: f64 = 2_000.0 * 20.0;
    let Some(kit) = kit(options, "prometheus", outcome) else { return Ok(()) };
    let cost =
        lines(kit, &["rules", "prom"])?.into_iter().find_map(|line| line["cpu_s_per_evaluation"].as_f64());
    let cost = cost.context("the kit has not said what the rules cost")?;
    outcome.peer("prom", "us_per_host_and_rule", cost * 1e6 / HOSTS_AND_RULES, Better::Less);
    Ok(())
}

/// The agents at rest, measured over the same window as a process of ours, which is `pid`.
pub fn agents(options: &Options, pid: u32, seconds: u64, outcome: &mut Outcome) -> anyhow::Result<bool> {
    let Some(kit) = kit(options, "prometheus-node-exporter", outcome) else { return Ok(false) };
    lines(kit, &["agents", "start"])?;
    let measured = lines(kit, &["agents", "measure", &seconds.to_string(), &format!("tram={pid}")]);
    lines(kit, &["agents", "stop"])?;
    for line in measured? {
        let name = line["name"].as_str().unwrap_or_default();
        if name == "tram" {
            continue;
        }
        let figure = |name: &str| line[name].as_f64().unwrap_or(f64::NAN);
        outcome.peer(name, "cpu_s_per_hour", figure("cpu_s_per_hour"), Better::Less);
        outcome.peer(name, "pss_mb", figure("pss_kb") / 1_000.0, Better::Less);
    }
    Ok(true)
}

/// VictoriaMetrics and Prometheus storing the kit's data.
pub fn storage(options: &Options, run: &str, jitter_ms: i64, outcome: &mut Outcome) -> anyhow::Result<()> {
    for (server, program) in [("vm", "victoria-metrics"), ("prom", "prometheus")] {
        let Some(kit) = kit(options, program, outcome) else { continue };
        let jitter_ms = jitter_ms.to_string();
        let lines = lines_with(kit, &["storage", server], &[("PEERS_JITTER_MS", &jitter_ms)])?;
        let size = lines.iter().find_map(|line| line["bytes_per_sample"].as_f64());
        let size = size.context("the kit has not said what a sample takes")?;
        outcome.peer_of(server, run, "bytes_per_sample", size, Better::Less);
    }
    Ok(())
}

/// VictoriaMetrics and Prometheus asked over the kit's data: a day of a hundred hosts, the latest of all hosts.
pub fn query(options: &Options, hosts: usize, outcome: &mut Outcome) -> anyhow::Result<()> {
    for (server, program) in [("vm", "victoria-metrics"), ("prom", "prometheus")] {
        let Some(kit) = kit(options, program, outcome) else { continue };
        let day = lines(kit, &["query", server])?;
        let hosts = hosts.to_string();
        let hour = lines_with(kit, &["query", server], &[("PEERS_HOSTS", &hosts), ("PEERS_HOURS", "1")])?;
        for (run, query, lines) in
            [("range", "24h_", &day), ("range_mean", "24h_", &day), ("latest", "latest_", &hour)]
        {
            let is_it = |line: &&Value| line["query"].as_str().is_some_and(|name| name.starts_with(query));
            let median = |figure: &str| {
                let of = lines.iter().filter(is_it).filter_map(|line| line[figure].as_f64());
                super::figures::percentile(&mut of.collect::<Vec<_>>(), 0.5)
            };
            outcome.peer_of(server, run, "median_ms", median("median_ms"), Better::Less);
            outcome.peer_of(server, run, "worst_of_50_ms", median("max_ms"), Better::Less);
            outcome.peer_of(server, run, "cpu_ms_per_query", median("cpu_ms_per_query"), Better::Less);
        }
    }
    Ok(())
}

/// The same of a set of ours: VictoriaMetrics, and if wanted Prometheus, whose own tool makes its blocks.
pub async fn storage_of(
    options: &Options,
    run: &str,
    set: Set,
    with_prometheus: bool,
    outcome: &mut Outcome,
) -> anyhow::Result<()> {
    let series = datasets::series(set)?;
    let samples: usize = series.values().map(Vec::len).sum();
    if let Some(kit) = kit(options, "victoria-metrics", outcome) {
        let bytes = victoria_metrics::stored(kit, &series).await?;
        outcome.peer_of("vm", run, "bytes_per_sample", bytes / samples as f64, Better::Less);
    }
    if with_prometheus && kit(options, "promtool", outcome).is_some() {
        let bytes = prometheus::stored(&series)?;
        outcome.peer_of("prom", run, "bytes_per_sample", bytes / samples as f64, Better::Less);
    }
    Ok(())
}

/// The kit, when it is wanted, there, and has what it needs; otherwise a note says what is missing.
fn kit<'a>(options: &'a Options, program: &str, outcome: &mut Outcome) -> Option<&'a Path> {
    let kit = options.peers.as_deref()?;
    if !kit.join("peers").exists() {
        outcome.note(format!("no peers: {} is not there", kit.display()));
        return None;
    }
    let found =
        ["/usr/bin", "/usr/sbin", "/usr/local/bin"].iter().any(|dir| Path::new(dir).join(program).exists());
    if !found {
        outcome.note(format!(
            "no figures of {program}: it is not installed; run {}/peers install",
            kit.display()
        ));
        return None;
    }
    Some(kit)
}

fn lines(kit: &Path, arguments: &[&str]) -> anyhow::Result<Vec<Value>> {
    lines_with(kit, arguments, &[])
}

fn lines_with(kit: &Path, arguments: &[&str], settings: &[(&str, &str)]) -> anyhow::Result<Vec<Value>> {
    let program = kit.join("peers");
    let mut command = Command::new(&program);
    command.envs(settings.iter().copied());
    let output = command.args(arguments).stderr(Stdio::inherit()).output();
    let output = output.with_context(|| format!("running {}", program.display()))?;
    ensure!(output.status.success(), "{} {}: {}", program.display(), arguments.join(" "), output.status);
    let text = String::from_utf8(output.stdout)?;
    text.lines().map(|line| serde_json::from_str(line).with_context(|| format!("not JSON: {line}"))).collect()
}
