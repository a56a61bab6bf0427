//! The reachability ladder: interface, gateway, resolver, name, internet, web, collector.
//!
//! Owns what a climb is asked for ([`ReachConfig`]) and what it found ([`Reachability`]). The rungs are probed in
//! `reach/ladder.rs`; what they add up to is decided by the pure `reach/verdict.rs`. Knows nothing of reports or the
//! schedule.

mod dns;
mod host;
mod http;
mod icmp;
mod ladder;
mod probe;
mod stats;
mod target;
mod tcp;
mod tunnel;
mod verdict;

pub use ladder::{Ladder, News};
pub use probe::{Probed, is_probe};
pub use target::{Place, Subnet};

use super::{Paths, Sample, part};
use crate::tree;
use crate::uplink::proxy::Proxy;
use serde::Serialize;
use std::path::PathBuf;
use std::time::Duration;
use tram_proto::catalogue::{Attributes, Column, Kind};
use tram_proto::policy::Probe;
use tram_proto::reach::{Method, Outcome, Rung, Verdict};
use tram_proto::sample;

/// What a rung names as its target that has nothing to try.
pub const NO_TARGET: &str = "none";
/// Where a system keeps what a resolver needs.
#[cfg(unix)]
const RESOLV_CONF: &str = "/etc/resolv.conf";
#[cfg(unix)]
const HOSTS: &str = "/etc/hosts";
#[cfg(windows)]
const RESOLV_CONF: &str = "";
#[cfg(windows)]
const HOSTS: &str = r"C:\Windows\System32\drivers\etc\hosts";

/// What to probe, how often in one climb, and for how long.
///
/// A healthy climb with the defaults sends: 1 echo request to the gateway and 2 to each of 2 internet targets, 1 DNS
/// query to each name server (at most 3, usually 1 or 2), 1 HTTP request, 1 TCP connection to the collector. Both
/// directions with their Ethernet frames are less than 2,500 bytes; a test counts them. Only what is lost is asked
/// again. A collector that has answered a request since the climb before is not asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReachConfig {
    /// Addresses on the internet, asked by ICMP echo, or by TCP to [`Self::tcp_port`] where ICMP is not permitted to
    /// this process. Default: two anycast resolvers that answer from everywhere, in both families; those of the
    /// family that the host has no default route for are left out. Empty: this host has no business on the internet.
    pub internet_targets: Vec<String>,
    /// Plain `http://` addresses that answer 204 without a body, tried in turn until one does.
    /// Default: Google's and Cloudflare's. Empty: none.
    pub web_targets: Vec<String>,
    /// The name that every name server is asked for. Default: the host of the first web target, which spares a query.
    pub name: String,
    /// The collector, as `HOST:PORT`. Default: none; the rung is then left out.
    pub collector: Option<String>,
    /// The proxy that the collector is reached through. Default: none. Only the collector's rung goes through it.
    pub proxy: Option<Proxy>,
    /// Port for internet targets where TCP stands in for ICMP. Default: 443.
    pub tcp_port: u16,
    /// Echo requests to each internet target in the first round. Default: 2.
    pub probes: u32,
    /// Further ones when one was lost, to the gateway too, to tell a lossy line from one lost packet. Default: 3.
    pub probes_on_loss: u32,
    /// How long one probe is waited for. Default: 2 s.
    pub timeout: Duration,
    /// How long the whole climb may take. Default: 10 s.
    pub total_timeout: Duration,
    /// Share of internet probes that may be lost before the verdict is `degraded`. Default: 20 %.
    pub loss_max_percent: u32,
    /// Median round trip to the internet above which the verdict is `degraded`. Default: 800 ms, above what a
    /// geostationary satellite takes (ITU-T G.114 gives some 600 ms there and back).
    pub rtt_max: Duration,
    /// Where `route`, `ipv6_route` and `arp` are found, below `net/`. Default: `/proc`.
    pub procfs: PathBuf,
    /// Which name servers the host uses. Default: `/etc/resolv.conf`. Empty, as on Windows: those of its adapters.
    pub resolv_conf: PathBuf,
    /// Names that need no name server. Default: `/etc/hosts`. Only the collector's is looked up there.
    pub hosts: PathBuf,
    /// What a policy wants probed besides, within the limits. Default: nothing.
    pub asked: Vec<Probe>,
    /// Private networks besides the host's own subnets that may be probed. Default: none.
    pub networks: Vec<Subnet>,
    /// Prefixes of interfaces that are no way out of the host. They count only when the default route leads there.
    /// Default: those of containers, virtual machines and their bridges.
    pub virtual_interfaces: Vec<String>,
}

/// Whether a text is a web target's address, `http://HOST[:PORT]/PATH`.
pub fn is_web_target(text: &str) -> bool {
    http::WebTarget::parse(text).is_ok()
}

impl Default for ReachConfig {
    fn default() -> Self {
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        Self {
            internet_targets: owned(&["1.1.1.1", "8.8.8.8", "2606:4700:4700::1111", "2001:4860:4860::8888"]),
            web_targets: owned(&[
                "http://connectivitycheck.gstatic.com/generate_204",
                "http://cp.cloudflare.com/generate_204",
            ]),
            name: "connectivitycheck.gstatic.com".to_owned(),
            collector: None,
            proxy: None,
            tcp_port: 443,
            probes: 2,
            probes_on_loss: 3,
            timeout: Duration::from_secs(2),
            total_timeout: Duration::from_secs(10),
            loss_max_percent: 20,
            rtt_max: Duration::from_millis(800),
            procfs: Paths::default().procfs,
            resolv_conf: RESOLV_CONF.into(),
            hosts: HOSTS.into(),
            asked: Vec::new(),
            networks: Vec::new(),
            virtual_interfaces: owned(&[
                "docker", "br-", "veth", "virbr", "vnet", "cni", "flannel", "cali", "lxc", "lxd",
            ]),
        }
    }
}

/// What one rung came to, for one target.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RungResult {
    /// Which rung.
    pub rung: Rung,
    /// How it was probed.
    pub method: Method,
    /// What was probed: an address, a name, a URL, an interface.
    pub target: String,
    /// What it came to.
    pub outcome: Outcome,
    /// Share of probes without an answer; none when nothing was sent.
    pub loss: Option<f64>,
    /// Median round trip in seconds; none without an answer.
    pub rtt_s: Option<f64>,
    /// Why it failed or was skipped, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Where the target lies as seen from the host; none when it has no address.
    #[serde(skip)]
    pub place: Option<Place>,
}

impl RungResult {
    /// A rung that nothing was sent for.
    fn unsent(rung: Rung, method: Method, target: &str, outcome: Outcome, reason: impl Into<String>) -> Self {
        let reason = reason.into();
        part::own(&reason);
        Self {
            rung,
            method,
            target: target.to_owned(),
            outcome,
            loss: None,
            rtt_s: None,
            reason: Some(reason),
            place: None,
        }
    }

    /// Whether the target itself answered at least once.
    pub fn answered(&self) -> bool {
        matches!(self.outcome, Outcome::Ok | Outcome::Lossy)
    }
}

/// What one climb found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Reachability {
    /// What it adds up to.
    pub verdict: Verdict,
    /// Every rung, from the host outwards; a rung with several targets has one entry for each.
    pub rungs: Vec<RungResult>,
}

impl Reachability {
    /// The verdict and every rung as samples. A rung always has the same three, with or without a value, so that the
    /// catalogue does not change with the weather.
    pub fn samples(&self) -> Vec<Sample> {
        let verdict = Column {
            name: sample::REACH_VERDICT.to_owned(),
            attributes: Attributes::new(),
            unit: "1".to_owned(),
            scale: 0,
            kind: Kind::Gauge,
        };
        let mut samples = vec![Sample { column: verdict, value: Some(self.verdict.code() as f64) }];
        samples.extend(self.rungs.iter().flat_map(rung_samples));
        samples
    }
}

fn rung_samples(rung: &RungResult) -> [Sample; 3] {
    let attributes = [
        (sample::RUNG, rung.rung.as_str()),
        (sample::METHOD, rung.method.as_str()),
        (sample::TARGET, rung.target.as_str()),
    ];
    let attributes = attributes.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned()));
    let attributes = tree::attributes(attributes);
    let column = |name: &str, unit: &str, scale: u8| Column {
        name: name.to_owned(),
        attributes: attributes.clone(),
        unit: unit.to_owned(),
        scale,
        kind: Kind::Gauge,
    };
    [
        Sample { column: column(sample::REACH_OUTCOME, "1", 0), value: Some(rung.outcome.code() as f64) },
        Sample { column: column(sample::REACH_LOSS, "1", 3), value: rung.loss },
        Sample { column: column(sample::REACH_RTT, "s", 6), value: rung.rtt_s },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_rung_has_the_same_columns_as_a_good_one() {
        let rung = |outcome, rtt_s| RungResult {
            rung: Rung::Gateway,
            method: Method::Icmp,
            target: "10.0.0.1".to_owned(),
            outcome,
            loss: Some(0.5),
            rtt_s,
            reason: None,
            place: Some(Place::OnLink),
        };
        let good = Reachability { verdict: Verdict::Ok, rungs: vec![rung(Outcome::Ok, Some(0.001))] };
        let bad = Reachability { verdict: Verdict::GatewayDown, rungs: vec![rung(Outcome::Failed, None)] };
        let columns = |found: &Reachability| {
            found.samples().into_iter().map(|sample| sample.column).collect::<Vec<_>>()
        };
        assert_eq!(columns(&good), columns(&bad));
        assert_eq!(bad.samples().first().and_then(|sample| sample.value), Some(2.0));
        assert_eq!(bad.samples().last().and_then(|sample| sample.value), None);
    }

    #[test]
    fn json_has_the_words_and_leaves_the_place_out() {
        let rung = RungResult::unsent(Rung::Web, Method::Http, "http://a/", Outcome::Skipped, "no address");
        let json =
            serde_json::to_value(Reachability { verdict: Verdict::DnsBroken, rungs: vec![rung] }).unwrap();
        assert_eq!(
            json,
            serde_json::json!({"verdict": "dns_broken", "rungs": [{"rung": "web", "method": "http",
                "target": "http://a/", "outcome": "skipped", "loss": null, "rtt_s": null, "reason": "no address"}]})
        );
    }
}
