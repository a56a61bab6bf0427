//! The commit window: the one way by which anything gets into the store.
//!
//! Owns the queue and the thread that writes. Work gathers in one queue; the writer swaps it whole, makes one
//! transaction of all reports in it, and hands all answers back at once when that is on disk. What anyone sees of a
//! window (memory, history, answers) changes only then; a window that fails changes nothing. Knows no HTTP.

use crate::clock;
use crate::latest::Effect;
use crate::model::arrival::{Arrival, Outcome};
use crate::room::Held;
use crate::store::sqlite;
use crate::store::{StoreError, sqlite::change};
use rusqlite::Transaction;
use std::collections::VecDeque;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

mod decide;
mod rebuild;
mod record;
mod sample;
mod stage;
#[cfg(test)]
mod tests;
mod writer;

pub use rebuild::{Decoders, Logged, NoRebuild, read_log};
pub use writer::{Memory, Settings, Writer};

/// Arrivals and changes that may wait for the writer. How many bytes of arrivals may is the room's affair.
pub const QUEUE_COUNT_MAX: usize = 65_536;
/// A body of more than this is history, which everything else goes before: what is current is smaller by far.
const LARGE_BYTES: usize = 64 << 10;
/// Bytes of large bodies in one window; the others wait for the next ones, so that what is current does not.
const LARGE_PER_WINDOW: usize = 1 << 20;
/// With so many bytes a window does not gather any longer.
const WINDOW_BYTES: usize = 4 << 20;

/// Why an arrival was not committed. Nothing of it was kept; it may be sent again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommitError {
    /// More waits for the writer than may.
    #[error("too much waits to be written")]
    Busy,
    /// The history cannot be written, and memory for it is used up.
    #[error("the history's memory is used up")]
    Full,
    /// The window failed: full disk, damaged file.
    #[error("the window was not written: {0}")]
    Failed(Arc<str>),
    /// The agent is not known.
    #[error("unknown agent")]
    UnknownAgent,
    /// The writer has stopped.
    #[error("shutting down")]
    Closed,
}

/// Who waits for an arrival's answer, and the room that it takes until then: also when nobody waits any more.
#[derive(Debug)]
pub struct Reply {
    to: oneshot::Sender<Result<Outcome, CommitError>>,
    _held: Option<Held>,
}

impl Reply {
    /// To nobody.
    fn nobody() -> Self {
        Self { to: oneshot::channel().0, _held: None }
    }
}

/// All answers of one window, handed back at once.
pub type Handback = Vec<(Reply, Result<Outcome, CommitError>)>;
type Change = Box<dyn FnOnce(&mut Writer) + Send>;

enum Work {
    Report(Box<Arrival>, Reply),
    Write(Change),
    Tick(i64),
}

#[derive(Default)]
struct Queue {
    work: Vec<Work>,
    /// Arrivals of large bodies, with their bytes.
    large: VecDeque<(Work, usize)>,
    bytes: usize,
    closed: bool,
}

impl Queue {
    fn len(&self) -> usize {
        self.work.len() + self.large.len()
    }

    /// What the next window is made of: everything but large bodies, and of these some.
    fn take(&mut self) -> Vec<Work> {
        let mut work = std::mem::take(&mut self.work);
        let mut large_bytes = 0;
        while large_bytes < LARGE_PER_WINDOW
            && let Some((next, bytes)) = self.large.pop_front()
        {
            large_bytes += bytes;
            work.push(next);
        }
        self.bytes = self.large.iter().map(|(_, bytes)| bytes).sum();
        work
    }
}

/// What the writer has done so far.
#[derive(Debug, Default)]
pub struct Figures {
    /// Windows that were written.
    pub windows: AtomicU64,
    /// Windows that failed.
    pub windows_failed: AtomicU64,
    /// Reports that were written.
    pub reports: AtomicU64,
    /// Arrivals that were turned away because the queue was full.
    pub busy: AtomicU64,
    /// Bytes of the log's rows.
    pub log_bytes: AtomicU64,
    /// Reports that were refused.
    pub refused: AtomicU64,
    /// Microseconds that making and writing windows took.
    pub window_us: AtomicU64,
    /// The last window failed: nothing is being kept at the moment.
    pub failing: AtomicBool,
    /// It failed because the disk is full.
    pub disk_full: AtomicBool,
}

#[derive(Default)]
struct Shared {
    queue: Mutex<Queue>,
    wake: Condvar,
    figures: Figures,
}

/// The writer as everyone else sees it.
#[derive(Clone)]
pub struct Handle(Arc<Shared>);

impl std::fmt::Debug for Handle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Handle").field("figures", &self.0.figures).finish_non_exhaustive()
    }
}

impl Handle {
    /// A queue that nobody works on yet; [`Writer::run`] does.
    #[expect(clippy::new_without_default, reason = "a handle is made once, in one place")]
    pub fn new() -> Self {
        Self(Arc::default())
    }

    /// Commits an arrival: returns once its window is on disk, or nothing of it is kept. What is held for it, if it came
    /// through a door, is given back with its answer, whether or not somebody still waits.
    pub async fn report(&self, arrival: Arrival, held: Option<Held>) -> Result<Outcome, CommitError> {
        let (to, answer) = oneshot::channel();
        let bytes = arrival.body.len();
        self.push(Work::Report(Box::new(arrival), Reply { to, _held: held }), bytes)?;
        answer.await.unwrap_or(Err(CommitError::Closed))
    }

    /// Runs a change in a transaction of its own; its effects are applied to memory once it is on disk.
    pub async fn write<T: Send + 'static>(
        &self,
        change: impl FnOnce(&Transaction<'_>) -> Result<(T, Vec<Effect>), StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        let work = Work::Write(Box::new(move |writer| {
            // Nobody waiting any more changes nothing: the change is done.
            drop(reply.send(writer.write(change)));
        }));
        self.push(work, 0).map_err(|error| match error {
            CommitError::Busy | CommitError::Full => StoreError::Busy,
            CommitError::Failed(_) | CommitError::UnknownAgent | CommitError::Closed => StoreError::Closed,
        })?;
        answer.await.unwrap_or(Err(StoreError::Closed))
    }

    /// Runs something on the writer's own thread, between windows, and waits for it.
    pub async fn on_writer<T: Send + 'static>(
        &self,
        act: impl FnOnce(&mut Writer) -> T + Send + 'static,
    ) -> Result<T, CommitError> {
        let (reply, answer) = oneshot::channel();
        self.push(Work::Write(Box::new(move |writer| drop(reply.send(act(writer))))), 0)?;
        answer.await.map_err(|_| CommitError::Closed)
    }

    /// Asks for a look at who is silent.
    pub fn tick(&self, now_ms: i64) {
        let mut queue = self.queue();
        let is_asked = queue.work.iter().any(|work| matches!(work, Work::Tick(_)));
        if !is_asked && !queue.closed {
            queue.work.push(Work::Tick(now_ms));
            drop(queue);
            self.0.wake.notify_one();
        }
    }

    /// Takes no more work; the writer finishes what waits and stops.
    pub fn close(&self) {
        self.queue().closed = true;
        self.0.wake.notify_one();
    }

    /// Arrivals and changes that wait for the writer.
    pub fn waiting(&self) -> usize {
        self.queue().len()
    }

    /// Arrivals alone that wait for the writer.
    pub fn arrivals_waiting(&self) -> usize {
        let queue = self.queue();
        let is_arrival = |work: &&Work| matches!(work, Work::Report(..));
        queue.work.iter().filter(is_arrival).count() + queue.large.len()
    }

    /// What the writer has done so far.
    pub fn figures(&self) -> &Figures {
        &self.0.figures
    }

    fn push(&self, work: Work, bytes: usize) -> Result<(), CommitError> {
        let mut queue = self.queue();
        if queue.closed {
            return Err(CommitError::Closed);
        }
        if queue.len() >= QUEUE_COUNT_MAX {
            self.0.figures.busy.fetch_add(1, Ordering::Relaxed);
            return Err(CommitError::Busy);
        }
        queue.bytes += bytes;
        if bytes > LARGE_BYTES {
            queue.large.push_back((work, bytes));
        } else {
            queue.work.push(work);
        }
        let is_first = queue.len() == 1;
        drop(queue);
        // The writer sleeps only while the queue is empty, so one wake for each window is enough.
        if is_first {
            self.0.wake.notify_one();
        }
        Ok(())
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.0.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for work, lets it gather for `window` unless some was left by the one before, and takes what fits one; none
    /// when there will be no more.
    fn gather(&self, window: Duration) -> Option<Vec<Work>> {
        let mut queue = self.queue();
        let window = if queue.large.is_empty() { window } else { Duration::ZERO };
        while queue.len() == 0 {
            if queue.closed {
                return None;
            }
            queue = self.0.wake.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
        let until = clock::monotonic() + window;
        loop {
            let left = until.saturating_duration_since(clock::monotonic());
            if left.is_zero() || queue.closed || queue.bytes >= WINDOW_BYTES {
                break;
            }
            queue = self.0.wake.wait_timeout(queue, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        Some(queue.take())
    }
}

/// Hands every window's answers to those who wait, on the runtime's own threads: one hand-over for each window instead
/// of a foreign wake for each report.
pub async fn hand_back(mut windows: mpsc::UnboundedReceiver<Handback>) {
    while let Some(window) = windows.recv().await {
        for (reply, answer) in window {
            // A peer that has gone will ask again.
            drop(reply.to.send(answer));
        }
    }
}

/// Changes the store from outside a running collector, which sees it within a second: for the command line.
pub fn write_once<T>(
    data_dir: &Path,
    subject: &str,
    change: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let mut connection = sqlite::open_writer(data_dir)?;
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let result = change(&transaction)?;
    change::note(&transaction, subject)?;
    transaction.commit()?;
    Ok(result)
}
