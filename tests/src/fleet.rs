//! The simulated province: agencies, sites and hosts with plausible names, whose values come from a seeded model and
//! whose reports travel by the agent's own spool and uplink code. A library for the tests; the program `fleet` is its
//! shell.
//!
//! What is simulated ends where a host's readings end. From there on everything is the agent's own.

pub mod day;
pub mod dice;
pub mod failure;
pub mod hardware;
pub mod host;
pub mod model;
pub mod names;
pub mod plan;
pub mod progress;
pub mod run;
pub mod smartctl;
pub mod timeline;
pub mod tokens;
