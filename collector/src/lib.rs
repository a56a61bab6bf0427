//! Trạm's collector as a library: the program in `main.rs` and the tests are built of it.

pub mod alert;
pub mod health;
pub mod maintenance;
pub mod model;
pub mod rules;
pub mod store;
pub mod texts;
