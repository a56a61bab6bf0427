//! The network between machines and collector: it delays, drops, repeats and reorders requests, and can be cut. It is
//! the one owner of the collector.

use super::center::{Center, Fate};
use super::terms::Terms;
use super::truth::Truth;
use super::wire::Wire;
use crate::fleet::dice::Dice;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, sleep};
use tram_agent::delivery::courier::{Courier, Sending};
use tram_agent::uplink::post::{Answer, POLICY, REPORTS};
use tram_proto::policy::Policy;
use tram_proto::report::Batch;

/// How long a request that nobody answers is waited for.
const SILENCE: Duration = Duration::from_secs(30);
/// Requests that wait to arrive a second time.
const COPIES_MAX: usize = 64;

/// How bad it is, in shares of all requests.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Weather {
    /// Requests or answers that are lost.
    pub(super) loss: f64,
    /// Requests that arrive again, some time later.
    pub(super) repeats: f64,
    /// Requests during which the collector dies.
    pub(super) deaths: f64,
    /// Longest way, one direction, in seconds.
    pub(super) delay_s: f64,
}

/// The network and what hangs on it.
pub(super) struct Net {
    /// The collector.
    pub(super) center: Center,
    /// What really happened.
    pub(super) truth: Truth,
    /// Under what the run is.
    pub(super) terms: Terms,
    /// What history takes of the uplink.
    pub(super) wire: Wire,
    /// How bad it is now.
    pub(super) weather: Weather,
    /// Machines whose link is cut.
    pub(super) cut: Vec<bool>,
    dice: Dice,
    start: Instant,
    start_ms: i64,
    /// Requests that arrive again: when, whose, what.
    copies: VecDeque<(Instant, usize, Vec<u8>)>,
    /// The first thing that went wrong where nobody could be told.
    broken: Option<anyhow::Error>,
}

impl Net {
    /// A network in fair weather, all links up.
    pub(super) fn new(center: Center, machines: usize, dice: Dice, start_ms: i64, terms: Terms) -> Self {
        Self {
            center,
            truth: Truth::new(terms.is_small()),
            terms,
            wire: Wire::default(),
            weather: Weather::default(),
            cut: vec![false; machines],
            dice,
            start: Instant::now(),
            start_ms,
            copies: VecDeque::new(),
            broken: None,
        }
    }

    /// The simulation's time, milliseconds since 1970.
    pub(super) fn now_ms(&self) -> i64 {
        self.start_ms + self.start.elapsed().as_millis() as i64
    }

    /// Lets the requests arrive again that are due to.
    pub(super) fn repeat_what_is_due(&mut self) {
        while self.copies.front().is_some_and(|(due, ..)| *due <= Instant::now()) {
            if let Some((_, machine, body)) = self.copies.pop_front() {
                self.arrive(machine, body, Fate::Taken);
            }
        }
    }

    /// What went wrong inside, if anything did.
    pub(super) fn take_broken(&mut self) -> Option<anyhow::Error> {
        self.broken.take()
    }

    fn arrive(&mut self, machine: usize, body: Vec<u8>, fate: Fate) -> Answer {
        self.center.set_time(self.now_ms());
        let (spool, boot) = match Batch::decode(&body) {
            Ok(batch) => (batch.spool, batch.sent.boot),
            Err(error) => {
                self.broken.get_or_insert(anyhow::anyhow!("an agent sent what is no batch: {error}"));
                return Answer::Silence("no batch".to_owned());
            }
        };
        match self.center.take(body, fate) {
            Ok(Some(ack)) => {
                let durable = ack.durable.as_slice().iter().flat_map(|(first, last)| *first..=*last);
                durable.for_each(|seq| self.truth.acked(machine, spool, seq));
                self.truth.heard(machine, boot);
                Answer::Success(serde_json::to_vec(&ack).unwrap_or_default())
            }
            Ok(None) => Answer::Silence("connection reset".to_owned()),
            Err(error) => {
                self.broken.get_or_insert(error);
                Answer::Silence("broken".to_owned())
            }
        }
    }

    fn way(&mut self) -> Duration {
        Duration::from_secs_f64(self.dice.between(0.0, self.weather.delay_s.max(0.001)))
    }

    fn rolls(&mut self, share: f64) -> bool {
        self.dice.unit() < share
    }

    fn fate(&mut self) -> Fate {
        match self.rolls(self.weather.deaths) {
            false => Fate::Taken,
            true if self.rolls(0.5) => Fate::DiesBefore,
            true => Fate::DiesAfter,
        }
    }
}

/// One machine's access to the network.
#[derive(Clone)]
pub(super) struct Line {
    net: Arc<Mutex<Net>>,
    machine: usize,
}

impl Line {
    /// Of a machine.
    pub(super) fn new(net: &Arc<Mutex<Net>>, machine: usize) -> Self {
        Self { net: Arc::clone(net), machine }
    }

    fn net(&self) -> MutexGuard<'_, Net> {
        self.net.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_cut(&self) -> bool {
        self.net().cut.get(self.machine).copied().unwrap_or_default()
    }

    async fn carry(self, body: Option<Vec<u8>>) -> Answer {
        let (there, is_lost) = {
            let mut net = self.net();
            let (loss, now_ms) = (net.weather.loss, net.now_ms());
            let Net { wire, terms, .. } = &mut *net;
            if let Some(body) = &body {
                wire.note(body, terms, now_ms);
            }
            (net.way(), net.rolls(loss))
        };
        sleep(there).await;
        if is_lost || self.is_cut() {
            sleep(SILENCE).await;
            return Answer::Silence("no answer".to_owned());
        }
        let (answer, back, is_lost) = {
            let mut net = self.net();
            let answer = match body {
                Some(body) => {
                    let repeats = net.weather.repeats;
                    if net.rolls(repeats) && net.copies.len() < COPIES_MAX {
                        let due = Instant::now() + net.way() + Duration::from_secs(5);
                        net.copies.push_back((due, self.machine, body.clone()));
                    }
                    let fate = net.fate();
                    net.arrive(self.machine, body, fate)
                }
                None => Answer::Success(serde_json::to_vec(&Policy::default()).unwrap_or_default()),
            };
            let loss = net.weather.loss;
            (answer, net.way(), net.rolls(loss))
        };
        sleep(back).await;
        if is_lost || self.is_cut() {
            sleep(SILENCE).await;
            return Answer::Silence("no answer".to_owned());
        }
        answer
    }
}

impl Courier for Line {
    fn post(&self, url: String, body: Vec<u8>) -> Sending {
        debug_assert!(url.ends_with(REPORTS), "a certificate of a year is not renewed within hours");
        Box::pin(self.clone().carry(Some(body)))
    }

    fn fetch(&self, url: String) -> Sending {
        debug_assert!(url.ends_with(POLICY), "nothing else is fetched");
        Box::pin(self.clone().carry(None))
    }
}
