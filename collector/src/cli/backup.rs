//! `backup`, `backup --verify` and `restore`.

use super::complaint::Complaint;
use super::{Answer, password, store};
use crate::app;
use crate::backup::{self, BackupError, Contents, hold};
use crate::clock::Clock;
use crate::config::{Config, person};
use crate::model::text::Language;
use clap::Args;
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

/// What a backup in a folder is called: its time lies between the two.
const NAME: (&str, &str) = ("tram-", ".backup");
/// Backups of a folder that may be kept.
const KEEP_MAX: usize = 1_000;

#[derive(Debug, Args)]
pub(super) struct BackupArguments {
    /// The backup's file; or a folder, in which it is named after the time.
    path: PathBuf,
    /// Checks a backup that is there instead of making one.
    #[arg(long, conflicts_with = "keep")]
    verify: bool,
    /// In a folder: deletes all but so many of the newest backups, once the new one is made and checked.
    #[arg(long, value_name = "N")]
    keep: Option<usize>,
    /// A file with the passphrase; without it TRAM_BACKUP_PASSPHRASE or the keyboard.
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct RestoreArguments {
    /// The backup's file.
    path: PathBuf,
    /// A file with the passphrase; without it TRAM_BACKUP_PASSPHRASE or the keyboard.
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
}

/// Makes or checks a backup.
pub(super) fn run(config: &Config, language: Language, asked: BackupArguments) -> Result<Answer, Complaint> {
    if asked.verify {
        let passphrase = passphrase(asked.passphrase_file, language, Use::Open)?;
        let contents = backup::verify(&asked.path, &passphrase)?;
        return Ok(sound(&asked.path, &contents));
    }
    let keep = kept(&asked)?;
    let data_dir = store::existing(config)?;
    let passphrase = passphrase(asked.passphrase_file, language, Use::Make)?;
    let clock = Clock::system();
    let file = match asked.path.is_dir() {
        true => asked.path.join(name_at(clock.now_ms())),
        false => asked.path.clone(),
    };
    let contents = backup::write(data_dir, &file, &passphrase, &clock)?;
    if let Some(keep) = keep {
        delete_all_but(&asked.path, keep)?;
    }
    Ok(sound(&file, &contents))
}

/// Puts a backup into the data folder.
pub(super) fn restore(
    config: &Config,
    language: Language,
    asked: RestoreArguments,
) -> Result<Answer, Complaint> {
    let passphrase = passphrase(asked.passphrase_file, language, Use::Open)?;
    let _lock = app::own_data_dir(&config.data_dir)?;
    let now_ms = Clock::system().now_ms();
    let contents = backup::restore(&asked.path, &passphrase, &config.data_dir, &store::actor(), now_ms)?;
    let (dir, made) = (config.data_dir.display(), time(contents.made_ms));
    Ok(Answer::new(
        format!(
            "Đã khôi phục vào {dir} bản sao lưu ngày {made}: {} tác tử, {} tệp.\nMọi phiên đăng nhập và mã ghi danh đã \
             kết thúc. Các tác tử sẽ gửi lại những gì còn giữ; tác tử ghi danh sau đó sẽ chờ duyệt (agent list).",
            contents.agents, contents.files
        ),
        format!(
            "The backup of {made} was restored into {dir}: {}, {}.\nEvery session and enrolment token has \
             ended. Agents send again what they still have; those enrolled since wait to be accepted (agent list).",
            counted(contents.agents, "agent"),
            counted(contents.files as u64, "file")
        ),
    ))
}

fn kept(asked: &BackupArguments) -> Result<Option<usize>, Complaint> {
    let Some(keep) = asked.keep else { return Ok(None) };
    if !(1..=KEEP_MAX).contains(&keep) {
        return Err(Complaint::usage(
            format!("--keep {keep}: cần một số từ 1 đến {KEEP_MAX}"),
            format!("--keep {keep}: expected a number from 1 to {KEEP_MAX}"),
        ));
    }
    if !asked.path.is_dir() {
        let path = asked.path.display();
        return Err(Complaint::usage(
            format!("--keep: {path} không phải là một thư mục"),
            format!("--keep: {path} is not a folder"),
        ));
    }
    Ok(Some(keep))
}

/// What a passphrase is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Use {
    /// A new backup: it is typed twice, and must be long enough.
    Make,
    /// A backup that is there.
    Open,
}

fn passphrase(file: Option<PathBuf>, language: Language, what_for: Use) -> Result<String, Complaint> {
    let unread = |error: crate::config::ConfigError| {
        let text = error.text();
        Complaint::usage(format!("mật khẩu sao lưu: {}", text.vi), format!("passphrase: {}", text.en))
    };
    let given = match file {
        Some(path) => Some(person::password_file(path).map_err(unread)?),
        None => person::backup_passphrase().map_err(unread)?,
    };
    let given = match given {
        Some(given) => given,
        None if std::io::stdin().is_terminal() => {
            password::typed(language, password::PASSPHRASE, what_for == Use::Make)?
        }
        None => {
            return Err(Complaint::usage(
                "thiếu mật khẩu sao lưu: hãy dùng --passphrase-file hoặc TRAM_BACKUP_PASSPHRASE",
                "the passphrase is missing: use --passphrase-file or TRAM_BACKUP_PASSPHRASE",
            ));
        }
    };
    if what_for == Use::Make {
        password::check(password::PASSPHRASE, &given)?;
    }
    Ok(given)
}

fn sound(file: &Path, contents: &Contents) -> Answer {
    let (file, made) = (file.display(), time(contents.made_ms));
    let (files, agents, release) = (contents.files, contents.agents, &contents.release);
    let (en_agents, en_files) = (counted(agents, "agent"), counted(files as u64, "file"));
    let megabytes = |bytes: u64| format!("{:.1}", bytes as f64 / 1e6);
    let (packed, bytes) = (megabytes(contents.packed_bytes), megabytes(contents.bytes));
    Answer::new(
        format!(
            "{file}: bản sao lưu ngày {made} của phiên bản {release} nguyên vẹn: {agents} tác tử, {files} tệp, {bytes} MB \
             trong {packed} MB."
        ),
        format!(
            "{file}: the backup of {made} by release {release} is sound: {en_agents}, {en_files}, {bytes} MB in \
             {packed} MB."
        ),
    )
}

/// A count and its noun, in English.
fn counted(count: u64, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// A time as people write it, in this machine's zone.
fn time(ms: i64) -> String {
    let time = jiff::Timestamp::from_millisecond(ms).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    time.to_zoned(jiff::tz::TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S %:z").to_string()
}

fn name_at(ms: i64) -> String {
    let time = jiff::Timestamp::from_millisecond(ms).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    format!("{}{}{}", NAME.0, time.strftime("%Y%m%dT%H%M%SZ"), NAME.1)
}

/// Deletes the oldest backups of a folder; what has another name stays.
fn delete_all_but(dir: &Path, keep: usize) -> Result<(), Complaint> {
    let failed = |path: &Path, error: std::io::Error| {
        let path = path.display();
        Complaint::failure(
            format!("bản sao lưu mới đã xong, nhưng không xóa được bản cũ {path}: {error}"),
            format!("the new backup is made, but an old one could not be deleted, {path}: {error}"),
        )
    };
    let entries = std::fs::read_dir(dir).map_err(|error| failed(dir, error))?;
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| is_dated(name))
        .collect();
    names.sort();
    let gone = names.len().saturating_sub(keep);
    for name in names.iter().take(gone) {
        let path = dir.join(name);
        std::fs::remove_file(&path).map_err(|error| failed(&path, error))?;
    }
    Ok(())
}

fn is_dated(name: &str) -> bool {
    let time = name.strip_prefix(NAME.0).and_then(|rest| rest.strip_suffix(NAME.1));
    time.is_some_and(|time| jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", time).is_ok())
}

impl From<BackupError> for Complaint {
    fn from(error: BackupError) -> Self {
        let en = error.to_string();
        match error {
            BackupError::Store(error) => Self::from(error),
            BackupError::Pki(error) => Self::from(error),
            BackupError::File { path, source } => Self::failure(format!("{}: {source}", path.display()), en),
            BackupError::NoFolder(path) => {
                Self::usage(format!("{}: không có thư mục này", path.display()), en)
            }
            BackupError::IsFolder(path) => {
                Self::usage(format!("{} là một thư mục; hãy chỉ đúng tệp sao lưu", path.display()), en)
            }
            BackupError::Full(path) => Self::failure(format!("đĩa chứa {} đã đầy", path.display()), en),
            BackupError::Exists(path) => {
                Self::usage(format!("{} đã có, và không bị ghi đè", path.display()), en)
            }
            BackupError::Held(dir) => {
                Self::failure(format!("đang có một bản sao lưu khác của {} được tạo", dir.display()), en)
            }
            BackupError::TooSlow => {
                let hours = hold::HELD_MS_MAX / 3_600_000;
                Self::failure(format!("đọc dữ liệu mất hơn {hours} giờ"), en)
            }
            BackupError::Foreign(path) => {
                Self::failure(format!("{} không phải là bản sao lưu của Trạm", path.display()), en)
            }
            BackupError::Passphrase(path) => Self::failure(
                format!("{}: sai mật khẩu sao lưu, hoặc tệp bị hỏng hay bị cắt cụt", path.display()),
                en,
            ),
            BackupError::Damaged { path, what } => {
                Self::failure(format!("{}: bị hỏng hoặc bị cắt cụt: {}", path.display(), what.vi), en)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_not_many() {
        assert_eq!((counted(1, "agent"), counted(0, "file")), ("1 agent".to_owned(), "0 files".to_owned()));
    }

    #[test]
    fn only_the_oldest_dated_backups_are_deleted() {
        let dir = tempfile::tempdir().unwrap();
        let names = [
            "tram-20261101T000000Z.backup",
            "tram-20261102T000000Z.backup",
            "tram-20261103T000000Z.backup",
            "tram-of-the-move.backup",
            "tram-20261101T000000Z.backup.part",
        ];
        for name in names {
            std::fs::write(dir.path().join(name), "x").unwrap();
        }
        delete_all_but(dir.path(), 2).unwrap();
        let left: Vec<&str> = names.into_iter().filter(|name| dir.path().join(name).exists()).collect();
        assert_eq!(left, &names[1..]);
        assert_eq!(name_at(0), "tram-19700101T000000Z.backup");
        assert!(is_dated(&name_at(1_795_003_200_000)));
    }
}
