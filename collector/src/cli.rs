//! The command line: what is asked for, in which language, and the exit code. Decides nothing else.

mod agent;
mod backup;
mod complaint;
mod enrollment;
mod help;
mod password;
mod policy;
mod site;
mod store;
#[cfg(test)]
mod tests;
mod token;
mod trouble;
mod usage;
mod user;

use crate::api::install::lacking;
use crate::app;
use crate::clock::Clock;
use crate::config::{self, Config, person};
use crate::model::text::{Language, Text};
use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use complaint::Complaint;
use std::ffi::OsString;
use std::io::Write as _;
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
    /// The language of what is printed; without it that of the locale.
    #[arg(long, global = true, value_name = "vi|en")]
    lang: Option<user::LanguageArgument>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs the collector until it is told to stop.
    Serve,
    /// Reads the configuration and the rules, says what is wrong with them, and does nothing else.
    CheckConfig,
    /// Makes a backup of everything, encrypted, beside a running collector, and checks it; or checks one.
    Backup(backup::BackupArguments),
    /// Puts a backup into an empty data folder.
    Restore(backup::RestoreArguments),
    /// Tokens that let agents in.
    #[command(subcommand)]
    Enrollment(enrollment::EnrollmentCommand),
    /// The agents.
    #[command(subcommand)]
    Agent(agent::AgentCommand),
    /// What is asked of agents.
    #[command(subcommand)]
    Policy(policy::PolicyCommand),
    /// The sites and what their uplinks can bear.
    #[command(subcommand)]
    Site(site::SiteCommand),
    /// People who sign in.
    #[command(subcommand)]
    User(user::UserCommand),
    /// Tokens for programs.
    #[command(subcommand)]
    Token(token::TokenCommand),
}

/// What a command answers, in both languages.
#[derive(Debug, PartialEq, Eq)]
struct Answer(Text);

impl Answer {
    fn new(vi: impl Into<String>, en: impl Into<String>) -> Self {
        Self(Text { vi: vi.into(), en: en.into() })
    }

    fn in_language(&self, language: Language) -> &str {
        self.0.say(language)
    }
}

/// Does what the arguments ask for.
pub fn run() -> ExitCode {
    let given: Vec<OsString> = std::env::args_os().collect();
    // The language is needed before the help that it is for.
    let language = help::language(&given).unwrap_or_else(person::language);
    let matches = help::translate(Arguments::command(), language).try_get_matches_from(given);
    let arguments = match matches.and_then(|matches| Arguments::from_arg_matches(&matches)) {
        Ok(arguments) => arguments,
        Err(error) => {
            return mistaken(&error, language);
        }
    };
    let config = config::load(arguments.config.as_deref()).map_err(Complaint::from);
    match config.and_then(|config| act(arguments.command, config, language)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(complaint) => {
            tell(complaint.say(language));
            ExitCode::from(if complaint.is_usage { EXIT_USAGE } else { 1 })
        }
    }
}

/// Answers arguments that are not understood, or that ask for help.
fn mistaken(error: &clap::Error, language: Language) -> ExitCode {
    let vietnamese = match language {
        Language::Vi => usage::in_vietnamese(error),
        Language::En => None,
    };
    match vietnamese {
        Some(words) => tell(&words),
        // Help that cannot be printed has nobody to read it.
        None => drop(error.print()),
    }
    ExitCode::from(if error.use_stderr() { EXIT_USAGE } else { 0 })
}

fn act(command: Command, config: Config, language: Language) -> Result<(), Complaint> {
    let answer = match command {
        Command::Serve => return serve(config),
        Command::CheckConfig => check_config(&config)?,
        Command::Backup(asked) => backup::run(&config, language, asked)?,
        Command::Restore(asked) => backup::restore(&config, language, asked)?,
        Command::Enrollment(command) => enrollment::run(&config, command)?,
        Command::Agent(command) => agent::run(&config, language, command)?,
        Command::Policy(command) => policy::run(&config, command)?,
        Command::Site(command) => site::run(&config, command)?,
        Command::User(command) => user::run(&config, language, command)?,
        Command::Token(command) => token::run(&config, command)?,
    };
    say(answer.in_language(language));
    Ok(())
}

fn check_config(config: &Config) -> Result<Answer, Complaint> {
    app::load_rules(config.rules_file.as_deref())?;
    // Not a mistake: the collector works, and the folder may be filled later.
    let (vi, en) = match config.install_dir.as_deref().and_then(lacking) {
        None => (String::new(), String::new()),
        Some(why) => (
            format!("\nNhưng chưa có gói tác tử để phát: {}.", why.vi),
            format!("\nBut it serves no agents: {}.", why.en),
        ),
    };
    Ok(Answer::new(format!("Cấu hình hợp lệ.{vi}"), format!("The configuration is sound.{en}")))
}

fn serve(config: Config) -> Result<(), Complaint> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().thread_name("tram").build()?;
    runtime.block_on(async {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let running = app::start(config, Clock::system()).await?;
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            () = running.writer_ended() => return Err(Complaint::failure(
                "luồng ghi dữ liệu đã dừng ngoài ý muốn, không lưu được gì nữa; lý do nằm ở trên",
                "the writer ended unexpectedly, nothing can be kept; its message is above",
            )),
        }
        let stopped = running.stop().await;
        stopped.map_err(|error| {
            Complaint::failure(format!("không dừng được êm: {error:#}"), format!("{error:#}"))
        })
    })
}

fn say(text: &str) {
    // A reader that has gone, as `head` does, is no failure.
    writeln!(std::io::stdout(), "{text}").ok();
}

#[expect(clippy::print_stderr, reason = "this is the command line's complaint")]
fn tell(complaint: &str) {
    eprintln!("tram-collector: {complaint}");
}
