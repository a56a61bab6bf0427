//! One host's way to the collector: its spool, its uplink and its connection, driven together. Takes in what was
//! measured, says what became of it. Knows nothing of sensors or of the program around it, so that many can run in one
//! process.

use crate::batch::Assembler;
use crate::clock::Clock;
use crate::delivery::courier::{Courier, Way};
use crate::delivery::flight::Errand;
use crate::sensor::Sample;
use crate::spool::{Bounds, Spool, SpoolError};
use crate::uplink::addresses::{ADDRESSES_MAX, Addresses};
use crate::uplink::history::{Hours, Shut};
use crate::uplink::identity::{Identity, IdentityError, IdentityStore};
use crate::uplink::post::{self, Poster};
use crate::uplink::proxy::Route;
use crate::uplink::remembered;
use crate::uplink::trust::{self, CollectorTime};
use crate::uplink::{Failure, Standing, Uplink};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tram_proto::catalogue::Attributes;
use tram_proto::component::Component;
use tram_proto::id::{BootId, CatalogueId, Seq};
use tram_proto::policy::Policy;
use tram_proto::report::{Anchor, End, Moment};

pub mod courier;
mod flight;
mod preview;
#[cfg(test)]
mod tests;

pub use preview::{Measured, Preview};

/// The spool, in the state directory.
pub const SPOOL: &str = "spool";

/// What a delivery is told when it is made.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The boot of the host.
    pub boot: BootId,
    /// What is known of the host.
    pub resource: Attributes,
    /// Time between sends.
    pub send_interval: Duration,
    /// How much the spool keeps.
    pub spool: Bounds,
    /// Version of the policy in force; 0: none.
    pub policy: u64,
    /// How the collector is reached.
    pub route: Route,
    /// Further addresses of the collector, which a policy named.
    pub collectors: Vec<String>,
    /// When history may be sent.
    pub hours: Hours,
    /// Bytes a minute that history may take at most, as this host's own administrator allows; none: no bound.
    pub history_limit: Option<u64>,
}

/// Why a delivery cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum DeliveryError {
    /// The host is not enrolled.
    #[error("not enrolled: run `tram-agent enroll` first")]
    NotEnrolled,
    /// The authority that was given in advance is not the one that the host enrolled with.
    #[error("collector.ca_file is not the authority that this host enrolled with")]
    OtherAuthority,
    /// Its identity cannot be read.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// Its spool cannot be opened.
    #[error(transparent)]
    Spool(#[from] SpoolError),
    /// The connection cannot be prepared.
    #[error("cannot prepare the connection: {0}")]
    Connection(#[from] reqwest::Error),
}

/// What became of a request.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// The collector answered a batch.
    Acked {
        /// Reports that this settled.
        settled: u64,
        /// Reports that still wait.
        pending: u64,
    },
    /// It came to nothing; it will be tried again.
    Failed {
        /// How.
        failure: Failure,
        /// In words.
        words: String,
    },
    /// A policy has come.
    Policy(Policy),
    /// What came is none that can be followed.
    Unfollowed {
        /// Its version, where it says so.
        version: Option<u64>,
        /// What is wrong with it.
        words: String,
    },
    /// The certificate was renewed.
    Renewed,
}

/// What a delivery has from outside: time, chance, and a simulation's way if it is one.
struct Outside {
    clock: Arc<dyn Clock>,
    seed: u64,
    courier: Option<Arc<dyn Courier>>,
}

/// One host's way to the collector.
pub struct Delivery {
    settings: Settings,
    clock: Arc<dyn Clock>,
    store: IdentityStore,
    identity: Identity,
    /// Whether `identity` is a renewed one that has not worked yet.
    is_unproven: bool,
    time: Arc<CollectorTime>,
    way: Way,
    addresses: Addresses,
    state: PathBuf,
    spool: Spool,
    uplink: Uplink,
    assembler: Assembler,
    /// Whether it is on the disk that the site has a budget.
    was_shared: bool,
    /// Catalogues that the collector is known to have.
    known: BTreeSet<CatalogueId>,
    flight: Option<Errand>,
}

impl Delivery {
    /// Opens the identity and the spool in a state directory.
    pub fn open(state: &Path, settings: Settings, clock: Arc<dyn Clock>) -> Result<Self, DeliveryError> {
        let mut seed = [0; 8];
        getrandom::fill(&mut seed).unwrap_or_default();
        Self::open_with(state, settings, u64::from_le_bytes(seed), clock, None)
    }

    /// The same, with requests that a courier carries and chance that a seed decides: for simulations.
    pub fn over(
        courier: Arc<dyn Courier>,
        state: &Path,
        settings: Settings,
        seed: u64,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, DeliveryError> {
        Self::open_with(state, settings, seed, clock, Some(courier))
    }

    fn open_with(
        state: &Path,
        settings: Settings,
        seed: u64,
        clock: Arc<dyn Clock>,
        courier: Option<Arc<dyn Courier>>,
    ) -> Result<Self, DeliveryError> {
        let store = IdentityStore::open(state)?;
        let current = store.current()?.ok_or(DeliveryError::NotEnrolled)?;
        let next = match store.next() {
            Err(error @ IdentityError::Damaged { .. }) => {
                tracing::warn!(%error, "the renewed certificate is left out; the old one stays");
                None
            }
            next => next?,
        };
        let is_unproven = next.is_some();
        let identity = (next.unwrap_or(current), is_unproven);
        let spool = Spool::open(&state.join(SPOOL), settings.spool)?;
        Self::with(state, settings, store, identity, spool, Outside { clock, seed, courier })
    }

    /// Of parts that are there.
    fn with(
        state: &Path,
        settings: Settings,
        store: IdentityStore,
        (identity, is_unproven): (Identity, bool),
        spool: Spool,
        Outside { clock, seed, courier }: Outside,
    ) -> Result<Self, DeliveryError> {
        let enrolled = Anchor { boot: BootId::default(), boot_ms: 0, collector_ms: identity.given_ms };
        let anchor = spool.latest_anchor().filter(|anchor| anchor.collector_ms >= identity.given_ms);
        let time = Arc::new(CollectorTime::since(clock.clone(), anchor.unwrap_or(enrolled), settings.boot));
        let proxy = settings.route.proxy.as_ref();
        if settings.route.ca.as_deref().is_some_and(|ca| identity.ca_der().is_ok_and(|own| *own != *ca)) {
            return Err(DeliveryError::OtherAuthority);
        }
        let now = clock.monotonic();
        let good = remembered::read(state);
        let addresses = Addresses::new(urls(&settings, &identity), good.as_deref(), seed, now);
        let way = match courier {
            Some(courier) => Way::Courier(courier),
            None => {
                let tls = trust::enrolled(&identity, time.clone(), proxy)?;
                Way::Tls(Poster::new(tls, proxy, addresses.connect_timeout())?)
            }
        };
        let mut uplink = Uplink::new(settings.send_interval, settings.policy, seed, now);
        if anchor.is_some() {
            uplink.handle_restart(now);
        }
        uplink.handle_report(spool.pending(), now);
        let was_shared = remembered::is_shared(state);
        uplink.handle_limit(settings.history_limit, was_shared, now);
        let assembler = Assembler::new(settings.resource.clone());
        Ok(Self {
            addresses,
            state: state.to_owned(),
            was_shared,
            known: BTreeSet::new(),
            flight: None,
            settings,
            clock,
            store,
            identity,
            is_unproven,
            time,
            way,
            spool,
            uplink,
            assembler,
        }
        .checked())
    }

    /// Takes in what was measured at a moment. It is on the disk, or counted as dropped, when this returns.
    pub fn submit(
        &mut self,
        samples: &[Sample],
        components: &[Component],
        end: Option<End>,
        moment: Moment,
    ) -> Result<Seq, SpoolError> {
        let (report, id, catalogue) = self.assembler.assemble(samples, components, end, moment);
        let carries_set = report.components.is_some();
        let appended = self.spool.append((id, catalogue), moment.boot, &report.encode(), self.time.now_ms());
        if appended.is_err() && carries_set {
            self.assembler.ask_components();
        }
        self.uplink.handle_report(self.spool.pending(), self.clock.monotonic());
        appended
    }

    /// Works until a request has come to something. May be dropped at any point and called again.
    pub async fn step(&mut self) -> Outcome {
        loop {
            if self.flight.is_none() {
                self.tell_time();
                self.depart();
            }
            if let Some(flight) = &mut self.flight {
                let landed = flight.as_mut().await;
                self.flight = None;
                if let Some(outcome) = self.apply(landed) {
                    return outcome;
                }
                continue;
            }
            match self.uplink.poll_timeout() {
                Some(due) => tokio::time::sleep(due.saturating_duration_since(self.clock.monotonic())).await,
                None => std::future::pending().await,
            }
        }
    }

    /// Sends the newest reports now, whatever pauses were agreed; for last words. One try; the caller sets the deadline.
    pub async fn flush(&mut self) {
        if self.flight.is_some() {
            self.step().await;
        }
        if self.spool.pending() > 0 {
            self.uplink.handle_flush(self.clock.monotonic());
            self.step().await;
        }
    }

    /// Sends what waits without waiting for the interval; agreed pauses hold.
    pub fn hurry(&mut self) {
        self.uplink.handle_urgent(self.clock.monotonic());
    }

    /// Sends the newest now, whatever pauses were agreed: there may be no later.
    pub fn hurry_past_pauses(&mut self) {
        self.uplink.handle_flush(self.clock.monotonic());
    }

    /// Another interval between sends.
    pub fn set_send_interval(&mut self, send_interval: Duration) {
        self.settings.send_interval = send_interval;
        self.uplink.handle_interval(send_interval, self.clock.monotonic());
    }

    /// Other hours for history.
    pub fn set_hours(&mut self, hours: Hours) {
        self.settings.hours = hours;
    }

    /// What waits for its hours; none when it is not for them that anything waits.
    pub fn shut(&self) -> Option<Shut> {
        self.settings.hours.shut(self.uplink.backlog(), self.time.now_ms())
    }

    /// Bytes a minute that history may take now, and whether that is a share of a site's budget; none: no bound.
    pub fn history_share(&self) -> Option<(u64, bool)> {
        let pace = self.uplink.pace();
        pace.share_bytes(self.clock.monotonic()).map(|bytes| (bytes, pace.is_shared()))
    }

    /// Reports that are history, as far as known.
    pub fn backlog(&self) -> u64 {
        self.uplink.backlog()
    }

    /// Tells the uplink what time it is, here and in the hours for history, which go by the collector's time.
    fn tell_time(&mut self) {
        let wait = self.settings.hours.begin_in_ms(self.time.now_ms()).map(Duration::from_millis);
        self.uplink.handle_hours(wait, self.clock.monotonic());
    }

    /// Other further addresses of the collector. What is known of the addresses is forgotten, but for the one in use.
    pub fn set_collectors(&mut self, collectors: Vec<String>) {
        if collectors == self.settings.collectors {
            return;
        }
        self.settings.collectors = collectors;
        let (seed, now) = (u64::from(self.settings.boot.0[0]), self.clock.monotonic());
        let (good, before) = (self.addresses.good().to_owned(), self.addresses.connect_timeout());
        self.addresses = Addresses::new(urls(&self.settings, &self.identity), Some(&good), seed, now);
        if self.addresses.connect_timeout() != before && matches!(self.way, Way::Tls(_)) {
            match self.poster_for(&self.identity) {
                Ok(poster) => self.way = Way::Tls(poster),
                Err(error) => tracing::warn!(%error, "connections take as long to be given up as before"),
            }
        }
    }

    /// The agent's id.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Catalogues that the collector is known to have.
    pub fn known(&self) -> impl Iterator<Item = CatalogueId> {
        self.known.iter().copied()
    }

    /// The spool, to look at.
    pub fn spool(&self) -> &Spool {
        &self.spool
    }

    /// How things stand with the collector, and for how many requests they have been failing.
    pub fn standing(&self) -> (Standing, u32) {
        (self.uplink.standing(), self.uplink.failures())
    }

    /// The collector's time, as far as it is known.
    pub fn collector_time_ms(&self) -> i64 {
        self.time.now_ms()
    }

    /// The address in use.
    pub fn address(&self) -> &str {
        self.addresses.current()
    }

    fn moment(&self) -> Moment {
        Moment { boot: self.settings.boot, boot_ms: self.clock.boot_ms(), wall_ms: self.clock.wall_ms() }
    }

    /// As it is, once its certificate was looked at.
    fn checked(mut self) -> Self {
        self.check_renewal();
        self
    }
}

/// Every address of the collector in order of preference: the administrator's own, or the one enrolled with; then the
/// policy's. None that the proxy's authority could vouch for.
fn urls(settings: &Settings, identity: &Identity) -> Vec<String> {
    let own = &settings.route.collectors;
    let mut urls = if own.is_empty() { vec![identity.collector.clone()] } else { own.clone() };
    for text in &settings.collectors {
        match post::address(text) {
            Ok(url) => urls.push(url),
            Err(error) => tracing::warn!(%error, "further collector address is left out"),
        }
    }
    if let Some(proxy) = &settings.route.proxy {
        urls.retain(|url| {
            let is_told_apart = !proxy.shadows(url);
            if !is_told_apart {
                tracing::warn!(url, "a collector address with the proxy's own name is left out");
            }
            is_told_apart
        });
    }
    if urls.len() > ADDRESSES_MAX {
        tracing::warn!(given = urls.len(), used = ADDRESSES_MAX, "further collector addresses are left out");
    }
    urls
}
