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

/// One of the host's addresses and how many of its bits are the subnet's; or a network by any of its addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subnet {
    /// The host's address.
    pub(super) address: IpAddr,
    /// Bits of the netmask.
    pub(super) prefix: u32,
}

impl Subnet {
    /// From `ADDRESS/BITS`; none when it is not that.
    pub fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = text.split_once('/')?;
        let (address, prefix) = (address.parse::<IpAddr>().ok()?, prefix.parse().ok()?);
        let prefix_max = if address.is_ipv4() { 32 } else { 128 };
        (prefix <= prefix_max).then_some(Self { address, prefix })
    }

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

/// RFC 1918, RFC 6598 (carrier-grade NAT), RFC 4193, the site-local addresses before it (RFC 3879), and IPv4 addresses
/// written as IPv6.
fn is_private(address: IpAddr) -> bool {
    let shared = |address: Ipv4Addr| matches!(address.octets(), [100, 64..=127, _, _]);
    let private = |address: Ipv4Addr| address.is_private() || shared(address) || address.octets()[0] == 0;
    match address {
        IpAddr::V4(address) => private(address),
        IpAddr::V6(address) => {
            let is_site_local = matches!(address.segments(), [0xfec0..=0xfeff, ..]);
            address.is_unique_local() || is_site_local || carries_v4(address)
        }
    }
}

/// IPv4 addresses written as IPv6, which a translator on the way may turn into what they carry: mapped, compatible
/// (RFC 4291), translated (RFC 2765), 6to4 (RFC 3056), Teredo (RFC 4380). Nothing has to be probed through them; except
/// what is public behind a NAT64 (RFC 6052), the only way to it from a network without IPv4.
fn carries_v4(address: Ipv6Addr) -> bool {
    match address.segments() {
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            let carried = Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low));
            permit(IpAddr::V4(carried), &[]).is_err()
        }
        [0, 0, 0, 0, 0, 0 | 0xffff, ..]
        | [0, 0, 0, 0, 0xffff, 0, ..]
        | [0x64, 0xff9b, ..]
        | [0x2002, ..]
        | [0x2001, 0, ..] => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

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
        check("64:ff9b::a09:909", Err(()));
        check("64:ff9b::7f00:1", Err(()));
        check("64:ff9b::101:101", Ok(Place::Public));
        check("2002:a09:909::1", Err(()));
        check("fec0::1", Err(()));
        check("0.1.2.3", Err(()));
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

    proptest! {
        #[test]
        fn whatever_is_asked_for_only_public_addresses_and_own_subnets_are_probed(
            address in prop_oneof![
                any::<u32>().prop_map(|bits| IpAddr::V4(Ipv4Addr::from_bits(bits))),
                any::<u128>().prop_map(|bits| IpAddr::V6(Ipv6Addr::from_bits(bits))),
                (0_usize..8, any::<u32>()).prop_map(|(place, bits)| near(place, bits)),
            ]
        ) {
            let is_own = subnets().iter().any(|subnet| subnet.contains(address));
            match permit(address, &subnets()) {
                Ok(Place::Public) => prop_assert!(is_global(address), "{address}"),
                Ok(Place::OnLink | Place::Host) => prop_assert!(is_own, "{address}"),
                Ok(Place::Private) => prop_assert!(false, "{address}"),
                Err(_) => {}
            }
        }
    }

    /// An address that is no public one, by the bits that are left.
    fn near(place: usize, bits: u32) -> IpAddr {
        let low = u128::from(bits);
        let v4 = |first: u32, mask: u32| IpAddr::V4(Ipv4Addr::from_bits(first | (bits & mask)));
        match place {
            0 => v4(0x0a00_0000, 0x00ff_ffff),
            1 => v4(0xac10_0000, 0x000f_ffff),
            2 => v4(0xc0a8_0000, 0x0000_ffff),
            3 => v4(0xa9fe_0000, 0x0000_ffff),
            4 => v4(0x7f00_0000, 0x00ff_ffff),
            5 => IpAddr::V6(Ipv6Addr::from_bits((0xfd00_u128 << 112) | low)),
            6 => IpAddr::V6(Ipv6Addr::from_bits((0xfe80_u128 << 112) | low)),
            _ => IpAddr::V6(Ipv6Addr::from_bits((0xffff_u128 << 32) | low)),
        }
    }

    /// Written apart from what is tested: ranges that lead nowhere outside.
    fn is_global(address: IpAddr) -> bool {
        let text = address.to_string();
        let inner = ["10.", "127.", "192.168.", "169.254.", "fd", "fc", "fe80:", "::ffff:", "0."];
        let is_inner = inner.iter().any(|start| text.starts_with(start));
        let is_172 = (16..32).any(|second| text.starts_with(&format!("172.{second}.")));
        !is_inner && !is_172
    }

    #[test]
    fn networks_are_read() {
        let network = Subnet::parse("10.20.0.0/16").unwrap();
        assert!(network.contains("10.20.9.9".parse().unwrap()));
        assert!(!network.contains("10.21.0.1".parse().unwrap()));
        for text in ["10.0.0.0", "10.0.0.0/33", "x/8", "fd00::/129", ""] {
            assert_eq!(Subnet::parse(text), None, "{text}");
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
