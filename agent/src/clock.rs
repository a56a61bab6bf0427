//! Time, injected. Owns the only calls that ask the system what time it is; knows nothing of what it is needed for.

use rustix::time::{ClockId, Timespec, clock_gettime};
use std::time::Instant;

/// The three clocks of a host.
pub trait Clock: Send + Sync {
    /// For timers within this process; never goes backwards.
    fn monotonic(&self) -> Instant;

    /// Milliseconds of `CLOCK_BOOTTIME`: since this boot, sleep included.
    fn boot_ms(&self) -> u64;

    /// Milliseconds since 1970 by the wall clock, which nothing here trusts.
    fn wall_ms(&self) -> i64;
}

/// The host's own clocks.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the home of the clock")]
    fn monotonic(&self) -> Instant {
        Instant::now()
    }

    fn boot_ms(&self) -> u64 {
        u64::try_from(milliseconds(clock_gettime(ClockId::Boottime))).unwrap_or_default()
    }

    fn wall_ms(&self) -> i64 {
        milliseconds(clock_gettime(ClockId::Realtime))
    }
}

fn milliseconds(time: Timespec) -> i64 {
    time.tv_sec.saturating_mul(1_000).saturating_add(time.tv_nsec / 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_do_not_go_backwards() {
        let (boot_ms, monotonic) = (SystemClock.boot_ms(), SystemClock.monotonic());
        assert!(boot_ms > 0);
        assert!(SystemClock.boot_ms() >= boot_ms);
        assert!(SystemClock.monotonic() >= monotonic);
    }
}
