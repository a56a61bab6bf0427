//! The day in the province: who is at work when, and which machines are on. Pure; times are given.

use crate::fleet::dice::Dice;
use crate::fleet::plan::HostKind;

/// Vietnam has one time zone and no summer time.
const ZONE_MS: i64 = 7 * HOUR_MS;
const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;

/// A moment on the province's clocks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Local {
    /// Days since 1 January 1970.
    pub day: i64,
    /// Hours since midnight.
    pub hour: f64,
}

/// From milliseconds since 1970 UTC.
pub fn local(unix_ms: i64) -> Local {
    let ms = unix_ms + ZONE_MS;
    Local { day: ms.div_euclid(DAY_MS), hour: ms.rem_euclid(DAY_MS) as f64 / HOUR_MS as f64 }
}

impl Local {
    /// Saturday or Sunday. 1 January 1970 was a Thursday.
    pub fn is_weekend(self) -> bool {
        matches!((self.day + 3).rem_euclid(7), 5 | 6)
    }

    /// How busy offices are, from 0 to 1: two humps with lunch between them, on weekdays.
    pub fn activity(self) -> f64 {
        let hump = |middle: f64| (-((self.hour - middle) / 1.5).powi(2)).exp();
        let busy = hump(9.5).max(hump(15.0));
        if self.is_weekend() { busy * 0.08 } else { busy }
    }
}

/// Whether a host is on. Servers always; workstations in office hours of their own, some on Saturday morning; laptops
/// the same, but one day in five they are elsewhere.
pub fn is_on(seed: u64, host: &str, kind: HostKind, unix_ms: i64) -> bool {
    if kind == HostKind::Server {
        return true;
    }
    let now = local(unix_ms);
    let mut habit = Dice::new(seed, host);
    let (comes, goes) = (habit.between(6.8, 7.8), habit.between(16.6, 18.2));
    let mut today = Dice::new(seed ^ now.day as u64, host);
    let (late, overtime, chance) = (today.between(0.0, 0.3), today.between(-0.3, 0.6), today.unit());
    let present = match kind {
        HostKind::Server => true,
        HostKind::Workstation => !now.is_weekend() || chance < 0.05,
        HostKind::Laptop => (!now.is_weekend() && chance < 0.8) || chance < 0.1,
    };
    present && (comes + late..goes + overtime).contains(&now.hour)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Monday, 23 November 2026, midnight in the province.
    const MONDAY_MS: i64 = 1_795_366_800_000;

    fn on(kind: HostKind, at_ms: i64) -> usize {
        (0..200).filter(|number| is_on(1, &format!("host{number}"), kind, at_ms)).count()
    }

    #[test]
    fn monday_begins_at_midnight_in_the_province() {
        let now = local(MONDAY_MS);
        assert_eq!(now.hour, 0.0);
        assert!(!now.is_weekend());
        assert!(local(MONDAY_MS - 1).is_weekend());
        assert!(!local(MONDAY_MS + 4 * DAY_MS).is_weekend() && local(MONDAY_MS + 5 * DAY_MS).is_weekend());
    }

    #[test]
    fn workstations_go_off_in_the_evening_and_are_back_in_the_morning() {
        let at = |hour: i64| on(HostKind::Workstation, MONDAY_MS + hour * HOUR_MS);
        assert_eq!((at(3), at(10), at(15), at(22), at(34)), (0, 200, 200, 0, 200));
        assert!(on(HostKind::Workstation, MONDAY_MS + 6 * DAY_MS + 10 * HOUR_MS) < 30);
    }

    #[test]
    fn servers_stay_and_laptops_are_sometimes_elsewhere() {
        assert_eq!(on(HostKind::Server, MONDAY_MS + 3 * HOUR_MS), 200);
        let laptops = on(HostKind::Laptop, MONDAY_MS + 10 * HOUR_MS);
        assert!((120..190).contains(&laptops), "{laptops}");
    }

    #[test]
    fn offices_are_busy_in_the_morning_and_quiet_at_night() {
        let activity = |hour: i64| local(MONDAY_MS + hour * HOUR_MS).activity();
        assert!(activity(9) > 0.7 && activity(15) > 0.9 && activity(12) < 0.3 && activity(2) < 0.01);
    }
}
