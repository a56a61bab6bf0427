//! Whether the time service keeps the host's wall clock synchronised, as `w32tm` says. How far it is off, the collector
//! measures.

use crate::sensor::sample::{SCALE_WHOLE, gauge};
use crate::sensor::{NoData, Paths, Reading, Sensor, program};
use crate::system;
use std::time::Duration;
use tram_proto::sample as names;

const INTERVAL: Duration = Duration::from_secs(900);
const DEADLINE: Duration = Duration::from_secs(10);

/// The sensor.
#[derive(Debug)]
pub(super) struct Clock;

impl Sensor for Clock {
    fn name(&self) -> &'static str {
        "clock"
    }

    fn interval(&self) -> Option<Duration> {
        Some(INTERVAL)
    }

    fn deadline(&self) -> Duration {
        DEADLINE
    }

    fn read(&mut self, _paths: &Paths) -> Result<Reading, NoData> {
        let w32tm = system::program("w32tm.exe");
        let answer = program::run(&w32tm, &["/query", "/status"], DEADLINE)?;
        let synchronized = answer.status == Some(0)
            && parse(&answer.text()).ok_or(NoData::Malformed {
                what: "w32tm /query /status".into(),
                expected: "a first line `Leap Indicator: N`",
            })?;
        let value = Some(f64::from(u8::from(synchronized)));
        let sample = gauge(names::CLOCK_SYNCHRONIZED, "1", SCALE_WHOLE, &[], value);
        Ok(Reading { samples: vec![sample], components: vec![] })
    }
}

/// The first line is the leap indicator in the system's language; 3 says that the clock is not synchronised.
fn parse(text: &str) -> Option<bool> {
    let (_, value) = text.lines().find(|line| !line.trim().is_empty())?.split_once(':')?;
    let digits: String = value.trim().chars().take_while(char::is_ascii_digit).collect();
    digits.parse::<u8>().ok().filter(|leap| *leap <= 3).map(|leap| leap != 3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_number_of_the_first_line_counts() {
        assert_eq!(parse("Leap Indicator: 0(no warning)\r\nStratum: 4\r\n"), Some(true));
        assert_eq!(parse("\r\nSprungindikator: 3(nicht synchronisiert)\r\nStratum: 0"), Some(false));
        assert_eq!(parse("The service has not been started."), None);
        assert_eq!(parse("x: 7"), None);
    }
}
