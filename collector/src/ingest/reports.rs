//! `POST /agent/v1/reports`: a batch in, an ack out, once it is on disk.

use super::answer::{Answer, Problem, json};
use super::peer::Peer;
use super::{BODIES_BYTES_MAX, Ingest, admit};
use crate::commit::CommitError;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::Request;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_ENCODING, CONTENT_LENGTH, HeaderValue};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tram_proto::{encoding, limits};

impl Ingest {
    pub(super) async fn reports(&self, peer: &Peer, request: Request<Incoming>) -> Result<Answer, Problem> {
        let caller = self.reporter(peer).await?;
        let coding = Coding::of(&request)?;
        let (body, _held) = self.body(request, limits::BODY_BYTES_MAX).await?;
        let arrived_ms = self.clock.now_ms();
        let body = match coding {
            Coding::Identity => Vec::from(body),
            Coding::Zstd => {
                let unpacked =
                    encoding::decompress(Some("zstd"), &body).map_err(|error| wire_problem(&error))?;
                // A piece of the connection's read buffer: held until the commit, it would cost a new buffer each time.
                drop(body);
                unpacked
            }
        };
        let is_known = |id| self.memory.catalogues.known(id).is_some();
        let mut decoded = admit::arrival(body, arrived_ms, is_known).map_err(|error| wire_problem(&error))?;
        if decoded.claimed != caller.host.agent {
            return Err(Problem::wrong_agent());
        }
        for new in &mut decoded.arrival.catalogues {
            new.catalogue = self.memory.catalogues.shared(Arc::clone(&new.catalogue));
        }
        let asked = self.asked(&caller.host).await?;
        let site = caller.host.site;
        let ask = admit::ask(&decoded.arrival, asked.is_history_sent(arrived_ms));
        let outcome = self.commit.report(decoded.arrival).await.map_err(|error| commit_problem(&error))?;
        self.figures.acknowledged.fetch_add(1, Ordering::Relaxed);
        let now_ms = self.clock.now_ms();
        let share = self.memory.budgets.lend(site, ask, now_ms);
        let ack = admit::ack(outcome, now_ms, asked.version, share);
        Ok(json(serde_json::to_vec(&ack).map_err(|_| Problem::internal())?))
    }

    /// Reads a whole body, bounded before and while it comes, with its share of what may be in the making at once.
    pub(super) async fn body(
        &self,
        request: Request<Incoming>,
        bytes_max: usize,
    ) -> Result<(Bytes, Held<'_>), Problem> {
        let told = request.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
        if told.is_some_and(|told: usize| told > bytes_max) {
            return Err(Problem::too_large(bytes_max));
        }
        let held = Held::take(&self.bodies_bytes, told.unwrap_or(bytes_max))?;
        let whole = Limited::new(request.into_body(), bytes_max).collect();
        let collected = match tokio::time::timeout(super::TIMEOUTS.body, whole).await {
            Ok(Ok(collected)) => collected,
            Ok(Err(error)) if error.is::<LengthLimitError>() => return Err(Problem::too_large(bytes_max)),
            Ok(Err(error)) => return Err(Problem::bad_body(error)),
            Err(_) => return Err(Problem::slow_body()),
        };
        Ok((collected.to_bytes(), held))
    }
}

/// How a body is encoded.
#[derive(Debug, Clone, Copy)]
enum Coding {
    Identity,
    Zstd,
}

impl Coding {
    fn of(request: &Request<Incoming>) -> Result<Self, Problem> {
        match request.headers().get(CONTENT_ENCODING).map(HeaderValue::as_bytes) {
            None | Some(b"identity") => Ok(Self::Identity),
            Some(b"zstd") => Ok(Self::Zstd),
            Some(_) => Err(wire_problem(&encoding::WireError::Encoding)),
        }
    }
}

/// A body's share of the memory for bodies; given back when it is answered.
#[derive(Debug)]
pub(super) struct Held<'a> {
    all: &'a AtomicUsize,
    bytes: usize,
}

impl<'a> Held<'a> {
    fn take(all: &'a AtomicUsize, bytes: usize) -> Result<Self, Problem> {
        let held = Self { all, bytes };
        if all.fetch_add(bytes, Ordering::AcqRel) + bytes > BODIES_BYTES_MAX {
            return Err(Problem::busy("too many bodies at once"));
        }
        Ok(held)
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.all.fetch_sub(self.bytes, Ordering::AcqRel);
    }
}

fn wire_problem(error: &encoding::WireError) -> Problem {
    match error {
        encoding::WireError::TooLarge { bytes_max } => Problem::too_large(*bytes_max),
        encoding::WireError::Encoding
        | encoding::WireError::Compression
        | encoding::WireError::Depth
        | encoding::WireError::Json(_)
        | encoding::WireError::Version { .. }
        | encoding::WireError::Bound(_)
        | encoding::WireError::Invalid(_) => Problem::bad_body(error),
    }
}

fn commit_problem(error: &CommitError) -> Problem {
    match error {
        CommitError::Busy | CommitError::Full | CommitError::Closed => Problem::busy(error),
        // What exactly failed on this machine is for its own log.
        CommitError::Failed(_) => Problem::busy("the store could not be written"),
        CommitError::UnknownAgent => Problem::quarantined(),
    }
}
