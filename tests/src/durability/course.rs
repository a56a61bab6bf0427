//! A collector's core taken through the script, round by round: hosts report while hours are closed, the log is trimmed,
//! days are merged, rolled up and deleted. Says what it begins, what it has ended, and what it has acknowledged.

use super::script::{self, HOSTS, ROUNDS_PER_DAY, Script, moment, start_of};
use crate::bench::collector::prepare;
use crate::bench::core::{Core, batch};
use anyhow::{Context as _, ensure};
use std::path::Path;
use std::sync::Arc;
use tokio::task::JoinSet;
use tram_collector::model::agent::AgentId;
use tram_collector::series::Keep;

/// Short, so that every day goes through everything within a few.
pub const KEEP: Keep = Keep { raw_days: 3, five_minutes_days: Some(4), hours_days: None };
/// Rounds from trimming to trimming, and from deleting to deleting.
const TRIM_ROUNDS: usize = 9;
const RETAIN_ROUNDS: usize = 12;

/// What goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// Reports are taken, and nothing else is done.
    Ingest,
    /// Hours are closed.
    Settle,
    /// State is snapshotted, the write-ahead log taken over, the log trimmed.
    Trim,
    /// Days are merged and rolled up.
    Compact,
    /// Days past their time are deleted, and what the store's file does not use is given back.
    Retain,
}

impl Phase {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Ingest, Self::Settle, Self::Trim, Self::Compact, Self::Retain];

    /// Its name in what is said.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::Settle => "settle",
            Self::Trim => "trim",
            Self::Compact => "compact",
            Self::Retain => "retain",
        }
    }

    /// What is due in a round beside reports.
    fn due(round: usize) -> Vec<Self> {
        let mut due = vec![Self::Settle];
        if round.is_multiple_of(TRIM_ROUNDS) {
            due.extend([Self::Trim, Self::Compact]);
        }
        if round.is_multiple_of(RETAIN_ROUNDS) {
            due.push(Self::Retain);
        }
        due
    }
}

/// Who is told, a line at a time.
pub type Say = Arc<dyn Fn(&str) + Send + Sync>;

/// A core on its way.
pub struct Course {
    core: Core,
    script: Arc<Script>,
    agents: Vec<AgentId>,
    say: Say,
}

/// Makes a data folder that knows the hosts.
pub fn found(data_dir: &Path) -> anyhow::Result<()> {
    prepare(data_dir, HOSTS, script::START_MS).map(drop)
}

/// The hosts' agents, as [`found`] has made them.
pub fn agents(data_dir: &Path) -> anyhow::Result<Vec<AgentId>> {
    let store = tram_collector::store::sqlite::Readers::new(data_dir);
    let mut agents = store.read(|connection| {
        let mut all = Vec::new();
        tram_collector::store::sqlite::agent::each(connection, |found| {
            all.push(found.agent.id);
            Ok::<_, tram_collector::store::StoreError>(())
        })?;
        Ok(all)
    })?;
    agents.sort();
    Ok(agents)
}

impl Course {
    /// Opens the folder as a collector would that starts when this round begins.
    pub fn open(data_dir: &Path, script: Arc<Script>, round: usize, say: Say) -> anyhow::Result<Self> {
        let core = Core::open(data_dir, &[], Vec::new(), start_of(round))?;
        Ok(Self { core, script, agents: agents(data_dir)?, say })
    }

    /// The core.
    pub const fn core(&self) -> &Core {
        &self.core
    }

    /// Goes on from one round to before another.
    pub async fn run(&mut self, rounds: std::ops::Range<usize>) -> anyhow::Result<()> {
        for round in rounds {
            self.round(round).await.with_context(|| format!("round {round}"))?;
            (self.say)(&format!("round {round}"));
        }
        Ok(())
    }

    /// Does everything that a collector does beside taking reports, whatever is due.
    pub async fn tidy(&mut self, round: usize) -> anyhow::Result<()> {
        self.core.set_time(start_of(round + 1));
        for phase in Phase::ALL {
            self.perform(phase, round).await.with_context(|| phase.name())?;
        }
        Ok(())
    }

    /// Ends it in good order.
    pub fn close(self) -> anyhow::Result<()> {
        self.core.close()
    }

    /// Reports arrive before and while everything that is due is done.
    async fn round(&mut self, round: usize) -> anyhow::Result<()> {
        self.core.set_time(start_of(round + 1));
        let due = Phase::due(round);
        let script = Arc::clone(&self.script);
        let mut parts: Vec<Vec<(usize, &[u64])>> = vec![Vec::new(); due.len() + 1];
        for (host, seqs) in script.arriving(round) {
            for (part, seqs) in seqs.chunks(seqs.len().div_ceil(due.len() + 1)).enumerate() {
                parts.get_mut(part).context("more parts than there are")?.push((host, seqs));
            }
        }
        let mut parts = parts.into_iter();
        self.tell("begin", Phase::Ingest);
        ended(self.post(round, &parts.next().unwrap_or_default())?).await?;
        self.tell("end", Phase::Ingest);
        for (phase, part) in due.into_iter().zip(parts) {
            let posted = self.post(round, &part)?;
            self.tell("begin", phase);
            self.perform(phase, round).await.with_context(|| phase.name())?;
            self.tell("end", phase);
            ended(posted).await?;
        }
        Ok(())
    }

    async fn perform(&mut self, phase: Phase, round: usize) -> anyhow::Result<()> {
        match phase {
            Phase::Ingest => Ok(()),
            Phase::Settle => self.core.settle(),
            Phase::Trim => self.core.trim().await,
            Phase::Compact => self.core.compact(&KEEP),
            Phase::Retain => {
                self.core.retain(&KEEP)?;
                if round.is_multiple_of(ROUNDS_PER_DAY) {
                    self.core.give_back().await?;
                }
                Ok(())
            }
        }
    }

    fn tell(&self, what: &str, phase: Phase) {
        (self.say)(&format!("{what} {}", phase.name()));
    }

    /// Sends reports of some hosts, each of which says so itself once it is acknowledged.
    fn post(&self, round: usize, parts: &[(usize, &[u64])]) -> anyhow::Result<JoinSet<anyhow::Result<()>>> {
        let mut posted = JoinSet::new();
        for (host, seqs) in parts {
            let mut reports = Vec::new();
            let mut catalogues = Vec::new();
            for seq in *seqs {
                let (catalogue, report) = self.script.report(*host, *seq).context("not in the script")?;
                if !self.core.knows(&catalogue) && !catalogues.contains(&catalogue) {
                    catalogues.push(catalogue);
                }
                reports.push((*seq, report));
            }
            let now_ms = start_of(round + 1);
            let agent = *self.agents.get(*host).context("no such host")?;
            let body = batch(agent, moment(now_ms), catalogues, &reports)?;
            let answer = self.core.post(body, now_ms)?;
            let (say, host, seqs) = (Arc::clone(&self.say), *host, seqs.to_vec());
            posted.spawn(async move {
                let outcome = answer.await?;
                ensure!(outcome.refused.is_empty(), "refused: {outcome:?}");
                for seq in seqs {
                    ensure!(outcome.durable.contains(seq), "{seq} is not in {outcome:?}");
                    say(&format!("acked {host} {seq}"));
                }
                Ok(())
            });
        }
        Ok(posted)
    }
}

async fn ended(mut posted: JoinSet<anyhow::Result<()>>) -> anyhow::Result<()> {
    while let Some(answered) = posted.join_next().await {
        answered??;
    }
    Ok(())
}
