//! How long the host has been up, from `/proc/uptime`, which counts `CLOCK_BOOTTIME`: time spent suspended is in it.
//! Whether the boot before ended cleanly is the core's knowledge; this sensor is told and passes it on.

use crate::sensor::sample::{SCALE_SECONDS, SCALE_WHOLE, gauge};
use crate::sensor::{NoData, Paths, Reading, Sample, Sensor, source};
use std::path::Path;
use tram_proto::sample as names;

/// The sensor.
#[derive(Debug, Default)]
pub struct Uptime {
    boot_unclean: Option<bool>,
}

impl Uptime {
    /// With what is known of the end of the boot before; none: nothing is.
    pub fn new(boot_unclean: Option<bool>) -> Self {
        Self { boot_unclean }
    }
}

impl Sensor for Uptime {
    fn name(&self) -> &'static str {
        "uptime"
    }

    fn read(&mut self, paths: &Paths) -> Result<Reading, NoData> {
        let path = paths.procfs.join("uptime");
        let uptime_s = parse(&source::text(&path)?, &path)?;
        Ok(Reading { samples: samples(uptime_s, self.boot_unclean), components: vec![] })
    }
}

/// What is known of this boot and of the one before.
pub(in crate::sensor) fn samples(uptime_s: f64, boot_unclean: Option<bool>) -> Vec<Sample> {
    let uptime = gauge(names::UPTIME, "s", SCALE_SECONDS, &[], Some(uptime_s));
    let unclean = boot_unclean
        .map(|unclean| gauge(names::BOOT_UNCLEAN, "1", SCALE_WHOLE, &[], Some(f64::from(u8::from(unclean)))));
    [uptime].into_iter().chain(unclean).collect()
}

/// Seconds since boot from the text of `/proc/uptime`.
pub fn parse(text: &str, path: &Path) -> Result<f64, NoData> {
    let first = text.split_whitespace().next().and_then(|word| word.parse::<f64>().ok());
    first
        .filter(|seconds| seconds.is_finite() && *seconds >= 0.0)
        .ok_or_else(|| source::malformed(path, Some(1), "seconds since boot"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sensor::testing::values;

    #[test]
    fn the_first_number_counts_and_anything_else_is_refused() {
        assert_eq!(parse("350735.47 234388.90\n", Path::new("uptime")).unwrap(), 350_735.47);
        for text in ["", "up 3 days", "-1 2", "inf 1", "NaN"] {
            let error = parse(text, Path::new("uptime")).unwrap_err().to_string();
            assert_eq!(error, "uptime: line 1: expected seconds since boot");
        }
    }

    #[test]
    fn what_is_known_of_the_boot_before_is_passed_on() {
        let unclean = |known| {
            let reading = Uptime::new(known).read(&Paths::default()).unwrap();
            values(&reading).get("tram.boot.unclean").copied().flatten()
        };
        assert_eq!(unclean(Some(true)), Some(1.0));
        assert_eq!(unclean(Some(false)), Some(0.0));
        assert_eq!(unclean(None), None);
    }
}
