//! The command line: what is asked for, and the exit code. Decides nothing else.

use crate::app;
use crate::clock::Clock;
use crate::config::{self, Config, ConfigError};
use anyhow::{Context as _, Result};
use clap::{Parser, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;
use tokio::signal::unix::{SignalKind, signal};

/// Exit code for what the caller got wrong (EX_USAGE): arguments and configuration.
const EXIT_USAGE: u8 = 64;

/// Trạm's collector: takes the agents' reports, decides what needs care, shows it.
#[derive(Debug, Parser)]
#[command(name = "tram-collector", version)]
pub struct Arguments {
    /// The configuration; without it /etc/tram/collector.toml where that exists.
    #[arg(long, global = true, env = "TRAM_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs the collector until it is told to stop.
    Serve,
    /// Reads the configuration and the rules, says what is wrong with them, and does nothing else.
    CheckConfig,
}

/// Does what the arguments ask for.
pub fn run() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            let code = if error.use_stderr() { EXIT_USAGE } else { 0 };
            // Help that cannot be printed has nobody to read it.
            drop(error.print());
            return ExitCode::from(code);
        }
    };
    match config::load(arguments.config.as_deref())
        .map_err(anyhow::Error::from)
        .and_then(|config| act(arguments, config))
    {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tell(&error);
            let is_usage = error.is::<ConfigError>() || error.is::<crate::rules::InvalidRules>();
            ExitCode::from(if is_usage { EXIT_USAGE } else { 1 })
        }
    }
}

fn act(arguments: Arguments, config: Config) -> Result<()> {
    match arguments.command {
        Command::Serve => serve(config),
        Command::CheckConfig => check_config(&config),
    }
}

fn check_config(config: &Config) -> Result<()> {
    app::load_rules(config.rules_file.as_deref())?;
    say("the configuration is sound");
    Ok(())
}

fn serve(config: Config) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().thread_name("tram").build()?;
    runtime.block_on(async {
        let mut terminate = signal(SignalKind::terminate()).context("signals")?;
        let mut interrupt = signal(SignalKind::interrupt()).context("signals")?;
        let running = app::start(config, Clock::system()).await?;
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        running.stop().await
    })
}

#[expect(clippy::print_stdout, reason = "this is the command line's answer")]
fn say(text: &str) {
    println!("{text}");
}

#[expect(clippy::print_stderr, reason = "this is the command line's complaint")]
fn tell(error: &anyhow::Error) {
    eprintln!("tram-collector: {error:#}");
}
