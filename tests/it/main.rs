//! Whole-system stories, one file each.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the answer")]

mod fleet;
mod tidy;
