//! Passwords: argon2id on threads of their own, few at a time, and what a new one must be.

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Checks at once. Each takes 19 MiB and a processor for some 20 ms.
const CHECKS_AT_ONCE: usize = 2;
/// Checks that may wait for their turn; more are told to come back.
const CHECKS_WAITING_MAX: usize = 64;
/// Characters of a new password at least.
pub const LENGTH_MIN: usize = 10;
/// Bytes of a password at most, so that hashing it stays cheap.
pub const BYTES_MAX: usize = 1_024;

/// Why a password was not hashed or checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// Too many checks are waiting.
    #[error("too many passwords are being checked")]
    Busy,
    /// Hashing failed.
    #[error("hashing a password failed")]
    Failed,
}

/// Checks passwords.
#[derive(Debug, Clone)]
pub struct Passwords {
    turns: Arc<Semaphore>,
    queue: Arc<Semaphore>,
    /// What is checked for a name that does not exist, so that it takes as long as one that does.
    decoy: Arc<str>,
}

impl Passwords {
    /// Hashes with the costs that OWASP recommends for argon2id: 19 MiB, two rounds.
    pub fn new() -> Result<Self, PasswordError> {
        Ok(Self {
            turns: Arc::new(Semaphore::new(CHECKS_AT_ONCE)),
            queue: Arc::new(Semaphore::new(CHECKS_WAITING_MAX)),
            decoy: hash("no one's password")?.into(),
        })
    }

    /// Whether a password is that of a hash; always false without a hash, after as much work.
    pub async fn check(&self, password: String, hash: Option<String>) -> Result<bool, PasswordError> {
        let _place = self.queue.try_acquire().map_err(|_| PasswordError::Busy)?;
        let _turn = self.turns.acquire().await.map_err(|_| PasswordError::Busy)?;
        let exists = hash.is_some();
        let hash = hash.unwrap_or_else(|| self.decoy.to_string());
        let checked = tokio::task::spawn_blocking(move || matches(&password, &hash)).await;
        Ok(checked.map_err(|_| PasswordError::Failed)? && exists)
    }
}

/// The hash of a password, as a PHC string.
pub fn hash(password: &str) -> Result<String, PasswordError> {
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params());
    let hash: PasswordHash = argon2.hash_password(password.as_bytes()).map_err(|_| PasswordError::Failed)?;
    Ok(hash.to_string())
}

/// Tests sign in often and unoptimised: they hash with the least cost there is.
fn params() -> Params {
    if cfg!(test) { Params::new(8, 1, 1, None).unwrap_or_default() } else { Params::default() }
}

fn matches(password: &str, hash: &str) -> bool {
    PasswordHash::new(hash)
        .is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_right_password_of_an_existing_hash_passes() {
        let passwords = Passwords::new().unwrap();
        let stored = hash("mật khẩu đúng").unwrap();
        assert!(stored.starts_with("$argon2id$"), "{stored}");
        assert_eq!(passwords.check("mật khẩu đúng".into(), Some(stored.clone())).await, Ok(true));
        assert_eq!(passwords.check("mật khẩu sai".into(), Some(stored)).await, Ok(false));
        assert_eq!(passwords.check("no one's password".into(), None).await, Ok(false));
    }
}
