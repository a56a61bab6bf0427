//! What is stored to be measured: the peers' fleet as Trạm's agents would name it, and recordings of real machines.
//! Every set is the same numbers for Trạm and for its peers.

use super::core::Row;
use anyhow::{Context as _, bail, ensure};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::fs::File;
use std::io::{BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use tram_proto::catalogue::{Attributes, Catalogue, Column, Kind};
use tram_proto::sample::{self as name, HOST_NAME};

/// First second of the kit's data: 2026-10-01, midnight.
pub const KIT_BASE_S: i64 = 1_790_812_800;
/// Interval of the kit's data.
pub const STEP_MS: i64 = 15_000;
/// Most digits behind the point that a column may have.
const DIGITS_MAX: u8 = 9;
/// What a double still holds exactly.
const WHOLE_MAX: f64 = 9_007_199_254_740_992.0;

/// A set of samples.
pub struct Set {
    /// What each host reports.
    pub catalogues: Vec<Catalogue>,
    /// Reports in order of time.
    pub rows: Box<dyn Iterator<Item = anyhow::Result<Row>>>,
}

/// One series of the kit: its field there, what an agent calls it, and how many digits its value is shifted by.
type Named =
    (&'static str, &'static str, &'static [(&'static str, &'static str)], &'static str, u8, u8, Kind);

use Kind::{Counter, Gauge};

/// Field, name, attributes, unit, digits that the kit's value is shifted by, scale of the column, kind.
#[rustfmt::skip]
const KIT: &[Named] = &[
    ("cpu.user", name::CPU_UTILIZATION, &[(name::CPU_MODE, "user")], "1", 2, 4, Gauge),
    ("cpu.nice", name::CPU_UTILIZATION, &[(name::CPU_MODE, "nice")], "1", 2, 4, Gauge),
    ("cpu.system", name::CPU_UTILIZATION, &[(name::CPU_MODE, "system")], "1", 2, 4, Gauge),
    ("cpu.idle", name::CPU_UTILIZATION, &[(name::CPU_MODE, "idle")], "1", 2, 4, Gauge),
    ("cpu.iowait", name::CPU_UTILIZATION, &[(name::CPU_MODE, "iowait")], "1", 2, 4, Gauge),
    ("cpu.irq", name::CPU_UTILIZATION, &[(name::CPU_MODE, "interrupt")], "1", 2, 4, Gauge),
    ("cpu.softirq", name::CPU_UTILIZATION, &[(name::CPU_MODE, "softirq")], "1", 2, 4, Gauge),
    ("cpu.steal", name::CPU_UTILIZATION, &[(name::CPU_MODE, "steal")], "1", 2, 4, Gauge),
    ("load.load1", name::LOAD_1M, &[], "{thread}", 2, 2, Gauge),
    ("load.load5", name::LOAD_5M, &[], "{thread}", 2, 2, Gauge),
    ("load.load15", name::LOAD_15M, &[], "{thread}", 2, 2, Gauge),
    ("mem.total", name::MEMORY_LIMIT, &[], "By", 0, 0, Gauge),
    ("mem.free", name::MEMORY_USAGE, &[(name::MEMORY_STATE, "free")], "By", 0, 0, Gauge),
    ("mem.available", name::MEMORY_AVAILABLE, &[], "By", 0, 0, Gauge),
    ("mem.buffers", name::MEMORY_USAGE, &[(name::MEMORY_STATE, "buffers")], "By", 0, 0, Gauge),
    ("mem.cached", name::MEMORY_USAGE, &[(name::MEMORY_STATE, "cached")], "By", 0, 0, Gauge),
    ("mem.used", name::MEMORY_USAGE, &[(name::MEMORY_STATE, "used")], "By", 0, 0, Gauge),
    ("mem.swap_total", "system.paging.limit", &[], "By", 0, 0, Gauge),
    ("mem.swap_used", name::PAGING_USAGE, &[(name::PAGING_STATE, "used")], "By", 0, 0, Gauge),
    ("disk./.total", name::FILESYSTEM_LIMIT, &[(name::MOUNTPOINT, "/")], "By", 0, 0, Gauge),
    ("disk./.used", name::FILESYSTEM_USAGE, &[(name::MOUNTPOINT, "/"), (name::FILESYSTEM_STATE, "used")], "By", 0, 0, Gauge),
    ("disk./.avail", name::FILESYSTEM_USAGE, &[(name::MOUNTPOINT, "/"), (name::FILESYSTEM_STATE, "free")], "By", 0, 0, Gauge),
    ("disk./.inodes_free", name::FILESYSTEM_INODES, &[(name::MOUNTPOINT, "/"), (name::FILESYSTEM_STATE, "free")], "{inode}", 0, 0, Gauge),
    ("disk./data.total", name::FILESYSTEM_LIMIT, &[(name::MOUNTPOINT, "/data")], "By", 0, 0, Gauge),
    ("disk./data.used", name::FILESYSTEM_USAGE, &[(name::MOUNTPOINT, "/data"), (name::FILESYSTEM_STATE, "used")], "By", 0, 0, Gauge),
    ("disk./data.avail", name::FILESYSTEM_USAGE, &[(name::MOUNTPOINT, "/data"), (name::FILESYSTEM_STATE, "free")], "By", 0, 0, Gauge),
    ("disk./data.inodes_free", name::FILESYSTEM_INODES, &[(name::MOUNTPOINT, "/data"), (name::FILESYSTEM_STATE, "free")], "{inode}", 0, 0, Gauge),
    ("diskio.sda.reads", name::DISK_OPERATIONS, &[(name::DEVICE, "sda"), (name::IO_DIRECTION, "read")], "{operation}", 0, 0, Counter),
    ("diskio.sda.writes", name::DISK_OPERATIONS, &[(name::DEVICE, "sda"), (name::IO_DIRECTION, "write")], "{operation}", 0, 0, Counter),
    ("diskio.sda.read_bytes", name::DISK_IO, &[(name::DEVICE, "sda"), (name::IO_DIRECTION, "read")], "By", 0, 0, Counter),
    ("diskio.sda.write_bytes", name::DISK_IO, &[(name::DEVICE, "sda"), (name::IO_DIRECTION, "write")], "By", 0, 0, Counter),
    ("diskio.sda.io_ms", name::DISK_IO_TIME, &[(name::DEVICE, "sda")], "s", 0, 3, Counter),
    ("diskio.sda.inflight", "system.disk.pending_operations", &[(name::DEVICE, "sda")], "{operation}", 0, 0, Gauge),
    ("net.eth0.rx_bytes", name::NETWORK_IO, &[(name::INTERFACE, "eth0"), (name::NETWORK_DIRECTION, "receive")], "By", 0, 0, Counter),
    ("net.eth0.tx_bytes", name::NETWORK_IO, &[(name::INTERFACE, "eth0"), (name::NETWORK_DIRECTION, "transmit")], "By", 0, 0, Counter),
    ("net.eth0.rx_packets", name::NETWORK_PACKETS, &[(name::INTERFACE, "eth0"), (name::NETWORK_DIRECTION, "receive")], "{packet}", 0, 0, Counter),
    ("net.eth0.tx_packets", name::NETWORK_PACKETS, &[(name::INTERFACE, "eth0"), (name::NETWORK_DIRECTION, "transmit")], "{packet}", 0, 0, Counter),
    ("net.eth0.rx_errs", name::NETWORK_ERRORS, &[(name::INTERFACE, "eth0"), (name::NETWORK_DIRECTION, "receive")], "{error}", 0, 0, Counter),
    ("net.eth0.tx_errs", name::NETWORK_ERRORS, &[(name::INTERFACE, "eth0"), (name::NETWORK_DIRECTION, "transmit")], "{error}", 0, 0, Counter),
    ("net.eth0.rx_drop", name::NETWORK_DROPPED, &[(name::INTERFACE, "eth0"), (name::NETWORK_DIRECTION, "receive")], "{packet}", 0, 0, Counter),
    ("net.eth0.tx_drop", name::NETWORK_DROPPED, &[(name::INTERFACE, "eth0"), (name::NETWORK_DIRECTION, "transmit")], "{packet}", 0, 0, Counter),
    ("system.uptime", name::UPTIME, &[], "s", 0, 0, Gauge),
    ("system.procs", "system.process.count", &[], "{process}", 0, 0, Gauge),
    ("system.procs_running", "tram.process.running", &[], "{process}", 0, 0, Gauge),
    ("system.threads", "tram.thread.count", &[], "{thread}", 0, 0, Gauge),
    ("system.users", "tram.user.count", &[], "{user}", 0, 0, Gauge),
    ("system.boot_time", "tram.boot.time", &[], "s", 0, 0, Gauge),
    ("system.fds", "tram.file.open", &[], "{file}", 0, 0, Gauge),
    ("reach.gw.rtt_ms", name::REACH_RTT, &[(name::TARGET, "gw")], "s", 3, 6, Gauge),
    ("reach.gw.up", "tram.reachability.up", &[(name::TARGET, "gw")], "1", 0, 0, Gauge),
];

/// A report as the kit makes it.
#[derive(Deserialize)]
struct KitReport {
    host: String,
    ts: i64,
    m: Map<String, Value>,
}

/// The kit's fleet, from a file of its `gen --format json`.
pub fn kit(file: &Path, hosts: usize) -> anyhow::Result<Set> {
    let mut reader = BufReader::with_capacity(1 << 20, File::open(file)?);
    let mut next = move || -> anyhow::Result<Option<Row>> {
        let mut length = [0; 4];
        match reader.read_exact(&mut length) {
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => return Ok(None),
            read => read?,
        }
        let mut body = vec![0; u32::from_le_bytes(length) as usize];
        reader.read_exact(&mut body)?;
        let report: KitReport = serde_json::from_slice(&body)?;
        let host = report.host.rsplit('-').next().and_then(|number| number.parse().ok());
        let value = |named: &Named| {
            let value = report.m.get(named.0).and_then(Value::as_f64);
            value.map(|value| (value * 10_f64.powi(named.4.into())).round() as i64)
        };
        let values: Vec<Option<i64>> = KIT.iter().map(value).collect();
        ensure!(values.iter().all(Option::is_some), "the kit has other series than these");
        Ok(Some(Row { host: host.context("no number in a host's name")?, time_ms: report.ts, values }))
    };
    let catalogues = (0..hosts).map(|host| kit_catalogue(&format!("host-{host:06}")));
    Ok(Set {
        catalogues: catalogues.collect(),
        rows: Box::new(std::iter::from_fn(move || next().transpose())),
    })
}

fn kit_catalogue(host: &str) -> Catalogue {
    let column = |(_, name, attributes, unit, _, scale, kind): &Named| Column {
        name: (*name).to_owned(),
        attributes: attributes.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
        unit: (*unit).to_owned(),
        scale: *scale,
        kind: *kind,
    };
    Catalogue { resource: resource(host), columns: KIT.iter().map(column).collect() }
}

fn resource(host: &str) -> Attributes {
    let pairs = [
        (HOST_NAME, host),
        (name::OS_TYPE, "linux"),
        (name::SERVICE_VERSION, "0.1.0"),
        (name::ASSET_KIND, "server"),
    ];
    pairs.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

/// One host of a recording: times, and the columns' values as they were recorded.
#[derive(Debug, Clone, Default)]
pub struct Recorded {
    /// Milliseconds since 1970.
    pub times_ms: Vec<i64>,
    /// Values of each column.
    pub columns: Vec<Vec<f64>>,
}

/// The three real sets, by name; those whose folder is there.
pub fn real(recordings: &Path) -> anyhow::Result<Vec<(&'static str, Vec<Recorded>)>> {
    let folder = recordings.join("timeseries");
    let mut sets = Vec::new();
    if folder.exists() {
        sets.push(("bitbrains", bitbrains(&folder.join("bitbrains"))?));
        sets.push(("nab", nab(&folder.join("nab/realAWSCloudwatch"))?));
        sets.push(("jumpstarter", jumpstarter(&folder.join("jumpstarter-ds2"))?));
    }
    Ok(sets)
}

fn files(folder: &Path, ending: &str) -> anyhow::Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    let mut files: Vec<PathBuf> = entries.map(|entry| Ok(entry?.path())).collect::<std::io::Result<_>>()?;
    files.retain(|file| file.to_string_lossy().ends_with(ending));
    files.sort();
    Ok(files)
}

fn unpacked(file: &Path) -> anyhow::Result<String> {
    let output = Command::new("gzip").arg("-dc").arg(file).output()?;
    ensure!(output.status.success(), "gzip: {}", file.display());
    Ok(String::from_utf8(output.stdout)?)
}

/// One virtual machine for a month, every five minutes.
fn bitbrains(folder: &Path) -> anyhow::Result<Vec<Recorded>> {
    let mut machines = Vec::new();
    for file in files(folder, ".csv.gz")? {
        let mut machine = Recorded::default();
        for line in unpacked(&file)?.lines().skip(1) {
            let mut numbers = line.split(';').map(str::trim).map(str::parse::<f64>);
            let time_s = numbers.next().context("an empty line")??;
            machine.push(time_s as i64 * 1_000, &numbers.collect::<Result<Vec<f64>, _>>()?);
        }
        machines.push(machine);
    }
    Ok(machines)
}

/// Ten series, every five minutes for two weeks. They are of several machines and months; here they begin together and
/// are the columns of one host, as a host of Trạm has many.
fn nab(folder: &Path) -> anyhow::Result<Vec<Recorded>> {
    let mut machine = Recorded::default();
    for file in files(folder, ".csv")? {
        let (mut times_ms, mut values) = (Vec::new(), Vec::new());
        for line in std::fs::read_to_string(&file)?.lines().skip(1) {
            let (time, value) = line.split_once(',').context("no comma")?;
            times_ms.push(time_ms(time)?);
            values.push(value.trim().parse()?);
        }
        if times_ms.len() > machine.times_ms.len() {
            machine.times_ms = times_ms;
        }
        machine.columns.push(values);
    }
    Ok(vec![machine])
}

/// Three services of nineteen series; they have no times, so that a report each 15 s is taken: a day.
fn jumpstarter(folder: &Path) -> anyhow::Result<Vec<Recorded>> {
    let mut services = Vec::new();
    for file in files(folder, ".train.csv.gz")? {
        let mut service = Recorded::default();
        for (step, line) in (0_i64..).zip(unpacked(&file)?.lines()) {
            let numbers: Vec<f64> = line.split(',').map(str::parse).collect::<Result<_, _>>()?;
            service.push(KIT_BASE_S * 1_000 + step * STEP_MS, &numbers);
        }
        services.push(service);
    }
    Ok(services)
}

impl Recorded {
    fn push(&mut self, time_ms: i64, values: &[f64]) {
        self.times_ms.push(time_ms);
        self.columns.resize(values.len(), Vec::new());
        self.columns.iter_mut().zip(values).for_each(|(column, value)| column.push(*value));
    }

    /// Its columns as whole numbers, with the fewest digits behind the point that hold what was recorded; where nine do
    /// not, it is rounded to as many as a double can carry.
    fn scaled(&self) -> Vec<(u8, Vec<i64>)> {
        let column = |values: &Vec<f64>| {
            let fits = |scale: u8, value: f64| (value * 10_f64.powi(scale.into())).abs() < WHOLE_MAX;
            let holds = |scale: u8, value: f64| {
                let power = 10_f64.powi(scale.into());
                ((value * power).round() / power - value).abs() <= value.abs() * 1e-12
            };
            let all = |test: &dyn Fn(f64) -> bool| values.iter().all(|value| test(*value));
            let exact = (0..=DIGITS_MAX).find(|scale| all(&|v| fits(*scale, v) && holds(*scale, v)));
            let most = (0..=DIGITS_MAX).rev().find(|scale| all(&|v| fits(*scale, v)));
            let scale = exact.or(most).unwrap_or(0);
            let power = 10_f64.powi(scale.into());
            (scale, values.iter().map(|value| (value * power).round() as i64).collect())
        };
        self.columns.iter().map(column).collect()
    }
}

/// Recorded machines played by so many fleets of them, each fleet one step after the one before.
pub fn played(machines: &[Recorded], fleets: usize) -> Set {
    let times =
        machines.first().and_then(|machine| Some((machine.times_ms.first()?, machine.times_ms.get(1)?)));
    let apart_ms = times.map_or(0, |(first, second)| second - first);
    let mut catalogues = Vec::new();
    let mut rows = Vec::new();
    for fleet in 0..fleets {
        for (number, machine) in machines.iter().enumerate() {
            let (host, scaled) = (catalogues.len(), machine.scaled());
            catalogues.push(played_catalogue(&format!("host-{fleet}-{number}"), &scaled));
            for (row, time_ms) in machine.times_ms.iter().enumerate() {
                let values = scaled.iter().map(|(_, values)| values.get(row).copied()).collect();
                rows.push(Row { host, time_ms: time_ms + fleet as i64 * apart_ms, values });
            }
        }
    }
    rows.sort_by_key(|row| row.time_ms);
    Set { catalogues, rows: Box::new(rows.into_iter().map(Ok)) }
}

fn played_catalogue(host: &str, scaled: &[(u8, Vec<i64>)]) -> Catalogue {
    let column = |(place, (scale, _)): (usize, &(u8, Vec<i64>))| Column {
        name: format!("column.{place}"),
        attributes: Attributes::new(),
        unit: "1".to_owned(),
        scale: *scale,
        kind: Gauge,
    };
    Catalogue { resource: resource(host), columns: scaled.iter().enumerate().map(column).collect() }
}

/// Series by host and column: times, and values as decimal numbers.
pub type Series = HashMap<(usize, usize), Vec<(i64, String)>>;

/// Each series of a set.
pub fn series(set: Set) -> anyhow::Result<Series> {
    let mut series = Series::new();
    let scales: Vec<Vec<u8>> = set
        .catalogues
        .iter()
        .map(|catalogue| catalogue.columns.iter().map(|column| column.scale).collect())
        .collect();
    for row in set.rows {
        let row = row?;
        let scales = scales.get(row.host).context("no such host")?;
        for (place, (value, scale)) in row.values.iter().zip(scales).enumerate() {
            let Some(value) = value else { continue };
            series.entry((row.host, place)).or_default().push((row.time_ms, decimal(*value, *scale)));
        }
    }
    Ok(series)
}

fn decimal(value: i64, scale: u8) -> String {
    let digits = format!("{:0>width$}", value.unsigned_abs(), width = usize::from(scale) + 1);
    let (whole, rest) = digits.split_at(digits.len() - usize::from(scale));
    let sign = if value < 0 { "-" } else { "" };
    let rest = rest.trim_end_matches('0');
    if rest.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{rest}") }
}

/// A time such as `2014-04-02 14:29:00`, UTC.
pub(super) fn time_ms(text: &str) -> anyhow::Result<i64> {
    let numbers: Vec<i64> = text
        .split(['-', ' ', ':'])
        .map(str::parse)
        .collect::<Result<_, _>>()
        .with_context(|| text.to_owned())?;
    let [year, month, day, hour, minute, second] = numbers[..] else { bail!("not a time: {text}") };
    // Days from civil, with years that begin in March.
    let (year, month) = if month <= 2 { (year - 1, month + 9) } else { (year, month - 3) };
    let day_of_year = (153 * month + 2) / 5 + day - 1;
    let days = 365 * year + year / 4 - year / 100 + year / 400 + day_of_year - 719_468;
    Ok((((days * 24 + hour) * 60 + minute) * 60 + second) * 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_decimals_are_read_and_written_as_they_are() {
        assert_eq!(time_ms("2014-04-02 14:29:00").unwrap(), 1_396_448_940_000);
        assert_eq!(time_ms("1970-01-01 00:00:00").unwrap(), 0);
        assert_eq!(
            (decimal(-1_050, 3), decimal(7, 0), decimal(5, 2)),
            ("-1.05".into(), "7".into(), "0.05".into())
        );
        let machine = Recorded {
            times_ms: vec![0, 1],
            columns: vec![vec![0.25, 61.046_000_000_000_01], vec![1.0 / 3.0, 2e6]],
        };
        let scaled = machine.scaled();
        assert_eq!(scaled[0], (3, vec![250, 61_046]));
        assert_eq!(scaled[1], (9, vec![333_333_333, 2_000_000_000_000_000]));
    }
}
