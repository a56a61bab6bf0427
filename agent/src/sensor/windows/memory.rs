//! Memory: what is used and what programs can still have, as the system counts them; its cache is part of the latter.

use super::refused;
use crate::sensor::memory::component;
use crate::sensor::sample::{SCALE_WHOLE, gauge, rounded_size};
use crate::sensor::{NoData, Paths, Reading, Sensor};
use tram_proto::sample as names;
use winsafe::GlobalMemoryStatusEx;

/// The sensor.
#[derive(Debug)]
pub(super) struct Memory;

impl Sensor for Memory {
    fn name(&self) -> &'static str {
        "memory"
    }

    fn read(&mut self, _paths: &Paths) -> Result<Reading, NoData> {
        let status = GlobalMemoryStatusEx().map_err(|error| refused("memory", error))?;
        Ok(reading(status.ullTotalPhys, status.ullAvailPhys))
    }
}

fn reading(total_bytes: u64, available_bytes: u64) -> Reading {
    let total = total_bytes as f64;
    let usage = |state, bytes: u64| {
        let value = Some(rounded_size(bytes as f64, total));
        gauge(names::MEMORY_USAGE, "By", SCALE_WHOLE, &[(names::MEMORY_STATE, state)], value)
    };
    let available = Some(rounded_size(available_bytes as f64, total));
    let samples = vec![
        usage("used", total_bytes.saturating_sub(available_bytes)),
        usage("free", available_bytes),
        // What rules and pages go by, whatever the system: there is no other name for it.
        gauge(names::MEMORY_AVAILABLE, "By", SCALE_WHOLE, &[], available),
        gauge(names::MEMORY_LIMIT, "By", SCALE_WHOLE, &[], Some(total)),
    ];
    Reading { samples, components: vec![component(total)] }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sensor::testing::values;

    #[test]
    fn used_and_free_sum_to_the_size() {
        let found = values(&reading(1_000_000, 400_000));
        assert_eq!(found["system.memory.usage{system.memory.state=used}"], Some(600_000.0));
        assert_eq!(found["system.memory.usage{system.memory.state=free}"], Some(400_000.0));
        assert_eq!(found["system.linux.memory.available"], Some(400_000.0));
        assert_eq!(found["system.memory.limit"], Some(1_000_000.0));
    }
}
