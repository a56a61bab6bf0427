//! A runner over sensors that answer, fail, hang and come back on command.

use super::*;
use crate::sensor::registry::{self, SensorConfig};
use crate::sensor::testing::values;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mood {
    Answer,
    Fail,
    Absent,
    Hang,
}

struct Stage {
    mood: Mutex<Mood>,
    changed: Condvar,
    reads: AtomicUsize,
}

struct Fake {
    name: &'static str,
    deadline: Duration,
    interval: Option<Duration>,
    stage: Arc<Stage>,
}

impl Sensor for Fake {
    fn name(&self) -> &'static str {
        self.name
    }

    fn interval(&self) -> Option<Duration> {
        self.interval
    }

    fn deadline(&self) -> Duration {
        self.deadline
    }

    fn stand_in(&self) -> Option<(&'static str, &'static str)> {
        (self.name == "mute").then_some(("fan", "mute"))
    }

    fn read(&mut self, _: &Paths) -> Result<Reading, NoData> {
        self.stage.reads.fetch_add(1, Ordering::SeqCst);
        let mood = self.stage.mood.lock().unwrap();
        let mood = *self.stage.changed.wait_while(mood, |mood| *mood == Mood::Hang).unwrap();
        match mood {
            Mood::Answer | Mood::Hang => Ok(reading(self.name)),
            Mood::Fail => Err(NoData::Unreadable { what: "/sys/x".into(), why: "gone".into() }),
            Mood::Absent => Err(NoData::Absent),
        }
    }
}

fn reading(name: &str) -> Reading {
    let part = Component {
        kind: "fan".into(),
        id: name.into(),
        name: String::new(),
        model: String::new(),
        serial: String::new(),
        state: State::Ok,
        reasons: vec![],
        figures: std::collections::BTreeMap::new(),
    };
    Reading { samples: vec![gauge(name, "1", 0, &[], Some(7.0))], components: vec![part] }
}

#[expect(clippy::disallowed_methods, reason = "the runner measures real threads here")]
fn clock() -> Instant {
    Instant::now()
}

fn fake(name: &'static str, mood: Mood, deadline_ms: u64) -> (Fake, Arc<Stage>) {
    let stage = Stage { mood: Mutex::new(mood), changed: Condvar::new(), reads: AtomicUsize::new(0) };
    let stage = Arc::new(stage);
    let fake = Fake {
        name,
        deadline: Duration::from_millis(deadline_ms),
        interval: None,
        stage: Arc::clone(&stage),
    };
    (fake, stage)
}

fn turn(stage: &Stage, mood: Mood) {
    *stage.mood.lock().unwrap() = mood;
    stage.changed.notify_all();
}

fn runner(fakes: Vec<Fake>) -> Runner {
    let sensors = fakes.into_iter().map(|fake| Box::new(fake) as Box<dyn Sensor>).collect();
    Runner::new(sensors, Paths::default(), clock)
}

fn states(round: &Round) -> Vec<(&'static str, SensorState)> {
    round.sensors.iter().map(|report| (report.name, report.state)).collect()
}

fn value(round: &Round, key: &str) -> Option<Option<f64>> {
    let reading = Reading { samples: round.samples.clone(), components: vec![] };
    values(&reading).get(key).copied()
}

#[tokio::test]
async fn a_hung_sensor_is_stale_holds_up_none_and_comes_back() {
    let (first, _) = fake("first", Mood::Answer, 5_000);
    let (hung, stage) = fake("hung", Mood::Answer, 200);
    let (last, _) = fake("last", Mood::Answer, 5_000);
    let mut runner = runner(vec![first, hung, last]);
    runner.round(clock()).await;
    turn(&stage, Mood::Hang);
    for _ in 0..3 {
        let round = runner.round(clock()).await;
        let expected =
            [("first", SensorState::Read), ("hung", SensorState::Stale), ("last", SensorState::Read)];
        assert_eq!(states(&round), expected);
        assert_eq!(value(&round, "hung"), Some(None));
        assert_eq!(value(&round, "last"), Some(Some(7.0)));
        assert_eq!(value(&round, "tram.sensor.state{tram.sensor=hung}"), Some(Some(2.0)));
        assert_eq!(round.components[1].state, State::Unknown);
        assert_eq!(round.components[1].reasons, ["no answer"]);
    }
    // Once before it hung, once since: no read was started beside the one that hangs.
    assert_eq!(stage.reads.load(Ordering::SeqCst), 2);
    turn(&stage, Mood::Answer);
    let mut round = runner.round(clock()).await;
    while value(&round, "hung") == Some(None) {
        tokio::task::yield_now().await;
        round = runner.round(clock()).await;
    }
    assert_eq!(round.components[1].state, State::Ok);
}

#[tokio::test]
async fn what_was_never_read_is_unknown_until_it_is_read_or_gone() {
    let (mute, stage) = fake("mute", Mood::Fail, 5_000);
    let (silent, _) = fake("silent", Mood::Fail, 5_000);
    let mut runner = runner(vec![mute, silent]);
    for _ in 0..2 {
        let round = runner.round(clock()).await;
        let [part] = round.components.as_slice() else { panic!("{round:?}") };
        assert_eq!((part.id.as_str(), part.state), ("mute", State::Unknown));
        assert_eq!(part.reasons, ["cannot read"]);
    }
    turn(&stage, Mood::Answer);
    assert_eq!(runner.round(clock()).await.components[0].state, State::Ok);
    turn(&stage, Mood::Absent);
    assert!(runner.round(clock()).await.components.is_empty());
}

#[tokio::test]
async fn sensors_that_hang_together_cost_one_deadline() {
    let (fakes, stages): (Vec<Fake>, Vec<Arc<Stage>>) =
        ["a", "b", "c", "d"].into_iter().map(|name| fake(name, Mood::Hang, 400)).unzip();
    let mut runner = runner(fakes);
    let started = clock();
    let round = runner.round(started).await;
    assert!(round.sensors.iter().all(|report| report.state == SensorState::Stale));
    assert!(started.elapsed() < Duration::from_millis(1_200), "{:?}", started.elapsed());
    stages.iter().for_each(|stage| turn(stage, Mood::Answer));
}

#[tokio::test]
async fn a_failing_sensor_says_why_and_keeps_its_places() {
    let (fake, stage) = fake("fan", Mood::Answer, 5_000);
    let mut runner = runner(vec![fake]);
    runner.round(clock()).await;
    turn(&stage, Mood::Fail);
    let round = runner.round(clock()).await;
    assert_eq!(round.sensors[0].why, "cannot read /sys/x: gone");
    assert_eq!(value(&round, "fan"), Some(None));
    assert_eq!(value(&round, "tram.sensor.state{tram.sensor=fan}"), Some(Some(1.0)));
    assert_eq!(round.components[0].reasons, ["cannot read"]);
}

#[tokio::test]
async fn what_the_host_does_not_have_leaves_no_trace_and_is_no_failure() {
    let (fake, stage) = fake("fan", Mood::Answer, 5_000);
    let mut runner = runner(vec![fake]);
    runner.round(clock()).await;
    turn(&stage, Mood::Absent);
    let round = runner.round(clock()).await;
    assert_eq!((value(&round, "fan"), round.components.len()), (None, 0));
    assert_eq!(value(&round, "tram.sensor.state{tram.sensor=fan}"), Some(Some(0.0)));
}

#[tokio::test]
async fn a_slow_sensor_is_read_only_when_it_is_due() {
    let (mut slow, stage) = fake("slow", Mood::Answer, 5_000);
    slow.interval = Some(Duration::from_secs(60));
    let mut runner = runner(vec![slow]);
    let start = clock();
    assert_eq!(value(&runner.round(start).await, "slow"), Some(Some(7.0)));
    let between = runner.round(start + Duration::from_secs(15)).await;
    assert_eq!((value(&between, "slow"), between.components.len()), (Some(None), 1));
    assert_eq!(value(&between, "tram.sensor.state{tram.sensor=slow}"), Some(None));
    runner.round(start + Duration::from_secs(60)).await;
    assert_eq!(stage.reads.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_sensor_with_a_long_deadline_is_read_beside_the_rounds() {
    let (mut fake, stage) = fake("smart", Mood::Hang, 60_000);
    fake.interval = Some(Duration::from_secs(3_600));
    let mut runner = runner(vec![fake]);
    runner.restore([("smart".to_owned(), reading("known").components)].into());
    // Started long before by the clock given, so that the round has no time left to wait for it.
    let start = clock() - ROUND_MAX;
    let round = runner.round(start).await;
    assert_eq!((states(&round), round.components[0].id.as_str()), (vec![], "known"));
    turn(&stage, Mood::Answer);
    let mut at = start;
    let mut round = runner.round(at).await;
    while round.sensors.is_empty() {
        tokio::task::yield_now().await;
        at += Duration::from_millis(1);
        round = runner.round(at).await;
    }
    assert_eq!(
        (states(&round), value(&round, "smart")),
        (vec![("smart", SensorState::Read)], Some(Some(7.0)))
    );
    assert_eq!(round.components[0].id, "smart");
    assert_eq!(runner.kept()["smart"], round.components);
    assert_eq!(stage.reads.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_long_deadline_ends_too() {
    let (fake, stage) = fake("smart", Mood::Hang, 60_000);
    let mut runner = runner(vec![fake]);
    let start = clock() - ROUND_MAX;
    assert!(runner.round(start).await.sensors.is_empty());
    let round = runner.round(start + Duration::from_secs(60)).await;
    assert_eq!(states(&round), [("smart", SensorState::Stale)]);
    turn(&stage, Mood::Answer);
}

#[tokio::test]
async fn every_sensor_of_this_host_is_read_or_absent() {
    let sensors = registry::all(&SensorConfig::default());
    let mut runner = Runner::new(sensors, Paths::default(), clock);
    let round = runner.round(clock()).await;
    let failing: Vec<&SensorReport> =
        round.sensors.iter().filter(|report| report.state != SensorState::Read).collect();
    assert!(failing.is_empty(), "{failing:?}");
    let again = runner.round(clock()).await;
    let columns =
        |round: &Round| round.samples.iter().map(|sample| sample.column.clone()).collect::<Vec<_>>();
    assert_eq!(columns(&round), columns(&again));
    tram_proto::component::check(&round.components).unwrap();
}
