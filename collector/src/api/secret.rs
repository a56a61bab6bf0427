//! Secrets that callers carry: random when made, only their SHA-256 is kept.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

/// What a program's token starts with, so that it is recognised where it should not be.
const TOKEN_PREFIX: &str = "tramapi_";

/// The system gave no random bytes.
#[derive(Debug, thiserror::Error)]
#[error("the system gives no random bytes")]
pub struct NoRandom;

/// Random bytes of the operating system.
pub fn random<const N: usize>() -> Result<[u8; N], NoRandom> {
    let mut bytes = [0_u8; N];
    getrandom::fill(&mut bytes).map_err(|_| NoRandom)?;
    Ok(bytes)
}

/// A new session's secret, of 256 random bits.
pub fn session() -> Result<String, NoRandom> {
    Ok(URL_SAFE_NO_PAD.encode(random::<32>()?))
}

/// A new token for a program, of 256 random bits.
pub fn token() -> Result<String, NoRandom> {
    Ok(format!("{TOKEN_PREFIX}{}", URL_SAFE_NO_PAD.encode(random::<32>()?)))
}

/// A password of 100 random bits that a person can type: groups of five letters and digits that are not mistaken for
/// one another.
pub fn password() -> Result<String, NoRandom> {
    const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let mut text = String::new();
    for (place, byte) in random::<20>()?.into_iter().enumerate() {
        if place > 0 && place % 5 == 0 {
            text.push('-');
        }
        text.extend(LETTERS.get(usize::from(byte & 31)).map(|letter| char::from(*letter)));
    }
    Ok(text)
}

/// What is kept of a secret.
pub fn digest(secret: &[u8]) -> [u8; 32] {
    Sha256::digest(secret).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_differ_and_are_long_enough() {
        assert_ne!(session().unwrap(), session().unwrap());
        assert_eq!(session().unwrap().len(), 43);
        assert!(token().unwrap().starts_with(TOKEN_PREFIX));
        let password = password().unwrap();
        assert_eq!(password.len(), 23, "{password}");
    }
}
