//! One connection of an agent: handshake, then requests one after another, each under its time.

use super::Ingest;
use super::peer::Peer;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio_rustls::TlsAcceptor;

/// How long each step of a connection may take.
#[derive(Debug, Clone, Copy)]
pub struct Timeouts {
    /// The TLS handshake.
    pub handshake: Duration,
    /// The TLS handshake while more than half of those that may be are under way.
    pub handshake_in_a_crowd: Duration,
    /// From one request's end to the next one's whole head: idle connections are let go after this. Three of agents' usual
    /// intervals.
    pub idle: Duration,
    /// The same for those without a certificate, who enrol and go.
    pub idle_stranger: Duration,
    /// A body, from its first byte to its last.
    pub body: Duration,
}

/// The times in force.
pub const TIMEOUTS: Timeouts = Timeouts {
    handshake: Duration::from_secs(10),
    handshake_in_a_crowd: Duration::from_secs(4),
    idle: Duration::from_secs(180),
    idle_stranger: Duration::from_secs(20),
    body: Duration::from_secs(30),
};

/// Handshakes under way at once: what they take of the processor comes in turns with everything else, so this is how long
/// a storm of them may delay a report, an eighth of a second of one core. Those beyond wait at the door.
pub const HANDSHAKES_MAX: usize = 512;

/// Bytes that a request's head may have.
const HEAD_BYTES_MAX: usize = 16 << 10;

/// Serves one connection until it ends or `stop` turns true; then the request in hand is answered first.
pub async fn serve(
    ingest: Arc<Ingest>,
    acceptor: TlsAcceptor,
    stream: TcpStream,
    turn: OwnedSemaphorePermit,
    mut stop: watch::Receiver<bool>,
) {
    // Answers are one small write each: waiting to fill a packet would only delay them.
    drop(stream.set_nodelay(true));
    let is_crowded = ingest.handshakes.available_permits() < HANDSHAKES_MAX / 2;
    let within = if is_crowded { TIMEOUTS.handshake_in_a_crowd } else { TIMEOUTS.handshake };
    let handshake = tokio::time::timeout(within, acceptor.accept(stream));
    let Ok(Ok(stream)) = handshake.await else {
        ingest.figures.handshakes_failed.fetch_add(1, Ordering::Relaxed);
        return;
    };
    drop(turn);
    let open = |agent| ingest.accounts.open(agent, ingest.now_us());
    let peer = Arc::new(Peer::new(stream.get_ref().1.peer_certificates(), open));
    if peer.seat.has_replaced {
        ingest.figures.replaced.fetch_add(1, Ordering::Relaxed);
    }
    let idle = if peer.is_stranger() { TIMEOUTS.idle_stranger } else { TIMEOUTS.idle };
    let service = service_fn(|request| {
        let (ingest, peer) = (Arc::clone(&ingest), Arc::clone(&peer));
        async move { Ok::<_, Infallible>(ingest.answer(&peer, request).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(idle)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    tokio::select! {
        // A connection that breaks is the peer's affair: it sends again what was not acknowledged.
        _ = connection.as_mut() => return,
        // Nor is one that was given up for a newer one.
        () = peer.seat.end.notified() => return,
        _ = stop.wait_for(|stop| *stop) => connection.as_mut().graceful_shutdown(),
    }
    drop(connection.await);
}
