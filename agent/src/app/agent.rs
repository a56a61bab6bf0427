//! The running agent: one loop that waits for an event and applies it. All state has this one owner.

use super::parts::Parts;
use super::{Trouble, notes, policy, reach_config, runner};
use crate::clock::{Clock, SystemClock};
use crate::config::Config;
use crate::delivery::{Delivery, Outcome};
use crate::host::{BootMarker, Host, end_at};
use crate::schedule::Schedule;
use crate::sensor::reach::{Ladder, News, Probed, Reachability};
use crate::sensor::runner::{Round, Runner};
use crate::sensor::ups::is_power_failing;
use crate::sensor::{Paths, Sample, registry};
use crate::status::{Failing, Paced, Status, Unfollowed, Unkept};
use crate::system::Stop;
use crate::uplink::{Failure, Refusal, Standing};
use crate::urgency::Urgency;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{sleep, timeout};
use tram_proto::component::Component;
use tram_proto::policy::Policy;
use tram_proto::reach::Verdict;
use tram_proto::report::{End, Moment};

/// How long the last round may take when the agent is stopped, and then the last send.
const LAST_ROUND_TIMEOUT: Duration = Duration::from_secs(1);
const LAST_SEND_TIMEOUT: Duration = Duration::from_secs(3);
/// Climbs that may be missed before the verdict counts as unknown.
const CLIMBS_MISSED_MAX: u32 = 3;
/// Climbs in a row that may trust the collector's answers; the next one tries its port all the same, which alone tells the
/// round trip.
const CLIMBS_UNPROBED_MAX: u32 = 4;
/// How much older than a climb an answer may be to stand for a probe: requests and climbs keep the same pace, but not step.
const ANSWER_SLACK: Duration = Duration::from_secs(5);
/// How old the written status gets while reports wait.
const STATUS_INTERVAL_MS: u64 = 90_000;

/// What can happen.
enum Event {
    /// Something is due.
    Tick,
    /// The sensors were read.
    Measured(Runner, Round),
    /// The ladder was climbed.
    Climbed(Reachability, Vec<Probed>),
    /// A request came to something.
    Delivered(Outcome),
    /// The agent is to stop.
    Stop(Stop),
}

type Task<T> = Option<Pin<Box<dyn Future<Output = T>>>>;

struct Agent {
    clock: Arc<SystemClock>,
    /// As this host's administrator set it; policies are applied to this.
    own: Config,
    config: Config,
    host: Host,
    marker: BootMarker,
    delivery: Delivery,
    schedule: Schedule,
    /// None while it measures.
    runner: Option<Runner>,
    measuring: Task<(Runner, Round)>,
    /// What slow sensors found last, for the next start.
    parts: Parts,
    ladder: Arc<Ladder>,
    climbing: Task<(Reachability, Vec<Probed>)>,
    /// Climbs in a row that trusted the collector's answers.
    climbs_unprobed: u32,
    verdict: Verdict,
    /// The last climb's samples and when it ended, in milliseconds of this boot.
    climbed: Option<(Vec<Sample>, u64)>,
    last: (Vec<Sample>, Vec<Component>),
    urgency: Urgency,
    /// A supply's battery is nearly empty: that was sent, whatever pauses were agreed.
    is_power_failing: bool,
    status: Status,
    /// When the status is written again though nothing happened, in milliseconds of this boot.
    status_due_ms: u64,
}

/// Runs until it is asked to stop.
pub(super) async fn run(config: Config, stop: impl Future<Output = Stop>) -> Result<(), Trouble> {
    let mut stop = pin!(stop);
    let mut agent = Agent::new(config)?;
    tracing::info!(agent = %agent.delivery.identity().agent, collector = agent.delivery.address(), "agent started");
    loop {
        let event = agent.next_event(stop.as_mut()).await;
        if let Event::Stop(stop) = event {
            agent.last_words(stop).await;
            return Ok(());
        }
        agent.apply(event);
    }
}

impl Agent {
    fn new(own: Config) -> Result<Self, Trouble> {
        let clock = Arc::new(SystemClock);
        let host = Host::read(&Paths::default());
        let marker = BootMarker::open(&own.state, host.boot);
        let policy = policy::read(&own.state);
        let config = policy.as_ref().map_or_else(|| own.clone(), |policy| own.under(policy).0);
        let settings = policy::settings(&config, &host, policy.as_ref());
        let delivery = Delivery::open(&own.state, settings, clock.clone())?;
        let mut sensors = config.sensors.clone();
        sensors.boot_unclean = marker.unclean();
        let ladder = Arc::new(Ladder::new(reach_config(&config, Some(delivery.address()))));
        let parts = Parts::read(&own.state);
        let mut runner = runner(&config, registry::all(&sensors));
        runner.restore(parts.kept().clone());
        Ok(Self {
            schedule: Schedule::new(config.sample_interval, config.probe_interval, clock.monotonic()),
            runner: Some(runner),
            parts,
            measuring: None,
            climbing: None,
            climbs_unprobed: 0,
            verdict: Verdict::Unknown,
            climbed: None,
            last: (vec![], vec![]),
            urgency: Urgency::new(config.urgent.clone()),
            is_power_failing: false,
            status: Status { boot: host.boot, ..Status::default() },
            status_due_ms: 0,
            clock,
            own,
            config,
            host,
            marker,
            delivery,
            ladder,
        })
    }

    async fn next_event(&mut self, stop: Pin<&mut impl Future<Output = Stop>>) -> Event {
        let until_due = self.schedule.next().saturating_duration_since(self.clock.monotonic());
        tokio::select! {
            biased;
            stop = stop => Event::Stop(stop),
            (runner, round) = finished(&mut self.measuring) => Event::Measured(runner, round),
            (reachability, probed) = finished(&mut self.climbing) => Event::Climbed(reachability, probed),
            outcome = self.delivery.step() => Event::Delivered(outcome),
            () = sleep(until_due) => Event::Tick,
        }
    }

    fn apply(&mut self, event: Event) {
        match event {
            Event::Tick => self.begin_what_is_due(),
            Event::Measured(runner, round) => {
                self.parts.keep(&self.own.state, runner.kept());
                self.runner = Some(runner);
                self.report(round);
            }
            Event::Climbed(reachability, probed) => self.apply_climb(&reachability, &probed),
            Event::Delivered(outcome) => self.apply_outcome(outcome),
            // Handled by the caller, whose loop it ends.
            Event::Stop(_) => {}
        }
    }

    fn begin_what_is_due(&mut self) {
        let due = self.schedule.take_due(self.clock.monotonic());
        if due.sample {
            self.measure();
        }
        if due.probe && self.climbing.is_none() {
            let (ladder, news) = (self.ladder.clone(), self.news());
            self.climbing =
                Some(Box::pin(async move { tokio::join!(ladder.climb_with(news), ladder.probe()) }));
        }
    }

    /// What a climb that begins now need not find out.
    fn news(&mut self) -> News {
        let answered_ms = self.status.reached_boot_ms.filter(|_| self.status.failing.is_none());
        let age = answered_ms.map(|ms| Duration::from_millis(self.clock.boot_ms().saturating_sub(ms)));
        let is_fresh = age.is_some_and(|age| age <= self.config.probe_interval + ANSWER_SLACK);
        if is_fresh && self.climbs_unprobed < CLIMBS_UNPROBED_MAX {
            self.climbs_unprobed += 1;
            return News::Answered;
        }
        self.climbs_unprobed = 0;
        News::None
    }

    fn measure(&mut self) {
        // A round that still runs has its own deadline; this tick is missed.
        let Some(mut runner) = self.runner.take() else { return };
        let now = self.clock.monotonic();
        self.measuring = Some(Box::pin(async move {
            let round = runner.round(now).await;
            (runner, round)
        }));
    }

    fn report(&mut self, round: Round) {
        notes::sensors(&mut self.status, &round.sensors, self.clock.boot_ms());
        notes::unknown(&mut self.status, &round.components);
        let Round { mut samples, components, .. } = round;
        samples.extend(self.reach_samples());
        self.urgency.handle_round(&samples, &components);
        self.submit(&samples, &components, None);
        let was_failing = std::mem::replace(&mut self.is_power_failing, is_power_failing(&components));
        if self.is_power_failing && !was_failing {
            tracing::warn!("the battery is nearly empty");
            self.delivery.hurry_past_pauses();
        } else if self.urgency.should_send(self.clock.monotonic()) {
            self.delivery.hurry();
        }
        self.last = (samples, components);
    }

    fn submit(&mut self, samples: &[Sample], components: &[Component], end: Option<End>) {
        let moment =
            Moment { boot: self.host.boot, boot_ms: self.clock.boot_ms(), wall_ms: self.clock.wall_ms() };
        let kept = self.delivery.submit(samples, components, end, moment);
        let unkept = kept.err().map(|error| Unkept::from(&error));
        match (&unkept, &self.status.unkept) {
            (Some(unkept), None) => {
                tracing::warn!(why = unkept.words, "reports cannot be kept; they are lost")
            }
            (None, Some(_)) => {
                tracing::info!(dropped = self.delivery.spool().figures().dropped, "reports are kept again");
            }
            (Some(_), Some(_)) | (None, None) => {}
        }
        let is_news = unkept != self.status.unkept;
        self.status.unkept = unkept;
        if is_news || self.clock.boot_ms() >= self.status_due_ms {
            self.write_status();
        }
        // Otherwise it is written with the next answer, and only few wait until then.
        if self.status.failing.is_some() {
            self.write_status();
        }
    }

    /// What the ladder said last, unless that is too long ago: then its places stay without values.
    fn reach_samples(&self) -> Vec<Sample> {
        let Some((samples, climbed_ms)) = &self.climbed else { return vec![] };
        let patience = self.config.probe_interval * CLIMBS_MISSED_MAX;
        let age = Duration::from_millis(self.clock.boot_ms().saturating_sub(*climbed_ms));
        let blank = |sample: &Sample| Sample { value: None, ..sample.clone() };
        if age <= patience { samples.clone() } else { samples.iter().map(blank).collect() }
    }

    fn apply_climb(&mut self, reachability: &Reachability, probed: &[Probed]) {
        let mut samples = reachability.samples();
        samples.extend(probed.iter().flat_map(Probed::samples));
        self.climbed = Some((samples, self.clock.boot_ms()));
        self.status.reached = Some(notes::reached(reachability, probed, self.clock.boot_ms()));
        if reachability.verdict != self.verdict {
            tracing::info!(
                verdict = reachability.verdict.as_str(),
                before = self.verdict.as_str(),
                "reachability changed"
            );
            self.verdict = reachability.verdict;
            self.urgency.handle_verdict();
            self.schedule.sample_now(self.clock.monotonic());
        }
    }

    fn apply_outcome(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Acked { pending, .. } => {
                if pending == 0 {
                    self.urgency.handle_sent();
                }
                if self.status.failing.take().is_some() || self.status.reached_boot_ms.is_none() {
                    tracing::info!(collector = self.delivery.address(), "the collector answers");
                }
                self.status.reached_boot_ms = Some(self.clock.boot_ms());
                self.set_ladder();
                self.status.clock_ahead_ms = Some(self.clock.wall_ms() - self.delivery.collector_time_ms());
            }
            Outcome::Failed { failure, words } => {
                let failing = Failing { how: failure.into(), words };
                if self.status.failing.as_ref() != Some(&failing) {
                    self.log_failure(failure, &failing.words);
                }
                self.status.failing = Some(failing);
            }
            Outcome::Policy(policy) => self.follow(policy),
            Outcome::Unfollowed { version, words } => {
                self.status.unfollowed = Some(Unfollowed { version, words });
            }
            Outcome::Renewed => tracing::info!("the certificate was renewed"),
        }
        self.write_status();
    }

    fn log_failure(&self, failure: Failure, words: &str) {
        match failure {
            Failure::Refused(Refusal::Revoked | Refusal::Clone | Refusal::WrongAgent) => {
                tracing::error!(why = words, "the collector refuses this agent");
            }
            Failure::Refused(Refusal::Unknown) => {
                tracing::warn!(why = words, "the collector waits for an operator to accept this agent");
            }
            Failure::Unreachable | Failure::Busy { .. } | Failure::Expired | Failure::Batch { .. } => {
                tracing::info!(why = words, collector = self.delivery.address(), "reports wait");
            }
        }
    }

    fn follow(&mut self, policy: Policy) {
        let (config, cuts) = self.own.under(&policy);
        self.status.unfollowed = None;
        tracing::info!(version = policy.version, "a new policy is followed");
        for cut in cuts {
            tracing::warn!(?cut, "this host's limits do not allow what the policy wants");
        }
        self.config = config;
        self.urgency.set_thresholds(self.config.urgent.clone());
        let now = self.clock.monotonic();
        self.schedule.set_intervals(self.config.sample_interval, self.config.probe_interval, now);
        self.delivery.set_send_interval(self.config.send_interval);
        self.delivery.set_collectors(policy.collectors.clone());
        self.delivery.set_hours(self.config.hours());
        self.set_ladder();
        policy::keep(&self.own.state, &policy);
    }

    /// The ladder as the settings and the collector's address in use want it.
    fn set_ladder(&mut self) {
        let reach = reach_config(&self.config, Some(self.delivery.address()));
        if *self.ladder.config() != reach {
            self.ladder = Arc::new(Ladder::new(reach));
        }
    }

    fn write_status(&mut self) {
        self.status_due_ms = self.clock.boot_ms() + STATUS_INTERVAL_MS;
        let figures = self.delivery.spool().figures();
        (self.status.pending, self.status.dropped, self.status.refused) =
            (figures.pending, figures.dropped, figures.refused);
        self.status.thinned = figures.thinned;
        self.status.shut = self.delivery.shut();
        let reports = self.delivery.backlog();
        let share = self.delivery.history_share().filter(|_| reports > 0);
        self.status.paced =
            share.map(|(bytes_per_minute, is_shared)| Paced { reports, bytes_per_minute, is_shared });
        self.delivery.address().clone_into(&mut self.status.address);
        self.status.known = self.delivery.known().collect();
        self.status.last_refused = self.delivery.spool().last_refused().to_vec();
        if let Err(error) = self.status.write(&self.own.state) {
            tracing::debug!(%error, "cannot write the status");
        }
    }

    /// Says why it goes, briefly: nobody waits long for a host that shuts down.
    async fn last_words(&mut self, stop: Stop) {
        let end = end_at(stop).await;
        if self.runner.is_some() {
            self.measure();
        }
        if let Ok((_, round)) = timeout(LAST_ROUND_TIMEOUT, finished(&mut self.measuring)).await {
            let mut samples = round.samples;
            samples.extend(self.reach_samples());
            self.last = (samples, round.components);
        }
        let (samples, components) = std::mem::take(&mut self.last);
        self.submit(&samples, &components, Some(end));
        if timeout(LAST_SEND_TIMEOUT, self.delivery.flush()).await.is_err() || !self.is_heard() {
            tracing::info!(pending = self.delivery.spool().pending(), "last words wait for the next start");
        }
        if let Err(error) = self.marker.close(end) {
            tracing::warn!(%error, "cannot mark how this boot ended");
        }
        self.write_status();
        tracing::info!(host_goes_down = end == End::HostShutdown, "agent stopped");
    }

    fn is_heard(&self) -> bool {
        self.delivery.standing().0 == Standing::Fine
    }
}

/// Waits for a task, if there is one. May be dropped and called again.
async fn finished<T>(task: &mut Task<T>) -> T {
    match task {
        Some(running) => {
            let result = running.as_mut().await;
            *task = None;
            result
        }
        None => std::future::pending().await,
    }
}
