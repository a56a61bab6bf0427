//! What is set of history: when it may be sent, and how much of it. The policy asks, the host's own limits bind.

use super::{Config, ConfigError, value};
use crate::uplink::history::Hours;
use tram_proto::hours::{self, Span};
use tram_proto::limits::HISTORY_HOURS_MAX;

impl Config {
    /// When history may be sent.
    pub fn hours(&self) -> Hours {
        Hours { asked: self.history_hours.clone(), allowed: self.limits.history_hours.clone() }
    }
}

/// Least that a limit may be: below, a batch is little more than its envelope.
const BYTES_MIN: u64 = 4_096;

/// The limit as typed; 0: none.
pub(super) fn bytes(typed: u64) -> Result<Option<u64>, ConfigError> {
    if typed == 0 {
        return Ok(None);
    }
    let (en, vi) = (
        format!("0 for no limit, or at least {BYTES_MIN} bytes"),
        format!("0 là không giới hạn, hoặc ít nhất {BYTES_MIN} byte"),
    );
    let wrong = || value("limits.history_bytes_per_minute", typed, en, vi);
    (typed >= BYTES_MIN).then_some(Some(typed)).ok_or_else(wrong)
}

/// The limits' own hours as typed.
pub(super) fn hours(spans: Vec<Span>) -> Result<Vec<Span>, ConfigError> {
    if hours::are_sound(&spans) {
        return Ok(spans);
    }
    let bounds = "from_minute 0..1439, to_minute 1..1440";
    let en = format!("at most {HISTORY_HOURS_MAX} spans of UTC minutes, {bounds}");
    let vi = format!("tối đa {HISTORY_HOURS_MAX} khoảng phút UTC, {bounds}");
    let given: Vec<String> =
        spans.iter().map(|span| format!("{}..{}", span.from_minute, span.to_minute)).collect();
    Err(value("limits.history_hours", given.join(", "), en, vi))
}
