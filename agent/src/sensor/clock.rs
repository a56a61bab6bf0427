//! Whether something keeps the host's wall clock synchronised. How far it is off, the collector measures.
//!
//! The kernel's own answer needs a call that is not to be had without unsafe code, so the answer is taken from what
//! the time service leaves in `/run`: systemd-timesyncd makes `synchronized` once it has set the clock. Of other time
//! services nothing is known, and nothing is said.

use crate::sensor::sample::{SCALE_WHOLE, gauge};
use crate::sensor::{NoData, Paths, Reading, Sensor};
use std::path::Path;
use tram_proto::sample as names;

/// The sensor.
#[derive(Debug, Default)]
pub struct Clock;

impl Sensor for Clock {
    fn name(&self) -> &'static str {
        "clock"
    }

    fn read(&mut self, paths: &Paths) -> Result<Reading, NoData> {
        let synchronized = synchronized(&paths.rootfs.join("run/systemd/timesync")).ok_or(NoData::Absent)?;
        let value = Some(f64::from(u8::from(synchronized)));
        let sample = gauge(names::CLOCK_SYNCHRONIZED, "1", SCALE_WHOLE, &[], value);
        Ok(Reading { samples: vec![sample], components: vec![] })
    }
}

/// Whether systemd-timesyncd has set the clock since boot; none where it does not run.
fn synchronized(directory: &Path) -> Option<bool> {
    directory.is_dir().then(|| directory.join("synchronized").exists())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sensor::testing::values;

    fn read(root: &Path) -> Result<Reading, NoData> {
        Clock.read(&Paths { rootfs: root.to_owned(), ..Paths::default() })
    }

    #[test]
    fn a_host_without_timesyncd_says_nothing_and_one_with_it_says_both() {
        let root = tempfile::tempdir().unwrap();
        assert!(matches!(read(root.path()), Err(NoData::Absent)));
        let directory = root.path().join("run/systemd/timesync");
        std::fs::create_dir_all(&directory).unwrap();
        assert_eq!(values(&read(root.path()).unwrap())["tram.clock.synchronized"], Some(0.0));
        std::fs::write(directory.join("synchronized"), "").unwrap();
        assert_eq!(values(&read(root.path()).unwrap())["tram.clock.synchronized"], Some(1.0));
    }
}
