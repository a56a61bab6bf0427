//! Builds samples, so that each sensor says only what its values are. Knows nothing of where they come from.

use crate::sensor::Sample;
use crate::tree;
use tram_proto::catalogue::{Column, Kind};
use tram_proto::limits;

/// Decimal digits of shares of one.
pub const SCALE_FRACTION: u8 = 4;
/// Decimal digits of seconds: milliseconds.
pub const SCALE_SECONDS: u8 = 3;
/// Decimal digits of what a read took: milliseconds. Ordinary reads take less; their noise is not worth sending.
pub const SCALE_DURATION: u8 = 3;
/// Decimal digits of degrees Celsius.
pub const SCALE_CELSIUS: u8 = 1;
/// Decimal digits of volts and amperes: thousandths.
pub const SCALE_VOLTS: u8 = 3;
/// Decimal digits of watts.
pub const SCALE_WATTS: u8 = 1;
/// Decimal digits of load averages.
pub const SCALE_LOAD: u8 = 2;
/// Whole numbers: bytes, counts, codes.
pub const SCALE_WHOLE: u8 = 0;

/// Attributes of one sample, as sensors write them.
pub type Pairs<'a> = &'a [(&'a str, &'a str)];

/// Steps that a size is told in, as a share of the whole: finer than any rule or chart, and without digits that are
/// only noise, which would be a tenth of what an agent sends.
const SIZE_STEPS_MIN: f64 = 100_000.0;

/// An amount of a whole, both in bytes, rounded to the largest power of ten that is at most a hundred-thousandth of
/// the whole.
pub fn rounded_size(bytes: f64, whole_bytes: f64) -> f64 {
    let step = 10_f64.powf((whole_bytes / SIZE_STEPS_MIN).max(1.0).log10().floor());
    ((bytes / step).round() * step).min(whole_bytes)
}

/// A level.
pub fn gauge(name: &str, unit: &str, scale: u8, attributes: Pairs<'_>, value: Option<f64>) -> Sample {
    sample(name, unit, scale, Kind::Gauge, attributes, value)
}

/// A running total.
pub fn counter(name: &str, unit: &str, scale: u8, attributes: Pairs<'_>, value: Option<f64>) -> Sample {
    sample(name, unit, scale, Kind::Counter, attributes, value)
}

/// Text from the host, cut at a character's edge to what the wire carries, control characters replaced.
pub fn clean(text: &str) -> String {
    let mut cut = text.len().min(limits::TEXT_BYTES_MAX);
    while !text.is_char_boundary(cut) {
        cut -= 1;
    }
    text.chars()
        .scan(0, |bytes, character| {
            *bytes += character.len_utf8();
            (*bytes <= cut).then_some(if character.is_control() { ' ' } else { character })
        })
        .collect()
}

fn sample(
    name: &str,
    unit: &str,
    scale: u8,
    kind: Kind,
    attributes: Pairs<'_>,
    value: Option<f64>,
) -> Sample {
    let attributes =
        tree::attributes(attributes.iter().map(|(key, value)| ((*key).to_owned(), clean(value))));
    let column = Column { name: name.to_owned(), attributes, unit: unit.to_owned(), scale, kind };
    Sample { column, value }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_lose_what_is_below_a_hundred_thousandth_of_the_whole() {
        assert_eq!(rounded_size(2_694_651_904.0, 25_276_502_016.0), 2_694_700_000.0);
        assert_eq!(rounded_size(25_276_560_000.0, 25_276_570_000.0), 25_276_570_000.0);
        assert_eq!(rounded_size(358_400.0, 1_024_000.0), 358_400.0);
        assert_eq!(rounded_size(3.0, 0.0), 0.0);
    }

    #[test]
    fn text_is_cut_between_characters_and_loses_its_control_characters() {
        assert_eq!(clean("a\nb\u{0}c"), "a b c");
        let long = clean(&"ạ".repeat(1_000));
        assert!(long.len() <= limits::TEXT_BYTES_MAX && long.len() > limits::TEXT_BYTES_MAX - 3);
        assert!(long.chars().all(|character| character == 'ạ'));
    }
}
