//! The command line: what may be asked, in two languages, and what is printed. Knows nothing of how it is done.

use crate::app::{self, Trouble};
use crate::config::{Config, ConfigError, secret, secret_file};
use crate::delivery::Preview;
use crate::enroll::EnrollError;
use std::ffi::OsString;
use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tram_proto::enroll::Token;

mod command;
mod log;
mod texts;
#[cfg(windows)]
mod windows;

use command::{Invocation, Order, language_of, parse};
use texts::Texts;

/// What a wrong command line or configuration exits with: `EX_USAGE`.
const EXIT_USAGE: u8 = 64;
/// Where the token may come from besides the command line: this variable, or the file that `…_FILE` names.
const TOKEN_VARIABLE: &str = "TRAM_ENROLL_TOKEN";

/// Does what the arguments say and returns the exit code.
pub fn main(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<OsString> = arguments.collect();
    let invocation = match parse(&arguments) {
        Ok(invocation) => invocation,
        Err(error) => {
            let is_help = error.exit_code() == 0;
            if !is_help && let Some(words) = Texts::of(language_of(&arguments)).usage_error(&error) {
                return complain(Texts::of(language_of(&arguments)), &words, EXIT_USAGE);
            }
            // Nobody is left to tell when printing fails.
            error.print().ok();
            return if is_help { ExitCode::SUCCESS } else { ExitCode::from(EXIT_USAGE) };
        }
    };
    let texts = Texts::of(invocation.language);
    let config = Config::load(invocation.config.as_deref())
        .and_then(|mut config| config.redirect(&invocation.paths).map(|()| config));
    let config = match config {
        Ok(config) => config,
        Err(error) => return usage(texts, &error),
    };
    #[cfg(windows)]
    if invocation.order == Order::Service(windows::ServiceOrder::Run)
        && let Ok(log) = crate::service::log::Log::open(&config.state)
    {
        start_log(&config.log, std::sync::Mutex::new(log));
    }
    start_log(&config.log, std::io::stderr);
    obey(invocation, &config, texts)
}

fn obey(invocation: Invocation, config: &Config, texts: &Texts) -> ExitCode {
    match invocation.order {
        Order::Run => match app::run(config.clone()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(trouble) => failure(texts, &trouble),
        },
        Order::Gather { folder } => match app::gather(config, &folder) {
            Ok(()) => ExitCode::SUCCESS,
            Err(trouble) => failure(texts, &trouble),
        },
        Order::Once { only } => match app::once(config, &only) {
            Ok(once) => {
                say(&serde_json::to_string_pretty(&once).unwrap_or_default());
                ExitCode::SUCCESS
            }
            Err(trouble) => failure(texts, &trouble),
        },
        Order::Enroll { collector, token, token_file } => {
            enroll(config, &collector, token, token_file, texts)
        }
        #[cfg(windows)]
        Order::Service(order) => {
            windows::obey(order, config, invocation.config.as_deref(), invocation.language)
        }
        Order::Check => match app::check(config) {
            Ok(identity) => {
                say(if identity.is_some() { texts.check_enrolled } else { texts.check_not_enrolled });
                ExitCode::SUCCESS
            }
            Err(trouble) => failure(texts, &trouble),
        },
        Order::Status => match app::picture(config) {
            Ok(picture) => {
                say(&picture.words(invocation.language));
                if picture.is_well() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
            }
            Err(trouble) => failure(texts, &trouble),
        },
        Order::ShowPayload { raw } => match app::preview(config) {
            Ok(preview) => {
                show_payload(&preview, raw, texts);
                ExitCode::SUCCESS
            }
            Err(trouble) => failure(texts, &trouble),
        },
    }
}

/// The bytes and nothing else on standard output; what goes along on standard error.
#[expect(clippy::print_stderr, reason = "what is said besides the bytes goes to standard error")]
fn show_payload(preview: &Preview, raw: bool, texts: &Texts) {
    let Preview { json, request, is_spooled, is_enrolled } = preview;
    let heading = match (is_enrolled, is_spooled) {
        (false, _) => texts.payload_not_enrolled,
        (true, false) => texts.payload_fresh,
        (true, true) => texts.payload_next,
    };
    eprintln!("{heading}\nPOST {}", request.url);
    for (name, value) in request.headers() {
        eprintln!("{name}: {value}");
    }
    eprintln!("{} {} {}", request.body.len(), texts.payload_bytes, json.len());
    let mut output = std::io::stdout().lock();
    // A reader that has gone, as `head` does, is no failure.
    output.write_all(if raw { &request.body } else { json }).ok();
    if !raw && output.is_terminal() {
        output.write_all(b"\n").ok();
    }
}

fn enroll(
    config: &Config,
    collector: &str,
    token: Option<String>,
    token_file: Option<PathBuf>,
    texts: &Texts,
) -> ExitCode {
    let given = match (token, token_file) {
        (Some(token), _) => Ok(Some(token)),
        (None, Some(path)) => secret_file(&path).map(Some),
        (None, None) => secret(TOKEN_VARIABLE),
    };
    let token: Token = match given {
        Ok(Some(text)) => match text.parse() {
            Ok(token) => token,
            Err(error) => return complain(texts, &texts.token_error(&error), EXIT_USAGE),
        },
        Ok(None) => return complain(texts, texts.no_token, EXIT_USAGE),
        Err(error) => return usage(texts, &error),
    };
    match app::enroll_host(config, collector, token) {
        Ok(identity) => {
            say(&format!("{} {} ({})", texts.enrolled, identity.collector, identity.agent));
            if !identity.note.is_empty() {
                say(&format!("{}: tram-collector agent accept {}", texts.enrolled_waits, identity.agent));
            }
            ExitCode::SUCCESS
        }
        Err(error) => complain(texts, &texts.enroll_error(&error), enroll_exit(&error)),
    }
}

fn enroll_exit(error: &EnrollError) -> u8 {
    match error {
        EnrollError::Address(_)
        | EnrollError::Machine { .. }
        | EnrollError::OtherAuthority
        | EnrollError::Shadowed(_) => EXIT_USAGE,
        EnrollError::Unreachable { .. }
        | EnrollError::Spent
        | EnrollError::Expired
        | EnrollError::Unknown
        | EnrollError::Refused(_)
        | EnrollError::Answer(_)
        | EnrollError::Identity(_) => 1,
    }
}

fn usage(texts: &Texts, error: &ConfigError) -> ExitCode {
    complain(texts, &format!("{}: {}", texts.bad_config, texts.config_error(error)), EXIT_USAGE)
}

fn failure(texts: &Texts, trouble: &Trouble) -> ExitCode {
    complain(texts, &texts.trouble(trouble), exit_of(trouble))
}

fn exit_of(trouble: &Trouble) -> u8 {
    match trouble {
        Trouble::Sensor(_) => EXIT_USAGE,
        Trouble::Taken(_)
        | Trouble::State { .. }
        | Trouble::Identity(_)
        | Trouble::Delivery(_)
        | Trouble::Other(_) => 1,
    }
}

fn say(words: &str) {
    // A reader that has gone, as `head` does, is no failure.
    writeln!(std::io::stdout(), "{words}").ok();
}

#[expect(clippy::print_stderr, reason = "complaints go to standard error")]
fn complain(texts: &Texts, words: &str, code: u8) -> ExitCode {
    eprintln!("{}: {words}", texts.error);
    ExitCode::from(code)
}

/// Writes the log: to standard error, where the service manager keeps it, or to a service's file. The first one stays.
fn start_log<W>(level: &str, writer: W)
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let filter: Targets = level.parse().unwrap_or_else(|_| Targets::new().with_default(tracing::Level::INFO));
    // Fails only where a program that uses this library has its own log.
    tracing::subscriber::set_global_default(log::Lines { filter, writer }).ok();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sensor_that_does_not_exist_is_a_wrong_command_line() {
        let config = Config::parse(std::path::Path::new("x"), "", std::iter::empty()).unwrap();
        let trouble = app::once(&config, &["cpu".to_owned(), "nonsense".to_owned()]).unwrap_err();
        assert_eq!(exit_of(&trouble), EXIT_USAGE);
        assert_eq!(exit_of(&Trouble::Taken("/x".into())), 1);
    }
}
