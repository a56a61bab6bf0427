//! History that is kept back: what leaves meanwhile, and what leaves then.

use super::*;
use tram_proto::hours::Span;

/// Hours that begin in about so many hours, and last one.
fn hours_in(hours: i64) -> Hours {
    let minute = (real_ms() / 60_000 + hours * 60).rem_euclid(1_440);
    let minute = |later: i64| u16::try_from((minute + later) % 1_440).unwrap();
    Hours { asked: vec![Span { from_minute: minute(0), to_minute: minute(59) + 1 }], ..Hours::default() }
}

/// A host with three reports of its last boot.
async fn with_history(collector: &Collector, state: &Path, hours: Hours) -> Delivery {
    let store = IdentityStore::open(state).unwrap();
    enroll(&store, order(collector), clock(0)).await.unwrap();
    let earlier = Settings { boot: BootId([4; 8]), ..settings() };
    let mut delivery = Delivery::open(state, earlier, clock(0)).unwrap();
    for number in 0..3 {
        submit(&mut delivery, f64::from(number));
    }
    drop(delivery);
    let settings = Settings { hours, send_interval: Duration::from_secs(600), ..settings() };
    Delivery::open(state, settings, clock(0)).unwrap()
}

#[tokio::test]
async fn outside_its_hours_only_what_is_measured_now_leaves() {
    let collector = Collector::start(|_, body| take_all(body));
    let state = tempfile::tempdir().unwrap();
    let mut delivery = with_history(&collector, state.path(), hours_in(3)).await;
    submit(&mut delivery, 9.0);
    assert_eq!(delivery.step().await, Outcome::Acked { settled: 1, pending: 3 });
    let seqs = |collector: &Collector| -> Vec<String> {
        let short = |report: &String| report.split(' ').next().unwrap().to_owned();
        collector.reports().last().unwrap().iter().map(short).collect()
    };
    assert_eq!((seqs(&collector), collector.catalogues()), (vec!["4".to_owned()], vec![1]));
    let shut = delivery.shut().unwrap();
    assert!(shut.by_policy && !shut.by_limits && shut.reports == 3, "{shut:?}");
    let wait_ms = shut.until_ms.unwrap() - real_ms();
    assert!((2 * 3_600_000..4 * 3_600_000).contains(&wait_ms), "{wait_ms}");
    delivery.hurry_past_pauses();
    submit(&mut delivery, 10.0);
    assert_eq!(delivery.step().await, Outcome::Acked { settled: 1, pending: 3 }, "not even with last words");
    delivery.set_hours(hours_in(0));
    assert_eq!(delivery.shut(), None);
    assert_eq!(delivery.step().await, Outcome::Acked { settled: 3, pending: 0 });
    assert_eq!(seqs(&collector), ["1", "2", "3"]);
}

#[tokio::test]
async fn the_hours_go_by_the_collectors_clock_and_not_by_the_hosts() {
    for hours in [hours_in(0), hours_in(12)] {
        let collector = Collector::start(|_, body| take_all(body));
        let state = tempfile::tempdir().unwrap();
        // The host believes that it is 1970, at midnight.
        let mut delivery = with_history(&collector, state.path(), hours.clone()).await;
        submit(&mut delivery, 9.0);
        delivery.step().await;
        assert_eq!(delivery.shut().is_none(), hours == hours_in(0));
    }
}
