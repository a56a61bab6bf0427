//! What was said to be durable, and whether a history says the same: every acknowledged sample that is not past its time
//! is there once with its values, nothing is there that was not measured, and the buckets of every tier stand for exactly
//! the samples that are there.

use super::course::{KEEP, Phase};
use super::script::{DAY_MS, HOSTS, Measured, START_MS, Script, columns};
use anyhow::{Context as _, ensure};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::sync::Arc;
use tram_collector::model::agent::AgentId;
use tram_collector::series::Series;
use tram_collector::series::query::{Cell, Line, Window};
use tram_proto::catalogue::Kind;

const MINUTE_MS: i64 = 60_000;
const FIVE_MINUTES_MS: i64 = 5 * MINUTE_MS;
const HOUR_MS: i64 = 60 * MINUTE_MS;

/// What a course has said.
#[derive(Debug, Clone)]
pub struct Truth {
    script: Arc<Script>,
    acked: Vec<BTreeSet<u64>>,
    /// Rounds that are over: the next one to go on with.
    pub next_round: usize,
    /// What has begun and not ended.
    pub phase: Option<Phase>,
}

impl Truth {
    /// Nothing was said yet.
    pub fn new(script: Arc<Script>) -> Self {
        Self { script, acked: vec![BTreeSet::new(); HOSTS], next_round: 0, phase: None }
    }

    /// How much is acknowledged.
    pub fn acked(&self) -> usize {
        self.acked.iter().map(BTreeSet::len).sum()
    }

    /// Hears a line. What is not known is an error: it would be a proof of nothing.
    pub fn hear(&mut self, line: &str) -> anyhow::Result<()> {
        let mut words = line.split_whitespace();
        let what = words.next().unwrap_or_default();
        let mut number = || words.next().and_then(|word| word.parse::<u64>().ok());
        match what {
            "acked" => {
                let (host, seq) = number().zip(number()).context("host and number")?;
                let host = self.acked.get_mut(usize::try_from(host)?).context("no such host")?;
                host.insert(seq);
            }
            "round" => self.next_round = usize::try_from(number().context("number")?)? + 1,
            "begin" => {
                let name = words.next();
                let phase = Phase::ALL.into_iter().find(|phase| Some(phase.name()) == name);
                self.phase = Some(phase.context("no such phase")?);
            }
            "end" => self.phase = None,
            _ => anyhow::bail!("not understood: {line}"),
        }
        Ok(())
    }

    /// Compares what a history has of some days with what was said, as of a time.
    pub fn check(
        &self,
        series: &Series,
        agents: &[AgentId],
        now_ms: i64,
        days: RangeInclusive<i64>,
    ) -> anyhow::Result<()> {
        let today = (now_ms - START_MS) / DAY_MS;
        for (host, (agent, acked)) in agents.iter().zip(&self.acked).enumerate() {
            for day in days.clone() {
                let of_day = Day { host, agent: *agent, from_ms: START_MS + day * DAY_MS };
                self.check_day(series, &of_day, acked, today - day)
                    .with_context(|| format!("host {host}, day {day} as of day {today}"))?;
            }
        }
        Ok(())
    }

    fn check_day(&self, series: &Series, day: &Day, acked: &BTreeSet<u64>, age: i64) -> anyhow::Result<()> {
        let to_ms = day.from_ms + DAY_MS;
        let all = self.script.measured(day.host).iter();
        let of_day: Vec<&Measured> = all.filter(|it| (day.from_ms..to_ms).contains(&it.at_ms)).collect();
        let is_acked = |it: &&Measured| acked.contains(&it.seq);
        let there: Vec<&Measured> = if age <= i64::from(KEEP.raw_days) {
            let found = there(&day.lines(series, MINUTE_MS)?, &of_day)?;
            let lost: Vec<u64> = of_day
                .iter()
                .copied()
                .filter(is_acked)
                .map(|it| it.seq)
                .filter(|seq| !found.contains(seq))
                .collect();
            ensure!(lost.is_empty(), "{} acknowledged samples are lost: {lost:?}", lost.len());
            of_day.into_iter().filter(|it| found.contains(&it.seq)).collect()
        } else {
            of_day.into_iter().filter(is_acked).collect()
        };
        for (step_ms, days) in [(FIVE_MINUTES_MS, KEEP.five_minutes_days), (HOUR_MS, KEEP.hours_days)] {
            if days.is_none_or(|days| age <= i64::from(days)) {
                let lines = day.lines(series, step_ms)?;
                compare(&lines, &there, step_ms).with_context(|| format!("step {step_ms} ms"))?;
            }
        }
        Ok(())
    }
}

/// A day of a host.
struct Day {
    host: usize,
    agent: AgentId,
    from_ms: i64,
}

impl Day {
    fn lines(&self, series: &Series, step_ms: i64) -> anyhow::Result<BTreeMap<String, Line>> {
        let window = Window { from_ms: self.from_ms, to_ms: self.from_ms + DAY_MS, step_ms };
        let lines = series.range(self.agent, |_| true, window)?;
        Ok(lines.into_iter().map(|line| (line.column.name.clone(), line)).collect())
    }
}

/// Numbers of the measurements that are there: each once, with all its values, and nothing else.
fn there(lines: &BTreeMap<String, Line>, of_day: &[&Measured]) -> anyhow::Result<BTreeSet<u64>> {
    let mut found = BTreeSet::new();
    let by_minute: BTreeMap<i64, &Measured> = of_day.iter().map(|it| (it.at_ms / MINUTE_MS, *it)).collect();
    for (place, column) in columns().iter().enumerate().filter(|(_, column)| column.kind == Kind::Gauge) {
        let mut of_column = BTreeSet::new();
        for (time_ms, cell) in lines.get(&column.name).map(filled).unwrap_or_default() {
            let measured = by_minute.get(&(time_ms / MINUTE_MS));
            let measured = measured.with_context(|| format!("{}: nothing at {time_ms}", column.name))?;
            let value = measured.values.get(place).copied().flatten().map(|value| value as f64);
            let seq = measured.seq;
            ensure!(cell.weight() == 1.0, "{}: sample {seq} is there {} times", column.name, cell.weight());
            ensure!(Some(cell.last) == value, "{}: sample {seq} is {cell:?}", column.name);
            of_column.insert(seq);
        }
        if place == 0 {
            found = of_column;
            continue;
        }
        let expected = of_day.iter().filter(|it| found.contains(&it.seq));
        let expected = expected.filter(|it| it.values.get(place).copied().flatten().is_some());
        let expected: BTreeSet<u64> = expected.map(|it| it.seq).collect();
        ensure!(of_column == expected, "{}: there are {of_column:?}", column.name);
    }
    Ok(found)
}

fn filled(line: &Line) -> Vec<(i64, Cell)> {
    let start_ms = line.window.start_ms();
    let cells = line.cells.iter().enumerate().filter(|(_, cell)| !cell.is_empty());
    cells.map(|(place, cell)| (start_ms + place as i64 * line.window.step_ms, *cell)).collect()
}

/// What stands for the samples of a bucket.
#[derive(Debug, Default, Clone, Copy)]
struct Expected {
    min: i64,
    max: i64,
    last: i64,
    sum: i64,
    /// Samples of a level; milliseconds of a total.
    weight: i64,
}

fn compare(lines: &BTreeMap<String, Line>, there: &[&Measured], step_ms: i64) -> anyhow::Result<()> {
    for (place, column) in columns().iter().enumerate() {
        let values: Vec<(i64, i64)> = there
            .iter()
            .filter_map(|it| Some((it.at_ms, it.values.get(place).copied().flatten()?)))
            .collect();
        let expected = match column.kind {
            Kind::Gauge => levels(&values, step_ms),
            Kind::Counter => totals(&values, step_ms),
        };
        let found: BTreeMap<i64, Cell> =
            lines.get(&column.name).map(filled).unwrap_or_default().into_iter().collect();
        match column.kind {
            Kind::Gauge => same_levels(&found, &expected),
            Kind::Counter => same_totals(&found, &expected, values.first().map(|(at_ms, _)| *at_ms), step_ms),
        }
        .with_context(|| column.name.clone())?;
    }
    Ok(())
}

fn bucket_of(at_ms: i64, step_ms: i64) -> i64 {
    at_ms - at_ms.rem_euclid(step_ms)
}

fn levels(values: &[(i64, i64)], step_ms: i64) -> BTreeMap<i64, Expected> {
    let mut buckets: BTreeMap<i64, Expected> = BTreeMap::new();
    for (at_ms, value) in values {
        let first = Expected { min: *value, max: *value, ..Expected::default() };
        let bucket = buckets.entry(bucket_of(*at_ms, step_ms)).or_insert(first);
        bucket.min = bucket.min.min(*value);
        bucket.max = bucket.max.max(*value);
        bucket.last = *value;
        bucket.sum += value;
        bucket.weight += 1;
    }
    buckets
}

/// What a total grew by since the sample before, in the bucket of the later one; one that fell began anew.
fn totals(values: &[(i64, i64)], step_ms: i64) -> BTreeMap<i64, Expected> {
    let mut buckets: BTreeMap<i64, Expected> = BTreeMap::new();
    for pair in values.windows(2) {
        let [(before_ms, before), (at_ms, value)] = pair else { continue };
        let bucket = buckets.entry(bucket_of(*at_ms, step_ms)).or_default();
        bucket.sum += if value < before { *value } else { value - before };
        bucket.weight += at_ms - before_ms;
    }
    buckets
}

fn same_levels(found: &BTreeMap<i64, Cell>, expected: &BTreeMap<i64, Expected>) -> anyhow::Result<()> {
    let times = |times: Vec<&i64>| times.into_iter().copied().collect::<Vec<_>>();
    let (seen, wanted) = (times(found.keys().collect()), times(expected.keys().collect()));
    ensure!(seen == wanted, "buckets are at {seen:?}, expected at {wanted:?}");
    for ((time_ms, cell), bucket) in found.iter().zip(expected.values()) {
        let is_same = cell.min == bucket.min as f64
            && cell.max == bucket.max as f64
            && cell.last == bucket.last as f64
            && cell.weight() == bucket.weight as f64
            && is_near(cell.mean(), bucket.sum as f64 / bucket.weight as f64);
        ensure!(is_same, "at {time_ms} is {cell:?}, expected {bucket:?}");
    }
    Ok(())
}

/// A day's first increase is counted from the day before where that is near, so it may be there or not.
fn same_totals(
    found: &BTreeMap<i64, Cell>,
    expected: &BTreeMap<i64, Expected>,
    first_ms: Option<i64>,
    step_ms: i64,
) -> anyhow::Result<()> {
    let first = first_ms.map(|at_ms| bucket_of(at_ms, step_ms));
    let times: BTreeSet<i64> = found.keys().chain(expected.keys()).copied().collect();
    for time_ms in times.into_iter().filter(|time_ms| Some(*time_ms) != first) {
        let (cell, bucket) = (found.get(&time_ms), expected.get(&time_ms));
        let is_same = cell.zip(bucket).is_some_and(|(cell, bucket)| {
            is_near(cell.weight(), bucket.weight as f64 / 1_000.0)
                && is_near(cell.mean() * cell.weight(), bucket.sum as f64)
        });
        ensure!(is_same, "at {time_ms} is {cell:?}, expected {bucket:?}");
    }
    Ok(())
}

fn is_near(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-6 * b.abs().max(1.0)
}
