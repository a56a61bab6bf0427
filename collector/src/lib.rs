//! Trạm's collector as a library: the program in `main.rs` and the tests are built of it.

pub mod admission;
pub mod alert;
pub mod api;
pub mod app;
pub mod catalogues;
pub mod cli;
pub mod clock;
pub mod commit;
pub mod config;
pub mod enrollment_token;
pub mod health;
pub mod ingest;
pub mod latest;
pub mod maintenance;
pub mod model;
pub mod pki;
pub mod placing;
pub mod policies;
pub mod revocations;
pub mod rules;
pub mod series;
pub mod store;
pub mod tasks;
pub mod texts;
pub mod trust;
pub mod web;
