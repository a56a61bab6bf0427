//! When history may be sent: the hours of the day that the policy asks for, where this host's own administrator allows
//! them too. Pure: the collector's time comes in. Knows nothing of what waits.

use serde::{Deserialize, Serialize};
use tram_proto::hours::{self, Span};

/// When history may be sent: where both allow it. No span means all day.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hours {
    /// As the policy asks.
    pub asked: Vec<Span>,
    /// As this host's own administrator allows.
    pub allowed: Vec<Span>,
}

/// History that waits for its hours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shut {
    /// Reports that wait, as far as known.
    pub reports: u64,
    /// When they may go, milliseconds since 1970; none: never.
    pub until_ms: Option<i64>,
    /// Whether it is the policy's hours that are over.
    pub by_policy: bool,
    /// Whether it is this host's own.
    pub by_limits: bool,
}

impl Hours {
    /// Whether there are any: then history never goes along with what is current, because before the first answer after
    /// a restart it is not certain what time it is.
    pub fn is_set(&self) -> bool {
        !self.asked.is_empty() || !self.allowed.is_empty()
    }

    /// Milliseconds from a time, in milliseconds since 1970, until history may be sent; 0 while it may, none when it
    /// never may.
    pub fn begin_in_ms(&self, now_ms: i64) -> Option<u64> {
        hours::all_open_in_ms(&[&self.asked, &self.allowed], now_ms).map(i64::unsigned_abs)
    }

    /// Whether this host's own administrator allows none now, whatever the policy asks.
    pub fn is_closed_here(&self, now_ms: i64) -> bool {
        hours::opens_in_ms(&self.allowed, now_ms) > 0
    }

    /// What there is to say of `reports` that wait; none when it is not for the hours.
    pub fn shut(&self, reports: u64, now_ms: i64) -> Option<Shut> {
        let wait_ms = self.begin_in_ms(now_ms);
        (reports > 0 && wait_ms != Some(0)).then(|| Shut {
            reports,
            until_ms: wait_ms.map(|wait_ms| now_ms.saturating_add_unsigned(wait_ms)),
            by_policy: hours::opens_in_ms(&self.asked, now_ms) > 0,
            by_limits: self.is_closed_here(now_ms),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR_MS: i64 = 3_600_000;

    #[test]
    fn what_keeps_history_back_is_named() {
        let span = |from: u16, to: u16| vec![Span { from_minute: from * 60, to_minute: to * 60 }];
        let hours = Hours { asked: span(17, 22), allowed: span(20, 4) };
        let at = |hour: i64| {
            hours.shut(9, hour * HOUR_MS).map(|shut| (shut.until_ms, shut.by_policy, shut.by_limits))
        };
        assert_eq!(at(18), Some((Some(20 * HOUR_MS), false, true)));
        assert_eq!(at(23), Some((Some(44 * HOUR_MS), true, false)));
        assert_eq!(at(10), Some((Some(20 * HOUR_MS), true, true)));
        assert_eq!(at(21), None);
        assert_eq!(hours.shut(0, 18 * HOUR_MS), None, "nothing waits");
        let never = Hours { asked: span(1, 2), allowed: span(3, 4) };
        assert_eq!(never.shut(1, 0).map(|shut| shut.until_ms), Some(None));
    }
}
