//! A fleet's reports, made before they are sent: fifty columns a host, drawn from a generator of its own.
//!
//! Values move as a Linux host's do: shares in steps of a tick, memory in pages, totals that grow, and about half of
//! the columns as they were. Same host and same round, same values.

use tram_proto::catalogue::{Attributes, Catalogue, Column, Kind};
use tram_proto::component;
use tram_proto::encoding::compress;
use tram_proto::id::{AgentId, BootId, CatalogueId, SetDigest, SpoolId};
use tram_proto::report::{BATCH_VERSION, Batch, Framed, Moment, Report};
use tram_proto::sample;

/// Columns of a host: as many series as the peers' fleet has.
pub const COLUMNS: usize = 50;
/// Boot time between two reports of a host. Short, so that a flood does not look like clocks running ahead.
const STEP_MS: u64 = 50;

/// splitmix64: small, seedable, the same on every machine.
#[derive(Debug, Clone)]
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: i64) -> i64 {
        (self.next() % bound.unsigned_abs().max(1)) as i64
    }
}

/// How a column's value moves.
#[derive(Debug, Clone, Copy)]
enum Moves {
    /// Not at all.
    Stays,
    /// Up and down by at most so much, in every second round, around where it started.
    Wanders(i64),
    /// Up by less than so much.
    Grows(i64),
}

struct Spec {
    name: &'static str,
    attributes: &'static [(&'static str, &'static str)],
    unit: &'static str,
    scale: u8,
    start: i64,
    moves: Moves,
}

macro_rules! specs {
    ($($name:ident [$($key:ident = $value:literal),*] $unit:literal $scale:literal $start:literal $moves:expr;)*) => {
        &[$(Spec { name: sample::$name, attributes: &[$((sample::$key, $value)),*], unit: $unit, scale: $scale,
            start: $start, moves: $moves }),*]
    };
}

use Moves::{Grows, Stays, Wanders};

#[rustfmt::skip]
const SPECS: &[Spec] = specs! {
    CPU_UTILIZATION [CPU_MODE = "user"] "1" 4 600 Wanders(200);
    CPU_UTILIZATION [CPU_MODE = "nice"] "1" 4 0 Stays;
    CPU_UTILIZATION [CPU_MODE = "system"] "1" 4 300 Wanders(100);
    CPU_UTILIZATION [CPU_MODE = "iowait"] "1" 4 40 Wanders(20);
    CPU_UTILIZATION [CPU_MODE = "interrupt"] "1" 4 10 Stays;
    CPU_UTILIZATION [CPU_MODE = "steal"] "1" 4 0 Stays;
    CPU_UTILIZATION [CPU_MODE = "idle"] "1" 4 9000 Wanders(300);
    CPU_COUNT [] "{cpu}" 0 8 Stays;
    LOAD_1M [] "{thread}" 2 60 Wanders(30);
    LOAD_5M [] "{thread}" 2 55 Wanders(10);
    LOAD_15M [] "{thread}" 2 50 Wanders(4);
    MEMORY_LIMIT [] "By" 0 16777216000 Stays;
    MEMORY_AVAILABLE [] "By" 0 9000000000 Wanders(8388608);
    MEMORY_USAGE [MEMORY_STATE = "used"] "By" 0 6000000000 Wanders(8388608);
    MEMORY_USAGE [MEMORY_STATE = "free"] "By" 0 3000000000 Wanders(8388608);
    MEMORY_USAGE [MEMORY_STATE = "cached"] "By" 0 5000000000 Wanders(4194304);
    MEMORY_USAGE [MEMORY_STATE = "buffers"] "By" 0 300000000 Wanders(65536);
    PAGING_USAGE [PAGING_STATE = "used"] "By" 0 0 Stays;
    PAGING_USAGE [PAGING_STATE = "free"] "By" 0 2147483648 Stays;
    FILESYSTEM_LIMIT [MOUNTPOINT = "/"] "By" 0 107374182400 Stays;
    FILESYSTEM_USAGE [MOUNTPOINT = "/", FILESYSTEM_STATE = "used"] "By" 0 40000000000 Grows(40960);
    FILESYSTEM_USAGE [MOUNTPOINT = "/", FILESYSTEM_STATE = "free"] "By" 0 60000000000 Wanders(40960);
    FILESYSTEM_INODES [MOUNTPOINT = "/", FILESYSTEM_STATE = "used"] "{inode}" 0 400000 Wanders(4);
    FILESYSTEM_INODES [MOUNTPOINT = "/", FILESYSTEM_STATE = "free"] "{inode}" 0 6000000 Wanders(4);
    FILESYSTEM_READ_ONLY [MOUNTPOINT = "/"] "1" 0 0 Stays;
    FILESYSTEM_LIMIT [MOUNTPOINT = "/data"] "By" 0 1073741824000 Stays;
    FILESYSTEM_USAGE [MOUNTPOINT = "/data", FILESYSTEM_STATE = "used"] "By" 0 400000000000 Grows(409600);
    FILESYSTEM_USAGE [MOUNTPOINT = "/data", FILESYSTEM_STATE = "free"] "By" 0 600000000000 Wanders(409600);
    FILESYSTEM_INODES [MOUNTPOINT = "/data", FILESYSTEM_STATE = "used"] "{inode}" 0 100000 Stays;
    FILESYSTEM_INODES [MOUNTPOINT = "/data", FILESYSTEM_STATE = "free"] "{inode}" 0 60000000 Stays;
    FILESYSTEM_READ_ONLY [MOUNTPOINT = "/data"] "1" 0 0 Stays;
    DISK_IO [DEVICE = "sda", IO_DIRECTION = "read"] "By" 0 900000000 Grows(65536);
    DISK_IO [DEVICE = "sda", IO_DIRECTION = "write"] "By" 0 4000000000 Grows(262144);
    DISK_OPERATIONS [DEVICE = "sda", IO_DIRECTION = "read"] "{operation}" 0 90000 Grows(6);
    DISK_OPERATIONS [DEVICE = "sda", IO_DIRECTION = "write"] "{operation}" 0 400000 Grows(30);
    DISK_IO_TIME [DEVICE = "sda"] "s" 3 500000 Grows(5);
    NETWORK_IO [INTERFACE = "eth0", NETWORK_DIRECTION = "receive"] "By" 0 80000000 Grows(40000);
    NETWORK_IO [INTERFACE = "eth0", NETWORK_DIRECTION = "transmit"] "By" 0 50000000 Grows(20000);
    NETWORK_PACKETS [INTERFACE = "eth0", NETWORK_DIRECTION = "receive"] "{packet}" 0 800000 Grows(60);
    NETWORK_PACKETS [INTERFACE = "eth0", NETWORK_DIRECTION = "transmit"] "{packet}" 0 500000 Grows(40);
    NETWORK_ERRORS [INTERFACE = "eth0", NETWORK_DIRECTION = "receive"] "{error}" 0 0 Stays;
    NETWORK_ERRORS [INTERFACE = "eth0", NETWORK_DIRECTION = "transmit"] "{error}" 0 0 Stays;
    NETWORK_DROPPED [INTERFACE = "eth0", NETWORK_DIRECTION = "receive"] "{packet}" 0 12 Stays;
    NETWORK_DROPPED [INTERFACE = "eth0", NETWORK_DIRECTION = "transmit"] "{packet}" 0 0 Stays;
    NETWORK_UP [INTERFACE = "eth0"] "1" 0 1 Stays;
    TEMPERATURE [HW_ID = "package"] "Cel" 1 480 Wanders(15);
    UPTIME [] "s" 0 500000 Grows(2);
    CLOCK_SYNCHRONIZED [] "1" 0 1 Stays;
    REACH_VERDICT [] "1" 0 0 Stays;
    REACH_RTT [RUNG = "gateway", METHOD = "icmp", TARGET = "192.0.2.1"] "s" 6 900 Wanders(300);
};

const _: () = assert!(SPECS.len() == COLUMNS);

/// One simulated host: makes its bodies one after the other.
#[derive(Debug, Clone)]
pub struct Host {
    agent: AgentId,
    number: u64,
    catalogue: Catalogue,
    catalogue_id: CatalogueId,
    set: SetDigest,
    values: Vec<i64>,
    random: Random,
    seq: u64,
    wall_start_ms: i64,
}

impl Host {
    /// The host of a number, reporting as an agent, its clock right at `now_ms`.
    pub fn new(agent: AgentId, number: u64, now_ms: i64) -> Self {
        let mut random = Random(number.wrapping_mul(0xA076_1D64_78BD_642F));
        let catalogue = catalogue(number);
        let values = SPECS.iter().map(|spec| spec.start + random.below(spec.start / 8 + 1)).collect();
        let values = SPECS.iter().zip::<Vec<i64>>(values).map(|(spec, value)| match spec.moves {
            Moves::Stays => spec.start,
            Moves::Wanders(_) | Moves::Grows(_) => value,
        });
        Self {
            agent,
            number,
            catalogue_id: catalogue.id(),
            catalogue,
            set: component::digest(&[]),
            values: values.collect(),
            random,
            seq: 0,
            wall_start_ms: now_ms,
        }
    }

    /// The compressed body of its next report; the first has the catalogue with it.
    pub fn next_body(&mut self) -> Vec<u8> {
        self.seq += 1;
        for (value, spec) in self.values.iter_mut().zip(SPECS) {
            *value += match spec.moves {
                Moves::Stays => 0,
                Moves::Wanders(_) if self.random.below(2) == 0 => 0,
                Moves::Wanders(by) => (self.random.below(2 * by + 1) - by).max(-*value),
                Moves::Grows(by) => self.random.below(by),
            };
        }
        let (boot, boot_ms) = self.boot();
        let wall_ms = self.wall_start_ms + (self.seq * STEP_MS) as i64;
        let report = Report {
            boot,
            boot_ms,
            wall_ms,
            catalogue: self.catalogue_id,
            values: self.values.iter().map(|value| Some(*value)).collect(),
            set: self.set,
            components: (self.seq == 1).then(Vec::new),
            end: None,
            aggregate: None,
        };
        let Ok(raw) =
            serde_json::value::RawValue::from_string(String::from_utf8_lossy(&report.encode()).into_owned())
        else {
            return Vec::new();
        };
        let batch = Batch {
            v: BATCH_VERSION,
            agent: self.agent,
            spool: self.spool(),
            floor: 1,
            sent: Moment { boot, boot_ms, wall_ms },
            anchors: Vec::new(),
            catalogues: if self.seq == 1 { vec![self.catalogue.clone()] } else { Vec::new() },
            figures: None,
            shut: false,
            gone: Vec::new(),
            reports: vec![Framed(self.seq, &raw)],
        };
        compress(&batch.encode())
    }

    /// Goes on as a host that has sent so many reports, the last of them now.
    pub fn skip_to(&mut self, seq: u64) {
        self.seq = seq;
        self.wall_start_ms -= (seq * STEP_MS) as i64;
    }

    /// The boot that it is in, and how long that has been when it sent its latest report.
    pub fn boot(&self) -> (BootId, u64) {
        (BootId(self.number.to_be_bytes()), 1_000_000 + self.seq * STEP_MS)
    }

    /// The spool that its numbers count in.
    pub fn spool(&self) -> SpoolId {
        SpoolId(self.number.to_be_bytes())
    }

    /// The number of its latest report.
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// What its numbers are.
    pub fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// Its latest numbers.
    pub fn values(&self) -> &[i64] {
        &self.values
    }
}

fn catalogue(number: u64) -> Catalogue {
    let text = |pairs: &[(&str, &str)]| -> Attributes {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    };
    let column = |spec: &Spec| Column {
        name: spec.name.into(),
        attributes: text(spec.attributes),
        unit: spec.unit.into(),
        scale: spec.scale,
        kind: if is_total(spec.name) { Kind::Counter } else { Kind::Gauge },
    };
    let name = format!("host-{number:06}");
    let resource = text(&[
        (sample::HOST_NAME, name.as_str()),
        (sample::OS_TYPE, "linux"),
        (sample::SERVICE_VERSION, "0.1.0"),
        (sample::ASSET_KIND, "server"),
    ]);
    Catalogue { resource, columns: SPECS.iter().map(column).collect() }
}

fn is_total(name: &str) -> bool {
    let totals = [
        sample::DISK_IO,
        sample::DISK_OPERATIONS,
        sample::DISK_IO_TIME,
        sample::NETWORK_IO,
        sample::NETWORK_PACKETS,
        sample::NETWORK_ERRORS,
        sample::NETWORK_DROPPED,
    ];
    totals.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tram_proto::encoding::decompress;

    #[test]
    fn bodies_are_batches_that_the_collector_takes() {
        let mut host = Host::new(AgentId([1; 16]), 7, 1_795_000_000_000);
        for round in 1..=3 {
            let body = decompress(Some("zstd"), &host.next_body()).unwrap();
            let batch = Batch::decode(&body).unwrap();
            assert_eq!((batch.reports[0].0, batch.catalogues.len()), (round, usize::from(round == 1)));
            let report = Report::decode(batch.reports[0].1.get().as_bytes()).unwrap();
            assert_eq!(report.values.len(), host.catalogue().columns.len());
            host.catalogue().check().unwrap();
        }
    }

    #[test]
    fn about_half_of_the_values_stay_from_round_to_round() {
        let mut host = Host::new(AgentId([1; 16]), 7, 0);
        let mut same = 0;
        for _ in 0..100 {
            let before = host.values().to_vec();
            host.next_body();
            same += before.iter().zip(host.values()).filter(|(before, after)| before == after).count();
        }
        assert!((40 * COLUMNS..70 * COLUMNS).contains(&same), "{same} of {}", 100 * COLUMNS);
    }
}
