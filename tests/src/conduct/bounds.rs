//! What an agent may do under a policy, and what goes beyond it. Pure. Written apart from the agent's own limits, which
//! it is to judge.

use super::{Deed, Transport};
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::{Component, Path, PathBuf};

/// Somewhere that bytes may go.
pub type Way = (Transport, SocketAddr);

/// Files outside the state folder that may be opened for writing.
const OUTSIDE: &[(&str, &str)] = &[
    ("/dev/null", "the input of programs that are started"),
    ("/dev/tty", "where a runtime looks for a terminal"),
];
/// Sockets of the machine that may be asked.
const LOCAL: &[(&str, &str)] = &[("/var/run/nscd/socket", "the C library asks it for names")];
/// What an echo request of the agent carries.
const ECHO: &[u8] = b"tram ladder echo";
/// Packets or connections to one target in one climb: two tries, or two and three where one was lost.
const TRIES_MAX: usize = 5;
/// Shorter texts of a policy may stand in an argument by chance.
const TELLING_BYTES: usize = 4;

/// The bounds of one run of an agent that climbs its ladder once.
#[derive(Debug, Clone, Default)]
pub struct Bounds {
    /// Programs that its own code may run.
    pub programs: BTreeSet<PathBuf>,
    /// The one folder where it writes.
    pub state: PathBuf,
    /// Every text of the policies that it has seen.
    pub texts: BTreeSet<String>,
    /// Addresses of the collector, and those that policies added.
    pub collectors: BTreeSet<SocketAddr>,
    /// Name servers of the host.
    pub resolvers: BTreeSet<SocketAddr>,
    /// What it asks without any policy.
    pub own: BTreeSet<Way>,
    /// What the policy in force may have it ask besides, and by how many of its probes.
    pub asked: BTreeMap<Way, usize>,
    /// How many of those at most.
    pub asked_max: usize,
}

impl Bounds {
    /// What went beyond the bounds, in words.
    pub fn breaches(&self, deeds: &[Deed]) -> Vec<String> {
        let mut wrong: Vec<String> = deeds.iter().filter_map(|deed| self.breach(deed)).collect();
        let mut tries: BTreeMap<Way, usize> = BTreeMap::new();
        for way in deeds.iter().filter_map(probe) {
            *tries.entry(way).or_default() += 1;
        }
        tries.retain(|(_, to), _| !self.collectors.contains(to) && !self.resolvers.contains(to));
        let most = |way| {
            let probes = self.asked.get(way).copied().unwrap_or(0) + usize::from(self.own.contains(way));
            probes.max(1) * TRIES_MAX
        };
        let often = tries.iter().filter(|(way, count)| **count > most(way));
        wrong.extend(
            often.map(|((how, to), count)| format!("{count} probes of {to} by {how:?} in one climb")),
        );
        let asked = self.asked_of(deeds).len();
        if asked > self.asked_max {
            wrong.push(format!("{asked} targets of a policy where {} are allowed", self.asked_max));
        }
        wrong
    }

    /// What was asked because a policy said so.
    pub fn asked_of(&self, deeds: &[Deed]) -> BTreeSet<Way> {
        let probed = deeds.iter().filter_map(probe);
        probed.filter(|way| !self.own.contains(way) && self.asked.contains_key(way)).collect()
    }

    fn breach(&self, deed: &Deed) -> Option<String> {
        match deed {
            Deed::Run(program, arguments) => {
                let told = arguments.iter().find(|argument| self.is_told(argument));
                let why = if !self.programs.contains(program) {
                    "which is not among its programs"
                } else {
                    told.map(|_| "with words of a policy")?
                };
                Some(format!("ran {} {arguments:?}, {why}", program.display()))
            }
            Deed::Change(path) => {
                let is_listed = OUTSIDE.iter().any(|(allowed, _)| Path::new(allowed) == path);
                let is_straight = !path.components().any(|part| part == Component::ParentDir);
                let is_inside = path.starts_with(&self.state) && is_straight;
                (!is_inside && !is_listed).then(|| format!("changed {}", path.display()))
            }
            Deed::Local(path) => {
                let is_listed = LOCAL.iter().any(|(allowed, _)| Path::new(allowed) == path);
                (!is_listed).then(|| format!("connected to {}", path.display()))
            }
            Deed::Reach(how, to, bytes) => self.sent(*how, *to, bytes),
            Deed::Strange(call) => Some(call.clone()),
        }
    }

    fn is_told(&self, argument: &str) -> bool {
        self.texts.iter().any(|text| text.len() >= TELLING_BYTES && argument.contains(text.as_str()))
    }

    fn sent(&self, how: Transport, to: SocketAddr, bytes: &[u8]) -> Option<String> {
        let is_allowed = match how {
            Transport::Tcp if self.collectors.contains(&to) => !is_readable(bytes),
            Transport::Udp if self.resolvers.contains(&to) => is_question(bytes),
            _ if !self.own.contains(&(how, to)) && !self.asked.contains_key(&(how, to)) => {
                return Some(format!("reached {to} by {how:?}, which nothing allows"));
            }
            Transport::Icmp => is_echo(bytes),
            Transport::Udp => is_question(bytes),
            Transport::Tcp => bytes.is_empty() || is_page_request(bytes),
        };
        let shown =
            String::from_utf8_lossy(bytes.get(..bytes.len().min(200)).unwrap_or_default()).into_owned();
        (!is_allowed).then(|| format!("sent {to} by {how:?} what is no probe: {shown:?}"))
    }
}

/// A packet or a connection by which something is probed.
fn probe(deed: &Deed) -> Option<Way> {
    match deed {
        // What is said on a connection belongs to its opening.
        Deed::Reach(Transport::Tcp, to, bytes) => bytes.is_empty().then_some((Transport::Tcp, *to)),
        Deed::Reach(how, to, _) => Some((*how, *to)),
        Deed::Run(..) | Deed::Change(_) | Deed::Local(_) | Deed::Strange(_) => None,
    }
}

/// Whether somebody on the way could read it.
fn is_readable(bytes: &[u8]) -> bool {
    bytes.windows(8).any(|part| part == b"HTTP/1.1")
}

/// An echo request with nothing in it that differs from host to host.
fn is_echo(bytes: &[u8]) -> bool {
    matches!(bytes, [8 | 128, 0, _, _, _, _, _, _, payload @ ..] if payload == ECHO)
}

/// A query for one name's address, and nothing behind it but what a resolver says of itself.
fn is_question(bytes: &[u8]) -> bool {
    let [_, _, flags, _, 0, 1, 0, 0, 0, 0, 0, 0 | 1, rest @ ..] = bytes else { return false };
    let mut rest = rest;
    while let [length, after @ ..] = rest
        && *length > 0
    {
        let Some(next) = after.get(usize::from(*length)..) else { return false };
        rest = next;
    }
    // A or AAAA, of the internet.
    flags & 0x80 == 0 && matches!(rest, [0, 0, 1 | 28, 0, 1] | [0, 0, 1 | 28, 0, 1, 0, 0, 41, ..])
}

/// The head of a page, or a page that is to be empty, asked for with nothing but its address.
fn is_page_request(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    let Some(lines) = text.strip_suffix("\r\n\r\n") else { return false };
    let mut lines = lines.split("\r\n");
    let first: Vec<&str> = lines.next().unwrap_or_default().split(' ').collect();
    let is_request = matches!(first[..], ["HEAD", path, "HTTP/1.1"] if !path.contains('?'))
        || matches!(first[..], ["GET", path, "HTTP/1.1"] if path.ends_with("/generate_204"));
    is_request
        && lines.all(|line| {
            let name = line.split(':').next().unwrap_or_default().to_ascii_lowercase();
            matches!((name.as_str(), line), ("host", _) | (_, "accept: */*"))
        })
}
