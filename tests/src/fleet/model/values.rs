//! The values of one step: processor, memory, file systems, disks, network, temperature, uptime, reachability.

use crate::fleet::day::{self, Local};
use crate::fleet::failure::FailureKind;
use crate::fleet::model::Model;
use crate::fleet::plan::HostKind;
use tram_agent::sensor::Sample;
use tram_agent::sensor::reach::{Reachability, RungResult};
use tram_agent::sensor::sample::{
    Pairs, SCALE_CELSIUS, SCALE_FRACTION, SCALE_LOAD, SCALE_SECONDS, SCALE_WHOLE, counter, gauge,
};
use tram_proto::reach::{Method, Outcome, Rung, Verdict};
use tram_proto::sample as names;

const DAY_MS: f64 = 86_400_000.0;
/// What a full file system has left, and how fast it loses the rest.
const FILLING_FREE_BYTES: f64 = 900e6;
const FILLING_BYTES_PER_S: f64 = 250e3;
/// What the maker says of the processor.
const LIMIT_CELSIUS: f64 = 100.0;

impl Model {
    pub(super) fn values(&mut self, now_ms: i64, since_ms: u64, passed_s: f64) -> Vec<Sample> {
        let local = day::local(now_ms);
        let busy = self.busy(local);
        let mut samples = self.processor(busy);
        samples.extend(self.memory(busy));
        samples.extend(self.file_systems(since_ms));
        samples.extend(self.disks(busy, passed_s));
        samples.extend(self.network(busy, since_ms, passed_s));
        samples.extend(self.temperature(busy, since_ms));
        let up_s = (now_ms - self.boot.started_ms) as f64 / 1000.0;
        samples.push(gauge(names::UPTIME, "s", SCALE_SECONDS, &[], Some(up_s)));
        samples.push(whole(names::BOOT_UNCLEAN, "1", &[], f64::from(u8::from(self.boot.unclean))));
        samples.push(whole(names::CLOCK_SYNCHRONIZED, "1", &[], 1.0));
        samples.extend(self.reachability(since_ms).samples());
        samples
    }

    /// Share of the processors in use: the day's activity, drifting.
    fn busy(&mut self, local: Local) -> f64 {
        let aim = match self.host.kind {
            HostKind::Server => 0.06 + 0.28 * local.activity(),
            HostKind::Workstation | HostKind::Laptop => 0.03 + 0.22 * local.activity(),
        };
        self.load = (self.load * 0.8 + aim * 0.2 + 0.02 * self.dice.noise()).clamp(0.01, 0.7);
        self.load
    }

    fn processor(&mut self, busy: f64) -> Vec<Sample> {
        let iowait = (0.01 + 0.005 * self.dice.noise()).max(0.0);
        let shares = [
            ("user", busy * 0.7),
            ("nice", 0.0),
            ("system", busy * 0.25),
            ("idle", 1.0 - busy - iowait),
            ("iowait", iowait),
            ("interrupt", busy * 0.05),
            ("steal", 0.0),
        ];
        let share = |(mode, value): (&str, f64)| {
            gauge(names::CPU_UTILIZATION, "1", SCALE_FRACTION, &[(names::CPU_MODE, mode)], Some(value))
        };
        let mut samples: Vec<Sample> = shares.into_iter().map(share).collect();
        let processors = f64::from(self.hardware.processors);
        samples.push(whole(names::CPU_COUNT, "{cpu}", &[], processors));
        for (name, calm) in [(names::LOAD_1M, 1.0), (names::LOAD_5M, 0.9), (names::LOAD_15M, 0.85)] {
            samples.push(gauge(name, "{thread}", SCALE_LOAD, &[], Some(busy * processors * calm)));
        }
        samples
    }

    fn memory(&mut self, busy: f64) -> Vec<Sample> {
        let total = self.hardware.memory_bytes as f64;
        let used = total * (0.28 + 0.5 * busy + 0.01 * self.dice.noise()).clamp(0.1, 0.75);
        let cached = (total - used) * 0.6;
        let buffers = (total - used) * 0.05;
        let state =
            |state, value: f64| whole(names::MEMORY_USAGE, "By", &[(names::MEMORY_STATE, state)], value);
        let swap_used = self.hardware.swap_bytes as f64 * 0.03;
        let swap =
            |state, value: f64| whole(names::PAGING_USAGE, "By", &[(names::PAGING_STATE, state)], value);
        vec![
            state("used", used),
            state("free", total - used - cached - buffers),
            state("cached", cached),
            state("buffers", buffers),
            whole(names::MEMORY_LIMIT, "By", &[], total),
            whole(names::MEMORY_AVAILABLE, "By", &[], (total - used) * 0.97),
            swap("used", swap_used),
            swap("free", self.hardware.swap_bytes as f64 - swap_used),
        ]
    }

    fn file_systems(&mut self, since_ms: u64) -> Vec<Sample> {
        let filling = [FailureKind::DiskFilling, FailureKind::Recovers];
        let filling_ms = filling.into_iter().find_map(|kind| self.active_ms(kind, since_ms));
        let last = self.hardware.volumes.len() - 1;
        let mut samples = Vec::new();
        for (place, volume) in self.hardware.volumes.iter().enumerate() {
            let size = volume.bytes as f64;
            let grown = volume.growth_bytes * since_ms as f64 / DAY_MS;
            let mut used = (size * volume.used + grown + self.dice.noise() * 2e6).clamp(0.0, size * 0.84);
            if let Some(filling_ms) = filling_ms.filter(|_| place == last) {
                let left = FILLING_FREE_BYTES - FILLING_BYTES_PER_S * filling_ms as f64 / 1000.0;
                used = size - left.max(0.0);
            }
            let on = [(names::MOUNTPOINT, volume.point), (names::FILESYSTEM_TYPE, volume.kind)];
            let of = |name, unit, state, value: f64| {
                whole(name, unit, &[on[0], on[1], (names::FILESYSTEM_STATE, state)], value)
            };
            let inodes = size / 16_384.0;
            samples.extend([
                of(names::FILESYSTEM_USAGE, "By", "used", used),
                of(names::FILESYSTEM_USAGE, "By", "free", size - used),
                whole(names::FILESYSTEM_LIMIT, "By", &on, size),
                whole(names::FILESYSTEM_READ_ONLY, "1", &on, 0.0),
                of(names::FILESYSTEM_INODES, "{inode}", "used", inodes * 0.08),
                of(names::FILESYSTEM_INODES, "{inode}", "free", inodes * 0.92),
            ]);
        }
        samples
    }

    fn disks(&mut self, busy: f64, passed_s: f64) -> Vec<Sample> {
        let devices: Vec<String> = self.hardware.disks.iter().map(|disk| disk.device.clone()).collect();
        let mut samples = Vec::new();
        for device in &devices {
            let mut busy_s = 0.0;
            for (direction, bytes_per_s) in [("read", 9e6), ("write", 6e6)] {
                let bytes = self.spread(busy * bytes_per_s, passed_s);
                let seconds = bytes / 16_384.0 * 0.0004;
                busy_s += seconds * 0.7;
                let on = [(names::DEVICE, device.as_str()), (names::IO_DIRECTION, direction)];
                samples.push(self.total(names::DISK_IO, "By", SCALE_WHOLE, &on, bytes));
                samples.push(self.total(
                    names::DISK_OPERATIONS,
                    "{operation}",
                    SCALE_WHOLE,
                    &on,
                    bytes / 16_384.0,
                ));
                samples.push(self.total(names::DISK_OPERATION_TIME, "s", SCALE_SECONDS, &on, seconds));
            }
            let on = [(names::DEVICE, device.as_str())];
            samples.push(self.total(names::DISK_IO_TIME, "s", SCALE_SECONDS, &on, busy_s));
        }
        samples
    }

    fn network(&mut self, busy: f64, since_ms: u64, passed_s: f64) -> Vec<Sample> {
        let flapping = self.active_ms(FailureKind::FlappingLink, since_ms);
        let up = flapping.is_none_or(|active_ms| active_ms / 15_000 % 2 == 0);
        let interface = self.hardware.interface;
        let mut samples = Vec::new();
        for (direction, bytes_per_s) in [("receive", 1.8e6), ("transmit", 0.7e6)] {
            let bytes = self.spread(busy * bytes_per_s, passed_s);
            let packets = bytes / 700.0;
            let wrong = if flapping.is_some() { packets * 0.04 } else { 0.0 };
            let on = [(names::INTERFACE, interface), (names::NETWORK_DIRECTION, direction)];
            samples.push(self.total(names::NETWORK_IO, "By", SCALE_WHOLE, &on, bytes));
            samples.push(self.total(names::NETWORK_PACKETS, "{packet}", SCALE_WHOLE, &on, packets));
            samples.push(self.total(names::NETWORK_ERRORS, "{error}", SCALE_WHOLE, &on, wrong));
            samples.push(self.total(names::NETWORK_DROPPED, "{packet}", SCALE_WHOLE, &on, wrong * 0.5));
        }
        let on = [(names::INTERFACE, interface)];
        samples.push(whole(names::NETWORK_UP, "1", &on, f64::from(u8::from(up))));
        samples.push(whole(names::NETWORK_LIMIT, "By/s", &on, self.hardware.speed));
        samples
    }

    fn temperature(&mut self, busy: f64, since_ms: u64) -> Vec<Sample> {
        let hot = self.has(FailureKind::Overheating, since_ms);
        let own = self.hardware.idle_celsius + 25.0 * busy + self.dice.noise() * 0.6;
        let celsius = if hot { LIMIT_CELSIUS + 1.0 + self.dice.noise().abs() * 0.5 } else { own };
        let on = [(names::HW_ID, "coretemp.0/temp1"), (names::HW_NAME, "Package id 0")];
        let limit = [on[0], on[1], (names::LIMIT_TYPE, "high.critical")];
        vec![
            gauge(names::TEMPERATURE, "Cel", SCALE_CELSIUS, &on, Some(celsius)),
            gauge(names::TEMPERATURE_LIMIT, "Cel", SCALE_CELSIUS, &limit, Some(LIMIT_CELSIUS)),
        ]
    }

    /// What its ladder would find: everything answers, unless the uplink is cut or the link flaps.
    fn reachability(&mut self, since_ms: u64) -> Reachability {
        let cut = self.has(FailureKind::CutUplink, since_ms);
        let lossy = self.has(FailureKind::FlappingLink, since_ms);
        let verdict = match (cut, lossy) {
            (true, _) => Verdict::UplinkDown,
            (false, true) => Verdict::Degraded,
            (false, false) => Verdict::Ok,
        };
        let ladder = [
            (Rung::Interface, Method::Kernel, self.hardware.interface, 0.0, false),
            (Rung::Gateway, Method::Icmp, "192.168.1.1", 0.000_6, false),
            (Rung::Resolver, Method::Dns, "192.168.1.1", 0.002, cut),
            (Rung::Name, Method::Dns, "connectivitycheck.gstatic.com", 0.011, cut),
            (Rung::Internet, Method::Icmp, "1.1.1.1", 0.031, cut),
            (Rung::Internet, Method::Icmp, "8.8.8.8", 0.034, cut),
            (Rung::Web, Method::Http, "http://connectivitycheck.gstatic.com/generate_204", 0.07, cut),
            (Rung::Collector, Method::Tcp, "collector", 0.008, cut),
        ];
        let rungs = ladder
            .into_iter()
            .map(|(rung, method, target, rtt_s, failed)| {
                let lost = lossy && rung != Rung::Interface;
                let loss = if failed {
                    1.0
                } else if lost {
                    0.4
                } else {
                    0.0
                };
                let sent = rung != Rung::Interface;
                RungResult {
                    rung,
                    method,
                    target: target.to_owned(),
                    outcome: if failed {
                        Outcome::Failed
                    } else if lost {
                        Outcome::Lossy
                    } else {
                        Outcome::Ok
                    },
                    loss: sent.then_some(loss),
                    rtt_s: (sent && !failed).then(|| rtt_s * self.dice.between(0.9, 1.4)),
                    reason: failed.then(|| "no answer".to_owned()),
                    place: None,
                }
            })
            .collect();
        Reachability { verdict, rungs }
    }

    /// What a rate comes to over some time, give or take a third.
    fn spread(&mut self, per_s: f64, passed_s: f64) -> f64 {
        per_s * passed_s * (1.0 + 0.33 * self.dice.noise()).max(0.0)
    }

    /// Adds to a running total and says what it has come to.
    fn total(&mut self, name: &str, unit: &str, scale: u8, on: Pairs<'_>, more: f64) -> Sample {
        let key: Vec<&str> = std::iter::once(name).chain(on.iter().map(|(_, value)| *value)).collect();
        let total = self.totals.entry(key.join(" ")).or_default();
        *total += more.max(0.0);
        counter(name, unit, scale, on, Some(*total))
    }
}

fn whole(name: &str, unit: &str, on: Pairs<'_>, value: f64) -> Sample {
    gauge(name, unit, SCALE_WHOLE, on, Some(value))
}
