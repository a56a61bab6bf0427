//! A data folder as a collector leaves it whose hosts have all reported: rows, catalogues and snapshots of the state, made
//! by the collector's own code but without a report for each.

use super::super::bodies::Host;
use super::super::collector::{Fleet, prepare_some};
use rusqlite::Connection;
use std::path::Path;
use std::sync::Arc;
use tram_collector::admission::Spool;
use tram_collector::health::Presence;
use tram_collector::latest::{self, Latest, Previous, SHARDS, snapshot as bytes};
use tram_collector::model::agent::{AgentId, AgentState};
use tram_collector::model::arrival::SpoolId;
use tram_collector::model::asset::{AssetId, AssetKind};
use tram_collector::model::catalogue::{Catalogue, CatalogueId};
use tram_collector::model::report::BootId;
use tram_collector::placing::Boot;
use tram_collector::store::sqlite::{self, catalogue, snapshot};
use tram_proto::component;
use tram_proto::id;

/// Reports that each host has sent before: as many as checksums are kept of.
const SENT: u64 = 16;
/// Between two of them.
const STEP_MS: i64 = 60_000;

/// Makes the folder; gives the fleet, those of its hosts that can connect, and the snapshots.
pub(super) fn preload(
    data_dir: &Path,
    count: usize,
    live: usize,
    now_ms: i64,
) -> anyhow::Result<(Fleet, Vec<Host>, Vec<Vec<u8>>)> {
    let fleet = prepare_some(data_dir, count, live, now_ms)?;
    let state = Latest::default();
    for (number, agent) in fleet.agents.iter().enumerate() {
        state.put(&known(&host(number, *agent, now_ms), number, *agent, now_ms));
    }
    let snapshots: Vec<Vec<u8>> =
        (0..SHARDS).map(|shard| bytes::encode(&state, shard)).collect::<Result<_, _>>()?;
    put_snapshots(&mut sqlite::open_writer(data_dir)?, &snapshots)?;
    let hosts = fleet.agents.iter().take(live).enumerate();
    let hosts = hosts.map(|(number, agent)| host(number, *agent, now_ms)).collect();
    Ok((fleet, hosts, snapshots))
}

/// Puts the state in place: a collector that ran without the catalogues may have left others.
pub(super) fn put_snapshots(connection: &mut Connection, snapshots: &[Vec<u8>]) -> anyhow::Result<()> {
    let rows = connection.transaction()?;
    for (shard, body) in snapshots.iter().enumerate() {
        snapshot::put(&rows, shard, 0, body)?;
    }
    Ok(rows.commit()?)
}

/// Adds the catalogues that the hosts' values are of.
pub(super) fn add_catalogues(connection: &mut Connection, fleet: &Fleet, now_ms: i64) -> anyhow::Result<()> {
    let rows = connection.transaction()?;
    for (number, agent) in fleet.agents.iter().enumerate() {
        let host = host(number, *agent, now_ms);
        let canonical = String::from_utf8(host.catalogue().canonical_bytes())?;
        catalogue::add(&rows, CatalogueId(host.catalogue().id().0), &canonical, now_ms)?;
    }
    Ok(rows.commit()?)
}

fn host(number: usize, agent: AgentId, now_ms: i64) -> Host {
    let mut host = Host::new(id::AgentId(agent.0), number as u64 + 1, now_ms);
    host.skip_to(SENT);
    host
}

/// What the collector knows of a host after its reports.
fn known(host: &Host, number: usize, agent: AgentId, now_ms: i64) -> latest::Host {
    let catalogue = CatalogueId(host.catalogue().id().0);
    let values: Arc<[Option<i64>]> = host.values().iter().map(|value| Some(*value)).collect();
    let ((boot, boot_ms), spool) = (host.boot(), SpoolId(host.spool().0));
    let asset = AssetId(number as i64 + 1);
    let mut seen = Spool::new(spool, now_ms);
    (1..=SENT).for_each(|seq| seen.admit(seq, seq, number as u32));
    let mut known = latest::Host::new(agent, asset, AssetKind::Server, true, AgentState::Active);
    let started_ms = now_ms - boot_ms as i64;
    known.catalogue =
        Some(Arc::new(Catalogue { id: catalogue, resource: Default::default(), columns: Arc::default() }));
    known.previous = Some(Previous { at_ms: now_ms - STEP_MS, catalogue, values: Arc::clone(&values) });
    known.values = values;
    (known.at_ms, known.received_ms) = (now_ms, now_ms);
    (known.boot, known.boot_ms, known.boot_started_ms) = (BootId(boot.0), boot_ms, started_ms);
    known.clock_offset_ms = Some(0);
    known.set = Some(component::digest(&[]).0);
    known.set_at_ms = now_ms;
    known.spools = vec![seen];
    known.presence = Presence::Up;
    known.boots = vec![Boot {
        boot: BootId(boot.0),
        started_ms,
        estimated: false,
        unclean: false,
        live: true,
        spool,
        numbers: (1, SENT),
        spans_ms: (0, boot_ms),
    }];
    known
}
