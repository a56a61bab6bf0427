//! Where a new password comes from: a file, the environment, the keyboard, or chance.

use super::complaint::Complaint;
use crate::api::password::{BYTES_MAX, LENGTH_MIN, hash};
use crate::api::secret;
use crate::config::person;
use crate::model::text::{Language, Words};
use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::path::PathBuf;

/// A new password's hash, and the password itself when it was made here and must be shown.
pub(super) struct NewPassword {
    pub(super) hash: String,
    pub(super) generated: Option<String>,
}

/// What is typed, as people call it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Secret {
    name: Words,
    prompt: Words,
}

/// What a person signs in with.
pub(super) const PASSWORD: Secret = Secret {
    name: Words { vi: "mật khẩu", en: "password" },
    prompt: Words { vi: "Mật khẩu: ", en: "Password: " },
};
/// What a backup is sealed with.
pub(super) const PASSPHRASE: Secret = Secret {
    name: Words { vi: "mật khẩu sao lưu", en: "passphrase" },
    prompt: Words { vi: "Mật khẩu sao lưu: ", en: "Passphrase: " },
};

/// Takes a password from `file`, else from `TRAM_PASSWORD` or `TRAM_PASSWORD_FILE`, else from the keyboard if someone
/// sits there, else makes one.
pub(super) fn new(file: Option<PathBuf>, language: Language) -> Result<NewPassword, Complaint> {
    let unread = |error: crate::config::ConfigError| {
        let text = error.text();
        Complaint::usage(format!("mật khẩu: {}", text.vi), format!("password: {}", text.en))
    };
    let given = match file {
        Some(path) => Some(person::password_file(path).map_err(unread)?),
        None => person::password().map_err(unread)?,
    };
    let given = match given {
        Some(password) => Some(password),
        None if std::io::stdin().is_terminal() => Some(typed(language, PASSWORD, true)?),
        None => None,
    };
    let (password, generated) = match given {
        Some(password) => (password, None),
        None => {
            let password = secret::password()?;
            (password.clone(), Some(password))
        }
    };
    check(PASSWORD, &password)?;
    let hash = hash(&password)?;
    Ok(NewPassword { hash, generated })
}

pub(super) fn check(what: Secret, given: &str) -> Result<(), Complaint> {
    let Words { vi, en } = what.name;
    let length = given.chars().count();
    if length < LENGTH_MIN {
        return Err(Complaint::usage(
            format!("{vi} có {length} ký tự, cần ít nhất {LENGTH_MIN}"),
            format!("the {en} has {length} characters, at least {LENGTH_MIN} are needed"),
        ));
    }
    if given.len() > BYTES_MAX {
        return Err(Complaint::usage(
            format!("{vi} dài hơn {BYTES_MAX} byte"),
            format!("the {en} is longer than {BYTES_MAX} bytes"),
        ));
    }
    Ok(())
}

/// Asks without showing what is typed; for one that is new, twice.
pub(super) fn typed(language: Language, what: Secret, is_new: bool) -> Result<String, Complaint> {
    let failed = |error: std::io::Error| {
        Complaint::failure(
            format!("không đọc được bàn phím: {error}"),
            format!("cannot read the keyboard: {error}"),
        )
    };
    let ask = |vi: &str, en: &str| {
        let text = match language {
            Language::Vi => vi,
            Language::En => en,
        };
        silently(text).map_err(failed)
    };
    let first = ask(what.prompt.vi, what.prompt.en)?;
    if !is_new {
        return Ok(first);
    }
    check(what, &first)?;
    if ask("Nhập lại mật khẩu: ", "The same again: ")? == first {
        return Ok(first);
    }
    Err(Complaint::usage("hai lần nhập không giống nhau", "the two are not the same"))
}

fn silently(prompt: &str) -> std::io::Result<String> {
    let (stdin, mut stderr) = (std::io::stdin(), std::io::stderr());
    stderr.write_all(prompt.as_bytes())?;
    stderr.flush()?;
    let before = tcgetattr(&stdin)?;
    let mut silent = before.clone();
    silent.local_modes.remove(LocalModes::ECHO);
    tcsetattr(&stdin, OptionalActions::Flush, &silent)?;
    let mut line = String::new();
    let read = stdin.lock().read_line(&mut line);
    tcsetattr(&stdin, OptionalActions::Flush, &before)?;
    stderr.write_all(b"\n")?;
    read?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_or_endless_password_is_refused_in_both_languages() {
        let short = check(PASSWORD, "chín ký t").unwrap_err();
        assert!(short.text.vi.contains("9 ký tự") && short.text.en.contains("9 characters"), "{short:?}");
        assert!(check(PASSWORD, &"x".repeat(BYTES_MAX + 1)).unwrap_err().is_usage);
        assert_eq!(check(PASSWORD, "đủ mười ký tự"), Ok(()));
        let short = check(PASSPHRASE, "ngắn").unwrap_err();
        assert!(short.text.en.starts_with("the passphrase has 4"), "{short:?}");
    }
}
