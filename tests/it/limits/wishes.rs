//! Policies as a collector in the wrong hands might make them, and where they may lead: written apart from the agent's
//! own limits.

use crate::program::PORT;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use tram_proto::hours::Span;
use tram_proto::policy::{PROBE_KINDS, Policy, Probe, Threshold};
use tram_tests::conduct::{Transport, Way};
use tram_tests::fleet::dice::Dice;

/// Texts that somebody might hope to be read as something else.
const HOSTILE: &[&str] = &[
    "$(touch /tmp/tram-was-here)",
    "`id`",
    "; rm -rf /",
    "| sh -c reboot",
    "&& reboot",
    "--output=/etc/passwd",
    "-oProxyCommand=reboot",
    "/etc/shadow",
    "../../../../etc/shadow",
    "file:///etc/shadow",
    "%n%n%n%n",
    "\u{202e}txt.exe",
    "a\nb",
    "a\0b",
    "' OR 1=1 --",
    "{\"run\":\"reboot\"}",
    "${jndi:ldap://10.0.0.1/a}",
    "http://10.0.0.1/reboot.cgi?now",
];
/// Addresses near and far; whatever is private, local or everybody's may not be probed.
const ADDRESSES: &[&str] = &[
    "198.51.100.1",
    "1.1.1.1",
    "192.0.2.7",
    "8.8.8.8",
    "2001:db8:ff::1",
    "2606:4700:4700::1111",
    "10.77.0.54",
    "10.0.0.1",
    "10.20.0.9",
    "10.77.1.1",
    "192.168.1.1",
    "172.16.0.1",
    "100.64.0.1",
    "169.254.169.254",
    "127.0.0.1",
    "0.0.0.0",
    "255.255.255.255",
    "224.0.0.1",
    "::1",
    "::",
    "fe80::1",
    "fd00::1",
    "fec0::1",
    "ff02::1",
    "::ffff:10.0.0.1",
    "64:ff9b::a00:1",
    "2002:a00:1::1",
];
const NAMES: &[&str] = &["check.tram.example", "no-such-name.example", "localhost"];

/// Chance that makes policies.
pub(super) struct Wishes {
    dice: Dice,
    /// Something out of its bounds spoils a whole policy, so that most have nothing of that.
    is_sound: bool,
}

impl Wishes {
    pub(super) fn new(seed: u64, purpose: &str) -> Self {
        Self { dice: Dice::new(seed, purpose), is_sound: true }
    }

    fn text(&mut self) -> String {
        match self.dice.below(20) {
            0 => "A".repeat(512),
            1 if !self.is_sound => "A".repeat(600),
            2..9 => (*self.dice.pick(HOSTILE)).to_owned(),
            9..17 => (*self.dice.pick(ADDRESSES)).to_owned(),
            _ => (*self.dice.pick(NAMES)).to_owned(),
        }
    }

    fn texts(&mut self) -> Vec<String> {
        (0..self.dice.below(8)).map(|_| self.text()).collect()
    }

    fn interval(&mut self) -> Option<u32> {
        match self.dice.below(8) {
            0 => None,
            1 if !self.is_sound => Some(0),
            // Longer ones would only make the story longer.
            2 => Some(7),
            _ => Some(5),
        }
    }

    fn probe(&mut self) -> Probe {
        let is_wild = self.dice.below(3) == 0;
        let host = if is_wild { self.text() } else { (*self.dice.pick(ADDRESSES)).to_owned() };
        match self.dice.below(8) {
            0 | 1 => Probe::Icmp { host },
            2 | 3 => Probe::Tcp { host, port: *self.dice.pick(&[0, 22, 80, 443, 3_306, PORT]) },
            4 | 5 => {
                let is_v6 = host.parse::<Ipv6Addr>().is_ok();
                let host: String = if is_v6 { format!("[{host}]") } else { host.chars().take(200).collect() };
                let paths = ["/", "/reboot", "/../../etc/passwd", "/a?now=1", "/%0d%0acookie:%20a", ":443/"];
                Probe::Http { url: format!("http://{host}{}", self.dice.pick(&paths)) }
            }
            6 => Probe::Dns { name: (*self.dice.pick(NAMES)).to_owned(), server: Some(host) },
            _ => Probe::Dns { name: self.text(), server: None },
        }
    }

    fn span(&mut self) -> Span {
        let from = self.dice.below(1_440) as u16;
        let to_minute = if self.is_sound { (from + 1 + self.dice.below(9) as u16).min(1_440) } else { 1_441 };
        Span { from_minute: from, to_minute }
    }

    fn threshold(&mut self) -> Threshold {
        let sample = if self.dice.below(2) == 0 { "system.uptime".to_owned() } else { self.text() };
        Threshold { sample, above: Some(self.dice.between(-1e300, 1e300)), below: None }
    }

    /// The next one.
    pub(super) fn policy(&mut self) -> Policy {
        self.is_sound = self.dice.below(5) > 0;
        let probes = self.dice.below(if self.is_sound { 33 } else { 40 });
        Policy {
            version: 0,
            sample_interval_s: self.interval(),
            send_interval_s: self.interval(),
            probe_interval_s: self.interval(),
            internet_targets: self.texts(),
            probes: (0..probes).map(|_| self.probe()).collect(),
            urgent: (0..self.dice.below(5)).map(|_| self.threshold()).collect(),
            collectors: self.texts(),
            history_hours: (0..self.dice.below(3)).map(|_| self.span()).collect(),
        }
    }
}

/// Every text in a policy but our own words for kinds of probes.
pub(super) fn texts_of(policy: &Policy) -> BTreeSet<String> {
    fn gather(value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::String(text) => drop(found.insert(text.clone())),
            Value::Array(list) => list.iter().for_each(|one| gather(one, found)),
            Value::Object(fields) => fields.values().for_each(|one| gather(one, found)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
    let mut found = BTreeSet::new();
    gather(&serde_json::to_value(policy).unwrap(), &mut found);
    found.retain(|text| !PROBE_KINDS.contains(&text.as_str()));
    found
}

/// Whether somebody other than the internet has this address, or nobody; networks by how their addresses begin.
fn is_inner(address: IpAddr, networks: &[&str]) -> bool {
    let text = address.to_string();
    let is_own = |start: &&str| text.starts_with(*start);
    if networks.iter().chain(&["10.77.0.", "2001:db8:77::"]).any(is_own) {
        return false;
    }
    let inner =
        ["0.", "10.", "127.", "169.254.", "172.16.", "192.168.", "100.64.", "224.", "255.", "fd", "fe", "ff"];
    inner.iter().any(is_own)
        || text.starts_with("::")
        || text.starts_with("64:ff9b:")
        || text.starts_with("2002:")
}

/// Where a policy may have bytes sent under some limits, and by how many of its probes.
pub(super) fn ways(policy: &Policy, (kinds, networks): (&[&str], &[&str])) -> BTreeMap<Way, usize> {
    let mut ways = BTreeMap::new();
    let mut add = |how, host: &str, port| {
        let known = || ["198.51.100.80", "2001:db8:ff::80"].map(|address| address.parse().unwrap()).to_vec();
        let literal = host.trim_matches(['[', ']']).parse::<IpAddr>();
        let addresses =
            literal.map_or_else(|_| if host == NAMES[0] { known() } else { vec![] }, |one| vec![one]);
        for address in addresses.into_iter().filter(|address| !is_inner(*address, networks)) {
            *ways.entry((how, SocketAddr::new(address, port))).or_default() += 1;
        }
    };
    for target in policy.internet_targets.iter().filter(|_| !kinds.is_empty()) {
        add(Transport::Icmp, target, 0);
        add(Transport::Tcp, target, 443);
    }
    for probe in policy.probes.iter().filter(|probe| kinds.contains(&probe.kind())) {
        match probe {
            Probe::Icmp { host } => add(Transport::Icmp, host, 0),
            Probe::Tcp { host, port } => add(Transport::Tcp, host, *port),
            Probe::Http { url } => {
                let host = url.trim_start_matches("http://").split('/').next().unwrap_or_default();
                let (host, port) = host.strip_suffix(":443").map_or((host, 80), |host| (host, 443));
                add(Transport::Tcp, host, port);
            }
            Probe::Dns { server, .. } => add(Transport::Udp, server.as_deref().unwrap_or_default(), 53),
            Probe::Other => {}
        }
    }
    ways
}
