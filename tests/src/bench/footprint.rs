//! What the agent takes of its host at rest: memory, CPU time, and room on disk.

use super::figures::{Better, Outcome};
use super::rest::Rest;
use super::{Options, peers};
use std::time::Duration;

/// Measures over a window and fills in what was found.
pub async fn run(options: &Options, outcome: &mut Outcome) -> anyhow::Result<()> {
    let rest = Rest::start(options).await?;
    let process = rest.process();
    let (before_s, start) = (process.cpu_fine_s()?, tokio::time::Instant::now());
    let beside = peers::agents(options, process.0, options.window_s, outcome)?;
    if !beside {
        tokio::time::sleep(Duration::from_secs(options.window_s)).await;
    }
    let (cpu_s, hours) = (process.cpu_fine_s()? - before_s, start.elapsed().as_secs_f64() / 3_600.0);
    outcome.ours("", "cpu_s_per_hour", cpu_s / hours, Better::Less);
    let memory = process.memory()?;
    outcome.ours("", "pss_mb", memory.pss_bytes as f64 / 1e6, Better::Less);
    outcome.ours("", "rss_mb", memory.rss_bytes as f64 / 1e6, Better::Less);
    let size_bytes = std::fs::metadata(&options.agent)?.len();
    outcome.ours("", "binary_mb", size_bytes as f64 / 1e6, Better::Less);
    Ok(())
}
