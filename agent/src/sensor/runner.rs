//! Reads sensors without ever being held up by one: each read has its sensor's deadline, and happens on a thread that
//! can be left behind. Knows nothing of what sensors read.
//!
//! One worker thread reads all sensors in turn and says so once, at the end: a word for each would cost more than most
//! reads. When nothing has come for [`PATIENCE`] the worker is left with its read and another takes over the rest, so that a round lasts as long as its slowest sensor, and at most [`ROUND_MAX`]. A
//! sensor whose deadline is longer is read beside the rounds: what it found before stands until it has answered. A
//! sensor whose read still runs is not started again: at most one thread per sensor can hang. Nothing joins a thread, so
//! shutdown waits for none.

use crate::sensor::merge::merge;
use crate::sensor::sample::{SCALE_DURATION, SCALE_WHOLE, gauge};
use crate::sensor::{NoData, Paths, Reading, Sample, Sensor, part};
use crate::tree::tree;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak, mpsc};
use std::time::{Duration, Instant};
use tokio::sync::Notify;
use tram_proto::component::{Component, State};
use tram_proto::sample as names;

/// A read that takes longer costs another thread.
const PATIENCE: Duration = Duration::from_millis(50);
/// No round of the running agent waits longer for a sensor.
pub const ROUND_MAX: Duration = Duration::from_secs(5);
/// What reading a sensor needs.
const STACK_BYTES: usize = 256 << 10;

/// What a sensor's last read came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SensorState {
    /// Read, or found that the host has none.
    Read,
    /// Could not be read.
    Failed,
    /// Missed its deadline.
    Stale,
}

impl SensorState {
    /// The number that `tram.sensor.state` carries.
    pub const fn code(self) -> i64 {
        match self {
            Self::Read => 0,
            Self::Failed => 1,
            Self::Stale => 2,
        }
    }
}

/// What one sensor came to in a round.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SensorReport {
    /// The sensor.
    pub name: &'static str,
    /// What its read came to.
    pub state: SensorState,
    /// What the read took; for a stale one, how long it has been running.
    pub took: Duration,
    /// Why it failed or is stale; empty otherwise.
    pub why: String,
    /// It was read, and this host has nothing of the kind.
    pub is_absent: bool,
}

/// What one round found.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Round {
    /// Values of all sensors, then `tram.sensor.duration` and `tram.sensor.state` of each. A sensor that failed, is
    /// stale or not due keeps its places without values, so that a report's shape does not change with it.
    pub samples: Vec<Sample>,
    /// The complete set of parts. Those of a sensor that failed or is stale are `unknown`, with the reason.
    pub components: Vec<Component>,
    /// One for each sensor that was due.
    pub sensors: Vec<SensorReport>,
}

/// Parts that sensors found last, by sensor, those with an interval and those that ask for it: what outlives a restart of the agent, so that
/// a part is not missing only because it has not been read again yet.
pub type Kept = BTreeMap<String, Vec<Component>>;

/// Owns the sensors and the threads that read them.
pub struct Runner {
    slots: Vec<Slot>,
    paths: Arc<Paths>,
    clock: fn() -> Instant,
    idle: Option<Worker>,
    desk: Arc<Desk>,
}

struct Slot {
    name: &'static str,
    deadline: Duration,
    interval: Option<Duration>,
    remembers: bool,
    /// None while a worker has it.
    sensor: Option<Box<dyn Sensor>>,
    started: Option<Instant>,
    last: Reading,
}

struct Job {
    place: usize,
    sensor: Box<dyn Sensor>,
}

struct Done {
    place: usize,
    sensor: Box<dyn Sensor>,
    result: Result<Reading, NoData>,
    took: Duration,
}

/// What the runner and its workers hand each other.
#[derive(Default)]
struct Desk {
    papers: Mutex<Papers>,
    /// Rung when a read has ended and none waits.
    bell: Notify,
}

#[derive(Default)]
struct Papers {
    waiting: VecDeque<Job>,
    done: Vec<Done>,
}

impl Desk {
    fn papers(&self) -> MutexGuard<'_, Papers> {
        // Nothing is left half done under this lock.
        self.papers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put_down(&self, done: Done) {
        let mut papers = self.papers();
        papers.done.push(done);
        if papers.waiting.is_empty() {
            self.bell.notify_one();
        }
    }
}

/// A thread that reads whatever waits whenever it is woken.
struct Worker(mpsc::SyncSender<()>);

impl Runner {
    /// Over these sensors and sources; `clock` measures what reads take.
    pub fn new(sensors: Vec<Box<dyn Sensor>>, paths: Paths, clock: fn() -> Instant) -> Self {
        let slot = |sensor: Box<dyn Sensor>| Slot {
            name: sensor.name(),
            deadline: sensor.deadline(),
            interval: sensor.interval(),
            remembers: sensor.remembers(),
            sensor: Some(sensor),
            started: None,
            last: Reading::default(),
        };
        let slots = sensors.into_iter().map(slot).collect();
        Self { slots, paths: Arc::new(paths), clock, idle: None, desk: Arc::default() }
    }

    /// What was found before the agent was started, for sensors that have not been read since.
    pub fn restore(&mut self, mut kept: Kept) {
        for slot in self.slots.iter_mut().filter(|slot| slot.started.is_none()) {
            let Some(parts) = kept.remove(slot.name) else { continue };
            if let Some(sensor) = slot.sensor.as_mut().filter(|sensor| sensor.remembers()) {
                sensor.recall(&parts);
            }
            // One without an interval is read before anyone looks.
            if slot.interval.is_some() {
                slot.last.components = parts;
            }
        }
    }

    /// What sensors found last that want to know it after a restart.
    pub fn kept(&self) -> Kept {
        let kept = self.slots.iter().filter(|slot| slot.remembers && !slot.last.components.is_empty());
        tree(kept.map(|slot| (slot.name.to_owned(), slot.last.components.clone())))
    }

    /// Reads the sensors that are due. Ends when all have answered or missed their deadlines, after [`ROUND_MAX`] at
    /// most.
    pub async fn round(&mut self, now: Instant) -> Round {
        self.round_within(now, ROUND_MAX).await
    }

    /// The same, but waits for each sensor until its own deadline.
    pub async fn patient_round(&mut self, now: Instant) -> Round {
        self.round_within(now, Duration::MAX).await
    }

    async fn round_within(&mut self, now: Instant, limit: Duration) -> Round {
        let mut reports: Vec<Option<SensorReport>> = self.slots.iter().map(|_| None).collect();
        self.take_back_late(&mut reports);
        for place in 0..self.slots.len() {
            if self.is_due(place, now) {
                self.hand_out(place, now);
            }
        }
        while self.desk.papers().waiting.front().is_some() && self.wake_worker() {
            if !self.wait(&mut reports, PATIENCE).await {
                self.idle = None;
            }
        }
        // Sensors slower than the patience run side by side by now; each has its own deadline.
        while let Some(left) = self.next_deadline(&reports, now, limit) {
            self.wait(&mut reports, left).await;
        }
        self.conclude(reports, now)
    }

    /// A read that has ended after its round: the sensor is back. What one found that is read beside the rounds counts;
    /// the old values of another are of no use.
    fn take_back_late(&mut self, reports: &mut [Option<SensorReport>]) {
        for done in self.pick_up() {
            match self.slots.get_mut(done.place) {
                Some(slot) if slot.is_beside() => self.take_in(reports, done),
                Some(slot) => {
                    slot.sensor = Some(done.sensor);
                    slot.started = None;
                }
                None => {}
            }
        }
    }

    fn is_due(&self, place: usize, now: Instant) -> bool {
        self.slots.get(place).is_some_and(|slot| {
            let rested = |interval| slot.started.is_none_or(|started| now >= started + interval);
            slot.sensor.is_some() && slot.interval.is_none_or(rested)
        })
    }

    fn hand_out(&mut self, place: usize, now: Instant) {
        let Some(slot) = self.slots.get_mut(place) else { return };
        let Some(sensor) = slot.sensor.take() else { return };
        slot.started = Some(now);
        self.desk.papers().waiting.push_back(Job { place, sensor });
    }

    fn pick_up(&self) -> Vec<Done> {
        std::mem::take(&mut self.desk.papers().done)
    }

    /// Whether a worker knows that reads wait. Where there can be none, nothing waits any longer.
    fn wake_worker(&mut self) -> bool {
        // A full channel: it has been woken and has not looked yet.
        if self.idle.as_ref().is_some_and(|worker| match worker.0.try_send(()) {
            Ok(()) | Err(mpsc::TrySendError::Full(())) => true,
            Err(mpsc::TrySendError::Disconnected(())) => false,
        }) {
            return true;
        }
        match spawn(Arc::clone(&self.paths), Arc::downgrade(&self.desk), self.clock) {
            Ok(worker) => {
                // The channel has room for one and its reader has just been made.
                let woken = worker.0.try_send(()).is_ok();
                self.idle = Some(worker);
                woken
            }
            Err(error) => {
                tracing::warn!(%error, "no thread to read sensors on");
                let waiting = std::mem::take(&mut self.desk.papers().waiting);
                for Job { place, sensor } in waiting {
                    if let Some(slot) = self.slots.get_mut(place) {
                        slot.sensor = Some(sensor);
                    }
                }
                false
            }
        }
    }

    /// Takes in what has come, or comes first; whether anything did.
    async fn wait(&mut self, reports: &mut [Option<SensorReport>], patience: Duration) -> bool {
        let mut expiry = std::pin::pin!(tokio::time::sleep(patience));
        let mut is_late = false;
        loop {
            let done = self.pick_up();
            if is_late || !done.is_empty() {
                let has_come = !done.is_empty();
                done.into_iter().for_each(|done| self.take_in(reports, done));
                return has_come;
            }
            tokio::select! {
                biased;
                () = self.desk.bell.notified() => {}
                () = &mut expiry => is_late = true,
            }
        }
    }

    fn take_in(&mut self, reports: &mut [Option<SensorReport>], done: Done) {
        let (Some(slot), Some(report)) = (self.slots.get_mut(done.place), reports.get_mut(done.place)) else {
            return;
        };
        slot.interval = done.sensor.interval();
        slot.sensor = Some(done.sensor);
        let is_absent = matches!(done.result, Err(NoData::Absent));
        let (state, why) = match done.result {
            Ok(reading) => {
                slot.last = reading;
                (SensorState::Read, String::new())
            }
            Err(NoData::Absent) => {
                slot.last = Reading::default();
                (SensorState::Read, String::new())
            }
            Err(error @ (NoData::Unreadable { .. } | NoData::Malformed { .. })) => {
                let known = &mut slot.last.components;
                let stand_in = slot.sensor.as_ref().and_then(|sensor| sensor.stand_in());
                known.extend(
                    stand_in.filter(|_| known.is_empty()).map(|(kind, id)| part::unreadable(kind, id, "")),
                );
                (SensorState::Failed, error.to_string())
            }
        };
        *report = Some(SensorReport { name: slot.name, state, took: done.took, why, is_absent });
    }

    /// Time left for the sensor of this round that may take longest; none when all have answered or run out of time.
    fn next_deadline(
        &self,
        reports: &[Option<SensorReport>],
        now: Instant,
        limit: Duration,
    ) -> Option<Duration> {
        let passed = (self.clock)().saturating_duration_since(now);
        let running = |(slot, report): (&Slot, &Option<SensorReport>)| {
            let this_round = slot.sensor.is_none() && slot.started == Some(now) && report.is_none();
            slot.deadline.min(limit).checked_sub(passed).filter(|left| this_round && !left.is_zero())
        };
        self.slots.iter().zip(reports).filter_map(running).max()
    }

    fn conclude(&self, reports: Vec<Option<SensorReport>>, now: Instant) -> Round {
        let mut round = Round::default();
        for (slot, report) in self.slots.iter().zip(reports) {
            let report = report.or_else(|| slot.stale(now));
            let read = report.as_ref().is_some_and(|report| report.state == SensorState::Read);
            if read {
                round.samples.extend(slot.last.samples.iter().cloned());
            } else {
                round
                    .samples
                    .extend(slot.last.samples.iter().map(|sample| Sample { value: None, ..sample.clone() }));
            }
            round.components.extend(slot.components(report.as_ref()));
            round.sensors.extend(report);
        }
        round.components = merge(std::mem::take(&mut round.components));
        for slot in &self.slots {
            let report = round.sensors.iter().find(|report| report.name == slot.name);
            round.samples.extend(own_samples(slot.name, report));
        }
        round
    }
}

impl Slot {
    /// Whether its reads may outlast the round that they began in.
    fn is_beside(&self) -> bool {
        self.deadline > ROUND_MAX
    }

    /// A sensor that a worker still has; none for one that is merely not due, or still has time.
    fn stale(&self, now: Instant) -> Option<SensorReport> {
        let has_time = self.is_beside() && self.started.is_some_and(|started| now < started + self.deadline);
        let running = self.sensor.is_none() && !has_time;
        let took = self.started.map_or(self.deadline, |started| now.saturating_duration_since(started));
        let took = took.max(self.deadline);
        let why = format!("no answer within {} s", self.deadline.as_secs_f64());
        let state = SensorState::Stale;
        running.then_some(SensorReport { name: self.name, state, took, why, is_absent: false })
    }

    fn components(&self, report: Option<&SensorReport>) -> Vec<Component> {
        let reason = match report.map(|report| report.state) {
            None | Some(SensorState::Read) => return self.last.components.clone(),
            Some(SensorState::Failed) => "cannot read",
            Some(SensorState::Stale) => "no answer",
        };
        let unknown = |part: &Component| Component {
            state: State::Unknown,
            reasons: vec![reason.to_owned()],
            ..part.clone()
        };
        self.last.components.iter().map(unknown).collect()
    }
}

/// The sensor's own two samples; without values when it was not due.
fn own_samples(name: &str, report: Option<&SensorReport>) -> [Sample; 2] {
    let attributes = [(names::SENSOR, name)];
    let took_s = report.map(|report| report.took.as_secs_f64());
    let state = report.map(|report| report.state.code() as f64);
    [
        gauge(names::SENSOR_DURATION, "s", SCALE_DURATION, &attributes, took_s),
        gauge(names::SENSOR_STATE, "1", SCALE_WHOLE, &attributes, state),
    ]
}

/// The worker ends when the runner lets go of its channel, or is no more.
fn spawn(paths: Arc<Paths>, desk: Weak<Desk>, clock: fn() -> Instant) -> std::io::Result<Worker> {
    let (sender, woken) = mpsc::sync_channel::<()>(1);
    let next = |desk: &Weak<Desk>| desk.upgrade()?.papers().waiting.pop_front();
    let work = move || {
        for () in woken {
            while let Some(Job { place, mut sensor }) = next(&desk) {
                let started = clock();
                let result = sensor.read(&paths);
                let took = clock().saturating_duration_since(started);
                let Some(desk) = desk.upgrade() else { return };
                desk.put_down(Done { place, sensor, result, took });
            }
        }
    };
    std::thread::Builder::new().name("sensors".into()).stack_size(STACK_BYTES).spawn(work)?;
    Ok(Worker(sender))
}

#[cfg(test)]
mod tests;
