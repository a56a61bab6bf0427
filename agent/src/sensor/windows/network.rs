//! Network interfaces: bytes, packets, errors, link and speed of those that lead out by cable or by air.

use super::refused;
use crate::sensor::globs::Globs;
use crate::sensor::sample::{SCALE_WHOLE, clean, counter, gauge};
use crate::sensor::{NoData, Paths, Reading, Sample, Sensor};
use ipconfig::{Adapter, IfType, OperStatus, get_adapters};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use sysinfo::{NetworkData, Networks};
use tram_proto::component::{Component, State};
use tram_proto::sample as names;

/// Adapters that the system makes for itself: an address that repeats in pairs, or none, is no card's.
const BITS: f64 = 8.0;

/// The sensor.
#[derive(Debug)]
pub(super) struct Network {
    excluded: Globs,
}

impl Network {
    /// With globs of interface names to leave out.
    pub(super) fn new(excluded: Globs) -> Self {
        Self { excluded }
    }
}

impl Sensor for Network {
    fn name(&self) -> &'static str {
        "network"
    }

    fn read(&mut self, _paths: &Paths) -> Result<Reading, NoData> {
        let adapters = get_adapters().map_err(|error| refused("adapters", error))?;
        let counted =
            Networks::new_with_refreshed_list().map_err(|error| refused("adapters' counts", error))?;
        let mut reading = Reading::default();
        for adapter in adapters.iter().filter(|adapter| self.counts(adapter)) {
            let name = adapter.friendly_name();
            if let Some(data) = counted.get(OsStr::new(name)) {
                reading.samples.extend(counts(name, data));
            }
            let is_up = adapter.oper_status() == OperStatus::IfOperStatusUp;
            reading.samples.extend(link(name, is_up, adapter.transmit_link_speed()));
            reading.components.push(component(adapter));
        }
        if reading.samples.is_empty() { Err(NoData::Absent) } else { Ok(reading) }
    }
}

impl Network {
    fn counts(&self, adapter: &Adapter) -> bool {
        let leads_out = matches!(adapter.if_type(), IfType::EthernetCsmacd | IfType::Ieee80211 | IfType::Ppp);
        leads_out && !self.excluded.matches(adapter.friendly_name())
    }
}

fn counts(interface: &str, data: &NetworkData) -> Vec<Sample> {
    let columns = [
        (names::NETWORK_IO, "By", [data.total_received(), data.total_transmitted()]),
        (
            names::NETWORK_PACKETS,
            "{packet}",
            [data.total_packets_received(), data.total_packets_transmitted()],
        ),
        (
            names::NETWORK_ERRORS,
            "{error}",
            [data.total_errors_on_received(), data.total_errors_on_transmitted()],
        ),
    ];
    columns
        .into_iter()
        .flat_map(|(name, unit, both)| {
            ["receive", "transmit"].into_iter().zip(both).map(move |(direction, count)| {
                let attributes = [(names::INTERFACE, interface), (names::NETWORK_DIRECTION, direction)];
                counter(name, unit, SCALE_WHOLE, &attributes, Some(count as f64))
            })
        })
        .collect()
}

/// A link that is down has no speed; one that is up and does not know it states all ones.
fn link(interface: &str, is_up: bool, speed_bits: u64) -> [Sample; 2] {
    let on = [(names::INTERFACE, interface)];
    let speed = (is_up && speed_bits > 0 && speed_bits != u64::MAX).then_some(speed_bits as f64 / BITS);
    [
        gauge(names::NETWORK_UP, "1", SCALE_WHOLE, &on, Some(f64::from(u8::from(is_up)))),
        gauge(names::NETWORK_LIMIT, "By/s", SCALE_WHOLE, &on, speed),
    ]
}

fn component(adapter: &Adapter) -> Component {
    let address = adapter.physical_address().unwrap_or_default();
    let pairs: Vec<String> = address.iter().map(|byte| format!("{byte:02x}")).collect();
    Component {
        kind: "network".into(),
        id: clean(adapter.friendly_name()),
        name: String::new(),
        model: clean(adapter.description()),
        serial: pairs.join(":"),
        state: State::Ok,
        reasons: vec![],
        figures: BTreeMap::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_that_is_down_has_no_speed() {
        let speed = |is_up, bits| link("Ethernet", is_up, bits)[1].value;
        assert_eq!(speed(true, 1_000_000_000), Some(125_000_000.0));
        assert_eq!(speed(true, u64::MAX), None);
        assert_eq!(speed(false, 1_000_000_000), None);
    }
}
