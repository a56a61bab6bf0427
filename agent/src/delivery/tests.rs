//! Enrolment, delivery and renewal against a small collector of the test's own, over real TLS on the loopback.

use super::*;
use crate::enroll::{EnrollError, Order, enroll};
use collector::{Authority, Collector, Reply};
use std::time::Instant;
use tram_proto::ack::Ack;
use tram_proto::catalogue::{Column, Kind};
use tram_proto::encoding;
use tram_proto::enroll::Token;
use tram_proto::ranges::Ranges;
use tram_proto::report::Batch;

mod collector;
mod history;
mod payload;
mod policy;
mod proxy;
mod way;

const YEAR_MS: i64 = 365 * 86_400_000;

/// A clock whose wall side says what it is told.
struct OddClock {
    wall_ms: i64,
}

impl Clock for OddClock {
    fn monotonic(&self) -> Instant {
        crate::clock::SystemClock.monotonic()
    }

    fn boot_ms(&self) -> u64 {
        crate::clock::SystemClock.boot_ms()
    }

    fn wall_ms(&self) -> i64 {
        self.wall_ms
    }
}

fn real_ms() -> i64 {
    crate::clock::SystemClock.wall_ms()
}

fn clock(wall_ms: i64) -> Arc<dyn Clock> {
    Arc::new(OddClock { wall_ms })
}

fn settings() -> Settings {
    Settings {
        boot: BootId([5; 8]),
        resource: Attributes::new(),
        send_interval: Duration::from_millis(10),
        spool: Bounds { bytes_max: 1 << 20, age_max: Duration::from_secs(30 * 86_400) },
        policy: 0,
        route: Route::default(),
        collectors: vec![],
        hours: Hours::default(),
        history_limit: None,
    }
}

fn order(collector: &Collector) -> Order {
    // Issued before the server's own certificate began.
    let token = Token {
        ca_sha256: collector.authority().sha256(),
        issued_ms: real_ms() - 86_400_000,
        secret: [3; 20],
    };
    Order {
        collector: collector.url(),
        token,
        machine: "0".repeat(64),
        resource: Attributes::new(),
        route: Route::default(),
    }
}

async fn enrolled(collector: &Collector, state: &Path, clock: Arc<dyn Clock>) -> Delivery {
    let store = IdentityStore::open(state).unwrap();
    enroll(&store, order(collector), clock.clone()).await.unwrap();
    Delivery::open(state, settings(), clock).unwrap()
}

fn submit(delivery: &mut Delivery, value: f64) -> Seq {
    let column = Column {
        name: "x".into(),
        attributes: Attributes::new(),
        unit: "1".into(),
        scale: 0,
        kind: Kind::Gauge,
    };
    let moment = delivery.moment();
    delivery.submit(&[Sample { column, value: Some(value) }], &[], None, moment).unwrap()
}

fn ack(durable: Ranges, collector_ms: i64) -> Ack {
    Ack {
        collector_ms,
        durable,
        refused: vec![],
        need: None,
        need_catalogues: vec![],
        need_components: false,
        new_spool: false,
        policy: 0,
        pause_ms: None,
        history_bytes_per_minute: None,
    }
}

fn plain(body: &[u8]) -> Vec<u8> {
    encoding::decompress(Some("zstd"), body).unwrap_or_else(|_| body.to_vec())
}

/// Takes every report of a batch.
fn take_all(body: &[u8]) -> Reply {
    let bytes = plain(body);
    let batch = Batch::decode(&bytes).unwrap();
    let durable = batch.reports.iter().map(|framed| framed.0).collect();
    Reply::json(200, &ack(durable, real_ms()))
}

#[tokio::test]
async fn a_host_with_any_clock_enrols_and_reports() {
    for wall_ms in [0, 120 * YEAR_MS] {
        let collector = Collector::start(|_, body| take_all(body));
        let state = tempfile::tempdir().unwrap();
        let mut delivery = enrolled(&collector, state.path(), clock(wall_ms)).await;
        assert_eq!(submit(&mut delivery, 1.0), 1);
        assert_eq!(delivery.step().await, Outcome::Acked { settled: 1, pending: 0 });
        assert!((delivery.collector_time_ms() - real_ms()).abs() < 10_000);
    }
}

#[tokio::test]
async fn the_secret_is_not_sent_to_a_server_of_another_authority() {
    let collector = Collector::start(|_, body| take_all(body));
    let state = tempfile::tempdir().unwrap();
    let store = IdentityStore::open(state.path()).unwrap();
    let mut order = order(&collector);
    order.token.ca_sha256 = Authority::new().sha256();
    let error = enroll(&store, order, clock(0)).await.unwrap_err();
    assert!(matches!(error, EnrollError::Unreachable { .. }), "{error}");
    assert_eq!(collector.requests(), 0);
    assert_eq!(store.current().unwrap(), None);
}

#[tokio::test]
async fn enrolment_can_be_repeated_with_the_same_key() {
    let collector = Collector::start(|_, body| take_all(body));
    let state = tempfile::tempdir().unwrap();
    let store = IdentityStore::open(state.path()).unwrap();
    let first = enroll(&store, order(&collector), clock(0)).await.unwrap();
    let again = enroll(&store, order(&collector), clock(0)).await.unwrap();
    assert_eq!(first.key_der().unwrap(), again.key_der().unwrap());
    let mut other = order(&collector);
    other.token.secret = [4; 20];
    let other = enroll(&store, other, clock(0)).await.unwrap();
    assert_ne!(first.key_der().unwrap(), other.key_der().unwrap(), "another token, another key");
}

#[tokio::test]
async fn state_is_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let collector = Collector::start(|_, body| take_all(body));
    let root = tempfile::tempdir().unwrap();
    let state = root.path().join("state");
    enrolled(&collector, &state, clock(0)).await;
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&state), 0o700);
    assert_eq!(mode(&state.join("identity.json")), 0o600);
}

#[tokio::test]
async fn an_answer_that_is_lost_is_resent_unchanged() {
    let collector =
        Collector::start(move |number, body| if number == 0 { Reply::Hangup } else { take_all(body) });
    let state = tempfile::tempdir().unwrap();
    let mut delivery = enrolled(&collector, state.path(), clock(0)).await;
    submit(&mut delivery, 1.0);
    assert!(matches!(delivery.step().await, Outcome::Failed { failure: Failure::Unreachable, .. }));
    assert_eq!(delivery.step().await, Outcome::Acked { settled: 1, pending: 0 });
    let reports: Vec<String> = collector.reports().into_iter().flatten().collect();
    assert_eq!(reports.len(), 2);
    assert_eq!(reports[0], reports[1]);
}

#[tokio::test]
async fn what_was_not_acknowledged_is_sent_after_a_restart() {
    let collector = Collector::start(move |_, body| take_all(body));
    let state = tempfile::tempdir().unwrap();
    let mut delivery = enrolled(&collector, state.path(), clock(0)).await;
    for value in 0..40 {
        submit(&mut delivery, f64::from(value));
    }
    drop(delivery);
    let mut delivery = Delivery::open(state.path(), settings(), clock(0)).unwrap();
    assert_eq!(delivery.step().await, Outcome::Acked { settled: 16, pending: 24 });
    assert_eq!(delivery.step().await, Outcome::Acked { settled: 24, pending: 0 });
}

#[tokio::test]
async fn a_catalogue_travels_until_it_is_known_and_again_when_asked_for() {
    let collector = Collector::start(move |number, body| {
        let Reply::Answer { body: answer, .. } = take_all(body) else { return Reply::Hangup };
        let mut ack: Ack = serde_json::from_slice(&answer).unwrap();
        if number == 1 {
            let bytes = plain(body);
            let batch = Batch::decode(&bytes).unwrap();
            let report = tram_proto::report::Report::decode(batch.reports[0].1.get().as_bytes()).unwrap();
            ack.need_catalogues = vec![report.catalogue];
        }
        Reply::json(200, &ack)
    });
    let state = tempfile::tempdir().unwrap();
    let mut delivery = enrolled(&collector, state.path(), clock(0)).await;
    for value in [1.0, 2.0, 3.0] {
        submit(&mut delivery, value);
        assert!(matches!(delivery.step().await, Outcome::Acked { settled: 1, .. }));
    }
    assert_eq!(collector.catalogues(), [1, 0, 1]);
}

#[tokio::test]
async fn a_certificate_near_its_end_is_replaced_and_the_old_one_kept_until_the_new_one_worked() {
    let collector = Collector::start(|_, body| take_all(body));
    collector.age_leaves(Duration::from_secs(300 * 86_400));
    let state = tempfile::tempdir().unwrap();
    let mut delivery = enrolled(&collector, state.path(), clock(120 * YEAR_MS)).await;
    let old = delivery.identity().clone();
    collector.age_leaves(Duration::ZERO);
    submit(&mut delivery, 1.0);
    assert_eq!(delivery.step().await, Outcome::Renewed);
    let store = IdentityStore::open(state.path()).unwrap();
    assert_eq!(store.current().unwrap(), Some(old.clone()), "the new one has not worked yet");
    assert_eq!(delivery.step().await, Outcome::Acked { settled: 1, pending: 0 });
    let renewed = store.current().unwrap().unwrap();
    assert_ne!(renewed.key_der().unwrap(), old.key_der().unwrap());
    assert_eq!((store.next().unwrap(), renewed.agent), (None, old.agent));
    let shown = collector.shown();
    assert_eq!(shown.last(), Some(&renewed.certificate_der().unwrap().to_vec()));
}

#[tokio::test]
async fn a_copied_spool_is_left_for_a_new_one() {
    let collector = Collector::start(move |number, body| {
        if number > 0 {
            return take_all(body);
        }
        Reply::json(200, &Ack { new_spool: true, ..ack(Ranges::new(), real_ms()) })
    });
    let state = tempfile::tempdir().unwrap();
    let mut delivery = enrolled(&collector, state.path(), clock(0)).await;
    let old = delivery.spool().id();
    submit(&mut delivery, 1.0);
    assert_eq!(delivery.step().await, Outcome::Acked { settled: 0, pending: 1 });
    assert_ne!(delivery.spool().id(), old);
    assert_eq!(delivery.step().await, Outcome::Acked { settled: 1, pending: 0 });
}

#[tokio::test]
async fn a_damaged_identity_is_named_and_enrolling_again_mends_it() {
    let collector = Collector::start(|_, body| take_all(body));
    let state = tempfile::tempdir().unwrap();
    drop(enrolled(&collector, state.path(), clock(0)).await);
    std::fs::write(state.path().join("identity.json"), b"{\"agent\":").unwrap();
    let error = Delivery::open(state.path(), settings(), clock(0)).err().unwrap().to_string();
    assert!(error.contains("identity.json is damaged") && error.contains("enrol again"), "{error}");
    enrolled(&collector, state.path(), clock(0)).await;
}

#[tokio::test]
async fn a_damaged_renewed_identity_leaves_the_old_one_in_use() {
    let collector = Collector::start(|_, body| take_all(body));
    let state = tempfile::tempdir().unwrap();
    drop(enrolled(&collector, state.path(), clock(0)).await);
    std::fs::write(state.path().join("identity-next.json"), b"garbage").unwrap();
    let mut delivery = Delivery::open(state.path(), settings(), clock(0)).unwrap();
    submit(&mut delivery, 1.0);
    assert_eq!(delivery.step().await, Outcome::Acked { settled: 1, pending: 0 });
}
