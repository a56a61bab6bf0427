//! What is left of reports for which there is no room: several that follow each other become one aggregate. Pure; knows
//! nothing of files, nor of which reports may be thinned.
//!
//! An aggregate never spans two boots, two catalogues, a gap in the numbers, last words, or a running total that begins
//! anew, so that everything it says holds for all that it stands for.

use tram_proto::aggregate::{Aggregate, Gathered};
use tram_proto::catalogue::Kind;
use tram_proto::component;
use tram_proto::id::Seq;
use tram_proto::limits;
use tram_proto::report::Report;

/// Milliseconds that the steps of thinning gather by, finest first.
pub(crate) const STEPS_MS: [u64; 2] = [300_000, 3_600_000];

/// Reports that are being gathered into one.
#[derive(Debug)]
pub(crate) struct Gathering {
    first: Seq,
    last: Seq,
    /// Which step of time they lie in.
    step: i64,
    step_ms: u64,
    since_boot_ms: u64,
    report: Report,
    columns: Vec<Option<Gathered>>,
    /// How many were put in, aggregates counting once.
    parts: usize,
}

/// What gathering came to.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Thinned {
    /// The first number that it stands for.
    pub(crate) first: Seq,
    /// Its own, the last.
    pub(crate) seq: Seq,
    /// The aggregate.
    pub(crate) report: Report,
}

impl Gathering {
    /// Begins with one report, numbered `first` to `seq`, measured at `at_ms` by whatever clock all of them have.
    pub(crate) fn begin(first: Seq, seq: Seq, report: Report, at_ms: i64, step_ms: u64) -> Self {
        let columns = columns_of(&report);
        let since_boot_ms = since(&report);
        let step = at_ms.div_euclid(signed(step_ms));
        Self { first, last: seq, step, step_ms, since_boot_ms, report, columns, parts: 1 }
    }

    /// Takes one more report in, or gives it back when it belongs to the next aggregate. `kinds` is what the columns are.
    pub(crate) fn add(
        &mut self,
        first: Seq,
        seq: Seq,
        report: Report,
        at_ms: i64,
        kinds: &[Kind],
    ) -> Result<(), Report> {
        let fits = self.last.checked_add(1) == Some(first)
            && self.report.end.is_none()
            && self.report.boot == report.boot
            && self.report.catalogue == report.catalogue
            && self.report.values.len() == report.values.len()
            && at_ms.div_euclid(signed(self.step_ms)) == self.step
            && self.report.boot_ms <= since(&report)
            && report.boot_ms - self.since_boot_ms <= self.step_ms
            && seq - self.first < u64::from(limits::AGGREGATED_MAX);
        let merged = if fits { merged(&self.columns, &columns_of(&report), kinds) } else { None };
        let Some(merged) = merged else { return Err(report) };
        let components = report.components.or(self.report.components.take());
        self.report = Report { components, ..report };
        (self.columns, self.last) = (merged, seq);
        self.parts += 1;
        Ok(())
    }

    /// The aggregate; none when it would stand for no more than a single report, which is then best left as it is.
    pub(crate) fn finish(mut self, kinds: &[Kind]) -> Option<Thinned> {
        if self.parts < 2 {
            return None;
        }
        let count = u32::try_from(self.last - self.first + 1).ok()?;
        let set = self.report.set;
        // A set that is not the one that the digest names says less than none.
        self.report.components.take_if(|components| component::digest(components) != set);
        self.report.values = self.columns.iter().map(|column| column.map(|column| column.last)).collect();
        let unlike_last = |of: fn(&Gathered) -> i64| {
            let differs = |column: &Option<Gathered>| column.as_ref().map(|one| (of(one), one.last));
            let differs =
                |column| differs(column).filter(|(value, last)| value != last).map(|(value, _)| value);
            self.columns.iter().map(differs).collect()
        };
        let sum = |(column, kind): (&Option<Gathered>, &Kind)| {
            let column = column.filter(|_| *kind == Kind::Gauge)?;
            let as_last = column.last.checked_mul(i64::from(column.count));
            Some(column.sum).filter(|sum| Some(*sum) != as_last)
        };
        let aggregate = Aggregate {
            count,
            since_boot_ms: self.since_boot_ms,
            step_ms: self.step_ms,
            counts: self.columns.iter().map(|column| column.map_or(0, |column| column.count)).collect(),
            min: unlike_last(|column| column.min),
            max: unlike_last(|column| column.max),
            sum: self.columns.iter().zip(kinds).map(sum).collect(),
        };
        self.report.aggregate = Some(Box::new(aggregate));
        Some(Thinned { first: self.first, seq: self.last, report: self.report })
    }
}

fn since(report: &Report) -> u64 {
    report.aggregate.as_ref().map_or(report.boot_ms, |aggregate| aggregate.since_boot_ms)
}

fn columns_of(report: &Report) -> Vec<Option<Gathered>> {
    let of = |(column, value): (usize, &Option<i64>)| match &report.aggregate {
        Some(aggregate) => aggregate.gathered(column, *value),
        None => value.map(|value| Gathered { count: 1, min: value, max: value, sum: value, last: value }),
    };
    report.values.iter().enumerate().map(of).collect()
}

/// Columns and what came after them as one; none when a running total began anew, or a sum is beyond its bounds.
fn merged(
    before: &[Option<Gathered>],
    after: &[Option<Gathered>],
    kinds: &[Kind],
) -> Option<Vec<Option<Gathered>>> {
    let columns = before.iter().zip(after).zip(kinds);
    let column = |((before, after), kind): ((&Option<Gathered>, &Option<Gathered>), &Kind)| {
        let (Some(before), Some(after)) = (before, after) else { return Some(before.or(*after)) };
        let sum = match kind {
            Kind::Gauge => before.sum.checked_add(after.sum)?,
            Kind::Counter if after.min < before.last => return None,
            Kind::Counter => 0,
        };
        let (min, max) = (before.min.min(after.min), before.max.max(after.max));
        Some(Some(Gathered { count: before.count + after.count, min, max, sum, last: after.last }))
    };
    let merged: Vec<_> = columns.map(column).collect::<Option<_>>()?;
    (merged.len() == before.len()).then_some(merged)
}

fn signed(step_ms: u64) -> i64 {
    i64::try_from(step_ms).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
