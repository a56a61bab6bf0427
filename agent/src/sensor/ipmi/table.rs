//! Tables of sensors that `ipmitool sensor`, `ipmitool sdr` and FreeIPMI's `ipmi-sensors` print, row by row. Pure; knows
//! nothing of what a reading means.

/// What the management controller says of a sensor's thresholds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Status {
    /// Within them, or has none.
    #[default]
    Ok,
    /// Past the first of them (`nc`).
    NonCritical,
    /// Past the second (`cr`).
    Critical,
    /// Past the third (`nr`).
    NonRecoverable,
    /// Gives no reading: what it watches is not there, or is off.
    NoReading,
}

/// One sensor of a management controller.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Entry {
    /// As its maker calls it.
    pub name: String,
    /// Its type, where the table says it (`Power Supply`).
    pub kind: String,
    /// What it watches, as the specification numbers it, and which of them: `10.1`, the first power supply.
    pub entity: Option<(u16, u16)>,
    /// Its value.
    pub value: Option<f64>,
    /// The value's unit as written, in lower case; empty for a discrete sensor.
    pub unit: String,
    /// Where it stands between its thresholds.
    pub status: Status,
    /// Its thresholds: lower non-recoverable, critical, non-critical, upper non-critical, critical, non-recoverable. None:
    /// the table has none.
    pub limits: Option<[Option<f64>; 6]>,
    /// States that a discrete sensor is in, as phrases.
    pub states: Vec<String>,
    /// The same as bits, where the table does not spell them out.
    pub bits: Option<u16>,
}

/// Columns of FreeIPMI's table, which its options choose.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Header(Vec<String>);

impl Header {
    /// The header of FreeIPMI's sensors; none for any other line.
    pub fn parse(cells: &[&str]) -> Option<Self> {
        let is_header = cells.first() == Some(&"ID") && cells.contains(&"Name") && cells.contains(&"Event");
        (is_header && !cells.contains(&"Date"))
            .then(|| Self(cells.iter().map(|cell| cell.to_lowercase()).collect()))
    }

    /// The columns of a row of FreeIPMI's sensors that stands under no header (`--no-header-output`); none where they
    /// cannot be told. Which there are shows in how many there are, and each has to look like what it would be.
    pub fn of_row(cells: &[&str]) -> Option<Self> {
        const FIRST: &[&str] = &["id", "name", "type"];
        const READING: &[&str] = &["reading", "units"];
        let (state, limits): (&[&str], &[&str]) = (&["state"], &LIMITS);
        let between: &[&[&str]] = match cells.len() {
            4 => &[],
            5 => &[state],
            6 => &[READING],
            7 => &[state, READING],
            10 => &[limits],
            11 => &[state, limits],
            12 => &[READING, limits],
            13 => &[state, READING, limits],
            _ => return None,
        };
        let columns = [&[FIRST], between, &[&["event"]]].concat().concat();
        let fits = is_freeipmi(cells) && columns.iter().zip(cells).all(|(column, cell)| fits(column, cell));
        fits.then(|| Self(columns.into_iter().map(str::to_owned).collect()))
    }

    fn cell<'a>(&self, cells: &[&'a str], name: &str) -> Option<&'a str> {
        let place = self.0.iter().position(|known| known == name)?;
        cells.get(place).copied()
    }
}

/// Thresholds as FreeIPMI calls their columns.
const LIMITS: [&str; 6] = ["lower nr", "lower c", "lower nc", "upper nc", "upper c", "upper nr"];

/// Whether a row can only be one of FreeIPMI's sensors: numbered, and with its states in quotes, or none.
pub fn is_freeipmi(cells: &[&str]) -> bool {
    let is_numbered = cells.first().is_some_and(|id| id.parse::<u32>().is_ok());
    is_numbered && cells.len() > 3 && cells.last().is_some_and(|event| fits("event", event))
}

/// Whether a cell can stand in a column of FreeIPMI's sensors.
fn fits(column: &str, cell: &str) -> bool {
    let is_none = cell == "N/A";
    match column {
        "id" => cell.parse::<u32>().is_ok(),
        "state" => is_none || matches!(cell, "Nominal" | "Warning" | "Critical"),
        "event" => is_none || (cell.len() > 2 && cell.starts_with('\'') && cell.ends_with('\'')),
        "name" | "type" => !cell.is_empty() && !cell.contains(['\'', ':']),
        "units" => is_none || (cell.starts_with(|first: char| first.is_alphabetic() || first == '%')),
        // Readings and thresholds.
        _ => is_none || number(cell).is_some(),
    }
}

/// Cells of a line of a table; FreeIPMI separates them with commas when asked to.
pub fn cells(line: &str) -> Vec<&str> {
    let separator = if line.contains('|') { '|' } else { ',' };
    line.split(separator).map(str::trim).collect()
}

/// A row of `ipmitool sensor`: name, value, unit, status, six thresholds.
pub fn sensor_row(cells: &[&str]) -> Option<Entry> {
    let [name, value, unit, status, limits @ ..] = cells else { return None };
    let is_unit =
        unit.is_empty() || *unit == "na" || unit.starts_with(|first: char| first.is_ascii_alphabetic());
    if limits.len() < 6 || name.is_empty() || !is_unit {
        return None;
    }
    let mut entry = Entry { name: (*name).to_owned(), ..Entry::default() };
    let mut thresholds = limits.iter().map(|limit| number(limit));
    entry.limits = Some(std::array::from_fn(|_| thresholds.next().flatten()));
    if *unit == "discrete" || value.starts_with("0x") {
        entry.bits = bits(status);
        entry.status = if entry.bits.is_none() { Status::NoReading } else { Status::Ok };
    } else {
        entry.value = number(value);
        entry.unit = unit.to_lowercase();
        entry.status = if entry.value.is_none() { Status::NoReading } else { word(status) };
    }
    Some(entry)
}

/// A row of `ipmitool sdr elist`: name, number, status, entity, reading. With `-c`, the phrases of a reading are cells too.
pub fn elist_row(cells: &[&str]) -> Option<Entry> {
    let [name, id, status, entity, reading @ ..] = cells else { return None };
    let digits = id.strip_suffix('h')?;
    let is_number = digits.len() >= 2 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    let (id, instance) = entity.split_once('.')?;
    let entity = (id.trim().parse().ok()?, instance.trim().parse().ok()?);
    if !is_number || name.is_empty() {
        return None;
    }
    let mut entry = Entry { name: (*name).to_owned(), entity: Some(entity), ..Entry::default() };
    entry.status = word(status);
    let (first, more) = reading.split_first()?;
    match more {
        // `45,degrees C` is one measurement.
        [unit] if number(first).is_some() => read(&mut entry, &format!("{first} {unit}")),
        _ => read(&mut entry, &reading.join(", ")),
    }
    Some(entry)
}

/// A row of `ipmitool sdr`: name, reading, status; with `-c`, the reading's unit is a cell of its own.
pub fn sdr_row(cells: &[&str]) -> Option<Entry> {
    let (name, reading, status) = match cells {
        [name, reading, status] => (name, (*reading).to_owned(), status),
        [name, number, unit, status] => (name, format!("{number} {unit}"), status),
        _ => return None,
    };
    let is_status = matches!(
        *status,
        "ok" | "ns" | "nc" | "cr" | "nr" | "na" | "lnc" | "lcr" | "lnr" | "unc" | "ucr" | "unr"
    );
    if name.is_empty() || !is_status {
        return None;
    }
    let mut entry = Entry { name: (*name).to_owned(), status: word(status), ..Entry::default() };
    read(&mut entry, reading.trim());
    Some(entry)
}

/// A row of FreeIPMI's `ipmi-sensors` under its header.
pub fn freeipmi_row(header: &Header, cells: &[&str]) -> Option<Entry> {
    let cell = |name| header.cell(cells, name).unwrap_or_default();
    let is_id = cell("id").parse::<u32>().is_ok();
    if !is_id || cell("name").is_empty() {
        return None;
    }
    let event = cell("event");
    let mut entry =
        Entry { name: cell("name").to_owned(), kind: cell("type").to_owned(), ..Entry::default() };
    entry.value = number(cell("reading"));
    entry.unit = cell("units").to_lowercase();
    entry.states =
        event.split('\'').map(str::trim).filter(|state| !state.is_empty()).map(str::to_owned).collect();
    let lower = event.to_lowercase();
    let has_nothing = matches!(lower.as_str(), "" | "n/a" | "'no event'" | "'unknown'" | "'ok'");
    if entry.unit == "n/a" || entry.value.is_none() {
        entry.unit.clear();
    }
    entry.status = match cell("state").to_lowercase().as_str() {
        "critical" => Status::Critical,
        "warning" => Status::NonCritical,
        _ if lower.contains("non-recoverable threshold") => Status::NonRecoverable,
        _ if lower.contains("non-critical threshold") => Status::NonCritical,
        _ if lower.contains("critical threshold") => Status::Critical,
        _ if entry.value.is_none() && has_nothing && lower != "'ok'" => Status::NoReading,
        _ => Status::Ok,
    };
    if has_nothing || entry.value.is_some() {
        entry.states.clear();
    }
    if header.0.iter().any(|column| column == "upper c") {
        entry.limits = Some(LIMITS.map(|column| number(cell(column))));
    }
    Some(entry)
}

/// A reading as `ipmitool sdr` writes it: a number with its unit, or phrases.
fn read(entry: &mut Entry, reading: &str) {
    let lower = reading.to_lowercase();
    let none = ["no reading", "not readable", "disabled", "unavailable", "not present", "device not present"];
    let (first, unit) = reading.split_once(' ').unwrap_or((reading, ""));
    if none.contains(&lower.as_str()) {
        entry.status = Status::NoReading;
    } else if let Some(value) = number(first).filter(|_| !unit.is_empty()) {
        entry.value = Some(value);
        entry.unit = unit.trim().to_lowercase();
    } else if let Some(bits) =
        lower.strip_prefix("0x").and_then(|digits| u16::from_str_radix(digits, 16).ok())
    {
        entry.bits = Some(bits);
    } else {
        entry.states = phrases(reading);
    }
}

/// One phrase has a comma of its own.
fn phrases(text: &str) -> Vec<String> {
    let text = text.replace("out-of-range, but", "out-of-range but");
    text.split(',').map(str::trim).filter(|phrase| !phrase.is_empty()).map(str::to_owned).collect()
}

fn word(status: &str) -> Status {
    match status.to_lowercase().as_str() {
        "nc" | "lnc" | "unc" => Status::NonCritical,
        "cr" | "lcr" | "ucr" => Status::Critical,
        "nr" | "lnr" | "unr" => Status::NonRecoverable,
        "ns" | "na" | "n/a" => Status::NoReading,
        _ => Status::Ok,
    }
}

/// Some were recorded where a comma stands before decimals.
fn number(text: &str) -> Option<f64> {
    text.replacen(',', ".", 1).parse().ok().filter(|value: &f64| value.is_finite())
}

/// The two bytes of states as `ipmitool sensor` writes them, the lower one first; the top bit of the other is reserved.
fn bits(status: &str) -> Option<u16> {
    let both = u16::from_str_radix(status.strip_prefix("0x")?, 16).ok()?;
    Some((both >> 8) | ((both & 0x7f) << 8))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_of_thresholds_is_read() {
        let entry = sensor_row(&cells(
            "FAN1 | 600.000 | RPM | nc | 300.000 | 450.000 | 600.000 | na | na | 19125.000 ",
        ))
        .unwrap();
        assert_eq!(
            (entry.value, entry.unit.as_str(), entry.status),
            (Some(600.0), "rpm", Status::NonCritical)
        );
        let limits = [Some(300.0), Some(450.0), Some(600.0), None, None, Some(19_125.0)];
        assert_eq!(entry.limits, Some(limits));
        let comma = sensor_row(&cells("5VCC | 5,135 | Volts | ok | 4,244 | na | na | na | na | na")).unwrap();
        assert_eq!((comma.value, comma.limits.unwrap()[0]), (Some(5.135), Some(4.244)));
        let none = sensor_row(&cells("FAN4 | na | | na | na | na | na | na | na | na")).unwrap();
        assert_eq!((none.value, none.status), (None, Status::NoReading));
    }

    #[test]
    fn bits_of_states_are_put_in_order() {
        let bits = |status: &str| {
            sensor_row(&cells(&format!("PS 1 | 0x0 | discrete | {status}| na | na | na | na | na | na")))
                .unwrap()
                .bits
        };
        assert_eq!((bits("0x0180"), bits("0x0281"), bits("na")), (Some(1), Some(0x0102), None));
    }

    #[test]
    fn rows_of_the_sdr_hold_numbers_or_phrases() {
        let fan = elist_row(&cells("Fan1A RPM        | 30h | ok  |  7.1 | 5880 RPM")).unwrap();
        assert_eq!((fan.value, fan.unit.as_str(), fan.entity), (Some(5_880.0), "rpm", Some((7, 1))));
        let supply = elist_row(&cells(
            "PS2 Status | 63h | ok | 10.2 | Presence detected, AC out-of-range, but present",
        ))
        .unwrap();
        assert_eq!(supply.states, ["Presence detected", "AC out-of-range but present"]);
        let supply = elist_row(&cells("Status,86h,ok,10.2,Presence detected, Failure detected")).unwrap();
        assert_eq!(supply.states, ["Presence detected", "Failure detected"]);
        let gone = elist_row(&cells("Fan2A RPM | 31h | ns  |  7.1 | Disabled")).unwrap();
        assert_eq!(gone.status, Status::NoReading);
        let short = sdr_row(&cells("CPU1 Temp | 45 degrees C | cr")).unwrap();
        assert_eq!((short.value, short.status), (Some(45.0), Status::Critical));
        assert_eq!(sdr_row(&cells("CPU1 Temp,45,degrees C,cr")), Some(short));
        assert_eq!(sdr_row(&cells("a | b | c")), None);
    }

    #[test]
    fn tables_of_freeipmi_are_read_by_their_header() {
        let header = Header::parse(&cells("ID | Name | Type | State | Reading | Units | Event")).unwrap();
        let row = |line: &str| freeipmi_row(&header, &cells(line)).unwrap();
        let hot = row(
            "4 | CPU Temp | Temperature | Critical | 98.00 | C | 'At or Above (>=) Upper Critical Threshold'",
        );
        assert_eq!((hot.value, hot.status, hot.states.len()), (Some(98.0), Status::Critical, 0));
        let supply =
            row("6 | PS1 | Power Supply | Nominal | N/A | N/A | 'Presence detected' 'Predictive Failure'");
        assert_eq!(supply.states, ["Presence detected", "Predictive Failure"]);
        assert_eq!(row("7 | FAN 2 | Fan | N/A | N/A | RPM | N/A").status, Status::NoReading);
        assert_eq!(row("8 | Memory | Memory | Nominal | N/A | N/A | 'OK'").status, Status::Ok);
        assert_eq!(Header::parse(&cells("ID | Date | Time | Name | Type | State | Event")), None);
    }

    #[test]
    fn a_row_of_freeipmi_without_a_header_is_read_where_its_columns_can_be_told() {
        let row =
            |line: &str| Header::of_row(&cells(line)).and_then(|header| freeipmi_row(&header, &cells(line)));
        let hot = "'At or Above (>=) Upper Critical Threshold'";
        let limits = "N/A | 5.00 | 10.00 | 85.00 | 90.00 | N/A";
        for line in [
            format!("4 | CPU Temp | Temperature | 98.00 | C | {hot}"),
            format!("4 | CPU Temp | Temperature | Critical | 98.00 | C | {hot}"),
            format!("4,CPU Temp,Temperature,Critical,98.00,C,{hot}"),
            format!("4 | CPU Temp | Temperature | 98.00 | C | {limits} | {hot}"),
            format!("4 | CPU Temp | Temperature | Critical | 98.00 | C | {limits} | {hot}"),
        ] {
            let entry = row(&line).unwrap_or_else(|| panic!("{line}"));
            let said =
                (entry.name.as_str(), entry.kind.as_str(), entry.value, entry.unit.as_str(), entry.status);
            assert_eq!(said, ("CPU Temp", "Temperature", Some(98.0), "c", Status::Critical), "{line}");
            let is_full = line.contains("90.00");
            assert_eq!(entry.limits.and_then(|limits| limits[4]), is_full.then_some(90.0), "{line}");
        }
        let quiet = row("6 | PS1 | Power Supply | 'Presence detected' 'Predictive Failure'").unwrap();
        assert_eq!(quiet.states, ["Presence detected", "Predictive Failure"]);
        assert_eq!(row("7 | FAN 2 | Fan | N/A | N/A | RPM | N/A").unwrap().status, Status::NoReading);
        for line in [
            // The log, which has a date and no quotes; columns that are not where they would be; other tables.
            "5 | Oct-06-2022 | 19:47:13 | ACPI | System ACPI Power State | S0/G0",
            "5 | Oct-06-2022 | 19:47:13 | ACPI | System ACPI Power State | Nominal | S0/G0",
            "4 | CPU Temp | Temperature | C | 98.00 | 'OK'",
            "4 | CPU Temp | Temperature | Fine | 98.00 | C | 'OK'",
            "4 | CPU Temp | Temperature | 98.00 | C | 'OK' | x | y",
            "FAN1 | 600.000 | RPM | nc | 300.000 | 450.000 | 600.000 | na | na | 19125.000",
        ] {
            assert_eq!(row(line), None, "{line}");
        }
    }
}
