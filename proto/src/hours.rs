//! Hours of the day in which history may be sent: spans of UTC minutes. The agent compares them with the collector's
//! time; who set them in local time, and where summer time begins, is the collector's business.

use crate::limits;
use serde::{Deserialize, Serialize};

/// Minutes of a day.
pub const DAY_MINUTES: u16 = 1_440;
const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = DAY_MINUTES as i64 * MINUTE_MS;

/// A span of the day, from one minute to before another; one that ends before it begins goes on past midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Span {
    /// First minute, 0 to 1439.
    pub from_minute: u16,
    /// The minute after the last, 1 to 1440.
    pub to_minute: u16,
}

impl Span {
    /// Whether it is one: within a day and not empty.
    pub const fn is_sound(self) -> bool {
        self.from_minute < DAY_MINUTES
            && 0 < self.to_minute
            && self.to_minute <= DAY_MINUTES
            && self.from_minute != self.to_minute
    }

    /// The same span, so many minutes later in the day.
    pub fn shifted(self, minutes: i32) -> Self {
        let day = i32::from(DAY_MINUTES);
        let from = (i32::from(self.from_minute) + minutes).rem_euclid(day);
        let to = (i32::from(self.to_minute) + minutes - 1).rem_euclid(day) + 1;
        if (from, to) == (0, day) || self.length() == DAY_MINUTES {
            return Self { from_minute: 0, to_minute: DAY_MINUTES };
        }
        Self { from_minute: u16::try_from(from).unwrap_or(0), to_minute: u16::try_from(to).unwrap_or(1) }
    }

    /// How many minutes it has.
    const fn length(self) -> u16 {
        if self.from_minute < self.to_minute {
            self.to_minute - self.from_minute
        } else {
            DAY_MINUTES - self.from_minute + self.to_minute
        }
    }

    /// Milliseconds until it next begins; 0 while it lasts.
    fn opens_in_ms(self, day_ms: i64) -> i64 {
        let since_ms = (day_ms - i64::from(self.from_minute) * MINUTE_MS).rem_euclid(DAY_MS);
        if since_ms < i64::from(self.length()) * MINUTE_MS { 0 } else { DAY_MS - since_ms }
    }
}

/// Whether spans keep their bounds.
pub fn are_sound(spans: &[Span]) -> bool {
    spans.len() <= limits::HISTORY_HOURS_MAX && spans.iter().all(|span| span.is_sound())
}

/// Milliseconds from a time, in milliseconds since 1970, until one of the spans lasts; 0 while one does, or when there
/// are none, which means all day.
pub fn opens_in_ms(spans: &[Span], now_ms: i64) -> i64 {
    let day_ms = now_ms.rem_euclid(DAY_MS);
    spans.iter().map(|span| span.opens_in_ms(day_ms)).min().unwrap_or(0)
}

/// Milliseconds until a span of every one of these sets lasts, of which one without a span means all day; none when they
/// have no minute in common.
pub fn all_open_in_ms(sets: &[&[Span]], now_ms: i64) -> Option<i64> {
    let mut waited_ms = 0;
    // Each step goes to where a span begins, and after a day the same ones come again.
    while waited_ms <= DAY_MS {
        let then_ms = now_ms.saturating_add(waited_ms);
        let wait_ms = sets.iter().map(|spans| opens_in_ms(spans, then_ms)).max().unwrap_or(0);
        if wait_ms == 0 {
            return Some(waited_ms);
        }
        waited_ms += wait_ms;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(from_minute: u16, to_minute: u16) -> Span {
        Span { from_minute, to_minute }
    }

    #[test]
    fn spans_lie_within_a_day_and_are_not_empty() {
        for sound in [span(0, 1_440), span(0, 1), span(1_439, 1_440), span(1_320, 300)] {
            assert!(sound.is_sound(), "{sound:?}");
        }
        for wrong in [span(1_440, 1), span(5, 5), span(0, 1_441), span(10, 0)] {
            assert!(!wrong.is_sound(), "{wrong:?}");
        }
        assert!(!are_sound(&[span(0, 1); limits::HISTORY_HOURS_MAX + 1]));
    }

    #[test]
    fn a_span_past_midnight_is_open_on_both_sides_of_it() {
        let night = [span(1_320, 300)];
        let at = |hour: i64| opens_in_ms(&night, 20_000 * DAY_MS + hour * 60 * MINUTE_MS);
        assert_eq!((at(21), at(22), at(23), at(0), at(4)), (60 * MINUTE_MS, 0, 0, 0, 0));
        assert_eq!(at(5), 17 * 60 * MINUTE_MS);
        assert_eq!(opens_in_ms(&[], 7), 0, "no span means all day");
        assert_eq!(opens_in_ms(&[span(0, 60), span(120, 180)], 90 * MINUTE_MS), 30 * MINUTE_MS);
    }

    #[test]
    fn several_sets_are_open_where_all_of_them_are() {
        let (night, early) = ([span(1_320, 300)], [span(240, 360), span(600, 660)]);
        let at =
            |minute: i64| all_open_in_ms(&[&night, &[], &early], minute * MINUTE_MS).map(|ms| ms / MINUTE_MS);
        assert_eq!((at(240), at(299), at(300), at(0)), (Some(0), Some(0), Some(1_380), Some(240)));
        assert_eq!(all_open_in_ms(&[&night, &[span(600, 660)]], 0), None, "no minute in common");
        assert_eq!(all_open_in_ms(&[], 7), Some(0));
    }

    #[test]
    fn every_minute_of_a_shifted_span_is_open_as_much_later() {
        for original in [span(0, 1_440), span(1_320, 300), span(0, 60), span(1_380, 1_440), span(500, 700)] {
            for minutes in [-420, 0, 1, 420, 1_440, -1_439] {
                let shifted = original.shifted(minutes);
                assert!(shifted.is_sound(), "{original:?} by {minutes}: {shifted:?}");
                for minute in 0..i64::from(DAY_MINUTES) {
                    let later_ms = (minute + i64::from(minutes)) * MINUTE_MS;
                    let (before, after) =
                        (opens_in_ms(&[original], minute * MINUTE_MS), opens_in_ms(&[shifted], later_ms));
                    assert_eq!(before, after, "{original:?} by {minutes} at {minute}: {shifted:?}");
                }
            }
        }
    }
}
