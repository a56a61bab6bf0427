//! Trạm's agent as a library: the program in `main.rs`, the tests and the simulated province are built of it.

pub mod sensor;
