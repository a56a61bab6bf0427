//! The program `fleet`: a simulated province that reports to a real collector. Arguments, logging and the end of a run;
//! everything else is the library's.

use anyhow::Context as _;
use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tram_tests::fleet::failure::Failure;
use tram_tests::fleet::plan::Plan;
use tram_tests::fleet::progress::Progress;
use tram_tests::fleet::run::{self, Settings};
use tram_tests::fleet::tokens::Tokens;

/// Between two lines that say how far the fleet has come.
const REPORT_INTERVAL: Duration = Duration::from_secs(30);

/// A simulated province for Trạm.
#[derive(Debug, Parser)]
#[command(name = "fleet")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs the province.
    Run(Run),
    /// Prints agencies, sites and hosts as JSON, each agency after the one above it.
    Plan {
        #[command(flatten)]
        size: Size,
        /// One line for each site instead: agency's path, site, number of hosts, with tabs between them.
        #[arg(long)]
        lines: bool,
    },
}

#[derive(Debug, Args)]
struct Size {
    /// How many hosts.
    #[arg(long)]
    hosts: usize,
    /// The same seed makes the same province.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

#[derive(Debug, Args)]
struct Run {
    #[command(flatten)]
    size: Size,
    /// The collector's agents listener, https://HOST:PORT.
    #[arg(long)]
    collector: String,
    /// A file with a JSON array of {"agency", "site", "token"} or lines of the three with tabs between them; or tokens,
    /// given to the sites in turn.
    #[arg(long, alias = "tokens", required = true, num_args = 1..)]
    token: Vec<String>,
    /// Where the hosts' identities and spools live.
    #[arg(long)]
    state: PathBuf,
    /// What goes wrong: NAME=HOST, NAME=HOST@FROM or NAME=HOST@FROM-UNTIL, in seconds since the host's first report.
    #[arg(long = "fail", value_name = "NAME=HOST")]
    failures: Vec<Failure>,
    /// Seconds to run; without it, until SIGINT or SIGTERM.
    #[arg(long)]
    duration: Option<u64>,
    /// Seconds between samples.
    #[arg(long, default_value_t = 15)]
    sample_interval: u64,
    /// Seconds between sends.
    #[arg(long, default_value_t = 60)]
    send_interval: u64,
    /// The hour in the province at the start, such as 9.5; without it, the real one.
    #[arg(long)]
    hour: Option<f64>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let filter = tracing_subscriber::EnvFilter::builder().with_default_directive(tracing::Level::INFO.into());
    tracing_subscriber::fmt().with_env_filter(filter.from_env_lossy()).with_writer(std::io::stderr).init();
    let cli = Cli::parse();
    match cli.command {
        Command::Plan { size, lines } => print(&Plan::new(size.seed, size.hosts), lines),
        Command::Run(run) => run_fleet(run).await,
    }
}

#[expect(clippy::print_stdout, reason = "the plan is what the command is for")]
fn print(plan: &Plan, lines: bool) -> anyhow::Result<()> {
    if lines {
        print!("{}", plan.lines());
    } else {
        println!("{}", serde_json::to_string_pretty(plan)?);
    }
    Ok(())
}

/// Each host has a connection and an open spool: more files than a shell usually allows.
fn allow_many_files() {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    let raised = rustix::process::Rlimit { current: limit.maximum, maximum: limit.maximum };
    if let Err(error) = rustix::process::setrlimit(rustix::process::Resource::Nofile, raised) {
        tracing::warn!(%error, "the limit of open files stays as it is");
    }
}

async fn run_fleet(run: Run) -> anyhow::Result<()> {
    allow_many_files();
    let settings = Settings {
        plan: Plan::new(run.size.seed, run.size.hosts),
        failures: run.failures,
        collector: run.collector,
        tokens: Tokens::load(&run.token)?,
        state: run.state,
        sample_interval: Duration::from_secs(run.sample_interval.max(1)),
        send_interval: Duration::from_secs(run.send_interval.max(1)),
        spool: tram_agent::spool::Bounds { bytes_max: 16 << 20, age_max: Duration::from_secs(30 * 86_400) },
        hour: run.hour,
    };
    let progress = Arc::new(Progress::default());
    let stop = stop(run.duration);
    let fleet = run::run(settings, progress.clone(), stop);
    tokio::select! {
        ended = fleet => ended?,
        () = report(&progress) => {}
    }
    say(&progress);
    Ok(())
}

async fn stop(duration: Option<u64>) {
    let signals = async {
        let terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate());
        let mut terminate = terminate.context("cannot listen for SIGTERM")?;
        tokio::select! {
            interrupted = tokio::signal::ctrl_c() => interrupted.context("cannot listen for SIGINT"),
            _ = terminate.recv() => Ok(()),
        }
    };
    let over = async {
        match duration {
            Some(seconds) => tokio::time::sleep(Duration::from_secs(seconds)).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        signalled = signals => {
            if let Err(error) = signalled {
                tracing::error!(%error, "stops");
            }
        }
        () = over => {}
    }
}

async fn report(progress: &Progress) {
    loop {
        tokio::time::sleep(REPORT_INTERVAL).await;
        say(progress);
    }
}

fn say(progress: &Progress) {
    let totals = progress.totals();
    tracing::info!(
        enrolled = totals.enrolled,
        submitted = totals.submitted,
        settled = totals.settled,
        pending = totals.pending,
        failing = totals.failing,
        "fleet"
    );
    if let Some((host, why)) = progress.any_failure() {
        tracing::info!(host, why, "a host cannot reach the collector");
    }
}
