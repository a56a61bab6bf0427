//! The small internet: a host, its gateway and an internet of three machines' worth of services, in network
//! namespaces of this process, joined by veth pairs. Any part of it can be broken and mended.
//!
//! ```text
//!   host 10.77.0.10 --lan-- 10.77.0.1 gateway 203.0.113.2 --wan-- 203.0.113.1 internet 198.51.100.0/24
//!                           10.77.0.53, .54 name servers              ping and web targets, collector's address
//! ```
//!
//! Nothing in it has a route or a link to the outside; addresses that exist in the real internet are answered by the
//! namespace `internet`. A collector on 127.0.0.1 outside is reached through a forwarder. Namespaces have no names:
//! parallel runs cannot collide, and the kernel removes them with the process, however it ends.

mod command;
mod count;
mod dns;
mod forward;
mod line;
mod namespace;
mod plan;
mod privilege;
mod web;

pub use command::{CommandError, parse};
pub use count::Counted;
pub use dns::DnsMode;
pub use line::Line;
pub use namespace::Namespace;
pub use plan::{Plan, plan};
pub use privilege::{Missing, again, check, is_root, privileged};
pub use web::Portal;

use anyhow::{Context, Result};
use rustix::thread::{CapabilitySet, capabilities, set_capabilities};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;
use tram_agent::sensor::reach::{Ladder, ReachConfig, Reachability};

/// One way in which the net is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The host's cable is pulled.
    Lan,
    /// The gateway is dead; its port still has a link.
    Gateway,
    /// The gateway does not answer echo requests and forwards as before.
    GatewayIcmp,
    /// Nothing passes between the gateway and the internet.
    Uplink,
    /// Nothing on the internet answers echo requests.
    InternetIcmp,
    /// A page stands before the internet: port 80 is answered by the gateway, the rest is dropped.
    Captive(Portal),
    /// The first name server fails so; the second as well.
    Dns(DnsMode),
    /// The first name server is silent, the second works.
    FirstDns,
    /// The collector's port refuses connections.
    Collector,
    /// So many percent of the packets between gateway and internet are lost, evenly.
    Loss(u8),
    /// So many kilobits a second pass between gateway and internet, each way.
    RateKbit(u32),
    /// Gateway and internet are joined by a poor line. Needs `/dev/net/tun`.
    Line(Line),
}

/// What is set up beyond the standing net.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Ports at which the collector's addresses lead to an address of this process's own namespace.
    pub forwards: Vec<(u16, SocketAddr)>,
    /// The host has no IPv4.
    pub v6_only: bool,
    /// Whatever address the host tries, something behind the uplink has it.
    pub answers_everywhere: bool,
}

/// A running small internet. Dropping it removes it.
pub struct SmallNet {
    host: Namespace,
    gateway: Namespace,
    internet: Namespace,
    dns_modes: [Arc<Mutex<DnsMode>>; 2],
    portal: Arc<Mutex<Portal>>,
    line: Mutex<Option<line::Running>>,
    forwards: Vec<(u16, SocketAddr)>,
    directory: TempDir,
    runtime: Option<Runtime>,
    tasks: Mutex<JoinSet<()>>,
}

impl SmallNet {
    /// Sets it up. Needs the right to make namespaces, see [`check`] and [`privileged`].
    pub fn start(options: &Options) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let net = Self {
            host: Namespace::create("host")?,
            gateway: Namespace::create("gateway")?,
            internet: Namespace::create("internet")?,
            dns_modes: Default::default(),
            portal: Arc::default(),
            line: Mutex::default(),
            forwards: options.forwards.clone(),
            directory: tempfile::tempdir()?,
            runtime: Some(runtime),
            tasks: Mutex::new(JoinSet::new()),
        };
        net.join_up(options)?;
        net.serve()?;
        let servers: &[&str] = if options.v6_only { &plan::RESOLVERS_V6 } else { &plan::RESOLVERS };
        let lines: Vec<String> = servers.iter().map(|server| format!("nameserver {server}\n")).collect();
        std::fs::write(net.resolv_conf(), lines.concat())?;
        Ok(net)
    }

    /// The host's list of name servers, as a file outside the namespaces.
    pub fn resolv_conf(&self) -> PathBuf {
        self.directory.path().join("resolv.conf")
    }

    /// The host's namespace.
    pub fn host(&self) -> &Namespace {
        &self.host
    }

    /// A ladder configuration for this net, without the collector. Its probes are impatient: nothing here is far.
    pub fn reach_config(&self) -> ReachConfig {
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        ReachConfig {
            internet_targets: owned(&plan::INTERNET_TARGETS),
            web_targets: owned(&plan::WEB_TARGETS),
            name: plan::WEB_NAME.to_owned(),
            timeout: Duration::from_secs(1),
            resolv_conf: self.resolv_conf(),
            hosts: self.directory.path().join("hosts"),
            // The namespace of the thread that reads, not of the process.
            procfs: "/proc/thread-self".into(),
            ..ReachConfig::default()
        }
    }

    /// Climbs a ladder inside the host's namespace, on a thread of its own.
    pub fn climb(&self, ladder: &Ladder) -> Result<Reachability> {
        self.host.enter(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            Ok(runtime.block_on(ladder.climb()))
        })?
    }

    /// The same, on a thread that is permitted no ICMP.
    pub fn climb_without_icmp(&self, ladder: &Ladder) -> Result<Reachability> {
        self.host.enter(|| {
            let mut own = capabilities(None)?;
            own.effective.remove(CapabilitySet::NET_RAW);
            own.permitted.remove(CapabilitySet::NET_RAW);
            set_capabilities(None, own)?;
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            Ok(runtime.block_on(ladder.climb()))
        })?
    }

    /// Starts a program inside the host's namespace. The caller waits for it and ends it.
    pub fn spawn(&self, command: &mut Command) -> Result<Child> {
        self.host.enter(|| command.spawn().context("cannot start the program"))?
    }

    /// Breaks something; what is broken already stays so.
    pub fn inflict(&self, fault: Fault) -> Result<()> {
        match fault {
            Fault::Lan => self.gateway.run("ip", &["link", "set", "lan0", "down"]),
            Fault::Gateway => self.gateway.filter("netdev", "gateway", &drop_all("lan0")),
            Fault::GatewayIcmp => self.gateway.filter("inet", "gateway_icmp", &drop_echo("iifname \"lan0\"")),
            Fault::Uplink => self.gateway.filter("inet", "uplink", &forwarding("drop")),
            Fault::InternetIcmp => self.internet.filter("inet", "internet_icmp", &drop_echo("")),
            Fault::Captive(portal) => self.make_captive(portal),
            Fault::Dns(mode) => {
                self.set_dns(mode, mode);
                Ok(())
            }
            Fault::FirstDns => {
                self.set_dns(DnsMode::Silent, DnsMode::Answer);
                Ok(())
            }
            Fault::Collector => self.refuse_collector(),
            Fault::Loss(percent) => self.gateway.filter("inet", "loss", &forwarding(&lose(percent))),
            Fault::RateKbit(kilobits) => {
                self.shape(&["tbf", "rate", &format!("{kilobits}kbit"), "burst", "1600", "latency", "2s"])
            }
            Fault::Line(line) => self.lay(line),
        }
    }

    /// Mends everything.
    pub fn restore(&self) -> Result<()> {
        for namespace in [&self.gateway, &self.internet] {
            namespace.run("nft", &["flush", "ruleset"])?;
        }
        self.set_dns(DnsMode::Answer, DnsMode::Answer);
        for (namespace, interface) in [(&self.gateway, "wan0"), (&self.internet, "wan0")] {
            // Absent shaping is as good as removed.
            drop(namespace.run("tc", &["qdisc", "del", "dev", interface, "root"]));
        }
        self.gateway.run("ip", &["link", "set", "lan0", "up"])?;
        if self.line.lock().unwrap_or_else(PoisonError::into_inner).take().is_some() {
            // The routes went with the device.
            self.gateway.configure(&plan::gateway_routes())?;
            self.internet.configure(&plan::internet_routes())?;
        }
        self.host.wait_for_link("lan0")
    }

    /// Bytes that have passed the host's interface, both directions, and how many frames they were.
    pub fn traffic(&self) -> Result<Traffic> {
        let table = self.host.enter(|| std::fs::read_to_string("/proc/thread-self/net/dev"))??;
        Traffic::parse(&table).context("no lan0 in the host's interfaces")
    }

    fn make_captive(&self, portal: Portal) -> Result<()> {
        set(&self.portal, portal);
        let redirect = "chain pre {\n type nat hook prerouting priority -100\n iifname \"lan0\" tcp dport 80 redirect to :8080\n}";
        self.gateway.filter("inet", "captive", &format!("{redirect}\n{}", forwarding("drop")))
    }

    fn refuse_collector(&self) -> Result<()> {
        for (port, _) in &self.forwards {
            let rule = format!(
                "chain input {{\n type filter hook input priority 0\n tcp dport {port} reject with tcp reset\n}}"
            );
            self.gateway.filter("inet", "collector", &rule)?;
            self.internet.filter("inet", "collector", &rule)?;
        }
        Ok(())
    }

    fn set_dns(&self, first: DnsMode, second: DnsMode) {
        let [first_server, second_server] = &self.dns_modes;
        set(first_server, first);
        set(second_server, second);
    }

    fn shape(&self, discipline: &[&str]) -> Result<()> {
        for namespace in [&self.gateway, &self.internet] {
            namespace.run("tc", &[&["qdisc", "replace", "dev", "wan0", "root"], discipline].concat())?;
        }
        Ok(())
    }

    /// Leads everything between gateway and internet over a poor line.
    fn lay(&self, line: Line) -> Result<()> {
        let runtime = self.runtime.as_ref().context("the net is stopped")?;
        let running = line::Running::start(line, [&self.gateway, &self.internet], runtime.handle())?;
        let device = line::Running::device();
        self.gateway.configure(&plan::over(device, &plan::gateway_routes()))?;
        self.internet.configure(&plan::over(device, &plan::internet_routes()))?;
        *self.line.lock().unwrap_or_else(PoisonError::into_inner) = Some(running);
        Ok(())
    }

    fn join_up(&self, options: &Options) -> Result<()> {
        // The kernel drops what is sent while a link is coming up, so the links are waited for at the end.
        self.host.join("lan0", &self.gateway, "lan0")?;
        self.gateway.join("wan0", &self.internet, "wan0")?;
        // A pulled cable must not cost the addresses: they are there when it is plugged in again.
        self.gateway.set_kernel("ipv6/conf/all/keep_addr_on_down", "1")?;
        self.gateway.configure(&plan::gateway())?;
        self.internet.configure(&plan::internet())?;
        if options.answers_everywhere {
            self.internet.configure(&plan::everywhere())?;
        }
        self.host.configure(&plan::host(options.v6_only))?;
        self.gateway.set_kernel("ipv4/ip_forward", "1")?;
        self.gateway.set_kernel("ipv6/conf/all/forwarding", "1")?;
        self.host.wait_for_link("lan0")?;
        self.gateway.wait_for_link("wan0")
    }

    fn serve(&self) -> Result<()> {
        let runtime = self.runtime.as_ref().context("the net is stopped")?;
        let _inside = runtime.enter();
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        for (mode, addresses) in
            self.dns_modes.iter().zip(plan::RESOLVERS.into_iter().zip(plan::RESOLVERS_V6))
        {
            for address in [addresses.0, addresses.1] {
                let socket = self.gateway.udp(address.parse()?, 53)?;
                tasks.spawn_on(dns::serve(socket, mode.clone()), runtime.handle());
            }
        }
        tasks.spawn_on(web::serve(self.internet.tcp(80)?, None), runtime.handle());
        tasks.spawn_on(web::serve(self.internet.tcp(443)?, None), runtime.handle());
        tasks.spawn_on(web::serve(self.gateway.tcp(8080)?, Some(self.portal.clone())), runtime.handle());
        for (port, to) in &self.forwards {
            for namespace in [&self.gateway, &self.internet] {
                tasks.spawn_on(forward::serve(namespace.tcp(*port)?, *to), runtime.handle());
            }
        }
        Ok(())
    }
}

impl Drop for SmallNet {
    fn drop(&mut self) {
        self.tasks.get_mut().unwrap_or_else(PoisonError::into_inner).abort_all();
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// What has passed an interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Traffic {
    /// Bytes with Ethernet headers, without checksums.
    pub bytes: u64,
    /// Frames.
    pub frames: u64,
}

impl Traffic {
    /// `/proc/net/dev`: sixteen numbers, receiving first.
    fn parse(table: &str) -> Option<Self> {
        let line = table.lines().find_map(|line| line.trim().strip_prefix("lan0:"))?;
        let numbers: Vec<u64> =
            line.split_ascii_whitespace().filter_map(|number| number.parse().ok()).collect();
        Some(Self { bytes: numbers.first()? + numbers.get(8)?, frames: numbers.get(1)? + numbers.get(9)? })
    }
}

fn set<T>(cell: &Mutex<T>, value: T) {
    *cell.lock().unwrap_or_else(PoisonError::into_inner) = value;
}

fn drop_all(interface: &str) -> String {
    // Below ARP: a dead machine does not answer that either.
    format!("chain ingress {{\n type filter hook ingress device \"{interface}\" priority 0\n drop\n}}")
}

fn drop_echo(condition: &str) -> String {
    let rule = |kind: &str| format!(" {condition} {kind} type echo-request drop\n");
    format!("chain input {{\n type filter hook input priority 0\n{}{}}}", rule("icmp"), rule("icmpv6"))
}

fn forwarding(rule: &str) -> String {
    format!("chain forward {{\n type filter hook forward priority 0\n {rule}\n}}")
}

/// Every so many packets one is lost, so that a test sees the loss that it asked for.
fn lose(percent: u8) -> String {
    let percent = u32::from(percent.clamp(1, 99));
    let places: Vec<String> = (0..percent).map(|number| (number * 100 / percent).to_string()).collect();
    format!("numgen inc mod 100 {{ {} }} drop", places.join(", "))
}
