//! Time, injected. Owns the only calls that ask the system what time it is; knows nothing of what it is needed for.

use crate::system;
use std::time::Instant;

/// The three clocks of a host.
pub trait Clock: Send + Sync {
    /// For timers within this process; never goes backwards.
    fn monotonic(&self) -> Instant;

    /// Milliseconds since this boot, sleep included: `CLOCK_BOOTTIME`.
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
        system::boot_ms()
    }

    fn wall_ms(&self) -> i64 {
        system::wall_ms()
    }
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
