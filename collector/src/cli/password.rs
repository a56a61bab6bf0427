//! Where a new password comes from: a file, the environment, the keyboard, or chance.

use super::complaint::Complaint;
use crate::api::password::{BYTES_MAX, LENGTH_MIN, hash};
use crate::api::secret;
use crate::config::person;
use crate::model::text::Language;
use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::path::PathBuf;

/// A new password's hash, and the password itself when it was made here and must be shown.
pub(super) struct NewPassword {
    pub(super) hash: String,
    pub(super) generated: Option<String>,
}

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
        None if std::io::stdin().is_terminal() => Some(typed(language, ("Mật khẩu: ", "Password: "), true)?),
        None => None,
    };
    let (password, generated) = match given {
        Some(password) => (password, None),
        None => {
            let password = secret::password()?;
            (password.clone(), Some(password))
        }
    };
    check(&password)?;
    let hash = hash(&password)?;
    Ok(NewPassword { hash, generated })
}

pub(super) fn check(password: &str) -> Result<(), Complaint> {
    let length = password.chars().count();
    if length < LENGTH_MIN {
        return Err(Complaint::usage(
            format!("mật khẩu có {length} ký tự, cần ít nhất {LENGTH_MIN}"),
            format!("the password has {length} characters, at least {LENGTH_MIN} are needed"),
        ));
    }
    if password.len() > BYTES_MAX {
        return Err(Complaint::usage(
            format!("mật khẩu dài hơn {BYTES_MAX} byte"),
            format!("the password is longer than {BYTES_MAX} bytes"),
        ));
    }
    Ok(())
}

/// Asks without showing what is typed; for one that is new, twice.
pub(super) fn typed(language: Language, (vi, en): (&str, &str), is_new: bool) -> Result<String, Complaint> {
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
    let first = ask(vi, en)?;
    if !is_new {
        return Ok(first);
    }
    check(&first)?;
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
        let short = check("chín ký t").unwrap_err();
        assert!(short.text.vi.contains("9 ký tự") && short.text.en.contains("9 characters"), "{short:?}");
        assert!(check(&"x".repeat(BYTES_MAX + 1)).unwrap_err().is_usage);
        assert_eq!(check("đủ mười ký tự"), Ok(()));
    }
}
