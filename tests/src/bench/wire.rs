//! What the agent puts on its link at rest, with every header: reports to the collector, and probes.

use super::Options;
use super::figures::{Better, Outcome};
use super::rest::Rest;
use std::time::Duration;

/// Measures over a window of whole minutes and fills in what was found.
pub async fn run(options: &Options, outcome: &mut Outcome) -> anyhow::Result<()> {
    let rest = Rest::start(options).await?;
    let minutes = options.window_s.div_ceil(60).max(1);
    let before = rest.bytes()?;
    tokio::time::sleep(Duration::from_secs(minutes * 60)).await;
    let after = rest.bytes()?;
    let per_minute = |before: u64, after: u64| (after - before) as f64 / minutes as f64;
    let (up, down) = (per_minute(before.up, after.up), per_minute(before.down, after.down));
    outcome.ours("", "collector_up_bytes_per_min", up, Better::Less);
    outcome.ours("", "collector_down_bytes_per_min", down, Better::Less);
    outcome.ours("", "probe_bytes_per_min", per_minute(before.link, after.link) - up - down, Better::Less);
    outcome.note("the ladder's own probe of the collector's port counts as traffic to the collector");
    Ok(())
}
