//! A seeded run of the pure cores over a lossy, skewed, crashing fake world: the agent's spool and uplink, the
//! collector's admission and store, everything between them imagined. One thread, one clock that jumps from event to
//! event, and a seed that decides everything: the same seed is the same run.
//!
//! What must hold in the end: nothing acknowledged is lost, nothing is stored twice, be it alone or within an aggregate,
//! what was measured is there or counted as dropped, in order and placed in time; no minute has more history than the
//! site's budget, no closed hour any; and a minute after a quiet link is back, the newest state is there too.

mod center;
mod crowd;
mod machine;
mod post;
mod terms;
mod truth;
mod wire;

pub use crowd::{Crowd, forty_behind_one_budget};

use crate::fleet::dice::Dice;
use anyhow::{Context as _, Result, ensure};
use center::Center;
use machine::{Death, Machine};
use post::{Net, Weather};
use std::cell::RefCell;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;
use terms::Terms;
use tokio::sync::mpsc;
use tokio::task::LocalSet;
use tokio::time::{Instant, sleep, sleep_until};
use tram_agent::uplink::identity::{Identity, Key};
use tram_collector::model::agent::AgentId;
use tram_collector::pki::{Pki, RequestedKey};
use tram_proto::enroll::Enrolled;
use tram_proto::id;
use truth::Stored;

/// Hosts in one run.
const MACHINES: usize = 2;
/// When a run begins, milliseconds since 1970.
const START_MS: i64 = 1_795_003_200_000;
/// How long it storms.
const STORM: Duration = Duration::from_secs(60 * 60);
/// Identities that are made, for whichever run has most hosts.
const IDENTITIES: usize = 40;
/// How long after the storm everything must have arrived.
const CALM: Duration = Duration::from_secs(30 * 60);
/// How long after a quiet link is back the current state must be there.
const CURRENT_WITHIN: Duration = Duration::from_secs(60);
/// What a measurement may be misplaced by: the way there, a request that arrives only the second time, and what a bad
/// boot clock drifts in the time.
const MISPLACED_MS_MAX: i64 = 25_000;

/// What a run came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// Measurements that were on an agent's disk.
    pub measured: usize,
    /// Reports that the collector has.
    pub stored: usize,
    /// Measurements that were gathered into aggregates.
    pub thinned: u64,
    /// Measurements that spools had no room for.
    pub dropped: u64,
    /// Bytes of history that left under a budget or in hours.
    pub paced: u64,
    /// What happened, in order, for comparing two runs.
    pub happened: Vec<String>,
}

/// Runs one seed below a folder of its own.
pub fn run(seed: u64, root: &Path) -> Result<Summary> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()?;
    let happened = RefCell::new(Vec::new());
    let summary = LocalSet::new().block_on(&runtime, storm(seed, root, &happened));
    summary.with_context(|| {
        let happened = happened.borrow().join(", ");
        format!("seed {seed}, {:?}, after {happened}", Terms::new(seed))
    })
}

/// The same in a folder that is gone afterwards, in memory where the system has a place for that.
pub fn run_in_memory(seed: u64) -> Result<Summary> {
    let shared = Path::new("/dev/shm");
    let root = if shared.is_dir() { tempfile::tempdir_in(shared)? } else { tempfile::tempdir()? };
    run(seed, root.path())
}

/// What a machine is told.
#[derive(Debug, Clone, Copy)]
enum Order {
    Die(Death),
    Start,
    Boot,
    Jump,
    Image,
    SetBack,
    /// Measure nothing more.
    Rest,
    End,
}

async fn storm(seed: u64, root: &Path, happened: &RefCell<Vec<String>>) -> Result<Summary> {
    let mut dice = Dice::new(seed, "storm");
    let terms = Terms::new(seed);
    let identities = identities()?.get(..MACHINES).unwrap_or_default();
    let agents: Vec<AgentId> = identities.iter().map(|identity| AgentId(identity.agent.0)).collect();
    let center = Center::new(&root.join("center"), &agents, START_MS, terms.budget)?;
    let net = Net::new(center, MACHINES, Dice::new(seed, "net"), START_MS, terms.clone());
    let net = Arc::new(Mutex::new(net));
    let mut orders = Vec::new();
    let mut lives = Vec::new();
    for (number, identity) in identities.iter().enumerate() {
        let (state, dice) = (root.join(format!("host{number}")), Dice::new(seed, &format!("host{number}")));
        let machine = Machine::new(number, state, &net, dice, identity, &terms)?;
        let (sender, receiver) = mpsc::unbounded_channel();
        orders.push(sender);
        lives.push(tokio::task::spawn_local(live(machine, receiver)));
    }
    let repeater = tokio::task::spawn_local(repeat(Arc::clone(&net)));
    let end = Instant::now() + STORM;
    while Instant::now() < end {
        sleep(Duration::from_secs_f64(dice.between(20.0, 400.0))).await;
        let what = disturb(&mut dice, &net, &orders).await?;
        let minute = (lock(&net).now_ms() - START_MS) / 60_000;
        happened.borrow_mut().push(format!("{minute} min: {what}"));
    }
    calm(&net, &orders)?;
    sleep(CALM).await;
    tell_all(&orders, Order::Rest);
    sleep(Duration::from_secs(5 * 60)).await;
    tell_all(&orders, Order::End);
    let (mut lost_max, mut thinned) = (Vec::new(), 0);
    for life in lives {
        let machine = life.await??;
        let (pending, dropped) = (machine.pending(), machine.dropped());
        ensure!(pending == 0, "{pending} reports still wait on {}", machine.is_running());
        ensure!(dropped == 0 || terms.is_small(), "{dropped} reports were dropped of a spool with room");
        lost_max.push(dropped);
        thinned += machine.thinned();
    }
    repeater.abort();
    let mut net = lock(&net);
    let stored = settle_up(&mut net, &terms, &lost_max)?;
    truth::check_order(&stored, MISPLACED_MS_MAX)?;
    Ok(Summary {
        measured: net.truth.count(),
        stored: stored.len(),
        thinned,
        dropped: lost_max.iter().sum(),
        paced: net.wire.bytes(),
        happened: happened.take(),
    })
}

/// What must hold when everything has arrived, given how many reports each spool dropped; what the collector has then.
fn settle_up(net: &mut Net, terms: &Terms, lost_max: &[u64]) -> Result<Vec<Stored>> {
    if let Some(broken) = net.take_broken() {
        return Err(broken);
    }
    net.wire.check(terms)?;
    net.center.die();
    let stored = net.center.stored()?;
    net.truth.check(&stored, lost_max, MISPLACED_MS_MAX)?;
    Ok(stored)
}

/// Lets requests arrive again.
async fn repeat(net: Arc<Mutex<Net>>) {
    loop {
        sleep(Duration::from_secs(1)).await;
        lock(&net).repeat_what_is_due();
    }
}

/// One machine's life: it measures, sends and obeys.
async fn live(mut machine: Machine, mut orders: mpsc::UnboundedReceiver<Order>) -> Result<Machine> {
    let mut next = Some(Instant::now());
    loop {
        tokio::select! {
            biased;
            order = orders.recv() => match order {
                Some(Order::Die(death)) => machine.die(death).await?,
                Some(Order::Start) if !machine.is_running() => machine.start()?,
                Some(Order::Boot) if !machine.is_running() => machine.boot()?,
                Some(Order::Jump) => machine.jump(),
                Some(Order::Image) => machine.image()?,
                Some(Order::SetBack) if !machine.is_running() => drop(machine.set_back()?),
                Some(Order::Rest) => next = None,
                Some(Order::Start | Order::Boot | Order::SetBack) => {}
                Some(Order::End) | None => return Ok(machine),
            },
            () = sleep_until(next.unwrap_or_else(Instant::now)), if next.is_some() => {
                next = next.map(|next| next + machine.sample_interval());
                if machine.is_running() {
                    machine.measure(None)?;
                }
            }
            () = machine.step() => {}
        }
    }
}

/// Something goes wrong, or is mended; says what.
async fn disturb(
    dice: &mut Dice,
    net: &Arc<Mutex<Net>>,
    orders: &[mpsc::UnboundedSender<Order>],
) -> Result<String> {
    let which = dice.below(MACHINES);
    let what = match dice.below(14) {
        0..=2 => disturb_link(dice, net, which).await?,
        3 | 4 => {
            let deaths = if dice.unit() < 0.3 { 0.05 } else { 0.0 };
            let (loss, repeats) = (dice.between(0.0, 0.4), dice.between(0.0, 0.3));
            lock(net).weather = Weather { loss, repeats, deaths, delay_s: dice.between(0.01, 8.0) };
            "weather turns".to_owned()
        }
        5..=9 => disturb_host(dice, which, orders.get(which..=which).unwrap_or_default()).await,
        _ => disturb_center(dice, net).await?,
    };
    start_center(&mut lock(net))?;
    Ok(what)
}

async fn disturb_link(dice: &mut Dice, net: &Arc<Mutex<Net>>, which: usize) -> Result<String> {
    let is_cut = lock(net).cut.get(which).copied().unwrap_or_default();
    if dice.unit() < 0.3 {
        set_cut(net, which, false);
        check_current(dice, net, which).await?;
        return Ok(format!("link {which} quiet"));
    }
    set_cut(net, which, !is_cut);
    Ok(format!("link {which} {}", if is_cut { "mended" } else { "cut" }))
}

async fn disturb_host(dice: &mut Dice, which: usize, host: &[mpsc::UnboundedSender<Order>]) -> String {
    match dice.below(5) {
        0 | 1 => {
            let death = *dice.pick(&[Death::Process, Death::Shutdown, Death::Power]);
            tell_all(host, Order::Die(death));
            sleep(Duration::from_secs_f64(dice.between(0.0, 900.0))).await;
            tell_all(host, if death == Death::Process { Order::Start } else { Order::Boot });
            format!("host {which}: {death:?}")
        }
        2 => {
            tell_all(host, Order::Jump);
            format!("wall clock {which} set")
        }
        3 => {
            tell_all(host, Order::Image);
            format!("disk {which} copied")
        }
        _ => {
            for order in [Order::Die(Death::Power), Order::SetBack, Order::Boot] {
                tell_all(host, order);
            }
            format!("disk {which} set back")
        }
    }
}

async fn disturb_center(dice: &mut Dice, net: &Arc<Mutex<Net>>) -> Result<String> {
    match dice.below(4) {
        0 => {
            lock(net).center.back_up()?;
            Ok("store backed up".to_owned())
        }
        1 => {
            let mut net = lock(net);
            let is_restored = net.center.restore()?;
            if is_restored {
                net.truth.center_set_back();
            }
            Ok(format!("store restored: {is_restored}"))
        }
        _ => {
            lock(net).center.die();
            sleep(Duration::from_secs_f64(dice.between(1.0, 600.0))).await;
            Ok("collector restarted".to_owned())
        }
    }
}

fn start_center(net: &mut Net) -> Result<()> {
    if net.center.is_running() { Ok(()) } else { net.center.start() }
}

/// A link is back and quiet: within a minute the collector has what is current.
async fn check_current(dice: &mut Dice, net: &Arc<Mutex<Net>>, which: usize) -> Result<()> {
    {
        let mut net = lock(net);
        net.weather = Weather { delay_s: 0.2, ..Weather::default() };
        start_center(&mut net)?;
    }
    // What is under way in bad weather is waited for before the minute counts.
    sleep(Duration::from_secs(90)).await;
    let back_ms = lock(net).now_ms();
    let sample_interval = lock(net).terms.sample_interval;
    sleep(CURRENT_WITHIN + sample_interval).await;
    let host = lock(net).center.host(which);
    let at_ms = host.map_or(0, |host| host.at_ms);
    ensure!(
        at_ms >= back_ms - MISPLACED_MS_MAX,
        "host {which}: the newest state is {} s old",
        (back_ms - at_ms) / 1_000
    );
    sleep(Duration::from_secs_f64(dice.between(0.0, 60.0))).await;
    Ok(())
}

/// The storm is over: everything is mended and started.
fn calm(net: &Arc<Mutex<Net>>, orders: &[mpsc::UnboundedSender<Order>]) -> Result<()> {
    let mut net = lock(net);
    net.weather = Weather { delay_s: 0.2, ..Weather::default() };
    net.cut.fill(false);
    start_center(&mut net)?;
    tell_all(orders, Order::Boot);
    Ok(())
}

fn tell_all(orders: &[mpsc::UnboundedSender<Order>], order: Order) {
    // One that has ended in error is found when its life is looked at.
    orders.iter().for_each(|sender| sender.send(order).unwrap_or_default());
}

fn set_cut(net: &Arc<Mutex<Net>>, which: usize, cut: bool) {
    if let Some(link) = lock(net).cut.get_mut(which) {
        *link = cut;
    }
}

fn lock(net: &Arc<Mutex<Net>>) -> MutexGuard<'_, Net> {
    net.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Identities of all machines: the same in every run, so that a run costs no keys.
fn identities() -> Result<&'static [Identity]> {
    static MADE: OnceLock<Vec<Identity>> = OnceLock::new();
    if let Some(made) = MADE.get() {
        return Ok(made);
    }
    let dir = tempfile::tempdir()?;
    let pki = Pki::open(dir.path(), &["localhost".to_owned()], START_MS)?;
    let make = |number: usize| -> Result<Identity> {
        let agent = AgentId([number as u8 + 1; 16]);
        let key = Key::generate("")?;
        let leaf = pki.issue(agent, &RequestedKey::from_request(&key.request()?)?, START_MS)?;
        let enrolled = Enrolled {
            agent: id::AgentId(agent.0),
            certificate: leaf.pem,
            ca: pki.ca_pem().to_owned(),
            collector_ms: START_MS,
            note: String::new(),
        };
        Ok(key.identity(enrolled, "https://collector:8441".to_owned(), String::new()))
    };
    let made = (0..IDENTITIES).map(make).collect::<Result<Vec<_>>>()?;
    Ok(MADE.get_or_init(|| made))
}
