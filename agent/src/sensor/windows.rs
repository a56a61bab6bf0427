//! The sensors of Windows, where the sources are the system's own calls. Each has the name that its like has elsewhere,
//! whose place it takes; those without a like come after.

mod clock;
mod cpu;
mod disk;
mod filesystem;
mod memory;
mod network;
mod services;
mod updates;
mod uptime;

use crate::sensor::NoData;
use crate::sensor::registry::Constructor;

/// Sensors by name, as in the table of all sensors.
pub const TABLE: &[(&str, Constructor)] = &[
    ("cpu", |_| Box::new(cpu::Cpu::default())),
    ("memory", |_| Box::new(memory::Memory)),
    ("filesystem", |config| {
        let (types, points) = (&config.filesystem_types_excluded, &config.mount_points_excluded);
        Box::new(filesystem::Filesystem::new(types.clone(), points.clone()))
    }),
    ("disk", |config| Box::new(disk::Disk::new(config.disks_excluded.clone()))),
    ("network", |config| Box::new(network::Network::new(config.interfaces_excluded.clone()))),
    ("uptime", |config| Box::new(uptime::Uptime::new(config.boot_unclean))),
    ("clock", |_| Box::new(clock::Clock)),
    ("updates", |_| Box::new(updates::Updates)),
    ("services", |config| Box::new(services::Services::new(config.windows_services.clone()))),
];

/// A call that failed.
fn refused(what: &'static str, why: impl ToString) -> NoData {
    NoData::Unreadable { what: what.to_owned(), why: why.to_string() }
}
