//! The sensor against recorded hosts and small trees.

use super::*;
use crate::sensor::testing::{recording, values};
use proptest::prelude::*;
use std::fs;

const HEAD: &str = "Inter-|   Receive  |  Transmit\n face |bytes    packets errs\n";

fn parsed(text: &str) -> Result<BTreeMap<String, Counts>, NoData> {
    parse(text, Path::new("dev"), &Globs::known(INTERFACES_EXCLUDED))
}

#[test]
fn every_default_glob_is_one_and_real_interfaces_pass() {
    let globs = Globs::parse(INTERFACES_EXCLUDED).unwrap();
    for name in ["eth0", "enp3s0", "wlan0", "wlp2s0", "bond0", "br0", "ppp0", "wwan0", "eno1.100", "tun0"] {
        assert!(!globs.matches(name), "{name}");
    }
    for name in ["lo", "veth12", "docker0", "br-4a5b", "virbr0", "ifb1", "sit0"] {
        assert!(globs.matches(name), "{name}");
    }
}

#[test]
fn counts_are_read_also_when_they_touch_the_name() {
    let text =
        format!("{HEAD}  eth0:100 2 3 4 0 0 0 0 50 6 7 8 0 0 0 0\n    lo: 1 1 0 0 0 0 0 0 1 1 0 0 0 0 0 0\n");
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
    assert_eq!(link_samples("eth0", &class)[0].value, None);
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
        let samples = link_samples("eth0", &class);
        assert_eq!((samples[0].value, samples[1].value), expected, "{state} {carrier} {speed}");
    }
}

#[test]
fn recorded_hosts_have_their_real_interfaces() {
    let Some(text) = recording("procfs/proc/net/dev") else { return };
    assert_eq!(parsed(&text).unwrap().into_keys().collect::<Vec<_>>(), ["eth0"]);
    let Some(text) = recording("linuxfabrik/network-errors/rx-errs-eth0.txt") else { return };
    assert_eq!(parsed(&text).unwrap()["eth0"].receive[2], 7);
}

/// A host with one card, `eth0`, whose link is as said.
fn host(files: &[(&str, &str)]) -> (tempfile::TempDir, Paths) {
    let root = tempfile::tempdir().unwrap();
    let class = root.path().join("sys/class/net/eth0");
    let device = root.path().join("sys/devices/0000:00:03.0");
    for folder in [&class, &device, &root.path().join("proc/net/bonding")] {
        fs::create_dir_all(folder).unwrap();
    }
    std::os::unix::fs::symlink(&device, class.join("device")).unwrap();
    std::os::unix::fs::symlink("../../bus/pci/drivers/e1000e", device.join("driver")).unwrap();
    for (file, text) in [("vendor", "0x8086\n"), ("device", "0x1533\n")] {
        fs::write(device.join(file), text).unwrap();
    }
    fs::write(root.path().join("proc/net/dev"), format!("{HEAD}  eth0: 1 2 3 4 0 0 0 0 5 6 7 8 0 0 0 0\n"))
        .unwrap();
    let paths =
        Paths { procfs: root.path().join("proc"), sysfs: root.path().join("sys"), ..Paths::default() };
    let usual =
        [("operstate", "up"), ("speed", "1000"), ("duplex", "full"), ("address", "02:00:00:00:00:01")];
    set(&paths, &usual);
    set(&paths, files);
    (root, paths)
}

fn set(paths: &Paths, files: &[(&str, &str)]) {
    for (file, text) in files {
        fs::write(paths.sysfs.join("class/net/eth0").join(file), format!("{text}\n")).unwrap();
    }
}

fn network() -> Network {
    Network::new(Globs::known(INTERFACES_EXCLUDED))
}

fn card(network: &mut Network, paths: &Paths) -> Component {
    network.read(paths).unwrap().components.into_iter().find(|part| part.id == "eth0").unwrap()
}

#[test]
fn only_hardware_is_a_component() {
    let (_root, paths) = host(&[]);
    let found = card(&mut network(), &paths);
    assert_eq!((found.model.as_str(), found.serial.as_str()), ("e1000e 8086:1533", "02:00:00:00:00:01"));
    assert_eq!((found.state, found.figures["speed_bits_per_second"]), (State::Ok, 1e9));
    fs::remove_file(paths.sysfs.join("class/net/eth0/device")).unwrap();
    assert!(network().read(&paths).unwrap().components.is_empty());
}

#[test]
fn a_link_that_was_faster_is_degraded_also_after_a_restart() {
    let (_root, paths) = host(&[]);
    let mut before = network();
    let kept = card(&mut before, &paths);
    set(&paths, &[("speed", "100")]);
    assert_eq!(card(&mut before, &paths).reasons, ["100 Mbit/s, was 1000"]);
    let mut after = network();
    assert!(card(&mut after, &paths).reasons.is_empty(), "nothing is known of before");
    after.recall(&[kept]);
    assert_eq!(card(&mut after, &paths).reasons, ["100 Mbit/s, was 1000"]);
    set(&paths, &[("address", "02:00:00:00:00:02")]);
    assert!(card(&mut after, &paths).reasons.is_empty(), "another card");
    set(&paths, &[("operstate", "down"), ("speed", "-1")]);
    assert_eq!(card(&mut after, &paths).state, State::Ok);
}

#[test]
fn ethtool_is_asked_once_for_each_link() {
    let (root, mut paths) = host(&[("speed", "100"), ("carrier_changes", "1")]);
    let commands = "echo $1 >> $(dirname $0)/asked; printf 'Settings:\\n\\tSupported link modes: 1000baseT/Full\\n\\tLink partner advertised link modes: 1000baseT/Full\\n'";
    paths.programs.insert("ethtool", crate::sensor::testing::script(root.path(), "ethtool", commands));
    let mut network = network();
    for _ in 0..3 {
        assert_eq!(card(&mut network, &paths).reasons, ["100 Mbit/s, could be 1000"]);
    }
    set(&paths, &[("carrier_changes", "3")]);
    card(&mut network, &paths);
    assert_eq!(fs::read_to_string(root.path().join("asked")).unwrap(), "eth0\neth0\n");
}

#[test]
fn half_duplex_is_degraded_and_a_radio_is_not_judged_by_its_speed() {
    let (_root, paths) = host(&[("speed", "100"), ("duplex", "half")]);
    let found = card(&mut network(), &paths);
    assert_eq!((found.state, found.reasons), (State::Degraded, vec!["half duplex".to_owned()]));
    fs::create_dir(paths.sysfs.join("class/net/eth0/wireless")).unwrap();
    let signal = "h\nh\n  eth0: 0000   49.  -61.  -256        0      0      0      0     12        0\n";
    fs::write(paths.procfs.join("net/wireless"), signal).unwrap();
    let reading = network().read(&paths).unwrap();
    assert_eq!(reading.components[0].state, State::Ok);
    assert_eq!(values(&reading)["tram.wifi.signal{network.interface.name=eth0}"], Some(-61.0));
}

#[test]
fn members_of_a_bond_have_their_own_addresses_and_a_lost_one_is_told() {
    let (_root, paths) = host(&[]);
    let text = "Bonding Mode: fault-tolerance (active-backup)\nMII Status: up\n\nSlave Interface: eth0\nMII Status: down\nPermanent HW addr: 02:00:00:00:00:09\n";
    fs::write(paths.procfs.join("net/bonding/bond0"), text).unwrap();
    let mut network = network();
    let reading = network.read(&paths).unwrap();
    let bond = &reading.components[0];
    assert_eq!((bond.id.as_str(), bond.reasons[0].as_str()), ("bond0", "member eth0 has no link"));
    assert_eq!(card(&mut network, &paths).serial, "02:00:00:00:00:09");
    fs::write(paths.procfs.join("net/bonding/bond0"), "cut off\n").unwrap();
    assert_eq!(network.read(&paths).unwrap().components[0].state, State::Unknown);
}

#[test]
fn changes_of_the_carrier_are_counted() {
    let (_root, paths) = host(&[("carrier_changes", "12")]);
    let values = values(&network().read(&paths).unwrap());
    assert_eq!(values["tram.network.carrier.changes{network.interface.name=eth0}"], Some(12.0));
}

proptest! {
    #[test]
    fn noise_makes_no_parser_panic(text in "((Slave Interface|MII Status|Supported link modes|[a-z]{1,5}): ?.{0,20}\n|.{0,20}\n){0,6}") {
        let _ = wireless::parse(&text, Path::new("wireless"));
        bond::parse(&text).reasons();
        link::parse_ethtool(&text);
    }
}
