//! What a simulated host is built of: chosen once per seed and host, as procurement lists would have it.

use crate::fleet::dice::Dice;
use crate::fleet::plan::HostKind;
use std::collections::BTreeMap;
use tram_proto::component::{Component, State};

const GIBIBYTE: u64 = 1 << 30;

/// A disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiskPart {
    /// Device name.
    pub device: String,
    /// Maker's model.
    pub model: &'static str,
    /// Serial number.
    pub serial: String,
    /// Size.
    pub bytes: u64,
    /// Whether it spins.
    pub rotational: bool,
}

/// A file system.
#[derive(Debug, Clone, PartialEq)]
pub struct Volume {
    /// Where it is mounted.
    pub point: &'static str,
    /// Type.
    pub kind: &'static str,
    /// Size.
    pub bytes: u64,
    /// Share in use when the model begins.
    pub used: f64,
    /// Growth in bytes a day.
    pub growth_bytes: f64,
}

/// A host.
#[derive(Debug, Clone, PartialEq)]
pub struct Hardware {
    /// Processor's model.
    pub processor: &'static str,
    /// Logical processors.
    pub processors: u32,
    /// Memory.
    pub memory_bytes: u64,
    /// Swap.
    pub swap_bytes: u64,
    /// Disks.
    pub disks: Vec<DiskPart>,
    /// File systems, the largest last.
    pub volumes: Vec<Volume>,
    /// Name of the interface.
    pub interface: &'static str,
    /// Its hardware address.
    pub address: String,
    /// Its speed in bytes a second.
    pub speed: f64,
    /// Name of the operating system.
    pub system: &'static str,
    /// Kernel release.
    pub kernel: &'static str,
    /// Processor's temperature when idle, in degrees Celsius.
    pub idle_celsius: f64,
}

impl Hardware {
    /// What a host of this kind is built of.
    pub fn new(seed: u64, host: &str, kind: HostKind) -> Self {
        let mut dice = Dice::new(seed, &format!("{host} hardware"));
        let server = kind == HostKind::Server;
        let (processor, processors) = *dice.pick(match kind {
            HostKind::Server => &[
                ("Intel(R) Xeon(R) Silver 4210R CPU @ 2.40GHz", 20),
                ("Intel(R) Xeon(R) E-2334 CPU @ 3.40GHz", 8),
            ],
            HostKind::Workstation => &[
                ("Intel(R) Core(TM) i5-10400 CPU @ 2.90GHz", 12),
                ("Intel(R) Core(TM) i3-9100 CPU @ 3.60GHz", 4),
            ],
            HostKind::Laptop => {
                &[("11th Gen Intel(R) Core(TM) i5-1135G7 @ 2.40GHz", 8), ("AMD Ryzen 5 5500U", 12)]
            }
        });
        let memory = *dice.pick(if server { &[32_u64, 64, 128] } else { &[4, 8, 8, 16] });
        let (disks, volumes) = storage(server, &mut dice);
        let (system, kernel) = *dice.pick(&[
            ("Debian GNU/Linux 12 (bookworm)", "6.1.0-28-amd64"),
            ("Ubuntu 24.04.1 LTS", "6.8.0-49-generic"),
        ]);
        let tail = dice.bits().to_be_bytes();
        Self {
            processor,
            processors,
            memory_bytes: memory * GIBIBYTE,
            swap_bytes: if server { 8 } else { 4 } * GIBIBYTE,
            disks,
            volumes,
            interface: if kind == HostKind::Laptop { "wlp2s0" } else { "enp3s0" },
            address: format!("02:54:52:{:02x}:{:02x}:{:02x}", tail[0], tail[1], tail[2]),
            speed: if kind == HostKind::Laptop { 54.125e6 } else { 125e6 },
            system,
            kernel,
            idle_celsius: dice.between(34.0, 44.0),
        }
    }

    /// The parts, as the agent's sensors would list them.
    pub fn components(&self) -> Vec<Component> {
        let mut parts = vec![
            part("cpu", "cpu0", self.processor, "", &[("logical_count", f64::from(self.processors))]),
            part("memory", "memory", "", "", &[("size_bytes", self.memory_bytes as f64)]),
            part("network", self.interface, "", &self.address, &[("mtu_bytes", 1500.0)]),
        ];
        parts.extend(self.disks.iter().map(|disk| {
            let figures =
                [("size_bytes", disk.bytes as f64), ("rotational", f64::from(u8::from(disk.rotational)))];
            part("physical_disk", &disk.device, disk.model, &disk.serial, &figures)
        }));
        parts
    }
}

/// A healthy part.
pub fn part(kind: &str, id: &str, model: &str, serial: &str, figures: &[(&str, f64)]) -> Component {
    Component {
        kind: kind.into(),
        id: id.into(),
        name: String::new(),
        model: model.into(),
        serial: serial.into(),
        state: State::Ok,
        reasons: vec![],
        figures: figures.iter().map(|(key, value)| ((*key).to_owned(), *value)).collect::<BTreeMap<_, _>>(),
    }
}

/// A server has a system disk and a data disk, others one disk. All of them healthily filled.
fn storage(server: bool, dice: &mut Dice) -> (Vec<DiskPart>, Vec<Volume>) {
    let mut disk = |device: &str, (model, gibibytes, rotational): (&'static str, u64, bool)| DiskPart {
        device: device.to_owned(),
        model,
        serial: format!("S{:011X}", dice.bits() >> 20),
        bytes: gibibytes * GIBIBYTE,
        rotational,
    };
    let disks = if server {
        vec![
            disk("sda", ("INTEL SSDSC2KB240G8", 223, false)),
            disk("sdb", ("TOSHIBA MG04ACA200E", 1863, true)),
        ]
    } else {
        vec![disk("nvme0n1", ("KINGSTON SNVS500G", 465, false))]
    };
    let volume =
        |point, bytes: u64, (low, high): (f64, f64), growth_mebibytes: f64, dice: &mut Dice| Volume {
            point,
            kind: "ext4",
            bytes,
            used: dice.between(low, high),
            growth_bytes: dice.between(0.2, 1.0) * growth_mebibytes * 1_048_576.0,
        };
    let volumes = if server {
        let root = volume("/", disks[0].bytes / 10 * 9, (0.15, 0.45), 20.0, dice);
        vec![root, volume("/srv", disks[1].bytes / 20 * 19, (0.25, 0.7), 900.0, dice)]
    } else {
        vec![volume("/", disks[0].bytes / 10 * 9, (0.15, 0.6), 60.0, dice)]
    };
    (disks, volumes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_keeps_its_parts_and_another_has_other_serials() {
        let one = Hardware::new(1, "ttdl-sv01", HostKind::Server);
        assert_eq!(one, Hardware::new(1, "ttdl-sv01", HostKind::Server));
        let other = Hardware::new(1, "ttdl-sv02", HostKind::Server);
        assert_ne!(one.disks[0].serial, other.disks[0].serial);
        tram_proto::component::check(&one.components()).unwrap();
    }

    #[test]
    fn healthy_hosts_have_room_left() {
        for number in 0..200 {
            for kind in [HostKind::Server, HostKind::Workstation, HostKind::Laptop] {
                for volume in Hardware::new(1, &format!("host{number}"), kind).volumes {
                    let free = volume.bytes as f64 * (1.0 - volume.used);
                    assert!(volume.used < 0.75 && free > 40.0 * GIBIBYTE as f64, "{volume:?}");
                }
            }
        }
    }
}
