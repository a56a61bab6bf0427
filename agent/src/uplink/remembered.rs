//! Which address answered last, in a file of the state directory. Lost, it is found anew.

use std::fs;
use std::path::Path;

const FILE: &str = "address";

/// The address that answered before a restart.
pub(crate) fn read(state: &Path) -> Option<String> {
    fs::read_to_string(state.join(FILE)).ok()
}

/// Keeps it for the next start.
pub(crate) fn keep(state: &Path, address: &str) {
    if let Err(error) = fs::write(state.join(FILE), address) {
        tracing::debug!(%error, "cannot keep which address answered");
    }
}
