//! Conditions over the samples of one report: file systems, memory, processors, temperatures, packets.
//!
//! Each function reads bound columns and writes findings. A value that is missing is `Unknown`, never zero.

use crate::health::Facts;
use crate::health::bind::{Bindings, Cell, FileSystem, Hot, Interface, Thermometer, read};
use crate::health::finding::{Findings, Observation, Readings};
use crate::health::rule::{BuiltIn, Key, Rule, RuleSet};
use crate::model::alert::Severity;

/// A limit this close below the critical one is no earlier warning: many processors state the same number for both.
const LIMIT_APART_CELSIUS: f64 = 3.0;
/// This far below the share of memory that makes full swap a problem, it is none any more.
const MEMORY_EASED_SHARE: f64 = 0.10;
/// How far below a maker's critical limit to warn, where it states no other.
const WARN_BELOW_CRITICAL_CELSIUS: f64 = 10.0;

pub(super) fn file_systems(rules: &RuleSet, bindings: &Bindings, facts: &Facts<'_>, findings: &mut Findings) {
    let read_only = rules.rule(BuiltIn::FilesystemReadOnly);
    for file_system in &bindings.file_systems {
        let locked = read(file_system.read_only.as_ref(), facts.values).map(|value| value != 0.0);
        space(rules.rule(BuiltIn::FilesystemNearlyFull), file_system, facts, locked, findings);
        inodes(rules.rule(BuiltIn::FilesystemInodes), file_system, facts, locked, findings);
        if read_only.enabled {
            let observation = turned_read_only(read_only, file_system, facts, locked);
            findings.of_part(
                BuiltIn::FilesystemReadOnly,
                &file_system.part,
                observation,
                f64::NAN,
                Readings::default(),
            );
        }
    }
    if was_read(bindings.file_system_sensor.as_ref(), facts) {
        findings.sweep(BuiltIn::FilesystemNearlyFull);
        findings.sweep(BuiltIn::FilesystemInodes);
        findings.sweep(BuiltIn::FilesystemReadOnly);
    }
}

/// Whether a sensor itself says that it read its source: then a part without columns is gone, not unread.
fn was_read(state: Option<&Cell>, facts: &Facts<'_>) -> bool {
    read(state, facts.values) == Some(0.0)
}

fn space(
    rule: &Rule,
    file_system: &FileSystem,
    facts: &Facts<'_>,
    locked: Option<bool>,
    findings: &mut Findings,
) {
    if !rule.enabled {
        return;
    }
    let (observation, readings) =
        match used_and_free(file_system.used.as_ref(), file_system.free.as_ref(), facts) {
            Some((used, free)) => {
                let share = used / (used + free);
                // A read-only medium is always full; nobody can fill it further.
                let locked = locked == Some(true);
                let observation = if locked { Observation::Between } else { judge_space(rule, share, free) };
                (
                    observation,
                    Readings::new(&[
                        ("used_share", share),
                        ("free_bytes", free),
                        ("size_bytes", used + free),
                    ]),
                )
            }
            None => (Observation::Unknown, Readings::default()),
        };
    findings.of_part(rule.built_in, &file_system.part, observation, f64::NAN, readings);
}

/// What is used and what is free, where both are known and there is anything at all.
fn used_and_free(used: Option<&Cell>, free: Option<&Cell>, facts: &Facts<'_>) -> Option<(f64, f64)> {
    let pair = read(used, facts.values).zip(read(free, facts.values));
    pair.filter(|(used, free)| used + free > 0.0)
}

/// Full is a large share used and few bytes left: a tenth of a large disk is plenty.
fn judge_space(rule: &Rule, share: f64, free: f64) -> Observation {
    let (raise, critical) = (rule.level(Key::Raise), rule.level(Key::RaiseCritical));
    if share >= critical && free <= rule.level(Key::FreeBytesCritical) {
        Observation::Raise(Severity::Critical)
    } else if share >= raise && free <= rule.level(Key::FreeBytes) {
        Observation::Raise(rule.severity)
    } else if share <= rule.level(Key::Clear) || free >= rule.level(Key::FreeBytesClear) {
        Observation::Clear
    } else {
        Observation::Between
    }
}

fn inodes(
    rule: &Rule,
    file_system: &FileSystem,
    facts: &Facts<'_>,
    locked: Option<bool>,
    findings: &mut Findings,
) {
    if !rule.enabled {
        return;
    }
    let pair = used_and_free(file_system.inodes_used.as_ref(), file_system.inodes_free.as_ref(), facts);
    let (observation, readings) = match pair {
        Some((used, free)) => {
            let share = used / (used + free);
            let observation = if locked == Some(true) { Observation::Between } else { rule.judge(share) };
            (observation, Readings::new(&[("used_share", share), ("free_inodes", free)]))
        }
        None => (Observation::Unknown, Readings::default()),
    };
    findings.of_part(rule.built_in, &file_system.part, observation, f64::NAN, readings);
}

/// Read-only media are mounted so from the start; only the change from writable is a fault.
fn turned_read_only(
    rule: &Rule,
    file_system: &FileSystem,
    facts: &Facts<'_>,
    locked: Option<bool>,
) -> Observation {
    let before = facts.previous.and_then(|previous| read(file_system.read_only.as_ref(), previous.values));
    match (locked, before) {
        (None, _) => Observation::Unknown,
        (Some(false), _) => Observation::Clear,
        (Some(true), Some(0.0)) => Observation::Raise(rule.severity),
        (Some(true), _) => Observation::Between,
    }
}

pub(super) fn memory(rules: &RuleSet, bindings: &Bindings, facts: &Facts<'_>, findings: &mut Findings) {
    let available = read(bindings.memory_available.as_ref(), facts.values);
    let limit = read(bindings.memory_limit.as_ref(), facts.values).filter(|limit| *limit > 0.0);
    let used_share = available.zip(limit).map(|(available, limit)| 1.0 - available / limit);
    let rule = rules.rule(BuiltIn::MemoryLow);
    if rule.enabled {
        let share = used_share.unwrap_or(f64::NAN);
        let readings =
            Readings::new(&[("used_share", share), ("available_bytes", available.unwrap_or(f64::NAN))]);
        findings.of_asset(rule.built_in, rule.judge(share), f64::NAN, readings);
    }
    let rule = rules.rule(BuiltIn::SwapPressure);
    if rule.enabled {
        swap(rule, bindings, facts, used_share, findings);
    }
}

fn swap(
    rule: &Rule,
    bindings: &Bindings,
    facts: &Facts<'_>,
    memory_share: Option<f64>,
    findings: &mut Findings,
) {
    let used = read(bindings.swap_used.as_ref(), facts.values);
    let free = read(bindings.swap_free.as_ref(), facts.values);
    let (observation, readings) = match (used, free, memory_share) {
        (Some(used), Some(free), Some(memory)) => {
            // A host without swap has none to run out of.
            let share = if used + free > 0.0 { used / (used + free) } else { 0.0 };
            let needed = rule.level(Key::MemoryUsed);
            let judged = rule.judge(share);
            // What was once swapped out stays there; it is pressure only while memory is short.
            let observation = if memory <= needed - MEMORY_EASED_SHARE {
                Observation::Clear
            } else if memory < needed && matches!(judged, Observation::Raise(_)) {
                Observation::Between
            } else {
                judged
            };
            (observation, Readings::new(&[("swap_used_share", share), ("memory_used_share", memory)]))
        }
        _ => (Observation::Unknown, Readings::default()),
    };
    findings.of_asset(rule.built_in, observation, f64::NAN, readings);
}

pub(super) fn processors(rules: &RuleSet, bindings: &Bindings, facts: &Facts<'_>, findings: &mut Findings) {
    let idle = read(bindings.cpu_idle.as_ref(), facts.values);
    let io_wait = read(bindings.cpu_io_wait.as_ref(), facts.values);
    let rule = rules.rule(BuiltIn::CpuBusy);
    if rule.enabled {
        // Waiting for a disk is not work; systems that do not tell it apart report none.
        let busy = idle.map_or(f64::NAN, |idle| (1.0 - idle - io_wait.unwrap_or(0.0)).clamp(0.0, 1.0));
        findings.of_asset(rule.built_in, rule.judge(busy), busy, Readings::new(&[("busy_share", busy)]));
    }
    let rule = rules.rule(BuiltIn::IoWait);
    if rule.enabled {
        let share = io_wait.unwrap_or(f64::NAN);
        findings.of_asset(
            rule.built_in,
            rule.judge(share),
            share,
            Readings::new(&[("io_wait_share", share)]),
        );
    }
}

pub(super) fn temperatures(rules: &RuleSet, bindings: &Bindings, facts: &Facts<'_>, findings: &mut Findings) {
    let rule = rules.rule(BuiltIn::Temperature);
    for thermometer in &bindings.thermometers {
        let limits = limits(rule, thermometer, facts);
        let value = read(thermometer.value.as_ref(), facts.values);
        let (observation, readings) = match (value, limits) {
            (Some(value), Some((warn, critical))) => (
                judge_temperature(rule, value, warn, critical),
                Readings::new(&[
                    ("temperature_celsius", value),
                    ("limit_celsius", warn),
                    ("limit_critical_celsius", critical),
                ]),
            ),
            _ => (Observation::Unknown, Readings::default()),
        };
        findings.of_part(rule.built_in, &thermometer.part, observation, f64::NAN, readings);
    }
    if was_read(bindings.temperature_sensor.as_ref(), facts) {
        findings.sweep(BuiltIn::Temperature);
    }
}

/// When to warn and when it is critical: the maker's word first, then our default for its kind. None for a part that
/// nobody states a limit for: what it measures is not known.
fn limits(rule: &Rule, thermometer: &Thermometer, facts: &Facts<'_>) -> Option<(f64, f64)> {
    let degraded = read(thermometer.degraded.as_ref(), facts.values);
    let critical = read(thermometer.critical.as_ref(), facts.values);
    match (degraded, critical) {
        (Some(warn), Some(critical)) if warn <= critical - LIMIT_APART_CELSIUS => Some((warn, critical)),
        (_, Some(critical)) => Some((critical - WARN_BELOW_CRITICAL_CELSIUS, critical)),
        (Some(warn), None) => Some((warn, warn + WARN_BELOW_CRITICAL_CELSIUS)),
        (None, None) => match thermometer.kind {
            Hot::Disk => Some((rule.level(Key::Disk), rule.level(Key::DiskCritical))),
            Hot::Processor => Some((rule.level(Key::Processor), rule.level(Key::ProcessorCritical))),
            Hot::Other => None,
        },
    }
}

fn judge_temperature(rule: &Rule, value: f64, warn: f64, critical: f64) -> Observation {
    if value >= critical {
        Observation::Raise(Severity::Critical)
    } else if value >= warn {
        Observation::Raise(rule.severity)
    } else if value <= warn - rule.level(Key::ClearBelow) {
        Observation::Clear
    } else {
        Observation::Between
    }
}

pub(super) fn network(rules: &RuleSet, bindings: &Bindings, facts: &Facts<'_>, findings: &mut Findings) {
    let rule = rules.rule(BuiltIn::NetworkErrors);
    for interface in &bindings.interfaces {
        let (share, readings) = match errors(rule, interface, facts) {
            Some((share, per_second)) => {
                (share, Readings::new(&[("error_share", share), ("errors_per_second", per_second)]))
            }
            None => (f64::NAN, Readings::default()),
        };
        findings.of_part(rule.built_in, &interface.part, rule.judge(share), share, readings);
    }
    if was_read(bindings.network_sensor.as_ref(), facts) {
        findings.sweep(BuiltIn::NetworkErrors);
    }
}

/// Share of packets in error since the report before, and errors per second. Too few errors are a share of zero: one
/// bad packet of ten on an idle link says nothing.
fn errors(rule: &Rule, interface: &Interface, facts: &Facts<'_>) -> Option<(f64, f64)> {
    let previous = facts.previous?;
    let seconds = (facts.at_ms - previous.at_ms) as f64 / 1_000.0;
    let rise = |cells: &[Cell]| {
        cells.iter().try_fold(0.0, |sum, cell| Some(sum + cell.rise(facts.values, previous.values)?))
    };
    if seconds <= 0.0 || interface.errors.is_empty() || interface.packets.is_empty() {
        return None;
    }
    let (packets, errors) = (rise(&interface.packets)?, rise(&interface.errors)?);
    let per_second = errors / seconds;
    // Packets in error are not counted among the packets by every driver: at most all of them are bad.
    let share =
        if per_second < rule.level(Key::ErrorsPerSecond) { 0.0 } else { errors / packets.max(errors) };
    Some((share, per_second))
}
