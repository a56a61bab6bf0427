//! What is shown is what leaves: compared byte by byte with what a collector received.

use super::*;
use std::collections::BTreeMap;
use tram_proto::component::{Component, State};

/// A clock that stands, so that the moment of sending is that of looking.
struct StandingClock {
    now: Instant,
}

impl Clock for StandingClock {
    fn monotonic(&self) -> Instant {
        self.now
    }

    fn boot_ms(&self) -> u64 {
        777_000
    }

    fn wall_ms(&self) -> i64 {
        1_000
    }
}

fn standing() -> Arc<dyn Clock> {
    Arc::new(StandingClock { now: crate::clock::SystemClock.monotonic() })
}

fn measured(delivery: &Delivery) -> Measured {
    let column = |name: &str| Column {
        name: name.into(),
        attributes: Attributes::new(),
        unit: "1".into(),
        scale: 1,
        kind: Kind::Gauge,
    };
    let disk = Component {
        kind: "physical_disk".into(),
        id: "sda".into(),
        name: String::new(),
        model: "ổ đĩa".into(),
        serial: "S1".into(),
        state: State::Ok,
        reasons: vec![],
        figures: BTreeMap::new(),
    };
    let samples = (0..20).map(|number| Sample { column: column(&format!("x{number}")), value: Some(0.5) });
    Measured { samples: samples.collect(), components: vec![disk], moment: delivery.moment() }
}

async fn nothing() -> Measured {
    panic!("reports wait, so nothing is measured")
}

/// What is shown of a state directory.
async fn shown(state: &Path, known: Vec<CatalogueId>, measured: Option<Measured>) -> Preview {
    let clock = standing();
    match measured {
        Some(measured) => Preview::of(state, settings(), known, clock, async || measured).await.unwrap(),
        None => Preview::of(state, settings(), known, clock, nothing).await.unwrap(),
    }
}

/// Compares what is shown with the last request that came.
fn is_what_came(preview: &Preview, collector: &Collector) {
    let came = collector.batches().pop().unwrap();
    assert_eq!(preview.request.body, came, "{}", String::from_utf8_lossy(&preview.json));
    assert_eq!(preview.json, plain(&came));
    let [first, headers @ ..] = &*collector.last_head() else { panic!("no head") };
    assert_eq!(*first, "post /agent/v1/reports http/1.1");
    let mut shown: Vec<String> =
        preview.request.headers().iter().map(|(name, value)| format!("{name}: {value}")).collect();
    let mut came = headers.to_vec();
    shown.sort();
    came.sort();
    assert_eq!(shown, came);
}

#[tokio::test]
async fn what_is_shown_while_the_agent_runs_is_what_leaves_byte_by_byte() {
    let collector = Collector::start(|_, body| take_all(body));
    let state = tempfile::tempdir().unwrap();
    let mut delivery = enrolled(&collector, state.path(), standing()).await;
    for known in [false, true] {
        let Measured { samples, components, moment } = measured(&delivery);
        for _ in 0..3 {
            delivery.submit(&samples, &components, None, moment).unwrap();
        }
        let files = || walk(state.path());
        let before = files();
        let preview = shown(state.path(), delivery.known().collect(), None).await;
        assert_eq!(files(), before, "looking changes nothing");
        assert!(preview.is_spooled && preview.is_enrolled);
        assert!(matches!(delivery.step().await, Outcome::Acked { settled: 3, .. }));
        is_what_came(&preview, &collector);
        assert_eq!(preview.json.windows(4).any(|part| part == b"\"x0\""), !known, "a known catalogue stays");
        delivery.hurry();
    }
}

#[tokio::test]
async fn when_nothing_waits_what_is_measured_now_is_shown_as_it_would_leave() {
    let collector = Collector::start(|_, body| take_all(body));
    let state = tempfile::tempdir().unwrap();
    let mut delivery = enrolled(&collector, state.path(), standing()).await;
    let measured = measured(&delivery);
    let preview = shown(state.path(), vec![], Some(measured.clone())).await;
    assert!(!preview.is_spooled);
    delivery.submit(&measured.samples, &measured.components, None, measured.moment).unwrap();
    assert!(matches!(delivery.step().await, Outcome::Acked { settled: 1, .. }));
    is_what_came(&preview, &collector);
}

#[tokio::test]
async fn a_host_that_is_not_enrolled_shows_what_it_would_say() {
    let collector = Collector::start(|_, body| take_all(body));
    let (state, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let delivery = enrolled(&collector, other.path(), standing()).await;
    let preview = shown(state.path(), vec![], Some(measured(&delivery))).await;
    assert!(!preview.is_enrolled);
    let batch = Batch::decode(&preview.json).unwrap();
    assert_eq!((batch.agent.0, batch.reports.len(), batch.catalogues.len()), ([0; 16], 1, 1));
    assert_eq!(std::fs::read_dir(state.path()).unwrap().count(), 0, "looking makes nothing");
}

/// Every file below a folder with its bytes.
fn walk(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(walk(&path));
        } else {
            found.insert(path.display().to_string(), std::fs::read(&path).unwrap());
        }
    }
    found
}
