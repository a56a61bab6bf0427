//! Settings: the file as typed, then as meant; the environment on top. The only place that reads the environment.

#[cfg(unix)]
use crate::gather::FOLDER;
use crate::sensor::Paths;
use crate::sensor::globs::Globs;
use crate::sensor::reach::{ReachConfig, Subnet, is_web_target};
use crate::sensor::registry::{self, SensorConfig};
use crate::sensor::source::redirect;
use crate::spool::Bounds;
use crate::system::{self, CONFIG_FILE};
use crate::uplink::proxy::Route;
use std::collections::BTreeMap;
use std::env;
use std::fmt;
use std::fs;
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tram_proto::hours::Span;
use tram_proto::limits::TARGETS_MAX;
use tram_proto::policy::{PROBE_KINDS, Threshold};

mod history;
mod policy;
mod raw;
mod route;

pub use policy::Cut;

use raw::RawConfig;

/// What names of variables start with that stand for settings.
const PREFIX: &str = "TRAM_";
/// Services that may be listed.
const SERVICES_MAX: usize = 64;
/// Words for how much is logged.
const LEVELS: &[&str] = &["off", "error", "warn", "info", "debug", "trace"];

/// Settings that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{path}: {why}")]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        why: io::Error,
    },
    /// The file is not TOML, has a key that does not exist, or a value of another type.
    #[error("{path}, line {line}: {message}")]
    Line {
        /// The file.
        path: PathBuf,
        /// Where.
        line: usize,
        /// What is wrong.
        message: String,
    },
    /// A variable that stands for no setting, or has a value of another type.
    #[error("variable {name}: {message}")]
    Variable {
        /// The variable.
        name: String,
        /// What is wrong.
        message: String,
    },
    /// A value that does not make sense.
    #[error("{key} = {value}: expected {expected}")]
    Value {
        /// The setting.
        key: &'static str,
        /// What it is.
        value: String,
        /// What it should be.
        expected: Expected,
    },
}

/// What a value should be, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// In English.
    pub en: String,
    /// In Vietnamese.
    pub vi: String,
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.en)
    }
}

/// The language people are spoken to in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// Vietnamese.
    Vietnamese,
    /// English.
    English,
}

impl Language {
    /// From a word such as `vi` or `vi_VN.UTF-8`; English for any other.
    pub fn of(word: &str) -> Self {
        if word.starts_with("vi") { Self::Vietnamese } else { Self::English }
    }

    /// From the environment, else from what the system was told of its person.
    #[expect(clippy::disallowed_methods, reason = "this is the home of the environment")]
    pub fn from_environment() -> Self {
        let names = ["LC_ALL", "LC_MESSAGES", "LANG"];
        let word = names.iter().find_map(|name| env::var(name).ok().filter(|word| !word.is_empty()));
        Self::of(&word.or_else(system::locale).unwrap_or_default())
    }
}

/// What this host's own administrator allows; no policy widens it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Whether the collector may name internet targets at all.
    pub policy_targets: bool,
    /// Targets that are probed, at most.
    pub targets_max: usize,
    /// Time between climbs of the ladder, at least.
    pub probe_interval_min: Duration,
    /// Kinds of probes that the collector may ask for.
    pub probe_kinds: Vec<String>,
    /// When history may be sent; no span: all day.
    pub history_hours: Vec<Span>,
    /// Bytes a minute that history may take at most; none: no bound.
    pub history_bytes_per_minute: Option<u64>,
}

/// Settings as meant.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// Where the agent keeps its identity, its spool and what it remembers.
    pub state: PathBuf,
    /// A file with an id to enrol as, instead of the machine's own.
    pub machine_id: Option<PathBuf>,
    /// How the collector is reached.
    pub route: Route,
    /// Time between samples.
    pub sample_interval: Duration,
    /// Time between sends.
    pub send_interval: Duration,
    /// Time between climbs of the ladder.
    pub probe_interval: Duration,
    /// How much the spool keeps.
    pub spool: Bounds,
    /// What is set of sensors.
    pub sensors: SensorConfig,
    /// Where their sources are.
    pub paths: Paths,
    /// What the ladder probes.
    pub reach: ReachConfig,
    /// Values that are worth a send before its time.
    pub urgent: Vec<Threshold>,
    /// When history may be sent, as a policy asks.
    pub history_hours: Vec<Span>,
    /// What a policy cannot widen.
    pub limits: Limits,
    /// Which log lines are written: `error`, `warn`, `info`, `debug`, or a filter of tracing's.
    pub log: String,
}

impl Config {
    /// From a file and the environment. Without `path` the default file is read if it is there.
    pub fn load(path: Option<&Path>) -> Result<Self, ConfigError> {
        let file = path.unwrap_or(Path::new(CONFIG_FILE));
        let text = match fs::read_to_string(file) {
            Ok(text) => text,
            Err(error) if path.is_none() && error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(why) => return Err(ConfigError::Read { path: file.to_owned(), why }),
        };
        Self::parse(
            file,
            &text,
            env::vars_os()
                .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))),
        )
    }

    /// From a file's text and variables.
    pub fn parse(
        path: &Path,
        text: &str,
        variables: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let line_error = |error: toml::de::Error| {
            let start = error.span().map_or(0, |span| span.start);
            let line = text.get(..start).unwrap_or_default().matches('\n').count() + 1;
            ConfigError::Line { path: path.to_owned(), line, message: error.message().replace('\n', " ") }
        };
        let raw: RawConfig = toml::from_str(text).map_err(line_error)?;
        let mut table: toml::Table = toml::from_str(text).map_err(line_error)?;
        let mut raw = raw;
        for (name, value) in variables {
            if let Some((section, key)) = setting_of(&name) {
                put(&mut table, section, &key, &value);
                let wrong = |error: toml::de::Error| {
                    let message = error.message().replace('\n', " ");
                    ConfigError::Variable { name: name.clone(), message }
                };
                raw = table.clone().try_into().map_err(wrong)?;
            }
        }
        raw.meant()
    }

    /// Redirects sources by name, as the command line does.
    pub fn redirect(&mut self, given: &BTreeMap<String, String>) -> Result<(), ConfigError> {
        check_paths(given)?;
        redirect(&mut self.paths, given);
        Ok(())
    }
}

impl RawConfig {
    fn meant(self) -> Result<Config, ConfigError> {
        let (intervals, limits) = (self.intervals, self.limits);
        let sample_interval = interval("intervals.sample_s", intervals.sample_s)?;
        let probe_interval_min = interval("limits.probe_interval_min_s", limits.probe_interval_min_s)?;
        let probe_interval = interval("intervals.probe_s", intervals.probe_s)?;
        let config = Config {
            state: self.agent.state_dir,
            machine_id: Some(self.agent.machine_id).filter(|path| !path.is_empty()).map(PathBuf::from),
            route: self.collector.meant()?,
            sample_interval,
            send_interval: interval("intervals.send_s", intervals.send_s)?,
            probe_interval: probe_interval.max(probe_interval_min),
            sensors: SensorConfig { ups_server: server(self.ups.server)?, ..self.sensors.meant()? },
            spool: self.spool.meant()?,
            paths: paths(&self.paths.0)?,
            reach: ReachConfig {
                internet_targets: internet_targets(self.reach.internet_targets)?,
                web_targets: web_targets(self.reach.web_targets)?,
                name: name(self.reach.name)?,
                tcp_port: port(self.reach.tcp_port)?,
                resolv_conf: self.reach.resolv_conf,
                hosts: self.reach.hosts,
                networks: networks(limits.private_networks)?,
                ..ReachConfig::default()
            },
            urgent: Vec::new(),
            history_hours: Vec::new(),
            limits: Limits {
                policy_targets: limits.policy_targets,
                targets_max: limits.targets_max.min(TARGETS_MAX),
                probe_interval_min,
                probe_kinds: probe_kinds(limits.probe_kinds)?,
                history_hours: history::hours(limits.history_hours)?,
                history_bytes_per_minute: history::bytes(limits.history_bytes_per_minute)?,
            },
            log: log_filter(self.log.level)?,
        };
        Ok(config)
    }
}

impl raw::Spool {
    fn meant(&self) -> Result<Bounds, ConfigError> {
        let is_sound = (1..=3_650).contains(&self.days);
        let wrong = || value("spool.days", self.days, "1 to 3650 days", "1 đến 3650 ngày");
        let age_max =
            is_sound.then(|| Duration::from_secs(self.days.saturating_mul(86_400))).ok_or_else(wrong)?;
        Ok(Bounds { bytes_max: megabytes("spool.size_mib", self.size_mib)?, age_max })
    }
}

impl raw::Sensors {
    fn meant(self) -> Result<SensorConfig, ConfigError> {
        registry::check(&self.disabled).map_err(|error| {
            let names = join(registry::names());
            let (en, vi) = (format!("names among {names}"), format!("tên trong số {names}"));
            value("sensors.disabled", &error.name, en, vi)
        })?;
        let globs = |key, texts: &[String]| {
            Globs::parse(texts).map_err(|error| {
                let (en, vi) = (format!("a glob ({})", error.why), format!("một mẫu glob ({})", error.why));
                value(key, &error.text, en, vi)
            })
        };
        Ok(SensorConfig {
            filesystem_types_excluded: globs(
                "sensors.filesystem_types_excluded",
                &self.filesystem_types_excluded,
            )?,
            mount_points_excluded: globs("sensors.mount_points_excluded", &self.mount_points_excluded)?,
            disks_excluded: globs("sensors.disks_excluded", &self.disks_excluded)?,
            interfaces_excluded: globs("sensors.interfaces_excluded", &self.interfaces_excluded)?,
            ipmi_interval: interval("sensors.ipmi_interval_s", self.ipmi_interval_s)?,
            smart_interval: interval("sensors.smart_interval_s", self.smart_interval_s)?,
            disabled: self.disabled,
            raid_interval: interval("sensors.raid_interval_s", self.raid_interval_s)?,
            windows_services: services(self.windows_services)?,
            boot_unclean: None,
            ..SensorConfig::default()
        })
    }
}

/// Names as the service manager takes them.
fn services(names: Vec<String>) -> Result<Vec<String>, ConfigError> {
    let is_sound = |name: &&String| (1..=256).contains(&name.len()) && !name.contains(['/', '\\']);
    let wrong = names.iter().find(|name| !is_sound(name)).cloned();
    let wrong = wrong.or_else(|| (names.len() > SERVICES_MAX).then(|| names.join(", ")));
    wrong.map_or(Ok(names), |wrong| {
        let en = format!("at most {SERVICES_MAX} short names of services, such as Spooler");
        let vi = format!("tối đa {SERVICES_MAX} tên ngắn của dịch vụ, ví dụ Spooler");
        Err(value("sensors.windows_services", wrong, en, vi))
    })
}

fn paths(given: &BTreeMap<String, String>) -> Result<Paths, ConfigError> {
    check_paths(given)?;
    let mut paths = Paths { answers: answers(), ..Paths::default() };
    redirect(&mut paths, given);
    Ok(paths)
}

/// What only root may run is run by a unit of its own, whose answers stand in for it.
#[cfg(unix)]
fn answers() -> Option<PathBuf> {
    (!rustix::process::geteuid().is_root()).then(|| FOLDER.into())
}

/// The service has every right here.
#[cfg(not(unix))]
fn answers() -> Option<PathBuf> {
    None
}

/// Sources are absolute: programs are run and files read by what they are called here, wherever the agent stands.
fn check_paths(given: &BTreeMap<String, String>) -> Result<(), ConfigError> {
    let is_sound = |name: &str, place: &str| {
        place.is_empty() || Path::new(place).is_absolute() || (name == "nut" && is_host_port(place))
    };
    match given.iter().find(|(name, place)| !is_sound(name, place)) {
        Some((_, relative)) => Err(value("paths", relative, "an absolute path", "một đường dẫn tuyệt đối")),
        None => Ok(()),
    }
}

fn join<'a>(words: impl Iterator<Item = &'a str>) -> String {
    words.collect::<Vec<_>>().join(", ")
}

fn value(
    key: &'static str,
    value: impl ToString,
    en: impl Into<String>,
    vi: impl Into<String>,
) -> ConfigError {
    ConfigError::Value { key, value: value.to_string(), expected: Expected { en: en.into(), vi: vi.into() } }
}

fn interval(key: &'static str, seconds: u64) -> Result<Duration, ConfigError> {
    let is_sound = (1..=86_400).contains(&seconds);
    let wrong = || value(key, seconds, "1 to 86400 seconds", "1 đến 86400 giây");
    is_sound.then(|| Duration::from_secs(seconds)).ok_or_else(wrong)
}

fn megabytes(key: &'static str, mebibytes: u64) -> Result<u64, ConfigError> {
    let is_sound = (1..=65_536).contains(&mebibytes);
    is_sound
        .then_some(mebibytes << 20)
        .ok_or_else(|| value(key, mebibytes, "1 to 65536 MiB", "1 đến 65536 MiB"))
}

fn targets(
    key: &'static str,
    targets: Vec<String>,
    is_sound: impl Fn(&str) -> bool,
    shape: &str,
) -> Result<Vec<String>, ConfigError> {
    let wrong = targets.iter().find(|target| !is_sound(target)).cloned();
    let wrong = wrong.or_else(|| (targets.len() > TARGETS_MAX).then(|| targets.join(", ")));
    wrong.map_or(Ok(targets), |wrong| {
        let en = format!("at most {TARGETS_MAX} of the form {shape}");
        Err(value(key, wrong, en, format!("tối đa {TARGETS_MAX}, dạng {shape}")))
    })
}

fn internet_targets(addresses: Vec<String>) -> Result<Vec<String>, ConfigError> {
    targets(
        "reach.internet_targets",
        addresses,
        |text| text.parse::<IpAddr>().is_ok(),
        "192.0.2.1, 2001:db8::1",
    )
}

fn web_targets(urls: Vec<String>) -> Result<Vec<String>, ConfigError> {
    targets("reach.web_targets", urls, is_web_target, "http://HOST/PATH")
}

fn probe_kinds(kinds: Vec<String>) -> Result<Vec<String>, ConfigError> {
    match kinds.iter().find(|kind| !PROBE_KINDS.contains(&kind.as_str())) {
        None => Ok(kinds),
        Some(wrong) => {
            let known = PROBE_KINDS.join(", ");
            let (en, vi) = (format!("kinds among {known}"), format!("loại trong số {known}"));
            Err(value("limits.probe_kinds", wrong, en, vi))
        }
    }
}

fn networks(texts: Vec<String>) -> Result<Vec<Subnet>, ConfigError> {
    let read = |text: String| {
        Subnet::parse(&text)
            .ok_or_else(|| value("limits.private_networks", &text, "ADDRESS/BITS", "ĐỊA_CHỈ/SỐ_BIT"))
    };
    texts.into_iter().map(read).collect()
}

fn name(name: String) -> Result<String, ConfigError> {
    let is_sound = (1..=253).contains(&name.len()) && !name.contains(char::is_whitespace);
    if is_sound { Ok(name) } else { Err(value("reach.name", name, "a domain name", "một tên miền")) }
}

/// The NUT server's address; empty: none is asked.
fn server(server: String) -> Result<String, ConfigError> {
    let is_sound = server.is_empty() || is_host_port(&server);
    if is_sound { Ok(server) } else { Err(value("ups.server", server, "HOST:PORT", "MÁY:CỔNG")) }
}

fn is_host_port(text: &str) -> bool {
    let is_host = |host: &str| !host.is_empty() && !host.contains(|c: char| c.is_whitespace() || c == '/');
    text.rsplit_once(':')
        .is_some_and(|(host, port)| is_host(host) && port.parse::<u16>().is_ok_and(|port| port > 0))
}

fn port(port: u16) -> Result<u16, ConfigError> {
    if port > 0 { Ok(port) } else { Err(value("reach.tcp_port", port, "1 to 65535", "1 đến 65535")) }
}

/// A level, or `TARGET=LEVEL` separated by commas. A bare word that is no level would silence everything else.
fn log_filter(text: String) -> Result<String, ConfigError> {
    let is_level = |word: &str| LEVELS.iter().any(|level| level.eq_ignore_ascii_case(word.trim()));
    let is_sound = text.split(',').all(|part| is_level(part.rsplit('=').next().unwrap_or(part)));
    if is_sound {
        return Ok(text);
    }
    let (levels, shape) = (LEVELS.join(", "), "TARGET=LEVEL,..");
    Err(value("log.level", text, format!("{levels} or {shape}"), format!("{levels} hoặc {shape}")))
}

/// The setting that a variable's name stands for; none when it is not about the agent's settings.
fn setting_of(name: &str) -> Option<(&'static str, String)> {
    let rest = name.strip_prefix(PREFIX)?;
    let (section, key) = rest.split_once('_')?;
    let section = raw::SECTIONS.iter().find(|known| known.eq_ignore_ascii_case(section))?;
    Some((section, key.to_ascii_lowercase()))
}

/// Puts a variable's value in its place: as TOML where it is that, as text otherwise.
fn put(table: &mut toml::Table, section: &str, key: &str, text: &str) {
    let parsed = toml::from_str::<toml::Table>(&format!("value = {text}")).ok();
    let value = parsed.and_then(|mut table| table.remove("value")).unwrap_or_else(|| text.into());
    let section = table.entry(section).or_insert_with(|| toml::Table::new().into());
    if let Some(section) = section.as_table_mut() {
        section.insert(key.to_owned(), value);
    }
}

/// A secret from the environment: `NAME`, or the contents of the file that `NAME_FILE` names.
#[expect(clippy::disallowed_methods, reason = "this is the home of the environment")]
pub fn secret(name: &str) -> Result<Option<String>, ConfigError> {
    if let Ok(secret) = env::var(name) {
        return Ok(Some(secret));
    }
    let Ok(path) = env::var(format!("{name}_FILE")) else { return Ok(None) };
    secret_file(Path::new(&path)).map(Some)
}

/// A secret from a file, without the line's end.
pub fn secret_file(path: &Path) -> Result<String, ConfigError> {
    let text = fs::read_to_string(path).map_err(|why| ConfigError::Read { path: path.to_owned(), why })?;
    Ok(text.trim().to_owned())
}

#[cfg(test)]
mod tests;
