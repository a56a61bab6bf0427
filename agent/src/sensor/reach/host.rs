//! What the kernel knows before anything is sent: interfaces, subnets, default routes, neighbours.
//!
//! What is made of it; where it is read is each system's own. No probing.

use super::target::Subnet;
use std::net::IpAddr;
use std::path::Path;

#[cfg(unix)]
mod linux;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
use linux as system;
use system::read;
pub(super) use system::{has_neighbour, interface_index, name_servers};
#[cfg(windows)]
use windows as system;

/// Interfaces, default routes for IPv4, default routes for IPv6.
type Known = (Vec<Interface>, Vec<DefaultRoute>, Vec<DefaultRoute>);

/// One interface with its addresses.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Interface {
    /// Its name.
    pub(super) name: String,
    /// Whether it is switched on and has a link.
    pub(super) running: bool,
    /// Whether it is the loopback.
    pub(super) loopback: bool,
    /// Its addresses.
    pub(super) subnets: Vec<Subnet>,
}

impl Interface {
    /// Whether packets can leave by it: a link, and an address that is more than link-local.
    pub(super) fn is_usable(&self) -> bool {
        let routable = |subnet: &Subnet| match subnet.address {
            IpAddr::V4(address) => !address.is_link_local(),
            IpAddr::V6(address) => !address.is_unicast_link_local(),
        };
        self.running && !self.loopback && self.subnets.iter().any(routable)
    }
}

/// A default route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DefaultRoute {
    /// The interface it leads to.
    pub(super) interface: String,
    /// Its next hop; none on a point-to-point link.
    pub(super) next_hop: Option<IpAddr>,
    /// The lower the better.
    pub(super) metric: u32,
}

/// What the kernel knows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Host {
    /// Interfaces, by name.
    pub(super) interfaces: Vec<Interface>,
    /// The best default route for IPv4.
    pub(super) route_v4: Option<DefaultRoute>,
    /// The best default route for IPv6.
    pub(super) route_v6: Option<DefaultRoute>,
}

impl Host {
    /// Reads it now. What cannot be read is as if it were not there.
    pub(super) fn read(procfs: &Path) -> Self {
        let (interfaces, routes_v4, routes_v6) = read(procfs);
        let usable = |route: &DefaultRoute| {
            interfaces.iter().any(|interface| interface.name == route.interface && interface.running)
        };
        let best =
            |routes: Vec<DefaultRoute>| routes.into_iter().min_by_key(|route| (!usable(route), route.metric));
        let route_v4 = best(routes_v4);
        let route_v6 = best(routes_v6);
        Self { interfaces, route_v4, route_v6 }
    }

    /// The default route that the ladder follows: IPv4 where there is one.
    pub(super) fn route(&self) -> Option<&DefaultRoute> {
        self.route_v4.as_ref().or(self.route_v6.as_ref())
    }

    /// Whether IPv6 is the host's only way out.
    pub(super) fn is_v6_only(&self) -> bool {
        self.route_v4.is_none() && self.route_v6.is_some()
    }

    /// The host's own subnets.
    pub(super) fn subnets(&self) -> Vec<Subnet> {
        let outward = self.interfaces.iter().filter(|interface| !interface.loopback);
        outward.flat_map(|interface| interface.subnets.iter().copied()).collect()
    }

    /// The interface that leads out, or why there is none. With a default route it is that route's; without one any
    /// that is not virtual.
    pub(super) fn outward(&self, virtual_prefixes: &[String]) -> Result<&Interface, String> {
        if let Some(route) = self.route() {
            let found = self.interfaces.iter().find(|interface| interface.name == route.interface);
            return match found {
                Some(interface) if interface.is_usable() => Ok(interface),
                Some(interface) if interface.running => Err(format!("{} has no address", interface.name)),
                Some(_) | None => Err(format!("{} has no link", route.interface)),
            };
        }
        let is_virtual = |name: &str| virtual_prefixes.iter().any(|prefix| name.starts_with(prefix.as_str()));
        let found =
            self.interfaces.iter().find(|interface| interface.is_usable() && !is_virtual(&interface.name));
        found.ok_or_else(|| "no interface has a link and an address".to_owned())
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests;
