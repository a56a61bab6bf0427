//! The agents' door: requests over mutual TLS, and what is answered.
//!
//! Owns the endpoints below `/agent/v1`, their bounds and their problems. The only module, with its children, that
//! knows the wire. What is taken goes to the commit window; nothing is answered as durable before it is.

pub mod admit;
mod answer;
mod connection;
mod enroll;
mod peer;
pub mod policy;
mod reports;

use crate::clock::Clock;
use crate::commit::{Handle, Memory};
use crate::config::Agents;
use crate::pki::Pki;
use crate::store::sqlite::Readers;
use answer::{Answer, Problem};
pub use connection::{TIMEOUTS, Timeouts, serve};
use hyper::body::Incoming;
use hyper::{Method, Request};
use peer::Peer;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// Bytes of bodies that may be in the making at once, over all connections.
pub const BODIES_BYTES_MAX: usize = 64 << 20;

/// Requests by what became of them.
#[derive(Debug, Default)]
pub struct Figures {
    /// Batches that were acknowledged.
    pub acknowledged: AtomicU64,
    /// Requests that were refused, other than for being busy.
    pub refused: AtomicU64,
    /// Requests that were sent away to come again.
    pub busy: AtomicU64,
    /// Connections that are open.
    pub connections: AtomicUsize,
    /// Connections that were turned away at the bound.
    pub turned_away: AtomicU64,
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
    bodies_bytes: AtomicUsize,
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
        agents: &Agents,
    ) -> Self {
        Self {
            pki,
            memory,
            commit,
            clock,
            readers,
            wishes: policy::Wishes::new(agents),
            bodies_bytes: AtomicUsize::new(0),
            figures: Figures::default(),
        }
    }

    /// Answers one request of a peer. Never fails: what goes wrong is an answer too.
    async fn answer(&self, peer: &Peer, request: Request<Incoming>) -> Answer {
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
        match result {
            Ok(answer) => answer,
            Err(problem) => {
                let counter = if problem.is_temporary() { &self.figures.busy } else { &self.figures.refused };
                counter.fetch_add(1, Ordering::Relaxed);
                tracing::debug!(problem = problem.kind(), detail = problem.detail(), "request refused");
                problem.into_answer()
            }
        }
    }

    async fn policy(&self, peer: &Peer) -> Result<Answer, Problem> {
        let caller = self.reporter(peer).await?;
        Ok(answer::json(self.asked(&caller.host).await?.bytes.clone()))
    }
}
