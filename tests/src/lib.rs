//! What the tests and the demo share.

pub mod demo;
pub mod fleet;
pub mod net;
pub mod standin;
