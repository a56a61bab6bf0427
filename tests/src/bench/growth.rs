//! What a collector costs that knows many hosts: memory for each, what it does at rest, what a report and a question take
//! at a thousand ids and at a million. The ids are preloaded, the load comes from those hosts that there is room for.

mod preload;

use super::bodies::Host;
use super::collector::{Collector, LOOPBACK, SITE_HOSTS, Setup, prepare};
use super::figures::{Better, Outcome, percentile};
use super::ingest::{check, fill};
use super::load::{self, Sender};
use super::process::Process;
use super::query::{Asker, encoded, ten};
use super::{Options, now_ms};
use anyhow::{Context as _, ensure};
use std::path::Path;
use std::time::Duration;
use tokio::time::Instant;
use tram_collector::store::sqlite;
use tram_proto::sample as name;

/// Ids that are known.
const SIZES: [usize; 4] = [1_000, 10_000, 100_000, 1_000_000];
/// Hosts that report.
const LIVE_MAX: usize = 15_000;
/// A million hosts that send once a minute.
const PACE_PER_S: f64 = 16_750.0;
const PACE_S: f64 = 8.0;
const FLOOD_REPORTS: usize = 45_000;
/// Reports of a flood under way at once: as many as the other benches have connections.
const AT_ONCE: usize = 2_000;
/// How long the collector is watched with nobody connected.
const REST_S: u64 = 15;
/// The collector's core; the load is made on the others.
const CORE: usize = 0;
/// How long a start with a million ids may take.
const START_WAIT: Duration = Duration::from_secs(600);
/// Silence is not what is measured: nobody is late within an hour. Open hours have room for every live host.
const SETTINGS: &str = "[agents]\nsend_interval_s = 3600\n[series]\nmemory_mb = 512\n";
const QUESTIONS: usize = 50;
/// Questions that look at every host.
const QUESTIONS_OF_ALL: usize = 5;
const HISTORY_MS: i64 = 3_600_000;

/// Measures and fills in what was found.
pub async fn run(options: &Options, outcome: &mut Outcome) -> anyhow::Result<()> {
    let wanted: Option<Vec<&str>> = options.only.as_deref().map(|only| only.split(',').collect());
    for size in SIZES {
        if wanted.as_ref().is_none_or(|wanted| wanted.contains(&size.to_string().as_str())) {
            measure(options, size, outcome).await.with_context(|| format!("{size} ids"))?;
        }
    }
    outcome.note(format!("the collector has core {CORE} alone; the load is made on the others"));
    Ok(())
}

async fn measure(options: &Options, size: usize, outcome: &mut Outcome) -> anyhow::Result<()> {
    let run = format!("{size}_ids");
    let live = size.min(LIVE_MAX);
    let folder = tempfile::tempdir()?;
    let data_dir = folder.path();
    let base_bytes = empty(options).await?;
    let now_ms = now_ms();
    let (fleet, mut hosts, snapshots) = preload::preload(data_dir, size, live, now_ms)?;
    // Once without catalogues, so that what they take is told from what a host takes.
    let (collector, _) = start(options, data_dir).await?;
    let hosts_bytes = collector.process().memory()?.rss_bytes;
    drop(collector);
    let mut connection = sqlite::open_writer(data_dir)?;
    preload::put_snapshots(&mut connection, &snapshots)?;
    preload::add_catalogues(&mut connection, &fleet, now_ms)?;
    drop((connection, snapshots));
    let (collector, started) = start(options, data_dir).await?;
    let process = collector.process();
    let known_bytes = process.memory()?.rss_bytes;
    let each = |more: u64, less: u64, count: usize| (more as f64 - less as f64) / 1_024.0 / count as f64;
    let mut add = |name, value, better| outcome.ours(&run, name, value, better);
    add("kib_per_host", each(hosts_bytes, base_bytes, size), Better::Less);
    add("kib_per_catalogue", each(known_bytes, hosts_bytes, size), Better::Less);
    add("rss_after_start_mb", known_bytes as f64 / 1e6, Better::Less);
    add("start_s", started.wall_s, Better::Less);
    add("start_cpu_s", started.cpu_s, Better::Less);
    let cpu_s = process.cpu_s()?;
    tokio::time::sleep(Duration::from_secs(REST_S)).await;
    add("rest_cpu_ms_per_s", (process.cpu_s()? - cpu_s) * 1e3 / REST_S as f64, Better::Less);

    let (rss_bytes, cpu_s) = (process.memory()?.rss_bytes, process.cpu_s()?);
    let mut senders = load::connect(collector.agents, &fleet.identities).await?;
    settled(process).await?;
    add("handshake_us", (process.cpu_s()? - cpu_s) * 1e6 / live as f64, Better::Less);
    let connected_bytes = process.memory()?.rss_bytes;
    add("kib_per_connection", each(connected_bytes, rss_bytes, live), Better::Less);

    // The first report of each host opens its hour, and is not charged.
    fill(&mut senders, &mut hosts, 1);
    let (senders, tally) = load::flood_by(senders, AT_ONCE).await?;
    check(&tally)?;
    let senders = flood(process, senders, &mut hosts, &mut add).await?;
    let _senders = pace(process, senders, &mut hosts, &mut add).await?;
    let used_bytes = process.memory()?.rss_bytes;
    add("rss_mb", used_bytes as f64 / 1e6, Better::Less);
    let mut asker = Asker::open(&collector, data_dir).await?;
    let held_bytes = gauge(&asker.get("/metrics").await?, "tram_series_held_bytes")?;
    add("open_hours_kib_per_live_host", held_bytes / 1_024.0 / live as f64, Better::Less);
    let rest_bytes = used_bytes as f64 - connected_bytes as f64 - held_bytes;
    add("kib_per_live_host_beside", rest_bytes / 1_024.0 / live as f64, Better::Less);
    ask(&mut asker, size, live, &mut add).await
}

/// The memory of a collector that knows nobody.
async fn empty(options: &Options) -> anyhow::Result<u64> {
    let folder = tempfile::tempdir()?;
    prepare(folder.path(), 0, now_ms())?;
    let (collector, _) = start(options, folder.path()).await?;
    Ok(collector.process().memory()?.rss_bytes)
}

/// What it took until the first answer.
struct Started {
    wall_s: f64,
    cpu_s: f64,
}

/// Starts the collector and waits until it answers: it listens before it has read its state.
async fn start(options: &Options, data_dir: &Path) -> anyhow::Result<(Collector, Started)> {
    let start = Instant::now();
    let setup = Setup { settings: SETTINGS, core: Some(CORE), ..Setup::default() };
    let collector = Collector::start_with(&options.collector, data_dir, LOOPBACK, setup).await?;
    let answer = tokio::time::timeout(START_WAIT, collector.ready(data_dir)).await;
    answer.with_context(|| format!("no answer within {START_WAIT:?}"))??;
    let started = Started { wall_s: start.elapsed().as_secs_f64(), cpu_s: collector.process().cpu_s()? };
    settled(collector.process()).await?;
    Ok((collector, started))
}

/// Waits until what was begun is done; with many ids the process is never quite quiet.
async fn settled(process: Process) -> anyhow::Result<()> {
    process.quiet_within(6).await
}

type Add<'a> = dyn FnMut(&'static str, f64, Better) + 'a;

async fn flood(
    process: Process,
    mut senders: Vec<Sender>,
    hosts: &mut [Host],
    add: &mut Add<'_>,
) -> anyhow::Result<Vec<Sender>> {
    fill(&mut senders, hosts, FLOOD_REPORTS / hosts.len());
    settled(process).await?;
    let (cpu_s, start) = (process.cpu_s()?, Instant::now());
    let (senders, tally) = load::flood_by(senders, AT_ONCE).await?;
    let wall_s = start.elapsed().as_secs_f64();
    check(&tally)?;
    settled(process).await?;
    let reports = tally.latencies_ms.len() as f64;
    add("us_per_report", (process.cpu_s()? - cpu_s) * 1e6 / reports, Better::Less);
    add("reports_per_s_wall", reports / wall_s, Better::More);
    Ok(senders)
}

async fn pace(
    process: Process,
    mut senders: Vec<Sender>,
    hosts: &mut [Host],
    add: &mut Add<'_>,
) -> anyhow::Result<Vec<Sender>> {
    fill(&mut senders, hosts, (PACE_PER_S * PACE_S) as usize / hosts.len());
    settled(process).await?;
    let (cpu_s, start) = (process.cpu_s()?, Instant::now());
    let (senders, mut tally) = load::pace(senders, PACE_PER_S).await?;
    let (wall_s, cpu_s) = (start.elapsed().as_secs_f64(), process.cpu_s()? - cpu_s);
    // A collector that cannot keep the pace says so, and gets the report again.
    add(
        "busy_per_1000_reports",
        std::mem::take(&mut tally.busy) as f64 * 1e3 / tally.latencies_ms.len() as f64,
        Better::Less,
    );
    check(&tally)?;
    let reports = tally.latencies_ms.len() as f64;
    add("paced_us_per_report", cpu_s * 1e6 / reports, Better::Less);
    add("paced_reports_per_s", reports / wall_s, Better::More);
    add("paced_core_share", cpu_s / wall_s, Better::Less);
    add("ack_p50_ms", percentile(&mut tally.latencies_ms, 0.50), Better::Less);
    add("ack_p99_ms", percentile(&mut tally.latencies_ms, 0.99), Better::Less);
    Ok(senders)
}

/// One host's hour, the hosts of one site, and every host.
async fn ask(asker: &mut Asker, size: usize, live: usize, add: &mut Add<'_>) -> anyhow::Result<()> {
    let (to_ms, names) = (now_ms(), encoded(&ten(name::UPTIME)));
    let range = |question: usize| {
        let host = (question * 37) % live + 1;
        let window = format!("from_ms={}&to_ms={to_ms}&step_s=60", to_ms - HISTORY_MS);
        format!("/api/v1/series?asset={host}&{window}&name={names}")
    };
    let (median_ms, worst_ms, answer) = asker.ask(QUESTIONS, range).await?;
    let series = answer["series"].as_array().map_or(0, Vec::len);
    ensure!(series == 10, "{series} series in an answer, expected 10");
    add("range_median_ms", median_ms, Better::Less);
    add("range_worst_ms", worst_ms, Better::Less);
    let load = encoded(name::LOAD_1M);
    let site = |question: usize| {
        format!("/api/v1/latest?limit={SITE_HOSTS}&site={}&name={load}", question % (size / SITE_HOSTS) + 1)
    };
    let (median_ms, worst_ms, answer) = asker.ask(QUESTIONS, site).await?;
    let items = answer["items"].as_array().map_or(0, Vec::len);
    ensure!(items == SITE_HOSTS, "{items} values in an answer");
    add("latest_of_site_median_ms", median_ms, Better::Less);
    add("latest_of_site_worst_ms", worst_ms, Better::Less);
    let top = |_| format!("/api/v1/latest?limit=20&name={load}");
    let (median_ms, _, answer) = asker.ask(QUESTIONS_OF_ALL, top).await?;
    ensure!(answer["total"] == size, "{} values looked at", answer["total"]);
    add("top_20_of_all_median_ms", median_ms, Better::Less);
    Ok(())
}

fn gauge(metrics: &[u8], name: &str) -> anyhow::Result<f64> {
    let text = String::from_utf8_lossy(metrics);
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    Ok(line.with_context(|| format!("{name} is not among the metrics"))?.trim().parse()?)
}
