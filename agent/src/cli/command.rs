//! The arguments as clap reads them.

use super::texts::Texts;
#[cfg(windows)]
use super::windows::ServiceOrder;
use crate::config::Language;
use crate::gather::FOLDER;
use crate::sensor::source::{OPTIONS, SOURCES};
use crate::tree::tree;
use clap::error::ErrorKind;
use clap::{Arg, ArgAction, ArgMatches, Command};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

/// What was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Invocation {
    /// The file of settings; none: the default one.
    pub(super) config: Option<PathBuf>,
    /// The language of what is printed.
    pub(super) language: Language,
    /// Sources that are redirected, by name.
    pub(super) paths: BTreeMap<String, String>,
    /// What to do.
    pub(super) order: Order,
}

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Order {
    /// Enrol this host.
    Enroll {
        /// `https://HOST:PORT`.
        collector: String,
        /// The token.
        token: Option<String>,
        /// A file with the token.
        token_file: Option<PathBuf>,
    },
    /// Run until stopped.
    Run,
    /// Read once and print.
    Once {
        /// Sensors; none: all, and the ladder.
        only: Vec<String>,
    },
    /// Run the programs that read hardware and keep their answers.
    Gather {
        /// Where.
        folder: PathBuf,
    },
    /// Check the settings.
    Check,
    /// Say how things stand.
    Status,
    /// See to the service.
    #[cfg(windows)]
    Service(ServiceOrder),
    /// Print what would leave next.
    ShowPayload {
        /// As it leaves, compressed.
        raw: bool,
    },
}

/// Reads the arguments, the program's name first.
pub(super) fn parse(arguments: &[OsString]) -> Result<Invocation, clap::Error> {
    let language = language_of(arguments);
    let mut command = command(Texts::of(language));
    #[cfg(windows)]
    {
        let texts = Texts::of(language);
        command = super::windows::with_orders(command, language, |name, about| order(texts, name, about));
    }
    let matches = command.try_get_matches_from_mut(arguments)?;
    let order = match matches.subcommand() {
        Some(("enroll", enroll)) => Order::Enroll {
            collector: text(enroll, "collector").unwrap_or_default(),
            token: text(enroll, "token"),
            token_file: text(enroll, "token-file").map(PathBuf::from),
        },
        Some(("run", _)) => Order::Run,
        Some(("once", once)) => {
            let only = once.get_many::<String>("only");
            Order::Once { only: only.into_iter().flatten().cloned().collect() }
        }
        Some(("gather", gather)) => {
            Order::Gather { folder: text(gather, "output").map_or_else(|| FOLDER.into(), PathBuf::from) }
        }
        Some(("check", _)) => Order::Check,
        Some(("status", _)) => Order::Status,
        #[cfg(windows)]
        Some(("install", _)) => Order::Service(ServiceOrder::Install),
        #[cfg(windows)]
        Some(("uninstall", _)) => Order::Service(ServiceOrder::Uninstall),
        #[cfg(windows)]
        Some(("service", _)) => Order::Service(ServiceOrder::Run),
        Some(("show-payload", shown)) => Order::ShowPayload { raw: shown.get_flag("raw") },
        Some(_) | None => return Err(command.error(ErrorKind::MissingSubcommand, "expected a command")),
    };
    let given = |(name, option): (&&str, &&str)| Some(((*name).to_owned(), text(&matches, option)?));
    let paths = tree(SOURCES.iter().zip(OPTIONS).filter_map(given));
    Ok(Invocation { config: text(&matches, "config").map(PathBuf::from), language, paths, order })
}

/// The language of what is printed: needed before the help that it is for.
pub(super) fn language_of(arguments: &[OsString]) -> Language {
    asked_language(arguments).unwrap_or_else(Language::from_environment)
}

fn asked_language(arguments: &[OsString]) -> Option<Language> {
    let mut arguments = arguments.iter().filter_map(|argument| argument.to_str());
    while let Some(argument) = arguments.next() {
        if argument == "--lang" {
            return arguments.next().map(Language::of);
        }
        if let Some(word) = argument.strip_prefix("--lang=") {
            return Some(Language::of(word));
        }
    }
    None
}

fn text(matches: &ArgMatches, name: &str) -> Option<String> {
    matches.get_one::<String>(name).cloned()
}

fn command(texts: &Texts) -> Command {
    let option = |name: &'static str, value: &'static str, help: &'static str| {
        Arg::new(name).long(name).value_name(value).help(help).help_heading(texts.options)
    };
    let order = |name: &'static str, about: &'static str| order(texts, name, about);
    Command::new("tram-agent")
        .version(env!("CARGO_PKG_VERSION"))
        .about(texts.about)
        .help_template(texts.template_with_commands)
        .subcommand_required(true)
        .disable_help_flag(true)
        .disable_version_flag(true)
        .disable_help_subcommand(true)
        .arg(help(texts))
        .arg(
            Arg::new("version")
                .short('V')
                .long("version")
                .action(ArgAction::Version)
                .help(texts.version)
                .help_heading(texts.options),
        )
        .arg(option("config", "FILE", texts.config).global(true))
        .arg(
            option("lang", "vi|en", texts.lang)
                .value_parser(["vi", "en"])
                .hide_possible_values(true)
                .global(true),
        )
        .args(
            OPTIONS
                .iter()
                .map(|option| Arg::new(*option).long(*option).value_name("PATH").global(true).hide(true)),
        )
        .after_help(format!("{}\n  {}", texts.paths, SOURCES.join(", ")))
        .subcommand(
            order("enroll", texts.enroll)
                .arg(option("collector", "https://HOST:8441", texts.collector).required(true))
                .arg(option("token", "TOKEN", texts.token))
                .arg(option("token-file", "FILE", texts.token_file).conflicts_with("token")),
        )
        .subcommand(order("run", texts.run))
        .subcommand(
            order("once", texts.once).arg(option("only", "SENSOR,..", texts.only).value_delimiter(',')),
        )
        .subcommand(order("gather", texts.gather).arg(option("output", "FOLDER", texts.output)))
        .subcommand(order("check", texts.check))
        .subcommand(order("status", texts.status))
        .subcommand(
            order("show-payload", texts.show_payload).arg(
                Arg::new("raw")
                    .long("raw")
                    .action(ArgAction::SetTrue)
                    .help(texts.raw)
                    .help_heading(texts.options),
            ),
        )
}

fn order(texts: &Texts, name: &'static str, about: &'static str) -> Command {
    Command::new(name).about(about).disable_help_flag(true).help_template(texts.template).arg(help(texts))
}

fn help(texts: &Texts) -> Arg {
    Arg::new("help")
        .short('h')
        .long("help")
        .action(ArgAction::Help)
        .help(texts.help)
        .help_heading(texts.options)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Invocation, String> {
        let arguments: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        super::parse(&arguments).map_err(|error| error.to_string())
    }

    #[test]
    fn orders_are_read() {
        let invocation = parse("tram-agent once --only cpu,disk --config /x --lang vi").unwrap();
        assert_eq!(invocation.order, Order::Once { only: vec!["cpu".into(), "disk".into()] });
        assert_eq!((invocation.config, invocation.language), (Some("/x".into()), Language::Vietnamese));
        let redirected = parse("tram-agent once --path.smartctl /x --path.procfs=/y").unwrap();
        assert_eq!(
            redirected.paths,
            [("procfs".into(), "/y".into()), ("smartctl".into(), "/x".into())].into()
        );
        let gather = |folder: &str| Order::Gather { folder: folder.into() };
        assert_eq!(parse("tram-agent gather").unwrap().order, gather("/run/tram-hardware"));
        assert_eq!(parse("tram-agent gather --output /x").unwrap().order, gather("/x"));
        assert_eq!(parse("tram-agent show-payload").unwrap().order, Order::ShowPayload { raw: false });
        assert_eq!(parse("tram-agent show-payload --raw").unwrap().order, Order::ShowPayload { raw: true });
        assert!(parse("tram-agent enroll --token x").unwrap_err().contains("--collector"));
        assert!(parse("tram-agent").is_err());
        assert!(parse("tram-agent fly").is_err());
    }

    #[test]
    fn help_speaks_both_languages() {
        let vietnamese = parse("tram-agent --help --lang vi").unwrap_err();
        assert!(vietnamese.contains("Cách dùng") && vietnamese.contains("Ghi danh"), "{vietnamese}");
        let english = parse("tram-agent --lang=en --help").unwrap_err();
        assert!(english.contains("Usage") && english.contains("Enrol"), "{english}");
        assert!(parse("tram-agent enroll --help --lang vi").unwrap_err().contains("Tùy chọn"));
    }
}
