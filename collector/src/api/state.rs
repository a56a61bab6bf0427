//! What the handlers work with, made once by the composition root.

use crate::api::error::ApiError;
use crate::api::install::Installer;
use crate::api::login::Attempted;
use crate::api::metrics::{AgentFigures, Latency};
use crate::api::password::{PasswordError, Passwords};
use crate::clock::Clock;
use crate::commit;
use crate::latest::Latest;
use crate::series::Series;
use crate::store::StoreError;
use crate::store::sqlite::Readers;
use rusqlite::Connection;
use std::fmt;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};
use tokio::sync::Semaphore;

/// Reads of the history that work at once: each may take 32 MiB.
const QUERIES_MAX: usize = 4;

/// What the composition root gives.
pub struct Parts {
    /// Readers of the store.
    pub readers: Arc<Readers>,
    /// The one writer.
    pub commit: commit::Handle,
    /// The state in memory.
    pub latest: Arc<Latest>,
    /// The history of samples.
    pub series: Arc<Series>,
    /// The time.
    pub clock: Clock,
    /// How agents are installed.
    pub installer: Installer,
    /// Addresses that the pages are reached by from outside, as `HOST:PORT`.
    pub origins: Vec<String>,
    /// What the agents' door counts.
    pub agent_figures: Box<dyn Fn() -> AgentFigures + Send + Sync>,
}

/// What the handlers work with.
pub struct State {
    /// The one writer.
    pub commit: commit::Handle,
    /// The state in memory.
    pub latest: Arc<Latest>,
    /// The history of samples.
    pub series: Arc<Series>,
    /// The time.
    pub clock: Clock,
    /// How agents are installed.
    pub installer: Installer,
    /// Addresses that the pages are reached by from outside, as `HOST:PORT`.
    pub origins: Vec<String>,
    /// Checks passwords.
    pub passwords: Passwords,
    /// Attempts to sign in.
    pub attempted: Mutex<Attempted>,
    /// Turns to read the history.
    pub queries: Arc<Semaphore>,
    /// Answers from the history that nobody stayed for.
    pub abandoned: AtomicU64,
    /// How long answers took.
    pub latency: Latency,
    /// What the agents' door counts.
    pub agent_figures: Box<dyn Fn() -> AgentFigures + Send + Sync>,
    readers: Arc<Readers>,
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State").finish_non_exhaustive()
    }
}

impl State {
    /// The state of the operators' side.
    pub fn new(parts: Parts) -> Result<Self, PasswordError> {
        let Parts { readers, commit, latest, series, clock, installer, origins, agent_figures } = parts;
        let (passwords, attempted, latency) = (Passwords::new()?, Mutex::default(), Latency::default());
        Ok(Self {
            commit,
            latest,
            series,
            clock,
            installer,
            origins,
            passwords,
            attempted,
            queries: Arc::new(Semaphore::new(QUERIES_MAX)),
            abandoned: AtomicU64::new(0),
            latency,
            agent_figures,
            readers,
        })
    }

    /// Runs one read of the store on a thread that may block.
    pub async fn read<T, F>(&self, read: F) -> Result<T, ApiError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        let readers = Arc::clone(&self.readers);
        Ok(blocking(move || readers.read(read)).await??)
    }
}

/// Runs what blocks on a thread that may.
pub async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, ApiError> {
    tokio::task::spawn_blocking(work).await.map_err(|error| ApiError::Internal(error.to_string()))
}
