//! Who is at the keyboard, as the environment says: their language, their account, a password they left there.

use super::ConfigError;
use crate::model::text::Language;
use std::path::PathBuf;

/// The language of what is printed: that of the locale.
#[expect(clippy::disallowed_methods, reason = "this is the home of the environment")]
pub fn language() -> Language {
    let names = ["LC_ALL", "LC_MESSAGES", "LANG"];
    let locale = names.iter().find_map(|name| std::env::var(name).ok().filter(|text| !text.is_empty()));
    if locale.is_some_and(|locale| locale.starts_with("vi")) { Language::Vi } else { Language::En }
}

/// The account that a command is run by, for the audit; behind `sudo`, the one that called it.
#[expect(clippy::disallowed_methods, reason = "this is the home of the environment")]
pub fn account() -> String {
    let names = ["SUDO_USER", "USER", "LOGNAME"];
    let named = names.iter().find_map(|name| std::env::var(name).ok().filter(|text| !text.is_empty()));
    named.unwrap_or_else(|| rustix::process::getuid().as_raw().to_string())
}

/// The password in `TRAM_PASSWORD`, or in the file that `TRAM_PASSWORD_FILE` names.
#[expect(clippy::disallowed_methods, reason = "this is the home of the environment")]
pub fn password() -> Result<Option<String>, ConfigError> {
    if let Ok(password) = std::env::var("TRAM_PASSWORD") {
        return Ok(Some(password));
    }
    std::env::var("TRAM_PASSWORD_FILE").ok().map(|path| password_file(PathBuf::from(path))).transpose()
}

/// The passphrase of backups in `TRAM_BACKUP_PASSPHRASE`, or in the file that `TRAM_BACKUP_PASSPHRASE_FILE` names.
#[expect(clippy::disallowed_methods, reason = "this is the home of the environment")]
pub fn backup_passphrase() -> Result<Option<String>, ConfigError> {
    if let Ok(passphrase) = std::env::var("TRAM_BACKUP_PASSPHRASE") {
        return Ok(Some(passphrase));
    }
    let file = std::env::var("TRAM_BACKUP_PASSPHRASE_FILE").ok();
    file.map(|path| password_file(PathBuf::from(path))).transpose()
}

/// The password in a file: its first line.
pub fn password_file(path: PathBuf) -> Result<String, ConfigError> {
    let text = std::fs::read_to_string(&path).map_err(|source| ConfigError::Read { path, source })?;
    Ok(text.lines().next().unwrap_or_default().to_owned())
}
