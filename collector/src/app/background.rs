//! Background tasks, each spawned with its period: what they do is theirs, when it is done is here.

use super::{Running, StartError};
use crate::clock::{Clock, monotonic};
use crate::commit::{Handle, Memory};
use crate::config::Config;
use crate::series::Keep;
use crate::store::sqlite::Readers;
use crate::tasks::checkpoint::Checkpoints;
use crate::tasks::snapshot::Snapshots;
use crate::tasks::spare::Spare;
use crate::tasks::{self, Changes, TaskError, retain};
use std::path::PathBuf;
use std::sync::mpsc;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio::time::{Interval, MissedTickBehavior};

/// How far the merging of days stands back, as `nice` counts.
const NICE: i32 = 10;

/// What the tasks work with.
#[derive(Clone)]
struct Context {
    memory: Memory,
    commit: Handle,
    readers: Arc<Readers>,
    clock: Clock,
    keep: Keep,
    data_dir: PathBuf,
    /// Held by who writes or deletes much: one at a time, so that acks wait for the disk behind one only.
    turn: Arc<tokio::sync::Mutex<()>>,
}

/// Spawns every task; each ends when `stopping` turns true.
pub(super) fn spawn(
    running: &mut Running,
    config: &Config,
    clock: &Clock,
    changes: Changes,
    stopping: &watch::Receiver<bool>,
) -> Result<(), StartError> {
    let checkpoints = Arc::new(Mutex::new(Checkpoints::open(&config.data_dir)?));
    let context = Context {
        memory: running.memory.clone(),
        commit: running.commit.clone(),
        readers: Arc::clone(&running.readers),
        clock: clock.clone(),
        keep: config.keep,
        data_dir: config.data_dir.clone(),
        turn: Arc::default(),
    };
    running.compactor = Some(compactor(context.clone(), &mut running.tasks)?);
    let tasks = &mut running.tasks;
    let due = |period| Due::every(period, Duration::ZERO, stopping);
    // After a start everybody comes back: what has time comes later.
    let later = |period| Due::every(period, tasks::FIRST_AFTER, stopping);
    tasks.spawn(look_around(context.clone(), due(tasks::ABSENCE_EVERY)));
    tasks.spawn(take_snapshots(context.clone(), due(tasks::SNAPSHOT_EVERY)));
    tasks.spawn(settle(context.clone(), due(tasks::SETTLE_EVERY)));
    tasks.spawn(trim(context.clone(), later(tasks::TRIM_EVERY)));
    tasks.spawn(retain(context.clone(), later(tasks::RETAIN_EVERY)));
    tasks.spawn(watch_changes(context, changes, due(tasks::CHANGES_EVERY)));
    tasks.spawn(take_over(checkpoints, due(tasks::CHECKPOINT_EVERY)));
    Ok(())
}

async fn look_around(context: Context, mut due: Due) {
    while due.again().await {
        context.commit.tick(context.clock.now_ms());
    }
}

async fn take_snapshots(context: Context, mut due: Due) {
    let mut snapshots = Snapshots::default();
    while due.again().await {
        round("snapshot", snapshots.round(&context.memory, &context.commit)).await;
    }
}

async fn settle(context: Context, mut due: Due) {
    while due.again().await {
        let (memory, now_ms) = (context.memory.clone(), context.clock.now_ms());
        round("settle", blocking(move || tasks::settle(&memory, now_ms))).await;
    }
}

async fn trim(context: Context, mut due: Due) {
    let mut spare = Spare::default();
    while due.again().await {
        let _turn = context.turn.lock().await;
        let trimmed = retain::trim_log(&context.memory, &context.readers, &context.commit, &context.data_dir);
        round("trim", async { trimmed.await.map(|_| ()) }).await;
        let spared = spare.round(&context.readers, &context.commit);
        round("spare", async { spared.await.map(|_| ()) }).await;
    }
}

async fn retain(context: Context, mut due: Due) {
    while due.again().await {
        let _turn = context.turn.lock().await;
        let (context, now_ms) = (context.clone(), context.clock.now_ms());
        round("retain", blocking(move || retain::drop_days(&context.memory, &context.keep, now_ms))).await;
    }
}

async fn watch_changes(context: Context, mut changes: Changes, mut due: Due) {
    while due.again().await {
        round("changes", changes.round(&context.readers, &context.commit)).await;
    }
}

async fn take_over(checkpoints: Arc<Mutex<Checkpoints>>, mut due: Due) {
    while due.again().await {
        let checkpoints = Arc::clone(&checkpoints);
        let work = move || checkpoints.lock().unwrap_or_else(PoisonError::into_inner).round();
        round("checkpoint", blocking(work)).await;
    }
}

/// Merges and rolls up days on a thread of its own, below everything else: it has until the next day. It ends after the
/// step it is at when `tasks` do.
fn compactor(
    context: Context,
    tasks: &mut tokio::task::JoinSet<()>,
) -> std::io::Result<std::thread::JoinHandle<()>> {
    let (alive, ended) = mpsc::channel::<()>();
    tasks.spawn(async move {
        let _alive = alive;
        std::future::pending::<()>().await;
    });
    let work = move || {
        if let Err(error) = rustix::process::nice(NICE) {
            tracing::debug!(%error, "merging days takes its turn like everything else");
        }
        let mut wait = tasks::FIRST_AFTER;
        while ended.recv_timeout(wait) == Err(mpsc::RecvTimeoutError::Timeout) {
            let _turn = context.turn.blocking_lock();
            let start = monotonic();
            let round =
                retain::compact(&context.memory, &context.readers, &context.keep, context.clock.now_ms());
            let more = round.as_ref().is_ok_and(|more| *more);
            wait = if more { Duration::ZERO } else { tasks::COMPACT_EVERY };
            tell("compact", start, round.map(|_| ()));
        }
    };
    std::thread::Builder::new().name("compactor".to_owned()).spawn(work)
}

/// When a task's next round is due.
struct Due {
    period: Interval,
    stopping: watch::Receiver<bool>,
}

impl Due {
    fn every(period: Duration, first: Duration, stopping: &watch::Receiver<bool>) -> Self {
        let mut period = tokio::time::interval_at(tokio::time::Instant::now() + first, period);
        period.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { period, stopping: stopping.clone() }
    }

    /// Waits for the next round; false when there will be none.
    async fn again(&mut self) -> bool {
        tokio::select! {
            _ = self.period.tick() => true,
            _ = self.stopping.wait_for(|stop| *stop) => false,
        }
    }
}

/// One round of a task, and how it went.
async fn round(task: &'static str, work: impl Future<Output = Result<(), TaskError>>) {
    let start = monotonic();
    tell(task, start, work.await);
}

/// A round that fails is told, and the next one tries again. How long each took is there for who looks for what holds
/// up what.
fn tell(task: &'static str, start: Instant, round: Result<(), TaskError>) {
    tracing::debug!(task, took_us = start.elapsed().as_micros() as u64, "round");
    if let Err(error) = round {
        tracing::error!(task, %error, "a round failed");
    }
}

async fn blocking(work: impl FnOnce() -> Result<(), TaskError> + Send + 'static) -> Result<(), TaskError> {
    // A panic in there ends the round, not the task.
    tokio::task::spawn_blocking(work).await.unwrap_or(Ok(()))
}
