//! What really happened: every report that was measured, and what may have become of it. Knows nothing of how the
//! agent or the collector keep anything.

use anyhow::{Result, ensure};
use std::collections::{BTreeMap, BTreeSet};
use tram_proto::id::{BootId, Seq, SpoolId};

/// The number that tells each measurement from every other; it travels as a value of the report.
pub(super) type Nonce = u64;

/// One measurement that was on the agent's disk.
#[derive(Debug, Clone, Copy)]
pub(super) struct Measured {
    /// Whose: the number of the machine.
    pub(super) machine: usize,
    /// When it was measured, by nobody's clock but the simulation's, milliseconds since 1970.
    pub(super) at_ms: i64,
    /// Its boot.
    pub(super) boot: BootId,
}

/// A report that the collector has stored.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stored {
    /// The machine.
    pub(super) machine: usize,
    /// The spool that its number counts in.
    pub(super) spool: SpoolId,
    /// Its number.
    pub(super) seq: Seq,
    /// What it says.
    pub(super) nonce: Nonce,
    /// Its boot.
    pub(super) boot: BootId,
    /// Where the collector placed it in time.
    pub(super) placed_ms: i64,
}

/// Everything that is known.
#[derive(Debug, Default)]
pub(super) struct Truth {
    next: Nonce,
    /// The collector has been set back to a backup at some time.
    is_center_set_back: bool,
    measured: BTreeMap<Nonce, Measured>,
    /// May be missing in the end: its only copy went with a disk that was set back, or it was never promised.
    excused: BTreeSet<Nonce>,
    /// May be stored twice: a copy of its spool exists.
    copied: BTreeSet<usize>,
    /// Acknowledged as durable, at some time.
    acked: BTreeSet<(usize, SpoolId, Seq)>,
    /// Boots that the collector heard of while they lasted, with sound anchors: placed exactly.
    anchored: BTreeSet<(usize, BootId)>,
}

impl Truth {
    /// A number for the next measurement.
    pub(super) fn nonce(&mut self) -> Nonce {
        self.next += 1;
        self.next
    }

    /// A measurement is on the agent's disk.
    pub(super) fn spooled(&mut self, nonce: Nonce, measured: Measured) {
        self.measured.insert(nonce, measured);
    }

    /// A measurement may be on the agent's disk, or not: power went while it was written.
    pub(super) fn maybe(&mut self, nonce: Nonce, measured: Measured) {
        self.measured.insert(nonce, measured);
        self.excused.insert(nonce);
    }

    /// The machine's disk was set back, or copied: what was only there may be gone, what was sent may come again.
    pub(super) fn set_back(&mut self, machine: usize) {
        self.copied.insert(machine);
        if self.is_center_set_back {
            self.acked.retain(|(other, ..)| *other != machine);
        }
        let own = self.measured.iter().filter(|(_, measured)| measured.machine == machine);
        self.excused.extend(own.map(|(nonce, _)| *nonce));
    }

    /// The collector said that these are durable.
    pub(super) fn acked(&mut self, machine: usize, spool: SpoolId, seq: Seq) {
        self.acked.insert((machine, spool, seq));
    }

    /// A boot was heard of by the collector while it lasted.
    pub(super) fn heard(&mut self, machine: usize, boot: BootId) {
        self.anchored.insert((machine, boot));
    }

    /// How many measurements were kept.
    pub(super) fn count(&self) -> usize {
        self.measured.len()
    }

    /// The collector was set back: what it had acknowledged comes again from the spools, but for those that were set
    /// back themselves.
    pub(super) fn center_set_back(&mut self) {
        self.is_center_set_back = true;
        let copied = &self.copied;
        // A spool that was copied begins anew with what was not acknowledged, and keeps nothing else.
        let own = self.measured.iter().filter(|(_, measured)| copied.contains(&measured.machine));
        self.excused.extend(own.map(|(nonce, _)| *nonce));
        self.acked.retain(|(machine, ..)| !copied.contains(machine));
    }

    /// Whether what the collector has in the end is what happened.
    pub(super) fn check(&self, stored: &[Stored], drift_ms: i64) -> Result<()> {
        let numbers: BTreeSet<_> = stored.iter().map(|one| (one.machine, one.spool, one.seq)).collect();
        ensure!(numbers.len() == stored.len(), "a number of a spool is stored twice");
        for number in &self.acked {
            ensure!(numbers.contains(number), "{number:?} was acknowledged and is not stored");
        }
        let mut found: BTreeMap<Nonce, usize> = BTreeMap::new();
        for one in stored {
            *found.entry(one.nonce).or_default() += 1;
            let measured = self.measured.get(&one.nonce);
            ensure!(measured.is_some(), "{one:?} was never measured");
            let Some(measured) = measured else { continue };
            ensure!(measured.machine == one.machine && measured.boot == one.boot, "{one:?} was {measured:?}");
            let off_ms = (one.placed_ms - measured.at_ms).abs();
            let is_exact =
                self.anchored.contains(&(one.machine, one.boot)) && !self.copied.contains(&one.machine);
            ensure!(!is_exact || off_ms <= drift_ms, "{one:?} is placed {off_ms} ms off: {measured:?}");
        }
        for (nonce, measured) in &self.measured {
            let count = found.get(nonce).copied().unwrap_or_default();
            let is_copied = self.copied.contains(&measured.machine);
            ensure!(count <= 1 || is_copied, "measurement {nonce} is stored {count} times: {measured:?}");
            ensure!(count >= 1 || self.excused.contains(nonce), "measurement {nonce} is lost: {measured:?}");
        }
        Ok(())
    }
}

/// Whether the reports of each boot are in the order of their numbers.
pub(super) fn check_order(stored: &[Stored], tolerance_ms: i64) -> Result<()> {
    let mut sorted: Vec<&Stored> = stored.iter().collect();
    sorted.sort_by_key(|one| (one.machine, one.spool, one.boot, one.seq));
    for (one, next) in sorted.iter().zip(sorted.iter().skip(1)) {
        let is_one_run = (one.machine, one.spool, one.boot) == (next.machine, next.spool, next.boot);
        let is_ordered = next.placed_ms + tolerance_ms >= one.placed_ms;
        ensure!(!is_one_run || is_ordered, "{next:?} is placed before {one:?}");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPOOL: SpoolId = SpoolId([1; 8]);
    const BOOT: BootId = BootId([1; 8]);

    fn stored(nonce: Nonce, seq: Seq) -> Stored {
        Stored { machine: 0, spool: SPOOL, seq, nonce, boot: BOOT, placed_ms: 100 * seq as i64 }
    }

    fn truth(count: u64) -> Truth {
        let mut truth = Truth::default();
        for number in 1..=count {
            let nonce = truth.nonce();
            truth.spooled(nonce, Measured { machine: 0, at_ms: 100 * number as i64, boot: BOOT });
        }
        truth
    }

    #[test]
    fn what_is_lost_repeated_invented_or_misplaced_is_found() {
        let mut truth = truth(2);
        truth.heard(0, BOOT);
        truth.acked(0, SPOOL, 2);
        truth.check(&[stored(1, 1), stored(2, 2)], 10).unwrap();
        assert!(truth.check(&[stored(1, 1)], 10).unwrap_err().to_string().contains("acknowledged"));
        assert!(truth.check(&[stored(2, 2)], 10).unwrap_err().to_string().contains("lost"));
        assert!(truth.check(&[stored(1, 1), stored(2, 2), stored(2, 3)], 200).is_err());
        assert!(truth.check(&[stored(1, 1), stored(2, 2), stored(3, 3)], 10).is_err());
        let late = Stored { placed_ms: 250, ..stored(2, 2) };
        assert!(truth.check(&[stored(1, 1), late], 10).unwrap_err().to_string().contains("50 ms off"));
    }

    #[test]
    fn what_was_never_promised_may_be_missing() {
        let mut truth = truth(1);
        let nonce = truth.nonce();
        truth.maybe(nonce, Measured { machine: 0, at_ms: 200, boot: BOOT });
        truth.check(&[stored(1, 1)], 10).unwrap();
        truth.set_back(0);
        truth.check(&[], 10).unwrap();
    }

    #[test]
    fn disorder_is_found() {
        check_order(&[stored(2, 2), stored(1, 1)], 0).unwrap();
        let early = Stored { placed_ms: 50, ..stored(2, 2) };
        assert!(check_order(&[stored(1, 1), early], 0).is_err());
        check_order(&[stored(1, 1), early], 50).unwrap();
    }
}
