//! Climbing: every rung is probed, those behind each other at the same time, within one bounded time.
//!
//! Owns the order and the bounds of the probing. What the answers mean is decided in `verdict.rs`.

mod names;
mod outside;

use super::host::{self, DefaultRoute, Host};
use super::http::Web;
use super::icmp::{self, Icmp};
use super::stats::Tally;
use super::target::{Place, Subnet, place};
use super::verdict::{Limits, derive};
use super::{NO_TARGET, Probed, ReachConfig, Reachability, RungResult, tcp};
use futures_util::future::join_all;
use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::sync::Mutex;
use std::time::Duration;
use tokio::time::Instant;
use tram_proto::reach::{Method, Outcome, Rung};

/// Between two probes to one target, so that one full queue does not swallow both.
const SPACING: Duration = Duration::from_millis(100);
/// Port that a gateway is asked on where ICMP is not permitted to us: a closed one answers too.
const GATEWAY_PORT: u16 = 80;

/// What is known of the collector before a climb.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum News {
    /// Nothing: it is probed.
    None,
    /// It has just answered a request: whether its port is open need not be asked.
    Answered,
}

/// The ladder of one host.
pub struct Ladder {
    config: ReachConfig,
    web: Web,
    /// Gateways that have answered an echo request: their silence means more than that of one that never did.
    echoing: Mutex<BTreeSet<IpAddr>>,
}

impl Ladder {
    /// A ladder that probes what `config` says.
    pub fn new(config: ReachConfig) -> Self {
        Self { config, web: Web::new(), echoing: Mutex::new(BTreeSet::new()) }
    }

    /// What it probes.
    pub fn config(&self) -> &ReachConfig {
        &self.config
    }

    /// Probes every rung once. Returns within [`ReachConfig::total_timeout`].
    pub async fn climb(&self) -> Reachability {
        self.climb_with(News::None).await
    }

    /// The same, but for what is known already.
    pub async fn climb_with(&self, news: News) -> Reachability {
        let climb = self.begin();
        let mut rungs = vec![climb.interface()];
        let (gateway, named, internet, collector) =
            tokio::join!(climb.gateway(), climb.names_and_web(), climb.internet(), climb.collector(news));
        rungs.push(gateway);
        rungs.extend(named.names);
        rungs.extend(internet);
        rungs.extend(named.web);
        rungs.extend(collector);
        Reachability { verdict: derive(&rungs, Limits::of(&self.config)), rungs }
    }

    /// Probes what the policy asks for, once. Returns within [`ReachConfig::total_timeout`].
    pub async fn probe(&self) -> Vec<Probed> {
        if self.config.asked.is_empty() {
            return Vec::new();
        }
        self.begin().probes().await
    }

    fn begin(&self) -> Climb<'_> {
        let host = Host::read(&self.config.procfs);
        let subnets = host.subnets();
        let permitted = subnets.iter().chain(&self.config.networks).copied().collect();
        let deadline = Instant::now() + self.config.total_timeout;
        let (config, icmp) = (&self.config, Icmp::open());
        Climb { ladder: self, config, host, subnets, permitted, icmp, deadline }
    }

    /// Notes whether a gateway answered an echo request, and says whether it ever did.
    fn has_echoed(&self, gateway: IpAddr, answered: bool) -> bool {
        let mut echoing = self.echoing.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if answered {
            echoing.insert(gateway);
        }
        echoing.contains(&gateway)
    }
}

/// One climb.
pub(super) struct Climb<'a> {
    ladder: &'a Ladder,
    pub(super) config: &'a ReachConfig,
    host: Host,
    subnets: Vec<Subnet>,
    /// Networks whose private addresses may be probed.
    pub(super) permitted: Vec<Subnet>,
    pub(super) icmp: Icmp,
    deadline: Instant,
}

impl Climb<'_> {
    fn interface(&self) -> RungResult {
        let fallback = self.host.route().map_or(NO_TARGET, |route| route.interface.as_str());
        match self.host.outward(&self.config.virtual_interfaces) {
            Ok(interface) => RungResult {
                reason: None,
                place: Some(Place::Host),
                ..RungResult::unsent(Rung::Interface, Method::Kernel, &interface.name, Outcome::Ok, "")
            },
            Err(reason) => {
                RungResult::unsent(Rung::Interface, Method::Kernel, fallback, Outcome::Failed, reason)
            }
        }
    }

    async fn gateway(&self) -> RungResult {
        let unsent =
            |outcome, reason| RungResult::unsent(Rung::Gateway, Method::Kernel, NO_TARGET, outcome, reason);
        match self.host.route() {
            Some(DefaultRoute { interface, next_hop: Some(gateway), .. }) => {
                self.next_hop(*gateway, interface).await
            }
            Some(_) => unsent(Outcome::Skipped, "the default route is a point-to-point link"),
            None if self.wants_internet() => unsent(Outcome::Failed, "no default route"),
            None => unsent(Outcome::Skipped, "no default route, and no target beyond one"),
        }
    }

    async fn next_hop(&self, gateway: IpAddr, interface: &str) -> RungResult {
        let scope = host::interface_index(interface);
        let (method, tally) = match self.icmp.permitted(gateway) {
            Some(client) => {
                let probe = |sequence, timeout| icmp::ask(client, gateway, scope, sequence, timeout);
                (Method::Icmp, self.rounds(1, probe).await)
            }
            None => {
                let address = socket_address(gateway, GATEWAY_PORT, scope);
                let probe = |_, timeout| async move { tcp::ask(address, timeout).await.alive() };
                (Method::Tcp, self.rounds(1, probe).await)
            }
        };
        let answered = !tally.round_trips.is_empty();
        let echoes = self.ladder.has_echoed(gateway, answered && method == Method::Icmp);
        let mut result = self.probed(Rung::Gateway, method, gateway.to_string(), Some(gateway), &tally);
        result.place = Some(Place::OnLink);
        if let IpAddr::V4(address) = gateway
            && !answered
        {
            result.method = Method::Arp;
            match (host::has_neighbour(&self.config.procfs, address), echoes) {
                (true, false) => {
                    result.outcome = Outcome::Ok;
                    result.reason = Some("does not answer probes; its hardware address is known".to_owned());
                }
                (true, true) => result.reason = Some("has answered before and does not now".to_owned()),
                (false, _) => result.reason = Some("no answer, and no hardware address for it".to_owned()),
            }
        }
        result
    }

    /// Sends a first round of probes and, if one was lost, a second. The probes of a round overlap.
    async fn rounds<F, Answer>(&self, first: u32, probe: F) -> Tally
    where
        F: Fn(u32, Duration) -> Answer,
        Answer: Future<Output = Result<Duration, String>>,
    {
        let mut tally = Tally::default();
        for count in [first, self.config.probes_on_loss] {
            let started = tally.sent;
            let spaced = (0..count).map(|number| {
                let answer = probe(started + number, self.patience());
                async move {
                    tokio::time::sleep(SPACING * number).await;
                    answer.await
                }
            });
            join_all(spaced).await.into_iter().for_each(|answer| tally.count(answer));
            if !tally.has_loss() {
                break;
            }
        }
        tally
    }

    fn probed(
        &self,
        rung: Rung,
        method: Method,
        target: String,
        address: Option<IpAddr>,
        tally: &Tally,
    ) -> RungResult {
        let outcome = tally.outcome();
        RungResult {
            rung,
            method,
            target,
            outcome,
            loss: tally.loss(),
            rtt_s: tally.median_s(),
            reason: if outcome == Outcome::Ok { None } else { tally.reason.clone() },
            place: address.map(|address| place(address, &self.subnets)),
        }
    }

    /// How long one more probe may be waited for.
    pub(super) fn patience(&self) -> Duration {
        self.config.timeout.min(self.deadline.saturating_duration_since(Instant::now()))
    }

    pub(super) fn web(&self) -> &Web {
        &self.ladder.web
    }

    fn wants_internet(&self) -> bool {
        !self.config.internet_targets.is_empty() || !self.config.web_targets.is_empty()
    }

    fn is_on_link(&self, address: IpAddr) -> bool {
        self.subnets.iter().any(|subnet| subnet.contains(address))
    }
}

fn socket_address(address: IpAddr, port: u16, scope: u32) -> SocketAddr {
    let mut found = SocketAddr::new(address, port);
    if let SocketAddr::V6(found) = &mut found {
        found.set_scope_id(scope);
    }
    found
}

#[cfg(test)]
mod tests;
