//! Takes a collector's core through some days of reports, saying line by line what it does: to be killed, or watched.

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use tram_tests::durability::course::{Course, Say};
use tram_tests::durability::script::Script;

/// From which round to before which, on which folder.
#[derive(Debug, clap::Parser)]
struct Arguments {
    data_dir: PathBuf,
    seed: u64,
    days: usize,
    from: usize,
    to: usize,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let Arguments { data_dir, seed, days, from, to } = clap::Parser::parse();
    // A line is one write: whoever reads it knows that it was said before anything that comes later.
    let say: Say = Arc::new(|line| {
        let text = format!("{line}\n");
        // Nobody listening means that the story is over.
        drop(std::io::stdout().lock().write_all(text.as_bytes()));
    });
    let mut course = Course::open(&data_dir, Arc::new(Script::new(seed, days)), from, say)?;
    course.run(from..to).await?;
    course.close()
}
