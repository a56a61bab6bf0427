//! The built-in rules' defaults. Where each number comes from is said here for who maintains it, and in
//! `locales/*/alerts.ftl` (`.source`) for who is woken by it.

use crate::health::rule::{BuiltIn, Key, Rule};
use crate::model::alert::Severity::{self, Critical, Info, Warning};

const SECOND_MS: i64 = 1_000;
const MINUTE_MS: i64 = 60 * SECOND_MS;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;
const GIBIBYTE: f64 = 1_073_741_824.0;

/// What a level is a number of: decides how it is written in `rules.toml`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// 0 to 1.
    Share,
    /// Bytes; written as a number, or with `KiB`, `MiB`, `GiB`, `TiB`.
    Bytes,
    /// A number.
    Number,
    /// Milliseconds; written as `10m`.
    Duration,
    /// Degrees Celsius.
    Celsius,
}

/// The hold times are our own choice, and said so in the rule's text, but for readings: Zabbix's templates average sensors
/// over 5 minutes. Rebuilding 8 TB at the 100 MB/s that a busy array spares takes 22 hours.
const COMPONENT_HEALTH: &[(Key, Unit, f64)] = &[
    (Key::HoldMains, Unit::Duration, (15 * MINUTE_MS) as f64),
    (Key::HoldRebuild, Unit::Duration, DAY_MS as f64),
    (Key::HoldReading, Unit::Duration, (5 * MINUTE_MS) as f64),
];

/// The levels that a rule has, with their units and defaults.
pub const fn levels(built_in: BuiltIn) -> &'static [(Key, Unit, f64)] {
    use Unit::{Bytes, Celsius, Duration, Number, Share};
    match built_in {
        // Shares: Netdata disks.conf, Linuxfabrik (90/95). Bytes: Zabbix "Linux by Zabbix agent" (10 and 5 GB left).
        BuiltIn::FilesystemNearlyFull => &[
            (Key::Raise, Share, 0.90),
            (Key::RaiseCritical, Share, 0.95),
            (Key::Clear, Share, 0.85),
            (Key::FreeBytes, Bytes, 10.0 * GIBIBYTE),
            (Key::FreeBytesCritical, Bytes, 5.0 * GIBIBYTE),
            (Key::FreeBytesClear, Bytes, 12.0 * GIBIBYTE),
        ],
        // Netdata disks.conf: warn above 90 until below 80, critical above 98.
        BuiltIn::FilesystemInodes => {
            &[(Key::Raise, Share, 0.90), (Key::RaiseCritical, Share, 0.98), (Key::Clear, Share, 0.80)]
        }
        BuiltIn::FilesystemReadOnly => &[],
        // Netdata ram.conf: available below 10 %, clear at 15 %; node-mixin: 90 % for 15 minutes.
        BuiltIn::MemoryLow => {
            &[(Key::Raise, Share, 0.90), (Key::RaiseCritical, Share, 0.95), (Key::Clear, Share, 0.85)]
        }
        // Netdata swap.conf: above 90 until below 80, critical 98. Full swap with free memory harms nobody.
        BuiltIn::SwapPressure => &[
            (Key::Raise, Share, 0.90),
            (Key::RaiseCritical, Share, 0.98),
            (Key::Clear, Share, 0.80),
            (Key::MemoryUsed, Share, 0.80),
        ],
        // node-mixin: 90 % for 15 minutes; Netdata cpu.conf clears at 75 %.
        BuiltIn::CpuBusy => &[(Key::Raise, Share, 0.90), (Key::Clear, Share, 0.75)],
        // Netdata cpu.conf: above 40 until below 20.
        BuiltIn::IoWait => &[(Key::Raise, Share, 0.40), (Key::Clear, Share, 0.20)],
        // Disks: Zabbix "SMART by Zabbix agent 2" (50, 65). Processors: coretemp's TjMax of 100, ten below it.
        BuiltIn::Temperature => &[
            (Key::Disk, Celsius, 50.0),
            (Key::DiskCritical, Celsius, 65.0),
            (Key::Processor, Celsius, 90.0),
            (Key::ProcessorCritical, Celsius, 100.0),
            (Key::ClearBelow, Celsius, 5.0),
        ],
        // OpenTelemetry's hw.state as the agent judged it; each sensor states the sources of its own limits.
        BuiltIn::ComponentHealth => COMPONENT_HEALTH,
        // Our own choice, and said so in its text: a part that is not put back within a month was taken out for good.
        BuiltIn::ComponentMissing => &[(Key::Window, Duration, (30 * DAY_MS) as f64)],
        BuiltIn::UnexpectedReboot => &[(Key::Window, Duration, DAY_MS as f64)],
        // Our own choice, and said so in its text: nobody publishes a figure.
        BuiltIn::RebootsTooOften => &[
            (Key::Raise, Number, 3.0),
            (Key::RaiseCritical, Number, 8.0),
            (Key::Clear, Number, 1.0),
            (Key::Window, Duration, (7 * DAY_MS) as f64),
        ],
        // RFC 6238 (one-time passwords: 30 s steps), RFC 4120 (Kerberos: 5 minutes).
        BuiltIn::ClockOff => &[
            (Key::Raise, Duration, (30 * SECOND_MS) as f64),
            (Key::RaiseCritical, Duration, (5 * MINUTE_MS) as f64),
            (Key::Clear, Duration, (10 * SECOND_MS) as f64),
        ],
        // node-mixin NodeNetworkReceiveErrs: 1 % for 1 hour; Netdata net.conf: at least 5 in 10 minutes.
        BuiltIn::NetworkErrors => {
            &[(Key::Raise, Share, 0.01), (Key::Clear, Share, 0.001), (Key::ErrorsPerSecond, Number, 0.0083)]
        }
        BuiltIn::Reachability => &[],
        // Two and a half send intervals: two reports in a row are missing, and half of a third one's time has passed.
        BuiltIn::HostSilent => &[(Key::Intervals, Number, 2.5), (Key::Grace, Duration, 0.0)],
        BuiltIn::HostMissing => &[(Key::Raise, Duration, (3 * DAY_MS) as f64)],
        BuiltIn::WorkstationUnseen => &[(Key::Raise, Duration, (14 * DAY_MS) as f64)],
    }
}

/// A built-in rule with its defaults.
pub fn rule(built_in: BuiltIn) -> Rule {
    let (severity, hold_ms, clear_hold_ms, due) = times(built_in);
    let mut rule = Rule {
        built_in,
        enabled: true,
        severity,
        hold_ms,
        clear_hold_ms,
        work_order: due.is_some(),
        due_ms: due.unwrap_or(7) * DAY_MS,
        levels: [None; Key::ALL.len()],
    };
    for (key, _, default) in levels(built_in) {
        rule.levels[*key as usize] = Some(*default);
    }
    rule
}

/// Severity, hold, clear hold, and days until its care is due where it is a maintenance rule.
const fn times(built_in: BuiltIn) -> (Severity, i64, i64, Option<i64>) {
    match built_in {
        BuiltIn::FilesystemNearlyFull => (Warning, 10 * MINUTE_MS, 10 * MINUTE_MS, Some(7)),
        BuiltIn::FilesystemInodes => (Warning, 10 * MINUTE_MS, 10 * MINUTE_MS, Some(7)),
        BuiltIn::FilesystemReadOnly => (Critical, 0, MINUTE_MS, Some(2)),
        BuiltIn::MemoryLow => (Warning, 15 * MINUTE_MS, 5 * MINUTE_MS, None),
        BuiltIn::SwapPressure => (Warning, 15 * MINUTE_MS, 5 * MINUTE_MS, None),
        BuiltIn::CpuBusy => (Warning, 15 * MINUTE_MS, 5 * MINUTE_MS, None),
        BuiltIn::IoWait => (Warning, 15 * MINUTE_MS, 10 * MINUTE_MS, None),
        BuiltIn::Temperature => (Warning, 5 * MINUTE_MS, 10 * MINUTE_MS, Some(7)),
        BuiltIn::ComponentHealth => (Warning, MINUTE_MS, 10 * MINUTE_MS, Some(7)),
        BuiltIn::ComponentMissing => (Critical, 10 * MINUTE_MS, MINUTE_MS, Some(2)),
        BuiltIn::UnexpectedReboot => (Warning, 0, 0, None),
        BuiltIn::RebootsTooOften => (Warning, 0, 0, Some(14)),
        BuiltIn::ClockOff => (Warning, 10 * MINUTE_MS, 10 * MINUTE_MS, Some(14)),
        BuiltIn::NetworkErrors => (Warning, HOUR_MS, HOUR_MS, Some(14)),
        BuiltIn::Reachability => (Warning, 5 * MINUTE_MS, 5 * MINUTE_MS, None),
        BuiltIn::HostSilent => (Critical, 0, 2 * MINUTE_MS, None),
        BuiltIn::HostMissing => (Warning, 0, 10 * MINUTE_MS, Some(7)),
        BuiltIn::WorkstationUnseen => (Info, 0, 0, None),
    }
}
