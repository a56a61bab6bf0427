//! Whose a new file is: root may run a command beside a collector that runs as another user, and must not leave it files
//! that it cannot read. Knows nothing of what is in them.

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// Gives a file that was just made to whom its folder belongs to, where that is another. Who is not root cannot, and
/// leaves what it makes to itself.
pub(crate) fn give_to_owner_of(folder: &Path, file: &File) {
    let owners = fs::metadata(folder).ok().zip(file.metadata().ok());
    if let Some((folder, made)) = owners.filter(|(folder, made)| folder.uid() != made.uid()) {
        let given = std::os::unix::fs::fchown(file, Some(folder.uid()), Some(folder.gid()));
        tracing::debug!(from = made.uid(), to = folder.uid(), ?given, "a file changes its owner");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_root_makes_in_somebodys_folder_is_theirs() {
        let dir = tempfile::tempdir().unwrap();
        let nobody = 65_534;
        let is_root = std::os::unix::fs::chown(dir.path(), Some(nobody), Some(nobody)).is_ok();
        let made = File::create(dir.path().join("x")).unwrap();
        give_to_owner_of(dir.path(), &made);
        let own = fs::metadata(dir.path()).unwrap().uid();
        assert_eq!((made.metadata().unwrap().uid(), own == nobody), (own, is_root));
    }
}
