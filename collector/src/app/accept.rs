//! Accepting connections: bounded, each on a task of its own, until the collector stops.

use super::Running;
use crate::config::Config;
use crate::ingest;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

/// Connections of operators at once.
const OPERATORS_MAX: usize = 1_024;
/// How long accepting rests after it failed: mostly, because no more files may be open.
const REST: Duration = Duration::from_millis(100);
/// The TLS handshake of an operator.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// A request's head, and so the time that a connection may be idle.
const HEAD: Duration = Duration::from_secs(120);

/// Spawns the two loops that accept.
pub(super) fn spawn(
    running: &mut Running,
    config: &Config,
    (agents, agents_tls): (TcpListener, TlsAcceptor),
    (operators, operators_tls): (TcpListener, TlsAcceptor),
    stopping: &watch::Receiver<bool>,
    router: axum::Router,
) {
    let door = Arc::clone(&running.ingest);
    let connections_max = config.listen.connections_max;
    let stop = stopping.clone();
    running.connections.spawn(accept(agents, connections_max, stopping.clone(), Arc::clone(&door), move |stream, _| {
        let (door, tls, stop) = (Arc::clone(&door), agents_tls.clone(), stop.clone());
        async move {
            door.figures.connections.fetch_add(1, Ordering::Relaxed);
            ingest::serve(Arc::clone(&door), tls, stream, stop).await;
            door.figures.connections.fetch_sub(1, Ordering::Relaxed);
        }
    }));
}
