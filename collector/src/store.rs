//! What is kept on disk besides the history of samples: state, log, people.
//!
//! Every read takes the caller's [`Scope`](crate::model::agency::Scope) where rows belong to an agency. Every change
//! goes through the one writer; nothing outside this module names SQL.

pub mod sqlite;

/// Why the store did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// There is no such row, or the caller may not see it: the two are never told apart.
    #[error("no such {0}")]
    Missing(&'static str),
    /// The row was changed by somebody else since the caller read it.
    #[error("{0} was changed meanwhile")]
    Stale(&'static str),
    /// The change contradicts what is stored.
    #[error("{0}")]
    Conflict(String),
    /// A newer release has written the store.
    #[error("the store is of a newer release: schema {found}, this release knows up to {known}")]
    Newer {
        /// The schema that the store has.
        found: i64,
        /// The newest schema that this release knows.
        known: i64,
    },
    /// The database could not do it: full disk, damaged file.
    #[error("store: {0}")]
    Database(#[from] rusqlite::Error),
    /// More waits for the writer than may.
    #[error("too much waits to be written")]
    Busy,
    /// The writer has stopped.
    #[error("the store is shutting down")]
    Closed,
}

impl StoreError {
    /// Whether the disk is full.
    pub fn is_disk_full(&self) -> bool {
        let Self::Database(error) = self else { return false };
        error.sqlite_error_code() == Some(rusqlite::ErrorCode::DiskFull)
    }
}
