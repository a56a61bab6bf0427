//! Configuration: what is typed (TOML, environment) and what is meant. The only reader of the environment.

use crate::series::Keep;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

mod environment;
mod error;
pub mod person;

pub use error::{ConfigError, toml_mistake};

/// The collector's configuration, checked.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where everything is kept.
    pub data_dir: PathBuf,
    /// `[listen]`: the two listeners.
    pub listen: Listen,
    /// `[public]`: how the collector is reached from outside.
    pub public: Public,
    /// `[agents]`: what agents are asked to do.
    pub agents: Agents,
    /// The rules file; none for the built-in rules as they are.
    pub rules_file: Option<PathBuf>,
    /// `[install]`: folder with the files that `/install/` serves.
    pub install_dir: Option<PathBuf>,
    /// `[series] memory_mb`, in bytes: the named budget of open hours.
    pub series_memory_bytes: usize,
    /// `[series]`: how long what is kept.
    pub keep: Keep,
    /// `[commit] window_ms`: how long a window gathers reports before it is committed.
    pub window: Duration,
    /// `[commit] memory_mb`, in bytes: the named bound of reports between the door and their ack.
    pub work_memory_bytes: usize,
}

/// `[listen]`.
#[derive(Debug, Clone)]
pub struct Listen {
    /// Address for agents.
    pub agents: SocketAddr,
    /// Address for people and programs.
    pub operators: SocketAddr,
    /// Connections of agents at once; more are turned away.
    pub connections_max: usize,
    /// PEM files of a certificate chain and its key for the operators' listener; none for one of our own CA.
    pub certificate: Option<(PathBuf, PathBuf)>,
}

/// `[public]`.
#[derive(Debug, Clone)]
pub struct Public {
    /// Names and addresses that the collector's certificate is made for; the first one is used in install commands.
    pub names: Vec<String>,
    /// Port of the agents' listener as seen from outside.
    pub agents_port: u16,
    /// Port of the operators' listener as seen from outside.
    pub operators_port: u16,
}

impl Public {
    /// Every `HOST:PORT` that the pages are reached by.
    pub fn origins(&self) -> Vec<String> {
        self.names.iter().map(|name| authority(name, self.operators_port)).collect()
    }

    /// The `HOST:PORT` that agents are told, and the one that they are installed from.
    pub fn told(&self) -> (String, String) {
        let name = self.names.first().map_or("localhost", String::as_str);
        (authority(name, self.agents_port), authority(name, self.operators_port))
    }
}

fn authority(name: &str, port: u16) -> String {
    if name.contains(':') { format!("[{name}]:{port}") } else { format!("{name}:{port}") }
}

/// `[agents]`: the policy. Absent values leave the agent's own setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agents {
    /// Seconds between samples.
    pub sample_interval_s: Option<u32>,
    /// Seconds between sends.
    pub send_interval_s: Option<u32>,
    /// Seconds between climbs of the reachability ladder.
    pub probe_interval_s: Option<u32>,
    /// Internet targets to probe instead of the agent's own.
    pub internet_targets: Vec<String>,
    /// Further addresses of the collector.
    pub collectors: Vec<String>,
}

/// Seconds between sends, when the policy says nothing: the agent's default.
const SEND_INTERVAL_S: u32 = 60;

impl Agents {
    /// The send interval that late and silent are measured by, in milliseconds.
    pub fn send_interval_ms(&self) -> i64 {
        i64::from(self.send_interval_s.unwrap_or(SEND_INTERVAL_S)) * 1_000
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawConfig {
    data_dir: Option<PathBuf>,
    listen: RawListen,
    public: RawPublic,
    agents: RawAgents,
    rules: RawRules,
    install: RawInstall,
    series: RawSeries,
    commit: RawCommit,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawListen {
    agents: Option<String>,
    operators: Option<String>,
    connections_max: Option<usize>,
    certificate_file: Option<PathBuf>,
    key_file: Option<PathBuf>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawPublic {
    names: Vec<String>,
    agents_port: Option<u16>,
    operators_port: Option<u16>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawAgents {
    sample_interval_s: Option<u32>,
    send_interval_s: Option<u32>,
    probe_interval_s: Option<u32>,
    internet_targets: Vec<String>,
    collectors: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawRules {
    file: Option<PathBuf>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawInstall {
    dir: Option<PathBuf>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawSeries {
    memory_mb: Option<usize>,
    raw_days: Option<u32>,
    five_minutes_days: Option<u32>,
    hours_days: Option<u32>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawCommit {
    window_ms: Option<u64>,
    memory_mb: Option<usize>,
}

/// Where the configuration is looked for when no file is named.
pub const DEFAULT_FILE: &str = "/etc/tram/collector.toml";

/// Reads the configuration from `file` (or from [`DEFAULT_FILE`] where that exists) and the process's environment.
pub fn load(file: Option<&Path>) -> Result<Config, ConfigError> {
    let default = Path::new(DEFAULT_FILE);
    let path = file.or_else(|| default.exists().then_some(default));
    let text = match path {
        None => String::new(),
        Some(path) => std::fs::read_to_string(path)
            .map_err(|source| ConfigError::Read { path: path.to_owned(), source })?,
    };
    parse(path.unwrap_or(default), &text, &environment::variables())
}

/// What `text`, read from `path`, means under these environment variables.
pub fn parse(path: &Path, text: &str, variables: &BTreeMap<String, String>) -> Result<Config, ConfigError> {
    let wrong = |error: toml::de::Error| ConfigError::parse(path, text, &error);
    let typed: RawConfig = toml::from_str(text).map_err(wrong)?;
    let raw = match environment::overlay(path, text, variables)? {
        None => typed,
        Some(merged) => merged.try_into().map_err(wrong)?,
    };
    meant(raw)
}

fn meant(raw: RawConfig) -> Result<Config, ConfigError> {
    let agents_address = address("listen.agents", raw.listen.agents.as_deref(), "0.0.0.0:8441")?;
    let operators_address = address("listen.operators", raw.listen.operators.as_deref(), "0.0.0.0:8440")?;
    let certificate = match (raw.listen.certificate_file, raw.listen.key_file) {
        (Some(certificate), Some(key)) => Some((certificate, key)),
        (None, None) => None,
        (Some(path), None) | (None, Some(path)) => {
            return Err(ConfigError::value(
                "listen.certificate_file",
                path.display(),
                "cả listen.certificate_file và listen.key_file, hoặc không có cái nào",
                "both listen.certificate_file and listen.key_file, or neither",
            ));
        }
    };
    if overlap(agents_address, operators_address) {
        let (vi, en) = ("một cổng khác với listen.agents", "another port than that of listen.agents");
        return Err(ConfigError::value("listen.operators", operators_address, vi, en));
    }
    let listen = Listen {
        agents: agents_address,
        operators: operators_address,
        connections_max: within("listen.connections_max", raw.listen.connections_max, 20_000, 1..=1_000_000)?,
        certificate,
    };
    let public = Public {
        agents_port: raw.public.agents_port.unwrap_or(listen.agents.port()),
        operators_port: raw.public.operators_port.unwrap_or(listen.operators.port()),
        names: names(raw.public.names)?,
    };
    let window_ms = within("commit.window_ms", raw.commit.window_ms, 20, 0..=1_000)?;
    let memory_mb = within("series.memory_mb", raw.series.memory_mb, 512, 16..=1_048_576)?;
    let work_mb = within("commit.memory_mb", raw.commit.memory_mb, 128, 16..=65_536)?;
    Ok(Config {
        data_dir: data_dir(raw.data_dir)?,
        listen,
        public,
        agents: agents(raw.agents)?,
        rules_file: raw.rules.file,
        install_dir: raw.install.dir,
        series_memory_bytes: memory_mb << 20,
        keep: keep(&raw.series)?,
        window: Duration::from_millis(window_ms),
        work_memory_bytes: work_mb << 20,
    })
}

/// A relative folder would be another one for every place that a command is run from.
fn data_dir(given: Option<PathBuf>) -> Result<PathBuf, ConfigError> {
    let dir = given.unwrap_or_else(|| PathBuf::from("/var/lib/tram-collector"));
    if !dir.is_absolute() {
        let (vi, en) = ("đường dẫn tuyệt đối, bắt đầu bằng /", "an absolute path, one that begins with /");
        return Err(ConfigError::value("data_dir", dir.display(), vi, en));
    }
    Ok(dir)
}

/// Whether two listeners cannot both have what they are given. A port of 0 is one that the system chooses.
fn overlap(one: SocketAddr, other: SocketAddr) -> bool {
    let is_any = |address: SocketAddr| address.ip().is_unspecified();
    let is_dual = |address: SocketAddr| address.is_ipv6() && is_any(address);
    let is_same_kind = one.is_ipv4() == other.is_ipv4();
    one.port() == other.port()
        && one.port() != 0
        && (one.ip() == other.ip()
            || (is_same_kind && (is_any(one) || is_any(other)))
            || is_dual(one)
            || is_dual(other))
}

/// Days of each tier; 0 keeps buckets for ever.
fn keep(raw: &RawSeries) -> Result<Keep, ConfigError> {
    let unset = Keep::default();
    let buckets = |key: &str, given: Option<u32>, default: Option<u32>| {
        let days = within(key, given, default.unwrap_or(0), 0..=36_500)?;
        Ok((days > 0).then_some(days))
    };
    Ok(Keep {
        raw_days: within("series.raw_days", raw.raw_days, unset.raw_days, 1..=3_650)?,
        five_minutes_days: buckets(
            "series.five_minutes_days",
            raw.five_minutes_days,
            unset.five_minutes_days,
        )?,
        hours_days: buckets("series.hours_days", raw.hours_days, unset.hours_days)?,
    })
}

fn agents(raw: RawAgents) -> Result<Agents, ConfigError> {
    let interval = |key: &str, seconds: Option<u32>| match seconds {
        Some(seconds) if !(5..=86_400).contains(&seconds) => {
            Err(ConfigError::value(key, seconds, "từ 5 đến 86400 giây", "5 to 86400 seconds"))
        }
        given => Ok(given),
    };
    for (key, list) in
        [("agents.internet_targets", &raw.internet_targets), ("agents.collectors", &raw.collectors)]
    {
        if list.len() > 32 || list.iter().any(|entry| entry.is_empty() || entry.len() > 512) {
            return Err(ConfigError::value(
                key,
                list.join(", "),
                "tối đa 32 mục, mỗi mục từ 1 đến 512 byte",
                "at most 32 entries of 1 to 512 bytes",
            ));
        }
    }
    Ok(Agents {
        sample_interval_s: interval("agents.sample_interval_s", raw.sample_interval_s)?,
        send_interval_s: interval("agents.send_interval_s", raw.send_interval_s)?,
        probe_interval_s: interval("agents.probe_interval_s", raw.probe_interval_s)?,
        internet_targets: raw.internet_targets,
        collectors: raw.collectors,
    })
}

fn names(given: Vec<String>) -> Result<Vec<String>, ConfigError> {
    let sound = |name: &String| {
        !name.is_empty()
            && name.len() <= 253
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-:".contains(&byte))
    };
    if let Some(name) = given.iter().find(|name| !sound(name)) {
        let (vi, en) = ("tên máy hoặc địa chỉ IP", "host names or IP addresses");
        return Err(ConfigError::value("public.names", name, vi, en));
    }
    if given.is_empty() {
        return Ok(environment::own_names());
    }
    Ok(given)
}

fn address(key: &str, given: Option<&str>, default: &str) -> Result<SocketAddr, ConfigError> {
    let text = given.unwrap_or(default);
    text.parse().map_err(|_| {
        ConfigError::value(
            key,
            text,
            "địa chỉ và cổng, ví dụ 0.0.0.0:8441 hoặc [::]:8441",
            "an address and port, such as 0.0.0.0:8441 or [::]:8441",
        )
    })
}

fn within<T: PartialOrd + Copy + ToString>(
    key: &str,
    given: Option<T>,
    default: T,
    bounds: std::ops::RangeInclusive<T>,
) -> Result<T, ConfigError> {
    match given {
        None => Ok(default),
        Some(value) if bounds.contains(&value) => Ok(value),
        Some(value) => {
            let (least, most) = (bounds.start().to_string(), bounds.end().to_string());
            let (vi, en) = (format!("từ {least} đến {most}"), format!("{least} to {most}"));
            Err(ConfigError::value(key, value, &vi, &en))
        }
    }
}

#[cfg(test)]
mod tests;
