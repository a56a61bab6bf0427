//! What differs between systems and no sensor reads: clocks, private files, signals. Each system has its file below,
//! with the same functions; nothing else in the agent outside `sensor/` asks which one it runs on. Knows nothing of what
//! they are needed for.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;
#[cfg(unix)]
mod zone;

#[cfg(unix)]
pub use unix::*;
#[cfg(windows)]
pub use windows::*;

/// What made the agent stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// The host goes down.
    Host,
    /// The service manager stops it; only the manager knows whether the host goes down too.
    Manager,
    /// A person stops it.
    Person,
}
