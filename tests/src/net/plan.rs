//! Who has which address. All of them belong to documentation or private ranges, but for the agent's default targets,
//! which the small internet answers for, so that the defaults themselves can be tried.

use serde::Serialize;

/// Name servers on the LAN.
pub(super) const RESOLVERS: [&str; 2] = ["10.77.0.53", "10.77.0.54"];
/// The same in IPv6.
pub(super) const RESOLVERS_V6: [&str; 2] = ["2001:db8:77::53", "2001:db8:77::54"];
/// Ping targets.
pub(super) const INTERNET_TARGETS: [&str; 4] =
    ["198.51.100.1", "198.51.100.2", "2001:db8:ff::1", "2001:db8:ff::2"];
/// Web targets.
pub(super) const WEB_TARGETS: [&str; 2] =
    ["http://check.tram.example/generate_204", "http://check-two.tram.example/generate_204"];
/// The name that the ladder asks for.
pub(super) const WEB_NAME: &str = "check.tram.example";

const HOST: [&str; 2] = ["10.77.0.10/24", "2001:db8:77::10/64"];
const GATEWAY_LAN: [&str; 2] = ["10.77.0.1/24", "2001:db8:77::1/64"];
const GATEWAY_WAN: [&str; 2] = ["203.0.113.2/24", "2001:db8:1::2/64"];
const INTERNET_WAN: [&str; 2] = ["203.0.113.1/24", "2001:db8:1::1/64"];
/// Targets, web servers and the collector's address.
const INTERNET: [&str; 10] = [
    "198.51.100.1/32",
    "198.51.100.2/32",
    "198.51.100.20/32",
    "198.51.100.80/32",
    "198.51.100.81/32",
    "2001:db8:ff::1/128",
    "2001:db8:ff::2/128",
    "2001:db8:ff::20/128",
    "2001:db8:ff::80/128",
    "2001:db8:ff::81/128",
];
/// The agent's default targets, answered here.
const DEFAULTS: [&str; 4] =
    ["1.1.1.1/32", "8.8.8.8/32", "2606:4700:4700::1111/128", "2001:4860:4860::8888/128"];

/// What a program in the host's namespace can reach, as `smallnet plan` prints it.
#[derive(Debug, Clone, Serialize)]
pub struct Plan {
    /// The host's own address.
    pub host: &'static str,
    /// Its gateway.
    pub gateway: &'static str,
    /// Its name servers.
    pub resolvers: [&'static str; 2],
    /// For `internet_targets` of the ladder.
    pub internet_targets: [&'static str; 4],
    /// For its `web_targets`.
    pub web_targets: [&'static str; 2],
    /// For its `name`.
    pub name: &'static str,
    /// Where a forwarded port is found behind the uplink: cut with it.
    pub collector: &'static str,
    /// Where it is found on the LAN: not cut with the uplink.
    pub collector_on_lan: &'static str,
}

/// The addresses that matter outside.
pub fn plan() -> Plan {
    Plan {
        host: "10.77.0.10",
        gateway: "10.77.0.1",
        resolvers: RESOLVERS,
        internet_targets: INTERNET_TARGETS,
        web_targets: WEB_TARGETS,
        name: WEB_NAME,
        collector: "198.51.100.20",
        collector_on_lan: "10.77.0.1",
    }
}

/// What the name servers know: name, IPv4, IPv6.
pub(super) const NAMES: [(&str, [u8; 4], [u16; 8]); 5] = [
    (WEB_NAME, [198, 51, 100, 80], [0x2001, 0xdb8, 0xff, 0, 0, 0, 0, 0x80]),
    ("check-two.tram.example", [198, 51, 100, 81], [0x2001, 0xdb8, 0xff, 0, 0, 0, 0, 0x81]),
    ("collector.tram.example", [198, 51, 100, 20], [0x2001, 0xdb8, 0xff, 0, 0, 0, 0, 0x20]),
    ("connectivitycheck.gstatic.com", [198, 51, 100, 80], [0x2001, 0xdb8, 0xff, 0, 0, 0, 0, 0x80]),
    ("cp.cloudflare.com", [198, 51, 100, 81], [0x2001, 0xdb8, 0xff, 0, 0, 0, 0, 0x81]),
];

/// `ip` lines for the host.
pub(super) fn host(v6_only: bool) -> Vec<String> {
    let mut lines = vec![address("lan0", HOST[1]), "route add default via 2001:db8:77::1".to_owned()];
    if !v6_only {
        lines.extend([address("lan0", HOST[0]), "route add default via 10.77.0.1".to_owned()]);
    }
    lines
}

/// `ip` lines for the gateway.
pub(super) fn gateway() -> Vec<String> {
    let resolvers = RESOLVERS.iter().map(|server| format!("{server}/24"));
    let resolvers_v6 = RESOLVERS_V6.iter().map(|server| format!("{server}/64"));
    let mut lines: Vec<String> = GATEWAY_LAN.map(|prefix| address("lan0", prefix)).to_vec();
    lines.extend(resolvers.chain(resolvers_v6).map(|prefix| address("lan0", &prefix)));
    lines.extend(GATEWAY_WAN.map(|prefix| address("wan0", prefix)));
    lines.extend(gateway_routes());
    lines
}

/// The gateway's way to the internet.
pub(super) fn gateway_routes() -> Vec<String> {
    vec![
        "route replace 0.0.0.0/0 via 203.0.113.1".to_owned(),
        "route replace ::/0 via 2001:db8:1::1".to_owned(),
    ]
}

/// The internet's way to the host.
pub(super) fn internet_routes() -> Vec<String> {
    vec![
        "route replace 10.77.0.0/24 via 203.0.113.2".to_owned(),
        "route replace 2001:db8:77::/64 via 2001:db8:1::2".to_owned(),
    ]
}

/// The same ways, over a device instead of a neighbour.
pub(super) fn over(device: &str, routes: &[String]) -> Vec<String> {
    let to = |route: &String| route.split(" via ").next().unwrap_or_default().to_owned();
    routes.iter().map(|route| format!("{} dev {device}", to(route))).collect()
}

/// `ip` lines for the internet.
pub(super) fn internet() -> Vec<String> {
    let mut lines: Vec<String> = INTERNET_WAN.map(|prefix| address("wan0", prefix)).to_vec();
    lines.extend(INTERNET.iter().chain(&DEFAULTS).map(|prefix| address("lo", prefix)));
    lines.extend(internet_routes());
    lines
}

/// `ip` lines that give the internet every address that has no other place. Not in the table of its own addresses, which
/// comes first: the way back to the host would be lost.
pub(super) fn everywhere() -> Vec<String> {
    ["0.0.0.0/0", "::/0"].map(|all| format!("route add local {all} dev lo table main")).to_vec()
}

fn address(interface: &str, prefix: &str) -> String {
    // Without this an IPv6 address is not there for a moment, even with nobody to be asked whether it is taken.
    let now = if prefix.contains(':') { " nodad" } else { "" };
    format!("address add {prefix} dev {interface}{now}")
}
