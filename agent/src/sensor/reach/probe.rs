//! Probes that a policy asks for: whether something answers, and how soon. Owns what may be probed and what is kept of
//! an answer: an outcome, a time, an HTTP status; nothing that was said. Knows nothing of policies as a whole.

use super::http::WebTarget;
use super::ladder::Climb;
use super::target::permit;
use super::{dns, icmp, tcp};
use crate::sample::Sample;
use crate::sensor::part;
use crate::tree;
use futures_util::future::join_all;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use tram_proto::catalogue::{Column, Kind};
use tram_proto::policy::Probe;
use tram_proto::reach::Outcome;
use tram_proto::sample;

/// Times that one target is asked in a round: one loss is no dead target.
const TRIES_MAX: u32 = 2;
/// Sequence numbers of echo requests that one probe may use, apart from those of the ladder.
const SEQUENCES: u32 = 8;
/// A status from here on is no answer.
const STATUS_WRONG: u16 = 400;

/// What one probe came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Probed {
    /// What was probed.
    pub probe: Probe,
    /// What it came to; skipped when it may not be probed.
    pub outcome: Outcome,
    /// Round trip in seconds.
    pub rtt_s: Option<f64>,
    /// Status of a page.
    pub status: Option<u16>,
    /// Why it failed or was skipped, for people on this host; never sent.
    pub reason: Option<String>,
}

/// Whether a probe makes sense wherever it may lead: hosts and names that are some, pages without a query.
pub fn is_probe(probe: &Probe) -> Result<(), &'static str> {
    let is_name = |text: &str| {
        let is_letter = |letter: char| letter.is_alphanumeric() || matches!(letter, '.' | '-' | '_');
        (1..=253).contains(&text.len()) && text.chars().all(is_letter) && !text.starts_with('-')
    };
    let is_host = |text: &str| text.parse::<IpAddr>().is_ok() || is_name(text);
    match probe {
        Probe::Icmp { host } | Probe::Tcp { host, .. } if !is_host(host) => Err("not a name or an address"),
        Probe::Tcp { port: 0, .. } => Err("not a port"),
        Probe::Icmp { .. } | Probe::Tcp { .. } => Ok(()),
        Probe::Http { url } => match WebTarget::parse(url) {
            Ok(target) if target.has_query() => Err("a page with a query"),
            Ok(_) => Ok(()),
            Err(_) => Err("not http://HOST/PATH"),
        },
        Probe::Dns { name, .. } if !is_name(name) => Err("not a name"),
        Probe::Dns { server: Some(server), .. } if server.parse::<IpAddr>().is_err() => {
            Err("a server that is no address")
        }
        Probe::Dns { .. } => Ok(()),
        Probe::Other => Err("a kind that this version does not know"),
    }
}

impl Probed {
    fn unsent(probe: &Probe, outcome: Outcome, reason: impl Into<String>) -> Self {
        let reason = reason.into();
        part::own(&reason);
        Self { probe: probe.clone(), outcome, rtt_s: None, status: None, reason: Some(reason) }
    }

    /// As samples: the same for each kind, with or without a value. Their attributes say what the policy said.
    pub fn samples(&self) -> Vec<Sample> {
        let attributes = tree::attributes([
            (sample::PROBE_KIND.to_owned(), self.probe.kind().to_owned()),
            (sample::TARGET.to_owned(), self.probe.target()),
        ]);
        let gauge = |name: &str, unit: &str, scale: u8, value: Option<f64>| {
            let (name, unit, attributes) = (name.to_owned(), unit.to_owned(), attributes.clone());
            Sample { column: Column { name, attributes, unit, scale, kind: Kind::Gauge }, value }
        };
        let mut samples = vec![
            gauge(sample::PROBE_OUTCOME, "1", 0, Some(self.outcome.code() as f64)),
            gauge(sample::PROBE_RTT, "s", 6, self.rtt_s),
        ];
        if matches!(self.probe, Probe::Http { .. }) {
            samples.push(gauge(sample::PROBE_STATUS, "1", 0, self.status.map(f64::from)));
        }
        samples
    }
}

/// What one try found: the time it took, and a status where there is one.
type Try = Result<(Duration, Option<u16>), String>;

impl Climb<'_> {
    /// Every probe, at the same time.
    pub(super) async fn probes(&self) -> Vec<Probed> {
        let probes = self.config.asked.iter().enumerate();
        join_all(probes.map(|(number, probe)| self.probe(number as u32, probe))).await
    }

    async fn probe(&self, number: u32, probe: &Probe) -> Probed {
        if let Err(reason) = is_probe(probe) {
            return Probed::unsent(probe, Outcome::Skipped, reason);
        }
        let address = match self.place_of(probe).await {
            Ok(address) => address,
            Err(reason) => return Probed::unsent(probe, Outcome::Failed, reason),
        };
        // The host's own name servers are asked by everything on it.
        let is_own_server = matches!(probe, Probe::Dns { server: None, .. });
        if let Err(reason) = permit(address, &self.permitted)
            && !is_own_server
        {
            return Probed::unsent(probe, Outcome::Skipped, format!("{address} is {reason}"));
        }
        let mut last = String::new();
        for round in 0..TRIES_MAX {
            match self.try_once(probe, address, (number + 1) * SEQUENCES + round).await {
                Ok((round_trip, status)) => {
                    let is_wrong = status.is_some_and(|status| status >= STATUS_WRONG);
                    return Probed {
                        probe: probe.clone(),
                        outcome: if is_wrong { Outcome::Failed } else { Outcome::Ok },
                        rtt_s: Some(round_trip.as_secs_f64()),
                        status,
                        reason: status.filter(|_| is_wrong).map(|status| format!("status {status}")),
                    };
                }
                Err(reason) => last = reason,
            }
        }
        Probed::unsent(probe, Outcome::Failed, last)
    }

    /// The one address that is asked. A name is resolved here and nowhere else, so that what is permitted is what is
    /// probed.
    async fn place_of(&self, probe: &Probe) -> Result<IpAddr, String> {
        let host = match probe {
            Probe::Icmp { host } | Probe::Tcp { host, .. } => host.clone(),
            Probe::Http { url } => {
                let target = WebTarget::parse(url)?;
                let name = target.name().map(str::to_owned);
                name.or(target.address().map(|address| address.to_string())).ok_or("it has no host")?
            }
            Probe::Dns { server: Some(server), .. } => server.clone(),
            Probe::Dns { server: None, .. } => {
                let servers = dns::servers(&self.config.resolv_conf)?;
                let server = servers.into_iter().find(|server| dns::is_askable(*server));
                return server.ok_or_else(|| "no name server that can be asked".to_owned());
            }
            Probe::Other => return Err("nothing to probe".to_owned()),
        };
        self.address_of(&host).await.map_err(|reason| format!("its name is not resolved: {reason}"))
    }

    async fn try_once(&self, probe: &Probe, address: IpAddr, sequence: u32) -> Try {
        let patience = self.patience();
        let timed = |round_trip| (round_trip, None);
        match probe {
            Probe::Icmp { .. } => match self.icmp.permitted(address) {
                Some(client) => icmp::ask(client, address, 0, sequence, patience).await.map(timed),
                None => Err("ICMP is not permitted to the agent".to_owned()),
            },
            Probe::Tcp { port, .. } => {
                tcp::ask(SocketAddr::new(address, *port), patience).await.open().map(timed)
            }
            Probe::Http { url } => {
                let target = WebTarget::parse(url)?;
                let asked = self.web().status(&target, address, patience).await;
                asked.map(|(round_trip, status)| (round_trip, Some(status)))
            }
            Probe::Dns { name, .. } => match dns::ask(address, name, address.is_ipv6(), patience).await? {
                (round_trip, dns::Reply::Addresses(_)) => Ok((round_trip, None)),
                (_, dns::Reply::NoSuchName(reason)) => Err(reason.to_owned()),
                (_, dns::Reply::Unwilling(reason)) => Err(reason),
            },
            Probe::Other => Err("nothing to probe".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tcp(host: &str) -> Probe {
        Probe::Tcp { host: host.to_owned(), port: 80 }
    }

    #[test]
    fn probes_that_make_no_sense_are_told_apart() {
        let http = |url: &str| Probe::Http { url: url.to_owned() };
        let dns = |name: &str, server: Option<&str>| Probe::Dns {
            name: name.to_owned(),
            server: server.map(str::to_owned),
        };
        for probe in [
            tcp("$(reboot)"),
            tcp("-w"),
            tcp("/etc/passwd"),
            tcp("a b"),
            Probe::Tcp { host: "a".into(), port: 0 },
            http("http://a/reset?now=1"),
            http("file:///etc/passwd"),
            http("https://a/"),
            http("http://u:p@a/"),
            dns("a/b", None),
            dns("a", Some("resolver.example")),
            Probe::Other,
        ] {
            assert!(is_probe(&probe).is_err(), "{probe:?}");
        }
        for probe in
            [tcp("portal.tinh.gov.vn"), tcp("2001:db8::1"), http("http://a:81/b"), dns("a.vn", Some("::1"))]
        {
            assert_eq!(is_probe(&probe), Ok(()), "{probe:?}");
        }
    }

    #[test]
    fn a_probe_has_the_same_samples_whatever_it_came_to() {
        let probe = Probe::Http { url: "http://a/".into() };
        let failed = Probed::unsent(&probe, Outcome::Failed, "a secret page");
        let fine = Probed { outcome: Outcome::Ok, rtt_s: Some(0.01), status: Some(204), ..failed.clone() };
        let columns =
            |probed: &Probed| probed.samples().into_iter().map(|sample| sample.column).collect::<Vec<_>>();
        assert_eq!(columns(&failed), columns(&fine));
        assert!(!format!("{:?}", failed.samples()).contains("secret"), "what was said is not sent");
        assert_eq!(fine.samples()[2].value, Some(204.0));
    }
}
