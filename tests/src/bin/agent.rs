//! The agent's program once more, so that it is built with the stories that watch it.

use std::process::ExitCode;

fn main() -> ExitCode {
    tram_agent::cli::main(std::env::args_os())
}
