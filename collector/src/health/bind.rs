//! Which columns of a catalogue each rule reads. Made once for a catalogue, so that no report costs a look-up by name.

use crate::health::rule::{BuiltIn, RuleSet};
use crate::model::catalogue::Column;
use std::sync::Arc;
use tram_proto::sample as names;

/// One column of a report.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Cell {
    column: usize,
    divisor: f64,
}

impl Cell {
    fn new(place: usize, column: &Column) -> Self {
        Self { column: place, divisor: 10_f64.powi(i32::from(column.scale)) }
    }

    /// The measured value, if there is one.
    pub(crate) fn read(&self, values: &[Option<i64>]) -> Option<f64> {
        let value = (*values.get(self.column)?)?;
        Some(value as f64 / self.divisor)
    }

    /// How far a running total has risen; none where it fell (it started anew) or is missing on either side.
    pub(crate) fn rise(&self, values: &[Option<i64>], before: &[Option<i64>]) -> Option<f64> {
        let rise = self.read(values)? - self.read(before)?;
        (rise >= 0.0).then_some(rise)
    }
}

/// Reads a column that the catalogue may lack.
pub(crate) fn read(cell: Option<&Cell>, values: &[Option<i64>]) -> Option<f64> {
    cell.and_then(|cell| cell.read(values))
}

/// Columns of one file system.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct FileSystem {
    pub(crate) part: Arc<str>,
    pub(crate) used: Option<Cell>,
    pub(crate) free: Option<Cell>,
    pub(crate) inodes_used: Option<Cell>,
    pub(crate) inodes_free: Option<Cell>,
    pub(crate) read_only: Option<Cell>,
}

/// What kind of part a temperature belongs to, for want of a maker's limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hot {
    Disk,
    Processor,
    Other,
}

/// Columns of one temperature.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Thermometer {
    pub(crate) part: Arc<str>,
    pub(crate) kind: Hot,
    pub(crate) value: Option<Cell>,
    pub(crate) degraded: Option<Cell>,
    pub(crate) critical: Option<Cell>,
}

/// Columns of one network interface.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Interface {
    pub(crate) part: Arc<str>,
    pub(crate) packets: Vec<Cell>,
    pub(crate) errors: Vec<Cell>,
}

/// What the rules read of one catalogue.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Bindings {
    pub(crate) file_systems: Vec<FileSystem>,
    pub(crate) thermometers: Vec<Thermometer>,
    pub(crate) interfaces: Vec<Interface>,
    pub(crate) memory_available: Option<Cell>,
    pub(crate) memory_limit: Option<Cell>,
    pub(crate) swap_used: Option<Cell>,
    pub(crate) swap_free: Option<Cell>,
    pub(crate) cpu_idle: Option<Cell>,
    pub(crate) cpu_io_wait: Option<Cell>,
    pub(crate) verdict: Option<Cell>,
    pub(crate) file_system_sensor: Option<Cell>,
    pub(crate) temperature_sensor: Option<Cell>,
    pub(crate) network_sensor: Option<Cell>,
}

impl Bindings {
    /// Binds the columns of a catalogue that enabled rules read.
    pub fn new(rules: &RuleSet, columns: &[Column]) -> Self {
        let mut bindings = Self::default();
        for (place, column) in columns.iter().enumerate() {
            bindings.bind(column, Cell::new(place, column));
        }
        bindings.drop_disabled(rules);
        bindings
    }

    fn bind(&mut self, column: &Column, cell: Cell) {
        let is = |key, value| column.attribute(key) == Some(value);
        match column.name.as_str() {
            names::FILESYSTEM_USAGE | names::FILESYSTEM_INODES | names::FILESYSTEM_READ_ONLY => {
                self.bind_file_system(column, cell);
            }
            names::TEMPERATURE | names::TEMPERATURE_LIMIT => self.bind_thermometer(column, cell),
            names::NETWORK_PACKETS | names::NETWORK_ERRORS => self.bind_interface(column, cell),
            names::MEMORY_AVAILABLE => self.memory_available = Some(cell),
            names::MEMORY_LIMIT => self.memory_limit = Some(cell),
            names::PAGING_USAGE if is(names::PAGING_STATE, "used") => self.swap_used = Some(cell),
            names::PAGING_USAGE if is(names::PAGING_STATE, "free") => self.swap_free = Some(cell),
            names::CPU_UTILIZATION if is(names::CPU_MODE, "idle") => self.cpu_idle = Some(cell),
            names::CPU_UTILIZATION if is(names::CPU_MODE, "iowait") => self.cpu_io_wait = Some(cell),
            names::REACH_VERDICT => self.verdict = Some(cell),
            names::SENSOR_STATE => self.bind_sensor(column, cell),
            _ => {}
        }
    }

    fn bind_sensor(&mut self, column: &Column, cell: Cell) {
        // One mount that hangs has a state of its own; it keeps its findings, unknown ones.
        if let Some(mount) = column.attribute(names::MOUNTPOINT) {
            self.file_system(mount);
            return;
        }
        match column.attribute(names::SENSOR) {
            Some("filesystem") => self.file_system_sensor = Some(cell),
            Some("temperature") => self.temperature_sensor = Some(cell),
            Some("network") => self.network_sensor = Some(cell),
            Some(_) | None => {}
        }
    }

    fn bind_file_system(&mut self, column: &Column, cell: Cell) {
        let Some(mount) = column.attribute(names::MOUNTPOINT) else { return };
        let used = match column.attribute(names::FILESYSTEM_STATE) {
            Some("used") => Some(true),
            Some("free") => Some(false),
            Some(_) | None => None,
        };
        let file_system = self.file_system(mount);
        let place = match (column.name.as_str(), used) {
            (names::FILESYSTEM_READ_ONLY, _) => &mut file_system.read_only,
            (names::FILESYSTEM_USAGE, Some(true)) => &mut file_system.used,
            (names::FILESYSTEM_USAGE, Some(false)) => &mut file_system.free,
            (names::FILESYSTEM_INODES, Some(true)) => &mut file_system.inodes_used,
            (names::FILESYSTEM_INODES, Some(false)) => &mut file_system.inodes_free,
            _ => return,
        };
        *place = Some(cell);
    }

    fn file_system(&mut self, mount: &str) -> &mut FileSystem {
        let new = |part| FileSystem {
            part,
            used: None,
            free: None,
            inodes_used: None,
            inodes_free: None,
            read_only: None,
        };
        part_of(&mut self.file_systems, mount, |file_system| &file_system.part, new)
    }

    fn bind_thermometer(&mut self, column: &Column, cell: Cell) {
        let Some(id) = column.attribute(names::HW_ID) else { return };
        let name = column.attribute(names::HW_NAME).unwrap_or_default();
        // The id tells parts apart, the name is what people know.
        let part = if name.is_empty() || name == id { id.to_owned() } else { format!("{name} ({id})") };
        let kind = hot_kind(id, name);
        let new = |part| Thermometer { part, kind, value: None, degraded: None, critical: None };
        let thermometer = part_of(&mut self.thermometers, &part, |thermometer| &thermometer.part, new);
        let place = match (column.name.as_str(), column.attribute(names::LIMIT_TYPE)) {
            (names::TEMPERATURE, _) => &mut thermometer.value,
            (_, Some("high.degraded")) => &mut thermometer.degraded,
            (_, Some("high.critical")) => &mut thermometer.critical,
            _ => return,
        };
        *place = Some(cell);
    }

    fn bind_interface(&mut self, column: &Column, cell: Cell) {
        let Some(name) = column.attribute(names::INTERFACE) else { return };
        let new = |part| Interface { part, packets: vec![], errors: vec![] };
        let interface = part_of(&mut self.interfaces, name, |interface| &interface.part, new);
        match column.name.as_str() {
            names::NETWORK_PACKETS => interface.packets.push(cell),
            _ => interface.errors.push(cell),
        }
    }

    fn drop_disabled(&mut self, rules: &RuleSet) {
        let off = |rule: BuiltIn| !rules.rule(rule).enabled;
        for file_system in &mut self.file_systems {
            if off(BuiltIn::FilesystemNearlyFull) {
                (file_system.used, file_system.free) = (None, None);
            }
            if off(BuiltIn::FilesystemInodes) {
                (file_system.inodes_used, file_system.inodes_free) = (None, None);
            }
        }
        if off(BuiltIn::Temperature) {
            self.thermometers.clear();
        }
        if off(BuiltIn::NetworkErrors) {
            self.interfaces.clear();
        }
    }
}

/// The part of a name, made on its first column.
fn part_of<'a, T>(
    parts: &'a mut Vec<T>,
    name: &str,
    part: impl Fn(&T) -> &Arc<str>,
    new: impl FnOnce(Arc<str>) -> T,
) -> &'a mut T {
    let place = parts.iter().position(|known| &**part(known) == name).unwrap_or(parts.len());
    if place == parts.len() {
        parts.push(new(Arc::from(name)));
    }
    &mut parts[place]
}

/// Words in the names of drivers and sensors that tell processors and disks from the rest.
const PROCESSOR_WORDS: &[&str] =
    &["coretemp", "k10temp", "k8temp", "zenpower", "cpu", "package id", "tctl", "tdie"];
const DISK_WORDS: &[&str] = &["drivetemp", "nvme", "composite"];

fn hot_kind(id: &str, name: &str) -> Hot {
    let (id, name) = (id.to_lowercase(), name.to_lowercase());
    let has = |words: &[&str]| words.iter().any(|word| id.contains(word) || name.contains(word));
    if has(DISK_WORDS) {
        Hot::Disk
    } else if has(PROCESSOR_WORDS) {
        Hot::Processor
    } else {
        Hot::Other
    }
}
