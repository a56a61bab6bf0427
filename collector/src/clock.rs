//! The collector's clock: the only caller of the system's. Everything else takes `now` as a value.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Where the time comes from.
#[derive(Debug, Clone, Default)]
pub struct Clock(Source);

#[derive(Debug, Clone, Default)]
enum Source {
    #[default]
    System,
    Manual(Arc<AtomicI64>),
}

impl Clock {
    /// The system's own clock.
    pub const fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that stands still until it is set, and the handle that sets it (milliseconds since 1970).
    pub fn manual(now_ms: i64) -> (Self, Arc<AtomicI64>) {
        let time = Arc::new(AtomicI64::new(now_ms));
        (Self(Source::Manual(Arc::clone(&time))), time)
    }

    /// Milliseconds since 1970.
    pub fn now_ms(&self) -> i64 {
        match &self.0 {
            Source::System => system_ms(),
            Source::Manual(time) => time.load(Ordering::Relaxed),
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the clock's home")]
fn system_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// A monotonic instant, for measuring how long something took. Never a point in time.
#[expect(clippy::disallowed_methods, reason = "this is the clock's home")]
pub fn monotonic() -> Instant {
    Instant::now()
}
