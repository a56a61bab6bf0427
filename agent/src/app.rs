//! Wiring: which parts a command is made of. Decides nothing; the running agent's loop is below it.

use crate::clock::{Clock, SystemClock};
use crate::config::Config;
use crate::delivery::{Measured, Preview, SPOOL};
use crate::enroll::{EnrollError, Order, enroll};
use crate::gather;
use crate::host::{Host, machine_in};
use crate::sensor::reach::{Ladder, ReachConfig};
use crate::sensor::runner::{Round, Runner};
use crate::sensor::{Paths, Sensor, advice, program, registry};
use crate::spool::Spool;
use crate::status::{Enrolled, Picture, Queue, Status};
use crate::system;
use crate::uplink::identity::{Identity, IdentityStore};
use anyhow::Context as _;
use std::fs::{File, OpenOptions, TryLockError};
use std::future::Future;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tram_proto::enroll::Token;
use tram_proto::report::{Moment, Report};

mod agent;
mod notes;
mod once;
mod parts;
mod policy;
mod trouble;

pub use once::Once;
pub use trouble::Trouble;

/// What the ladder is called where sensors are named.
pub const REACHABILITY: &str = "reachability";
/// Held by the running agent, below its state directory.
const LOCK: &str = "lock";
/// Reports that tell how much one takes, on average.
const REPORTS_TO_JUDGE_BY: u64 = 20;
/// Between the two reads that rates are taken of.
const ONCE_APART: Duration = Duration::from_secs(1);

/// Runs the agent until it is stopped.
pub fn run(config: Config) -> Result<(), Trouble> {
    let _lock = lock(&config.state)?;
    let ended = block_on(async { agent::run(config, system::stop()?).await });
    program::end_all();
    ended
}

/// Runs the agent until its service is asked to stop.
#[cfg(windows)]
pub fn run_until(config: Config, stop: impl Future<Output = system::Stop>) -> Result<(), Trouble> {
    let _lock = lock(&config.state)?;
    let ended = block_on(agent::run(config, stop));
    program::end_all();
    ended
}

/// Reads the sensors and climbs the ladder, once.
pub fn once(config: &Config, only: &[String]) -> Result<Once, Trouble> {
    let named: Vec<&String> = only.iter().filter(|name| *name != REACHABILITY).collect();
    let sensors = if only.is_empty() {
        registry::all(&config.sensors)
    } else {
        registry::select(&config.sensors, &named)?
    };
    let is_climbed = only.is_empty() || named.len() < only.len();
    // An agent that runs already has the directory; one that never ran has none. Neither matters here.
    let identity = IdentityStore::at(&config.state).current().ok().flatten();
    let enrolled = identity.map(|identity| identity.collector);
    let address = config.route.collectors.first().or(enrolled.as_ref());
    let ladder = Ladder::new(reach_config(config, address.map(String::as_str)));
    let mut runner = runner(config, sensors);
    block_on(async move {
        let measured = async {
            let first = runner.patient_round(SystemClock.monotonic()).await;
            tokio::time::sleep(ONCE_APART).await;
            (first, runner.patient_round(SystemClock.monotonic()).await)
        };
        let climbed = async { if is_climbed { Some(ladder.climb().await) } else { None } };
        let ((first, second), reachability) = tokio::join!(measured, climbed);
        Ok(Once::new(&first, &second, reachability))
    })
}

/// Runs the programs that read hardware and keeps their answers in a folder, for an agent that may not run them.
pub fn gather(config: &Config, folder: &Path) -> Result<(), Trouble> {
    let written = gather::gather(registry::by_program(&config.sensors), &config.paths, folder);
    written.map(drop).with_context(|| folder.display().to_string()).map_err(Trouble::Other)
}

/// Enrols this host.
pub fn enroll_host(config: &Config, collector: &str, token: Token) -> Result<Identity, EnrollError> {
    let store = IdentityStore::open(&config.state)?;
    let host = Host::read(&Paths::default());
    let machine = match &config.machine_id {
        None => host.machine,
        Some(file) => {
            machine_in(file).ok_or_else(|| EnrollError::Machine { path: file.display().to_string() })?
        }
    };
    let order = Order {
        collector: collector.to_owned(),
        token,
        machine,
        resource: host.resource,
        route: config.route.clone(),
    };
    let failed = |error: std::io::Error| EnrollError::Answer(error.to_string());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
    let identity = runtime.block_on(enroll(&store, order, Arc::new(SystemClock)));
    runtime.shutdown_background();
    identity
}

/// Whether the agent could run: its state directory, its identity. Changes nothing.
pub fn check(config: &Config) -> Result<Option<Identity>, Trouble> {
    check_state(&config.state)?;
    let identity = IdentityStore::at(&config.state).current()?;
    if let Some(identity) = &identity {
        identity.validity_ms()?;
        identity.key_der()?;
        identity.ca_der()?;
    }
    Ok(identity)
}

/// What would leave next; when nothing waits, what is measured now.
pub fn preview(config: &Config) -> Result<Preview, Trouble> {
    let host = Host::read(&Paths::default());
    let policy = policy::read(&config.state);
    let settings = policy::settings(config, &host, policy.as_ref());
    let status = Status::read(&config.state).filter(|_| is_locked(&config.state));
    let known = status.map(|status| status.known).unwrap_or_default();
    let measure = async || {
        let mut runner = runner(config, registry::all(&config.sensors));
        let Round { samples, components, .. } = runner.patient_round(SystemClock.monotonic()).await;
        let moment =
            Moment { boot: host.boot, boot_ms: SystemClock.boot_ms(), wall_ms: SystemClock.wall_ms() };
        Measured { samples, components, moment }
    };
    block_on(async {
        let clock = Arc::new(SystemClock);
        Ok(Preview::of(&config.state, settings, known, clock, measure).await?)
    })
}

/// What is known of the agent on this host.
pub fn picture(config: &Config) -> Result<Picture, Trouble> {
    let identity = IdentityStore::at(&config.state).current()?;
    let host = Host::read(&Paths::default());
    let policy = policy::read(&config.state);
    let (config, cuts) = match &policy {
        Some(policy) => config.under(policy),
        None => (config.clone(), vec![]),
    };
    let enrolled = |identity: Identity| Enrolled {
        ends_ms: identity.validity_ms().map_or(0, |(_, until_ms)| until_ms),
        agent: identity.agent,
        collector: identity.collector,
    };
    Ok(Picture {
        enrolled: identity.map(enrolled),
        is_running: is_locked(&config.state),
        status: Status::read(&config.state),
        proxy: config.route.proxy.as_ref().map(ToString::to_string),
        queue: queue(&config, &host),
        missing: advice::missing(&config.paths),
        policy: policy.map(|policy| (policy.version, cuts)),
        now: (host.boot, SystemClock.boot_ms()),
        wall_ms: SystemClock.wall_ms(),
    })
}

/// The spool as seen from outside; none when it cannot be read.
fn queue(config: &Config, host: &Host) -> Option<Queue> {
    let mut spool = Spool::look(&config.state.join(SPOOL), config.spool).ok()?;
    let oldest = spool.oldest_pending().and_then(|held| Report::decode(&held.bytes).ok());
    let age_ms = |report: Report| {
        if report.boot == host.boot {
            SystemClock.boot_ms().checked_sub(report.boot_ms)
        } else {
            u64::try_from(SystemClock.wall_ms() - report.wall_ms).ok()
        }
    };
    let bytes_max = config.spool.bytes_max;
    let per_report = (spool.held() >= REPORTS_TO_JUDGE_BY).then(|| spool.bytes() / spool.held());
    let reports = per_report.and_then(|bytes| bytes_max.checked_div(bytes));
    Some(Queue {
        pending: spool.pending(),
        oldest_ms: oldest.and_then(age_ms),
        bytes: spool.bytes(),
        bytes_max,
        days: reports.map(|reports| reports * config.sample_interval.as_secs() / 86_400),
    })
}

fn runner(config: &Config, sensors: Vec<Box<dyn Sensor>>) -> Runner {
    Runner::new(sensors, config.paths.clone(), || SystemClock.monotonic())
}

/// The ladder's top rung is the collector's address in use.
fn reach_config(config: &Config, address: Option<&str>) -> ReachConfig {
    let collector = address.and_then(|address| Some(address.strip_prefix("https://")?.to_owned()));
    ReachConfig { collector, proxy: config.route.proxy.clone(), ..config.reach.clone() }
}

/// Takes the state directory for this process.
fn lock(state: &Path) -> Result<File, Trouble> {
    IdentityStore::open(state)?;
    let path = state.join(LOCK);
    let file = system::private_file().write(true).create(true).truncate(false).open(&path);
    let file = file.map_err(|why| Trouble::State { path: path.clone(), why })?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Trouble::Taken(state.to_owned())),
        Err(TryLockError::Error(why)) => Err(Trouble::State { path, why }),
    }
}

/// Whether this user may write to the state directory or, before there is one, make it.
fn check_state(state: &Path) -> Result<(), Trouble> {
    let found = state.ancestors().find(|path| path.exists()).unwrap_or(Path::new("."));
    let failed = |why| Trouble::State { path: found.to_owned(), why };
    if !found.is_dir() {
        return Err(failed(io::ErrorKind::NotADirectory.into()));
    }
    system::check_writable(found).map_err(failed)
}

/// Whether a running agent has the state directory.
fn is_locked(state: &Path) -> bool {
    let file = OpenOptions::new().write(true).open(state.join(LOCK));
    file.is_ok_and(|file| file.try_lock().is_err())
}

/// Runs a future on a runtime of its own. Nothing that still hangs in a thread is waited for.
fn block_on<T>(future: impl Future<Output = Result<T, Trouble>>) -> Result<T, Trouble> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let result = runtime.block_on(future);
    runtime.shutdown_background();
    result
}
