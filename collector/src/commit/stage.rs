//! One window in the making: what its arrivals change, beside the state in memory and not yet in it.
//!
//! Admits, places and applies reports one by one. Nothing here is seen by anyone until the window is on disk; a window
//! that fails is dropped with all that it staged. Reading the log back after a restart goes through the same
//! [`Stage::apply`], so that memory comes out as it was.

use super::decide::{Decided, Decider};
use super::record::{Header, Mark, Packer};
use super::sample::StagedSample;
use crate::admission::{Standing, spool_of};
use crate::catalogues::{Catalogues, Known};
use crate::latest::{Host, Latest, Previous, SHARDS};
use crate::model::agent::AgentId;
use crate::model::arrival::{Anchor, Arrival, Incoming, Measured, NewCatalogue, Outcome, Refusal};
use crate::model::asset::AssetId;
use crate::model::catalogue::CatalogueId;
use crate::model::component::Component;
use crate::model::missing::{self, Missing};
use crate::model::part_change::{self, PartChange};
use crate::model::report::BootId;
use crate::placing::{self, Boot, Contact};
use std::collections::HashMap;
use std::sync::Arc;

/// Hosts whose silence one window looks at: some milliseconds' worth.
const HOSTS_AT_ONCE: usize = 100_000;

/// A row that a window changes besides the log's.
#[derive(Debug)]
pub(super) enum Row {
    /// A complete component set.
    Components {
        asset: AssetId,
        set: Arc<Vec<Component>>,
        changes: Vec<PartChange>,
        missing: Arc<Vec<Missing>>,
        at_ms: i64,
    },
    /// Two hosts use one identity.
    Clone { agent: AgentId, seen_ms: i64 },
    /// Another version of the agent program.
    Version { agent: AgentId, known: Arc<Known> },
}

/// What a window is made from: the state as of the last commit, and who decides.
pub(super) struct Surroundings<'a> {
    pub(super) latest: &'a Latest,
    pub(super) catalogues: &'a Catalogues,
    pub(super) decider: &'a mut Decider,
}

/// One window in the making.
#[derive(Default)]
pub(super) struct Stage {
    pub(super) hosts: HashMap<AgentId, Host>,
    pub(super) catalogues: HashMap<CatalogueId, (Arc<Known>, String)>,
    pub(super) packer: Packer,
    pub(super) rows: Vec<Row>,
    pub(super) samples: Vec<StagedSample>,
    pub(super) decided: Decided,
    /// Where looking for silence goes on.
    next_shard: usize,
}

/// What became of one report.
enum Verdict {
    /// With the first number that it stands for.
    Copy(u64),
    Refused(Refusal),
    UnknownCatalogue(CatalogueId),
    New(Mark, Measured, Arc<Known>),
}

impl Stage {
    /// Empties it for the next window; its memory stays.
    pub(super) fn clear(&mut self) {
        self.hosts.clear();
        self.catalogues.clear();
        self.packer.clear();
        self.rows.clear();
        self.samples.clear();
        self.decided.clear();
    }

    /// Whether there is nothing to write.
    pub(super) fn is_empty(&self) -> bool {
        self.packer.is_empty()
            && self.rows.is_empty()
            && self.catalogues.is_empty()
            && self.decided.is_empty()
    }

    /// Takes the host of an agent out, as this window has it so far; none when there is no such agent.
    pub(super) fn lend(&mut self, latest: &Latest, agent: AgentId) -> Option<Host> {
        let staged = self.hosts.remove(&agent);
        staged.or_else(|| latest.host(agent))
    }

    /// Takes one arrival; none when its agent is not known.
    pub(super) fn take(&mut self, around: &mut Surroundings<'_>, arrival: Arrival) -> Option<Outcome> {
        let mut host = self.lend(around.latest, arrival.agent)?;
        for NewCatalogue { catalogue, canonical } in &arrival.catalogues {
            if around.catalogues.known(catalogue.id).is_none() && !self.catalogues.contains_key(&catalogue.id)
            {
                let known = around.catalogues.work_out(catalogue, around.decider.rules());
                self.catalogues.insert(catalogue.id, (known, canonical.clone()));
            }
        }
        let outcome = self.take_into(around, &mut host, arrival);
        self.hosts.insert(host.agent, host);
        Some(outcome)
    }

    /// Judges the silence of hosts, and stages those that it changes something for. With many hosts it goes round them
    /// a part at a time: no window waits for a look at all of them.
    pub(super) fn look_around(&mut self, around: &mut Surroundings<'_>, now_ms: i64) {
        let (mut looked, mut doubtful) = (0, Vec::new());
        for _ in 0..SHARDS {
            around.latest.each_of(self.next_shard, |agent, kept| {
                looked += 1;
                if !around.decider.is_quiet(kept, now_ms) {
                    doubtful.push(agent);
                }
            });
            self.next_shard = (self.next_shard + 1) % SHARDS;
            if looked >= HOSTS_AT_ONCE {
                break;
            }
        }
        for agent in doubtful {
            let known = if self.hosts.contains_key(&agent) { None } else { around.latest.host(agent) };
            let Some(host) = self.hosts.get(&agent).or(known.as_ref()) else { continue };
            if let Some(next) = around.decider.absent(host, now_ms, &mut self.decided) {
                self.hosts.insert(agent, next);
            }
        }
    }

    fn take_into(&mut self, around: &mut Surroundings<'_>, host: &mut Host, arrival: Arrival) -> Outcome {
        let header = Header::of(&arrival);
        let mut outcome = Outcome::default();
        let mut is_noted = meet(host, &header);
        if is_noted {
            self.packer.entry(&header);
        }
        let last_of_boot = last_of_boot(&arrival);
        let Arrival { anchors, body, reports, .. } = arrival;
        for Incoming { seq, crc, bytes, content } in reports {
            let verdict = self.admit(around, host, &header, &anchors, &last_of_boot, (seq, crc), content);
            match verdict {
                Verdict::Copy(first) => outcome.durable.insert_range(first, seq),
                Verdict::Refused(refusal) => {
                    outcome.new_spool |= refusal == Refusal::Fork;
                    outcome.refused.push((seq, refusal));
                }
                Verdict::UnknownCatalogue(id) => {
                    outcome.refused.push((seq, Refusal::UnknownCatalogue));
                    if !outcome.need_catalogues.contains(&id) {
                        outcome.need_catalogues.push(id);
                    }
                }
                Verdict::New(mark, measured, known) => {
                    if !std::mem::replace(&mut is_noted, true) {
                        self.packer.entry(&header);
                    }
                    self.packer.report(&mark, body.get(bytes).unwrap_or_default());
                    outcome.durable.insert_range(measured.first(seq).unwrap_or(seq), seq);
                    let set = measured.set;
                    self.apply(around.decider, host, &header, &mark, measured, &known);
                    outcome.need_components =
                        if mark.live { host.set != Some(set) } else { outcome.need_components };
                }
            }
        }
        if outcome.new_spool && host.clone_seen_ms.is_none() {
            host.clone_seen_ms = Some(header.arrived_ms);
            self.rows.push(Row::Clone { agent: host.agent, seen_ms: header.arrived_ms });
        }
        let spool = host.spools.iter().find(|spool| spool.id == header.spool);
        outcome.need = spool.and_then(|spool| spool.newest_gap(header.floor));
        outcome
    }

    /// What one report is; changes nothing.
    #[expect(clippy::too_many_arguments, reason = "a report is judged by its batch, its host and the store")]
    fn admit(
        &self,
        around: &Surroundings<'_>,
        host: &Host,
        header: &Header,
        anchors: &[Anchor],
        last_of_boot: &[(BootId, u64)],
        (seq, crc): (u64, u32),
        content: Result<Measured, Refusal>,
    ) -> Verdict {
        let spool = host.spools.iter().find(|spool| spool.id == header.spool);
        let first = content.as_ref().map_or(Some(seq), |measured| measured.first(seq));
        let Some(first) = first else { return Verdict::Refused(Refusal::Malformed) };
        match spool.map_or(Standing::New, |spool| spool.standing(first, seq, crc)) {
            Standing::Copy => return Verdict::Copy(first),
            Standing::OldCopy if is_news(host, header, seq, &content) => {
                return Verdict::Refused(Refusal::Fork);
            }
            Standing::OldCopy => return Verdict::Copy(first),
            Standing::Fork => return Verdict::Refused(Refusal::Fork),
            Standing::TooManyGaps => return Verdict::Refused(Refusal::TooManyGaps),
            Standing::Overlap => return Verdict::Refused(Refusal::Overlap),
            Standing::New => {}
        }
        let measured = match content {
            Ok(measured) => measured,
            Err(refusal) => return Verdict::Refused(refusal),
        };
        let staged = self.catalogues.get(&measured.catalogue).map(|(known, _)| Arc::clone(known));
        let Some(known) = staged.or_else(|| around.catalogues.known(measured.catalogue)) else {
            return Verdict::UnknownCatalogue(measured.catalogue);
        };
        if known.catalogue.columns.len() != measured.values.len() {
            return Verdict::Refused(Refusal::ValueCount);
        }
        let moment = measured.moment;
        let contact =
            Contact { sent: header.sent, arrived_ms: header.arrived_ms, anchors, spool: header.spool };
        let last = last_of_boot.iter().find(|(boot, _)| *boot == moment.boot);
        let last_boot_ms = last.map_or(moment.boot_ms, |(_, boot_ms)| *boot_ms);
        let Ok(placed) = placing::place(&host.boots, &contact, seq, moment, last_boot_ms) else {
            return Verdict::Refused(Refusal::BootTime);
        };
        let live = is_live(host, header, &measured, placed.at_ms, around.decider.interval_ms());
        let mark = Mark { seq, crc, at_ms: placed.at_ms, estimated: placed.estimated, live };
        Verdict::New(mark, measured, known)
    }

    /// Applies one admitted report to its host: live ones change the current state and are decided on, late ones only
    /// the history.
    pub(super) fn apply(
        &mut self,
        decider: &mut Decider,
        host: &mut Host,
        header: &Header,
        mark: &Mark,
        measured: Measured,
        known: &Arc<Known>,
    ) {
        let first = measured.first(mark.seq).unwrap_or(mark.seq);
        let Measured { moment, values, set, components, end, aggregate, .. } = measured;
        if let Some(spool) = host.spools.iter_mut().find(|spool| spool.id == header.spool) {
            spool.admit(first, mark.seq, mark.crc);
        }
        let since_boot_ms = aggregate.as_ref().map_or(moment.boot_ms, |aggregate| aggregate.since_boot_ms);
        let started_ms = mark.at_ms.saturating_sub_unsigned(moment.boot_ms);
        let boot = Boot {
            boot: moment.boot,
            started_ms,
            estimated: mark.estimated,
            unclean: known.is_unclean(&values),
            live: mark.live,
            spool: header.spool,
            numbers: (first, mark.seq),
            spans_ms: (since_boot_ms, moment.boot_ms),
        };
        placing::remember(&mut host.boots, boot);
        if let Some(components) = components.filter(|_| host.set.is_none() || mark.at_ms >= host.set_at_ms) {
            self.replace_set(host, components, set, mark.at_ms);
        }
        let values: Arc<[Option<i64>]> = values.into();
        let gathered = aggregate.as_deref().map(|aggregate| (aggregate, moment.boot_ms));
        let catalogue = Arc::clone(&known.catalogue);
        let sample = StagedSample::new(host.agent, catalogue, mark.at_ms, Arc::clone(&values), gathered);
        self.samples.push(sample);
        if !mark.live {
            return;
        }
        self.advance(host, header, known, values);
        host.at_ms = mark.at_ms;
        (host.boot, host.boot_ms, host.boot_started_ms) = (moment.boot, moment.boot_ms, started_ms);
        host.ended = end;
        decider.live(host, known, &mut self.decided);
    }

    /// Puts a complete set in place of the one before.
    fn replace_set(&mut self, host: &mut Host, mut components: Vec<Component>, set: [u8; 8], at_ms: i64) {
        let before = Arc::clone(&host.components);
        missing::date(&before, &mut components, at_ms);
        let changes = part_change::between(&before, &components);
        host.missing = Arc::new(missing::next(&host.missing, &before, &components, at_ms));
        host.components = Arc::new(components);
        host.set = Some(set);
        host.set_at_ms = at_ms;
        let (set, missing) = (Arc::clone(&host.components), Arc::clone(&host.missing));
        self.rows.push(Row::Components { asset: host.asset, set, changes, missing, at_ms });
    }

    /// Puts the values of a live report in place of the current ones.
    fn advance(&mut self, host: &mut Host, header: &Header, known: &Arc<Known>, values: Arc<[Option<i64>]>) {
        let is_same = host.catalogue.as_ref().is_some_and(|current| current.id == known.catalogue.id);
        host.previous = host.catalogue.as_ref().map(|current| Previous {
            at_ms: host.at_ms,
            catalogue: current.id,
            values: Arc::clone(&host.values),
        });
        host.values = values;
        host.clock_offset_ms = Some(header.sent.wall_ms.saturating_sub(header.arrived_ms));
        if !is_same {
            host.catalogue = Some(Arc::clone(&known.catalogue));
            self.rows.push(Row::Version { agent: host.agent, known: Arc::clone(known) });
        }
    }
}

/// What an arrival as a whole changes of its host. Says whether the log must know of it even without a new report: a
/// new spool, or numbers that will never come.
pub(super) fn meet(host: &mut Host, header: &Header) -> bool {
    let count = host.spools.len();
    let place = spool_of(&mut host.spools, header.spool, header.arrived_ms);
    let mut is_noteworthy = place >= count;
    if let Some(spool) = host.spools.get_mut(place) {
        spool.used_ms = header.arrived_ms;
        let before = spool.lost;
        spool.close_below(header.floor);
        header.gone.iter().for_each(|(first, last)| {
            spool.close(*first, *last);
        });
        is_noteworthy |= spool.lost != before;
    }
    if let Some(figures) = header.figures {
        host.figures = figures;
    }
    host.received_ms = host.received_ms.max(header.arrived_ms);
    is_noteworthy
}

/// The highest boot time of each boot but the sending one, of all reports of an arrival.
fn last_of_boot(arrival: &Arrival) -> Vec<(BootId, u64)> {
    let mut last: Vec<(BootId, u64)> = Vec::new();
    let measured = arrival.reports.iter().filter_map(|incoming| incoming.content.as_ref().ok());
    for moment in measured.map(|measured| measured.moment).filter(|moment| moment.boot != arrival.sent.boot) {
        match last.iter_mut().find(|(boot, _)| *boot == moment.boot) {
            Some((_, boot_ms)) => *boot_ms = moment.boot_ms.max(*boot_ms),
            None => last.push((moment.boot, moment.boot_ms)),
        }
    }
    last
}

/// Whether a report under a number taken long ago was measured after everything that its host has sent so far: then the
/// numbers have begun again, as when a disk or a virtual machine is set back to an older state.
fn is_news(host: &Host, header: &Header, seq: u64, content: &Result<Measured, Refusal>) -> bool {
    let Ok(Measured { moment, .. }) = content else { return false };
    if is_of_other_boot(host, header, seq, moment.boot) {
        return true;
    }
    let age_ms = header.sent.boot_ms.saturating_sub(moment.boot_ms);
    // Late reports count too: a host that has caught up, and sends again what it has no answer to, has begun nothing.
    let known = host.boots.iter().find(|known| known.boot == moment.boot).map(|known| known.spans_ms.1);
    let last_boot_ms = known.or((moment.boot == host.boot).then_some(host.boot_ms));
    moment.boot == header.sent.boot
        && match last_boot_ms {
            Some(last_boot_ms) => moment.boot_ms > last_boot_ms,
            None => header.arrived_ms.saturating_sub_unsigned(age_ms) > host.at_ms,
        }
}

/// Numbers rise with time, so a boot has a run of them to itself: one within another boot's run is that one's.
fn is_of_other_boot(host: &Host, header: &Header, seq: u64, boot: BootId) -> bool {
    let of_spool = host.boots.iter().filter(|known| known.spool == header.spool && known.boot != boot);
    of_spool.into_iter().any(|known| (known.numbers.0..=known.numbers.1).contains(&seq))
}

/// Live: of the boot that sends, younger than two send intervals, and newer than the state held.
fn is_live(host: &Host, header: &Header, measured: &Measured, at_ms: i64, interval_ms: i64) -> bool {
    let moment = measured.moment;
    if moment.boot != header.sent.boot || measured.aggregate.is_some() {
        return false;
    }
    let age_ms = header.sent.boot_ms.saturating_sub(moment.boot_ms);
    let is_young = i64::try_from(age_ms).is_ok_and(|age_ms| age_ms < 2 * interval_ms);
    let is_newer = if moment.boot == host.boot && host.at_ms != 0 {
        moment.boot_ms > host.boot_ms
    } else {
        // A state from the future was placed by a collector's clock that has been set back since.
        at_ms > host.at_ms || host.at_ms > header.arrived_ms
    };
    is_young && is_newer
}
