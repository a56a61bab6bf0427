//! Trạm's agent as a library: the program in `main.rs`, the tests and the simulated province are built of it.

pub mod batch;
pub mod clock;
pub mod delivery;
pub mod enroll;
pub mod sensor;
pub mod spool;
pub mod uplink;
