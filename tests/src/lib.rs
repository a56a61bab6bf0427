//! What the tests share.

pub mod fleet;
