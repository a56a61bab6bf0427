//! Lists of globs that say what a sensor leaves out. Knows nothing of what the names belong to.
//!
//! `*` stands for any characters, `/` among them; `?` for one; `[a-z]` for one of a range.

use glob::{Pattern, PatternError};
use std::sync::Arc;

/// Globs; a name matches when one of them does. Copies share them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Globs(Arc<[Glob]>);

/// Nearly all are names or their beginnings, which take their text alone; a pattern takes 32 bytes a character.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Glob {
    Name(Box<str>),
    Beginning(Box<str>),
    Pattern(Pattern),
}

/// Text that is not a glob.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a glob: {why} at character {place}")]
pub struct InvalidGlob {
    /// What was given.
    pub text: String,
    /// Where it goes wrong, from 0.
    pub place: usize,
    /// How.
    pub why: &'static str,
}

impl Globs {
    /// Reads globs; the first bad one is the error.
    pub fn parse<T: AsRef<str>>(texts: &[T]) -> Result<Self, InvalidGlob> {
        let pattern = |text: &T| {
            let text = text.as_ref();
            Glob::new(text).map_err(|error| InvalidGlob {
                text: text.to_owned(),
                place: error.pos,
                why: error.msg,
            })
        };
        texts.iter().map(pattern).collect::<Result<_, _>>().map(Self)
    }

    /// The globs that this program ships with. A test reads each of them.
    pub(crate) fn known(texts: &[&str]) -> Self {
        Self(texts.iter().filter_map(|text| Glob::new(text).ok()).collect())
    }

    /// Whether one of the globs stands for the name.
    pub fn matches(&self, name: &str) -> bool {
        self.0.iter().any(|glob| glob.matches(name))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Glob {
    fn new(text: &str) -> Result<Self, PatternError> {
        let pattern = Pattern::new(text)?;
        let (start, is_open) = text.strip_suffix('*').map_or((text, false), |start| (start, true));
        Ok(match (start.contains(['*', '?', '[']), is_open) {
            (true, _) => Self::Pattern(pattern),
            (false, true) => Self::Beginning(start.into()),
            (false, false) => Self::Name(start.into()),
        })
    }

    fn matches(&self, name: &str) -> bool {
        match self {
            Self::Name(known) => **known == *name,
            Self::Beginning(start) => name.starts_with(&**start),
            Self::Pattern(pattern) => pattern.matches(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_ranges_and_plain_names_match_whole_names() {
        let globs = Globs::parse(&["lo", "veth*", "sd[a-z]*[0-9]", "/run/*"]).unwrap();
        for name in ["lo", "veth12ab", "sda1", "sdab12", "/run/user/1000"] {
            assert!(globs.matches(name), "{name}");
        }
        for name in ["lo0", "eth0", "sda", "sdab", "/run", "/srv/run/x"] {
            assert!(!globs.matches(name), "{name}");
        }
    }

    #[test]
    fn names_and_beginnings_match_what_their_patterns_do() {
        let texts = ["", "*", "**", "lo", "lo*", "l*o", "l?", "lo]", "/run/**", "/run/*", "[l]o*", "đĩa*"];
        for text in texts {
            let (glob, pattern) = (Glob::new(text).unwrap(), Pattern::new(text).unwrap());
            for name in ["", "lo", "lo0", "lo]", "lo*", "l", "/run", "/run/", "/run/user/1", "đĩa", "đĩa 1"]
            {
                assert_eq!(glob.matches(name), pattern.matches(name), "{text} {name}");
            }
        }
    }

    #[test]
    fn a_bad_glob_is_named_with_its_place() {
        let error = Globs::parse(&["eth*", "a[b"]).unwrap_err();
        assert_eq!((error.text.as_str(), error.place), ("a[b", 1));
    }
}
