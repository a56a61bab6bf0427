//! The ladder against the small internet: each rung broken in turn, and what the verdict is.

use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tram_agent::sensor::reach::{Ladder, ReachConfig, Reachability, RungResult};
use tram_proto::reach::{Method, Outcome, Rung, Verdict};
use tram_tests::net::{DnsMode, Fault, Line, Options, Portal, SmallNet, plan, privileged};

/// Port of the collector inside the net.
const PORT: u16 = 8441;

/// A net with a collector's port that leads to a listener of this test, and a ladder that asks for it.
struct World {
    net: SmallNet,
    _collector: std::net::TcpListener,
}

impl World {
    fn new() -> Self {
        Self::with(false)
    }

    fn with(v6_only: bool) -> Self {
        let collector = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let outside: SocketAddr = collector.local_addr().unwrap();
        let options = Options { forwards: vec![(PORT, outside)], v6_only, ..Options::default() };
        let net = SmallNet::start(&options).unwrap();
        Self { net, _collector: collector }
    }

    fn config(&self) -> ReachConfig {
        ReachConfig { collector: Some(format!("{}:{PORT}", plan().collector)), ..self.net.reach_config() }
    }

    fn climb(&self) -> Reachability {
        self.climb_with(self.config())
    }

    fn climb_with(&self, config: ReachConfig) -> Reachability {
        let bound = config.total_timeout;
        let started = Instant::now();
        let found = self.net.climb(&Ladder::new(config)).unwrap();
        assert!(started.elapsed() < bound + Duration::from_secs(1), "a climb took {:?}", started.elapsed());
        found
    }

    /// Climbs until the verdict is ok: on a machine with much else to do an answer may be late, but not three times.
    #[track_caller]
    fn expect_ok(&self) -> Reachability {
        let mut found = self.climb();
        for _ in 0..2 {
            if found.verdict != Verdict::Ok {
                found = self.climb();
            }
        }
        assert_eq!(found.verdict, Verdict::Ok, "{}", pretty(&found));
        found
    }

    /// Breaks something, climbs, mends it, and climbs again: the verdict must come and go with the fault.
    #[track_caller]
    fn check(&self, fault: Fault, expect: Verdict) -> Reachability {
        self.net.inflict(fault).unwrap();
        let found = self.climb();
        assert_eq!(found.verdict, expect, "{fault:?}: {}", pretty(&found));
        self.net.restore().unwrap();
        self.expect_ok();
        found
    }
}

fn pretty(found: &Reachability) -> String {
    serde_json::to_string_pretty(found).unwrap()
}

fn rungs(found: &Reachability, rung: Rung) -> Vec<&RungResult> {
    found.rungs.iter().filter(|result| result.rung == rung).collect()
}

#[track_caller]
fn one(found: &Reachability, rung: Rung) -> &RungResult {
    rungs(found, rung).into_iter().next().unwrap_or_else(|| panic!("no {rung:?}: {}", pretty(found)))
}

#[test]
fn a_whole_net_is_ok_and_every_rung_has_its_figures() {
    privileged(|| {
        let world = World::new();
        let found = world.climb();
        assert_eq!(found.verdict, Verdict::Ok, "{}", pretty(&found));
        let answered =
            |rung| rungs(&found, rung).iter().filter(|result| result.outcome == Outcome::Ok).count();
        let counts = Rung::ALL.iter().map(|rung| answered(*rung)).collect::<Vec<_>>();
        assert_eq!(counts, [1, 1, 2, 1, 2, 1, 1], "{}", pretty(&found));
        for result in found.rungs.iter().filter(|result| result.answered() && result.rung != Rung::Interface)
        {
            assert!(result.rtt_s.is_some_and(|seconds| seconds > 0.0 && seconds < 0.7), "{}", pretty(&found));
        }
        assert_eq!(one(&found, Rung::Gateway).method, Method::Icmp);
        assert_eq!(one(&found, Rung::Internet).method, Method::Icmp);
        assert_eq!(one(&found, Rung::Interface).target, "lan0");
    });
}

#[test]
fn lan_down_when_the_cable_is_pulled() {
    privileged(|| {
        World::new().check(Fault::Lan, Verdict::LanDown);
    });
}

#[test]
fn gateway_down_when_it_is_dead_behind_a_live_link() {
    privileged(|| {
        let world = World::new();
        let ladder = Ladder::new(world.config());
        assert_eq!(world.net.climb(&ladder).unwrap().verdict, Verdict::Ok);
        // The neighbour table still holds the gateway's address: the ladder remembers that it used to answer.
        world.net.inflict(Fault::Gateway).unwrap();
        let found = world.net.climb(&ladder).unwrap();
        assert_eq!(found.verdict, Verdict::GatewayDown, "{}", pretty(&found));
        world.net.restore().unwrap();
        assert_eq!(world.net.climb(&ladder).unwrap().verdict, Verdict::Ok);
    });
}

#[test]
fn gateway_down_when_it_was_never_seen() {
    privileged(|| {
        let world = World::new();
        world.net.inflict(Fault::Gateway).unwrap();
        let found = world.climb();
        assert_eq!(found.verdict, Verdict::GatewayDown, "{}", pretty(&found));
        assert_eq!(one(&found, Rung::Gateway).method, Method::Arp);
    });
}

#[test]
fn a_gateway_that_drops_pings_is_ok_by_its_neighbour_entry() {
    privileged(|| {
        let world = World::new();
        let found = world.check(Fault::GatewayIcmp, Verdict::Ok);
        let gateway = one(&found, Rung::Gateway);
        assert_eq!((gateway.method, gateway.outcome), (Method::Arp, Outcome::Ok), "{}", pretty(&found));
    });
}

#[test]
fn dns_broken_however_the_name_servers_fail() {
    privileged(|| {
        let world = World::new();
        let silent = world.check(Fault::Dns(DnsMode::Silent), Verdict::DnsBroken);
        assert!(rungs(&silent, Rung::Resolver).iter().all(|result| result.outcome == Outcome::Failed));
        for mode in [DnsMode::Failing, DnsMode::Denying] {
            let found = world.check(Fault::Dns(mode), Verdict::DnsBroken);
            assert!(
                rungs(&found, Rung::Resolver).iter().all(|result| result.outcome == Outcome::Ok),
                "{}",
                pretty(&found)
            );
            assert_eq!(one(&found, Rung::Name).outcome, Outcome::Failed);
        }
    });
}

#[test]
fn degraded_when_one_name_server_of_two_is_dead() {
    privileged(|| {
        let found = World::new().check(Fault::FirstDns, Verdict::Degraded);
        let outcomes: Vec<Outcome> =
            rungs(&found, Rung::Resolver).iter().map(|result| result.outcome).collect();
        assert_eq!(outcomes, [Outcome::Failed, Outcome::Ok]);
        assert_eq!(one(&found, Rung::Web).outcome, Outcome::Ok);
    });
}

#[test]
fn uplink_down_with_and_without_a_collector_in_the_building() {
    privileged(|| {
        let world = World::new();
        let found = world.check(Fault::Uplink, Verdict::UplinkDown);
        assert_eq!(one(&found, Rung::Gateway).outcome, Outcome::Ok);
        world.net.inflict(Fault::Uplink).unwrap();
        let on_lan = format!("{}:{PORT}", plan().collector_on_lan);
        let found = world.climb_with(ReachConfig { collector: Some(on_lan), ..world.config() });
        assert_eq!(found.verdict, Verdict::UplinkDown, "{}", pretty(&found));
        assert_eq!(one(&found, Rung::Collector).outcome, Outcome::Ok);
    });
}

#[test]
fn captive_however_the_portal_shows_itself() {
    privileged(|| {
        let world = World::new();
        for portal in Portal::ALL {
            let found = world.check(Fault::Captive(portal), Verdict::Captive);
            assert_eq!(one(&found, Rung::Web).outcome, Outcome::Captive);
        }
    });
}

#[test]
fn degraded_when_the_uplink_loses_packets() {
    privileged(|| {
        let world = World::new();
        world.net.inflict(Fault::Loss(40)).unwrap();
        // Pings alone: how a connection fares in such loss depends on which of its packets is hit.
        let targets = ReachConfig { web_targets: Vec::new(), collector: None, ..world.config() };
        let found = world.climb_with(targets);
        assert_eq!(found.verdict, Verdict::Degraded, "{}", pretty(&found));
        let lossy = rungs(&found, Rung::Internet).into_iter().find(|result| result.outcome == Outcome::Lossy);
        assert!(
            lossy.and_then(|result| result.loss).is_some_and(|loss| loss > 0.2 && loss < 1.0),
            "{}",
            pretty(&found)
        );
    });
}

#[test]
fn an_internet_that_drops_pings_is_ok_by_its_pages() {
    privileged(|| {
        let found = World::new().check(Fault::InternetIcmp, Verdict::Ok);
        assert!(rungs(&found, Rung::Internet).iter().all(|result| result.outcome == Outcome::Failed));
    });
}

#[test]
fn collector_unreachable_when_its_port_refuses() {
    privileged(|| {
        let found = World::new().check(Fault::Collector, Verdict::CollectorUnreachable);
        assert_eq!(one(&found, Rung::Collector).reason.as_deref(), Some("connection refused"));
    });
}

#[test]
fn tcp_stands_in_where_icmp_is_not_permitted_and_says_so() {
    privileged(|| {
        let world = World::new();
        let climb = |ladder: &Ladder| world.net.climb_without_icmp(ladder).unwrap();
        let ladder = Ladder::new(world.config());
        let found = climb(&ladder);
        assert_eq!(found.verdict, Verdict::Ok, "{}", pretty(&found));
        assert_eq!(one(&found, Rung::Gateway).method, Method::Tcp);
        assert!(
            rungs(&found, Rung::Internet).iter().all(|result| result.method == Method::Tcp),
            "{}",
            pretty(&found)
        );
        world.net.inflict(Fault::Uplink).unwrap();
        assert_eq!(climb(&ladder).verdict, Verdict::UplinkDown);
    });
}

#[test]
fn a_host_with_ipv6_alone_climbs_by_it() {
    privileged(|| {
        let world = World::with(true);
        let config = ReachConfig { collector: Some(format!("[2001:db8:ff::20]:{PORT}")), ..world.config() };
        let found = world.climb_with(config.clone());
        assert_eq!(found.verdict, Verdict::Ok, "{}", pretty(&found));
        assert_eq!(one(&found, Rung::Internet).target, "2001:db8:ff::1");
        assert_eq!(one(&found, Rung::Gateway).method, Method::Icmp);
        world.net.inflict(Fault::Uplink).unwrap();
        assert_eq!(world.climb_with(config).verdict, Verdict::UplinkDown);
    });
}

#[test]
fn the_default_targets_work_and_a_climb_keeps_the_byte_budget() {
    privileged(|| {
        let world = World::new();
        let ours = world.config();
        let config = ReachConfig {
            collector: ours.collector.clone(),
            procfs: ours.procfs,
            resolv_conf: ours.resolv_conf,
            ..ReachConfig::default()
        };
        let ladder = Ladder::new(config);
        // The first climb also finds its neighbours; the budget is for one of many.
        assert_eq!(world.net.climb(&ladder).unwrap().verdict, Verdict::Ok);
        let counted: Vec<u64> = (0..3).map(|_| bytes_of_a_climb(&world, &ladder)).collect();
        // The kernels' own neighbour messages come and go; the least is the climb alone.
        let least = counted.iter().min().copied().unwrap_or_default();
        assert!((500..=2_500).contains(&least), "{counted:?} bytes");
    });
}

fn bytes_of_a_climb(world: &World, ladder: &Ladder) -> u64 {
    let before = world.net.traffic().unwrap();
    let found = world.net.climb(ladder).unwrap();
    let after = world.net.traffic().unwrap();
    assert_eq!(found.verdict, Verdict::Ok, "{}", pretty(&found));
    // Each frame has a checksum of four bytes that the counter leaves out.
    let bytes = after.bytes - before.bytes + 4 * (after.frames - before.frames);
    println!("{bytes} bytes in {} frames", after.frames - before.frames);
    bytes
}

#[test]
fn a_poor_line_is_slow_until_it_is_mended() {
    privileged(|| {
        let world = World::new();
        let line = Line { kilobits: 512, delay_ms: 200, loss_percent: 0 };
        world.net.inflict(Fault::Line(line)).unwrap();
        let config = ReachConfig { timeout: Duration::from_secs(5), ..world.config() };
        let found = world.climb_with(config);
        let slow = one(&found, Rung::Internet).rtt_s.unwrap();
        assert!(slow >= 0.4, "{slow} s there and back: {}", pretty(&found));
        assert!(one(&found, Rung::Gateway).rtt_s.unwrap() < 0.4, "{}", pretty(&found));
        world.net.restore().unwrap();
        let found = world.expect_ok();
        assert!(one(&found, Rung::Internet).rtt_s.unwrap() < 0.4, "{}", pretty(&found));
    });
}
