//! The agent's program: hands the arguments over and returns the exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    tram_agent::cli::main(std::env::args_os())
}
