//! Memory errors that the kernel's EDAC drivers counted since boot: by controller, by module, by row and channel on older
//! drivers. Owns from when on corrected errors matter; knows nothing of who is told.

use crate::sensor::sample::{SCALE_WHOLE, clean, counter};
use crate::sensor::{NoData, Paths, Reading, Sensor, part, source};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tram_proto::component::{Component, State};
use tram_proto::sample as names;

/// Counters that move are worth a look, not more.
const INTERVAL: Duration = Duration::from_secs(300);
/// What a rate is taken over, and the corrected errors of one module in it from which on mcelog speaks up
/// (`ce-error-threshold = 10 / 24h` of its `[dimm]`).
const DAY_S: f64 = 86_400.0;
const CORRECTED_PER_DAY_MAX: f64 = 10.0;
/// The kernel gives sizes in these.
const MEBIBYTE: f64 = 1_048_576.0;
/// Counts of the last day that are kept of one part, an hour or more apart.
const KEPT_MAX: usize = 26;
const KEPT_APART_S: f64 = 3_500.0;

/// The sensor: remembers what it counted in the last day.
#[derive(Debug, Default)]
pub struct Edac {
    /// By part, from the oldest: seconds of this boot, and corrected errors.
    kept: BTreeMap<String, Vec<(f64, f64)>>,
}

/// Counts of one part.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Count {
    /// Stable over boots, such as `mc0/dimm3` or `mc0/csrow0/ch1`.
    pub id: String,
    /// What it is labelled: the board's name for the slot.
    pub label: String,
    /// Errors that were corrected.
    pub corrected: Option<f64>,
    /// Errors that were not.
    pub uncorrected: Option<f64>,
    /// Bytes of a module; none: not said.
    pub bytes: Option<f64>,
    /// Whether what was not corrected is its fault.
    pub blame: Blame,
    /// Whether it is a part that somebody would replace.
    pub is_module: bool,
}

/// Whose fault errors are that were not corrected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Blame {
    /// Another part's, or there were none.
    #[default]
    None,
    /// One module's of the row that it is in.
    Row,
    /// Its own.
    Own,
}

impl Blame {
    fn of(uncorrected: Option<f64>) -> Self {
        if uncorrected.is_some_and(|errors| errors > 0.0) { Self::Own } else { Self::None }
    }
}

impl Sensor for Edac {
    fn name(&self) -> &'static str {
        "edac"
    }

    fn interval(&self) -> Option<Duration> {
        Some(INTERVAL)
    }

    fn read(&mut self, paths: &Paths) -> Result<Reading, NoData> {
        let counts = read(&paths.sysfs)?;
        let uptime = source::word(&paths.procfs.join("uptime"));
        let uptime_s = uptime.and_then(|text| text.split_whitespace().next()?.parse().ok());
        Ok(self.parse(&counts, uptime_s))
    }
}

impl Edac {
    /// Samples and components of these counts, taken so many seconds after boot.
    pub fn parse(&mut self, counts: &[Count], uptime_s: Option<f64>) -> Reading {
        let mut reading = Reading::default();
        for count in counts {
            let errors = [("corrected", count.corrected), ("uncorrected", count.uncorrected)];
            for (kind, value) in errors.into_iter().filter(|(_, value)| value.is_some()) {
                let mut attributes = vec![(names::HW_ID, count.id.as_str()), (names::ERROR_TYPE, kind)];
                if !count.label.is_empty() {
                    attributes.push((names::HW_NAME, count.label.as_str()));
                }
                reading.samples.push(counter(names::HW_ERRORS, "{error}", SCALE_WHOLE, &attributes, value));
            }
            let per_day = self.per_day(count, uptime_s);
            reading.components.extend(component(count, per_day));
        }
        reading
    }

    /// Corrected errors a day: of the last one where that much is known, else on average since boot.
    fn per_day(&mut self, count: &Count, uptime_s: Option<f64>) -> Option<f64> {
        let (corrected, now_s) = (count.corrected?, uptime_s?);
        let kept = self.kept.entry(count.id.clone()).or_default();
        // A counter that was reset, or a boot that began anew, starts over.
        if kept.last().is_some_and(|(at_s, before)| *at_s > now_s || *before > corrected) {
            kept.clear();
        }
        let first = kept.iter().rev().find(|(at_s, _)| now_s - at_s >= DAY_S).copied();
        let rate = match first {
            Some((at_s, before)) => (corrected - before) * DAY_S / (now_s - at_s),
            None => corrected * DAY_S / now_s.max(DAY_S),
        };
        if kept.last().is_none_or(|(at_s, _)| now_s - at_s >= KEPT_APART_S) {
            kept.push((now_s, corrected));
            let surplus = kept.len().saturating_sub(KEPT_MAX);
            kept.drain(..surplus);
        }
        Some(rate)
    }
}

fn component(count: &Count, per_day: Option<f64>) -> Option<Component> {
    let is_suspect = count.blame != Blame::None;
    // A controller or a row is a part only for the errors that belong to no module.
    if !count.is_module && !is_suspect {
        return None;
    }
    let mut component = part::new("memory", &count.id);
    component.name = clean(&count.label);
    part::figure(&mut component, "corrected_errors", count.corrected);
    part::figure(&mut component, "uncorrected_errors", count.uncorrected);
    part::figure(&mut component, "capacity_bytes", count.bytes);
    match count.blame {
        Blame::None => {}
        Blame::Row => part::mark(&mut component, State::Failed, "uncorrectable errors in its row"),
        Blame::Own => part::mark(&mut component, State::Failed, "uncorrectable errors"),
    }
    if per_day.is_some_and(|rate| rate >= CORRECTED_PER_DAY_MAX) {
        part::mark(&mut component, State::Degraded, "many corrected errors");
    }
    Some(component)
}

/// Counts of every memory controller. Absent where no driver counts.
pub fn read(sysfs: &Path) -> Result<Vec<Count>, NoData> {
    let mut counts = Vec::new();
    for folder in source::entries(&sysfs.join("devices/system/edac/mc"))? {
        let Some(controller) = numbered(&folder, &["mc"]) else { continue };
        let mut parts = modules(&folder, &controller);
        if parts.is_empty() {
            parts = rows(&folder, &controller);
        }
        let uncorrected = source::number(&folder.join("ue_count"));
        let unplaced = source::number(&folder.join("ue_noinfo_count")).is_some_and(|errors| errors > 0.0);
        let is_placed = parts.iter().any(|part| part.blame != Blame::None);
        let is_to_blame = unplaced || (uncorrected.is_some_and(|errors| errors > 0.0) && !is_placed);
        counts.push(Count {
            id: controller,
            corrected: source::number(&folder.join("ce_count")),
            uncorrected,
            blame: if is_to_blame { Blame::Own } else { Blame::None },
            ..Count::default()
        });
        counts.extend(parts);
    }
    if counts.is_empty() { Err(NoData::Absent) } else { Ok(counts) }
}

/// The modules of a controller: `dimm0`, or `rank0` where its driver counts by rank.
fn modules(folder: &Path, controller: &str) -> Vec<Count> {
    let entries = source::entries(folder).unwrap_or_default();
    let module = |path: &PathBuf| {
        let name = numbered(path, &["dimm", "rank"])?;
        let uncorrected = source::number(&path.join("dimm_ue_count"));
        Some(Count {
            id: format!("{controller}/{name}"),
            label: source::word(&path.join("dimm_label")).unwrap_or_default(),
            corrected: source::number(&path.join("dimm_ce_count")),
            uncorrected,
            bytes: source::number(&path.join("size")).map(|mebibytes| mebibytes * MEBIBYTE),
            blame: Blame::of(uncorrected),
            is_module: true,
        })
    };
    entries.iter().filter_map(module).filter(|count| count.bytes != Some(0.0)).collect()
}

/// Rows and their channels, of drivers that know no modules. What was not corrected is counted by row alone, and may be
/// of any module that the row spans.
fn rows(folder: &Path, controller: &str) -> Vec<Count> {
    let mut counts = Vec::new();
    for path in source::entries(folder).unwrap_or_default() {
        let Some(row) = numbered(&path, &["csrow"]) else { continue };
        let uncorrected = source::number(&path.join("ue_count"));
        let mut channels: Vec<Count> = Vec::new();
        for file in source::entries(&path).unwrap_or_default() {
            let name = source::name(&file);
            let Some(channel) = name.strip_suffix("_ce_count").filter(|stem| stem.starts_with("ch")) else {
                continue;
            };
            let own = source::number(&path.join(format!("{channel}_ue_count")));
            let of_row = if Blame::of(uncorrected) == Blame::Own { Blame::Row } else { Blame::None };
            channels.push(Count {
                id: format!("{controller}/{row}/{channel}"),
                label: source::word(&path.join(format!("{channel}_dimm_label"))).unwrap_or_default(),
                corrected: source::number(&file),
                uncorrected: own,
                bytes: None,
                blame: if own.is_some() { Blame::of(own) } else { of_row },
                is_module: true,
            });
        }
        let is_placed = channels.iter().any(|channel| channel.blame != Blame::None);
        counts.push(Count {
            id: format!("{controller}/{row}"),
            corrected: source::number(&path.join("ce_count")),
            uncorrected,
            blame: if is_placed { Blame::None } else { Blame::of(uncorrected) },
            is_module: channels.is_empty(),
            ..Count::default()
        });
        counts.extend(channels);
    }
    counts
}

/// The name of a folder that is one of these with a number.
fn numbered(path: &Path, prefixes: &[&str]) -> Option<String> {
    let name = source::name(path);
    let is_one = |prefix: &&str| {
        let number = name.strip_prefix(prefix).unwrap_or_default();
        !number.is_empty() && number.bytes().all(|digit| digit.is_ascii_digit())
    };
    prefixes.iter().any(is_one).then_some(name)
}

#[cfg(test)]
mod tests;
