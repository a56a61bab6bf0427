//! The management controller's event log, as `ipmitool sel list`, `sel elist` and FreeIPMI's `ipmi-sel` print it, and what
//! of it still stands. Pure. The controller's own clock counts, which nobody sets: times are only compared with each
//! other.

use crate::sensor::ipmi::words::{self, Meaning};
use tram_proto::component::State;

/// Seconds that an event stands, unless what it reports has ended: what was not seen to by then is history.
pub const WINDOW_S: i64 = 30 * 86_400;
/// Clocks that were never set say a time before this one: 1 January 2005.
const FIRST_TIME_S: i64 = 1_104_537_600;
/// What starts a line of `ipmitool`'s log, before the sensor's name: the type of the sensor. Longer ones first.
const TYPES: &[&str] = &[
    "Power Supply",
    "Power Unit",
    "Drive Slot / Bay",
    "Drive Slot",
    "Cooling Device",
    "Temperature",
    "Processor",
    "Voltage",
    "Current",
    "Battery",
    "Memory",
    "Fan",
];

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Seconds since 1970 by the controller's clock; none: before it was set.
    pub time_s: Option<i64>,
    /// Type of the sensor, where it was told apart from its name.
    pub kind: String,
    /// The sensor.
    pub name: String,
    /// What happened.
    pub text: String,
    /// Whether it began rather than ended.
    pub is_asserted: bool,
    /// What FreeIPMI makes of it: `Nominal`, `Warning`, `Critical`.
    pub severity: String,
}

/// What one sensor of the log has against its part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Kind of the part.
    pub kind: &'static str,
    /// The sensor.
    pub name: String,
    /// How bad.
    pub state: State,
    /// What happened, in our words.
    pub reason: &'static str,
    /// Whether the sensor itself would no longer say so now: errors that pass leave only their entry.
    pub is_passing: bool,
}

/// What the whole log comes to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Summary {
    /// Entries.
    pub entries: usize,
    /// Entries of the window that report something critical, ended or not.
    pub critical: usize,
    /// Entries of the window that report a corrected memory error.
    pub corrected: usize,
    /// When the newest entry was made.
    pub newest_s: Option<i64>,
    /// What has not ended.
    pub standing: Vec<Standing>,
}

/// A row of `ipmitool`'s log: number, date, time, sensor, event, direction and perhaps a reading.
pub fn row(cells: &[&str]) -> Option<Event> {
    let [number, date, time, sensor, rest @ ..] = cells else { return None };
    let is_number =
        !number.is_empty() && number.len() <= 4 && number.bytes().all(|digit| digit.is_ascii_hexdigit());
    let is_undated = date.eq_ignore_ascii_case("pre-init");
    let time_s = time_s(date, time);
    if !is_number || (time_s.is_none() && !is_undated) || rest.is_empty() {
        return None;
    }
    let kind = TYPES.iter().find(|kind| sensor.starts_with(**kind)).copied().unwrap_or_default();
    let name = sensor.get(kind.len()..).unwrap_or_default().trim();
    let text = rest.first().copied().unwrap_or_default();
    // A number instead of a name says nothing alone; some controllers write the module into the event.
    let name = match module(text) {
        Some(module) => module.to_owned(),
        None if name.is_empty() || name.starts_with('#') => (*sensor).to_owned(),
        None => name.to_owned(),
    };
    Some(Event {
        time_s,
        kind: kind.to_owned(),
        name,
        text: text.to_owned(),
        // Some controllers write a bar into the event.
        is_asserted: !rest.iter().skip(1).any(|direction| direction.starts_with("Deassert")),
        severity: String::new(),
    })
}

/// The memory module of an event such as `Uncorrectable ECC (@DIMMA1(CPU1))`.
fn module(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once('@')?;
    let name = rest.split(['(', ')', ',', ' ']).next()?;
    (!name.is_empty()).then_some(name)
}

/// A row of FreeIPMI's log under its header.
pub fn freeipmi_row(header: &[String], cells: &[&str]) -> Option<Event> {
    let cell = |name: &str| {
        let place = header.iter().position(|known| known == name)?;
        cells.get(place).copied()
    };
    cell("id")?.parse::<u32>().ok()?;
    Some(Event {
        time_s: time_s(cell("date")?, cell("time")?),
        kind: cell("type").unwrap_or_default().to_owned(),
        name: cell("name").unwrap_or_default().to_owned(),
        text: cell("event")?.to_owned(),
        is_asserted: cell("direction").is_none_or(|direction| !direction.starts_with("Deassert")),
        severity: cell("state").unwrap_or_default().to_lowercase(),
    })
}

/// The header of FreeIPMI's log.
pub fn header(cells: &[&str]) -> Option<Vec<String>> {
    let is_header = cells.first() == Some(&"ID") && cells.contains(&"Date") && cells.contains(&"Event");
    is_header.then(|| {
        cells.iter().map(|cell| cell.to_lowercase().replace("event direction", "direction")).collect()
    })
}

/// What the log comes to at the controller's `now_s`; without one, at its newest entry.
pub fn summarise(events: &[Event], now_s: Option<i64>) -> Summary {
    let newest_s = events.iter().filter_map(|event| event.time_s).max();
    let mut summary = Summary { entries: events.len(), newest_s, ..Summary::default() };
    // A clock that was set back says less than the entries themselves.
    let now_s = now_s.max(newest_s).unwrap_or_default();
    let mut last_s = None;
    for event in events {
        last_s = event.time_s.or(last_s);
        let is_recent = last_s.is_some_and(|time_s| time_s > now_s - WINDOW_S);
        let kind = words::kind(&event.kind, None, &event.name);
        let (state, reason) = match meaning(kind, event) {
            Meaning::Redundant => {
                summary.standing.retain(|standing| standing.kind != kind);
                continue;
            }
            Meaning::Wrong(state, reason) => (state, reason),
            Meaning::Present | Meaning::Missing | Meaning::Nothing => continue,
        };
        let is_same = |standing: &Standing| standing.name == event.name && standing.reason == reason;
        if !event.is_asserted {
            summary.standing.retain(|standing| !is_same(standing));
            // That redundancy is no longer lost says that what it stands on works again.
            if reason.contains("redundan") {
                summary.standing.retain(|standing| standing.kind != kind);
            }
        } else if is_recent {
            summary.critical += usize::from(is_critical(state));
            summary.corrected += usize::from(reason == "correctable errors");
            if is_critical(state) && !summary.standing.iter().any(is_same) {
                let is_passing = matches!(kind, "memory" | "cpu" | "enclosure");
                let name = event.name.clone();
                summary.standing.push(Standing { kind, name, state, reason, is_passing });
            }
        }
    }
    summary
}

/// What stands against a part on the log's word alone; the rest is in the figures.
fn is_critical(state: State) -> bool {
    matches!(state, State::Failed | State::PredictedFailure)
}

fn meaning(kind: &str, event: &Event) -> Meaning {
    match (event.severity.as_str(), words::meaning(kind, &event.name, &event.text)) {
        ("nominal", Meaning::Wrong(..)) => Meaning::Nothing,
        ("critical", Meaning::Wrong(state, reason)) if !is_critical(state) => {
            Meaning::Wrong(State::Failed, reason)
        }
        ("critical", Meaning::Nothing) if !words::is_of_people(&event.text) => {
            Meaning::Wrong(State::Failed, "critical event")
        }
        (_, meaning) => meaning,
    }
}

/// Seconds since 1970 of a date and a time of day, zones aside: `11/04/2020`, `11/04/20`, `2020-11-04`, `Nov-04-2020`.
pub fn time_s(date: &str, time: &str) -> Option<i64> {
    let parts: Vec<&str> = date.split(['/', '-']).collect();
    let [first, second, third] = parts.as_slice() else { return None };
    let number = |text: &str| text.trim().parse::<i64>().ok();
    let (year, month, day) = match (number(first), number(second), number(third)) {
        (Some(year), Some(month), Some(day)) if year > 31 => (year, month, day),
        (Some(month), Some(day), Some(year)) => (if year < 100 { 2_000 + year } else { year }, month, day),
        (None, Some(day), Some(year)) => (year, month_of(first)?, day),
        _ => return None,
    };
    let mut of_day = 0;
    let (clock, half) = time.trim().split_once(' ').unwrap_or((time.trim(), ""));
    for part in clock.split(':') {
        of_day = of_day * 60 + number(part).filter(|part| (0..=60).contains(part))?;
    }
    match half.split(' ').next().unwrap_or_default() {
        "PM" if of_day < 12 * 3_600 => of_day += 12 * 3_600,
        "AM" if of_day >= 12 * 3_600 => of_day -= 12 * 3_600,
        _ => {}
    }
    let is_date = (1..=12).contains(&month) && (1..=31).contains(&day) && (1_970..=9_999).contains(&year);
    let time_s = is_date.then(|| days(year, month, day) * 86_400 + of_day)?;
    (time_s >= FIRST_TIME_S).then_some(time_s)
}

fn month_of(word: &str) -> Option<i64> {
    let months = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    let word = word.to_lowercase();
    let place = months.iter().position(|month| word.starts_with(month))?;
    i64::try_from(place + 1).ok()
}

/// Days from 1 January 1970 to a date of the Gregorian calendar. Years are counted from March, so that the leap day is
/// the last.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let month = (month + 9) % 12;
    year * 365 + year / 4 - year / 100 + year / 400 + (month * 306 + 5) / 10 + day - 1 - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sensor::ipmi::table::cells;

    fn summary(lines: &[&str], now: Option<&str>) -> Summary {
        let events: Vec<Event> = lines.iter().map(|line| row(&cells(line)).unwrap()).collect();
        summarise(&events, now.and_then(|now| time_s(now, "00:00:00")))
    }

    #[test]
    fn times_are_read_however_they_are_written() {
        for date in ["11/04/2020", "11/04/20", "2020-11-04", "Nov-04-2020"] {
            assert_eq!(time_s(date, "16:06:05"), Some(1_604_505_965), "{date}");
        }
        assert_eq!(time_s("11/04/20", "04:06:05 PM +07"), time_s("11/04/20", "16:06:05"));
        for none in ["Pre-Init", "PostInit", "01/01/1970", "13/40/2020", ""] {
            assert_eq!(time_s(none, "00:00:00"), None, "{none}");
        }
    }

    #[test]
    fn what_began_stands_until_it_ended_or_is_history() {
        let failed = "1 | 08/06/2020 | 15:05:37 | Power Supply PS1 Status | Failure detected | Asserted";
        let ended = "2 | 08/06/2020 | 16:05:37 | Power Supply PS1 Status | Failure detected | Deasserted";
        let standing = summary(&[failed], None).standing;
        assert_eq!(
            (standing.len(), standing[0].kind, standing[0].name.as_str()),
            (1, "power_supply", "PS1 Status")
        );
        assert_eq!((standing[0].state, standing[0].reason), (State::Failed, "failure detected"));
        let over = summary(&[failed, ended], None);
        assert_eq!((over.standing.len(), over.critical, over.entries), (0, 1, 2));
        assert!(summary(&[failed], Some("10/01/2020")).standing.is_empty());
        assert_eq!(summary(&[failed], Some("08/20/2020")).standing.len(), 1);
    }

    #[test]
    fn redundancy_that_is_back_ends_the_faults_that_it_was_lost_to() {
        let lines = [
            "1 | 10/19/2020 | 14:45:09 | Power Supply Power Supply 2 | Failure detected | Asserted",
            "2 | 10/19/2020 | 14:45:10 | Power Supply Power Supplies | Redundancy Lost | Asserted",
            "3 | 10/19/2020 | 14:50:29 | Power Supply Power Supplies | Redundancy Lost | Deasserted",
        ];
        assert_eq!(summary(&lines[..2], None).standing.len(), 1);
        assert_eq!(summary(&lines, None).standing, []);
    }

    #[test]
    fn states_of_the_machine_and_corrected_errors_stand_against_nothing() {
        let lines = [
            "1 | Pre-Init |0000000085| System ACPI Power State ACPI_Stat | S0/G0: working | Asserted",
            "2 | 08/06/2020 | 15:05:37 | OS Critical Stop | OS graceful shutdown | Asserted",
            "3 | 08/06/2020 | 15:05:38 | Memory #0x53 | Correctable ECC | Asserted",
            "4 | 08/06/2020 | 15:05:39 | OEM record dc | 000137 | 00177f8d5f00",
            "5 | 08/06/2020 | 15:05:40 | Chassis SysHealth_Stat | Transition to Non-critical from OK | Asserted",
        ];
        let summary = summary(&lines, None);
        assert_eq!((summary.standing.len(), summary.critical, summary.corrected), (0, 0, 1));
        assert_eq!(summary.newest_s, Some(1_596_726_340));
    }

    #[test]
    fn memory_is_named_by_its_module_where_the_entry_says_it() {
        let name = |line: &str| row(&cells(line)).unwrap().name;
        assert_eq!(
            name("1 | 08/06/20 | 15:05:38 | Memory | Uncorrectable ECC (@DIMMA1(CPU1)) | Asserted"),
            "DIMMA1"
        );
        assert_eq!(
            name("1 | 08/06/20 | 15:05:38 | Memory #0x53 | Uncorrectable ECC | Asserted"),
            "Memory #0x53"
        );
        assert_eq!(name("1 | 08/06/20 | 15:05:38 | Memory | Uncorrectable ECC | Asserted"), "Memory");
    }

    #[test]
    fn lines_that_are_no_entries_are_none() {
        for line in
            ["", "SEL has no entries", "FAN1 | 30h | ok | 7.1 | 5880 RPM", "x | 08/06/2020 | a | b | c"]
        {
            assert_eq!(row(&cells(line)), None, "{line}");
        }
    }
}
