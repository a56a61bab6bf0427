//! The uplink under all sorts of answers.
