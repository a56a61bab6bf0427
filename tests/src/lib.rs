//! What the tests and the demo share.

pub mod bench;
pub mod conduct;
pub mod demo;
pub mod durability;
pub mod files;
pub mod fleet;
pub mod net;
pub mod pki;
pub mod sim;
pub mod standin;
pub mod strace;
pub mod world;
