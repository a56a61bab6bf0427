//! The environment's say in the configuration: `TRAM_SECTION_KEY` overrides `[section] key`.

use super::ConfigError;
use std::collections::BTreeMap;
use std::path::Path;

/// Sections and keys that can be overridden, with how their text is read.
const KEYS: &[(&str, &str, Form)] = &[
    ("", "data_dir", Form::Text),
    ("listen", "agents", Form::Text),
    ("listen", "operators", Form::Text),
    ("listen", "connections_max", Form::Number),
    ("listen", "certificate_file", Form::Text),
    ("listen", "key_file", Form::Text),
    ("public", "names", Form::List),
    ("public", "agents_port", Form::Number),
    ("public", "operators_port", Form::Number),
    ("agents", "sample_interval_s", Form::Number),
    ("agents", "send_interval_s", Form::Number),
    ("agents", "probe_interval_s", Form::Number),
    ("agents", "internet_targets", Form::List),
    ("agents", "collectors", Form::List),
    ("rules", "file", Form::Text),
    ("install", "dir", Form::Text),
    ("series", "memory_mb", Form::Number),
    ("series", "raw_days", Form::Number),
    ("series", "five_minutes_days", Form::Number),
    ("series", "hours_days", Form::Number),
    ("commit", "window_ms", Form::Number),
    ("commit", "memory_mb", Form::Number),
];

/// Variables with our prefix that are not settings of the collector.
const OTHERS: &[&str] = &["TRAM_CONFIG", "TRAM_LOG", "TRAM_PASSWORD", "TRAM_PASSWORD_FILE"];

#[derive(Debug, Clone, Copy)]
enum Form {
    Text,
    Number,
    List,
}

/// Every variable of the process that starts with `TRAM_`.
pub(super) fn variables() -> BTreeMap<String, String> {
    std::env::vars().filter(|(name, _)| name.starts_with("TRAM_")).collect()
}

/// The file's table with the variables laid over it; none when no variable says anything.
pub(super) fn overlay(
    path: &Path,
    text: &str,
    variables: &BTreeMap<String, String>,
) -> Result<Option<toml::Table>, ConfigError> {
    let ours: Vec<_> =
        variables.iter().filter(|(name, _)| known(name).is_some() || is_foreign(name)).collect();
    if ours.is_empty() {
        return Ok(None);
    }
    let mut table: toml::Table =
        toml::from_str(text).map_err(|error| ConfigError::parse(path, text, &error))?;
    for (name, text) in ours {
        let Some((section, key, form)) = known(name) else {
            return Err(ConfigError::value(
                name,
                text,
                "một thiết lập của trung tâm, viết TRAM_MỤC_KHÓA",
                "a setting of the collector, as TRAM_SECTION_KEY",
            ));
        };
        let value = read(name, text, form)?;
        if section.is_empty() {
            table.insert(key.to_owned(), value);
            continue;
        }
        let entry = table.entry(section).or_insert_with(|| toml::Value::Table(toml::Table::new()));
        if let Some(section) = entry.as_table_mut() {
            section.insert(key.to_owned(), value);
        }
    }
    Ok(Some(table))
}

/// A variable that means to be a setting of the collector: its section is one of ours, its key is not.
fn is_foreign(name: &str) -> bool {
    !OTHERS.contains(&name)
        && KEYS.iter().any(|(section, _, _)| {
            !section.is_empty() && name.starts_with(&format!("TRAM_{}_", section.to_uppercase()))
        })
}

fn known(name: &str) -> Option<(&'static str, &'static str, Form)> {
    let spelled = |section: &str, key: &str| match section {
        "" => format!("TRAM_{}", key.to_uppercase()),
        section => format!("TRAM_{}_{}", section.to_uppercase(), key.to_uppercase()),
    };
    KEYS.iter().copied().find(|(section, key, _)| spelled(section, key) == name)
}

fn read(name: &str, text: &str, form: Form) -> Result<toml::Value, ConfigError> {
    Ok(match form {
        Form::Text => toml::Value::String(text.to_owned()),
        Form::Number => {
            let wrong = |_| ConfigError::value(name, text, "một số nguyên", "a whole number");
            let number: i64 = text.trim().parse().map_err(wrong)?;
            toml::Value::Integer(number)
        }
        Form::List => {
            let entries = text.split(',').map(str::trim).filter(|entry| !entry.is_empty());
            toml::Value::Array(entries.map(|entry| toml::Value::String(entry.to_owned())).collect())
        }
    })
}

/// Names that this machine is known by without any configuration: its host name and the loopback.
pub(super) fn own_names() -> Vec<String> {
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let sound =
        !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte));
    let mut names = Vec::new();
    if sound {
        names.push(host);
    }
    names.extend(["localhost".to_owned(), "127.0.0.1".to_owned()]);
    names
}
