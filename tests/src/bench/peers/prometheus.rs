//! Blocks of Prometheus made of a set by its own tool, and their size.

use crate::bench::datasets::Series;
use anyhow::{Context as _, ensure};
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

/// Bytes that series take as blocks: chunks and index.
pub(super) fn stored(series: &Series) -> anyhow::Result<f64> {
    let folder = tempfile::tempdir()?;
    let (file, blocks) = (folder.path().join("samples.om"), folder.path().join("blocks"));
    let mut text = String::new();
    let mut columns: Vec<usize> = series.keys().map(|(_, column)| *column).collect();
    columns.sort_unstable();
    columns.dedup();
    for column in columns {
        writeln!(text, "# TYPE column_{column} gauge")?;
        let mut of_column: Vec<_> = series.iter().filter(|((_, place), _)| *place == column).collect();
        of_column.sort_unstable_by_key(|(key, _)| **key);
        for ((host, _), points) in of_column {
            for (time_ms, value) in points {
                let (s, ms) = (time_ms / 1_000, time_ms % 1_000);
                writeln!(text, "column_{column}{{host=\"host-{host}\"}} {value} {s}.{ms:03}")?;
            }
        }
    }
    text.push_str("# EOF\n");
    std::fs::write(&file, text)?;
    let mut make = Command::new("promtool");
    make.args(["tsdb", "create-blocks-from", "openmetrics"]).arg(&file).arg(&blocks);
    let output = make.output().context("running promtool")?;
    ensure!(output.status.success(), "promtool: {}", String::from_utf8_lossy(&output.stderr));
    Ok(size(&blocks)? as f64)
}

fn size(folder: &Path) -> anyhow::Result<u64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        let is_data = entry.file_name() == "index" || folder.ends_with("chunks");
        bytes += if metadata.is_dir() {
            size(&entry.path())?
        } else if is_data {
            metadata.len()
        } else {
            0
        };
    }
    Ok(bytes)
}
