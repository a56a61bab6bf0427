//! What can be tried without a network: nothing here leaves this host. The rest is tried in network namespaces.

use super::outside::host_and_port;
use super::*;
use crate::sensor::reach::Reachability;
use std::path::PathBuf;
use tram_proto::policy::Probe;

/// A host without routes or name servers, and nothing to probe.
fn closed(directory: &tempfile::TempDir) -> ReachConfig {
    ReachConfig {
        internet_targets: Vec::new(),
        web_targets: Vec::new(),
        procfs: directory.path().to_owned(),
        resolv_conf: directory.path().join("resolv.conf"),
        hosts: directory.path().join("hosts"),
        ..ReachConfig::default()
    }
}

fn outcome(found: &Reachability, rung: Rung) -> Vec<Outcome> {
    found.rungs.iter().filter(|result| result.rung == rung).map(|result| result.outcome).collect()
}

#[tokio::test]
async fn forbidden_targets_are_skipped_with_their_reason() {
    let directory = tempfile::tempdir().unwrap();
    let mut config = closed(&directory);
    config.internet_targets = ["127.0.0.1", "169.254.169.254", "not an address"].map(str::to_owned).to_vec();
    config.web_targets = vec!["https://a.example/".to_owned(), "http://127.0.0.1:1/".to_owned()];
    let found = Ladder::new(config).climb().await;
    assert_eq!(outcome(&found, Rung::Internet), [Outcome::Skipped; 3]);
    assert_eq!(outcome(&found, Rung::Web), [Outcome::Skipped; 2]);
    assert!(
        found
            .rungs
            .iter()
            .filter(|result| result.outcome == Outcome::Skipped)
            .all(|result| result.reason.is_some())
    );
    assert_eq!(outcome(&found, Rung::Gateway), [Outcome::Failed]);
}

#[tokio::test]
async fn at_most_32_targets_are_probed() {
    let directory = tempfile::tempdir().unwrap();
    let mut config = closed(&directory);
    config.internet_targets = vec!["127.0.0.1".to_owned(); 40];
    config.web_targets = vec!["http://127.0.0.1:1/".to_owned()];
    let found = Ladder::new(config).climb().await;
    let over = found
        .rungs
        .iter()
        .filter(|result| result.reason.as_deref() == Some("more targets than the limit of 32"));
    assert_eq!(over.count(), 9);
}

#[tokio::test]
async fn a_collector_is_found_by_its_name_in_the_hosts_file() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("hosts"), "127.0.0.1 tram.example\n").unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let config = ReachConfig { collector: Some(format!("tram.example:{port}")), ..closed(&directory) };
    let found = Ladder::new(config).climb().await;
    assert_eq!(outcome(&found, Rung::Collector), [Outcome::Ok]);
    drop(listener);
    let config = ReachConfig { collector: Some(format!("tram.example:{port}")), ..closed(&directory) };
    let found = Ladder::new(config).climb().await;
    assert_eq!(outcome(&found, Rung::Collector), [Outcome::Failed]);
}

#[tokio::test]
async fn a_collector_that_has_just_answered_is_not_asked_again() {
    let directory = tempfile::tempdir().unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let config = ReachConfig { collector: Some(format!("127.0.0.1:{port}")), ..closed(&directory) };
    let ladder = Ladder::new(config);
    let found = ladder.climb_with(News::Answered).await;
    assert_eq!(outcome(&found, Rung::Collector), [Outcome::Ok]);
    let rung = found.rungs.iter().find(|result| result.rung == Rung::Collector).unwrap();
    assert_eq!((rung.rtt_s, rung.place), (None, Some(Place::Host)));
    // The next one comes to the port, and is the first that does.
    ladder.climb().await;
    listener.accept().await.unwrap();
    assert!(tokio::time::timeout(Duration::ZERO, listener.accept()).await.is_err());
}

#[tokio::test]
async fn a_lost_name_server_list_fails_the_rung_and_names_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let mut config = closed(&directory);
    config.web_targets = vec!["http://a.example/".to_owned()];
    config.resolv_conf = PathBuf::from("/nonexistent/resolv.conf");
    let found = Ladder::new(config).climb().await;
    assert_eq!(outcome(&found, Rung::Resolver), [Outcome::Failed]);
    let reason = found
        .rungs
        .iter()
        .find(|result| result.rung == Rung::Resolver)
        .and_then(|result| result.reason.as_deref());
    assert!(reason.is_some_and(|reason| reason.contains("/nonexistent/resolv.conf")), "{reason:?}");
    assert_eq!(outcome(&found, Rung::Web), [Outcome::Skipped]);
}

#[tokio::test]
async fn a_closed_network_needs_no_name_server() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("hosts"), "127.0.0.1 tram.example\n").unwrap();
    let config = ReachConfig { collector: Some("tram.example:1".to_owned()), ..closed(&directory) };
    let found = Ladder::new(config).climb().await;
    assert_eq!(outcome(&found, Rung::Resolver), [Outcome::Skipped]);
    assert_eq!(outcome(&found, Rung::Gateway), [Outcome::Skipped]);
    let config = ReachConfig { collector: Some("other.example:1".to_owned()), ..closed(&directory) };
    let found = Ladder::new(config).climb().await;
    assert_eq!(outcome(&found, Rung::Resolver), [Outcome::Failed]);
    let name =
        found.rungs.iter().find(|result| result.rung == Rung::Name).map(|result| result.target.as_str());
    assert_eq!(name, Some("other.example"));
}

#[tokio::test]
async fn a_name_of_the_policy_that_leads_inside_is_not_probed() {
    let directory = tempfile::tempdir().unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let hosts = "127.0.0.1 here.example\n100.64.77.1 inner.example\n169.254.169.254 cloud.example\n";
    std::fs::write(directory.path().join("hosts"), hosts).unwrap();
    let tcp = |host: &str| Probe::Tcp { host: host.to_owned(), port };
    let asked = vec![
        tcp("here.example"),
        tcp("inner.example"),
        Probe::Http { url: "http://cloud.example/".into() },
        Probe::Icmp { host: "100.64.77.2".into() },
        Probe::Dns { name: "a".into(), server: Some("100.64.77.3".into()) },
    ];
    let probed = Ladder::new(ReachConfig { asked, ..closed(&directory) }).probe().await;
    assert!(probed.iter().all(|probed| probed.outcome == Outcome::Skipped), "{probed:?}");
    let reasons: Vec<&str> = probed.iter().filter_map(|probed| probed.reason.as_deref()).collect();
    assert!(reasons[0].starts_with("127.0.0.1 is not an address on a network"), "{reasons:?}");
    assert_eq!(reasons[1], "100.64.77.1 is a private address outside this host's own subnets");
}

#[test]
fn addresses_with_ports_are_read_in_both_families() {
    assert_eq!(host_and_port("tram.example:8441"), Some(("tram.example", 8441)));
    assert_eq!(host_and_port("[2001:db8::1]:8441"), Some(("2001:db8::1", 8441)));
    for text in ["tram.example", ":8441", "tram.example:", "tram.example:99999"] {
        assert_eq!(host_and_port(text), None, "{text}");
    }
}

#[test]
fn a_gateway_that_once_echoed_is_remembered() {
    let ladder = Ladder::new(ReachConfig::default());
    let gateway = "10.0.0.1".parse().unwrap();
    assert!(!ladder.has_echoed(gateway, false));
    assert!(ladder.has_echoed(gateway, true));
    assert!(ladder.has_echoed(gateway, false));
}
