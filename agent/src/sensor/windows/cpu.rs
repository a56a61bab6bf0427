//! Processors: share of time by mode since the read before, count and model.

use super::refused;
use crate::sensor::sample::{SCALE_FRACTION, SCALE_WHOLE, clean, gauge};
use crate::sensor::{NoData, Paths, Reading, Sample, Sensor};
use crate::system::registry;
use std::collections::BTreeMap;
use std::time::Duration;
use tram_proto::component::{Component, State};
use tram_proto::sample as names;
use winsafe::{FILETIME, GetSystemTimes};

/// Shares need two looks. The very first read takes its second one this much later.
const FIRST_LOOK: Duration = Duration::from_millis(200);
const PROCESSOR: &str = r"HARDWARE\DESCRIPTION\System\CentralProcessor\0";

/// The sensor.
#[derive(Debug, Default)]
pub(super) struct Cpu {
    before: Option<Times>,
}

/// Time since boot, all processors together, in units of 100 ns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Times {
    idle: u64,
    /// What the kernel calls its own time counts idling in.
    kernel: u64,
    user: u64,
}

impl Sensor for Cpu {
    fn name(&self) -> &'static str {
        "cpu"
    }

    fn read(&mut self, _paths: &Paths) -> Result<Reading, NoData> {
        let before = match self.before {
            Some(before) => before,
            None => {
                let before = times()?;
                std::thread::sleep(FIRST_LOOK);
                before
            }
        };
        let after = times()?;
        self.before = Some(after);
        let count = std::thread::available_parallelism().map_or(1, usize::from) as f64;
        let mut samples = utilization(before, after);
        samples.push(gauge(names::CPU_COUNT, "{cpu}", SCALE_WHOLE, &[], Some(count)));
        Ok(Reading { samples, components: vec![component(count)] })
    }
}

fn times() -> Result<Times, NoData> {
    let (idle, kernel, user) = GetSystemTimes().map_err(|error| refused("processor times", error))?;
    let whole = |time: FILETIME| u64::from(time.dwHighDateTime) << 32 | u64::from(time.dwLowDateTime);
    Ok(Times { idle: whole(idle), kernel: whole(kernel), user: whole(user) })
}

/// No time passed means no values.
fn utilization(before: Times, after: Times) -> Vec<Sample> {
    let passed = |field: fn(&Times) -> u64| field(&after).saturating_sub(field(&before));
    let (idle, user) = (passed(|times| times.idle), passed(|times| times.user));
    let system = passed(|times| times.kernel).saturating_sub(idle);
    let whole = idle + user + system;
    let share = |part: u64| (whole > 0).then(|| part as f64 / whole as f64);
    [("user", user), ("system", system), ("idle", idle)]
        .map(|(mode, part)| {
            gauge(names::CPU_UTILIZATION, "1", SCALE_FRACTION, &[(names::CPU_MODE, mode)], share(part))
        })
        .into()
}

fn component(count: f64) -> Component {
    Component {
        kind: "cpu".into(),
        id: "cpu0".into(),
        name: String::new(),
        model: clean(&registry::text(PROCESSOR, "ProcessorNameString").unwrap_or_default()),
        serial: String::new(),
        state: State::Ok,
        reasons: vec![],
        figures: BTreeMap::from([("logical_count".to_owned(), count)]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sensor::testing::values;

    #[test]
    fn idling_is_not_counted_as_the_systems_time() {
        let before = Times { idle: 100, kernel: 150, user: 50 };
        let after = Times { idle: 160, kernel: 230, user: 70 };
        let shares =
            |before, after| values(&Reading { samples: utilization(before, after), components: vec![] });
        let found = shares(before, after);
        assert_eq!(found["system.cpu.utilization{cpu.mode=idle}"], Some(0.6));
        assert_eq!(found["system.cpu.utilization{cpu.mode=system}"], Some(0.2));
        assert_eq!(found["system.cpu.utilization{cpu.mode=user}"], Some(0.2));
        assert!(shares(before, before).values().all(Option::is_none));
    }

    #[test]
    fn the_host_that_runs_this_test_is_read() {
        let reading = Cpu::default().read(&Paths::default()).unwrap();
        assert!(values(&reading)["system.cpu.logical.count"] >= Some(1.0));
    }
}
