//! Where an address lies as seen from this host, and which targets an agent may probe. Pure.
//!
//! The limits are the host's protection from its own configuration and from the collector's policy: whatever they
//! ask for, private addresses are probed only inside the host's own subnets, and link-local ones (where clouds keep
//! their metadata) never.

use serde::Serialize;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Where an address lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// The host itself.
    Host,
    /// One of the host's own subnets.
    OnLink,
    /// A private network behind a router.
    Private,
    /// The internet.
    Public,
}

/// One of the host's addresses and how many of its bits are the subnet's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Subnet {
    /// The host's address.
    pub(super) address: IpAddr,
    /// Bits of the netmask.
    pub(super) prefix: u32,
}

impl Subnet {
    /// Whether `other` is in it.
    pub(super) fn contains(&self, other: IpAddr) -> bool {
        match (self.address, other) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                let mask = u32::MAX.checked_shl(32_u32.saturating_sub(self.prefix)).unwrap_or(0);
                own.to_bits() & mask == other.to_bits() & mask
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                let mask = u128::MAX.checked_shl(128_u32.saturating_sub(self.prefix)).unwrap_or(0);
                own.to_bits() & mask == other.to_bits() & mask
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }
}

/// Where `address` lies, seen from a host with these subnets.
pub(super) fn place(address: IpAddr, subnets: &[Subnet]) -> Place {
    if address.is_loopback() || subnets.iter().any(|subnet| subnet.address == address) {
        Place::Host
    } else if subnets.iter().any(|subnet| subnet.contains(address)) || is_link_local(address) {
        Place::OnLink
    } else if is_private(address) {
        Place::Private
    } else {
        Place::Public
    }
}

/// Whether a target that was asked for may be probed, or why not.
pub(super) fn permit(address: IpAddr, subnets: &[Subnet]) -> Result<Place, &'static str> {
    if address.is_loopback() || address.is_unspecified() || address.is_multicast() || is_link_local(address) {
        return Err("not an address on a network: loopback, link-local, multicast or unspecified");
    }
    if address == IpAddr::V4(Ipv4Addr::BROADCAST) {
        return Err("a broadcast address");
    }
    match place(address, subnets) {
        Place::Private => Err("a private address outside this host's own subnets"),
        found @ (Place::Host | Place::OnLink | Place::Public) => Ok(found),
    }
}

fn is_link_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_link_local(),
        IpAddr::V6(address) => address.is_unicast_link_local(),
    }
}

/// RFC 1918, RFC 6598 (carrier-grade NAT), RFC 4193, and IPv4 addresses written as IPv6.
fn is_private(address: IpAddr) -> bool {
    let shared = |address: Ipv4Addr| matches!(address.octets(), [100, 64..=127, _, _]);
    let private = |address: Ipv4Addr| address.is_private() || shared(address);
    match address {
        IpAddr::V4(address) => private(address),
        IpAddr::V6(address) => address.is_unique_local() || mapped(address),
    }
}

fn mapped(address: Ipv6Addr) -> bool {
    address.to_ipv4_mapped().is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subnets() -> Vec<Subnet> {
        vec![
            Subnet { address: "10.1.2.3".parse().unwrap(), prefix: 24 },
            Subnet { address: "fd00:1::3".parse().unwrap(), prefix: 64 },
        ]
    }

    #[test]
    fn private_targets_are_probed_only_inside_own_subnets() {
        let check = |address: &str, expect: Result<Place, ()>| {
            let found = permit(address.parse().unwrap(), &subnets()).map_err(|_| ());
            assert_eq!(found, expect, "{address}");
        };
        check("10.1.2.200", Ok(Place::OnLink));
        check("10.1.3.200", Err(()));
        check("192.168.1.1", Err(()));
        check("172.16.0.1", Err(()));
        check("100.64.0.1", Err(()));
        check("100.128.0.1", Ok(Place::Public));
        check("fd00:1::77", Ok(Place::OnLink));
        check("fd00:2::77", Err(()));
        check("1.1.1.1", Ok(Place::Public));
        check("2606:4700:4700::1111", Ok(Place::Public));
        check("::ffff:10.9.9.9", Err(()));
    }

    #[test]
    fn cloud_metadata_and_loopback_are_never_probed() {
        for address in [
            "169.254.169.254",
            "127.0.0.1",
            "::1",
            "fe80::1",
            "0.0.0.0",
            "::",
            "224.0.0.1",
            "255.255.255.255",
        ] {
            assert!(permit(address.parse().unwrap(), &subnets()).is_err(), "{address}");
        }
    }

    #[test]
    fn a_default_route_sized_prefix_holds_everything_and_a_full_one_itself() {
        let all = Subnet { address: "10.0.0.1".parse().unwrap(), prefix: 0 };
        let one = Subnet { address: "10.0.0.1".parse().unwrap(), prefix: 32 };
        assert!(all.contains("8.8.8.8".parse().unwrap()));
        assert!(one.contains("10.0.0.1".parse().unwrap()));
        assert!(!one.contains("10.0.0.2".parse().unwrap()));
    }
}
