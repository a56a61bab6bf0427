//! What makers write where they should have written something: no name, no model, no serial number. Pure.

/// Words that stand for nothing, in lower case, without spaces and punctuation.
const WORDS: &[&str] = &[
    "",
    "0123456789",
    "1234567890",
    "123456789",
    "assettag",
    "chassisserialnumber",
    "default",
    "defaultstring",
    "empty",
    "invalid",
    "na",
    "nil",
    "no",
    "noasset",
    "noassettag",
    "none",
    "noserial",
    "noserialnumber",
    "notapplicable",
    "notavailable",
    "notpresent",
    "notprovided",
    "notset",
    "notspecified",
    "null",
    "oem",
    "oemmanufacturer",
    "other",
    "partnumber",
    "serialnumber",
    "sernum",
    "sn",
    "string",
    "systemmanufacturer",
    "systemproductname",
    "systemserialnumber",
    "systemversion",
    "baseboardserialnumber",
    "tbd",
    "tobedetermined",
    "tobefilledbyoem",
    "unavailable",
    "undefined",
    "unknown",
    "unknow",
    "unspecified",
    "manufacturer",
];

/// The text, trimmed, where it says something.
pub fn real(text: &str) -> Option<&str> {
    let text = text.trim();
    (!is_placeholder(text)).then_some(text)
}

/// Whether a text says nothing: a word that stands for none, or one character over and over.
pub fn is_placeholder(text: &str) -> bool {
    let plain: String =
        text.chars().filter(|character| character.is_alphanumeric()).collect::<String>().to_lowercase();
    let mut characters = plain.chars();
    let is_one_character = characters.next().is_some_and(|first| {
        "0fxz9".contains(first) && characters.clone().count() > 0 && characters.all(|next| next == first)
    });
    is_one_character || plain == "0" || WORDS.contains(&plain.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn makers_ways_to_say_nothing_are_known() {
        for text in [
            "",
            "  ",
            "To be filled by O.E.M.",
            "Default string",
            "Not Specified",
            "None",
            "N/A",
            "00000000",
            "0",
            "xxxxxxxx",
            "FFFFFFFF",
            "System Serial Number",
            "...",
            "-",
            "Unknown",
            "0000-0000-0000",
            "?",
        ] {
            assert_eq!(real(text), None, "{text}");
        }
    }

    #[test]
    fn what_says_something_stays() {
        for text in ["AS0000000001", "X", "2", "VMware-56 4d 0f", "000A1", "Nonesuch", "F", "PowerEdge R630"]
        {
            assert_eq!(real(&format!(" {text} ")), Some(text));
        }
    }
}
