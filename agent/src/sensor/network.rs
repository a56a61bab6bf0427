//! Network interfaces: bytes, packets, errors, drops from `/proc/net/dev`; link, speed and what they are from
//! `/sys/class/net`. Whether anything answers beyond them is the ladder's question.

use crate::sensor::globs::Globs;
use crate::sensor::sample::{SCALE_WHOLE, clean, counter, gauge};
use crate::sensor::{NoData, Paths, Reading, Sample, Sensor, source};
use std::collections::BTreeMap;
use std::path::Path;
use tram_proto::component::{Component, State};
use tram_proto::sample as names;

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

/// The sensor.
#[derive(Debug)]
pub struct Network {
    excluded: Globs,
}

/// An interface's counts since it came up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    receive: [u64; 4],
    transmit: [u64; 4],
}

impl Network {
    /// With globs of interface names to leave out.
    pub fn new(excluded: Globs) -> Self {
        Self { excluded }
    }
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
        let mut reading = Reading::default();
        for (name, counts) in interfaces {
            let class = paths.sysfs.join("class/net").join(&name);
            reading.samples.extend(samples(&name, counts));
            reading.samples.extend(link(&name, &class));
            reading.components.extend(component(&class));
        }
        Ok(reading)
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
fn link(interface: &str, class: &Path) -> Vec<Sample> {
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
    [Some(up), speed].into_iter().flatten().collect()
}

/// An interface that is a piece of hardware, with its address as serial; none for others.
fn component(class: &Path) -> Option<Component> {
    let device = std::fs::canonicalize(class.join("device")).ok()?;
    let driver = std::fs::read_link(device.join("driver")).ok().map(|driver| source::name(&driver));
    let mtu = source::number(&class.join("mtu"));
    Some(Component {
        kind: "network".into(),
        id: clean(&source::name(class)),
        name: String::new(),
        model: clean(&driver.unwrap_or_default()),
        serial: clean(&source::word(&class.join("address")).unwrap_or_default()),
        state: State::Ok,
        reasons: vec![],
        figures: mtu.map(|mtu| ("mtu_bytes".to_owned(), mtu)).into_iter().collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sensor::testing::{recording, values};
    use std::fs;

    const HEAD: &str = "Inter-|   Receive  |  Transmit\n face |bytes    packets errs\n";

    fn parsed(text: &str) -> Result<BTreeMap<String, Counts>, NoData> {
        parse(text, Path::new("dev"), &Globs::known(INTERFACES_EXCLUDED))
    }

    #[test]
    fn every_default_glob_is_one_and_real_interfaces_pass() {
        let globs = Globs::parse(INTERFACES_EXCLUDED).unwrap();
        for name in ["eth0", "enp3s0", "wlan0", "wlp2s0", "bond0", "br0", "ppp0", "wwan0", "eno1.100", "tun0"]
        {
            assert!(!globs.matches(name), "{name}");
        }
        for name in ["lo", "veth12", "docker0", "br-4a5b", "virbr0", "ifb1", "sit0"] {
            assert!(globs.matches(name), "{name}");
        }
    }

    #[test]
    fn counts_are_read_also_when_they_touch_the_name() {
        let text = format!(
            "{HEAD}  eth0:100 2 3 4 0 0 0 0 50 6 7 8 0 0 0 0\n    lo: 1 1 0 0 0 0 0 0 1 1 0 0 0 0 0 0\n"
        );
        let interfaces = parsed(&text).unwrap();
        let samples = interfaces.iter().flat_map(|(name, counts)| samples(name, *counts)).collect();
        let values = values(&Reading { samples, components: vec![] });
        let value = |name: &str, direction: &str| {
            values[&format!("{name}{{network.interface.name=eth0,network.io.direction={direction}}}")]
        };
        assert_eq!(value("system.network.io", "receive"), Some(100.0));
        assert_eq!(value("system.network.packet.count", "transmit"), Some(6.0));
        assert_eq!(value("system.network.errors", "receive"), Some(3.0));
        assert_eq!(value("system.network.packet.dropped", "transmit"), Some(8.0));
        assert_eq!(values.len(), 8);
    }

    #[test]
    fn text_that_is_not_net_dev_is_refused_by_line() {
        assert!(parsed("").unwrap_err().to_string().starts_with("dev: line 1: expected the heading"));
        for line in ["eth0 1 2 3", "eth0: 1 2 3", "eth0: a b c d e f g h i j k l m n o p"] {
            let error = parsed(&format!("{HEAD}{line}\n")).unwrap_err().to_string();
            assert_eq!(error, "dev: line 3: expected `NAME:` and 16 counts");
        }
    }

    #[test]
    fn link_and_speed_are_unknown_rather_than_guessed() {
        let sys = tempfile::tempdir().unwrap();
        let class = sys.path().join("eth0");
        assert_eq!(link("eth0", &class)[0].value, None);
        fs::create_dir_all(class.join("device")).unwrap();
        let cases = [
            ("up", "", "1000", (Some(1.0), Some(125e6))),
            ("down", "", "-1", (Some(0.0), None)),
            ("unknown", "1", "0", (Some(1.0), None)),
            ("unknown", "", "", (Some(0.0), None)),
            ("lowerlayerdown", "0", "abc", (Some(0.0), None)),
        ];
        for (state, carrier, speed, expected) in cases {
            for (file, text) in [("operstate", state), ("carrier", carrier), ("speed", speed)] {
                fs::write(class.join(file), text).unwrap();
            }
            let samples = link("eth0", &class);
            assert_eq!((samples[0].value, samples[1].value), expected, "{state} {carrier} {speed}");
        }
    }

    #[test]
    fn only_hardware_is_a_component() {
        let sys = tempfile::tempdir().unwrap();
        let class = sys.path().join("class/net/eth0");
        fs::create_dir_all(&class).unwrap();
        assert_eq!(component(&class), None);
        let device = sys.path().join("devices/0000:00:03.0");
        fs::create_dir_all(&device).unwrap();
        std::os::unix::fs::symlink(&device, class.join("device")).unwrap();
        std::os::unix::fs::symlink("../../bus/pci/drivers/e1000e", device.join("driver")).unwrap();
        fs::write(class.join("address"), "02:00:00:00:00:01\n").unwrap();
        let card = component(&class).unwrap();
        assert_eq!((card.id.as_str(), card.model.as_str()), ("eth0", "e1000e"));
        assert_eq!(card.serial, "02:00:00:00:00:01");
    }

    #[test]
    fn recorded_hosts_have_their_real_interfaces() {
        let Some(text) = recording("procfs/proc/net/dev") else { return };
        assert_eq!(parsed(&text).unwrap().into_keys().collect::<Vec<_>>(), ["eth0"]);
        let Some(text) = recording("linuxfabrik/network-errors/rx-errs-eth0.txt") else { return };
        assert_eq!(parsed(&text).unwrap()["eth0"].receive[2], 7);
    }
}
