//! `/healthz`, `/readyz` and `/metrics`: what watches the watcher.
//!
//! Metrics are in Prometheus' text format, with the prefix `tram_`. They count, and name no host.

use crate::api::caller::Caller;
use crate::api::error::ApiError;
use crate::api::state::{State, blocking};
use crate::health::Presence;
use crate::latest::Latest;
use crate::model::agency::Scope;
use crate::model::agent::AgentState;
use crate::model::alert::{AlertState, Severity};
use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use std::collections::BTreeMap;
use std::fmt::{Display, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Upper bounds of the latency histogram, in milliseconds.
const BOUNDS_MS: [u64; 9] = [1, 5, 10, 25, 50, 100, 250, 1_000, 5_000];

/// What the agents' door counts; the composition root says where to read it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AgentFigures {
    /// Batches that were acknowledged.
    pub acknowledged: u64,
    /// Requests that were refused.
    pub refused: u64,
    /// Requests that were sent away to come again, for want of room or store.
    pub busy: u64,
    /// Requests that were sent away because their agent asked for more than its part.
    pub too_much: u64,
    /// Connections that are open.
    pub connections: u64,
    /// Connections that were turned away at the bound.
    pub turned_away: u64,
    /// Connections that had to go for newer ones of the same agent.
    pub replaced: u64,
    /// Handshakes under way.
    pub handshakes: u64,
    /// Handshakes that failed.
    pub handshakes_failed: u64,
    /// Requests being received or written.
    pub in_hand: u64,
    /// Bytes of memory that they count for.
    pub in_hand_bytes: u64,
}

/// How long answers to operators took.
#[derive(Debug, Default)]
pub struct Latency {
    buckets: [AtomicU64; BOUNDS_MS.len()],
    count: AtomicU64,
    sum_us: AtomicU64,
}

impl Latency {
    fn add(&self, took_us: u64) {
        for (bucket, bound_ms) in self.buckets.iter().zip(BOUNDS_MS) {
            if took_us <= bound_ms * 1_000 {
                bucket.fetch_add(1, Ordering::Relaxed);
            }
        }
        self.count.fetch_add(1, Ordering::Relaxed);
        self.sum_us.fetch_add(took_us, Ordering::Relaxed);
    }
}

/// Measures how long an answer takes.
pub async fn measure(
    axum::extract::State(state): axum::extract::State<Arc<State>>,
    request: Request,
    next: Next,
) -> Response {
    let start = crate::clock::monotonic();
    let response = next.run(request).await;
    state.latency.add(u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX));
    response
}

/// The process runs.
pub async fn alive() -> &'static str {
    "ok\n"
}

/// The store can be read, and the last window was written.
pub async fn ready(
    axum::extract::State(state): axum::extract::State<Arc<State>>,
) -> Result<&'static str, (StatusCode, &'static str)> {
    let read = state.read(|connection| Ok(connection.query_row("SELECT 1", [], |_| Ok(()))?)).await;
    if read.is_err() {
        return Err((StatusCode::SERVICE_UNAVAILABLE, "the store cannot be read\n"));
    }
    let figures = state.commit.figures();
    let why = match (figures.failing.load(Ordering::Relaxed), figures.disk_full.load(Ordering::Relaxed)) {
        (true, true) => "the store cannot be written: its disk is full\n",
        (true, false) => "the store cannot be written: the collector's log says why\n",
        // With every open hour in memory waiting for the disk, reports are refused as well.
        (false, _) if state.series.is_full() => {
            "the history cannot be written and its memory is used up: the collector's log says why\n"
        }
        (false, _) => return Ok("ready\n"),
    };
    Err((StatusCode::SERVICE_UNAVAILABLE, why))
}

/// Everything that is counted. For callers who see everything: the counts are of the whole province.
pub async fn metrics(caller: Caller) -> Result<Response, ApiError> {
    if caller.scope != Scope::All {
        return Err(ApiError::Missing("item"));
    }
    let state = Arc::clone(caller.state());
    let text = blocking(move || text(&state)).await?;
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response())
}

/// Families of one text, each with its help and type.
#[derive(Default)]
struct Families(String);

impl Families {
    fn family(&mut self, name: &str, kind: &str, help: &str, samples: &[(String, f64)]) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.0, "# HELP tram_{name} {help}\n# TYPE tram_{name} {kind}");
        for (labels, value) in samples {
            let _ = writeln!(self.0, "tram_{name}{labels} {value}");
        }
    }

    fn one(&mut self, name: &str, kind: &str, help: &str, value: u64) {
        self.family(name, kind, help, &[(String::new(), value as f64)]);
    }
}

fn label(key: &str, value: impl Display) -> String {
    format!("{{{key}=\"{value}\"}}")
}

fn text(state: &State) -> String {
    let mut families = Families::default();
    let build = [(label("version", env!("CARGO_PKG_VERSION")), 1.0)];
    families.family("build_info", "gauge", "The release that runs.", &build);
    doors(&mut families, &(state.agent_figures)());
    writer(&mut families, state);
    hosts(&mut families, &state.latest);
    let series = state.series.figures();
    families.one("series_held_bytes", "gauge", "Memory of open hours.", series.held_bytes as u64);
    families.one("series_chunks", "gauge", "Chunks open or being closed.", series.chunks as u64);
    let abandoned = state.abandoned.load(Ordering::Relaxed);
    let gone = "Answers from the history that were given up because the caller had gone.";
    families.one("history_answers_abandoned_total", "counter", gone, abandoned);
    latency(&mut families, &state.latency);
    families.0
}

fn doors(families: &mut Families, figures: &AgentFigures) {
    let by = [
        ("acknowledged", figures.acknowledged),
        ("refused", figures.refused),
        ("busy", figures.busy),
        ("too_much", figures.too_much),
    ];
    let by = by.map(|(result, count)| (label("result", result), count as f64));
    families.family("agent_requests_total", "counter", "Requests of agents, by what became of them.", &by);
    families.one("agent_connections", "gauge", "Connections of agents that are open.", figures.connections);
    let turned_away = figures.turned_away;
    families.one(
        "agent_connections_turned_away_total",
        "counter",
        "Connections refused at the bound.",
        turned_away,
    );
    families.one(
        "agent_connections_replaced_total",
        "counter",
        "Connections that had to go for newer ones of the same agent.",
        figures.replaced,
    );
    let in_hand = "Requests of agents that are being received or written.";
    families.one("agent_requests_in_hand", "gauge", in_hand, figures.in_hand);
    let bytes = "Bytes of memory that requests in hand count for; commit.memory_mb is the bound.";
    families.one("agent_requests_in_hand_bytes", "gauge", bytes, figures.in_hand_bytes);
    families.one("agent_handshakes", "gauge", "TLS handshakes under way.", figures.handshakes);
    let failed = figures.handshakes_failed;
    families.one("agent_handshakes_failed_total", "counter", "TLS handshakes that failed.", failed);
}

fn writer(families: &mut Families, state: &State) {
    let figures = state.commit.figures();
    let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    families.one("reports_total", "counter", "Reports that are on disk.", read(&figures.reports));
    families.one("reports_refused_total", "counter", "Reports that were refused.", read(&figures.refused));
    families.one("windows_total", "counter", "Commit windows that were written.", read(&figures.windows));
    let took = [(String::new(), read(&figures.window_us) as f64 / 1e6)];
    families.family("window_seconds_total", "counter", "Time that windows took to make and write.", &took);
    let failed = read(&figures.windows_failed);
    families.one("windows_failed_total", "counter", "Commit windows that failed.", failed);
    families.one(
        "queue_refusals_total",
        "counter",
        "Arrivals refused because the queue was full.",
        read(&figures.busy),
    );
    families.one("log_bytes_total", "counter", "Bytes written to the log.", read(&figures.log_bytes));
    families.one(
        "queue_length",
        "gauge",
        "Arrivals and changes that wait for the writer.",
        state.commit.waiting() as u64,
    );
    let failing = u64::from(figures.failing.load(Ordering::Relaxed));
    families.one("store_failing", "gauge", "1 while nothing can be written.", failing);
}

fn hosts(families: &mut Families, latest: &Latest) {
    let mut presence = BTreeMap::from([("up", 0_u64), ("silent", 0), ("off", 0), ("unknown", 0)]);
    let mut states = BTreeMap::from([("active", 0_u64), ("quarantined", 0), ("revoked", 0)]);
    let mut alerts = BTreeMap::from([("critical", 0_u64), ("warning", 0), ("info", 0)]);
    latest.each(|_, host| {
        let state = match host.state {
            AgentState::Active => "active",
            AgentState::Quarantined => "quarantined",
            AgentState::Revoked => "revoked",
        };
        *states.entry(state).or_default() += 1;
        if host.state != AgentState::Active {
            return;
        }
        let here = match host.presence {
            Presence::Up => "up",
            Presence::Silent => "silent",
            Presence::Off => "off",
            Presence::Unknown => "unknown",
        };
        *presence.entry(here).or_default() += 1;
        for alert in host.alerts.iter().filter(|alert| alert.state == AlertState::Firing) {
            let severity = match alert.severity {
                Severity::Critical => "critical",
                Severity::Warning => "warning",
                Severity::Info => "info",
            };
            *alerts.entry(severity).or_default() += 1;
        }
    });
    let samples = |key: &str, counts: BTreeMap<&str, u64>| -> Vec<_> {
        counts.into_iter().map(|(word, count)| (label(key, word), count as f64)).collect()
    };
    families.family("agents", "gauge", "Active agents by presence.", &samples("presence", presence));
    families.family(
        "agents_by_state",
        "gauge",
        "Agents by whether they may report.",
        &samples("state", states),
    );
    families.family("alerts_firing", "gauge", "Firing alerts by severity.", &samples("severity", alerts));
}

fn latency(families: &mut Families, latency: &Latency) {
    let name = "operator_request_seconds";
    let count = latency.count.load(Ordering::Relaxed) as f64;
    let _ =
        writeln!(families.0, "# HELP tram_{name} Time to answer operators.\n# TYPE tram_{name} histogram");
    for (bucket, bound_ms) in latency.buckets.iter().zip(BOUNDS_MS) {
        let bound = label("le", bound_ms as f64 / 1_000.0);
        let _ = writeln!(families.0, "tram_{name}_bucket{bound} {}", bucket.load(Ordering::Relaxed));
    }
    let sum = latency.sum_us.load(Ordering::Relaxed) as f64 / 1e6;
    let infinite = label("le", "+Inf");
    let _ = writeln!(
        families.0,
        "tram_{name}_bucket{infinite} {count}\ntram_{name}_sum {sum}\ntram_{name}_count {count}"
    );
}
