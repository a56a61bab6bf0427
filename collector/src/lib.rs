//! Trạm's collector as a library: the program in `main.rs` and the tests are built of it.

pub mod api;
pub mod model;
pub mod store;
pub mod web;
