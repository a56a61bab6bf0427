//! `POST /agent/v1/reports`: a batch in, an ack out, once it is on disk.

use super::answer::{Answer, Problem, json};
use super::peer::Peer;
use super::{Ingest, account, admit};
use crate::commit::CommitError;
use crate::room::{Held, NoRoom};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::Request;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_ENCODING, CONTENT_LENGTH, HeaderValue};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tram_proto::{encoding, limits};

impl Ingest {
    pub(super) async fn reports(&self, peer: &Peer, request: Request<Incoming>) -> Result<Answer, Problem> {
        let caller = self.reporter(peer).await?;
        let coding = Coding::of(&request)?;
        let (body, mut held) = self.body(request, limits::BODY_BYTES_MAX).await?;
        let arrived_ms = self.clock.now_ms();
        let unpacked = coding.undo(body);
        let worked_on = unpacked.as_ref().map_or(limits::DECODED_BYTES_MAX, Vec::len) as u64;
        peer.account().charge(account::REQUEST_BYTES + worked_on, self.now_us());
        let body = unpacked.map_err(|error| wire_problem(&error))?;
        let is_known = |id| self.memory.catalogues.known(id).is_some();
        let mut decoded = admit::arrival(body, arrived_ms, is_known).map_err(|error| wire_problem(&error))?;
        if decoded.claimed != caller.agent {
            return Err(Problem::wrong_agent());
        }
        held.hold(admit::memory_bytes(&decoded.arrival)).map_err(no_room)?;
        for new in &mut decoded.arrival.catalogues {
            new.catalogue = self.memory.catalogues.shared(Arc::clone(&new.catalogue));
        }
        let asked = self.asked(caller.site).await?;
        let ask = admit::ask(&decoded, asked.is_history_sent(arrived_ms));
        let written = self.commit.report(decoded.arrival, Some(held)).await;
        let outcome = written.map_err(|error| commit_problem(&error))?;
        self.figures.acknowledged.fetch_add(1, Ordering::Relaxed);
        let now_ms = self.clock.now_ms();
        let share = self.memory.budgets.lend(caller.site, ask, now_ms);
        let pause = peer.account().pause(self.now_us());
        let ack = admit::ack(outcome, now_ms, asked.version, pause, share);
        Ok(json(serde_json::to_vec(&ack).map_err(|_| Problem::internal())?))
    }

    /// Reads a whole body, bounded before and while it comes, with the room that is taken for it.
    pub(super) async fn body(
        &self,
        request: Request<Incoming>,
        bytes_max: usize,
    ) -> Result<(Bytes, Held), Problem> {
        let told = request.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
        if told.is_some_and(|told: usize| told > bytes_max) {
            return Err(Problem::too_large(bytes_max));
        }
        let held = match self.room.take(told.unwrap_or(bytes_max)) {
            Ok(held) => held,
            Err(full) => {
                pass_over(request).await;
                return Err(no_room(full));
            }
        };
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

/// Lets a body pass without keeping any of it. A peer that is answered and cut off while it still sends may never read
/// the answer, and with it when to come again.
pub(super) async fn pass_over(request: Request<Incoming>) {
    let mut body = Limited::new(request.into_body(), limits::BODY_BYTES_MAX);
    let rest = async { while let Some(Ok(_)) = body.frame().await {} };
    // One that takes longer is cut off.
    let _ = tokio::time::timeout(super::TIMEOUTS.body, rest).await;
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

    /// The body as it was. What came goes at once: it is a piece of the connection's read buffer, and held until the
    /// commit it would cost a new one each time.
    fn undo(self, body: Bytes) -> Result<Vec<u8>, encoding::WireError> {
        match self {
            Self::Identity => Ok(Vec::from(body)),
            Self::Zstd => encoding::decompress(Some("zstd"), &body),
        }
    }
}

fn no_room(_: NoRoom) -> Problem {
    Problem::busy("too much is being received or waits to be written")
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
