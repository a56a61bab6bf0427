//! Room of the store's file that nothing has needed for hours goes back to the file system: after a fleet has sent the
//! history of weeks, or has become smaller. The log comes and goes by the hour, and what it uses then stays.

use super::TaskError;
use crate::commit::Handle;
use crate::store::sqlite::{self, Readers};
use std::collections::VecDeque;

/// Rounds for which pages must have been free: two hours of [`TRIM_EVERY`](super::TRIM_EVERY).
pub const ROUNDS: usize = 120;
/// Fewer pages are not worth a transaction.
const PAGES_MIN: i64 = 64;
/// Pages that one transaction gives back: a few milliseconds' work.
const PAGES_AT_ONCE: i64 = 256;

/// What was free lately.
#[derive(Debug, Default)]
pub struct Spare {
    free: VecDeque<i64>,
}

impl Spare {
    /// Looks once, and gives back what was free in every one of the last rounds; says how many pages.
    pub async fn round(&mut self, readers: &Readers, commit: &Handle) -> Result<i64, TaskError> {
        let spare = self.see(readers.read(sqlite::unused_pages)?);
        let mut given = 0;
        while given < spare {
            let pages = PAGES_AT_ONCE.min(spare - given);
            commit.write(move |transaction| Ok((sqlite::give_back(transaction, pages)?, vec![]))).await?;
            given += pages;
        }
        Ok(given)
    }

    /// Notes how many pages are free, and says how many of them may go.
    fn see(&mut self, free: i64) -> i64 {
        self.free.push_back(free);
        if self.free.len() < ROUNDS {
            return 0;
        }
        let spare = self.free.iter().copied().min().filter(|spare| *spare >= PAGES_MIN).unwrap_or(0);
        self.free.pop_front();
        self.free.iter_mut().for_each(|free| *free -= spare);
        spare
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::log;

    #[test]
    fn what_the_log_uses_by_the_hour_stays_and_what_nothing_needed_for_hours_goes() {
        let mut spare = Spare::default();
        let mut given = 0;
        for minute in 0..300 {
            given += spare.see(100 + (minute % 60) * 50 - given);
        }
        assert_eq!(given, 100, "once, what was never used");
        for _ in 0..300 {
            given += spare.see(3_100 - given);
        }
        assert_eq!(given, 3_100, "all, once the last busy hour is two hours ago");
        assert_eq!(Spare::default().see(1_000_000), 0);
    }

    #[test]
    fn unused_pages_leave_the_file_and_rows_stay() {
        let folder = tempfile::tempdir().unwrap();
        let connection = sqlite::open_writer(folder.path()).unwrap();
        let pages =
            || -> i64 { connection.pragma_query_value(None, "page_count", |row| row.get(0)).unwrap() };
        let empty = pages();
        for _ in 0..100 {
            log::add(&connection, 0, &[7; 20_000]).unwrap();
        }
        let full = pages();
        log::delete_below(&connection, 99, 1_000, i64::MAX).unwrap();
        let unused = sqlite::unused_pages(&connection).unwrap();
        assert!(full > empty + 400 && pages() == full && unused > 400, "{empty} {full} {unused}");
        sqlite::give_back(&connection, 100).unwrap();
        assert_eq!((pages(), sqlite::unused_pages(&connection).unwrap()), (full - 100, unused - 100));
        sqlite::give_back(&connection, i64::MAX).unwrap();
        assert!(pages() < empty + 40, "{} of {empty}", pages());
        assert_eq!(log::next_after(&connection, 0).unwrap().unwrap().id, 99);
    }
}
