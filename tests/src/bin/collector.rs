//! The collector's program once more, so that it is built with the stories that start it, stop it and kill it.

use std::process::ExitCode;

fn main() -> ExitCode {
    let level = tracing_subscriber::filter::LevelFilter::INFO;
    tracing_subscriber::fmt().with_max_level(level).with_writer(std::io::stderr).init();
    tram_collector::cli::run()
}
