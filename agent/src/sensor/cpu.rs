//! Processors: share of time per mode since the read before, load averages, count and model. From `/proc/stat`,
//! `/proc/loadavg` and, once, `/proc/cpuinfo`.

use crate::sensor::part;
use crate::sensor::sample::{SCALE_FRACTION, SCALE_LOAD, SCALE_WHOLE, clean, gauge};
use crate::sensor::{NoData, Paths, Reading, Sample, Sensor, source};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;
use tram_proto::component::{Component, State};
use tram_proto::sample as names;

/// Shares need two looks. The very first read takes its second one this much later; every other has its first from
/// the read before.
const FIRST_LOOK: Duration = Duration::from_millis(200);

/// The modes reported, in the order of [`Ticks`].
const MODES: [&str; 7] = ["user", "nice", "system", "idle", "iowait", "interrupt", "steal"];

/// The sensor.
#[derive(Debug, Default)]
pub struct Cpu {
    before: Option<Ticks>,
    /// Reading `/proc/cpuinfo` interrupts every processor, and a processor is not changed in a running host.
    components: Vec<Component>,
}

/// Clock ticks per mode since boot, all processors together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ticks([u64; MODES.len()]);

impl Sensor for Cpu {
    fn name(&self) -> &'static str {
        "cpu"
    }

    fn read(&mut self, paths: &Paths) -> Result<Reading, NoData> {
        let path = paths.procfs.join("stat");
        let before = match self.before {
            Some(before) => before,
            None => {
                let (before, _) = parse_stat(&source::text(&path)?, &path)?;
                std::thread::sleep(FIRST_LOOK);
                before
            }
        };
        let (after, count) = parse_stat(&source::text(&path)?, &path)?;
        self.before = Some(after);
        if self.components.is_empty() {
            let text = source::text(&paths.procfs.join("cpuinfo")).unwrap_or_default();
            self.components = parse_cpuinfo(&text, count);
        }
        let mut samples = utilization(before, after);
        samples.push(gauge(names::CPU_COUNT, "{cpu}", SCALE_WHOLE, &[], Some(f64::from(count))));
        let path = paths.procfs.join("loadavg");
        samples.extend(parse_loadavg(&source::text(&path)?, &path)?);
        Ok(Reading { samples, components: self.components.clone() })
    }
}

/// Ticks of all processors, and how many processors there are, from the text of `/proc/stat`.
pub fn parse_stat(text: &str, path: &Path) -> Result<(Ticks, u32), NoData> {
    let malformed = || source::malformed(path, Some(1), "`cpu` and at least 8 counts of ticks");
    let rest = text.strip_prefix("cpu ").ok_or_else(malformed)?;
    let fields: Vec<u64> = rest
        .lines()
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .map_while(|field| field.parse().ok())
        .collect();
    // Guest time, in the fields after these, is already counted in user and nice.
    let &[user, nice, system, idle, iowait, irq, softirq, steal, ..] = fields.as_slice() else {
        return Err(malformed());
    };
    let interrupt = irq.saturating_add(softirq);
    let processors = text.lines().skip(1).take_while(|line| line.starts_with("cpu")).count();
    let count = u32::try_from(processors.max(1)).unwrap_or(u32::MAX);
    Ok((Ticks([user, nice, system, idle, iowait, interrupt, steal]), count))
}

/// Share of time per mode between two looks; no values when no time has passed between them. The kernel's idle and
/// iowait may run backwards a little: that counts as no time.
pub fn utilization(before: Ticks, after: Ticks) -> Vec<Sample> {
    let mut passed = [0_u64; MODES.len()];
    for (passed, (before, after)) in passed.iter_mut().zip(before.0.into_iter().zip(after.0)) {
        *passed = after.saturating_sub(before);
    }
    let total: f64 = passed.iter().map(|ticks| *ticks as f64).sum();
    let share = |ticks: u64| (total > 0.0).then(|| ticks as f64 / total);
    let sample = |(mode, ticks)| {
        gauge(names::CPU_UTILIZATION, "1", SCALE_FRACTION, &[(names::CPU_MODE, mode)], share(ticks))
    };
    MODES.into_iter().zip(passed).map(sample).collect()
}

/// The three load averages from the text of `/proc/loadavg`.
pub fn parse_loadavg(text: &str, path: &Path) -> Result<Vec<Sample>, NoData> {
    let mut fields = text.split_whitespace().map_while(|field| field.parse::<f64>().ok());
    let sample = |name: &str| {
        let value = fields.next().filter(|value| value.is_finite() && *value >= 0.0);
        let value = value.ok_or_else(|| source::malformed(path, Some(1), "three load averages"))?;
        Ok(gauge(name, "{thread}", SCALE_LOAD, &[], Some(value)))
    };
    [names::LOAD_1M, names::LOAD_5M, names::LOAD_15M].into_iter().map(sample).collect()
}

/// One component per socket from the text of `/proc/cpuinfo`; architectures that do not speak of sockets have one.
pub fn parse_cpuinfo(text: &str, count: u32) -> Vec<Component> {
    let mut sockets: BTreeMap<u32, u32> = BTreeMap::new();
    let mut model = String::new();
    for (key, value) in text.lines().filter_map(|line| line.split_once(':')) {
        match key.trim() {
            "physical id" => *sockets.entry(value.trim().parse().unwrap_or(0)).or_default() += 1,
            "model name" | "Model" | "cpu model" if model.is_empty() => model = clean(value.trim()),
            _ => {}
        }
    }
    if sockets.is_empty() {
        sockets.insert(0, count);
    }
    let component = |(socket, logical): (u32, u32)| Component {
        kind: "cpu".into(),
        id: format!("cpu{socket}"),
        name: String::new(),
        model: model.clone(),
        serial: String::new(),
        state: State::Ok,
        reasons: vec![],
        figures: part::figures(&[("logical_count", Some(f64::from(logical)))]),
    };
    sockets.into_iter().map(component).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sensor::testing::{recording, values};

    fn stat(text: &str) -> Result<(Ticks, u32), NoData> {
        parse_stat(text, Path::new("stat"))
    }

    fn shares(before: &str, after: &str) -> BTreeMap<String, Option<f64>> {
        let samples = utilization(stat(before).unwrap().0, stat(after).unwrap().0);
        values(&Reading { samples, components: vec![] })
    }

    #[test]
    fn shares_are_of_the_time_between_two_looks() {
        let shares = shares("cpu  10 0 10 80 0 0 0 0 0 0\ncpu0 1", "cpu  40 0 20 130 5 3 2 0 99 0\ncpu0 1");
        assert_eq!(shares["system.cpu.utilization{cpu.mode=user}"], Some(0.3));
        assert_eq!(shares["system.cpu.utilization{cpu.mode=interrupt}"], Some(0.05));
        assert_eq!(shares["system.cpu.utilization{cpu.mode=idle}"], Some(0.5));
        assert!((shares.values().flatten().sum::<f64>() - 1.0).abs() < 1e-9);
    }

    #[test]
    fn no_time_passed_means_no_values_and_backward_counts_are_no_time() {
        let line = "cpu  10 0 10 80 7 0 0 0";
        assert!(shares(line, line).values().all(Option::is_none));
        let backward = shares(line, "cpu  20 0 10 80 6 0 0 0");
        assert_eq!(backward["system.cpu.utilization{cpu.mode=user}"], Some(1.0));
        assert_eq!(backward["system.cpu.utilization{cpu.mode=iowait}"], Some(0.0));
    }

    #[test]
    fn text_that_is_not_stat_or_loadavg_is_refused_by_name_and_line() {
        for text in ["", "intr 1 2", "cpu  1 2 3", "cpu  a b c d e f g h", "cpu\u{a0}1"] {
            let error = stat(text).unwrap_err().to_string();
            assert_eq!(error, "stat: line 1: expected `cpu` and at least 8 counts of ticks");
        }
        for text in ["", "0.1 0.2", "1 x 3", "NaN 1 2", "-1 1 1"] {
            assert!(parse_loadavg(text, Path::new("loadavg")).is_err(), "{text}");
        }
    }

    #[test]
    fn each_socket_is_a_component_with_its_model() {
        let text =
            "model name\t: Intel Xeon\nphysical id\t: 0\n\nmodel name\t: Intel Xeon\nphysical id\t: 1\n";
        let sockets = parse_cpuinfo(text, 2);
        assert_eq!(sockets.iter().map(|part| part.id.as_str()).collect::<Vec<_>>(), ["cpu0", "cpu1"]);
        assert_eq!(sockets[1].model, "Intel Xeon");
        let unknown = parse_cpuinfo("", 4);
        assert_eq!((unknown.len(), unknown[0].figures["logical_count"]), (1, 4.0));
    }

    #[test]
    fn a_recorded_host_is_read() {
        let Some(text) = recording("procfs/proc/stat") else { return };
        assert_eq!(stat(&text).unwrap().1, 8);
        let Some(text) = recording("procfs/proc/cpuinfo") else { return };
        let sockets = parse_cpuinfo(&text, 8);
        assert_eq!((sockets.len(), sockets[0].figures["logical_count"]), (1, 8.0));
        assert!(sockets[0].model.starts_with("Intel(R) Core(TM) i7-8650U"));
    }

    #[test]
    fn the_host_that_runs_this_test_is_read() {
        let mut cpu = Cpu::default();
        let reading = cpu.read(&Paths::default()).unwrap();
        let values = values(&reading);
        assert!(
            values["system.cpu.utilization{cpu.mode=idle}"].is_some_and(|share| (0.0..=1.0).contains(&share))
        );
        assert!(values["system.cpu.logical.count"] >= Some(1.0));
        assert!(values["system.cpu.load_average.1m"] >= Some(0.0));
    }
}
