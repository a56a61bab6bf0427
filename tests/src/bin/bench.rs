//! The program behind `tests/bench/run`: arguments, one bench, its table or line of JSON.

use clap::{Parser, ValueEnum};
use std::path::PathBuf;
use tram_tests::bench::figures::Outcome;
#[cfg(target_arch = "x86_64")]
use tram_tests::bench::layout;
use tram_tests::bench::{Options, footprint, growth, ingest, pauses, query, rules, storage, storm, wire};

/// Measures Trạm, and its peers where their kit is there.
#[derive(Debug, Parser)]
struct Arguments {
    /// What to measure.
    bench: Bench,
    /// Print one line of JSON instead of a table.
    #[arg(long)]
    json: bool,
    /// The collector's program.
    #[arg(long)]
    collector: PathBuf,
    /// The agent's program.
    #[arg(long)]
    agent: PathBuf,
    /// Folder of the peers' kit.
    #[arg(long)]
    peers: Option<PathBuf>,
    /// Folder of the peers' kit, for its data alone.
    #[arg(long)]
    kit: Option<PathBuf>,
    /// Folder of recordings.
    #[arg(long)]
    recordings: Option<PathBuf>,
    /// Only the runs of `storage` whose names begin so, or of `growth` with these numbers of ids.
    #[arg(long)]
    only: Option<String>,
    /// Length of a window that watches processes at rest.
    #[arg(long, default_value_t = 120)]
    window_s: u64,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Bench {
    /// CPU of the collector for each report, ack latency, memory.
    Ingest,
    /// Memory of connections that do nothing, and what everyone coming back at once takes.
    Storm,
    /// Memory, CPU time and size of the agent at rest.
    Footprint,
    /// Bytes on the agent's link at rest.
    Wire,
    /// CPU of judging the built-in rules, for each host and rule.
    Rules,
    /// Bytes on disk for each sample.
    Storage,
    /// What a question to the history takes.
    Query,
    /// How long acks wait while the collector does something else.
    Pauses,
    /// Memory, CPU and latency with up to a million ids.
    Growth,
    /// What of the agent never runs, as a script for its linker.
    #[cfg(target_arch = "x86_64")]
    Layout,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let options = Options {
        collector: arguments.collector,
        agent: arguments.agent,
        kit: arguments.kit.or_else(|| arguments.peers.clone()),
        peers: arguments.peers,
        recordings: arguments.recordings,
        only: arguments.only,
        window_s: arguments.window_s,
    };
    let mut outcome = Outcome::default();
    let name = match arguments.bench {
        Bench::Ingest => ingest::run(&options, &mut outcome).await.map(|()| "ingest"),
        Bench::Storm => storm::run(&options, &mut outcome).await.map(|()| "storm"),
        Bench::Footprint => footprint::run(&options, &mut outcome).await.map(|()| "footprint"),
        Bench::Wire => wire::run(&options, &mut outcome).await.map(|()| "wire"),
        Bench::Rules => rules::run(&options, &mut outcome).map(|()| "rules"),
        Bench::Storage => storage::run(&options, &mut outcome).await.map(|()| "storage"),
        Bench::Query => query::run(&options, &mut outcome).await.map(|()| "query"),
        Bench::Pauses => pauses::run(&options, &mut outcome).await.map(|()| "pauses"),
        Bench::Growth => growth::run(&options, &mut outcome).await.map(|()| "growth"),
        #[cfg(target_arch = "x86_64")]
        Bench::Layout => return layout::run(&options).await.map(|script| say(&script)),
    }?;
    show(&outcome, name, arguments.json);
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the figures are this program's output")]
fn show(outcome: &Outcome, bench: &str, as_json: bool) {
    if as_json { println!("{}", outcome.json(bench)) } else { print!("{}", outcome.table(bench)) }
}

#[cfg(target_arch = "x86_64")]
#[expect(clippy::print_stdout, reason = "the script is this program's output")]
fn say(script: &str) {
    print!("{script}");
}
