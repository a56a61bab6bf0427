//! Measures Trạm as whole processes, and its peers in the same call. Figures are CPU time and memory of the program
//! under test alone; the load is made by this process.

pub mod bodies;
pub mod collector;
pub mod core;
pub mod datasets;
pub mod figures;
pub mod footprint;
pub mod growth;
pub mod ingest;
#[cfg(target_arch = "x86_64")]
pub mod layout;
pub mod load;
pub mod pauses;
pub mod peers;
pub mod process;
pub mod query;
pub mod rest;
pub mod rules;
pub mod storage;
pub mod storm;
pub mod wire;

use std::path::PathBuf;

/// What to measure with.
#[derive(Debug, Clone)]
pub struct Options {
    /// The collector's program.
    pub collector: PathBuf,
    /// The agent's program.
    pub agent: PathBuf,
    /// The folder of the peers' kit; none leaves the peers out.
    pub peers: Option<PathBuf>,
    /// The folder of the kit, for its data; wanted even where the peers are not.
    pub kit: Option<PathBuf>,
    /// Only the runs of `storage` whose names begin so, or of `growth` with these numbers of ids.
    pub only: Option<String>,
    /// The folder of recordings.
    pub recordings: Option<PathBuf>,
    /// Length of a window that watches processes at rest.
    pub window_s: u64,
}

/// Now, milliseconds since 1970.
#[expect(clippy::disallowed_methods, reason = "a measurement runs in real time")]
pub fn now_ms() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
