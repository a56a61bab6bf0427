//! Identities on the wire, as newtypes: parsed once, valid for ever after.
//!
//! Each is a fixed number of bytes, written as lower-case hexadecimal.

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// Text that is not an identity of the expected length.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected} lower-case hexadecimal digits")]
pub struct InvalidId {
    /// How many digits the identity has.
    pub expected: usize,
}

macro_rules! hex_id {
    ($(#[$doc:meta])* $name:ident, $bytes:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        pub struct $name(pub [u8; $bytes]);

        impl $name {
            /// The identity's length in bytes; its text has twice as many digits.
            pub const BYTES: usize = $bytes;
        }

        impl FromStr for $name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                let invalid = InvalidId { expected: $bytes * 2 };
                let digits = text.as_bytes();
                if digits.len() != $bytes * 2 {
                    return Err(invalid);
                }
                let mut bytes = [0_u8; $bytes];
                for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
                    *byte = match pair {
                        [high, low] => match (nibble(*high), nibble(*low)) {
                            (Some(high), Some(low)) => (high << 4) | low,
                            (None, _) | (_, None) => return Err(invalid),
                        },
                        _ => return Err(invalid),
                    };
                }
                Ok(Self(bytes))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Text;
                impl Visitor<'_> for Text {
                    type Value = $name;
                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        write!(f, "{} lower-case hexadecimal digits", $bytes * 2)
                    }
                    fn visit_str<E: de::Error>(self, text: &str) -> Result<$name, E> {
                        text.parse().map_err(E::custom)
                    }
                }
                deserializer.deserialize_str(Text)
            }
        }
    };
}

fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

hex_id!(
    /// An agent: given by the collector at enrolment, the subject of its certificate.
    AgentId, 16
);
hex_id!(
    /// A spool: random, made with the spool file. `seq` counts within it.
    SpoolId, 8
);
hex_id!(
    /// One boot of a host: the first half of the kernel's random boot id.
    BootId, 8
);
hex_id!(
    /// A catalogue: the first 16 bytes of the SHA-256 of its canonical bytes.
    CatalogueId, 16
);
hex_id!(
    /// A component set: the first 8 bytes of the SHA-256 of its canonical bytes.
    SetDigest, 8
);

/// A report's number within its spool: starts at 1, rises by one.
pub type Seq = u64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_bytes_round_trip() {
        let id = BootId([0, 1, 0xab, 0xff, 4, 5, 6, 7]);
        assert_eq!(id.to_string(), "0001abff04050607");
        assert_eq!("0001abff04050607".parse(), Ok(id));
    }

    #[test]
    fn upper_case_short_and_foreign_digits_are_refused() {
        for text in ["0001ABFF04050607", "0001", "0001abff0405060g", "", "0001abff0405060é"] {
            assert_eq!(text.parse::<BootId>(), Err(InvalidId { expected: 16 }), "{text}");
        }
    }
}
