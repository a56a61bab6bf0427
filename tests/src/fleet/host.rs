//! One simulated host at work: enrols with its token, then measures and sends as the agent does, through the agent's
//! own identity, spool and uplink. Its model says when it is on, cut off, off or dead.

use crate::fleet::model::{Model, Presence, Reading};
use crate::fleet::plan;
use crate::fleet::progress::Progress;
use crate::fleet::timeline::Timeline;
use anyhow::Context as _;
use sha2::{Digest as _, Sha256};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tram_agent::delivery::{Delivery, Outcome, Settings};
use tram_agent::enroll::{self, EnrollError, Order};
use tram_agent::spool::Bounds;
use tram_agent::uplink::history::Hours;
use tram_agent::uplink::identity::IdentityStore;
use tram_agent::uplink::proxy::Route;
use tram_proto::enroll::Token;
use tram_proto::id::BootId;
use tram_proto::report::{End, Moment};

/// Between tries to enrol while the collector cannot be reached.
const ENROLL_PAUSE: Duration = Duration::from_secs(2);
/// How long a host that goes off, or a fleet that ends, tries to send what it has.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(5);
/// What the simulated agents say their version is.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What a host is told.
#[derive(Debug, Clone)]
pub struct Assignment {
    /// The host.
    pub host: plan::Host,
    /// The province's seed.
    pub seed: u64,
    /// The collector, `https://HOST:PORT`.
    pub collector: String,
    /// Its site's token.
    pub token: Token,
    /// Where its identity and spool live.
    pub state: PathBuf,
    /// Between samples.
    pub sample_interval: Duration,
    /// Between sends.
    pub send_interval: Duration,
    /// How much its spool keeps.
    pub spool: Bounds,
    /// After the start of the fleet.
    pub start_after: Duration,
}

/// A host at work.
pub struct Worker {
    assignment: Assignment,
    timeline: Timeline,
    progress: Arc<Progress>,
    model: Model,
    /// With the boot that it was opened for.
    delivery: Option<(BootId, Delivery)>,
    last: Option<Reading>,
}

impl Assignment {
    /// Enrols, unless it is already, and hands over to the worker.
    pub async fn begin(
        self,
        failures: Vec<crate::fleet::failure::Failure>,
        timeline: Timeline,
        progress: Arc<Progress>,
    ) -> anyhow::Result<Worker> {
        tokio::time::sleep(self.start_after).await;
        self.enroll(&timeline, &progress).await.with_context(|| format!("host {}", self.host.name))?;
        let model = Model::new(self.seed, &self.host, failures, timeline.now_ms());
        Ok(Worker { assignment: self, timeline, progress, model, delivery: None, last: None })
    }

    async fn enroll(&self, timeline: &Timeline, progress: &Progress) -> anyhow::Result<()> {
        let store = IdentityStore::open(&self.state)?;
        let clock = timeline.clock(timeline.now_ms());
        let resource = Model::new(self.seed, &self.host, vec![], timeline.now_ms()).resource(VERSION);
        let machine = Sha256::digest(format!("{} {}", self.seed, self.host.name));
        let machine = machine.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        loop {
            if let Some(identity) = store.current()? {
                progress.change(&self.host.name, |host| host.agent = Some(identity.agent));
                return Ok(());
            }
            let order = Order {
                collector: self.collector.clone(),
                token: self.token.clone(),
                machine: machine.clone(),
                resource: resource.clone(),
                route: Route::default(),
            };
            match enroll::enroll(&store, order, clock.clone()).await {
                Ok(_) => progress.change(&self.host.name, |host| host.failure = None),
                Err(EnrollError::Unreachable { why, .. }) => {
                    progress.change(&self.host.name, |host| host.failure = Some(why));
                    tokio::time::sleep(ENROLL_PAUSE).await;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
}

impl Worker {
    /// Measures and sends until dropped, or until it cannot keep its state.
    pub async fn work(&mut self) -> anyhow::Result<()> {
        let mut tick = tokio::time::interval(self.assignment.sample_interval);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        tick.tick().await;
        loop {
            let now_ms = self.timeline.now_ms();
            let presence = self.model.presence(now_ms);
            match presence {
                Presence::On | Presence::CutOff => self.measure(now_ms)?,
                Presence::Off => self.shut_down(now_ms).await?,
                Presence::Dead => self.delivery = None,
            }
            // A request that is on its way when the uplink is cut waits through the cut.
            tokio::select! {
                _ = tick.tick() => {}
                () = self.send(presence == Presence::On) => {}
            }
        }
    }

    /// Sends what waits, whatever is due; for the end of a run.
    pub async fn flush(&mut self) {
        let is_connected = self.model.presence(self.timeline.now_ms()) == Presence::On;
        let Some((_, delivery)) = self.delivery.as_mut().filter(|_| is_connected) else { return };
        let _ = tokio::time::timeout(FLUSH_TIMEOUT, delivery.flush()).await;
        self.note_pending();
    }

    fn measure(&mut self, now_ms: i64) -> anyhow::Result<()> {
        self.boot()?;
        let reading = self.model.step(now_ms);
        self.submit(&reading, None)?;
        self.last = Some(reading);
        Ok(())
    }

    /// Last words: the last values once more, and that the host shuts down.
    async fn shut_down(&mut self, now_ms: i64) -> anyhow::Result<()> {
        if self.delivery.is_none() && self.last.is_some() {
            return Ok(());
        }
        // A host that is off when the fleet starts says so once: it was here before.
        self.boot()?;
        let reading = match self.last.take() {
            Some(reading) => reading,
            None => self.model.step(now_ms),
        };
        self.submit(&reading, Some(End::HostShutdown))?;
        self.last = Some(reading);
        if let Some((_, delivery)) = self.delivery.as_mut() {
            let _ = tokio::time::timeout(FLUSH_TIMEOUT, delivery.flush()).await;
        }
        self.note_pending();
        self.delivery = None;
        Ok(())
    }

    /// Opens the spool and the connection for the boot that the model is in, unless they are.
    fn boot(&mut self) -> anyhow::Result<()> {
        let boot = self.model.boot();
        if self.delivery.as_ref().is_some_and(|(opened, _)| *opened == boot.id) {
            return Ok(());
        }
        self.delivery = None;
        let settings = Settings {
            boot: boot.id,
            resource: self.model.resource(VERSION),
            send_interval: self.assignment.send_interval,
            spool: self.assignment.spool,
            policy: 0,
            route: Route { collectors: vec![self.assignment.collector.clone()], ..Route::default() },
            collectors: vec![],
            hours: Hours::default(),
            history_limit: None,
        };
        let clock = self.timeline.clock(boot.started_ms);
        let delivery = Delivery::open(&self.assignment.state, settings, clock)
            .with_context(|| format!("host {}", self.assignment.host.name))?;
        let pending = delivery.spool().pending();
        self.delivery = Some((boot.id, delivery));
        self.progress.change(&self.assignment.host.name, |host| {
            host.boots += 1;
            host.pending = pending;
        });
        Ok(())
    }

    fn submit(&mut self, reading: &Reading, end: Option<End>) -> anyhow::Result<()> {
        let Some((_, delivery)) = self.delivery.as_mut() else { return Ok(()) };
        let boot = self.model.boot();
        let clock = self.timeline.clock(boot.started_ms);
        let moment = Moment { boot: boot.id, boot_ms: clock.boot_ms(), wall_ms: clock.wall_ms() };
        delivery
            .submit(&reading.samples, &reading.components, end, moment)
            .with_context(|| format!("host {}", self.assignment.host.name))?;
        self.progress.change(&self.assignment.host.name, |host| {
            host.submitted += 1;
            host.pending += 1;
        });
        Ok(())
    }

    /// Works on what is due, for ever.
    async fn send(&mut self, is_connected: bool) {
        loop {
            let Some((_, delivery)) = self.delivery.as_mut().filter(|_| is_connected) else {
                return std::future::pending().await;
            };
            let failure = match delivery.step().await {
                Outcome::Failed { words, .. } => Some(words),
                Outcome::Acked { .. }
                | Outcome::Policy(_)
                | Outcome::Unfollowed { .. }
                | Outcome::Renewed => None,
            };
            self.note_pending();
            self.progress.change(&self.assignment.host.name, |host| host.failure = failure);
        }
    }

    /// What no longer waits was settled.
    fn note_pending(&self) {
        let Some((_, delivery)) = &self.delivery else { return };
        let pending = delivery.spool().pending();
        self.progress.change(&self.assignment.host.name, |host| {
            host.settled += host.pending.saturating_sub(pending);
            host.pending = pending;
        });
    }
}
