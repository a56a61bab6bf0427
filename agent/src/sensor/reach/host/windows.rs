//! Where Windows keeps them: all in the list of adapters.

use super::{DefaultRoute, Interface, Known};
use crate::sensor::program;
use crate::sensor::reach::target::Subnet;
use crate::system;
use ipconfig::{Adapter, IfType, OperStatus, get_adapters};
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::time::Duration;

/// It only asks the kernel.
const ARP_DEADLINE: Duration = Duration::from_secs(2);

/// Reads all there is.
pub(super) fn read(_procfs: &Path) -> Known {
    let adapters = get_adapters().unwrap_or_default();
    let up = adapters.iter().filter(|adapter| is_up(adapter));
    let (mut v4, mut v6) = (vec![], vec![]);
    for (adapter, gateway) in
        up.flat_map(|adapter| adapter.gateways().iter().map(move |gateway| (adapter, *gateway)))
    {
        let (routes, metric) = match gateway {
            IpAddr::V4(_) => (&mut v4, adapter.ipv4_metric()),
            IpAddr::V6(_) => (&mut v6, adapter.ipv6_metric()),
        };
        let interface = adapter.friendly_name().to_owned();
        routes.push(DefaultRoute { interface, next_hop: Some(gateway), metric });
    }
    (adapters.iter().map(interface).collect(), v4, v6)
}

/// The name servers of adapters that are up, in their order, each once.
pub(in crate::sensor::reach) fn name_servers() -> Vec<IpAddr> {
    let mut found: Vec<IpAddr> = vec![];
    for adapter in get_adapters().unwrap_or_default().iter().filter(|adapter| is_up(adapter)) {
        for server in adapter.dns_servers() {
            if !found.contains(server) {
                found.push(*server);
            }
        }
    }
    found
}

/// Whether the neighbour table holds a hardware address for `address`.
pub(in crate::sensor::reach) fn has_neighbour(_procfs: &Path, address: Ipv4Addr) -> bool {
    let answer = program::run(&system::program("arp.exe"), &["-a", &address.to_string()], ARP_DEADLINE);
    answer.is_ok_and(|answer| parse_neighbour(&answer.text(), address))
}

/// The interface's number, as the scope of link-local addresses needs it.
pub(in crate::sensor::reach) fn interface_index(name: &str) -> u32 {
    let adapters = get_adapters().unwrap_or_default();
    adapters.iter().find(|adapter| adapter.friendly_name() == name).map_or(0, Adapter::ipv6_if_index)
}

fn is_up(adapter: &Adapter) -> bool {
    adapter.oper_status() == OperStatus::IfOperStatusUp
}

fn interface(adapter: &Adapter) -> Interface {
    let subnets = adapter.ip_addresses().iter().map(|address| subnet(*address, adapter.prefixes())).collect();
    Interface {
        name: adapter.friendly_name().to_owned(),
        running: is_up(adapter),
        loopback: adapter.if_type() == IfType::SoftwareLoopback,
        subnets,
    }
}

/// The longest prefix that holds an address and is not the address itself.
fn subnet(address: IpAddr, prefixes: &[(IpAddr, u32)]) -> Subnet {
    let whole = if address.is_ipv4() { 32 } else { 128 };
    let holds = |(network, prefix): &&(IpAddr, u32)| {
        *prefix < whole && *prefix > 0 && Subnet { address: *network, prefix: *prefix }.contains(address)
    };
    let found = prefixes.iter().filter(|(network, _)| !network.is_multicast()).filter(holds);
    Subnet { address, prefix: found.map(|(_, prefix)| *prefix).max().unwrap_or(whole) }
}

/// A line with the address and six pairs of digits, whatever the language around them.
fn parse_neighbour(table: &str, address: Ipv4Addr) -> bool {
    let is_hardware = |word: &str| {
        let pairs: Vec<&str> = word.split('-').collect();
        let is_pair = |pair: &&str| pair.len() == 2 && u8::from_str_radix(pair, 16).is_ok();
        pairs.len() == 6 && pairs.iter().all(is_pair) && word != "00-00-00-00-00-00"
    };
    table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>()).any(|words| {
        words.first().is_some_and(|word| word.parse() == Ok(address))
            && words.iter().any(|word| is_hardware(word))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_neighbour_is_known_by_its_address_in_any_language() {
        let table =
            "\r\nGiao diện: 192.168.1.7 --- 0x4\r\n  192.168.1.1           a0-b1-c2-d3-e4-f5     động\r\n";
        assert!(parse_neighbour(table, Ipv4Addr::new(192, 168, 1, 1)));
        assert!(!parse_neighbour(table, Ipv4Addr::new(192, 168, 1, 7)));
        assert!(!parse_neighbour("No ARP Entries Found.", Ipv4Addr::new(192, 168, 1, 1)));
    }

    #[test]
    fn the_prefix_of_an_address_is_its_subnets() {
        let network = |text: &str, prefix| (text.parse().unwrap(), prefix);
        let prefixes = [
            network("10.0.0.0", 8),
            network("10.1.2.0", 24),
            network("10.1.2.3", 32),
            network("224.0.0.0", 4),
        ];
        assert_eq!(subnet("10.1.2.3".parse().unwrap(), &prefixes).prefix, 24);
        assert_eq!(subnet("192.168.0.1".parse().unwrap(), &prefixes).prefix, 32);
    }
}
