//! Disks: bytes moved, by volume. What the disks are, and how healthy, is the question of SMART.

use super::refused;
use crate::sensor::globs::Globs;
use crate::sensor::sample::{SCALE_WHOLE, counter};
use crate::sensor::{NoData, Paths, Reading, Sample, Sensor};
use std::collections::BTreeMap;
use sysinfo::{DiskRefreshKind, Disks};
use tram_proto::sample as names;

/// The sensor.
#[derive(Debug)]
pub(super) struct Disk {
    excluded: Globs,
}

impl Disk {
    /// With globs of volumes (`D:`) to leave out.
    pub(super) fn new(excluded: Globs) -> Self {
        Self { excluded }
    }
}

impl Sensor for Disk {
    fn name(&self) -> &'static str {
        "disk"
    }

    fn read(&mut self, _paths: &Paths) -> Result<Reading, NoData> {
        let asked = DiskRefreshKind::nothing().with_io_usage();
        let disks =
            Disks::new_with_refreshed_list_specifics(asked).map_err(|error| refused("disks", error))?;
        let mut volumes = BTreeMap::new();
        for disk in &disks {
            let volume = disk.mount_point().to_string_lossy().trim_end_matches('\\').to_owned();
            let usage = disk.usage();
            let moved = usage.total_read_bytes > 0 || usage.total_written_bytes > 0;
            if moved && !disk.is_removable() && !self.excluded.matches(&volume) {
                volumes.insert(volume, [usage.total_read_bytes, usage.total_written_bytes]);
            }
        }
        if volumes.is_empty() {
            return Err(NoData::Absent);
        }
        let samples = volumes.iter().flat_map(|(volume, moved)| samples(volume, *moved)).collect();
        Ok(Reading { samples, components: vec![] })
    }
}

fn samples(volume: &str, [read, written]: [u64; 2]) -> [Sample; 2] {
    [("read", read), ("write", written)].map(|(direction, bytes)| {
        let attributes = [(names::DEVICE, volume), (names::IO_DIRECTION, direction)];
        counter(names::DISK_IO, "By", SCALE_WHOLE, &attributes, Some(bytes as f64))
    })
}
