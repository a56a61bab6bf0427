//! Background tasks, each spawned with its period: what they do is theirs, when it is done is here.

use super::Running;
use crate::clock::Clock;
use crate::store::StoreError;
use crate::tasks::{self, Changes, TaskError, checkpoint::Checkpoints, retain, snapshot::Snapshots};
use std::path::Path;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;

/// Spawns every task; each ends when `stopping` turns true.
pub(super) fn spawn(
    running: &mut Running,
    data_dir: &Path,
    clock: &Clock,
    mut changes: Changes,
    stopping: &watch::Receiver<bool>,
) -> Result<(), StoreError> {
    let (memory, commit, readers) =
        (running.memory.clone(), running.commit.clone(), running.readers.clone());
    let checkpoints = std::sync::Arc::new(std::sync::Mutex::new(Checkpoints::open(data_dir)?));

    let (handle, now) = (commit.clone(), clock.clone());
    running.tasks.spawn(every("absence", tasks::ABSENCE_EVERY, stopping, async move || {
        handle.tick(now.now_ms());
        Ok(())
    }));
    let (handle, state, mut snapshots) = (commit.clone(), memory.clone(), Snapshots::default());
    running.tasks.spawn(every("snapshot", tasks::SNAPSHOT_EVERY, stopping, async move || {
        snapshots.round(&state, &handle).await
    }));
    let (state, now) = (memory.clone(), clock.clone());
    running.tasks.spawn(every("settle", tasks::SETTLE_EVERY, stopping, async move || {
        let (state, now_ms) = (state.clone(), now.now_ms());
        blocking(move || tasks::settle(&state, now_ms)).await
    }));
    let (handle, state, store) = (commit.clone(), memory.clone(), readers.clone());
    running.tasks.spawn(every("trim", tasks::TRIM_EVERY, stopping, async move || {
        retain::trim_log(&state, &store, &handle).await.map(|_| ())
    }));
    let (state, now) = (memory, clock.clone());
    running.tasks.spawn(every("retain", tasks::RETAIN_EVERY, stopping, async move || {
        let (state, now_ms) = (state.clone(), now.now_ms());
        blocking(move || retain::drop_days(&state, now_ms)).await
    }));
    running.tasks.spawn(every("changes", tasks::CHANGES_EVERY, stopping, async move || {
        changes.round(&readers, &commit).await
    }));
    running.tasks.spawn(every("checkpoint", tasks::CHECKPOINT_EVERY, stopping, async move || {
        let checkpoints = std::sync::Arc::clone(&checkpoints);
        blocking(move || checkpoints.lock().unwrap_or_else(std::sync::PoisonError::into_inner).round()).await
    }));
    Ok(())
}

/// Runs a round of a task every so often. A round that fails is told, and the next one tries again.
async fn every(
    name: &'static str,
    period: Duration,
    stopping: &watch::Receiver<bool>,
    mut round: impl AsyncFnMut() -> Result<(), TaskError>,
) {
    let mut stopping = stopping.clone();
    let mut due = tokio::time::interval(period);
    due.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = due.tick() => {}
            _ = stopping.wait_for(|stop| *stop) => return,
        }
        if let Err(error) = round().await {
            tracing::error!(task = name, %error, "a round failed");
        }
    }
}

async fn blocking(work: impl FnOnce() -> Result<(), TaskError> + Send + 'static) -> Result<(), TaskError> {
    // A panic in there ends the round, not the task.
    tokio::task::spawn_blocking(work).await.unwrap_or(Ok(()))
}
