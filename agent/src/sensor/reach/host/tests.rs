//! Tests of the kernel's tables, as the kernel prints them.

use super::linux::{parse_neighbour, parse_routes_v4, parse_routes_v6};
use super::*;

const ROUTES_V4: &str = "\
Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
wlan0\t00000000\tFE01A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0
eth0\t00000000\t0100000A\t0003\t0\t0\t100\t00000000\t0\t0\t0
eth0\t0000000A\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0
ppp0\t00000000\t00000000\t0001\t0\t0\t700\t00000000\t0\t0\t0
*\t00000000\t00000000\t0200\t0\t0\t0\t00000000\t0\t0\t0
broken line
";

const ROUTES_V6: &str = "\
fd770000000000000000000000000000 40 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 00000001 00000000 00000001     eth0
00000000000000000000000000000000 00 00000000000000000000000000000000 00 fe800000000000000000000000000001 00000400 00000001 00000000 00450003     eth0
00000000000000000000000000000000 00 00000000000000000000000000000000 00 00000000000000000000000000000000 ffffffff 00000001 00000000 00200200       lo
";

const NEIGHBOURS: &str = "\
IP address       HW type     Flags       HW address            Mask     Device
10.0.0.1         0x1         0x2         02:fc:00:00:00:05     *        eth0
10.0.0.9         0x1         0x0         00:00:00:00:00:00     *        eth0
10.0.0.8         0x1         0x6         02:fc:00:00:00:07     *        eth0
";

fn interface(name: &str, running: bool, address: &str) -> Interface {
    let subnets = address.parse().ok().map(|address| Subnet { address, prefix: 24 });
    Interface {
        name: name.to_owned(),
        running,
        loopback: name == "lo",
        subnets: subnets.into_iter().collect(),
    }
}

fn default_route(interface: &str) -> Option<DefaultRoute> {
    Some(DefaultRoute { interface: interface.to_owned(), next_hop: None, metric: 0 })
}

#[test]
fn default_routes_are_read_with_their_next_hop() {
    // The table is in the machine's byte order: as recorded, this is a little-endian one.
    if cfg!(target_endian = "big") {
        return;
    }
    let found = parse_routes_v4(ROUTES_V4);
    let summary: Vec<(&str, Option<String>, u32)> = found
        .iter()
        .map(|route| (route.interface.as_str(), route.next_hop.map(|hop| hop.to_string()), route.metric))
        .collect();
    let expect = [
        ("wlan0", Some("192.168.1.254".to_owned()), 600),
        ("eth0", Some("10.0.0.1".to_owned()), 100),
        ("ppp0", None, 700),
    ];
    assert_eq!(summary, expect);
}

#[test]
fn an_unreachable_default_route_of_ipv6_is_none() {
    let found = parse_routes_v6(ROUTES_V6);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].next_hop, Some("fe80::1".parse().unwrap()));
    assert_eq!(found[0].interface, "eth0");
}

#[test]
fn only_complete_neighbours_count() {
    let check =
        |address: &str, expect| assert_eq!(parse_neighbour(NEIGHBOURS, address.parse().unwrap()), expect);
    check("10.0.0.1", true);
    check("10.0.0.8", true);
    check("10.0.0.9", false);
    check("10.0.0.7", false);
}

#[test]
fn a_container_bridge_is_no_way_out_unless_the_default_route_says_so() {
    let prefixes = ["docker".to_owned()];
    let mut host = Host {
        interfaces: vec![
            interface("docker0", true, "172.17.0.1"),
            interface("eth0", false, "10.0.0.2"),
            interface("lo", true, "127.0.0.1"),
        ],
        ..Host::default()
    };
    assert!(host.outward(&prefixes).is_err());
    host.route_v4 = default_route("docker0");
    assert_eq!(host.outward(&prefixes).map(|found| found.name.as_str()), Ok("docker0"));
    host.route_v4 = default_route("eth0");
    assert_eq!(host.outward(&prefixes), Err("eth0 has no link".to_owned()));
}

#[test]
fn a_link_without_an_address_is_no_way_out() {
    let host = Host {
        interfaces: vec![interface("eth0", true, "fe80::2"), interface("eth1", true, "169.254.3.4")],
        ..Host::default()
    };
    assert_eq!(host.outward(&[]), Err("no interface has a link and an address".to_owned()));
}

#[test]
fn this_machine_has_a_loopback() {
    let host = Host::read(Path::new("/proc"));
    assert!(host.interfaces.iter().any(|interface| interface.loopback));
    assert!(host.subnets().iter().all(|subnet| !subnet.address.is_loopback()));
}
