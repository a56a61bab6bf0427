//! History that is kept back: what leaves meanwhile, and what leaves then.

use super::*;
use crate::uplink::Lane;
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
async fn that_this_host_keeps_its_history_back_is_said_while_there_is_some() {
    let collector = Collector::start(|_, body| take_all(body));
    let state = tempfile::tempdir().unwrap();
    let Hours { asked: later, .. } = hours_in(3);
    let own = Hours { allowed: later, ..Hours::default() };
    let mut delivery = with_history(&collector, state.path(), own).await;
    submit(&mut delivery, 9.0);
    let said = |delivery: &mut Delivery| {
        let body = delivery.prepare(Lane::Live, 9).unwrap().body;
        serde_json::from_slice::<serde_json::Value>(&body).unwrap()["shut"].as_bool()
    };
    assert_eq!(said(&mut delivery), Some(true));
    delivery.set_hours(hours_in(3));
    assert_eq!(said(&mut delivery), None, "the policy's hours are the collector's own");
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

/// Answers every batch with a share of so many bytes a minute.
fn take_with_share(body: &[u8], bytes: u32) -> Reply {
    let plain = plain(body);
    let durable = Batch::decode(&plain).unwrap().reports.iter().map(|framed| framed.0).collect();
    Reply::json(200, &Ack { history_bytes_per_minute: Some(bytes), ..ack(durable, real_ms()) })
}

/// A clock that is moved by hand, in seconds.
struct HandClock(std::sync::atomic::AtomicU64, Instant);

impl Clock for HandClock {
    fn monotonic(&self) -> Instant {
        self.1 + Duration::from_millis(self.boot_ms())
    }

    fn boot_ms(&self) -> u64 {
        1_000 * self.0.load(std::sync::atomic::Ordering::Relaxed)
    }

    fn wall_ms(&self) -> i64 {
        real_ms()
    }
}

#[tokio::test]
async fn batches_of_history_are_as_small_as_the_share_wants_them() {
    const SHARE: u32 = 4_096;
    let collector = Collector::start(|_, body| take_with_share(body, SHARE));
    let state = tempfile::tempdir().unwrap();
    let store = IdentityStore::open(state.path()).unwrap();
    enroll(&store, order(&collector), clock(0)).await.unwrap();
    let hand = Arc::new(HandClock(100.into(), crate::clock::SystemClock.monotonic()));
    let settings = Settings { send_interval: Duration::from_secs(3_600), ..settings() };
    let earlier = Settings { boot: BootId([4; 8]), ..settings.clone() };
    let mut delivery = Delivery::open(state.path(), earlier, hand.clone()).unwrap();
    // What hardly compresses.
    let mut noise = crate::uplink::noise::Noise::new(5);
    for _ in 0..400 {
        submit(&mut delivery, (noise.share() * 1e15).floor());
    }
    drop(delivery);
    let mut delivery = Delivery::open(state.path(), settings, hand.clone()).unwrap();
    submit(&mut delivery, 1.0);
    // Before the first answer nothing is known of a budget; then it is, and what went before this start counts as spent.
    assert_eq!(delivery.step().await, Outcome::Acked { settled: 16, pending: 385 });
    assert!(tokio::time::timeout(Duration::from_millis(50), delivery.step()).await.is_err());
    let mut pending = 385;
    while pending > 0 {
        hand.0.fetch_add(61, std::sync::atomic::Ordering::Relaxed);
        let before = collector.batches().len();
        let Outcome::Acked { pending: left, .. } = delivery.step().await else { panic!("no answer") };
        let batches = collector.batches();
        assert_eq!(batches.len(), before + 1, "one batch a minute");
        let bytes = crate::uplink::pace::wire_bytes(batches[before].len());
        assert!(bytes <= u64::from(SHARE), "{bytes}");
        assert!(left == 0 || bytes > u64::from(SHARE) / 2, "{bytes} of {SHARE} is little");
        pending = left;
        assert_eq!(delivery.history_share(), Some((SHARE.into(), true)));
    }
    drop(delivery);
    // After a restart the share is known to be one, so not even the first batch takes history along.
    assert!(state.path().join("history-shared").exists());
}
