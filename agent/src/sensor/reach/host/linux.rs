//! Where Linux keeps them: interfaces by system call, tables below `/proc/net`. Reading and pure parsing.

use super::{DefaultRoute, Interface, Known};
use crate::sensor::reach::target::Subnet;
use nix::ifaddrs::getifaddrs;
use nix::net::if_::InterfaceFlags;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;

/// Kernel flag of a route: usable (`RTF_UP`).
const ROUTE_UP: u32 = 0x1;
/// Kernel flag of a route: it has a next hop (`RTF_GATEWAY`).
const ROUTE_GATEWAY: u32 = 0x2;
/// Kernel flag of a route: packets are refused (`RTF_REJECT`).
const ROUTE_REJECT: u32 = 0x200;
/// Kernel flag of a neighbour: its hardware address is known (`ATF_COM`).
const NEIGHBOUR_COMPLETE: u32 = 0x2;

/// Reads all there is.
pub(super) fn read(procfs: &Path) -> Known {
    let text = |name: &str| std::fs::read_to_string(procfs.join("net").join(name)).unwrap_or_default();
    (read_interfaces(), parse_routes_v4(&text("route")), parse_routes_v6(&text("ipv6_route")))
}

/// Name servers are written in a file here, and only there.
pub(in crate::sensor::reach) fn name_servers() -> Vec<IpAddr> {
    vec![]
}

/// Whether the neighbour table holds a hardware address for `address`.
pub(in crate::sensor::reach) fn has_neighbour(procfs: &Path, address: Ipv4Addr) -> bool {
    let table = std::fs::read_to_string(procfs.join("net/arp")).unwrap_or_default();
    parse_neighbour(&table, address)
}

/// The interface's number, as the scope of link-local addresses needs it.
pub(in crate::sensor::reach) fn interface_index(name: &str) -> u32 {
    nix::net::if_::if_nametoindex(name).unwrap_or(0)
}

fn read_interfaces() -> Vec<Interface> {
    let mut found: BTreeMap<String, Interface> = BTreeMap::new();
    for entry in getifaddrs().into_iter().flatten() {
        let interface = found.entry(entry.interface_name.clone()).or_default();
        interface.name = entry.interface_name;
        interface.running = entry
            .flags
            .contains(InterfaceFlags::IFF_UP | InterfaceFlags::IFF_RUNNING | InterfaceFlags::IFF_LOWER_UP);
        interface.loopback = entry.flags.contains(InterfaceFlags::IFF_LOOPBACK);
        let (address, mask) = (entry.address.as_ref(), entry.netmask.as_ref());
        let subnet_v4 = address.and_then(|address| address.as_sockaddr_in()).map(|address| {
            let mask = mask
                .and_then(|mask| mask.as_sockaddr_in())
                .map_or(32, |mask| mask.ip().to_bits().count_ones());
            Subnet { address: address.ip().into(), prefix: mask }
        });
        let subnet_v6 = address.and_then(|address| address.as_sockaddr_in6()).map(|address| {
            let mask = mask
                .and_then(|mask| mask.as_sockaddr_in6())
                .map_or(128, |mask| mask.ip().to_bits().count_ones());
            Subnet { address: address.ip().into(), prefix: mask }
        });
        interface.subnets.extend(subnet_v4.or(subnet_v6));
    }
    found.into_values().collect()
}

/// `/proc/net/route`: addresses are hexadecimal in the machine's own byte order.
pub(super) fn parse_routes_v4(table: &str) -> Vec<DefaultRoute> {
    table.lines().skip(1).filter_map(parse_route_v4).collect()
}

fn parse_route_v4(line: &str) -> Option<DefaultRoute> {
    let fields: Vec<&str> = line.split_ascii_whitespace().collect();
    let [interface, destination, next_hop, flags, _, _, metric, mask, ..] = fields.as_slice() else {
        return None;
    };
    let hexadecimal = |text: &str| u32::from_str_radix(text, 16).ok();
    let is_default = hexadecimal(destination)? == 0 && hexadecimal(mask)? == 0;
    let next_hop = IpAddr::V4(Ipv4Addr::from(hexadecimal(next_hop)?.to_ne_bytes()));
    route(is_default, interface, next_hop, hexadecimal(flags)?, metric.parse().ok()?)
}

/// `/proc/net/ipv6_route`: addresses are 32 hexadecimal digits in network order, every number is hexadecimal.
pub(super) fn parse_routes_v6(table: &str) -> Vec<DefaultRoute> {
    table.lines().filter_map(parse_route_v6).collect()
}

fn parse_route_v6(line: &str) -> Option<DefaultRoute> {
    let fields: Vec<&str> = line.split_ascii_whitespace().collect();
    let [destination, prefix, _, _, next_hop, metric, _, _, flags, interface, ..] = fields.as_slice() else {
        return None;
    };
    let hexadecimal = |text: &str| u32::from_str_radix(text, 16).ok();
    let is_default = u128::from_str_radix(destination, 16).ok()? == 0 && hexadecimal(prefix)? == 0;
    let next_hop = IpAddr::V6(Ipv6Addr::from_bits(u128::from_str_radix(next_hop, 16).ok()?));
    route(is_default && *interface != "lo", interface, next_hop, hexadecimal(flags)?, hexadecimal(metric)?)
}

fn route(
    is_default: bool,
    interface: &str,
    next_hop: IpAddr,
    flags: u32,
    metric: u32,
) -> Option<DefaultRoute> {
    let usable = is_default && flags & ROUTE_UP != 0 && flags & ROUTE_REJECT == 0;
    let next_hop = (flags & ROUTE_GATEWAY != 0).then_some(next_hop);
    usable.then(|| DefaultRoute { interface: interface.to_owned(), next_hop, metric })
}

/// `/proc/net/arp`: address, hardware type, flags, hardware address, mask, device.
pub(super) fn parse_neighbour(table: &str, address: Ipv4Addr) -> bool {
    table.lines().skip(1).any(|line| {
        let fields: Vec<&str> = line.split_ascii_whitespace().collect();
        let [found, _, flags, ..] = fields.as_slice() else { return false };
        let flags = u32::from_str_radix(flags.trim_start_matches("0x"), 16).unwrap_or(0);
        found.parse() == Ok(address) && flags & NEIGHBOUR_COMPLETE != 0
    })
}
