//! Accepting connections: bounded, each on a task of its own, until the collector stops.

use super::Running;
use crate::ingest;
use axum::extract::ConnectInfo;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

/// Connections of operators at once.
const OPERATORS_MAX: usize = 1_024;
/// Requests at once on one connection of HTTP/2.
const STREAMS_MAX: u32 = 64;
/// How long accepting rests after it failed: mostly, because no more files may be open.
const REST: Duration = Duration::from_millis(100);
/// TLS handshakes of operators at once.
const OPERATORS_HANDSHAKES_MAX: usize = 128;
/// The TLS handshake of an operator.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// A request's head, and so the time that a connection may be idle.
const HEAD: Duration = Duration::from_secs(120);

/// A bound listener and the TLS that it speaks.
pub(super) type Door = (TcpListener, TlsAcceptor);

/// Spawns the two loops that accept.
pub(super) fn spawn(
    running: &mut Running,
    connections_max: usize,
    (agents, agents_tls): Door,
    (operators, operators_tls): Door,
    router: axum::Router,
    stopping: &watch::Receiver<bool>,
) {
    let (ingest, stop) = (Arc::clone(&running.ingest), stopping.clone());
    let turned_away = Arc::clone(&running.ingest);
    let agents = Listener { listener: agents, turns: ingest.handshakes(), connections_max };
    let serve_agent = move |stream, _, turn| {
        let (ingest, tls, stop) = (Arc::clone(&ingest), agents_tls.clone(), stop.clone());
        async move {
            ingest.figures.connections.fetch_add(1, Ordering::Relaxed);
            ingest::serve(Arc::clone(&ingest), tls, stream, turn, stop).await;
            ingest.figures.connections.fetch_sub(1, Ordering::Relaxed);
        }
    };
    let turn_agent_away = move || {
        turned_away.figures.turned_away.fetch_add(1, Ordering::Relaxed);
    };
    let turns = Arc::new(Semaphore::new(OPERATORS_HANDSHAKES_MAX));
    let operators = Listener { listener: operators, turns, connections_max: OPERATORS_MAX };
    let stop = stopping.clone();
    let serve_operator = move |stream, address, turn| {
        operator(stream, address, turn, operators_tls.clone(), router.clone(), stop.clone())
    };
    let turn_operator_away =
        || tracing::warn!(limit = OPERATORS_MAX, "an operator's connection was turned away");
    let stop = stopping.clone();
    running.connections.spawn(accept(agents, stop, serve_agent, turn_agent_away));
    let stop = stopping.clone();
    running.connections.spawn(accept(operators, stop, serve_operator, turn_operator_away));
}

/// Where connections come in, and the bounds of what comes.
struct Listener {
    listener: TcpListener,
    /// Handshakes that may be under way; the system keeps those who wait for one.
    turns: Arc<Semaphore>,
    connections_max: usize,
}

impl Listener {
    /// The next connection, with its turn to shake hands. Nothing is lost when this is given up: a turn is kept in `turn`.
    async fn next(&self, turn: &mut Option<OwnedSemaphorePermit>) -> io::Result<(TcpStream, SocketAddr)> {
        if turn.is_none() {
            let turns = Arc::clone(&self.turns);
            *turn = Some(turns.acquire_owned().await.map_err(io::Error::other)?);
        }
        self.listener.accept().await
    }
}

/// Accepts until `stopping` turns true, then waits for the connections that are open. Connections beyond the bound are
/// closed at once.
async fn accept<F: Future<Output = ()> + Send + 'static>(
    listener: Listener,
    mut stopping: watch::Receiver<bool>,
    serve: impl Fn(TcpStream, SocketAddr, OwnedSemaphorePermit) -> F,
    turn_away: impl Fn(),
) {
    let mut connections = JoinSet::new();
    let mut turn = None;
    loop {
        let accepted = tokio::select! {
            accepted = listener.next(&mut turn) => accepted,
            _ = stopping.wait_for(|stop| *stop) => break,
            Some(_) = connections.join_next() => continue,
        };
        match accepted {
            Ok((stream, address)) if connections.len() < listener.connections_max => {
                if let Some(turn) = turn.take() {
                    connections.spawn(serve(stream, address, turn));
                }
            }
            Ok(_) => turn_away(),
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(REST).await;
            }
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

/// Serves one connection of an operator, over HTTP/2 or 1.1 as the handshake agreed.
async fn operator(
    stream: TcpStream,
    address: SocketAddr,
    turn: OwnedSemaphorePermit,
    tls: TlsAcceptor,
    router: axum::Router,
    mut stop: watch::Receiver<bool>,
) {
    // The end of an answer that does not fill a packet would wait for the reader's delayed acknowledgement.
    drop(stream.set_nodelay(true));
    let Ok(Ok(stream)) = tokio::time::timeout(HANDSHAKE, tls.accept(stream)).await else { return };
    drop(turn);
    let service = TowerToHyperService::new(router.layer(axum::Extension(ConnectInfo(address))));
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD);
    builder.http2().timer(TokioTimer::new()).keep_alive_interval(HEAD).max_concurrent_streams(STREAMS_MAX);
    let mut connection = pin!(builder.serve_connection_with_upgrades(TokioIo::new(stream), service));
    tokio::select! {
        // A connection that breaks is the client's affair.
        _ = connection.as_mut() => return,
        _ = stop.wait_for(|stop| *stop) => connection.as_mut().graceful_shutdown(),
    }
    drop(connection.await);
}
