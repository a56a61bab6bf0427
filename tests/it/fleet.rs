//! The simulated province, from enrolment to what arrives.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tram_proto::report::End;
use tram_tests::fleet::plan::{HostKind, Plan};
use tram_tests::fleet::progress::Progress;
use tram_tests::fleet::run::{Settings, run};
use tram_tests::fleet::tokens::Tokens;
use tram_tests::standin::Standin;

fn settings(standin: &Standin, state: &Path, hosts: usize, failures: &[&str], hour: f64) -> Settings {
    Settings {
        plan: Plan::new(1, hosts),
        failures: failures.iter().map(|text| text.parse().unwrap()).collect(),
        collector: standin.address.clone(),
        tokens: Tokens::load(&[standin.token.to_string()]).unwrap(),
        state: state.to_owned(),
        sample_interval: Duration::from_millis(100),
        send_interval: Duration::from_millis(200),
        spool: tram_agent::spool::Bounds { bytes_max: 1 << 20, age_max: Duration::from_secs(30 * 86_400) },
        hour: Some(hour),
    }
}

/// Waits until a condition holds; the test fails when it does not within half a minute.
async fn until(what: &str, condition: impl Fn() -> bool) {
    let waited = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    assert!(tokio::time::timeout(Duration::from_secs(30), waited).await.is_ok(), "waited in vain: {what}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_host_enrols_and_nothing_that_it_measured_is_missing() {
    let (standin, state) = (Standin::start().await.unwrap(), tempfile::tempdir().unwrap());
    let settings = settings(&standin, state.path(), 12, &[], 10.0);
    let hosts: Vec<String> = settings.plan.hosts.iter().map(|host| host.name.clone()).collect();
    let progress = Arc::new(Progress::default());
    let enough = until("twenty reports of each host", || {
        hosts.iter().all(|host| standin.received_from(host).len() >= 20)
    });
    run(settings, progress.clone(), enough).await.unwrap();
    for host in &hosts {
        let mut numbers: Vec<u64> = standin.received_from(host).iter().map(|received| received.seq).collect();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers, (1..=progress.host(host).submitted).collect::<Vec<_>>(), "{host}");
    }
    let totals = progress.totals();
    assert_eq!((totals.enrolled, totals.settled, totals.pending), (12, totals.submitted, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn hosts_that_are_restarted_keep_their_identity_and_their_numbers() {
    let (standin, state) = (Standin::start().await.unwrap(), tempfile::tempdir().unwrap());
    let mut agents = Vec::new();
    for reports in [3, 6] {
        let settings = settings(&standin, state.path(), 4, &[], 10.0);
        let host = settings.plan.hosts[0].name.clone();
        let progress = Arc::new(Progress::default());
        let enough = until("more reports", || standin.received_from(&host).len() >= reports);
        run(settings, progress.clone(), enough).await.unwrap();
        agents.push(progress.host(&host).agent.unwrap());
    }
    assert_eq!(agents[0], agents[1]);
    let host = Plan::new(1, 4).hosts[0].name.clone();
    let numbers: Vec<u64> = standin.received_from(&host).iter().map(|received| received.seq).collect();
    let unique: std::collections::BTreeSet<_> = numbers.iter().collect();
    assert_eq!(unique.len(), numbers.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_commune_measures_on_and_delivers_all_of_it_when_the_uplink_is_back() {
    let (standin, state) = (Standin::start().await.unwrap(), tempfile::tempdir().unwrap());
    let plan = Plan::new(1, 12);
    let server = |prefix: &str| {
        plan.hosts.iter().find(|host| host.name.starts_with(prefix) && host.kind == HostKind::Server)
    };
    let cut = server("xa-").unwrap().clone();
    let failure = format!("cut-uplink={}@1-3", cut.name);
    let settings = settings(&standin, state.path(), 12, &[&failure], 10.0);
    let progress = Arc::new(Progress::default());
    let enough = async {
        until("a backlog", || progress.host(&cut.name).pending >= 10).await;
        let before = standin.received_from(&cut.name).len();
        let other = server("ttdl").unwrap();
        assert!(standin.received_from(&other.name).len() > before + 5, "the others go on");
        until("the backlog's end", || {
            let host = progress.host(&cut.name);
            host.submitted >= 32 && host.pending <= 1
        })
        .await;
    };
    run(settings, progress.clone(), enough).await.unwrap();
    let mut numbers: Vec<u64> =
        standin.received_from(&cut.name).iter().map(|received| received.seq).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=progress.host(&cut.name).submitted).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn at_night_workstations_say_their_last_words_once_and_servers_go_on() {
    let (standin, state) = (Standin::start().await.unwrap(), tempfile::tempdir().unwrap());
    let settings = settings(&standin, state.path(), 12, &[], 23.0);
    let plan = settings.plan.clone();
    let progress = Arc::new(Progress::default());
    let server = plan.hosts.iter().find(|host| host.kind == HostKind::Server).unwrap();
    let away: Vec<&str> = plan
        .hosts
        .iter()
        .filter(|host| host.kind != HostKind::Server)
        .map(|host| host.name.as_str())
        .collect();
    let enough = until("last words", || {
        standin.received_from(&server.name).len() >= 15
            && away.iter().all(|host| !standin.received_from(host).is_empty())
    });
    run(settings, progress.clone(), enough).await.unwrap();
    for host in away {
        let ends: Vec<Option<End>> =
            standin.received_from(host).iter().map(|received| received.report.end).collect();
        assert_eq!(ends, [Some(End::HostShutdown)], "{host}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_host_sends_its_first_report_and_then_nothing() {
    let (standin, state) = (Standin::start().await.unwrap(), tempfile::tempdir().unwrap());
    let plan = Plan::new(1, 4);
    let (silent, other) = (plan.hosts[0].name.clone(), plan.hosts[1].name.clone());
    let failure = format!("silent-host={silent}@1");
    let settings = settings(&standin, state.path(), 4, &[&failure], 10.0);
    let progress = Arc::new(Progress::default());
    let enough = until("the other's reports", || standin.received_from(&other).len() >= 30);
    run(settings, progress.clone(), enough).await.unwrap();
    let received = standin.received_from(&silent);
    assert!((1..=10).contains(&received.len()), "{}", received.len());
    assert!(received.iter().all(|received| received.report.end.is_none()));
}
