//! Trạm's collector as a library: the program in `main.rs` and the tests are built of it.

pub mod admission;
pub mod api;
pub mod clock;
pub mod config;
pub mod model;
pub mod pki;
pub mod series;
pub mod store;
