//! What is worth sending before its time: a part that changes its state, one that vanishes or appears broken, another
//! verdict of the ladder, a value past a threshold of the policy. Pure: `now` comes in; nothing is sent from here.

use crate::sample::Sample;
use crate::tree::tree;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};
use tram_proto::catalogue::Attributes;
use tram_proto::component::{Component, State};
use tram_proto::policy::Threshold;

/// At most one urgent send in this time: a part that flaps costs no more than twice the usual traffic. What comes
/// sooner waits for it, or goes with the next send.
pub const URGENT_INTERVAL: Duration = Duration::from_secs(30);

/// What was seen last, and whether something is to be sent for it.
#[derive(Debug, Default)]
pub struct Urgency {
    /// State of each part by kind and id; none before the first look.
    parts: Option<BTreeMap<(String, String), State>>,
    thresholds: Vec<Threshold>,
    /// Values past their threshold.
    past: BTreeSet<(String, Attributes)>,
    last: Option<Instant>,
    is_wanted: bool,
}

impl Urgency {
    /// With the thresholds of a policy.
    pub fn new(thresholds: Vec<Threshold>) -> Self {
        Self { thresholds, ..Self::default() }
    }

    /// Other thresholds.
    pub fn set_thresholds(&mut self, thresholds: Vec<Threshold>) {
        self.thresholds = thresholds;
    }

    /// The ladder has another verdict.
    pub fn handle_verdict(&mut self) {
        self.is_wanted = true;
    }

    /// What a round of the sensors found.
    pub fn handle_round(&mut self, samples: &[Sample], components: &[Component]) {
        let parts: BTreeMap<_, _> =
            tree(components.iter().map(|part| ((part.kind.clone(), part.id.clone()), part.state)));
        if let Some(before) = self.parts.replace(parts) {
            let parts = self.parts.iter().flatten();
            let is_news = parts.clone().any(|(part, state)| match before.get(part) {
                Some(known) => known != state,
                None => is_broken(*state),
            });
            let has_vanished = before.keys().any(|part| !parts.clone().any(|(found, _)| found == part));
            self.is_wanted |= is_news || has_vanished;
        }
        let past: BTreeSet<_> = tree(samples.iter().filter(|sample| self.is_past(sample)).map(key));
        self.is_wanted |= past.iter().any(|value| !self.past.contains(value));
        self.past = past;
    }

    /// Whether what was just taken in should be sent at once.
    pub fn should_send(&mut self, now: Instant) -> bool {
        let is_due = self.is_wanted && self.last.is_none_or(|last| now >= last + URGENT_INTERVAL);
        if is_due {
            self.last = Some(now);
            self.is_wanted = false;
        }
        is_due
    }

    /// The newest reports went by themselves.
    pub fn handle_sent(&mut self) {
        self.is_wanted = false;
    }

    fn is_past(&self, sample: &Sample) -> bool {
        let Some(value) = sample.value else { return false };
        let passed = |threshold: &&Threshold| {
            threshold.above.is_some_and(|above| value > above)
                || threshold.below.is_some_and(|below| value < below)
        };
        self.thresholds
            .iter()
            .filter(|threshold| threshold.sample == sample.column.name)
            .any(|threshold| passed(&threshold))
    }
}

fn key(sample: &Sample) -> (String, Attributes) {
    (sample.column.name.clone(), sample.column.attributes.clone())
}

fn is_broken(state: State) -> bool {
    match state {
        State::Failed | State::PredictedFailure | State::Degraded => true,
        State::Ok | State::NeedsCleaning | State::Unknown => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Clock as _, SystemClock};
    use tram_proto::catalogue::{Column, Kind};

    const SECOND: Duration = Duration::from_secs(1);

    fn part(id: &str, state: State) -> Component {
        Component {
            kind: "physical_disk".into(),
            id: id.into(),
            name: String::new(),
            model: String::new(),
            serial: String::new(),
            state,
            reasons: vec![],
            figures: BTreeMap::new(),
        }
    }

    fn sample(value: Option<f64>) -> Sample {
        let column = Column {
            name: "x".into(),
            attributes: Attributes::new(),
            unit: "1".into(),
            scale: 2,
            kind: Kind::Gauge,
        };
        Sample { column, value }
    }

    /// Whether going from one set of parts to another is worth a send.
    fn check(before: Vec<Component>, after: Vec<Component>, expect: bool) {
        let now = SystemClock.monotonic();
        let mut urgency = Urgency::default();
        urgency.handle_round(&[], &before);
        assert!(!urgency.should_send(now), "the first look is no news");
        urgency.handle_round(&[], &after);
        assert_eq!(urgency.should_send(now), expect, "{before:?} {after:?}");
    }

    #[test]
    fn parts_that_change_vanish_or_appear_broken_are_urgent() {
        let (fine, failing) = (part("sda", State::Ok), part("sda", State::PredictedFailure));
        check(vec![fine.clone()], vec![failing.clone()], true);
        check(vec![failing.clone()], vec![fine.clone()], true);
        check(vec![fine.clone()], vec![part("sda", State::Unknown)], true);
        check(vec![fine.clone()], vec![], true);
        check(vec![], vec![failing], true);
        check(vec![], vec![fine.clone()], false);
        let hotter = Component { figures: [("temperature_celsius".to_owned(), 50.0)].into(), ..fine.clone() };
        check(vec![fine], vec![hotter], false);
    }

    #[test]
    fn a_part_that_flaps_is_sent_once_in_a_while_and_its_last_state_is_not_lost() {
        let now = SystemClock.monotonic();
        let mut urgency = Urgency::default();
        let mut sends = Vec::new();
        for second in 0..120 {
            let state = if second < 90 && second % 2 == 0 { State::Ok } else { State::Failed };
            urgency.handle_round(&[], &[part("sda", state)]);
            if urgency.should_send(now + second * SECOND) {
                sends.push(second);
            }
        }
        assert_eq!(sends, [1, 31, 61, 91]);
        urgency.handle_round(&[], &[]);
        urgency.handle_sent();
        assert!(!urgency.should_send(now + 300 * SECOND), "it went with the usual send");
    }

    #[test]
    fn a_value_is_urgent_when_it_passes_its_threshold_and_not_while_it_stays_there() {
        let now = SystemClock.monotonic();
        let above = Threshold { sample: "x".into(), above: Some(0.9), below: None };
        let other = Threshold { sample: "y".into(), above: None, below: Some(5.0) };
        let mut urgency = Urgency::new(vec![above, other]);
        let mut when = now;
        for (value, expect) in
            [(Some(0.5), false), (Some(0.95), true), (Some(0.96), false), (None, false), (Some(0.91), true)]
        {
            when += URGENT_INTERVAL;
            urgency.handle_round(&[sample(value)], &[]);
            assert_eq!(urgency.should_send(when), expect, "{value:?}");
        }
        urgency.handle_verdict();
        assert!(urgency.should_send(when + URGENT_INTERVAL));
    }
}
