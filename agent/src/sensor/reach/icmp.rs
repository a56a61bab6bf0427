//! ICMP echo: one request and its round trip. How a process may ask is each system's own.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub(super) use unix::{Icmp, ask};
#[cfg(windows)]
pub(super) use windows::{Icmp, ask};
