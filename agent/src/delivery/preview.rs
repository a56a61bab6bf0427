//! What would leave next, by the code that sends it, without sending it; whether the agent runs or not.

use super::flight::{Head, Prepared};
use super::{Delivery, DeliveryError, Outside, SPOOL, Settings};
use crate::batch::Assembler;
use crate::clock::Clock;
use crate::sensor::Sample;
use crate::spool::{Held, Selection, Spool};
use crate::uplink::identity::IdentityStore;
use crate::uplink::post::{self, Outgoing};
use crate::uplink::{Command, Lane};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use tram_proto::component::Component;
use tram_proto::id::{AgentId, CatalogueId, Seq, SpoolId};
use tram_proto::report::{Moment, SpoolFigures};

/// Where a host reports to that is not enrolled yet.
const NOWHERE: &str = "https://COLLECTOR:8441";
/// Reports in a batch when the uplink has something else to do first.
const REPORTS_MAX: usize = 16;

/// What would leave next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preview {
    /// The JSON, before it is compressed.
    pub json: Vec<u8>,
    /// The request.
    pub request: Outgoing,
    /// Whether the reports wait in the spool; otherwise nothing does, and one was made just now.
    pub is_spooled: bool,
    /// Whether the host is enrolled; otherwise it has no id, and nowhere to report to.
    pub is_enrolled: bool,
}

/// What was measured just now, for when nothing waits.
#[derive(Debug, Clone)]
pub struct Measured {
    /// Values.
    pub samples: Vec<Sample>,
    /// Parts.
    pub components: Vec<Component>,
    /// When.
    pub moment: Moment,
}

impl Preview {
    /// Of an agent with this state directory. `known` are the catalogues that its collector has; `measure` is called
    /// when nothing waits.
    pub async fn of(
        state: &Path,
        settings: Settings,
        known: impl IntoIterator<Item = CatalogueId>,
        clock: Arc<dyn Clock>,
        measure: impl AsyncFnOnce() -> Measured,
    ) -> Result<Self, DeliveryError> {
        let store = IdentityStore::at(state);
        let Some(current) = store.current()? else {
            return Ok(Self::unenrolled(&settings, &measure().await));
        };
        // A renewed identity is used as soon as there is one that can be read.
        let identity = (store.next().ok().flatten().unwrap_or(current), true);
        let spool = Spool::look(&state.join(SPOOL), settings.spool)?;
        let mut delivery = Delivery::with(
            state,
            settings,
            store,
            identity,
            spool,
            Outside { clock, seed: 0, courier: None },
        )?;
        delivery.known.extend(known);
        if let Some(json) = delivery.next_batch() {
            return Ok(Self::new(delivery.url(post::REPORTS), json, true, true));
        }
        let measured = measure().await;
        let selection = fresh(&mut delivery.assembler, &measured, delivery.spool.next_seq(), &delivery.known);
        Ok(Self::new(delivery.url(post::REPORTS), delivery.body(&selection), false, true))
    }

    fn unenrolled(settings: &Settings, measured: &Measured) -> Self {
        let mut assembler = Assembler::new(settings.resource.clone());
        let selection = fresh(&mut assembler, measured, 1, &BTreeSet::new());
        let figures = SpoolFigures { pending: 1, ..SpoolFigures::default() };
        let (agent, spool) = (AgentId::default(), SpoolId::default());
        let head = Head { agent, spool, floor: 1, figures, shut: false, gone: vec![] };
        let collector = settings.route.collectors.first().map_or(NOWHERE, String::as_str);
        let url = format!("{collector}{}", post::REPORTS);
        Self::new(url, head.batch(&selection, measured.moment), false, false)
    }

    fn new(url: String, json: Vec<u8>, is_spooled: bool, is_enrolled: bool) -> Self {
        Self { request: Outgoing::new(url, json.clone()), json, is_spooled, is_enrolled }
    }
}

impl Delivery {
    /// What the next send carries; none when nothing waits.
    fn next_batch(&mut self) -> Option<Vec<u8>> {
        self.tell_time();
        self.uplink.handle_urgent(self.clock.monotonic());
        let (lane, reports_max) = match self.uplink.next_command() {
            Some(Command::Send { lane, reports_max }) => (lane, reports_max),
            Some(Command::FetchPolicy | Command::Renew) | None => (Lane::Live, REPORTS_MAX),
        };
        self.prepare(lane, reports_max).map(|Prepared { body, .. }| body)
    }
}

/// A report of what was measured just now, as the spool would hold it.
fn fresh(
    assembler: &mut Assembler,
    measured: &Measured,
    seq: Seq,
    known: &BTreeSet<CatalogueId>,
) -> Selection {
    let Measured { samples, components, moment } = measured;
    let (report, id, catalogue) = assembler.assemble(samples, components, None, *moment);
    let held = Held { first: seq, seq, boot: moment.boot, catalogue: id, bytes: report.encode() };
    let catalogues = if known.contains(&id) { vec![] } else { vec![catalogue.clone()] };
    Selection { reports: vec![held], catalogues, anchors: vec![] }
}
