//! What every command that changes the store beside a running collector does the same way.

use super::complaint::{Complaint, line};
use crate::app;
use crate::clock::Clock;
use crate::commit;
use crate::config::{Config, person};
use crate::model::agency::Scope;
use crate::model::line;
use crate::store::StoreError;
use crate::store::sqlite::audit::{self, Actor};
use crate::store::sqlite::{Readers, agency};
use rusqlite::{Connection, Transaction};
use serde_json::Value;
use std::path::Path;

/// A change that was made, to be written down.
pub(super) struct Written<T> {
    pub(super) value: T,
    pub(super) subject: String,
    pub(super) detail: Value,
}

/// Who runs the command, as the audit names them.
pub(super) fn actor() -> Actor {
    Actor { name: format!("cli:{}", person::account()), address: String::new() }
}

/// Makes one change and writes it down in the same transaction. A running collector sees it within a second.
pub(super) fn change<T>(
    config: &Config,
    action: &str,
    change: impl FnOnce(&Transaction<'_>, i64) -> Result<Written<T>, StoreError>,
) -> Result<T, Complaint> {
    let data_dir = existing(config)?;
    let now_ms = Clock::system().now_ms();
    let done = commit::write_once(data_dir, action, |transaction| {
        let Written { value, subject, detail } = change(transaction, now_ms)?;
        audit::insert(transaction, &actor(), action, &subject, &detail.to_string(), now_ms)?;
        Ok(value)
    });
    done.map_err(Complaint::from)
}

/// Runs one read.
pub(super) fn read<T>(
    config: &Config,
    read: impl FnOnce(&Connection) -> Result<T, StoreError>,
) -> Result<T, Complaint> {
    Readers::new(existing(config)?).read(read).map_err(Complaint::from)
}

/// The data folder, which a collector must have made: a command that made it itself would make it with the wrong owner.
pub(super) fn existing(config: &Config) -> Result<&Path, Complaint> {
    let dir = config.data_dir.as_path();
    if dir.join("state.db").exists() {
        app::close_to_others(dir);
        return Ok(dir);
    }
    let shown = dir.display();
    Err(Complaint::failure(
        format!(
            "chưa có dữ liệu trong {shown}: hãy chạy tram-collector serve trước, hoặc chỉ đúng tệp --config"
        ),
        format!("there is no store in {shown}: run tram-collector serve first, or name the right --config"),
    ))
}

/// The part of the tree that `--agency` names; everything without it.
pub(super) fn scope(config: &Config, path: Option<&str>) -> Result<Scope, Complaint> {
    let Some(path) = path else { return Ok(Scope::All) };
    let names = line::path(path).map_err(line("--agency"))?;
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let found = read(config, |connection| agency::find(connection, &names))?;
    found.map(Scope::Agency).ok_or_else(|| {
        Complaint::usage(
            format!("không có cơ quan {path:?}: hãy viết đường dẫn từ gốc, ví dụ \"Tỉnh/Huyện/Xã\""),
            format!("there is no agency {path:?}: write its path from the root, such as \"Province/District/Commune\""),
        )
    })
}

/// Seconds for text such as `90s`, `30m`, `24h`, `7d`.
pub(super) fn seconds(text: &str) -> Option<i64> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let factor = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return None,
    };
    number.parse::<i64>().ok().filter(|number| *number > 0)?.checked_mul(factor)
}

/// `--expires` within a bound.
pub(super) fn expires_s(text: &str, max_s: i64) -> Result<i64, Complaint> {
    seconds(text).filter(|seconds| *seconds <= max_s).ok_or_else(|| {
        let days = max_s / 86_400;
        Complaint::usage(
            format!("--expires {text:?}: cần một khoảng như 30m, 24h hoặc 7d, tối đa {days}d"),
            format!("--expires {text:?}: expected a time such as 30m, 24h or 7d, at most {days}d"),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_a_unit_and_are_positive() {
        let expected = [("90s", 90), ("30m", 1_800), ("24h", 86_400), ("7d", 604_800)];
        for (text, expected) in expected {
            assert_eq!(seconds(text), Some(expected), "{text}");
        }
        for text in ["", "h", "24", "-1h", "0h", "1w", "9999999999999999999d", "é", "1é"] {
            assert_eq!(seconds(text), None, "{text}");
        }
    }
}
