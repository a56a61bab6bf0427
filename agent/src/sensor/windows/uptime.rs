//! How long the host has been up, sleep included. A start that Windows calls fast goes on with the boot before.

use crate::sensor::uptime::samples;
use crate::sensor::{NoData, Paths, Reading, Sensor};
use crate::system;

/// The sensor.
#[derive(Debug)]
pub(super) struct Uptime {
    boot_unclean: Option<bool>,
}

impl Uptime {
    /// With what is known of the end of the boot before; none: nothing is.
    pub(super) fn new(boot_unclean: Option<bool>) -> Self {
        Self { boot_unclean }
    }
}

impl Sensor for Uptime {
    fn name(&self) -> &'static str {
        "uptime"
    }

    fn read(&mut self, _paths: &Paths) -> Result<Reading, NoData> {
        let uptime_s = system::boot_ms() as f64 / 1_000.0;
        Ok(Reading { samples: samples(uptime_s, self.boot_unclean), components: vec![] })
    }
}
