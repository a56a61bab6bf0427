//! What a rule is: its name, its levels and its times, and the set of all rules in force. Knows neither where the
//! numbers come from (`builtin.rs`, `rules.rs`) nor what they are compared with.

use crate::health::builtin;
use crate::health::finding::Observation;
use crate::model::alert::{RuleId, Severity};

macro_rules! worded {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal;)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$variant_doc])* $variant,)+ }

        impl $name {
            /// Every value, in the order of their declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The word for it, as configuration, store and API carry it.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }

            /// The value for a word.
            pub fn from_word(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.as_str() == word)
            }
        }
    };
}

worded!(
    /// The rules that this release has.
    BuiltIn {
        /// Little space is left on a file system, as a share and in bytes.
        FilesystemNearlyFull = "filesystem_nearly_full";
        /// Few inodes are left on a file system.
        FilesystemInodes = "filesystem_inodes";
        /// A file system that was writable has become read-only.
        FilesystemReadOnly = "filesystem_read_only";
        /// Little memory is available.
        MemoryLow = "memory_low";
        /// Swap is nearly used up while memory is short.
        SwapPressure = "swap_pressure";
        /// The processors have been busy all the time.
        CpuBusy = "cpu_busy";
        /// The processors wait for disks.
        IoWait = "io_wait";
        /// A part is too hot.
        Temperature = "temperature";
        /// A part of the host is not well, by the verdict that comes with it.
        ComponentHealth = "component_health";
        /// A part of the host that was there for long is gone.
        ComponentMissing = "component_missing";
        /// The host started again without having been shut down.
        UnexpectedReboot = "unexpected_reboot";
        /// It did so several times.
        RebootsTooOften = "reboots_too_often";
        /// The host's wall clock is off.
        ClockOff = "clock_off";
        /// Many packets of an interface are in error.
        NetworkErrors = "network_errors";
        /// The host's reachability ladder says that something on its way to the internet is broken.
        Reachability = "reachability";
        /// A host that should be on says nothing.
        HostSilent = "host_silent";
        /// A host that should be on has said nothing for days.
        HostMissing = "host_missing";
        /// A workstation has not been seen for a long time.
        WorkstationUnseen = "workstation_unseen";
    }
);

impl BuiltIn {
    /// Its name as alerts carry it.
    pub const fn id(self) -> RuleId {
        RuleId(self.as_str())
    }

    /// Whether the mean over the hold time counts, rather than each single value.
    pub const fn is_averaged(self) -> bool {
        matches!(self, Self::CpuBusy | Self::IoWait | Self::NetworkErrors)
    }

    /// The rule of a name; none for [`RETIRED`].
    pub fn from_id(id: RuleId) -> Option<Self> {
        Self::from_word(id.0)
    }
}

/// Stands for a stored rule that this release no longer has, so that its alerts can be shown and resolved.
pub const RETIRED: RuleId = RuleId("retired");

/// The rule for a stored name; [`RETIRED`] where this release has none of that name.
pub fn rule_id(name: &str) -> RuleId {
    BuiltIn::from_word(name).map_or(RETIRED, BuiltIn::id)
}

worded!(
    /// The numbers that rules compare with; which of them a rule has, and in what unit, is in `builtin.rs`.
    Key {
        /// Reached or exceeded: the rule's severity.
        Raise = "raise";
        /// Reached or exceeded: critical.
        RaiseCritical = "raise_critical";
        /// Reached or fallen below: clear.
        Clear = "clear";
        /// And no more than this is free, for the rule's severity.
        FreeBytes = "free_bytes";
        /// And no more than this is free, for critical.
        FreeBytesCritical = "free_bytes_critical";
        /// Or at least this is free again: clear.
        FreeBytesClear = "free_bytes_clear";
        /// And at least this share of memory is used.
        MemoryUsed = "memory_used";
        /// A disk's limit, where its maker states none.
        Disk = "disk";
        /// A disk's critical limit, where its maker states none.
        DiskCritical = "disk_critical";
        /// A processor's limit, where its maker states none.
        Processor = "processor";
        /// A processor's critical limit, where its maker states none.
        ProcessorCritical = "processor_critical";
        /// Clear this far below the limit.
        ClearBelow = "clear_below";
        /// How far back to look.
        Window = "window";
        /// Fewer than this are nothing.
        ErrorsPerSecond = "errors_per_second";
        /// Send intervals missed.
        Intervals = "intervals";
        /// Added to them.
        Grace = "grace";
        /// Instead of the hold time: a power supply that gets no mains, or a pair of them that is no longer redundant.
        HoldMains = "hold_mains";
        /// Instead of the hold time: an array or a disk that is being rebuilt, with nothing else against it.
        HoldRebuild = "hold_rebuild";
        /// Instead of the hold time: a value that wanders about its limit, or a link that has just been set up.
        HoldReading = "hold_reading";
    }
);

/// One rule in force.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// Which.
    pub built_in: BuiltIn,
    /// Whether it is judged at all.
    pub enabled: bool,
    /// How bad it is at the level [`Key::Raise`].
    pub severity: Severity,
    /// How long the condition holds before it fires, milliseconds.
    pub hold_ms: i64,
    /// How long the signal stays clear before it resolves, milliseconds.
    pub clear_hold_ms: i64,
    /// Whether it is care that is due: firing opens a work order.
    pub work_order: bool,
    /// How long after firing the work order is due, milliseconds.
    pub due_ms: i64,
    /// The levels it has, by key; durations in milliseconds.
    pub(crate) levels: [Option<f64>; Key::ALL.len()],
}

impl Rule {
    /// A level; one that the rule does not have is never reached.
    pub fn level(&self, key: Key) -> f64 {
        self.levels[key as usize].unwrap_or(f64::INFINITY)
    }

    /// What a value says, by the levels `raise`, `raise_critical` and `clear`.
    pub fn judge(&self, value: f64) -> Observation {
        if value.is_nan() {
            Observation::Unknown
        } else if value >= self.level(Key::RaiseCritical) {
            Observation::Raise(Severity::Critical)
        } else if value >= self.level(Key::Raise) {
            Observation::Raise(self.severity)
        } else if value <= self.level(Key::Clear) {
            Observation::Clear
        } else {
            Observation::Between
        }
    }
}

/// Every rule, in the order of [`BuiltIn::ALL`].
#[derive(Debug, Clone, PartialEq)]
pub struct RuleSet {
    rules: Vec<Rule>,
}

impl RuleSet {
    /// The rule of a name.
    pub fn rule(&self, built_in: BuiltIn) -> &Rule {
        &self.rules[built_in as usize]
    }

    /// The same, to change it.
    pub(crate) fn rule_mut(&mut self, built_in: BuiltIn) -> &mut Rule {
        &mut self.rules[built_in as usize]
    }

    /// The rule of an alert or a work order, if this release has it and it is enabled.
    pub fn enabled(&self, id: RuleId) -> Option<&Rule> {
        BuiltIn::from_id(id).map(|built_in| self.rule(built_in)).filter(|rule| rule.enabled)
    }

    /// Every rule.
    pub fn iter(&self) -> impl Iterator<Item = &Rule> {
        self.rules.iter()
    }
}

impl Default for RuleSet {
    /// The built-in rules, unchanged.
    fn default() -> Self {
        Self { rules: BuiltIn::ALL.iter().map(|built_in| builtin::rule(*built_in)).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_stands_at_its_own_place_and_is_found_by_name() {
        let rules = RuleSet::default();
        for built_in in BuiltIn::ALL {
            assert_eq!(rules.rule(*built_in).built_in, *built_in);
            assert_eq!(rule_id(built_in.as_str()), built_in.id());
        }
        assert_eq!(rule_id("gone_since_9"), RETIRED);
        assert!(rules.enabled(RETIRED).is_none());
    }

    #[test]
    fn levels_judge_from_the_worst_down() {
        let rules = RuleSet::default();
        let rule = rules.rule(BuiltIn::FilesystemInodes);
        assert_eq!(rule.judge(0.99), Observation::Raise(Severity::Critical));
        assert_eq!(rule.judge(0.90), Observation::Raise(Severity::Warning));
        assert_eq!(rule.judge(0.85), Observation::Between);
        assert_eq!(rule.judge(0.80), Observation::Clear);
        assert_eq!(rule.judge(f64::NAN), Observation::Unknown);
    }
}
