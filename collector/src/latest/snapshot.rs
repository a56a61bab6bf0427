//! A shard of the state as bytes, and back.
//!
//! Owns the shape of a snapshot, which is its own: records here, not the hosts themselves, so that the state may change
//! without old snapshots becoming unreadable. What the store knows better (asset, components, firing alerts) is not
//! taken from here. A field that an older release did not write has its default.

use super::{Host, Latest, Presence, Previous};
use crate::admission::Spool;
use crate::health;
use crate::model::agent::AgentId;
use crate::model::alert::{Alert, AlertState, Figures, Severity, Watch};
use crate::model::arrival::{SpoolFigures, SpoolId};
use crate::model::asset::AssetId;
use crate::model::catalogue::{Catalogue, CatalogueId};
use crate::model::report::{BootId, End};
use crate::placing::Boot;
use serde::{Deserialize, Serialize};
use std::io::Write as _;
use std::sync::Arc;
use tram_proto::ranges::Ranges;

/// Level of compression: fast, and a shard's hosts resemble each other.
const ZSTD_LEVEL: i32 = 1;
/// Bytes that a shard may unpack to.
const UNPACKED_BYTES_MAX: u64 = 4 << 30;

/// Bytes that are not a snapshot.
#[derive(Debug, thiserror::Error)]
#[error("a snapshot is damaged, or of a newer release: {0}")]
pub struct DamagedSnapshot(String);

#[derive(Serialize, Deserialize)]
struct HostRecord {
    agent: [u8; 16],
    log: i64,
    #[serde(default)]
    catalogue: Option<[u8; 16]>,
    #[serde(default)]
    values: Vec<Option<i64>>,
    #[serde(default)]
    previous: Option<(i64, [u8; 16], Vec<Option<i64>>)>,
    at_ms: i64,
    received_ms: i64,
    boot: [u8; 8],
    boot_ms: u64,
    boot_started_ms: i64,
    #[serde(default)]
    clock_offset_ms: Option<i64>,
    #[serde(default)]
    boots: Vec<BootRecord>,
    #[serde(default)]
    set: Option<[u8; 8]>,
    #[serde(default)]
    set_at_ms: i64,
    #[serde(default)]
    spools: Vec<SpoolRecord>,
    #[serde(default)]
    figures: (u64, u64, u64),
    #[serde(default)]
    thinned: u64,
    #[serde(default)]
    alerts: Vec<AlertRecord>,
    /// 1 the host was shut down, 2 only the agent.
    #[serde(default)]
    ended: u8,
    presence: String,
}

#[derive(Serialize, Deserialize)]
struct BootRecord {
    boot: [u8; 8],
    started_ms: i64,
    estimated: bool,
    unclean: bool,
    live: bool,
    spool: [u8; 8],
    numbers: (u64, u64),
    spans_ms: (u64, u64),
}

#[derive(Serialize, Deserialize)]
struct SpoolRecord {
    id: [u8; 8],
    seen: Ranges,
    lost: u64,
    checksums: Vec<(u64, u32)>,
    used_ms: i64,
}

#[derive(Serialize, Deserialize)]
struct AlertRecord {
    rule: String,
    part: String,
    severity: String,
    firing: bool,
    since_ms: i64,
    figures: Figures,
    seen_ms: i64,
    clearing_since_ms: Option<i64>,
    rising_since_ms: Option<i64>,
    mean: f64,
    mean_ms: i64,
}

/// A shard's hosts as bytes, made one after the other: there may be many, and the writer waits for none but the one
/// that is read. So they may be of several commits; each says itself of which.
pub fn encode(latest: &Latest, shard: usize) -> Result<Vec<u8>, DamagedSnapshot> {
    let damaged = |error: &dyn std::fmt::Display| DamagedSnapshot(error.to_string());
    let mut agents = Vec::new();
    latest.each_of(shard, |agent, _| agents.push(agent));
    let mut encoder =
        zstd::stream::write::Encoder::new(Vec::new(), ZSTD_LEVEL).map_err(|error| damaged(&error))?;
    let mut json = vec![b'['];
    for host in agents.into_iter().filter_map(|agent| latest.host(agent)) {
        serde_json::to_writer(&mut json, &record_of(&host)).map_err(|error| damaged(&error))?;
        encoder.write_all(&json).map_err(|error| damaged(&error))?;
        json.clear();
        json.push(b',');
    }
    // What follows the last host, or stands before none.
    let end: &[u8] = if json == b"[" { b"[]" } else { b"]" };
    encoder.write_all(end).and_then(|()| encoder.finish()).map_err(|error| damaged(&error))
}

/// Takes what a shard's bytes say into hosts; those that are not among them are passed over.
pub fn restore(
    bytes: &[u8],
    catalogue: impl Fn(CatalogueId) -> Option<Arc<Catalogue>>,
    latest: &Latest,
) -> Result<(), DamagedSnapshot> {
    let damaged = |error: &dyn std::fmt::Display| DamagedSnapshot(error.to_string());
    let decoder = zstd::stream::read::Decoder::new(bytes).map_err(|error| damaged(&error))?;
    let mut json = Vec::new();
    let mut bounded = std::io::Read::take(decoder, UNPACKED_BYTES_MAX);
    std::io::Read::read_to_end(&mut bounded, &mut json).map_err(|error| damaged(&error))?;
    let records: Vec<HostRecord> = serde_json::from_slice(&json).map_err(|error| damaged(&error))?;
    for record in records {
        if let Some(mut host) = latest.host(AgentId(record.agent)) {
            restore_host(&mut host, record, &catalogue);
            latest.put(&host);
        }
    }
    Ok(())
}

fn record_of(host: &Host) -> HostRecord {
    let previous = host.previous.as_ref();
    HostRecord {
        agent: host.agent.0,
        log: host.log,
        catalogue: host.catalogue.as_ref().map(|catalogue| catalogue.id.0),
        values: host.values.to_vec(),
        previous: previous.map(|previous| (previous.at_ms, previous.catalogue.0, previous.values.to_vec())),
        at_ms: host.at_ms,
        received_ms: host.received_ms,
        boot: host.boot.0,
        boot_ms: host.boot_ms,
        boot_started_ms: host.boot_started_ms,
        clock_offset_ms: host.clock_offset_ms,
        boots: host.boots.iter().map(boot_record).collect(),
        set: host.set,
        set_at_ms: host.set_at_ms,
        spools: host.spools.iter().map(spool_record).collect(),
        figures: (host.figures.pending, host.figures.dropped, host.figures.refused),
        thinned: host.figures.thinned,
        alerts: host.alerts.iter().map(alert_record).collect(),
        ended: match host.ended {
            None => 0,
            Some(End::HostShutdown) => 1,
            Some(End::AgentStop) => 2,
        },
        presence: host.presence.as_str().to_owned(),
    }
}

const fn boot_record(boot: &Boot) -> BootRecord {
    BootRecord {
        boot: boot.boot.0,
        started_ms: boot.started_ms,
        estimated: boot.estimated,
        unclean: boot.unclean,
        live: boot.live,
        spool: boot.spool.0,
        numbers: boot.numbers,
        spans_ms: boot.spans_ms,
    }
}

fn spool_record(spool: &Spool) -> SpoolRecord {
    SpoolRecord {
        id: spool.id.0,
        seen: spool.seen.clone(),
        lost: spool.lost,
        checksums: spool.checksums.clone(),
        used_ms: spool.used_ms,
    }
}

fn alert_record(alert: &Alert) -> AlertRecord {
    AlertRecord {
        rule: alert.rule.0.to_owned(),
        part: alert.part.to_string(),
        severity: alert.severity.as_str().to_owned(),
        firing: alert.state == AlertState::Firing,
        since_ms: alert.since_ms,
        figures: alert.figures.clone(),
        seen_ms: alert.watch.seen_ms,
        clearing_since_ms: alert.watch.clearing_since_ms,
        rising_since_ms: alert.watch.rising_since_ms,
        mean: if alert.watch.mean.is_finite() { alert.watch.mean } else { 0.0 },
        mean_ms: alert.watch.mean_ms,
    }
}

fn restore_host(
    host: &mut Host,
    record: HostRecord,
    catalogue: &impl Fn(CatalogueId) -> Option<Arc<Catalogue>>,
) {
    host.log = record.log;
    host.catalogue = record.catalogue.and_then(|id| catalogue(CatalogueId(id)));
    host.values = record.values.into();
    host.previous = record.previous.map(|(at_ms, id, values)| Previous {
        at_ms,
        catalogue: CatalogueId(id),
        values: values.into(),
    });
    (host.at_ms, host.received_ms) = (record.at_ms, record.received_ms);
    (host.boot, host.boot_ms) = (BootId(record.boot), record.boot_ms);
    host.boot_started_ms = record.boot_started_ms;
    host.clock_offset_ms = record.clock_offset_ms;
    host.boots = record.boots.into_iter().map(boot_of).collect();
    (host.set, host.set_at_ms) = (record.set, record.set_at_ms);
    host.spools = record.spools.into_iter().map(spool_of).collect();
    let (pending, dropped, refused) = record.figures;
    host.figures = SpoolFigures { pending, dropped, refused, thinned: record.thinned };
    let asset = host.asset;
    host.alerts = Arc::new(record.alerts.into_iter().map(|alert| alert_of(alert, asset)).collect());
    host.ended = match record.ended {
        1 => Some(End::HostShutdown),
        2 => Some(End::AgentStop),
        _ => None,
    };
    host.presence = Presence::from_word(&record.presence).unwrap_or(Presence::Unknown);
}

const fn boot_of(record: BootRecord) -> Boot {
    Boot {
        boot: BootId(record.boot),
        started_ms: record.started_ms,
        estimated: record.estimated,
        unclean: record.unclean,
        live: record.live,
        spool: SpoolId(record.spool),
        numbers: record.numbers,
        spans_ms: record.spans_ms,
    }
}

fn spool_of(record: SpoolRecord) -> Spool {
    Spool {
        id: SpoolId(record.id),
        seen: record.seen,
        lost: record.lost,
        checksums: record.checksums,
        used_ms: record.used_ms,
    }
}

fn alert_of(record: AlertRecord, asset: AssetId) -> Alert {
    Alert {
        id: None,
        rule: health::rule_id(&record.rule),
        asset,
        part: record.part.into(),
        severity: Severity::from_word(&record.severity).unwrap_or(Severity::Warning),
        state: if record.firing { AlertState::Firing } else { AlertState::Pending },
        since_ms: record.since_ms,
        fired_ms: None,
        resolved_ms: None,
        acknowledged: None,
        figures: record.figures,
        component: None,
        work_order: None,
        watch: Watch {
            seen_ms: record.seen_ms,
            clearing_since_ms: record.clearing_since_ms,
            rising_since_ms: record.rising_since_ms,
            mean: record.mean,
            mean_ms: record.mean_ms,
        },
    }
}
