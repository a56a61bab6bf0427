//! What a report costs the collector: mutual TLS, a certificate and a connection a host, one report a request, acked
//! when it is durable, the built-in rules on.

use super::bodies::{COLUMNS, Host};
use super::collector::{Collector, Fleet, LOOPBACK, prepare};
use super::figures::{Better, Outcome, percentile};
use super::load::{self, Sender, Tally};
use super::{Options, now_ms, peers};
use anyhow::ensure;
use tram_proto::id::AgentId;

/// Connections of each run.
const CONNECTIONS: [usize; 2] = [200, 2_000];
/// Reports of the flood, of all hosts together.
const FLOOD_REPORTS: usize = 60_000;
/// Reports a second of the paced part, and for how long.
const PACE_PER_S: f64 = 5_000.0;
const PACE_S: f64 = 10.0;

/// Measures and fills in what was found.
pub async fn run(options: &Options, outcome: &mut Outcome) -> anyhow::Result<()> {
    for connections in CONNECTIONS {
        measure(options, connections, outcome).await?;
    }
    peers::ingest(options, outcome)
}

async fn measure(options: &Options, connections: usize, outcome: &mut Outcome) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let fleet = prepare(folder.path(), connections, now_ms())?;
    let mut hosts = hosts(&fleet);
    let collector = Collector::start(&options.collector, folder.path(), LOOPBACK).await?;
    let process = collector.process();
    process.quiet().await?;
    let run = format!("{connections}_connections");
    let mut add = |name, value, better| outcome.ours(&run, name, value, better);

    let (rss_bytes, cpu_s) = (process.memory()?.rss_bytes, process.cpu_s()?);
    let mut senders = load::connect(collector.agents, &fleet.identities).await?;
    process.quiet().await?;
    add("handshake_us", (process.cpu_s()? - cpu_s) * 1e6 / connections as f64, Better::Less);
    let grown_bytes = process.memory()?.rss_bytes.saturating_sub(rss_bytes);
    add("idle_connection_kib", grown_bytes as f64 / 1_024.0 / connections as f64, Better::Less);

    // The first report of each host brings its catalogue, and is not charged.
    fill(&mut senders, &mut hosts, 1);
    let (mut senders, tally) = load::flood(senders).await?;
    check(&tally)?;

    fill(&mut senders, &mut hosts, FLOOD_REPORTS / connections);
    process.quiet().await?;
    let (cpu_s, start) = (process.cpu_s()?, tokio::time::Instant::now());
    let (mut senders, mut tally) = load::flood(senders).await?;
    check(&tally)?;
    let wall_s = start.elapsed().as_secs_f64();
    process.quiet().await?;
    let (cpu_s, reports) = (process.cpu_s()? - cpu_s, tally.latencies_ms.len() as f64);
    add("us_per_report", cpu_s * 1e6 / reports, Better::Less);
    add("samples_per_cpu_s", reports * COLUMNS as f64 / cpu_s, Better::More);
    add("reports_per_s_wall", reports / wall_s, Better::More);
    add("flood_ack_p50_ms", percentile(&mut tally.latencies_ms, 0.50), Better::Less);
    add("flood_ack_p99_ms", percentile(&mut tally.latencies_ms, 0.99), Better::Less);

    fill(&mut senders, &mut hosts, (PACE_PER_S * PACE_S) as usize / connections);
    process.quiet().await?;
    let cpu_s = process.cpu_s()?;
    let (_senders, mut tally) = load::pace(senders, PACE_PER_S).await?;
    check(&tally)?;
    let cpu_s = process.cpu_s()? - cpu_s;
    add("paced_us_per_report", cpu_s * 1e6 / tally.latencies_ms.len() as f64, Better::Less);
    add("ack_p50_ms", percentile(&mut tally.latencies_ms, 0.50), Better::Less);
    add("ack_p99_ms", percentile(&mut tally.latencies_ms, 0.99), Better::Less);
    add("rss_mb", process.memory()?.rss_bytes as f64 / 1e6, Better::Less);
    Ok(())
}

fn hosts(fleet: &Fleet) -> Vec<Host> {
    let now_ms = now_ms();
    let agents = fleet.agents.iter().zip(1_u64..);
    agents.map(|(agent, number)| Host::new(AgentId(agent.0), number, now_ms)).collect()
}

/// Makes the next bodies of each host before the clock runs.
pub(super) fn fill(senders: &mut [Sender], hosts: &mut [Host], rounds: usize) {
    for (sender, host) in senders.iter_mut().zip(hosts) {
        for _ in 0..rounds {
            let body = host.next_body();
            sender.bodies.push_back((host.seq(), body));
        }
    }
}

pub(super) fn check(tally: &Tally) -> anyhow::Result<()> {
    let first = tally.first_error.as_deref().unwrap_or_default();
    ensure!(tally.errors == 0, "{} of the reports were not acked, the first: {first}", tally.errors);
    ensure!(tally.busy == 0, "{} times the collector was busy", tally.busy);
    Ok(())
}
