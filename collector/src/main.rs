//! The collector's program: logging, run, exit code.

use std::process::ExitCode;
use tracing_subscriber::EnvFilter;

/// Reports are read by one thread and freed by another, which makes the system's allocator wait for itself.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let filter = EnvFilter::try_from_env("TRAM_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    tram_collector::cli::run()
}
