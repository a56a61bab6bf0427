//! What a few hosts measure, and when it arrives: pure, the same for the same seed.
//!
//! One host reports all the time and learns a column on the way; one is cut off every morning and catches up, newest
//! first; one is cut off across midnight, so that what it brings belongs to a day that is merged already.

use crate::fleet::dice::Dice;
use std::collections::BTreeMap;
use tram_proto::catalogue::{Attributes, Catalogue, Column, Kind};
use tram_proto::id::BootId;
use tram_proto::report::{Moment, Report};

/// When it begins, milliseconds since 1970: a midnight.
pub const START_MS: i64 = 20_775 * DAY_MS;
/// What arrives together.
pub const ROUND_MS: i64 = 20 * 60_000;
/// Rounds of a day.
pub const ROUNDS_PER_DAY: usize = (DAY_MS / ROUND_MS) as usize;
/// Hosts.
pub const HOSTS: usize = 3;
/// Length of a day.
pub const DAY_MS: i64 = 86_400_000;
const HOUR_MS: i64 = 3_600_000;
/// Each of these has one measurement, somewhere in it.
const SLOT_MS: i64 = 4 * 60_000;
const MINUTE_MS: i64 = 60_000;
/// Of what waits, so much arrives with each round.
const BACKLOG_PER_ROUND: usize = 12;
/// From this round on, the first host has a column more.
const WIDE_FROM: usize = 2 * ROUNDS_PER_DAY + 31;
/// Boot clock of a host when it begins.
const BOOT_MS: i64 = 1_000_000;
const BOOT: BootId = BootId([1; 8]);

/// One measurement of one host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measured {
    /// Its number in the host's spool.
    pub seq: u64,
    /// When, milliseconds since 1970.
    pub at_ms: i64,
    /// Values of [`columns`].
    pub values: Vec<Option<i64>>,
}

/// Everything that will ever be measured and sent.
#[derive(Debug)]
pub struct Script {
    hosts: Vec<Vec<Measured>>,
    rounds: Vec<BTreeMap<usize, Vec<u64>>>,
}

impl Script {
    /// So many days under a seed.
    pub fn new(seed: u64, days: usize) -> Self {
        let mut dice = Dice::new(seed, "script");
        let mut hosts: Vec<Vec<Measured>> = vec![Vec::new(); HOSTS];
        let mut backlogs: Vec<Vec<u64>> = vec![Vec::new(); HOSTS];
        let mut rounds = Vec::new();
        for round in 0..days * ROUNDS_PER_DAY {
            let mut arriving: BTreeMap<usize, Vec<u64>> = BTreeMap::new();
            for (host, (measured, backlog)) in hosts.iter_mut().zip(&mut backlogs).enumerate() {
                let mut live = Vec::new();
                for slot in 0..ROUND_MS / SLOT_MS {
                    let within_ms = dice.below((SLOT_MS - MINUTE_MS / 2) as usize) as i64;
                    let at_ms = start_of(round) + slot * SLOT_MS + within_ms;
                    let seq = measured.len() as u64 + 1;
                    let wide = host == 0 && round >= WIDE_FROM;
                    measured.push(Measured { seq, at_ms, values: values(&mut dice, at_ms, wide) });
                    live.push(seq);
                }
                if is_cut_off(host, round) {
                    backlog.extend(live);
                    continue;
                }
                let newest = backlog.split_off(backlog.len().saturating_sub(BACKLOG_PER_ROUND));
                live.extend(newest);
                arriving.insert(host, live);
            }
            rounds.push(arriving);
        }
        Self { hosts, rounds }
    }

    /// How many rounds there are.
    pub fn rounds(&self) -> usize {
        self.rounds.len()
    }

    /// What arrives in a round: for each host, the numbers of its measurements.
    pub fn arriving(&self, round: usize) -> impl Iterator<Item = (usize, &[u64])> {
        let arriving = self.rounds.get(round);
        arriving.into_iter().flatten().map(|(host, seqs)| (*host, seqs.as_slice()))
    }

    /// What a host measures.
    pub fn measured(&self, host: usize) -> &[Measured] {
        self.hosts.get(host).map_or(&[], Vec::as_slice)
    }

    /// A measurement by its number.
    pub fn by_seq(&self, host: usize, seq: u64) -> Option<&Measured> {
        self.measured(host).get(usize::try_from(seq).ok()?.checked_sub(1)?)
    }

    /// A measurement as it is reported.
    pub fn report(&self, host: usize, seq: u64) -> Option<(Catalogue, Report)> {
        let measured = self.by_seq(host, seq)?;
        let catalogue = catalogue(host, measured.values.len());
        let report = Report {
            boot: BOOT,
            boot_ms: moment(measured.at_ms).boot_ms,
            wall_ms: measured.at_ms,
            catalogue: catalogue.id(),
            values: measured.values.clone(),
            set: tram_proto::component::digest(&[]),
            components: (seq == 1).then(Vec::new),
            end: None,
            aggregate: None,
        };
        Some((catalogue, report))
    }
}

/// When a round begins; what is measured in it arrives when the next one does.
pub const fn start_of(round: usize) -> i64 {
    START_MS + round as i64 * ROUND_MS
}

/// A host's clocks at a time.
pub fn moment(at_ms: i64) -> Moment {
    let boot_ms = u64::try_from(BOOT_MS + at_ms - START_MS).unwrap_or(0);
    Moment { boot: BOOT, boot_ms, wall_ms: at_ms }
}

/// The columns, of which the last is not always there: levels, a total that begins anew every day or so.
pub fn columns() -> Vec<Column> {
    let column = |name: &str, kind| Column {
        name: name.to_owned(),
        attributes: Attributes::new(),
        unit: "1".to_owned(),
        scale: 0,
        kind,
    };
    vec![
        column("level", Kind::Gauge),
        column("at.times", Kind::Gauge),
        column("constant", Kind::Gauge),
        column("total", Kind::Counter),
        column("late.comer", Kind::Gauge),
    ]
}

fn values(dice: &mut Dice, at_ms: i64, wide: bool) -> Vec<Option<i64>> {
    let level = dice.below(1_000) as i64;
    let at_times = (dice.below(3) > 0).then_some(level - 500);
    let total = (at_ms - START_MS) / 1_000 % 70_001;
    let mut values = vec![Some(level), at_times, Some(7), Some(total)];
    if wide {
        values.push(Some(-level));
    }
    values
}

fn catalogue(host: usize, width: usize) -> Catalogue {
    let resource = [("host.name".to_owned(), format!("host-{host}"))];
    Catalogue {
        resource: resource.into_iter().collect(),
        columns: columns().into_iter().take(width).collect(),
    }
}

fn is_cut_off(host: usize, round: usize) -> bool {
    let hour = start_of(round).rem_euclid(DAY_MS) / HOUR_MS;
    match host {
        1 => (3..9).contains(&hour),
        2 => !(2..22).contains(&hour),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn everything_arrives_once_but_for_what_waits_at_the_end() {
        let script = Script::new(1, 3);
        let mut seen = BTreeSet::new();
        for round in 0..script.rounds() {
            for (host, seqs) in script.arriving(round) {
                for seq in seqs {
                    assert!(seen.insert((host, *seq)), "{host} {seq}");
                    assert!(script.by_seq(host, *seq).unwrap().at_ms < start_of(round + 1));
                }
            }
        }
        let measured: usize = (0..HOSTS).map(|host| script.measured(host).len()).sum();
        assert!(measured - seen.len() < 2 * 6 * 15, "{measured} {}", seen.len());
        assert_eq!(script.measured(1), Script::new(1, 3).measured(1), "the same seed is the same script");
    }

    #[test]
    fn no_minute_has_two_measurements_of_a_host() {
        let script = Script::new(2, 1);
        let minutes: BTreeSet<i64> = script.measured(0).iter().map(|it| it.at_ms / MINUTE_MS).collect();
        assert_eq!(minutes.len(), script.measured(0).len());
    }
}
