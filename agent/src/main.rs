//! The agent's program: arguments, logging, run, exit code.

fn main() {}
