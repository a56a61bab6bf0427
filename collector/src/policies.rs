//! Whether policies changed: a number that rises, for those who remember what they read. Knows nothing of what they ask.

use crate::store::StoreError;
use crate::store::sqlite::policy;
use rusqlite::Connection;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// What is known of the policies in the store.
#[derive(Debug, Default)]
pub struct Policies {
    generation: AtomicU64,
    any: AtomicBool,
}

impl Policies {
    /// Looks again: something changed, or is read for the first time.
    pub fn refresh(&self, connection: &Connection) -> Result<(), StoreError> {
        self.any.store(policy::any(connection)?, Ordering::Release);
        self.generation.fetch_add(1, Ordering::AcqRel);
        Ok(())
    }

    /// A number that rises with every change; none while no place has a policy.
    pub fn generation(&self) -> Option<u64> {
        self.any.load(Ordering::Acquire).then(|| self.generation.load(Ordering::Acquire))
    }
}
