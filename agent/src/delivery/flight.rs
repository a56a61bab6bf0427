//! Requests of a delivery: how each is made, and what its answer changes.

use super::{Delivery, DeliveryError, Outcome};
use crate::delivery::courier::Way;
use crate::spool::{Held, RefusedForEver, Selection};
use crate::tree::tree;
use crate::uplink::identity::{Identity, IdentityError, Key};
use crate::uplink::pace::wire_bytes;
use crate::uplink::post::{self, Answer, Outgoing, Poster};
use crate::uplink::{Command, Failure, LIVE_REPORTS, Lane, Progress, Refusal};
use crate::uplink::{remembered, trust};
use serde_json::value::RawValue;
use std::collections::BTreeSet;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;
use tram_proto::ack::{Ack, Reason};
use tram_proto::enroll::{Enrolled, RenewRequest};
use tram_proto::id::{AgentId, CatalogueId, Seq, SpoolId};
use tram_proto::limits;
use tram_proto::policy::Policy;
use tram_proto::report::{BATCH_VERSION, Batch, Framed, Moment, Report, SpoolFigures};

/// Bytes of reports in one batch: what a link of 60 kbit/s carries within seconds once compressed.
const BATCH_BYTES_MAX: usize = 256 << 10;
/// Send intervals for which a report is live, as the collector sees it.
const FRESH_INTERVALS: u64 = 2;
/// Catalogues that the collector is remembered to have.
const KNOWN_MAX: usize = 64;

/// A request on its way.
pub(super) type Errand = Pin<Box<dyn Future<Output = Landed> + Send>>;

/// What a batch says besides its reports.
pub(super) struct Head {
    pub(super) agent: AgentId,
    pub(super) spool: SpoolId,
    pub(super) floor: Seq,
    pub(super) figures: SpoolFigures,
    /// Whether this host's own limits keep back what waits.
    pub(super) shut: bool,
    pub(super) gone: Vec<(Seq, Seq)>,
}

impl Head {
    /// The bytes of a batch that is sent at a moment, before they are compressed.
    pub(super) fn batch(self, selection: &Selection, sent: Moment) -> Vec<u8> {
        let raw = |bytes: &'_ [u8]| serde_json::from_slice::<&RawValue>(bytes).ok().map(RawValue::to_owned);
        let raws: Vec<_> =
            selection.reports.iter().filter_map(|held| Some((held.seq, raw(&held.bytes)?))).collect();
        let figures = self.figures;
        let is_lossless = figures.dropped == 0 && figures.refused == 0 && figures.thinned == 0;
        let is_ordinary = is_lossless && figures.pending <= raws.len() as u64;
        let batch = Batch {
            v: BATCH_VERSION,
            agent: self.agent,
            spool: self.spool,
            floor: self.floor,
            sent,
            anchors: selection.anchors.clone(),
            catalogues: selection.catalogues.clone(),
            figures: (!is_ordinary).then_some(figures),
            shut: self.shut && !is_ordinary,
            gone: self.gone,
            reports: raws.iter().map(|(seq, raw)| Framed(*seq, raw)).collect(),
        };
        batch.encode()
    }
}

/// A batch before it leaves.
pub(super) struct Prepared {
    /// The reports in it.
    pub(super) held: Vec<Held>,
    /// Their numbers and the catalogues that they name.
    pub(super) sent: Vec<(Seq, CatalogueId)>,
    /// Its bytes, before they are compressed.
    pub(super) body: Vec<u8>,
}

/// What came of looking for a batch that fits.
enum Fit {
    Fits(Prepared),
    Nothing,
    NoRoom,
}

/// A request that was answered, or not.
pub(super) enum Landed {
    /// A batch.
    Batch { answer: Answer, lane: Lane, sent: Vec<(Seq, CatalogueId)> },
    /// The policy.
    Policy(Answer),
    /// A renewal.
    Renewal { answer: Answer, key: Key },
}

impl Delivery {
    /// Sets off with what the uplink says, if anything.
    pub(super) fn depart(&mut self) {
        let command = self.uplink.next_command();
        if command.is_some() {
            self.addresses.handle_departure(self.clock.monotonic());
        }
        match command {
            Some(Command::Send { lane, reports_max }) => self.send(lane, reports_max),
            Some(Command::FetchPolicy) => {
                let fetched = self.way.fetch(self.url(post::POLICY));
                self.flight = Some(Box::pin(async { Landed::Policy(fetched.await) }));
            }
            Some(Command::Renew) => self.ask_renewal(),
            None => {}
        }
    }

    fn send(&mut self, lane: Lane, reports_max: usize) {
        let prepared = match self.prepare_to_fit(lane, reports_max) {
            Fit::Fits(prepared) => prepared,
            Fit::Nothing => {
                let pending = self.spool.pending();
                return self.uplink.handle_nothing_to_send(pending, self.clock.monotonic());
            }
            Fit::NoRoom => return self.uplink.handle_no_room(self.clock.monotonic()),
        };
        let Prepared { held, sent, body } = prepared;
        self.spool.set_off(lane, &held);
        let posted = self.way.post(self.url(post::REPORTS), body);
        self.flight = Some(Box::pin(async move { Landed::Batch { answer: posted.await, lane, sent } }));
    }

    /// A batch that is no larger on the wire than history may be now. One report that is larger than a whole minute's
    /// share goes alone once all of that is there; the minutes after pay for it.
    fn prepare_to_fit(&mut self, lane: Lane, reports_max: usize) -> Fit {
        let now = self.clock.monotonic();
        let allowance = self.uplink.pace().allowance(now).filter(|_| lane == Lane::History);
        let mut reports_max = reports_max;
        loop {
            let Some(prepared) = self.prepare(lane, reports_max) else { return Fit::Nothing };
            let Some(allowance) = allowance else { return Fit::Fits(prepared) };
            let bytes = wire_bytes(Outgoing::new(self.url(post::REPORTS), prepared.body.clone()).body.len());
            let count = prepared.sent.len();
            if bytes <= allowance || (count == 1 && self.uplink.pace().is_untouched(now)) {
                self.uplink.handle_departure(bytes);
                return Fit::Fits(prepared);
            }
            if count == 1 {
                return Fit::NoRoom;
            }
            // A little fewer than would fit if all were alike.
            let fitting = count as u64 * allowance / bytes * 7 / 8;
            reports_max = (fitting as usize).clamp(1, count - 1);
        }
    }

    /// What a send of a lane carries now; none when nothing waits.
    pub(super) fn prepare(&mut self, lane: Lane, reports_max: usize) -> Option<Prepared> {
        let mut selection = self.spool.select(lane, reports_max, BATCH_BYTES_MAX, &self.known);
        if lane == Lane::Live && self.is_live_only() {
            self.keep_fresh(&mut selection);
        }
        selection.anchors.retain(|anchor| anchor.boot != self.settings.boot);
        if selection.reports.is_empty() {
            return None;
        }
        let sent = selection.reports.iter().map(|held| (held.seq, held.catalogue)).collect();
        let body = self.body(&selection);
        Some(Prepared { held: selection.reports, sent, body })
    }

    /// Whether sends of the newest carry only what was measured just now, because history has hours or a share.
    fn is_live_only(&self) -> bool {
        self.settings.hours.is_set() || self.uplink.is_live_only()
    }

    /// Leaves only what the collector would call live: what was measured in this boot and not long ago.
    fn keep_fresh(&self, selection: &mut Selection) {
        let fresh_ms = self.settings.send_interval.as_millis() as u64 * FRESH_INTERVALS;
        let since_ms = self.clock.boot_ms().saturating_sub(fresh_ms);
        selection.reports.retain(|held| {
            let is_of_now = held.boot == self.settings.boot && held.first == held.seq;
            is_of_now && Report::decode(&held.bytes).is_ok_and(|report| report.boot_ms >= since_ms)
        });
        let named: BTreeSet<CatalogueId> = tree(selection.reports.iter().map(|held| held.catalogue));
        selection.catalogues.retain(|catalogue| named.contains(&catalogue.id()));
    }

    /// The bytes of a batch, before they are compressed.
    pub(super) fn body(&self, selection: &Selection) -> Vec<u8> {
        let head = Head {
            agent: self.identity.agent,
            spool: self.spool.id(),
            floor: self.spool.floor(),
            figures: self.spool.figures(),
            shut: self.settings.hours.is_closed_here(self.time.now_ms()),
            gone: self.spool.gone().to_vec(),
        };
        head.batch(selection, self.moment())
    }

    fn ask_renewal(&mut self) {
        let prepared = Key::generate("").and_then(|key| Ok((key.request()?, key)));
        match prepared {
            Ok((csr, key)) => {
                let body = serde_json::to_vec(&RenewRequest { csr }).unwrap_or_default();
                let posted = self.way.post(self.url(post::RENEW), body);
                self.flight = Some(Box::pin(async { Landed::Renewal { answer: posted.await, key } }));
            }
            Err(error) => {
                tracing::error!(%error, "cannot make a key for a new certificate");
                self.stumble(error.to_string());
            }
        }
    }

    /// Takes in an answer.
    pub(super) fn apply(&mut self, landed: Landed) -> Option<Outcome> {
        match landed {
            Landed::Batch { answer, lane, sent } => Some(self.apply_batch(&answer, lane, &sent)),
            Landed::Policy(answer) => Some(self.apply_policy(&answer)),
            Landed::Renewal { answer, key } => Some(self.apply_renewal(&answer, &key)),
        }
    }

    fn apply_batch(&mut self, answer: &Answer, lane: Lane, sent: &[(Seq, CatalogueId)]) -> Outcome {
        let ack = answer.read::<Ack>();
        if ack.is_err() {
            self.spool.came_back(lane, answer.is_certainly_unkept());
        }
        match ack {
            Ok(ack) => self.apply_ack(&ack, lane, sent),
            Err(Failure::Batch { .. }) => {
                let was_single = sent.len() == 1;
                if let (true, Some((seq, _))) = (was_single, sent.first()) {
                    tracing::warn!(
                        seq,
                        why = answer.words(),
                        "the collector cannot take a report; it is given up"
                    );
                    self.spool.refuse(RefusedForEver { seq: *seq, reason: Reason::Malformed });
                }
                self.fail(Failure::Batch { was_single }, answer.words())
            }
            Err(failure) => self.fail(failure, answer.words()),
        }
    }

    fn apply_ack(&mut self, ack: &Ack, lane: Lane, sent: &[(Seq, CatalogueId)]) -> Outcome {
        self.note_good_address();
        self.prove();
        let boot_ms = self.clock.boot_ms();
        self.time.set(ack.collector_ms, boot_ms);
        let settled = self.spool.settle(ack, self.settings.boot, boot_ms);
        let durable = sent.iter().filter(|(seq, _)| ack.durable.contains(*seq));
        self.known.extend(durable.map(|(_, catalogue)| *catalogue));
        ack.need_catalogues.iter().for_each(|id| {
            self.known.remove(id);
        });
        if self.known.len() > KNOWN_MAX {
            self.known.clear();
        }
        if ack.need_components {
            self.assembler.ask_components();
        }
        if ack.new_spool {
            self.start_anew();
        }
        let pause = ack.pause_ms.map(Duration::from_millis);
        let pending = self.spool.pending();
        let is_full = lane == Lane::Live && sent.len() >= LIVE_REPORTS;
        let is_live_left = is_full && self.is_live_only();
        let (policy, share) = (ack.policy, ack.history_bytes_per_minute);
        let progress = Progress { settled, pending, policy, pause, share, is_live_left };
        self.uplink.handle_ack(progress, self.clock.monotonic());
        let is_shared = share.is_some();
        if is_shared != std::mem::replace(&mut self.was_shared, is_shared) {
            remembered::keep_shared(&self.state, is_shared);
        }
        self.check_renewal();
        Outcome::Acked { settled, pending }
    }

    fn start_anew(&mut self) {
        tracing::warn!(spool = %self.spool.id(), "the collector has other reports with this spool's numbers: it was copied; a new one begins");
        self.assembler.ask_components();
        if let Err(error) = self.spool.start_anew() {
            tracing::error!(%error, "cannot begin a new spool");
        }
    }

    fn apply_policy(&mut self, answer: &Answer) -> Outcome {
        let policy = match answer.read::<Policy>() {
            Ok(policy) => policy,
            // The collector answered: that is no cut.
            Err(_) if matches!(answer, Answer::Success(_)) => {
                return self.pass_over(None, format!("{}, which is no policy", answer.words()));
            }
            Err(failure) => return self.fail(failure, answer.words()),
        };
        if let Err(error) = policy.check() {
            return self.pass_over(Some(policy.version), error.to_string());
        }
        self.note_good_address();
        self.uplink.handle_policy(policy.version, self.clock.monotonic());
        Outcome::Policy(policy)
    }

    /// What came is no policy to follow: what held goes on holding. One that says its version is not asked for again.
    fn pass_over(&mut self, version: Option<u64>, words: String) -> Outcome {
        tracing::warn!(why = words, version, "policy is not followed");
        self.note_good_address();
        let held = self.uplink.policy_held();
        self.uplink.handle_policy(version.unwrap_or(held), self.clock.monotonic());
        Outcome::Unfollowed { version, words }
    }

    fn apply_renewal(&mut self, answer: &Answer, key: &Key) -> Outcome {
        let enrolled = match answer.read::<Enrolled>() {
            Ok(enrolled) => enrolled,
            Err(failure) => return self.fail(failure, answer.words()),
        };
        match self.take_renewed(enrolled, key) {
            Ok(()) => {
                self.note_good_address();
                self.uplink.handle_renewed(self.clock.monotonic());
                Outcome::Renewed
            }
            Err(error) => {
                tracing::error!(%error, "a new certificate cannot be used; the old one stays");
                self.stumble(error.to_string())
            }
        }
    }

    fn take_renewed(&mut self, enrolled: Enrolled, key: &Key) -> Result<(), DeliveryError> {
        let old = &self.identity;
        let renewed = key.identity(enrolled, old.collector.clone(), old.token_sha256.clone());
        if renewed.agent != old.agent || renewed.ca_der()? != old.ca_der()? {
            return Err(
                IdentityError::Unusable("renewed for another agent or by another authority".into()).into()
            );
        }
        let poster = self.poster_for(&renewed)?;
        self.store.save_next(&renewed)?;
        (self.identity, self.way, self.is_unproven) = (renewed, Way::Tls(poster), true);
        Ok(())
    }

    /// The collector has answered as to a known agent: a renewed certificate works.
    fn prove(&mut self) {
        if std::mem::take(&mut self.is_unproven)
            && let Err(error) = self.store.promote()
        {
            tracing::error!(%error, "cannot put the renewed identity in the old one's place");
            self.is_unproven = true;
        }
    }

    /// The collector refuses the renewed certificate outright: back to the old one.
    fn go_back(&mut self) -> Result<(), DeliveryError> {
        let old: Identity = self.store.current()?.ok_or(DeliveryError::NotEnrolled)?;
        self.way = Way::Tls(self.poster_for(&old)?);
        self.store.discard_next()?;
        (self.identity, self.is_unproven) = (old, false);
        Ok(())
    }

    fn fail(&mut self, failure: Failure, words: String) -> Outcome {
        let refuses =
            matches!(failure, Failure::Refused(Refusal::Unknown | Refusal::WrongAgent | Refusal::Revoked));
        if self.is_unproven
            && refuses
            && let Err(error) = self.go_back()
        {
            tracing::error!(%error, "cannot go back to the old certificate");
        }
        let (now, pending) = (self.clock.monotonic(), self.spool.pending());
        if failure != Failure::Unreachable {
            self.note_good_address();
            self.uplink.handle_failure(failure, pending, now);
            return Outcome::Failed { failure, words };
        }
        if self.addresses.handle_silence(now) {
            self.uplink.handle_detour(pending, now);
        } else {
            self.uplink.handle_failure(failure, pending, now);
        }
        let words = match &self.settings.route.proxy {
            Some(proxy) => format!("{words} (through the proxy {proxy})"),
            None => words,
        };
        Outcome::Failed { failure, words }
    }

    /// Something went wrong on this side, whatever the collector said; it is tried again like any failure.
    fn stumble(&mut self, words: String) -> Outcome {
        let failure = Failure::Unreachable;
        self.uplink.handle_failure(failure, self.spool.pending(), self.clock.monotonic());
        Outcome::Failed { failure, words }
    }

    /// How an identity connects.
    pub(super) fn poster_for(&self, identity: &Identity) -> Result<Poster, DeliveryError> {
        let proxy = self.settings.route.proxy.as_ref();
        let tls = trust::enrolled(identity, self.time.clone(), proxy)?;
        Ok(Poster::new(tls, proxy, self.addresses.connect_timeout())?)
    }

    /// The address in use answered, as a collector does; it is begun with after a restart.
    fn note_good_address(&mut self) {
        let before = self.addresses.good().to_owned();
        self.addresses.handle_answer(self.clock.monotonic());
        if self.addresses.good() != before {
            tracing::info!(collector = self.address(), before, "the collector answers at another address");
            remembered::keep(&self.state, self.addresses.good());
        }
    }

    /// Asks for a new certificate when a third of this one's life is left.
    pub(super) fn check_renewal(&mut self) {
        match self.identity.should_renew(self.time.now_ms()) {
            Ok(true) if !self.is_unproven => self.uplink.handle_renewal_due(self.clock.monotonic()),
            Ok(_) => {}
            Err(error) => tracing::error!(%error, "own certificate cannot be read"),
        }
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.address())
    }
}

const _: () = assert!(BATCH_BYTES_MAX + limits::REPORT_BYTES_MAX <= limits::DECODED_BYTES_MAX);
