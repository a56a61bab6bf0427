//! What slow sensors found last, in a file: after a restart a disk is not missing only because SMART has not been read
//! again. Lost or unreadable, it is found anew. Knows nothing of what the parts are.

use crate::sensor::runner::Kept;
use std::fs;
use std::path::Path;

const FILE: &str = "parts.json";

/// As it is on disk.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Parts(Kept);

impl Parts {
    /// Reads what the run before kept.
    pub(super) fn read(state: &Path) -> Self {
        let bytes = fs::read(state.join(FILE)).unwrap_or_default();
        Self(serde_json::from_slice(&bytes).unwrap_or_default())
    }

    /// What is kept.
    pub(super) const fn kept(&self) -> &Kept {
        &self.0
    }

    /// Keeps what is new.
    pub(super) fn keep(&mut self, state: &Path, kept: Kept) {
        if kept == self.0 {
            return;
        }
        let (file, other) = (state.join(FILE), state.join("parts.other"));
        let written = serde_json::to_vec(&kept)
            .map_err(Into::into)
            .and_then(|bytes| fs::write(&other, bytes))
            .and_then(|()| fs::rename(&other, &file));
        if let Err(error) = written {
            tracing::debug!(%error, "cannot keep what slow sensors found; they will be read again after a restart");
        }
        self.0 = kept;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_kept_is_there_after_a_restart_and_damage_is_none() {
        let state = tempfile::tempdir().unwrap();
        let kept: Kept = [("smart".to_owned(), vec![])].into();
        let mut parts = Parts::read(state.path());
        assert_eq!(parts, Parts::default());
        parts.keep(state.path(), kept.clone());
        assert_eq!(Parts::read(state.path()).kept(), &kept);
        fs::write(state.path().join(FILE), "{").unwrap();
        assert_eq!(Parts::read(state.path()), Parts::default());
    }
}
