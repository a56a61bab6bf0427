//! Whether the system waits to be restarted, for updates or for parts of itself.

use crate::sensor::sample::{SCALE_WHOLE, gauge};
use crate::sensor::{NoData, Paths, Reading, Sensor};
use crate::system::registry;
use std::time::Duration;
use tram_proto::sample as names;

const INTERVAL: Duration = Duration::from_secs(900);
/// Each is there only while a restart is due. Files to be renamed at the next start are no sign: there always are some.
const SIGNS: [&str; 2] = [
    r"SOFTWARE\Microsoft\Windows\CurrentVersion\Component Based Servicing\RebootPending",
    r"SOFTWARE\Microsoft\Windows\CurrentVersion\WindowsUpdate\Auto Update\RebootRequired",
];

/// The sensor.
#[derive(Debug)]
pub(super) struct Updates;

impl Sensor for Updates {
    fn name(&self) -> &'static str {
        "updates"
    }

    fn interval(&self) -> Option<Duration> {
        Some(INTERVAL)
    }

    fn read(&mut self, _paths: &Paths) -> Result<Reading, NoData> {
        let is_due = SIGNS.iter().any(|sign| registry::exists(sign));
        let value = Some(f64::from(u8::from(is_due)));
        let sample = gauge(names::REBOOT_REQUIRED, "1", SCALE_WHOLE, &[], value);
        Ok(Reading { samples: vec![sample], components: vec![] })
    }
}
