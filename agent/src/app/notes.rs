//! What the running agent notes for `status`: sensors, parts of unknown state, what the ladder found; and says
//! in the log what of the sensors is news, once.

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
        match (report.state, was_failed) {
            (SensorState::Read, true) => tracing::info!(sensor = report.name, "sensor is read again"),
            // Somebody has to see to it; what is only late comes by itself, mostly.
            (SensorState::Failed, false) => {
                tracing::warn!(sensor = report.name, why = report.why, "sensor cannot be read");
            }
            (SensorState::Stale, false) => {
                tracing::info!(sensor = report.name, why = report.why, "sensor does not answer");
            }
            (SensorState::Read, false) | (SensorState::Failed | SensorState::Stale, true) => {}
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    /// What is logged.
    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl Write for Log {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn logged(states: &[SensorState]) -> Vec<String> {
        let log = Log::default();
        let writer = log.clone();
        let subscriber =
            tracing_subscriber::fmt().with_writer(move || writer.clone()).with_ansi(false).without_time();
        let mut status = Status::default();
        tracing::subscriber::with_default(subscriber.with_target(false).finish(), || {
            for state in states.iter().copied() {
                let (why, took) = ("why".to_owned(), Duration::ZERO);
                sensors(&mut status, &[SensorReport { name: "x", state, took, why, is_absent: false }], 0);
            }
        });
        let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
        text.lines().map(|line| line.trim().to_owned()).collect()
    }

    #[test]
    fn a_sensor_without_values_is_said_once_and_again_when_it_has_some() {
        use SensorState::{Failed, Read, Stale};
        let failed =
            [r#"WARN sensor cannot be read sensor="x" why="why""#, r#"INFO sensor is read again sensor="x""#];
        assert_eq!(logged(&[Read, Failed, Failed, Stale, Read, Read]), failed);
        assert_eq!(logged(&[Stale, Stale]), [r#"INFO sensor does not answer sensor="x" why="why""#]);
    }
}
