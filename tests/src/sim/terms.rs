//! What differs between runs besides what goes wrong: how large spools are, how often hosts measure, whether the site has
//! a budget, when history may be sent. A seed decides.

use super::START_MS;
use crate::fleet::dice::Dice;
use std::time::Duration;
use tram_agent::uplink::history::Hours;
use tram_proto::hours::Span;

const MINUTE_MS: i64 = 60_000;
const SPOOL_BYTES: u64 = 64 << 20;

/// Under what a run is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Terms {
    /// How much a spool keeps.
    pub(super) spool_bytes_max: u64,
    /// Between two measurements.
    pub(super) sample_interval: Duration,
    /// Bytes a minute that the site's history may take.
    pub(super) budget: Option<u32>,
    /// Minutes of the run in which history may not be sent: the first, and the one after the last.
    pub(super) closed: Option<(u16, u16)>,
}

impl Terms {
    /// Of a seed.
    pub(super) fn new(seed: u64) -> Self {
        let mut dice = Dice::new(seed, "terms");
        let size = dice.unit();
        let (spool_bytes_max, sample_s) = if size < 0.3 {
            // What is not sent for half an hour does not fit.
            (dice.between(6.0, 30.0) as u64 * 1_024, 30)
        } else if size < 0.4 {
            // Files of so many reports that gathering them is worth it.
            (dice.between(12.0, 40.0) as u64 * 1_024, 5)
        } else {
            (SPOOL_BYTES, 60)
        };
        let budget = (dice.unit() < 0.4).then(|| dice.between(4_096.0, 16_000.0) as u32);
        let closed = (dice.unit() < 0.3).then(|| {
            let from = dice.below(30) as u16;
            (from, from + 5 + dice.below(20) as u16)
        });
        Self { spool_bytes_max, sample_interval: Duration::from_secs(sample_s), budget, closed }
    }

    /// Whether a spool may have to let go of something.
    pub(super) const fn is_small(&self) -> bool {
        self.spool_bytes_max < SPOOL_BYTES
    }

    /// The hours that hosts keep to: all day but for what is closed.
    pub(super) fn hours(&self) -> Hours {
        let minute = |of_run: u16| {
            let minute = START_MS / MINUTE_MS + i64::from(of_run);
            u16::try_from(minute.rem_euclid(1_440)).unwrap_or_default()
        };
        let open = |(from, to)| Span { from_minute: minute(to), to_minute: minute(from).max(1) };
        Hours { asked: self.closed.map(open).into_iter().collect(), ..Hours::default() }
    }

    /// Whether a time, milliseconds since 1970, is well within what is closed: agents know the time from answers.
    pub(super) fn is_closed(&self, at_ms: i64, doubt_ms: i64) -> bool {
        let ms = |minute: u16| START_MS / MINUTE_MS * MINUTE_MS + i64::from(minute) * MINUTE_MS;
        self.closed.is_some_and(|(from, to)| ms(from) + doubt_ms < at_ms && at_ms < ms(to) - doubt_ms)
    }
}
