//! What people type as a name or a note: what is taken, and why the rest is not.
//!
//! Quotes, angle brackets and the like are taken as they are: whoever shows a text escapes it.

use crate::model::text::Text;

/// Characters of a name at most: of agencies, sites, assets, users, tokens.
pub const NAME_CHARS_MAX: usize = 120;
/// Characters of a note at most.
pub const NOTE_CHARS_MAX: usize = 4_000;
/// Names in an agency's path at most.
pub const PATH_DEPTH_MAX: usize = 6;

/// Why a text is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LineFault {
    /// Nothing but blanks.
    #[error("empty")]
    Empty,
    /// Longer than allowed.
    #[error("{length} characters, at most {max}")]
    TooLong {
        /// How long it is.
        length: usize,
        /// How long it may be.
        max: usize,
    },
    /// A line break or another control character.
    #[error("a line break or another control character (U+{0:04X})")]
    Control(u32),
    /// A mark that turns the direction of writing, with which a name can look like another.
    #[error("a mark that turns the direction of writing (U+{0:04X})")]
    Direction(u32),
    /// More names in a path than the tree is deep.
    #[error("{0} names in the path, at most {max}", max = PATH_DEPTH_MAX)]
    TooDeep(usize),
}

impl LineFault {
    /// The fault for people; `field` is what the text is called where it was typed.
    pub fn text(self, field: &str) -> Text {
        let (vi, en) = match self {
            Self::Empty => (format!("{field} không được để trống."), format!("{field} must not be empty.")),
            Self::TooLong { length, max } => (
                format!("{field} có {length} ký tự, tối đa là {max}."),
                format!("{field} has {length} characters, at most {max} are taken."),
            ),
            Self::Control(code) => (
                format!("{field} chứa ký tự xuống dòng hoặc ký tự điều khiển (U+{code:04X})."),
                format!("{field} contains a line break or another control character (U+{code:04X})."),
            ),
            Self::Direction(code) => (
                format!("{field} chứa dấu đổi chiều chữ (U+{code:04X})."),
                format!("{field} contains a mark that turns the direction of writing (U+{code:04X})."),
            ),
            Self::TooDeep(depth) => (
                format!("{field} có {depth} cấp, tối đa là {PATH_DEPTH_MAX}."),
                format!("{field} has {depth} levels, at most {PATH_DEPTH_MAX} are taken."),
            ),
        };
        Text { vi, en }
    }
}

/// A name as it is kept: one line, without blanks around it.
pub fn name(text: &str) -> Result<String, LineFault> {
    let text = text.trim();
    if text.is_empty() {
        return Err(LineFault::Empty);
    }
    check(text, NAME_CHARS_MAX, &[])?;
    Ok(text.to_owned())
}

/// A note as it is kept: may be empty and have several lines.
pub fn note(text: &str) -> Result<String, LineFault> {
    let text = text.trim();
    check(text, NOTE_CHARS_MAX, &['\n', '\r', '\t'])?;
    Ok(text.to_owned())
}

/// The names of an agency's path, such as `Province/District/Commune`.
pub fn path(text: &str) -> Result<Vec<String>, LineFault> {
    let names: Vec<&str> = text.split('/').collect();
    if names.len() > PATH_DEPTH_MAX {
        return Err(LineFault::TooDeep(names.len()));
    }
    names.into_iter().map(name).collect()
}

fn check(text: &str, chars_max: usize, allowed: &[char]) -> Result<(), LineFault> {
    let length = text.chars().count();
    if length > chars_max {
        return Err(LineFault::TooLong { length, max: chars_max });
    }
    for letter in text.chars() {
        if letter.is_control() && !allowed.contains(&letter) || matches!(letter, '\u{2028}' | '\u{2029}') {
            return Err(LineFault::Control(u32::from(letter)));
        }
        if is_direction_mark(letter) {
            return Err(LineFault::Direction(u32::from(letter)));
        }
    }
    Ok(())
}

/// Unicode's `Bidi_Control` characters.
const fn is_direction_mark(letter: char) -> bool {
    matches!(letter, '\u{061C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_and_markup_are_names_like_others() {
        for text in
            ["máy \"chủ\" 'một'", "<script>alert(1)</script>", "a & b; DROP TABLE asset", "Xã Lũng Cú"]
        {
            assert_eq!(name(text).as_deref(), Ok(text));
        }
        assert_eq!(name("  máy một ").as_deref(), Ok("máy một"));
    }

    #[test]
    fn what_cannot_be_shown_in_one_line_is_refused_with_its_reason() {
        assert_eq!(name(" \t "), Err(LineFault::Empty));
        assert_eq!(name("a\nb"), Err(LineFault::Control(10)));
        assert_eq!(name("a\u{202E}b"), Err(LineFault::Direction(0x202E)));
        assert_eq!(
            name(&"x".repeat(10_000)),
            Err(LineFault::TooLong { length: 10_000, max: NAME_CHARS_MAX })
        );
        assert_eq!(path("a/b/c/d/e/f/g"), Err(LineFault::TooDeep(7)));
        assert_eq!(path("a//b"), Err(LineFault::Empty));
        assert_eq!(note("hai\ndòng").as_deref(), Ok("hai\ndòng"));
        assert!(note(&"x".repeat(10_000)).is_err());
    }
}
