//! One host: the agent's own spool, uplink and batches on a disk and clocks of the simulation. It is killed, restarted,
//! set back and copied.

use super::post::{Line, Net};
use super::terms::Terms;
use super::truth::Measured;
use crate::files::copy;
use crate::fleet::dice::Dice;
use anyhow::{Context as _, Result};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tram_agent::clock::Clock;
use tram_agent::delivery::courier::Courier;
use tram_agent::delivery::{Delivery, Settings};
use tram_agent::sensor::Sample;
use tram_agent::spool::Bounds;
use tram_agent::uplink::identity::{Identity, IdentityStore};
use tram_agent::uplink::proxy::Route;
use tram_proto::catalogue::{Attributes, Column, Kind};
use tram_proto::id::BootId;
use tram_proto::report::{End, Moment};
use tram_proto::sample;

/// The value that tells measurements apart.
const NONCE: &str = "tram.simulation.nonce";
/// How much faster or slower a host's boot clock runs, at most: cheap quartz.
const DRIFT_PPM: f64 = 50.0;

/// A host's clocks: the boot clock drifts, the wall clock is wherever somebody set it.
pub(super) struct Clocks {
    booted: tokio::time::Instant,
    rate: f64,
    wall_ms: AtomicI64,
}

impl Clocks {
    fn new(dice: &mut Dice, wall_ms: i64) -> Self {
        let rate = 1.0 + dice.between(-DRIFT_PPM, DRIFT_PPM) / 1e6;
        Self { booted: tokio::time::Instant::now(), rate, wall_ms: AtomicI64::new(wall_ms) }
    }
}

impl Clock for Clocks {
    fn monotonic(&self) -> Instant {
        tokio::time::Instant::now().into_std()
    }

    fn boot_ms(&self) -> u64 {
        5_000 + (self.booted.elapsed().as_secs_f64() * 1_000.0 * self.rate) as u64
    }

    fn wall_ms(&self) -> i64 {
        self.wall_ms.load(Ordering::Relaxed) + self.boot_ms() as i64
    }
}

/// How a host goes down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Death {
    /// Only the agent's process ends.
    Process,
    /// The host shuts down in order.
    Shutdown,
    /// Power goes, perhaps while a report is being written; what was not synced may be gone.
    Power,
}

/// One host.
pub(super) struct Machine {
    number: usize,
    state: PathBuf,
    net: Arc<Mutex<Net>>,
    dice: Dice,
    terms: Terms,
    clocks: Arc<Clocks>,
    boot: BootId,
    delivery: Option<Delivery>,
    /// Sizes of the spool's files when the last report was known to be on the disk.
    synced: BTreeMap<PathBuf, u64>,
}

impl Machine {
    /// A host that has just booted, its agent running.
    pub(super) fn new(
        number: usize,
        state: PathBuf,
        net: &Arc<Mutex<Net>>,
        mut dice: Dice,
        identity: &Identity,
        terms: &Terms,
    ) -> Result<Self> {
        IdentityStore::open(&state)?.save(identity)?;
        let wall_ms = dice.between(-1e12, 3e12) as i64;
        let clocks = Arc::new(Clocks::new(&mut dice, wall_ms));
        let boot = BootId(dice.bits().to_be_bytes());
        let (net, synced, terms) = (Arc::clone(net), BTreeMap::new(), terms.clone());
        let mut machine = Self { number, state, net, dice, terms, clocks, boot, delivery: None, synced };
        machine.start()?;
        Ok(machine)
    }

    /// Whether the agent runs.
    pub(super) fn is_running(&self) -> bool {
        self.delivery.is_some()
    }

    /// Between two measurements.
    pub(super) fn sample_interval(&self) -> Duration {
        self.terms.sample_interval
    }

    /// Reports that wait.
    pub(super) fn pending(&self) -> u64 {
        self.delivery.as_ref().map_or(0, |delivery| delivery.spool().pending())
    }

    /// Reports that the agent counts as dropped.
    pub(super) fn dropped(&self) -> u64 {
        self.delivery.as_ref().map_or(0, |delivery| delivery.spool().figures().dropped)
    }

    /// Reports that it counts as gathered into fewer.
    pub(super) fn thinned(&self) -> u64 {
        self.delivery.as_ref().map_or(0, |delivery| delivery.spool().figures().thinned)
    }

    /// Starts the agent on what is on the disk.
    pub(super) fn start(&mut self) -> Result<()> {
        let settings = Settings {
            boot: self.boot,
            resource: Attributes::new(),
            send_interval: Duration::from_secs(60),
            spool: Bounds {
                bytes_max: self.terms.spool_bytes_max,
                age_max: Duration::from_secs(30 * 86_400),
            },
            policy: 0,
            route: Route::default(),
            collectors: vec![],
            hours: self.terms.hours(),
            history_limit: None,
        };
        let courier: Arc<dyn Courier> = Arc::new(Line::new(&self.net, self.number));
        let clock: Arc<dyn Clock> = self.clocks.clone();
        self.delivery = Some(Delivery::over(courier, &self.state, settings, self.dice.bits(), clock)?);
        self.synced = self.sizes()?;
        Ok(())
    }

    /// Starts the host: another boot, its wall clock perhaps somewhere else.
    pub(super) fn boot(&mut self) -> Result<()> {
        let wall_ms = self.clocks.wall_ms.load(Ordering::Relaxed);
        let wall_ms = if self.dice.unit() < 0.3 { self.dice.between(-1e12, 3e12) as i64 } else { wall_ms };
        self.clocks = Arc::new(Clocks::new(&mut self.dice, wall_ms));
        self.boot = BootId(self.dice.bits().to_be_bytes());
        self.start()
    }

    /// Somebody sets the wall clock.
    pub(super) fn jump(&mut self) {
        let by_ms = self.dice.between(-4e7, 4e7) as i64;
        self.clocks.wall_ms.fetch_add(by_ms, Ordering::Relaxed);
    }

    /// Measures and spools.
    pub(super) fn measure(&mut self, end: Option<End>) -> Result<()> {
        let (nonce, measured) = self.next_measurement();
        if self.submit(nonce, end)? {
            self.net.lock().unwrap_or_else(PoisonError::into_inner).truth.spooled(nonce, measured);
            self.synced = self.sizes()?;
        }
        Ok(())
    }

    fn next_measurement(&self) -> (u64, Measured) {
        let mut net = self.net.lock().unwrap_or_else(PoisonError::into_inner);
        let measured = Measured { machine: self.number, at_ms: net.now_ms(), boot: self.boot };
        (net.truth.nonce(), measured)
    }

    /// Whether the report is in the spool; one that is not was counted as dropped.
    fn submit(&mut self, nonce: u64, end: Option<End>) -> Result<bool> {
        let Some(delivery) = &mut self.delivery else { return Ok(false) };
        let gauge = |name: &str, value: f64| {
            let (name, unit) = (name.to_owned(), "1".to_owned());
            let column = Column { name, attributes: Attributes::new(), unit, scale: 0, kind: Kind::Gauge };
            Sample { column, value: Some(value) }
        };
        let uptime = self.clocks.boot_ms() as f64 / 1_000.0;
        let samples = [gauge(NONCE, nonce as f64), gauge(sample::UPTIME, uptime)];
        let moment =
            Moment { boot: self.boot, boot_ms: self.clocks.boot_ms(), wall_ms: self.clocks.wall_ms() };
        Ok(delivery.submit(&samples, &[], end, moment).is_ok())
    }

    /// One step of the agent; never ends while it does not run.
    pub(super) async fn step(&mut self) {
        match &mut self.delivery {
            Some(delivery) => drop(delivery.step().await),
            None => std::future::pending().await,
        }
    }

    /// The agent is gone.
    pub(super) async fn die(&mut self, death: Death) -> Result<()> {
        match death {
            Death::Process => self.delivery = None,
            Death::Shutdown => {
                self.measure(Some(End::HostShutdown))?;
                if let Some(delivery) = &mut self.delivery {
                    drop(tokio::time::timeout(Duration::from_secs(3), delivery.flush()).await);
                }
                self.delivery = None;
            }
            Death::Power => self.lose_power()?,
        }
        Ok(())
    }

    /// Power goes: of what was written since the last sync, any part may be missing.
    fn lose_power(&mut self) -> Result<()> {
        if self.dice.unit() < 0.5 {
            let (nonce, measured) = self.next_measurement();
            let before = self.synced.clone();
            let lost_before = (self.dropped(), self.thinned());
            if self.submit(nonce, None)? {
                self.net.lock().unwrap_or_else(PoisonError::into_inner).truth.maybe(nonce, measured);
            }
            // What is dropped or thinned for it was synced with its count before any file went.
            let made_room = lost_before != (self.dropped(), self.thinned());
            self.synced = if made_room { self.sizes()? } else { before };
        }
        self.delivery = None;
        for (path, bytes) in self.sizes()? {
            let synced = self.synced.get(&path).copied().unwrap_or_default();
            if bytes > synced {
                let kept = synced + self.dice.below((bytes - synced) as usize + 1) as u64;
                std::fs::OpenOptions::new().write(true).open(&path)?.set_len(kept)?;
            }
        }
        Ok(())
    }

    /// Sizes of the spool's files.
    fn sizes(&self) -> Result<BTreeMap<PathBuf, u64>> {
        let mut sizes = BTreeMap::new();
        let mut open = vec![self.state.join("spool")];
        while let Some(folder) = open.pop() {
            for entry in std::fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
                let entry = entry?;
                if entry.file_type()?.is_dir() {
                    open.push(entry.path());
                } else {
                    sizes.insert(entry.path(), entry.metadata()?.len());
                }
            }
        }
        Ok(sizes)
    }

    /// Keeps a copy of the disk; the agent may run meanwhile.
    pub(super) fn image(&self) -> Result<()> {
        Ok(copy(&self.state.join("spool"), &self.state.join("image"))?)
    }

    /// The disk is set back to the copy; the agent must not run. False when there is none.
    pub(super) fn set_back(&mut self) -> Result<bool> {
        let image = self.state.join("image");
        if !image.exists() {
            return Ok(false);
        }
        copy(&image, &self.state.join("spool"))?;
        self.net.lock().unwrap_or_else(PoisonError::into_inner).truth.set_back(self.number);
        Ok(true)
    }
}
