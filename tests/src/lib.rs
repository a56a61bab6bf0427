//! What the tests share.

pub mod net;
