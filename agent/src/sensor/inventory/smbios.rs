//! What the firmware says that a machine is made of: the SMBIOS table as bytes, or as `dmidecode` prints it. Both give
//! the same structures, with `dmidecode`'s names of the fields. Pure; knows nothing of what a field is good for.

use crate::tree::tree;
use std::collections::BTreeMap;

/// Structures of one table; machines of four processors have some 300.
const STRUCTURES_MAX: usize = 4_096;

/// Numbers of the structures that are of use.
pub mod kind {
    /// The firmware itself.
    pub const BIOS: u8 = 0;
    /// The machine.
    pub const SYSTEM: u8 = 1;
    /// Its main board.
    pub const BOARD: u8 = 2;
    /// Its case.
    pub const CHASSIS: u8 = 3;
    /// A processor, or the socket for one.
    pub const PROCESSOR: u8 = 4;
    /// A memory module, or the slot for one.
    pub const MEMORY: u8 = 17;
    /// A power supply.
    pub const POWER_SUPPLY: u8 = 39;
}

/// One structure: its fields by name, those that say anything.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Structure {
    /// Its number, see [`kind`].
    pub kind: u8,
    /// As `dmidecode` names and words them.
    pub fields: BTreeMap<&'static str, String>,
}

/// How a field is kept in the bytes of a structure.
#[derive(Debug, Clone, Copy)]
enum Form {
    /// The number of a text behind the structure.
    Text,
    /// A chassis' type, the uppermost bit aside.
    Chassis,
    /// Megahertz, in two bytes.
    Megahertz,
    /// Million transfers a second, in two bytes.
    Transfers,
    /// A count in one byte; where that is full, in two bytes at the second place.
    Count(usize),
    /// A module's size: two bytes, or four at the second place.
    Size(usize),
    /// Whether a processor is in the socket.
    Populated,
    /// A supply's greatest power in two bytes.
    Watts,
    /// A supply's presence and state.
    SupplyStatus,
    /// A module's technology.
    Memory,
}

/// Fields by structure, place and `dmidecode`'s name.
const FIELDS: &[(u8, usize, &str, Form)] = &[
    (kind::BIOS, 0x04, "Vendor", Form::Text),
    (kind::BIOS, 0x05, "Version", Form::Text),
    (kind::BIOS, 0x08, "Release Date", Form::Text),
    (kind::SYSTEM, 0x04, "Manufacturer", Form::Text),
    (kind::SYSTEM, 0x05, "Product Name", Form::Text),
    (kind::SYSTEM, 0x06, "Version", Form::Text),
    (kind::SYSTEM, 0x07, "Serial Number", Form::Text),
    (kind::BOARD, 0x04, "Manufacturer", Form::Text),
    (kind::BOARD, 0x05, "Product Name", Form::Text),
    (kind::BOARD, 0x07, "Serial Number", Form::Text),
    (kind::CHASSIS, 0x04, "Manufacturer", Form::Text),
    (kind::CHASSIS, 0x05, "Type", Form::Chassis),
    (kind::CHASSIS, 0x07, "Serial Number", Form::Text),
    (kind::PROCESSOR, 0x04, "Socket Designation", Form::Text),
    (kind::PROCESSOR, 0x07, "Manufacturer", Form::Text),
    (kind::PROCESSOR, 0x10, "Version", Form::Text),
    (kind::PROCESSOR, 0x14, "Max Speed", Form::Megahertz),
    (kind::PROCESSOR, 0x18, "Status", Form::Populated),
    (kind::PROCESSOR, 0x20, "Serial Number", Form::Text),
    (kind::PROCESSOR, 0x23, "Core Count", Form::Count(0x2A)),
    (kind::PROCESSOR, 0x25, "Thread Count", Form::Count(0x2E)),
    (kind::MEMORY, 0x0C, "Size", Form::Size(0x1C)),
    (kind::MEMORY, 0x10, "Locator", Form::Text),
    (kind::MEMORY, 0x11, "Bank Locator", Form::Text),
    (kind::MEMORY, 0x12, "Type", Form::Memory),
    (kind::MEMORY, 0x15, "Speed", Form::Transfers),
    (kind::MEMORY, 0x17, "Manufacturer", Form::Text),
    (kind::MEMORY, 0x18, "Serial Number", Form::Text),
    (kind::MEMORY, 0x1A, "Part Number", Form::Text),
    (kind::POWER_SUPPLY, 0x05, "Location", Form::Text),
    (kind::POWER_SUPPLY, 0x06, "Name", Form::Text),
    (kind::POWER_SUPPLY, 0x07, "Manufacturer", Form::Text),
    (kind::POWER_SUPPLY, 0x08, "Serial Number", Form::Text),
    (kind::POWER_SUPPLY, 0x0A, "Model Part Number", Form::Text),
    (kind::POWER_SUPPLY, 0x0C, "Max Power Capacity", Form::Watts),
    (kind::POWER_SUPPLY, 0x0E, "Status", Form::SupplyStatus),
];

/// Words for types of chassis, from 1; SMBIOS 3.7, 7.4.1.
const CHASSIS: &[&str] = &[
    "Other",
    "Unknown",
    "Desktop",
    "Low Profile Desktop",
    "Pizza Box",
    "Mini Tower",
    "Tower",
    "Portable",
    "Laptop",
    "Notebook",
    "Hand Held",
    "Docking Station",
    "All In One",
    "Sub Notebook",
    "Space-saving",
    "Lunch Box",
    "Main Server Chassis",
    "Expansion Chassis",
    "Sub Chassis",
    "Bus Expansion Chassis",
    "Peripheral Chassis",
    "RAID Chassis",
    "Rack Mount Chassis",
    "Sealed-case PC",
    "Multi-system",
    "CompactPCI",
    "AdvancedTCA",
    "Blade",
    "Blade Enclosing",
    "Tablet",
    "Convertible",
    "Detachable",
    "IoT Gateway",
    "Embedded PC",
    "Mini PC",
    "Stick PC",
];

/// The word for a type of chassis.
pub fn chassis(number: u8) -> Option<&'static str> {
    CHASSIS
        .get(usize::from(number).checked_sub(1)?)
        .copied()
        .filter(|word| !["Other", "Unknown"].contains(word))
}

/// Structures of a table's bytes; ends where these stop to be one.
pub fn parse_table(mut bytes: &[u8]) -> Vec<Structure> {
    let mut structures = Vec::new();
    while let [kind, length, _, _, ..] = *bytes {
        let length = usize::from(length);
        let (Some(body), Some(behind)) = (bytes.get(..length), bytes.get(length..)) else { break };
        // The end-of-table structure; what is behind it is not of this table.
        if length < 4 || kind == 127 || structures.len() == STRUCTURES_MAX {
            break;
        }
        // Texts end with a zero each, all of them with one more.
        let Some(end) = behind.windows(2).position(|pair| pair == [0, 0]) else { break };
        let texts = behind.get(..end).unwrap_or_default();
        structures.push(structure(kind, body, texts));
        bytes = behind.get(end + 2..).unwrap_or_default();
    }
    structures
}

fn structure(kind: u8, body: &[u8], texts: &[u8]) -> Structure {
    let fields = FIELDS.iter().filter(|(of, ..)| *of == kind);
    let fields =
        fields.filter_map(|(_, place, name, form)| Some((*name, field(body, texts, *place, *form)?)));
    Structure { kind, fields: tree(fields) }
}

fn field(body: &[u8], texts: &[u8], place: usize, form: Form) -> Option<String> {
    let byte = || body.get(place).copied();
    let word = |place: usize| Some(u16::from_le_bytes(body.get(place..place + 2)?.try_into().ok()?));
    match form {
        Form::Text => text(texts, byte()?),
        Form::Chassis => chassis(byte()? & 0x7F).map(str::to_owned),
        Form::Megahertz => word(place).filter(|value| *value > 0).map(|value| format!("{value} MHz")),
        Form::Transfers => {
            word(place).filter(|value| ![0, u16::MAX].contains(value)).map(|value| format!("{value} MT/s"))
        }
        Form::Count(extended) => match byte()? {
            0 => None,
            0xFF => word(extended).map(|count| count.to_string()),
            count => Some(count.to_string()),
        },
        Form::Size(extended) => size(body, word(place)?, extended),
        Form::Populated => Some(if byte()? & 0x40 > 0 { "Populated" } else { "Unpopulated" }.to_owned()),
        Form::Watts => word(place).filter(|watts| *watts != 0x8000).map(|watts| format!("{watts} W")),
        Form::SupplyStatus => word(place).map(supply_status),
        Form::Memory => memory(byte()?).map(str::to_owned),
    }
}

fn text(texts: &[u8], number: u8) -> Option<String> {
    let text = texts.split(|byte| *byte == 0).nth(usize::from(number).checked_sub(1)?)?;
    Some(String::from_utf8_lossy(text).trim().to_owned())
}

fn size(body: &[u8], word: u16, extended: usize) -> Option<String> {
    match word {
        0 => Some("No Module Installed".to_owned()),
        0xFFFF => None,
        0x7FFF => {
            let megabytes = u32::from_le_bytes(body.get(extended..extended + 4)?.try_into().ok()?);
            Some(format!("{} MB", megabytes & 0x7FFF_FFFF))
        }
        kilobytes if kilobytes & 0x8000 > 0 => Some(format!("{} kB", kilobytes & 0x7FFF)),
        megabytes => Some(format!("{megabytes} MB")),
    }
}

fn supply_status(word: u16) -> String {
    if word & 2 == 0 {
        return "Not Present".to_owned();
    }
    let state = ["Other", "Unknown", "OK", "Non-critical", "Critical"];
    let state = state.get(usize::from((word >> 7) & 7).wrapping_sub(1)).copied().unwrap_or("Unknown");
    format!("Present, {state}")
}

/// SMBIOS 3.7, 7.18.2, those that are still met.
fn memory(number: u8) -> Option<&'static str> {
    Some(match number {
        0x0F => "SDRAM",
        0x12 => "DDR",
        0x13 => "DDR2",
        0x14 => "DDR2 FB-DIMM",
        0x18 => "DDR3",
        0x1A => "DDR4",
        0x1B => "LPDDR",
        0x1C => "LPDDR2",
        0x1D => "LPDDR3",
        0x1E => "LPDDR4",
        0x20 => "HBM",
        0x21 => "HBM2",
        0x22 => "DDR5",
        0x23 => "LPDDR5",
        _ => return None,
    })
}

/// Structures of what `dmidecode` prints; of other text, none.
pub fn parse_dmidecode(text: &str) -> Vec<Structure> {
    let mut structures: Vec<Structure> = Vec::new();
    for line in text.lines() {
        if let Some(kind) = line.strip_prefix("Handle ").and_then(|rest| rest.split("DMI type ").nth(1)) {
            let number = kind.split(',').next().and_then(|number| number.trim().parse().ok());
            if let Some(kind) = number
                && structures.len() < STRUCTURES_MAX
            {
                structures.push(Structure { kind, ..Structure::default() });
            }
        } else if let Some((structure, (name, value))) = structures.last_mut().zip(line.split_once(':')) {
            let name = name.trim();
            let known = FIELDS.iter().find(|(kind, _, known, _)| *kind == structure.kind && *known == name);
            if let Some((_, _, known, _)) = known {
                structure.fields.entry(known).or_insert_with(|| value.trim().to_owned());
            }
        }
    }
    structures
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A structure's bytes: what stands at which place, and texts.
    fn bytes(kind: u8, length: u8, at: &[(usize, &[u8])], texts: &[&str]) -> Vec<u8> {
        let mut body = vec![0; usize::from(length)];
        (body[0], body[1]) = (kind, length);
        for (place, value) in at {
            body[*place..place + value.len()].copy_from_slice(value);
        }
        for text in texts {
            body.extend(text.bytes().chain([0]));
        }
        body.extend(if texts.is_empty() { &[0, 0][..] } else { &[0][..] });
        body
    }

    #[test]
    fn a_table_and_its_text_give_the_same_structures() {
        let module = bytes(
            17,
            0x28,
            &[
                (0x0C, &8192_u16.to_le_bytes()),
                (0x10, &[1]),
                (0x11, &[2]),
                (0x12, &[0x1A]),
                (0x15, &2400_u16.to_le_bytes()),
                (0x17, &[3]),
                (0x18, &[4]),
                (0x1A, &[5]),
            ],
            &["DIMM_A1", "BANK 0", "Samsung", "01234567", "M393A1G40DB0-CPB "],
        );
        let supply = bytes(
            39,
            0x16,
            &[
                (0x05, &[1]),
                (0x06, &[2]),
                (0x07, &[3]),
                (0x08, &[4]),
                (0x0A, &[5]),
                (0x0C, &750_u16.to_le_bytes()),
                (0x0E, &(2_u16 | 3 << 7).to_le_bytes()),
            ],
            &["PS1", "PWR SPLY", "DELL", "CN1", "0G6W6KA02"],
        );
        let table = [module, supply, bytes(127, 4, &[], &[]), vec![9; 50]].concat();
        let text = "# dmidecode 3.3\nHandle 0x1100, DMI type 17, 84 bytes\nMemory Device\n\tSize: 8192 MB\n\tForm Factor: DIMM\n\tLocator: DIMM_A1\n\tBank Locator: BANK 0\n\tType: DDR4\n\tSpeed: 2400 MT/s\n\tManufacturer: Samsung\n\tSerial Number: 01234567\n\tPart Number: M393A1G40DB0-CPB\n\nHandle 0x2700, DMI type 39, 22 bytes\nSystem Power Supply\n\tLocation: PS1\n\tName: PWR SPLY\n\tManufacturer: DELL\n\tSerial Number: CN1\n\tModel Part Number: 0G6W6KA02\n\tMax Power Capacity: 750 W\n\tStatus: Present, OK\n";
        let structures = parse_table(&table);
        assert_eq!(structures.len(), 2);
        assert_eq!(structures, parse_dmidecode(text));
    }

    #[test]
    fn sizes_counts_and_chassis_are_read_as_the_standard_has_them() {
        let size = |word: u16, more: u32| {
            let at: [(usize, &[u8]); 2] = [(0x0C, &word.to_le_bytes()), (0x1C, &more.to_le_bytes())];
            parse_table(&bytes(17, 0x28, &at, &[]))[0].fields.get("Size").cloned()
        };
        assert_eq!(size(0, 0).unwrap(), "No Module Installed");
        assert_eq!(size(0x7FFF, 65_536).unwrap(), "65536 MB");
        assert_eq!(size(0x8200, 0).unwrap(), "512 kB");
        assert_eq!(size(0xFFFF, 0), None);
        let cores: [(usize, &[u8]); 2] = [(0x23, &[0xFF]), (0x2A, &[0, 1])];
        assert_eq!(parse_table(&bytes(4, 0x30, &cores, &[]))[0].fields["Core Count"], "256");
        assert_eq!(
            parse_table(&bytes(3, 0x09, &[(5, &[0x97])], &[]))[0].fields["Type"],
            "Rack Mount Chassis"
        );
        assert_eq!((chassis(0), chassis(2), chassis(200)), (None, None, None));
    }

    #[test]
    fn a_table_that_ends_early_is_read_as_far_as_it_goes() {
        let whole = bytes(1, 0x1B, &[(4, &[1])], &["Dell Inc."]);
        let twice = [whole.clone(), whole.clone()].concat();
        for cut in 0..twice.len() {
            assert!(parse_table(&twice[..cut]).len() <= 1);
        }
        assert_eq!(parse_table(&twice).len(), 2);
        assert!(parse_table(&[0; 64]).is_empty());
    }
}
