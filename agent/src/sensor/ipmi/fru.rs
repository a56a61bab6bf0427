//! Inventories of a management controller: `ipmitool fru`, FreeIPMI's `ipmi-fru`, and the power supplies of `dmidecode`.
//! Pure. Owns what of them are parts that somebody would replace.

use crate::sensor::ipmi::words;
use crate::sensor::part;
use tram_proto::component::{Component, State};

/// One record: its description and its fields as written.
type Record<'a> = (&'a str, Vec<(&'a str, &'a str)>);

/// Parts of an inventory. The machine itself is an `enclosure` under the id [`MACHINE`].
pub fn parse(text: &str) -> Vec<Component> {
    records(text, &["FRU Device Description", "FRU Inventory Device"]).iter().filter_map(component).collect()
}

/// Id of the machine itself.
pub const MACHINE: &str = "chassis";

/// Power supplies of `dmidecode`'s type 39.
pub fn parse_dmidecode(text: &str) -> Vec<Component> {
    let mut supplies = Vec::new();
    for block in text.split("\n\n").filter(|block| block.contains("DMI type 39")) {
        let number = supplies.len() + 1;
        let fields: Vec<(&str, &str)> = block.lines().filter_map(field).collect();
        let status = value(&fields, &["Status"]).unwrap_or_default().to_lowercase();
        if status.contains("not present") {
            continue;
        }
        let mut supply = part::new("power_supply", &format!("PSU {number}"));
        describe(&mut supply, &fields, &["Manufacturer"], &["Name", "Model Part Number"], &["Serial Number"]);
        let watts =
            value(&fields, &["Max Power Capacity"]).and_then(|text| text.strip_suffix(" W")?.parse().ok());
        part::figure(&mut supply, "capacity_watts", watts);
        if status.contains("non-critical") {
            part::mark(&mut supply, State::Degraded, "not critical yet");
        } else if status.contains("critical") {
            part::mark(&mut supply, State::Failed, "critical");
        }
        if value(&fields, &["Plugged"]) == Some("No") {
            part::mark(&mut supply, State::Degraded, "input lost");
        }
        supplies.push(supply);
    }
    supplies
}

/// The number that tells power supplies apart: what follows the word for them.
pub fn supply_number(name: &str) -> Option<u32> {
    let lower = name.to_lowercase();
    let after = |word: &str| lower.find(word).and_then(|place| lower.get(place + word.len()..));
    let rest = ["supply", "supplies", "psu", "p/s", "ps"].into_iter().find_map(after)?;
    let rest = rest.trim_start_matches([' ', '_', '-', '#']);
    let end = rest.find(|character: char| !character.is_ascii_digit()).unwrap_or(rest.len());
    rest.get(..end)?.parse().ok()
}

fn records<'a>(text: &'a str, starts: &[&str]) -> Vec<Record<'a>> {
    let mut records: Vec<Record<'a>> = Vec::new();
    for line in text.lines() {
        let Some((key, value)) = field(line) else { continue };
        if starts.contains(&key) {
            records.push((value, vec![]));
        } else if let Some((_, fields)) = records.last_mut() {
            fields.push((key.trim_start_matches("FRU "), value));
        }
    }
    records
}

fn field(line: &str) -> Option<(&str, &str)> {
    let (key, value) = line.split_once(':')?;
    Some((key.trim(), value.trim()))
}

fn component((description, fields): &Record<'_>) -> Option<Component> {
    if fields.is_empty() {
        return None;
    }
    let name = description.split(" (ID").next().unwrap_or(description).trim();
    let lower = name.to_lowercase();
    let kind = match () {
        () if lower.starts_with("builtin") || lower.contains("motherboard") => "enclosure",
        () if lower.contains("backplane") || lower.starts_with("bp") => "enclosure",
        () if lower.contains("perc") || lower.contains("raid") => "disk_controller",
        () => words::kind("", None, name),
    };
    let id = match kind {
        "enclosure" if lower.starts_with("builtin") => MACHINE.to_owned(),
        "power_supply" => {
            supply_number(name).map_or_else(|| name.to_owned(), |number| format!("PSU {number}"))
        }
        // A riser or a card of its own: nobody watches its health here.
        "enclosure" if !lower.contains("backplane") && !lower.starts_with("bp") => return None,
        _ => name.to_owned(),
    };
    let mut component = part::new(kind, &id);
    let makers = [
        "Product Manufacturer",
        "Product Manufacturer Name",
        "Board Mfg",
        "Board Manufacturer",
        "Manufacturer",
    ];
    let models = [
        "Product Name",
        "Board Product",
        "Board Product Name",
        "Part Number",
        "Product Part Number",
        "Board Part Number",
    ];
    let serials = [
        "Product Serial",
        "Product Serial Number",
        "Board Serial",
        "Board Serial Number",
        "Chassis Serial",
        "Serial Number",
    ];
    describe(&mut component, fields, &makers, &models, &serials);
    if component.model.is_empty() && component.serial.is_empty() {
        return None;
    }
    if id != name && id != MACHINE {
        component.name = crate::sensor::sample::clean(name);
    }
    Some(component)
}

fn describe(
    component: &mut Component,
    fields: &[(&str, &str)],
    makers: &[&str],
    models: &[&str],
    serials: &[&str],
) {
    let maker = value(fields, makers).unwrap_or_default();
    let model = value(fields, models).unwrap_or_default();
    let has_maker = model.to_lowercase().starts_with(&maker.to_lowercase());
    let full = if has_maker { model.to_owned() } else { format!("{maker} {model}") };
    component.model = crate::sensor::sample::clean(full.trim());
    component.serial = crate::sensor::sample::clean(value(fields, serials).unwrap_or_default());
}

/// The first of these fields that says something.
fn value<'a>(fields: &[(&str, &'a str)], names: &[&str]) -> Option<&'a str> {
    let find = |name: &&str| {
        let is_it = |(key, value): &&(&str, &'a str)| *key == *name && part_meaningful(value).is_some();
        fields.iter().find(is_it).and_then(|(_, value)| part_meaningful(value))
    };
    names.iter().find_map(find)
}

/// Text that says something: makers fill fields with dots, noughts and excuses.
fn part_meaningful(text: &str) -> Option<&str> {
    const EXCUSES: &[&str] = &[
        "unknown",
        "not specified",
        "unspecified",
        "to be filled by o.e.m.",
        "default string",
        "field not present",
        "none",
        "n/a",
        "na",
        "not available",
    ];
    let text = text.trim();
    let is_filler = text.chars().all(|character| !character.is_alphanumeric() || character == '0');
    (!is_filler && !EXCUSES.contains(&text.to_lowercase().as_str())).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_its_supplies_and_its_memory_are_parts() {
        let text = "FRU Device Description : Builtin FRU Device (ID 0)\n Board Mfg : DELL\n Board Product : PowerEdge R630\n \
            Board Serial : BOARD1\n Product Manufacturer  : DELL\n Product Name : PowerEdge R630   \n Product Serial : 2WF88P2\n\n\
            FRU Device Description : PS1 (ID 1)\n Board Mfg : DELL\n Board Product : PWR SPLY,495W  \n Board Serial : CNDED1\n\n\
            FRU Device Description : PS2 (ID 2)\n Device not present (Timeout)\n\n\
            FRU Device Description : CPU 1 DIMM 2 (ID 113)\n Manufacturer : Samsung\n Serial Number : 185e62c7\n Part Number : M393\n\n\
            FRU Device Description : PCI Riser 1 (ID 11)\n Board Product : RISER\n Board Serial : X123456\n";
        let parts = parse(text);
        let said: Vec<_> = parts
            .iter()
            .map(|part| (part.kind.as_str(), part.id.as_str(), part.model.as_str(), part.serial.as_str()))
            .collect();
        assert_eq!(
            said,
            [
                ("enclosure", "chassis", "DELL PowerEdge R630", "2WF88P2"),
                ("power_supply", "PSU 1", "DELL PWR SPLY,495W", "CNDED1"),
                ("memory", "CPU 1 DIMM 2", "Samsung M393", "185e62c7"),
            ]
        );
    }

    #[test]
    fn supplies_are_told_apart_by_the_number_after_the_word() {
        for (name, number) in [
            ("PS1 Status", Some(1)),
            ("Power Supply 2", Some(2)),
            ("Pwr Supply 1 FRU", Some(1)),
            ("12V PSU_03", Some(3)),
            ("Power Supplies", None),
            ("Status", None),
        ] {
            assert_eq!(supply_number(name), number, "{name}");
        }
    }

    #[test]
    fn fields_that_say_nothing_are_passed_over() {
        for filler in ["", "......", "To Be Filled By O.E.M.", " 0000 ", "Not Specified", "Unknown"] {
            assert_eq!(part_meaningful(filler), None, "{filler}");
        }
        assert_eq!(part_meaningful(" CN1797238QA8EI  "), Some("CN1797238QA8EI"));
    }

    #[test]
    fn supplies_of_dmidecode_say_whether_they_are_well() {
        let supply = |status: &str| {
            let text = format!(
                "Handle 0x2700, DMI type 39, 22 bytes\nSystem Power Supply\n\tName: PWR SPLY,1400W\n\tManufacturer: DELL\n\
                 \tSerial Number: CNLOD0019M3A6D\n\tMax Power Capacity: 1400 W\n\tStatus: {status}\n\tPlugged: Yes\n"
            );
            parse_dmidecode(&text).into_iter().next()
        };
        let good = supply("Present, OK").unwrap();
        assert_eq!(
            (good.state, good.serial.as_str(), good.figures["capacity_watts"]),
            (State::Ok, "CNLOD0019M3A6D", 1_400.0)
        );
        assert_eq!(supply("Present, Unknown").unwrap().state, State::Ok);
        assert_eq!(supply("Present, Non-critical").unwrap().state, State::Degraded);
        assert_eq!(supply("Present, Critical").unwrap().state, State::Failed);
        assert_eq!(supply("Not Present"), None);
    }
}
