//! What really happened: every report that was measured, and what may have become of it. Knows nothing of how the
//! agent or the collector keep anything.

use anyhow::{Result, anyhow, ensure};
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
    /// Its number, and the first that it stands for: the same, unless it is an aggregate.
    pub(super) seq: Seq,
    pub(super) first: Seq,
    /// What it says; of an aggregate the last.
    pub(super) nonce: Nonce,
    /// What an aggregate says of all.
    pub(super) gathered: Option<Gathered>,
    /// Its boot.
    pub(super) boot: BootId,
    /// Where the collector placed it in time.
    pub(super) placed_ms: i64,
}

/// What an aggregate says of the measurements that it stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Gathered {
    pub(super) least: Nonce,
    pub(super) most: Nonce,
    pub(super) sum: u64,
}

/// Everything that is known.
#[derive(Debug, Default)]
pub(super) struct Truth {
    next: Nonce,
    /// Spools are so small that what was acknowledged soon goes from them.
    is_forgetful: bool,
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
    /// Nothing has happened yet. Spools keep what was acknowledged, unless they are so small that it soon goes.
    pub(super) fn new(is_forgetful: bool) -> Self {
        Self { is_forgetful, ..Self::default() }
    }

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
        if self.is_forgetful {
            self.excused.extend(self.measured.keys());
            self.acked.clear();
        }
        let copied = &self.copied;
        // A spool that was copied begins anew with what was not acknowledged, and keeps nothing else.
        let own = self.measured.iter().filter(|(_, measured)| copied.contains(&measured.machine));
        self.excused.extend(own.map(|(nonce, _)| *nonce));
        self.acked.retain(|(machine, ..)| !copied.contains(machine));
    }

    /// Whether what the collector has in the end is what happened. `lost_max` is what each machine counts as dropped.
    pub(super) fn check(&self, stored: &[Stored], lost_max: &[u64], drift_ms: i64) -> Result<()> {
        let mut numbers = BTreeSet::new();
        for one in stored {
            for seq in one.first..=one.seq {
                ensure!(
                    numbers.insert((one.machine, one.spool, seq)),
                    "{seq} is stored twice, the second in {one:?}"
                );
            }
        }
        for number in &self.acked {
            // What a small spool had dropped is closed at the collector; a disk set back to before holds it again, and is
            // told that it is settled.
            let is_closed = self.is_forgetful && self.copied.contains(&number.0);
            ensure!(is_closed || numbers.contains(number), "{number:?} was acknowledged and is not stored");
        }
        let mut found = Found::default();
        for one in stored {
            self.look_at(one, &mut found, drift_ms)?;
        }
        let mut lost: BTreeMap<usize, Vec<Nonce>> = BTreeMap::new();
        for (nonce, measured) in &self.measured {
            let count = found.exactly.get(nonce).copied().unwrap_or_default();
            let is_copied = self.copied.contains(&measured.machine);
            ensure!(count <= 1 || is_copied, "measurement {nonce} is stored {count} times: {measured:?}");
            if count == 0 && !found.perhaps.contains(nonce) && !self.excused.contains(nonce) {
                lost.entry(measured.machine).or_default().push(*nonce);
            }
        }
        for (machine, nonces) in lost {
            let most = lost_max.get(machine).copied().unwrap_or_default();
            let count = nonces.len() as u64;
            ensure!(count <= most, "{count} measurements of {machine} are lost, {most} counted: {nonces:?}");
        }
        Ok(())
    }

    /// Checks one report, and notes what it stands for.
    fn look_at(&self, one: &Stored, found: &mut Found, drift_ms: i64) -> Result<()> {
        let Some(measured) = self.measured.get(&one.nonce) else {
            return Err(anyhow!("{one:?} was never measured"));
        };
        ensure!(measured.machine == one.machine && measured.boot == one.boot, "{one:?} was {measured:?}");
        let off_ms = (one.placed_ms - measured.at_ms).abs();
        let is_exact =
            self.anchored.contains(&(one.machine, one.boot)) && !self.copied.contains(&one.machine);
        ensure!(!is_exact || off_ms <= drift_ms, "{one:?} is placed {off_ms} ms off: {measured:?}");
        let Some(gathered) = one.gathered else {
            *found.exactly.entry(one.nonce).or_default() += 1;
            return Ok(());
        };
        ensure!(gathered.most == one.nonce, "{one:?} does not end with its last");
        let count = (one.seq - one.first + 1) as usize;
        let within = self.measured.range(gathered.least..=gathered.most);
        let within: Vec<Nonce> = within
            .filter(|(_, other)| other.machine == one.machine && other.boot == one.boot)
            .map(|(nonce, _)| *nonce)
            .collect();
        let certain: Vec<Nonce> =
            within.iter().copied().filter(|nonce| !self.excused.contains(nonce)).collect();
        let parts = [within.clone(), certain].into_iter().find(|parts| parts.len() == count);
        match parts {
            Some(parts) => {
                let sum: u64 = parts.iter().sum();
                ensure!(sum == gathered.sum, "{one:?} stands for {parts:?}, which is {sum}");
                for nonce in parts {
                    *found.exactly.entry(nonce).or_default() += 1;
                }
            }
            // Some of what may not be on the disk is within; which, only the sum says.
            None => {
                ensure!(within.len() > count, "{one:?} stands for more than {within:?}");
                found.perhaps.extend(within);
            }
        }
        Ok(())
    }
}

/// What is stored: how often, and what may be among what an aggregate stands for.
#[derive(Default)]
struct Found {
    exactly: BTreeMap<Nonce, usize>,
    perhaps: BTreeSet<Nonce>,
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
        Stored {
            machine: 0,
            spool: SPOOL,
            seq,
            first: seq,
            nonce,
            gathered: None,
            boot: BOOT,
            placed_ms: 100 * seq as i64,
        }
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
        truth.check(&[stored(1, 1), stored(2, 2)], &[0], 10).unwrap();
        assert!(truth.check(&[stored(1, 1)], &[0], 10).unwrap_err().to_string().contains("acknowledged"));
        assert!(truth.check(&[stored(2, 2)], &[0], 10).unwrap_err().to_string().contains("lost"));
        assert!(truth.check(&[stored(1, 1), stored(2, 2), stored(2, 3)], &[0], 200).is_err());
        assert!(truth.check(&[stored(1, 1), stored(2, 2), stored(3, 3)], &[0], 10).is_err());
        let late = Stored { placed_ms: 250, ..stored(2, 2) };
        assert!(truth.check(&[stored(1, 1), late], &[0], 10).unwrap_err().to_string().contains("50 ms off"));
    }

    #[test]
    fn what_was_never_promised_may_be_missing() {
        let mut truth = truth(1);
        let nonce = truth.nonce();
        truth.maybe(nonce, Measured { machine: 0, at_ms: 200, boot: BOOT });
        truth.check(&[stored(1, 1)], &[0], 10).unwrap();
        truth.set_back(0);
        truth.check(&[], &[0], 10).unwrap();
    }

    #[test]
    fn an_aggregate_stands_for_what_it_says_and_for_nothing_that_is_there_besides() {
        let truth = truth(4);
        let aggregate = |least, sum| Stored {
            first: 1,
            gathered: Some(Gathered { least, most: 3, sum }),
            ..stored(3, 3)
        };
        truth.check(&[aggregate(1, 6), stored(4, 4)], &[0], 10).unwrap();
        let twice = truth.check(&[aggregate(1, 6), stored(4, 4), stored(2, 2)], &[0], 10);
        assert!(twice.unwrap_err().to_string().contains("stored twice"));
        assert!(truth.check(&[aggregate(1, 7), stored(4, 4)], &[0], 10).is_err(), "another sum");
        assert!(truth.check(&[aggregate(2, 5), stored(4, 4)], &[0], 10).is_err(), "fewer than its numbers");
        let lost = truth.check(&[aggregate(1, 6)], &[0], 10).unwrap_err().to_string();
        assert!(lost.contains("1 measurements of 0 are lost, 0 counted"), "{lost}");
        truth.check(&[aggregate(1, 6)], &[1], 10).unwrap();
    }

    #[test]
    fn disorder_is_found() {
        check_order(&[stored(2, 2), stored(1, 1)], 0).unwrap();
        let early = Stored { placed_ms: 50, ..stored(2, 2) };
        assert!(check_order(&[stored(1, 1), early], 0).is_err());
        check_order(&[stored(1, 1), early], 50).unwrap();
    }
}
