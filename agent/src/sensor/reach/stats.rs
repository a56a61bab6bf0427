//! Losses and round trips of one target's probes. Pure.

use std::time::Duration;
use tram_proto::reach::Outcome;

/// Probes sent to one target and the answers to them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Tally {
    /// Probes sent.
    pub(super) sent: u32,
    /// Round trips of the answered ones.
    pub(super) round_trips: Vec<Duration>,
    /// Why the last unanswered probe was unanswered, when the system said so.
    pub(super) reason: Option<String>,
}

impl Tally {
    /// Counts one probe.
    pub(super) fn count(&mut self, answer: Result<Duration, String>) {
        self.sent += 1;
        match answer {
            Ok(round_trip) => self.round_trips.push(round_trip),
            Err(reason) => self.reason = Some(reason),
        }
    }

    /// Whether any probe was lost.
    pub(super) fn has_loss(&self) -> bool {
        self.round_trips.len() < self.sent as usize
    }

    /// Share of probes without an answer; none when nothing was sent.
    pub(super) fn loss(&self) -> Option<f64> {
        let lost = f64::from(self.sent) - self.round_trips.len() as f64;
        (self.sent > 0).then(|| lost.max(0.0) / f64::from(self.sent))
    }

    /// The middle round trip in seconds, of an even number the mean of the two in the middle.
    pub(super) fn median_s(&self) -> Option<f64> {
        let mut sorted: Vec<f64> = self.round_trips.iter().map(Duration::as_secs_f64).collect();
        sorted.sort_unstable_by(f64::total_cmp);
        median(&sorted)
    }

    /// What it comes to.
    pub(super) fn outcome(&self) -> Outcome {
        match (self.round_trips.is_empty(), self.has_loss()) {
            (true, _) => Outcome::Failed,
            (false, true) => Outcome::Lossy,
            (false, false) => Outcome::Ok,
        }
    }
}

/// The median of values in ascending order.
pub(super) fn median(sorted: &[f64]) -> Option<f64> {
    let upper = sorted.len() / 2;
    let lower = sorted.len().checked_sub(1)? / 2;
    Some((sorted.get(lower)? + sorted.get(upper)?) / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(answers: &[Option<u64>]) -> Tally {
        let mut tally = Tally::default();
        for answer in answers {
            tally.count(answer.map(Duration::from_millis).ok_or_else(|| "lost".to_owned()));
        }
        tally
    }

    #[test]
    fn one_slow_answer_does_not_move_the_median() {
        assert_eq!(tally(&[Some(10), Some(900), Some(12)]).median_s(), Some(0.012));
        assert_eq!(tally(&[Some(10), None, Some(20)]).median_s(), Some(0.015));
        assert_eq!(tally(&[None]).median_s(), None);
    }

    #[test]
    fn nothing_sent_is_not_a_loss_of_zero() {
        assert_eq!(tally(&[]).loss(), None);
        assert_eq!(tally(&[Some(1), Some(1)]).loss(), Some(0.0));
        assert_eq!(tally(&[Some(1), None]).loss(), Some(0.5));
        assert_eq!(tally(&[None, None]).loss(), Some(1.0));
    }

    #[test]
    fn some_answers_are_lossy_and_none_is_failed() {
        assert_eq!(tally(&[Some(1)]).outcome(), Outcome::Ok);
        assert_eq!(tally(&[None, Some(1)]).outcome(), Outcome::Lossy);
        assert_eq!(tally(&[None]).outcome(), Outcome::Failed);
    }
}
