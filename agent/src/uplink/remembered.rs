//! What is worth knowing after a restart, in small files of the state directory: which address answered last, whether
//! history has a share. Lost, it is found anew.

use std::fs;
use std::path::Path;

const FILE: &str = "address";
/// There while the site has a budget.
const SHARED: &str = "history-shared";

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

/// Whether the site had a budget before a restart.
pub(crate) fn is_shared(state: &Path) -> bool {
    state.join(SHARED).exists()
}

/// Keeps that for the next start.
pub(crate) fn keep_shared(state: &Path, is_shared: bool) {
    let path = state.join(SHARED);
    let kept = if is_shared { fs::write(path, "") } else { fs::remove_file(path) };
    if let Err(error) = kept {
        tracing::debug!(%error, "cannot keep whether history has a share");
    }
}
