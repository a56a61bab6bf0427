//! The small internet as a program: `smallnet run -- COMMAND` runs a command on a host of its own.

use anyhow::Result;

fn main() -> Result<()> {
    Ok(())
}
