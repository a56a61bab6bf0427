//! ATA attributes: what their numbers mean, maker by maker. Raw values are 48 bits that makers pack as they like; what
//! cannot be a count is not taken for one. Judges nothing.

use super::drive::Drive;
use super::figure;

/// No count of faults reaches it: what does packs several numbers, or has all its bits set because nobody counted.
const COUNT_MAX: u64 = u32::MAX as u64;
/// What the attributes of solid drives alone are named after.
const SOLID_NAMES: &[&str] = &["wear", "ssd_", "nand", "flash", "erase_"];
/// Attributes whose upper parts hold other counters, and the count the lowest 16 bits, as smartctl reads them too: 5 and
/// 196 everywhere, 188 at Seagate.
const LOW_WORD: &[u8] = &[5, 188, 196];
/// A century: no drive is older.
const HOURS_MAX: f64 = 876_000.0;
/// What a disk can have: 0 and less stand for no sensor.
const TRUSTED_CELSIUS: std::ops::RangeInclusive<f64> = 1.0..=120.0;

/// Whether an attribute has fallen to its maker's threshold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Failed {
    /// Never.
    #[default]
    No,
    /// Not now, but before.
    Past,
    /// Now.
    Now,
}

/// One attribute.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Attribute {
    /// Number.
    pub id: u8,
    /// Name, as smartctl's list has it: the same number means different things with different makers.
    pub name: String,
    /// Normalised: falls towards the threshold.
    pub value: Option<f64>,
    /// The lowest that it ever was; 253 and more: never yet worked out.
    pub worst: Option<f64>,
    /// Whether its fall announces a failure, rather than age.
    pub is_prefail: bool,
    /// Whether it has fallen to the threshold.
    pub failed: Failed,
    /// Raw value as smartctl prints it.
    pub raw: String,
    /// Raw value, 48 bits.
    pub raw_bits: Option<u64>,
}

impl Attribute {
    /// The raw value as a count; none where it cannot be one.
    pub fn count(&self) -> Option<f64> {
        let whole = self.printed().or(self.raw_bits)?;
        match whole {
            0..=0xffff => Some(whole as f64),
            _ if LOW_WORD.contains(&self.id) => Some((whole & 0xffff) as f64),
            // A rate, as Intel's 330 has it: 153,797,776 on a drive whose normalised value is 117.
            _ if self.id == 187 && self.value.is_some_and(|value| value >= 100.0) => None,
            _ => trusted_count(Some(whole as f64)),
        }
    }

    /// The number that the printed raw value begins with. Three numbers are 16 bits each, the lowest last.
    fn printed(&self) -> Option<u64> {
        let words: Vec<&str> = self.raw.split_whitespace().collect();
        let word = match words.as_slice() {
            [high, middle, low] if [high, middle, low].iter().all(|word| is_number(word)) => low,
            [first, ..] => first,
            [] => return None,
        };
        if let Some(digits) = word.strip_prefix("0x") {
            return u64::from_str_radix(digits, 16).ok();
        }
        let end = word.find(|character: char| !character.is_ascii_digit()).unwrap_or(word.len());
        word.get(..end)?.parse().ok()
    }

    /// The 48 bits, where they are printed as they are.
    fn bits(&self) -> Option<u64> {
        self.raw_bits.or_else(|| self.raw.parse().ok())
    }

    /// Whether its worst value is better than the one of now: what stands there is something else.
    fn is_contradictory(&self) -> bool {
        self.value.zip(self.worst).is_some_and(|(value, worst)| worst > value && worst < 253.0)
    }

    fn is_named(&self, parts: &[&str]) -> bool {
        let name = self.name.to_ascii_lowercase();
        parts.iter().any(|part| name.contains(part))
    }

    /// Degrees in the lowest byte; lowest and highest ever in those above.
    fn celsius(&self) -> Option<f64> {
        let whole = self.printed().or(self.raw_bits)?;
        let celsius = if whole > 0xff { whole & 0xff } else { whole };
        trusted_celsius(Some(celsius as f64))
    }

    fn hours(&self) -> Option<f64> {
        let hours = match self.printed()? {
            hours @ 0..=COUNT_MAX => hours as f64,
            packed => (packed & 0xff_ffff) as f64,
        };
        // Some count minutes, and smartctl prints those of the drives that it knows as hours.
        trusted_hours(Some(hours))
    }
}

fn is_number(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit())
}

/// A number of faults that somebody counted.
pub fn trusted_count(count: Option<f64>) -> Option<f64> {
    count.filter(|count| *count < COUNT_MAX as f64)
}

/// An age that a disk can have.
pub fn trusted_hours(hours: Option<f64>) -> Option<f64> {
    hours.filter(|hours| *hours <= HOURS_MAX)
}

/// A temperature that a disk can have.
pub fn trusted_celsius(celsius: Option<f64>) -> Option<f64> {
    celsius.filter(|celsius| TRUSTED_CELSIUS.contains(celsius))
}

/// A count, and what the names of the attributes with that number have in common that hold it.
const COUNTS: &[(u8, &[&str], &str)] = &[
    (5, &["realloc", "retired", "bad_bl", "replaced"], figure::REALLOCATED),
    (10, &["spin_retry"], figure::SPIN_RETRIES),
    (12, &["power_cycle"], figure::POWER_CYCLES),
    (171, &["program_fail"], figure::PROGRAM_FAILURES),
    (172, &["erase_fail"], figure::ERASE_FAILURES),
    (181, &["program_fail"], figure::PROGRAM_FAILURES),
    (182, &["erase_fail"], figure::ERASE_FAILURES),
    (184, &["end-to-end", "end_to_end", "error_correction_count", "ioedc"], figure::END_TO_END),
    (187, &["uncorrect", "uncorr_error", "unc_error"], figure::UNCORRECTED),
    (188, &["command_timeout"], figure::COMMAND_TIMEOUTS),
    (196, &["reallocat", "realloc_event"], figure::REALLOCATIONS),
    (197, &["pending"], figure::PENDING),
    (198, &["uncorrect", "offline_unc", "off-line_scan_unc"], figure::OFFLINE_UNCORRECTABLE),
    (199, &["crc"], figure::INTERFACE_CRC),
];

/// Notes what the attributes say as figures. What smartctl has worked out itself is there before and stays.
pub fn interpret(drive: &mut Drive) {
    let attributes = std::mem::take(&mut drive.attributes);
    let find = |id: u8| attributes.iter().find(|attribute| attribute.id == id);
    let is_solid = |attribute: &Attribute| attribute.is_named(SOLID_NAMES);
    if drive.figure(figure::ROTATION).is_none() && attributes.iter().any(is_solid) {
        drive.note(figure::ROTATION, Some(0.0));
    }
    let is_guessed = is_guessed(drive, &attributes);
    note_counts(drive, &attributes, is_guessed);
    if drive.is_seagate() && !drive.is_solid() {
        for (id, name) in [(1, figure::READ_ERRORS), (7, figure::SEEK_ERRORS)] {
            let errors = find(id).and_then(Attribute::bits).map(|bits| (bits >> 32) as f64);
            drive.note(name, errors);
        }
    }
    let known = |drive: &Drive, name| drive.figures.contains_key(name);
    if !known(drive, figure::POWER_ON_HOURS) {
        drive.note(figure::POWER_ON_HOURS, find(9).and_then(Attribute::hours));
    }
    if !known(drive, figure::TEMPERATURE) {
        let celsius = [194, 190].into_iter().filter_map(find).filter(|found| found.is_named(&["temp"]));
        drive.note(figure::TEMPERATURE, celsius.filter_map(Attribute::celsius).next());
    }
    if drive.is_solid() {
        if !known(drive, figure::WEAR) {
            let is_known = !is_guessed || drive.model.to_ascii_uppercase().contains("SAMSUNG");
            let left = attributes.iter().filter_map(|found| life_left_percent(found, is_known)).next();
            drive.note(figure::WEAR, left.map(|left| 100.0 - left));
        }
        if !known(drive, figure::SPARE) {
            let spare = attributes.iter().filter(|found| found.is_named(&["available_reserv"]));
            drive.note(figure::SPARE, spare.filter_map(|found| percent(found.value)).next());
        }
    }
    drive.has_health |= !attributes.is_empty();
    drive.attributes = attributes;
}

/// Whether this is a solid drive that smartctl's list does not have: some of its attributes have no name, and the others those
/// of hard disks, whatever its maker keeps there.
fn is_guessed(drive: &Drive, attributes: &[Attribute]) -> bool {
    let is_unnamed = |attribute: &Attribute| attribute.is_named(&["unknown_"]);
    drive.is_solid() && drive.family.is_empty() && attributes.iter().any(is_unnamed)
}

/// Notes counts of faults. Under guessed names, 184 may as well be the bad blocks that the drive left the works with; faults
/// of its flash count where its own value has fallen, too; and nothing does where its table makes no sense, as Indilinx'
/// does not.
fn note_counts(drive: &mut Drive, attributes: &[Attribute], is_guessed: bool) {
    let find = |id: u8| attributes.iter().find(|attribute| attribute.id == id);
    let is_odd = |(id, ..): &(u8, &[&str], &str)| find(*id).is_some_and(Attribute::is_contradictory);
    if is_guessed && COUNTS.iter().any(is_odd) {
        return;
    }
    for (id, names, name) in COUNTS {
        let is_backed = |attribute: &Attribute| match id {
            184 => !is_guessed,
            5 | 187 | 197 | 198 => !is_guessed || attribute.value.is_none_or(|value| value < 100.0),
            _ => true,
        };
        let is_meant = |attribute: &Attribute| attribute.name.is_empty() || attribute.is_named(names);
        let found = find(*id).filter(|attribute| is_meant(attribute) && is_backed(attribute));
        drive.note(name, found.and_then(Attribute::count));
    }
}

/// What is left of a solid drive's rated life. Only attributes of which the makers' meaning is known: others of the same
/// numbers or names fall the other way round, or stand still.
fn life_left_percent(attribute: &Attribute, is_known_drive: bool) -> Option<f64> {
    let value = percent(attribute.value);
    let is = |id: u8, parts: &[&str]| attribute.id == id && attribute.is_named(parts);
    // Intel's raw value is always 0, SK hynix' the same percents. SanDisk and Lite-On use the number for what they wrote.
    if is(233, &["media_wearout_indicator"]) {
        let raw = attribute.count();
        return value.filter(|value| *value > 0.0 && (raw == Some(0.0) || raw == Some(*value)));
    }
    // Phison's: some firmware leaves the normalised value at 100 and tells the percents in the raw one.
    if is(231, &["ssd_life_left"]) {
        let raw = attribute.count().filter(|raw| (1.0..=100.0).contains(raw));
        return raw.map_or(value, |raw| Some(value.map_or(raw, |value| value.min(raw))));
    }
    let is_known = is(202, &["percent_lifetime", "perc_rated_life"])
        // smartctl's name for it on every drive that it does not know.
        || (is(177, &["wear_leveling_count"]) && is_known_drive)
        || is(169, &["remaining_life"]);
    // A value of 0 that no threshold complains of was never kept.
    value.filter(|value| is_known && *value > 0.0)
}

fn percent(value: Option<f64>) -> Option<f64> {
    value.filter(|value| (0.0..=100.0).contains(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attribute(id: u8, name: &str, value: f64, raw: &str) -> Attribute {
        Attribute { id, name: name.into(), value: Some(value), raw: raw.into(), ..Attribute::default() }
    }

    fn check(id: u8, raw: &str, expect: Option<f64>) {
        assert_eq!(attribute(id, "x", 100.0, raw).count(), expect, "{id} {raw:?}");
    }

    #[test]
    fn packed_counts_are_taken_apart_and_what_is_none_is_not_known() {
        check(188, "17180131332", Some(4.0));
        check(188, "0 1 3", Some(3.0));
        check(5, "8 (0 65535)", Some(8.0));
        check(5, "562949953421320", Some(8.0));
        check(196, "53416508262463", Some(2111.0));
        check(170, "1/1162", Some(1.0));
        check(175, "1606413648477", None);
        check(230, "0x002600140026", None);
        check(197, "", None);
        check(197, "-", None);
    }

    fn interpreted(model: &str, rotation: f64, attributes: Vec<Attribute>) -> Drive {
        let mut drive = Drive { model: model.into(), attributes, ..Drive::default() };
        drive.note(figure::ROTATION, Some(rotation));
        interpret(&mut drive);
        drive
    }

    /// What makes smartctl's names guesses.
    fn unnamed() -> Attribute {
        attribute(210, "Unknown_Attribute", 100.0, "0")
    }

    #[test]
    fn seagate_errors_are_above_the_operations() {
        let rates = || {
            vec![
                attribute(1, "Raw_Read_Error_Rate", 117.0, "143944925"),
                attribute(7, "Seek_Error_Rate", 82.0, "8589934600"),
            ]
        };
        let seagate = interpreted("ST3200820AS", 7200.0, rates());
        assert_eq!(
            (seagate.figure(figure::READ_ERRORS), seagate.figure(figure::SEEK_ERRORS)),
            (Some(0.0), Some(2.0))
        );
        assert_eq!(interpreted("WDC WD40EFRX", 5400.0, rates()).figure(figure::READ_ERRORS), None);
    }

    #[test]
    fn hours_and_degrees_are_read_from_whatever_is_printed() {
        let found = |id, name: &str, raw: &str| {
            let drive = interpreted("x", 7200.0, vec![attribute(id, name, 50.0, raw)]);
            drive.figure(figure::POWER_ON_HOURS).or(drive.figure(figure::TEMPERATURE))
        };
        assert_eq!(found(9, "Power_On_Hours", "23120h+47m+35.910s"), Some(23_120.0));
        assert_eq!(found(9, "Power_On_Hours", "885 (12 3 0)"), Some(885.0));
        assert_eq!(found(194, "Temperature_Celsius", "33 (0 20 0 0 0)"), Some(33.0));
        assert_eq!(found(194, "Temperature_Celsius", "85899345953"), Some(33.0));
        assert_eq!(found(190, "Airflow_Temperature_Cel", "35 (Min/Max 32/37)"), Some(35.0));
        assert_eq!(found(194, "Temperature_Celsius", "0"), None);
    }

    #[test]
    fn wear_is_read_only_where_its_meaning_is_known() {
        let wear_of = |model: &str, id, name: &str, value, raw: &str| {
            interpreted(model, 0.0, vec![attribute(id, name, value, raw), unnamed()]).figure(figure::WEAR)
        };
        let wear = |id, name: &str, value, raw: &str| wear_of("Samsung SSD", id, name, value, raw);
        assert_eq!(wear(233, "Media_Wearout_Indicator", 15.0, "0"), Some(85.0));
        assert_eq!(wear(233, "Media_Wearout_Indicator", 2.0, "99"), None);
        assert_eq!(wear(231, "SSD_Life_Left", 100.0, "74"), Some(26.0));
        assert_eq!(wear(202, "Percent_Lifetime_Remain", 91.0, "9"), Some(9.0));
        assert_eq!(wear(177, "Wear_Leveling_Count", 28.0, "1530"), Some(72.0));
        assert_eq!(wear_of("unknown", 177, "Wear_Leveling_Count", 28.0, "1530"), None);
        assert_eq!(wear(233, "Media_Wearout_Indicator", 60.0, "60"), Some(40.0));
        assert_eq!(wear(177, "Wear_Range_Delta", 0.0, "1"), None);
        assert_eq!(wear(173, "Wear_Leveling_Count", 165.0, "3294309909395"), None);
    }

    #[test]
    fn a_number_with_another_name_is_another_thing() {
        let errors = |rotation, name: &str| {
            let attributes = vec![attribute(184, name, 100.0, "90"), unnamed()];
            interpreted("x", rotation, attributes).figure(figure::END_TO_END)
        };
        assert_eq!(errors(7200.0, "Initial_Bad_Block_Count"), None);
        assert_eq!(errors(7200.0, "End-to-End_Error"), Some(90.0));
        // smartctl's name for it, whatever an unknown solid drive means by it.
        assert_eq!(errors(0.0, "End-to-End_Error"), None);
        assert_eq!(errors(7200.0, ""), Some(90.0));
    }

    #[test]
    fn faults_of_an_unknown_solid_drive_count_where_its_own_value_has_fallen() {
        let faults = |rotation, value, other| {
            let blocks = attribute(5, "Reallocated_Sector_Ct", value, "54");
            interpreted("x", rotation, vec![blocks, other]).figure(figure::REALLOCATED)
        };
        assert_eq!(faults(0.0, 100.0, unnamed()), None);
        assert_eq!(faults(0.0, 97.0, unnamed()), Some(54.0));
        assert_eq!(faults(7200.0, 100.0, unnamed()), Some(54.0));
        assert_eq!(faults(0.0, 100.0, attribute(231, "SSD_Life_Left", 99.0, "99")), Some(54.0));
    }

    #[test]
    fn a_table_that_contradicts_itself_counts_nothing_of_an_unknown_drive() {
        let errors = |worst, other| {
            let odd =
                Attribute { worst: Some(worst), ..attribute(198, "Offline_Uncorrectable", 91.0, "38503") };
            let attributes = vec![odd, attribute(199, "UDMA_CRC_Error_Count", 21.0, "39935"), other];
            let drive = interpreted("x", 0.0, attributes);
            [figure::OFFLINE_UNCORRECTABLE, figure::INTERFACE_CRC].map(|name| drive.figure(name))
        };
        assert_eq!(errors(213.0, unnamed()), [None, None]);
        for (worst, other) in
            [(91.0, unnamed()), (253.0, unnamed()), (213.0, attribute(231, "SSD_Life_Left", 99.0, "99"))]
        {
            assert_eq!(errors(worst, other), [Some(38_503.0), Some(39_935.0)], "{worst}");
        }
    }

    #[test]
    fn a_rate_and_a_counter_that_nobody_counted_are_no_counts() {
        let errors = |id, value, raw: &str| attribute(id, "x", value, raw).count();
        assert_eq!(errors(187, 117.0, "153797776"), None);
        assert_eq!(errors(187, 1.0, "12059317"), Some(12_059_317.0));
        assert_eq!(errors(199, 200.0, "70000"), Some(70_000.0));
        assert_eq!(errors(197, 100.0, "4294967295"), None);
    }

    #[test]
    fn attributes_of_flash_make_a_drive_solid_that_does_not_say_so() {
        let found = |name: &str| {
            let mut drive = Drive { attributes: vec![attribute(177, name, 99.0, "1")], ..Drive::default() };
            interpret(&mut drive);
            drive.is_solid()
        };
        assert_eq!((found("Wear_Leveling_Count"), found("Unknown_Attribute")), (true, false));
    }
}
