//! Trạm's agent as a library: the program in `main.rs`, the tests and the simulated province are built of it.

pub mod app;
pub mod batch;
pub mod cli;
pub mod clock;
pub mod config;
pub mod delivery;
pub mod enroll;
pub mod gather;
pub mod host;
pub mod sample;
pub mod schedule;
pub mod sensor;
#[cfg(windows)]
pub mod service;
pub mod spool;
pub mod status;
pub mod system;
mod thinning;
mod tree;
pub mod uplink;
pub mod urgency;
