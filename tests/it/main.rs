//! Whole-system stories, one file each.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a story fails by panicking, and says what it saw"
)]
#![allow(clippy::disallowed_methods, reason = "stories run in real time")]

mod backlog;
mod backup;
mod care;
mod crash;
mod failover;
mod fleet;
mod full_store;
mod history;
mod judgement;
mod kills;
mod last_words;
mod limits;
mod load;
mod mtls;
mod operators;
mod outage;
mod policy;
mod power;
mod program;
mod province;
mod reachability;
mod report_path;
mod simulation;
mod smallnet;
mod thinning;
mod tidy;
mod upgrade;
