//! The proof that what was acknowledged stays: a course of days through a collector's core that may be killed at any
//! instant, a disk that forgets what was not synced, and the comparison with what is readable afterwards.

pub mod course;
pub mod disk;
pub mod script;
pub mod trace;
pub mod truth;
