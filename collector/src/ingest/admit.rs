//! From the wire to the model: bodies and reports as values of this collector.
//!
//! Pure. The shapes and bounds of the wire end here; nothing below or beside this module knows them.

use crate::budget::Ask;
use crate::commit::Decoders;
use crate::model::agent::AgentId;
use crate::model::arrival::{
    Aggregate, Anchor, Arrival, Gathered, Incoming, Measured, Moment, NewCatalogue, Outcome, Refusal,
    SpoolFigures, SpoolId,
};
use crate::model::catalogue::{Attributes, Catalogue, CatalogueId, Column, Kind};
use crate::model::component::{Component, ComponentState};
use crate::model::report::{BootId, End};
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;
use tram_proto::ack::{Ack, Reason, Refused};
use tram_proto::encoding::WireError;
use tram_proto::report::{Batch, Report};
use tram_proto::{
    aggregate as wire_aggregate, catalogue as wire_catalogue, component as wire_component, report as wire,
};

/// Bytes of memory of a component with its texts.
const PART_BYTES: usize = 512;
/// Memory of a catalogue, by its canonical bytes: those, and the columns made of them.
const CATALOGUE_SHARE: usize = 3;

/// A body as an arrival, but for who sent it, which the certificate says.
#[derive(Debug)]
pub struct Decoded {
    /// Whom the batch claims to be from.
    pub claimed: AgentId,
    /// Whether the host's own limits keep back what waits there.
    pub is_shut: bool,
    /// The rest of it.
    pub arrival: Arrival,
}

/// Reads a decompressed body. One bad report or catalogue costs only itself. `is_known` says which catalogues need
/// not be read.
pub fn arrival(
    body: Vec<u8>,
    arrived_ms: i64,
    is_known: impl Fn(CatalogueId) -> bool,
) -> Result<Decoded, WireError> {
    let batch = Batch::decode(&body)?;
    let (claimed, is_shut) = (AgentId(batch.agent.0), batch.shut);
    let mut broken = Vec::new();
    let catalogues = new_catalogues(&batch.catalogues, is_known, &mut broken);
    let mut reports: Vec<Incoming> =
        batch.reports.iter().map(|framed| incoming(&body, framed, &broken)).collect();
    reports.sort_by_key(|incoming| incoming.seq);
    let arrival = Arrival {
        agent: claimed,
        spool: SpoolId(batch.spool.0),
        floor: batch.floor,
        sent: Moment {
            boot: BootId(batch.sent.boot.0),
            boot_ms: batch.sent.boot_ms,
            wall_ms: batch.sent.wall_ms,
        },
        arrived_ms,
        anchors: batch.anchors.iter().map(anchor).collect(),
        catalogues,
        figures: batch.figures.map(|figures| SpoolFigures {
            pending: figures.pending,
            dropped: figures.dropped,
            refused: figures.refused,
            thinned: figures.thinned,
        }),
        gone: batch.gone,
        reports,
        body: Vec::new(),
    };
    Ok(Decoded { claimed, is_shut, arrival: Arrival { body, ..arrival } })
}

/// The catalogues that are new. One that exceeds its bounds goes to `broken`: its reports can never be taken.
fn new_catalogues(
    catalogues: &[wire_catalogue::Catalogue],
    is_known: impl Fn(CatalogueId) -> bool,
    broken: &mut Vec<CatalogueId>,
) -> Vec<NewCatalogue> {
    let mut fresh = Vec::new();
    for sent in catalogues {
        let id = CatalogueId(sent.id().0);
        if is_known(id) {
            continue;
        }
        match (sent.check(), String::from_utf8(sent.canonical_bytes())) {
            (Ok(()), Ok(canonical)) => {
                fresh.push(NewCatalogue { catalogue: Arc::new(catalogue(sent)), canonical });
            }
            (Err(_), _) | (_, Err(_)) => broken.push(id),
        }
    }
    fresh
}

fn incoming(body: &[u8], framed: &wire::Framed<'_>, broken: &[CatalogueId]) -> Incoming {
    let text = framed.1.get();
    let content = match Report::decode(text.as_bytes()) {
        Ok(report) if broken.contains(&CatalogueId(report.catalogue.0)) => Err(Refusal::Limit),
        Ok(report) => Ok(measured(report)),
        Err(error) => Err(refusal(&error)),
    };
    Incoming { seq: framed.0, crc: framed.crc(), bytes: place_of(body, text), content }
}

/// Where a borrowed part of a body begins and ends in it.
fn place_of(body: &[u8], part: &str) -> Range<usize> {
    let start = (part.as_ptr() as usize).saturating_sub(body.as_ptr() as usize);
    start..start + part.len()
}

const fn refusal(error: &WireError) -> Refusal {
    match error {
        WireError::TooLarge { .. } | WireError::Depth | WireError::Bound(_) => Refusal::Limit,
        WireError::Encoding
        | WireError::Compression
        | WireError::Json(_)
        | WireError::Version { .. }
        | WireError::Invalid(_) => Refusal::Malformed,
    }
}

const fn anchor(anchor: &wire::Anchor) -> Anchor {
    Anchor { boot: BootId(anchor.boot.0), boot_ms: anchor.boot_ms, collector_ms: anchor.collector_ms }
}

fn measured(report: Report) -> Measured {
    let aggregate = report.aggregate.as_deref().map(|sent| Arc::new(aggregate(sent, &report.values)));
    let moment = Moment { boot: BootId(report.boot.0), boot_ms: report.boot_ms, wall_ms: report.wall_ms };
    Measured {
        moment,
        catalogue: CatalogueId(report.catalogue.0),
        values: report.values,
        set: report.set.0,
        components: report.components.map(|set| set.into_iter().map(component).collect()),
        end: report.end.map(|end| match end {
            wire::End::HostShutdown => End::HostShutdown,
            wire::End::AgentStop => End::AgentStop,
        }),
        aggregate,
    }
}

fn aggregate(sent: &wire_aggregate::Aggregate, values: &[Option<i64>]) -> Aggregate {
    let of = |(column, last): (usize, &Option<i64>)| {
        let wire_aggregate::Gathered { count, min, max, sum, last } = sent.gathered(column, *last)?;
        Some(Gathered { count, min, max, sum, last })
    };
    Aggregate {
        count: sent.count,
        since_boot_ms: sent.since_boot_ms,
        step_ms: sent.step_ms,
        columns: values.iter().enumerate().map(of).collect(),
    }
}

fn component(part: wire_component::Component) -> Component {
    let state = match part.state {
        wire_component::State::Ok => ComponentState::Ok,
        wire_component::State::Degraded => ComponentState::Degraded,
        wire_component::State::Failed => ComponentState::Failed,
        wire_component::State::PredictedFailure => ComponentState::PredictedFailure,
        wire_component::State::NeedsCleaning => ComponentState::NeedsCleaning,
        wire_component::State::Unknown => ComponentState::Unknown,
    };
    Component {
        kind: part.kind,
        id: part.id,
        name: part.name,
        model: part.model,
        serial: part.serial,
        state,
        reasons: part.reasons,
        figures: part.figures,
        since_ms: 0,
    }
}

fn catalogue(sent: &wire_catalogue::Catalogue) -> Catalogue {
    Catalogue {
        id: CatalogueId(sent.id().0),
        resource: sent.resource.clone(),
        columns: sent.columns.iter().cloned().map(column).collect(),
    }
}

fn column(sent: wire_catalogue::Column) -> Column {
    let wire_catalogue::Column { name, attributes, unit, scale, kind } = sent;
    let kind = match kind {
        wire_catalogue::Kind::Gauge => Kind::Gauge,
        wire_catalogue::Kind::Counter => Kind::Counter,
    };
    Column { name, attributes, unit, scale, kind }
}

/// How reports and catalogues are read that the store has kept as they came.
pub const DECODERS: Decoders =
    Decoders { report: stored_report, resource: stored_resource, columns: stored_columns };

fn stored_report(bytes: &[u8]) -> Option<Measured> {
    Report::decode(bytes).ok().map(measured)
}

fn stored_resource(json: &str) -> Option<Attributes> {
    serde_json::from_str(json).ok()
}

fn stored_columns(json: &str) -> Option<Vec<Column>> {
    let sent: Vec<wire_catalogue::Column> = serde_json::from_str(json).ok()?;
    Some(sent.into_iter().map(column).collect())
}

/// What an arrival asks of its site's budget; `may` says whether the policy lets history go at this hour.
pub fn ask(decoded: &Decoded, may: bool) -> Ask {
    let Decoded { is_shut, arrival, .. } = decoded;
    // It says how many wait, those that it brings included, unless these are all.
    let waits = arrival.figures.is_some_and(|figures| figures.pending > arrival.reports.len() as u64);
    let sent = (arrival.sent.boot, arrival.sent.boot_ms);
    Ask { agent: arrival.agent, waits: waits && may && !is_shut, sent }
}

/// Bytes of memory that an arrival takes until it is written, roughly: what it is made of is many times the same.
pub fn memory_bytes(arrival: &Arrival) -> usize {
    let of = |incoming: &Incoming| {
        let Ok(measured) = &incoming.content else { return 0 };
        let columns = measured.aggregate.as_ref().map_or(0, |aggregate| aggregate.columns.len());
        let parts = measured.components.as_ref().map_or(0, Vec::len);
        measured.values.len() * size_of::<Option<i64>>()
            + columns * size_of::<Option<Gathered>>()
            + parts * PART_BYTES
    };
    let reports: usize = arrival.reports.iter().map(|incoming| size_of::<Incoming>() + of(incoming)).sum();
    let catalogues = arrival.catalogues.iter();
    let catalogues: usize = catalogues.map(|new| CATALOGUE_SHARE * new.canonical.len()).sum();
    arrival.body.len() + reports + catalogues
}

/// The ack for an outcome. `pause` is what the agent is asked to wait before more history; `share` is what history may
/// take, bytes a minute; none: no bound.
pub fn ack(
    outcome: Outcome,
    collector_ms: i64,
    policy: u64,
    pause: Option<Duration>,
    share: Option<u32>,
) -> Ack {
    Ack {
        collector_ms,
        durable: outcome.durable,
        refused: outcome
            .refused
            .into_iter()
            .map(|(seq, refusal)| Refused::new(seq, reason(refusal)))
            .collect(),
        need: outcome.need,
        need_catalogues: outcome
            .need_catalogues
            .into_iter()
            .map(|id| tram_proto::id::CatalogueId(id.0))
            .collect(),
        need_components: outcome.need_components,
        new_spool: outcome.new_spool,
        policy,
        pause_ms: pause.map(|pause| u64::try_from(pause.as_millis()).unwrap_or(u64::MAX)),
        history_bytes_per_minute: share,
    }
}

const fn reason(refusal: Refusal) -> Reason {
    match refusal {
        Refusal::Malformed => Reason::Malformed,
        Refusal::Limit => Reason::Limit,
        Refusal::UnknownCatalogue => Reason::UnknownCatalogue,
        Refusal::ValueCount => Reason::ValueCount,
        Refusal::Fork => Reason::Fork,
        Refusal::TooManyGaps => Reason::TooManyGaps,
        Refusal::BootTime => Reason::BootTime,
        Refusal::Overlap => Reason::Overlap,
    }
}

#[cfg(test)]
mod tests;
