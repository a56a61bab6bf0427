//! Everyone at once: thousands of connections that do nothing, and thousands of agents that come back together.

use super::bodies::Host;
use super::collector::{Collector, Fleet, LOOPBACK, prepare};
use super::figures::{Better, Outcome, percentile};
use super::load;
use super::{Options, ingest, now_ms};
use std::collections::VecDeque;
use std::time::Duration;
use tram_proto::id::AgentId;

/// Connections that do nothing.
const IDLE: usize = 5_000;
/// How long their cost is looked at.
const IDLE_WINDOW: Duration = Duration::from_secs(30);
/// Agents that come back together, with so many reports each: what they measured in five minutes without a collector.
const STORM: usize = 2_000;
const STORM_REPORTS: usize = 20;

/// Measures and fills in what was found.
pub async fn run(options: &Options, outcome: &mut Outcome) -> anyhow::Result<()> {
    idle(options, outcome).await?;
    storm(options, outcome).await
}

async fn idle(options: &Options, outcome: &mut Outcome) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let fleet = prepare(folder.path(), IDLE, now_ms())?;
    let collector = Collector::start(&options.collector, folder.path(), LOOPBACK).await?;
    let process = collector.process();
    process.quiet().await?;
    let rss_bytes = process.memory()?.rss_bytes;
    let _senders = load::connect(collector.agents, &fleet.identities).await?;
    process.quiet().await?;
    let (grown_bytes, cpu_s) = (process.memory()?.rss_bytes.saturating_sub(rss_bytes), process.cpu_fine_s()?);
    tokio::time::sleep(IDLE_WINDOW).await;
    let cpu_s = process.cpu_fine_s()? - cpu_s;
    let mut add = |name, value| outcome.ours("idle_5000", name, value, Better::Less);
    add("idle_connection_kib", grown_bytes as f64 / 1_024.0 / IDLE as f64);
    add("rss_mb", process.memory()?.rss_bytes as f64 / 1e6);
    add("cpu_percent", cpu_s / IDLE_WINDOW.as_secs_f64() * 100.0);
    Ok(())
}

async fn storm(options: &Options, outcome: &mut Outcome) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let fleet = prepare(folder.path(), STORM, now_ms())?;
    let mut hosts = hosts(&fleet);
    let collector = Collector::start(&options.collector, folder.path(), LOOPBACK).await?;
    let process = collector.process();
    // Each is known and has been connected before.
    let mut senders = load::connect(collector.agents, &fleet.identities).await?;
    ingest::fill(&mut senders, &mut hosts, 1);
    let (senders, tally) = load::flood(senders).await?;
    ingest::check(&tally)?;
    drop(senders);
    process.quiet().await?;

    let bodies: Vec<VecDeque<(u64, Vec<u8>)>> = hosts.iter_mut().map(bodies).collect();
    let (cpu_s, start) = (process.cpu_s()?, tokio::time::Instant::now());
    let (_senders, mut tally) = load::storm(collector.agents, &fleet.identities, bodies).await?;
    ingest::check(&tally)?;
    let wall_s = start.elapsed().as_secs_f64();
    process.quiet().await?;
    let mut add = |name, value| outcome.ours("storm_2000", name, value, Better::Less);
    add("all_acked_s", wall_s);
    add("ack_p50_ms", percentile(&mut tally.latencies_ms, 0.50));
    add("ack_p99_ms", percentile(&mut tally.latencies_ms, 0.99));
    add("cpu_s", process.cpu_s()? - cpu_s);
    let memory = process.memory()?;
    add("rss_mb", memory.rss_bytes as f64 / 1e6);
    add("rss_peak_mb", process.peak_bytes()? as f64 / 1e6);
    Ok(())
}

fn hosts(fleet: &Fleet) -> Vec<Host> {
    let now_ms = now_ms();
    let agents = fleet.agents.iter().zip(1_u64..);
    agents.map(|(agent, number)| Host::new(AgentId(agent.0), number, now_ms)).collect()
}

fn bodies(host: &mut Host) -> VecDeque<(u64, Vec<u8>)> {
    let next = |_| {
        let body = host.next_body();
        (host.seq(), body)
    };
    (0..STORM_REPORTS).map(next).collect()
}
