//! The rungs outside: addresses on the internet, and the collector.

use super::{Climb, News};
use crate::sensor::reach::stats::Tally;
use crate::sensor::reach::target::{permit, place};
use crate::sensor::reach::{RungResult, dns, icmp, tcp, tunnel};
use crate::uplink::proxy::{Kind, Proxy};
use futures_util::future::join_all;
use std::net::{IpAddr, SocketAddr};
use tram_proto::limits::TARGETS_MAX;
use tram_proto::reach::{Method, Outcome, Rung};

/// Times the collector's port is tried.
const CONNECTIONS_MAX: u32 = 2;

impl Climb<'_> {
    pub(super) async fn internet(&self) -> Vec<RungResult> {
        let asked = self.config.internet_targets.iter().enumerate();
        join_all(asked.map(|(place, target)| self.internet_target(place, target)))
            .await
            .into_iter()
            .flatten()
            .collect()
    }

    /// One target; none when it is of a family that this host has no way out for.
    async fn internet_target(&self, number: usize, target: &str) -> Option<RungResult> {
        let skipped =
            |reason: &str| RungResult::unsent(Rung::Internet, Method::Icmp, target, Outcome::Skipped, reason);
        if number >= TARGETS_MAX {
            return Some(skipped("more targets than the limit of 32"));
        }
        let Ok(address) = target.parse::<IpAddr>() else { return Some(skipped("not an IP address")) };
        if address.is_ipv6() != self.host.is_v6_only() && !self.is_on_link(address) {
            return None;
        }
        if let Err(reason) = permit(address, &self.permitted) {
            return Some(skipped(reason));
        }
        let (method, tally) = match self.icmp.permitted(address) {
            Some(client) => {
                // The target's number keeps the sequences of unprivileged sockets apart.
                let base = (number as u32 + 1) * 64;
                let probe = |sequence, timeout| icmp::ask(client, address, 0, base + sequence, timeout);
                (Method::Icmp, self.rounds(self.config.probes, probe).await)
            }
            None => {
                let address = SocketAddr::new(address, self.config.tcp_port);
                let probe = |_, timeout| async move { tcp::ask(address, timeout).await.open() };
                (Method::Tcp, self.rounds(1, probe).await)
            }
        };
        Some(self.probed(Rung::Internet, method, target.to_owned(), Some(address), &tally))
    }

    pub(super) async fn collector(&self, news: News) -> Option<RungResult> {
        let target = self.config.collector.as_deref()?;
        let failed = |reason: &str| {
            Some(RungResult::unsent(Rung::Collector, Method::Tcp, target, Outcome::Failed, reason))
        };
        let Some((name, port)) = host_and_port(target) else { return failed("not HOST:PORT") };
        let answered = |place| RungResult {
            reason: None,
            place,
            ..RungResult::unsent(Rung::Collector, Method::Tcp, target, Outcome::Ok, "")
        };
        if let Some(proxy) = &self.config.proxy {
            return Some(match news {
                News::Answered => answered(None),
                News::None => self.collector_through(proxy, target, (name, port)).await,
            });
        }
        let address = match self.address_of(name).await {
            Ok(address) => address,
            Err(reason) => return failed(&format!("its name is not resolved: {reason}")),
        };
        if news == News::Answered {
            return Some(answered(Some(place(address, &self.subnets))));
        }
        let mut tally = Tally::default();
        while tally.sent < CONNECTIONS_MAX && tally.round_trips.is_empty() {
            tally.count(tcp::ask(SocketAddr::new(address, port), self.patience()).await.open());
        }
        let mut result = self.probed(Rung::Collector, Method::Tcp, target.to_owned(), Some(address), &tally);
        if result.outcome == Outcome::Lossy {
            // The first try may have met the moment of a restart; the port is open.
            result.outcome = Outcome::Ok;
        }
        Some(result)
    }

    /// Asks the proxy for a way to the collector. Where the collector lies is not known from here.
    async fn collector_through(&self, proxy: &Proxy, target: &str, (name, port): (&str, u16)) -> RungResult {
        let failed = |reason: String| {
            RungResult::unsent(Rung::Collector, Method::Tcp, target, Outcome::Failed, reason)
        };
        let place = match self.address_of(&proxy.host).await {
            Ok(address) => SocketAddr::new(address, proxy.port),
            Err(reason) => return failed(format!("the proxy's name is not resolved: {reason}")),
        };
        let name = match proxy.kind {
            Kind::Socks5 => match self.address_of(name).await {
                Ok(address) => address.to_string(),
                Err(reason) => return failed(format!("its name is not resolved: {reason}")),
            },
            Kind::Http | Kind::Https | Kind::Socks5h => name.to_owned(),
        };
        let mut tally = Tally::default();
        while tally.sent < CONNECTIONS_MAX && tally.round_trips.is_empty() {
            tally.count(tunnel::ask(proxy, place, (&name, port), self.patience()).await);
        }
        let mut result = self.probed(Rung::Collector, Method::Tcp, target.to_owned(), None, &tally);
        if result.answered() {
            (result.outcome, result.reason) = (Outcome::Ok, Some(format!("through the proxy {proxy}")));
        }
        result
    }

    pub(in crate::sensor::reach) async fn address_of(&self, name: &str) -> Result<IpAddr, String> {
        if let Some(address) = name.parse().ok().or_else(|| self.hosts_address(name)) {
            return Ok(address);
        }
        let found = self.look_up(name).await?;
        found.first().copied().ok_or_else(|| "the name has no address".to_owned())
    }

    /// The collector's host, where it is a name that only a name server knows.
    pub(super) fn collector_name(&self) -> Option<&str> {
        let (collector, _) = host_and_port(self.config.collector.as_deref()?)?;
        let name = self.config.proxy.as_ref().map_or(collector, |proxy| proxy.host.as_str());
        let known = name.parse::<IpAddr>().is_ok() || self.hosts_address(name).is_some();
        (!known).then_some(name)
    }

    fn hosts_address(&self, name: &str) -> Option<IpAddr> {
        let hosts = std::fs::read_to_string(&self.config.hosts).unwrap_or_default();
        dns::from_hosts(&hosts, name)
    }
}

pub(super) fn host_and_port(text: &str) -> Option<(&str, u16)> {
    let (name, port) = text.rsplit_once(':')?;
    let name = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    if name.is_empty() { None } else { Some((name, port.parse().ok()?)) }
}
