//! What the rungs add up to. Pure: the same rungs always give the same verdict.
//!
//! The rule behind the order: blame the nearest rung that is broken, and only when nothing behind it answers. A
//! gateway that keeps silent while the internet answers through it is a gateway that does not like to be pinged.

use super::stats::median;
use super::target::Place;
use super::{ReachConfig, RungResult};
use tram_proto::reach::{Outcome, Rung, Verdict};

/// When an answering internet counts as degraded.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Limits {
    /// Share of probes that may be lost.
    pub(super) loss_max: f64,
    /// Longest median round trip, in seconds.
    pub(super) rtt_max_s: f64,
}

impl Limits {
    /// Those of a configuration.
    pub(super) fn of(config: &ReachConfig) -> Self {
        Self { loss_max: f64::from(config.loss_max_percent) / 100.0, rtt_max_s: config.rtt_max.as_secs_f64() }
    }
}

/// The verdict over all rungs.
pub(super) fn derive(rungs: &[RungResult], limits: Limits) -> Verdict {
    let view = View { rungs };
    if view.is_broken(Rung::Interface) && !view.anything_off_host_answers() {
        return Verdict::LanDown;
    }
    if view.has(Rung::Web, Outcome::Captive) && !view.answers(Rung::Web) {
        return Verdict::Captive;
    }
    if !view.internet_answers() {
        if view.is_broken(Rung::Gateway) && !view.anything_beyond_answers() {
            return Verdict::GatewayDown;
        }
        if view.is_tried(Rung::Internet) || view.is_tried(Rung::Web) {
            return view.without_internet();
        }
    }
    if view.is_broken(Rung::Resolver) || view.is_broken(Rung::Name) {
        return Verdict::DnsBroken;
    }
    if view.is_broken(Rung::Collector) {
        return Verdict::CollectorUnreachable;
    }
    if view.is_degraded(limits) {
        return Verdict::Degraded;
    }
    let probed = [Rung::Gateway, Rung::Resolver, Rung::Name, Rung::Internet, Rung::Web, Rung::Collector];
    if probed.into_iter().any(|rung| view.answers(rung)) { Verdict::Ok } else { Verdict::Unknown }
}

/// Questions about the rungs, named for what they decide.
struct View<'a> {
    rungs: &'a [RungResult],
}

impl<'a> View<'a> {
    fn of(&self, rung: Rung) -> impl Iterator<Item = &'a RungResult> {
        self.rungs.iter().filter(move |result| result.rung == rung)
    }

    fn has(&self, rung: Rung, outcome: Outcome) -> bool {
        self.of(rung).any(|result| result.outcome == outcome)
    }

    fn is_tried(&self, rung: Rung) -> bool {
        self.of(rung).any(|result| result.outcome != Outcome::Skipped)
    }

    fn answers(&self, rung: Rung) -> bool {
        self.of(rung).any(RungResult::answered)
    }

    /// It was tried, and no target of it answered.
    fn is_broken(&self, rung: Rung) -> bool {
        self.is_tried(rung) && !self.answers(rung)
    }

    fn internet_answers(&self) -> bool {
        self.answers(Rung::Internet) || self.answers(Rung::Web)
    }

    fn anything_off_host_answers(&self) -> bool {
        let beyond_interface = self.rungs.iter().filter(|result| result.rung != Rung::Interface);
        beyond_interface
            .into_iter()
            .any(|result| result.answered() && result.place.is_some_and(|place| place != Place::Host))
    }

    /// Whether anything answers that packets reach through the gateway only.
    fn anything_beyond_answers(&self) -> bool {
        let beyond = |result: &&RungResult| matches!(result.place, Some(Place::Private | Place::Public));
        self.rungs.iter().filter(beyond).any(RungResult::answered)
    }

    /// No internet target answers. A collector on the internet that does proves the uplink alive and the rest of
    /// the internet closed or dead: that is a degraded internet. A collector inside the building proves nothing.
    fn without_internet(&self) -> Verdict {
        let outside = |result: &RungResult| result.answered() && result.place == Some(Place::Public);
        if self.of(Rung::Collector).any(outside) { Verdict::Degraded } else { Verdict::UplinkDown }
    }

    fn is_degraded(&self, limits: Limits) -> bool {
        // Pings pass and pages do not, or one of several name servers is dead: people notice both.
        let no_pages = self.is_broken(Rung::Web);
        let dead_resolver = self.has(Rung::Resolver, Outcome::Failed) && self.answers(Rung::Resolver);
        no_pages || dead_resolver || self.is_lossy(limits) || self.is_slow(limits)
    }

    /// Judged over the targets that answer: one that never does is blocked or gone, not lossy.
    fn is_lossy(&self, limits: Limits) -> bool {
        let losses: Vec<f64> = self
            .of(Rung::Internet)
            .filter(|result| result.answered())
            .filter_map(|result| result.loss)
            .collect();
        !losses.is_empty() && losses.iter().sum::<f64>() / losses.len() as f64 > limits.loss_max
    }

    fn is_slow(&self, limits: Limits) -> bool {
        let round_trips = |rung| {
            let mut found: Vec<f64> = self.of(rung).filter_map(|result| result.rtt_s).collect();
            found.sort_unstable_by(f64::total_cmp);
            median(&found)
        };
        // A page takes two round trips: the connection and the request.
        let from_pages = round_trips(Rung::Web).map(|seconds| seconds / 2.0);
        round_trips(Rung::Internet).or(from_pages).is_some_and(|seconds| seconds > limits.rtt_max_s)
    }
}

#[cfg(test)]
mod tests;
