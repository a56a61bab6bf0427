//! What the sensors' tests share: values by readable key, and recordings of real hosts.

use crate::sensor::Reading;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// A reading's values by `name{key=value,..}`.
pub(crate) fn values(reading: &Reading) -> BTreeMap<String, Option<f64>> {
    let key = |sample: &crate::sensor::Sample| {
        let attributes: Vec<String> =
            sample.column.attributes.iter().map(|(key, value)| format!("{key}={value}")).collect();
        match attributes.is_empty() {
            true => sample.column.name.clone(),
            false => format!("{}{{{}}}", sample.column.name, attributes.join(",")),
        }
    };
    reading.samples.iter().map(|sample| (key(sample), sample.value)).collect()
}

/// The text of a recording of `/proc` and its like, below `sysfs-proc` in `TRAM_RECORDINGS` (else in `../shared/data`
/// beside the repository); none, said on standard error, where it is absent.
pub(crate) fn recording(name: &str) -> Option<String> {
    let path = recordings().join("sysfs-proc").join(name);
    let text = std::fs::read_to_string(&path).ok();
    if text.is_none() {
        eprintln!("skipped: no recording at {}", path.display());
    }
    text
}

#[expect(clippy::disallowed_methods, reason = "a test's own setting, outside the program's configuration")]
fn recordings() -> PathBuf {
    let beside = || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data"));
    std::env::var("TRAM_RECORDINGS").map_or_else(|_| beside(), PathBuf::from)
}
