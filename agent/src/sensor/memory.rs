//! Memory and swap, from `/proc/meminfo`. Owns what counts as used: what is neither free, nor buffers, nor cache.

use crate::sensor::part;
use crate::sensor::sample::{SCALE_WHOLE, gauge, rounded_size};
use crate::sensor::{NoData, Paths, Reading, Sample, Sensor, source};
use crate::tree::tree;
use std::collections::BTreeMap;
use std::path::Path;
use tram_proto::component::{Component, State};
use tram_proto::sample as names;

/// The sensor.
#[derive(Debug, Default)]
pub struct Memory;

impl Sensor for Memory {
    fn name(&self) -> &'static str {
        "memory"
    }

    fn read(&mut self, paths: &Paths) -> Result<Reading, NoData> {
        let path = paths.procfs.join("meminfo");
        parse(&source::text(&path)?, &path)
    }
}

/// Samples and the component from the text of `/proc/meminfo`.
pub fn parse(text: &str, path: &Path) -> Result<Reading, NoData> {
    let fields = fields(text);
    let required = |key: &'static str, expected: &'static str| {
        fields.get(key).copied().ok_or_else(|| source::malformed(path, None, expected))
    };
    let total = required("MemTotal", "a line `MemTotal: N kB`")?;
    let free = required("MemFree", "a line `MemFree: N kB`")?;
    if total <= 0.0 || free > total {
        return Err(source::malformed(path, None, "MemTotal above zero and MemFree at most that"));
    }
    let buffers = fields.get("Buffers").copied().unwrap_or(0.0);
    let cached = ["Cached", "SReclaimable"].iter().filter_map(|key| fields.get(key)).sum::<f64>();
    let used = (total - free - buffers - cached).max(0.0);
    let usage = |state, value| {
        let value = Some(rounded_size(value, total));
        gauge(names::MEMORY_USAGE, "By", SCALE_WHOLE, &[(names::MEMORY_STATE, state)], value)
    };
    let mut samples = vec![
        usage("used", used),
        usage("free", free),
        usage("cached", cached),
        usage("buffers", buffers),
        gauge(names::MEMORY_LIMIT, "By", SCALE_WHOLE, &[], Some(total)),
    ];
    if let Some(available) = fields.get("MemAvailable") {
        let available = Some(rounded_size(*available, total));
        samples.push(gauge(names::MEMORY_AVAILABLE, "By", SCALE_WHOLE, &[], available));
    }
    samples.extend(swap(&fields));
    Ok(Reading { samples, components: vec![component(total)] })
}

/// A host without swap says so with zeros; one whose kernel does not speak of it says nothing.
fn swap(fields: &BTreeMap<&str, f64>) -> Vec<Sample> {
    let (Some(total), Some(free)) = (fields.get("SwapTotal"), fields.get("SwapFree")) else {
        return Vec::new();
    };
    [("used", (total - free).max(0.0)), ("free", *free)]
        .map(|(state, value)| {
            gauge(names::PAGING_USAGE, "By", SCALE_WHOLE, &[(names::PAGING_STATE, state)], Some(value))
        })
        .into()
}

/// What is installed.
pub(in crate::sensor) fn component(size_bytes: f64) -> Component {
    Component {
        kind: "memory".into(),
        id: "memory".into(),
        name: String::new(),
        model: String::new(),
        serial: String::new(),
        state: State::Ok,
        reasons: vec![],
        figures: part::figures(&[("size_bytes", Some(size_bytes))]),
    }
}

/// Key to bytes. Lines that are not `Key: N kB` are left out: the kernel adds new ones at will.
fn fields(text: &str) -> BTreeMap<&str, f64> {
    tree(text.lines().filter_map(|line| {
        let (key, rest) = line.split_once(':')?;
        let mut words = rest.split_whitespace();
        let number: f64 = words.next()?.parse::<u64>().ok()? as f64;
        Some((key.trim(), if words.next() == Some("kB") { number * 1024.0 } else { number }))
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sensor::testing::{recording, values};

    const TEXT: &str = "MemTotal: 1000 kB\nMemFree: 200 kB\nMemAvailable: 600 kB\nBuffers: 100 kB\nCached: 300 kB\n\
                        SReclaimable: 50 kB\nSwapTotal: 400 kB\nSwapFree: 100 kB\nHugePages_Total: 7\nnonsense\n";

    #[test]
    fn states_sum_to_the_size_and_swap_is_apart() {
        let reading = parse(TEXT, Path::new("meminfo")).unwrap();
        let values = values(&reading);
        let kib = |value: f64| Some(value * 1024.0);
        assert_eq!(values["system.memory.usage{system.memory.state=used}"], kib(350.0));
        assert_eq!(values["system.memory.usage{system.memory.state=cached}"], kib(350.0));
        assert_eq!(values["system.memory.limit"], kib(1000.0));
        assert_eq!(values["system.linux.memory.available"], kib(600.0));
        assert_eq!(values["system.paging.usage{system.paging.state=used}"], kib(300.0));
        assert_eq!(reading.components[0].figures["size_bytes"], 1_024_000.0);
    }

    #[test]
    fn text_that_is_not_meminfo_is_refused_by_name() {
        for text in [
            "",
            "MemTotal: x kB\nMemFree: 1 kB",
            "MemTotal: 0 kB\nMemFree: 0 kB",
            "MemTotal: 1 kB\nMemFree: 2 kB",
        ] {
            let error = parse(text, Path::new("meminfo")).unwrap_err();
            assert!(error.to_string().starts_with("meminfo: expected"), "{error}");
        }
    }

    #[test]
    fn a_recorded_host_is_read() {
        let Some(text) = recording("procfs/proc/meminfo") else { return };
        let reading = parse(&text, Path::new("meminfo")).unwrap();
        let values = values(&reading);
        assert_eq!(values["system.memory.limit"], Some(15_666_184.0 * 1024.0));
        assert_eq!(values["system.paging.usage{system.paging.state=used}"], Some(0.0));
    }
}
