//! What the running agent notes for `status`: sensors, parts of unknown state, what the ladder found. Says nothing itself.

use crate::sensor::reach::{Probed, Reachability};
use crate::sensor::runner::{SensorReport, SensorState};
use crate::status::{Probe, Reached, Read, Sensed, Status, UNKNOWN_MAX, Unknown};
use tram_proto::component::{Component, State};

/// What became of the sensors that were due.
pub(super) fn sensors(status: &mut Status, sensors: &[SensorReport], now_ms: u64) {
    for report in sensors {
        let read = match report.state {
            SensorState::Read if report.is_absent => Read::Absent,
            SensorState::Read => Read::Done,
            SensorState::Failed | SensorState::Stale => Read::Failed,
        };
        let known = status.sensors.iter().position(|sensed| sensed.sensor == report.name);
        let before = known.map(|place| status.sensors.remove(place));
        let was_failed = before.as_ref().is_some_and(|sensed| sensed.read == Read::Failed);
        match (read, was_failed) {
            (Read::Done | Read::Absent, true) => {
                tracing::info!(sensor = report.name, "sensor is read again");
            }
            (Read::Failed, false) => {
                tracing::warn!(sensor = report.name, why = report.why, "sensor cannot be read");
            }
            (Read::Done | Read::Absent, false) | (Read::Failed, true) => {}
        }
        let last = before.and_then(|sensed| sensed.read_boot_ms);
        let read_boot_ms = if read == Read::Failed { last } else { Some(now_ms) };
        let (sensor, why) = (report.name.to_owned(), report.why.clone());
        let place = status.sensors.partition_point(|sensed| sensed.sensor < sensor);
        status.sensors.insert(place, Sensed { sensor, read, read_boot_ms, why });
    }
}

/// Parts whose state is not known.
pub(super) fn unknown(status: &mut Status, components: &[Component]) {
    let unknown = components.iter().filter(|part| part.state == State::Unknown);
    let told = |part: &Component| Unknown {
        part: format!("{} {}", part.kind, part.id),
        why: part.reasons.join("; "),
    };
    status.unknown = unknown.take(UNKNOWN_MAX).map(told).collect();
}

/// What a climb found, for people on this host.
pub(super) fn reached(reachability: &Reachability, probed: &[Probed], boot_ms: u64) -> Reached {
    let rungs = reachability.rungs.iter().map(|rung| Probe {
        rung: Some(rung.rung),
        target: rung.target.clone(),
        outcome: rung.outcome,
        rtt_s: rung.rtt_s,
        reason: rung.reason.clone(),
    });
    let asked = probed.iter().map(|probed| Probe {
        rung: None,
        target: format!("{} {}", probed.probe.kind(), probed.probe.target()),
        outcome: probed.outcome,
        rtt_s: probed.rtt_s,
        reason: probed.reason.clone(),
    });
    Reached { boot_ms, verdict: reachability.verdict, probes: rungs.chain(asked).collect() }
}
