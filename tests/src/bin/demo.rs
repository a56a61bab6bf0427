//! The demo's program; `deploy/demo` builds and starts it.

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    // Set once a process; a second call would only say that it is set.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let options = tram_tests::demo::Options::parse();
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error.into()),
    };
    match runtime.block_on(tram_tests::demo::run(&options)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error),
    }
}

#[expect(clippy::print_stderr, reason = "a program's last word to the person who started it")]
fn fail(error: &anyhow::Error) -> ExitCode {
    eprintln!("demo: {error:#}");
    ExitCode::FAILURE
}
