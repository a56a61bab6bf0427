//! Network interfaces: bytes, packets, errors, drops from `/proc/net/dev`; link, speed and what they are from
//! `/sys/class/net`; radios and bonds. Whether anything answers beyond them is the ladder's question.

use crate::sensor::globs::Globs;
use crate::sensor::sample::{SCALE_WHOLE, clean, counter, gauge};
use crate::sensor::{NoData, Paths, Reading, Sample, Sensor, part, program, source};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;
use tram_proto::component::{Component, State};
use tram_proto::sample as names;

pub mod bond;
mod card;
pub mod link;
pub mod wireless;

use link::{Link, Modes};

/// Interfaces that carry what others carry already: the loopback, those of containers and virtual machines, the
/// kernel's own tunnels that nobody set up.
pub const INTERFACES_EXCLUDED: &[&str] = &[
    "lo",
    "br-*",
    "cali*",
    "cilium*",
    "cni*",
    "docker*",
    "dummy*",
    "erspan*",
    "flannel*",
    "gre[0-9]*",
    "gretap*",
    "ifb*",
    "ip6_vti*",
    "ip6gre*",
    "ip6tnl*",
    "ip_vti*",
    "kube-*",
    "lxc*",
    "lxdbr*",
    "nlmon*",
    "sit[0-9]*",
    "tap*",
    "teql*",
    "tunl*",
    "vboxnet*",
    "veth*",
    "virbr*",
    "vmnet*",
    "vnet*",
];

/// For `ethtool`'s answer of one interface.
const PATIENCE: Duration = Duration::from_millis(500);
/// Interfaces that `ethtool` is asked about in one read.
const ASKED_MAX: usize = 4;
/// A figure of each card: the fastest link that it was seen with, in bits a second.
const BEST: &str = "speed_best_bits_per_second";
const MEGABIT: f64 = 1e6;

/// The sensor.
#[derive(Debug)]
pub struct Network {
    excluded: Globs,
    /// What is known of each interface from reads before.
    known: BTreeMap<String, Known>,
}

/// What outlives one read of an interface.
#[derive(Debug, Clone, Default)]
struct Known {
    /// The card's own address: behind another card's name all this is forgotten.
    address: String,
    /// The fastest link that it was seen with, megabits a second.
    best: Option<u64>,
    /// What both ends can do, and for which link that was asked.
    modes: Option<(Seen, Modes)>,
}

/// What a link was when its ends were asked; another one has to be asked again.
type Seen = (Link, Option<String>);

/// An interface's counts since it came up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    receive: [u64; 4],
    transmit: [u64; 4],
}

impl Network {
    /// With globs of interface names to leave out.
    pub fn new(excluded: Globs) -> Self {
        Self { excluded, known: BTreeMap::new() }
    }

    /// A card as a part, with what is wrong with its link; `own` is its address where it answers to another's.
    fn card(
        &mut self,
        name: &str,
        class: &Path,
        own: Option<&String>,
        paths: &Paths,
        asked: &mut usize,
    ) -> Option<Component> {
        let mut card = card::read(class)?;
        if let Some(own) = own.filter(|own| !own.is_empty()) {
            card.serial = clean(own);
        }
        let known = self.known.entry(name.to_owned()).or_default();
        if known.address != card.serial {
            *known = Known { address: card.serial.clone(), ..Known::default() };
        }
        let link = card::link(class);
        known.best = known.best.max(link.megabits);
        if let Some(speed) = link.megabits {
            let seen = (link, source::word(&class.join("carrier_changes")));
            if known.modes.as_ref().is_none_or(|(before, _)| *before != seen) && *asked < ASKED_MAX {
                *asked += 1;
                known.modes = Some((seen, modes(name, paths)));
            }
            card.figures.insert("speed_bits_per_second".into(), speed as f64 * MEGABIT);
        }
        if let Some(best) = known.best {
            card.figures.insert(BEST.into(), best as f64 * MEGABIT);
        }
        let modes = known.modes.as_ref().map(|(_, modes)| *modes).unwrap_or_default();
        for reason in link::reasons(link, modes, known.best) {
            part::mark(&mut card, State::Degraded, &reason);
        }
        Some(card)
    }
}

/// What `ethtool` says that both ends of a link can do; nothing where it is not installed.
fn modes(interface: &str, paths: &Paths) -> Modes {
    // A recorded tree's interfaces are not this host's.
    let may_ask = paths.sysfs == Path::new("/sys") || paths.programs.contains_key("ethtool");
    let program = program::find(paths, "ethtool").filter(|_| may_ask);
    let answer = program.and_then(|program| program::run(&program, &[interface], PATIENCE).ok());
    answer.map(|answer| link::parse_ethtool(&answer.text())).unwrap_or_default()
}

/// Bonds as parts, and the own addresses of their members.
fn bonds(directory: &Path) -> (Vec<Component>, BTreeMap<String, String>) {
    let (mut parts, mut addresses) = (Vec::new(), BTreeMap::new());
    for file in source::entries(directory).unwrap_or_default() {
        let Ok(text) = source::text(&file) else { continue };
        let bond = bond::parse(&text);
        let mut part = part::new("network", &source::name(&file));
        part.name = clean(&bond.mode);
        part.figures.insert("members_count".into(), bond.members.len() as f64);
        for reason in bond.reasons() {
            part::mark(&mut part, State::Degraded, &reason);
        }
        if bond.mode.is_empty() {
            part::mark(&mut part, State::Unknown, part::CANNOT_READ);
        }
        parts.push(part);
        addresses.extend(bond.members.into_iter().map(|member| (member.name, member.address)));
    }
    (parts, addresses)
}

impl Sensor for Network {
    fn name(&self) -> &'static str {
        "network"
    }

    fn read(&mut self, paths: &Paths) -> Result<Reading, NoData> {
        let path = paths.procfs.join("net/dev");
        let interfaces = parse(&source::text(&path)?, &path, &self.excluded)?;
        if interfaces.is_empty() {
            return Err(NoData::Absent);
        }
        let (bonds, addresses) = bonds(&paths.procfs.join("net/bonding"));
        let wireless = paths.procfs.join("net/wireless");
        let radios =
            source::text(&wireless).and_then(|text| wireless::parse(&text, &wireless)).unwrap_or_default();
        let mut reading = Reading { samples: vec![], components: bonds };
        let (mut asked, mut taken) = (0, BTreeSet::new());
        for (name, counts) in interfaces {
            let class = paths.sysfs.join("class/net").join(&name);
            reading.samples.extend(samples(&name, counts));
            reading.samples.extend(link_samples(&name, &class));
            reading
                .samples
                .extend(radios.get(&name).iter().flat_map(|radio| wireless::samples(&name, **radio)));
            // In a bond all answer to one address: it would make one card of them.
            let own = addresses.get(&name);
            let Some(mut card) = self.card(&name, &class, own, paths, &mut asked) else { continue };
            if !taken.insert(card.serial.clone()) {
                card.serial.clear();
            }
            reading.components.push(card);
        }
        Ok(reading)
    }

    fn remembers(&self) -> bool {
        true
    }

    fn recall(&mut self, parts: &[Component]) {
        for part in parts {
            let best = part.figures.get(BEST).map(|bits| (bits / MEGABIT) as u64);
            self.known.insert(part.id.clone(), Known { address: part.serial.clone(), best, modes: None });
        }
    }
}

/// Counts by interface from the text of `/proc/net/dev`.
pub fn parse(text: &str, path: &Path, excluded: &Globs) -> Result<BTreeMap<String, Counts>, NoData> {
    let headed = text.lines().next().is_some_and(|line| line.contains("Receive"));
    if !headed {
        return Err(source::malformed(path, Some(1), "the heading `Inter-| Receive | Transmit`"));
    }
    let mut interfaces = BTreeMap::new();
    for (place, line) in text.lines().enumerate().skip(2) {
        let malformed = || source::malformed(path, Some(place + 1), "`NAME:` and 16 counts");
        let (name, counts) = line.rsplit_once(':').ok_or_else(malformed)?;
        let counts: Vec<u64> = counts.split_whitespace().map_while(|field| field.parse().ok()).collect();
        let &[
            rx_bytes,
            rx_packets,
            rx_errors,
            rx_dropped,
            _,
            _,
            _,
            _,
            tx_bytes,
            tx_packets,
            tx_errors,
            tx_dropped,
            ..,
        ] = counts.as_slice()
        else {
            return Err(malformed());
        };
        let name = name.trim();
        if !excluded.matches(name) {
            let receive = [rx_bytes, rx_packets, rx_errors, rx_dropped];
            let transmit = [tx_bytes, tx_packets, tx_errors, tx_dropped];
            interfaces.insert(name.to_owned(), Counts { receive, transmit });
        }
    }
    Ok(interfaces)
}

fn samples(interface: &str, counts: Counts) -> Vec<Sample> {
    let columns = [
        (names::NETWORK_IO, "By"),
        (names::NETWORK_PACKETS, "{packet}"),
        (names::NETWORK_ERRORS, "{error}"),
        (names::NETWORK_DROPPED, "{packet}"),
    ];
    let directions = [("receive", counts.receive), ("transmit", counts.transmit)];
    directions
        .into_iter()
        .flat_map(|(direction, counts)| {
            let attributes = [(names::INTERFACE, interface), (names::NETWORK_DIRECTION, direction)];
            let sample = move |((name, unit), count): ((&str, &str), u64)| {
                counter(name, unit, SCALE_WHOLE, &attributes, Some(count as f64))
            };
            columns.into_iter().zip(counts).map(sample).collect::<Vec<_>>()
        })
        .collect()
}

/// Link and speed. An interface that was never brought up refuses to say whether it has a carrier: it has none. One
/// whose driver keeps no state (a tunnel, PPP) is judged by its carrier. Without `/sys` nothing is known.
fn link_samples(interface: &str, class: &Path) -> Vec<Sample> {
    let attributes = [(names::INTERFACE, interface)];
    let up = source::word(&class.join("operstate")).map(|state| match state.as_str() {
        "up" => true,
        "unknown" => source::word(&class.join("carrier")).as_deref() == Some("1"),
        _ => false,
    });
    let up = gauge(names::NETWORK_UP, "1", SCALE_WHOLE, &attributes, up.map(|up| f64::from(u8::from(up))));
    // Megabits; -1 and 0 stand for unknown. A virtual interface has no speed at all.
    let megabits = source::number(&class.join("speed")).filter(|megabits| *megabits > 0.0);
    let speed = megabits.map(|megabits| megabits * 1e6 / 8.0);
    let physical = class.join("device").exists();
    let speed = (physical || speed.is_some())
        .then(|| gauge(names::NETWORK_LIMIT, "By/s", SCALE_WHOLE, &attributes, speed));
    let changes = source::number(&class.join("carrier_changes"));
    let changes = changes.map(|changes| {
        counter(names::NETWORK_CARRIER_CHANGES, "{change}", SCALE_WHOLE, &attributes, Some(changes))
    });
    [Some(up), speed, changes].into_iter().flatten().collect()
}

#[cfg(test)]
mod tests;
