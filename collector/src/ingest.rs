//! The agents' door: requests over mutual TLS, and what is answered.
//!
//! Owns the endpoints below `/agent/v1`, their bounds and their problems. The only module, with its children, that
//! knows the wire. What is taken goes to the commit window; nothing is answered as durable before it is.

mod account;
pub mod admit;
mod answer;
mod connection;
mod enroll;
mod peer;
pub mod policy;
mod reports;

use crate::clock::{self, Clock};
use crate::commit::{Handle, Memory};
use crate::config::Agents;
use crate::pki::Pki;
use crate::room::Room;
use crate::store::sqlite::Readers;
use account::{Accounts, Turn};
use answer::{Answer, Problem};
pub use connection::{HANDSHAKES_MAX, TIMEOUTS, Timeouts, serve};
use hyper::body::Incoming;
use hyper::{Method, Request};
use peer::Peer;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;

/// How long the answer takes to an agent that has more under way than it may: asking again and again costs it time, and
/// the collector next to nothing.
const TOO_MUCH_PAUSE: Duration = Duration::from_secs(1);
/// What a new certificate counts for in its agent's account, besides the request: it is signed, written and kept.
const RENEWAL_BYTES: u64 = 1 << 20;

/// Requests by what became of them.
#[derive(Debug, Default)]
pub struct Figures {
    /// Batches that were acknowledged.
    pub acknowledged: AtomicU64,
    /// Requests that were refused, other than for being busy.
    pub refused: AtomicU64,
    /// Requests that were sent away to come again, for want of room or store.
    pub busy: AtomicU64,
    /// Requests that were sent away because their agent asked for more than its part.
    pub too_much: AtomicU64,
    /// Connections that are open.
    pub connections: AtomicUsize,
    /// Connections that were turned away at the bound.
    pub turned_away: AtomicU64,
    /// Connections that had to go for newer ones of the same agent.
    pub replaced: AtomicU64,
    /// Handshakes that failed.
    pub handshakes_failed: AtomicU64,
}

/// What every request needs.
#[derive(Debug)]
pub struct Ingest {
    pki: Arc<Pki>,
    memory: Memory,
    commit: Handle,
    clock: Clock,
    readers: Arc<Readers>,
    wishes: policy::Wishes,
    room: Arc<Room>,
    accounts: Accounts,
    handshakes: Arc<Semaphore>,
    start: Instant,
    /// Counts, for people.
    pub figures: Figures,
}

impl Ingest {
    /// The agents' door before this store, with the policy that the configuration asks for.
    pub fn new(
        pki: Arc<Pki>,
        (memory, commit): (Memory, Handle),
        readers: Arc<Readers>,
        clock: Clock,
        (agents, room): (&Agents, Arc<Room>),
    ) -> Self {
        Self {
            pki,
            memory,
            commit,
            clock,
            readers,
            wishes: policy::Wishes::new(agents),
            room,
            accounts: Accounts::default(),
            handshakes: Arc::new(Semaphore::new(HANDSHAKES_MAX)),
            start: clock::monotonic(),
            figures: Figures::default(),
        }
    }

    /// Answers one request of a peer. Never fails: what goes wrong is an answer too.
    async fn answer(&self, peer: &Peer, request: Request<Incoming>) -> Answer {
        let _turn = match self.begin(peer) {
            Ok(turn) => turn,
            Err(problem) => {
                self.figures.too_much.fetch_add(1, Ordering::Relaxed);
                tokio::join!(tokio::time::sleep(TOO_MUCH_PAUSE), reports::pass_over(request));
                return problem.into_answer();
            }
        };
        let result = match (request.method(), request.uri().path()) {
            (&Method::POST, "/agent/v1/reports") => self.reports(peer, request).await,
            (&Method::POST, "/agent/v1/enroll") => self.enroll(request).await,
            (&Method::POST, "/agent/v1/renew") => self.renew(peer, request).await,
            (&Method::GET, "/agent/v1/policy") => self.policy(peer).await,
            (_, "/agent/v1/reports" | "/agent/v1/enroll" | "/agent/v1/renew" | "/agent/v1/policy") => {
                Err(Problem::method())
            }
            _ => Err(Problem::path()),
        };
        result.unwrap_or_else(|problem| self.turn_down(problem))
    }

    /// A request of an agent begins, if it may have one now. Strangers are bounded by their connections.
    fn begin(&self, peer: &Peer) -> Result<Option<Turn>, Problem> {
        if peer.is_stranger() {
            return Ok(None);
        }
        let turn = peer.account().begin(self.now_us()).map_err(|much| Problem::too_much(much.retry_s))?;
        Ok(Some(turn))
    }

    fn turn_down(&self, problem: Problem) -> Answer {
        tracing::debug!(problem = problem.kind(), detail = problem.detail(), "request refused");
        if problem.is_busy() {
            self.figures.busy.fetch_add(1, Ordering::Relaxed);
            return problem.back_in(self.room.retry_s(self.now_us())).into_answer();
        }
        self.figures.refused.fetch_add(1, Ordering::Relaxed);
        problem.into_answer()
    }

    /// Microseconds since the door was opened: what rooms and accounts count by.
    fn now_us(&self) -> u64 {
        u64::try_from(clock::monotonic().saturating_duration_since(self.start).as_micros())
            .unwrap_or(u64::MAX)
    }

    /// Whose turn it is to shake hands.
    pub fn handshakes(&self) -> Arc<Semaphore> {
        Arc::clone(&self.handshakes)
    }

    /// What is in hand.
    pub fn room(&self) -> &Room {
        &self.room
    }

    async fn policy(&self, peer: &Peer) -> Result<Answer, Problem> {
        let caller = self.reporter(peer).await?;
        peer.account().charge(account::REQUEST_BYTES, self.now_us());
        Ok(answer::json(self.asked(caller.site).await?.bytes.clone()))
    }
}
