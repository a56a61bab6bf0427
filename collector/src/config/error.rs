//! What is wrong with the configuration, in both languages: the key, the value and what was expected.

use crate::model::text::{Text, parser};
use std::error::Error as _;
use std::path::{Path, PathBuf};

/// What is wrong with the configuration: says key, value and expectation. Its `Display` is the English of
/// [`ConfigError::text`], without the cause.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{path} cannot be read")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is not the TOML that was expected.
    #[error("config {path}, line {line}: {message}")]
    Line {
        /// The file.
        path: PathBuf,
        /// Where, counted from 1.
        line: usize,
        /// What, in the parser's words.
        message: String,
    },
    /// The variables laid over the file make no configuration.
    #[error("config {path} with the variables TRAM_*: {message}")]
    Overlaid {
        /// The file.
        path: PathBuf,
        /// What, in the parser's words.
        message: String,
    },
    /// A value that is not what its key takes.
    #[error("config: {key} = {value}: expected {en}", en = expected.en)]
    Value {
        /// The key, with its section.
        key: String,
        /// What was given.
        value: String,
        /// What was expected.
        expected: Text,
    },
}

impl ConfigError {
    pub(super) fn value(key: impl Into<String>, value: impl ToString, vi: &str, en: &str) -> Self {
        Self::Value { key: key.into(), value: value.to_string(), expected: Text::new(vi, en) }
    }

    /// What the parser says of `text`, read from `path`.
    pub(super) fn parse(path: &Path, text: &str, error: &toml::de::Error) -> Self {
        let (path, message) = (path.to_owned(), error.message().to_owned());
        match error.span() {
            None => Self::Overlaid { path, message },
            Some(span) => Self::Line { path, line: line_of(text, span.start), message },
        }
    }

    /// The mistake for people. What the system and the parser say stays as it is, behind words of ours.
    pub fn text(&self) -> Text {
        let vi = match self {
            Self::Read { path, .. } => format!("không đọc được {}", path.display()),
            Self::Line { path, line, message } => {
                format!("cấu hình {}, dòng {line}: {}", path.display(), parser::complaint(message).vi)
            }
            Self::Overlaid { path, message } => {
                format!("cấu hình {} cùng các biến TRAM_*: {}", path.display(), parser::complaint(message).vi)
            }
            Self::Value { key, value, expected } => format!("cấu hình: {key} = {value}: cần {}", expected.vi),
        };
        let why = self.source().map(|why| format!(": {why}")).unwrap_or_default();
        Text::new(vi + &why, format!("{self}{why}"))
    }
}

/// What is wrong with TOML, and in which line.
pub fn toml_mistake(text: &str, error: &toml::de::Error) -> Text {
    let Text { vi, en } = parser::complaint(error.message());
    match error.span() {
        None => Text { vi, en },
        Some(span) => {
            let line = line_of(text, span.start);
            Text::new(format!("dòng {line}: {vi}"), format!("line {line}: {en}"))
        }
    }
}

/// The line, counted from 1, that a byte stands in.
fn line_of(text: &str, place: usize) -> usize {
    text.bytes().take(place).filter(|byte| *byte == b'\n').count() + 1
}
