//! The wire contract between agents and the collector.
//!
//! Shapes, names, units, identities and every bound, and nothing else: no sockets, no clock, no async, no SQL.
//! Decoding is total: no bytes make it panic or hold more than [`limits`] allow.

pub mod ack;
pub mod aggregate;
mod bounded;
pub mod catalogue;
pub mod component;
pub mod encoding;
pub mod enroll;
pub mod hours;
pub mod id;
pub mod limits;
pub mod phrase;
pub mod policy;
pub mod ranges;
pub mod reach;
pub mod report;
pub mod sample;
