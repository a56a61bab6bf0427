//! What the tests share.

pub mod fleet;
pub mod standin;
