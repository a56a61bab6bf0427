//! The data folder: made and locked for one collector, and what is in it closed to everybody else.
//!
//! Knows the names of what lies in the folder, and nothing of what is in it.

use super::StartError;
use crate::owner::give_to_owner_of;
use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

/// What a collector has in its data folder that others must not read: hashes of passwords, keys, histories. What lies
/// in a folder is closed with it. Revocations stay as they are: they are no secret, and where root wrote them for a
/// collector that runs as another user, only everybody's right to read lets that one start.
const PRIVATE: [&str; 5] = ["state.db", "state.db-wal", "state.db-shm", "series", "pki"];

/// Makes the data folder and locks it: two collectors on one folder would each undo what the other does.
pub(crate) fn own_data_dir(data_dir: &Path) -> Result<fs::File, StartError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |why| StartError::Folder { path, why }
    };
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(data_dir);
    made.map_err(failed(data_dir))?;
    let path = data_dir.join("lock");
    let mut options = fs::OpenOptions::new();
    let lock = options.write(true).create(true).truncate(true).mode(0o600).open(&path);
    let lock = lock.map_err(failed(&path))?;
    give_to_owner_of(data_dir, &lock);
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::NonBlockingLockExclusive)
        .map_err(|_| StartError::Taken(data_dir.to_owned()))?;
    close_to_others(data_dir);
    Ok(lock)
}

/// Takes from everybody but the owner what rights they have to what is there, and says so. The folder itself stays as
/// it is: whoever made it may have other things in it.
pub(crate) fn close_to_others(data_dir: &Path) {
    for path in PRIVATE.map(|name| data_dir.join(name)) {
        match close(&path) {
            Ok(false) => {}
            Ok(true) => tracing::warn!(path = %path.display(), "others could read this, and no longer can"),
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "others can read this, and it cannot be closed to them");
            }
        }
    }
}

/// Whether there was something to close.
fn close(path: &Path) -> io::Result<bool> {
    let rights = match fs::symlink_metadata(path) {
        // Following a link would close what somebody else may have put there.
        Ok(metadata) if metadata.is_symlink() => return Ok(false),
        Ok(metadata) => metadata.permissions().mode(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    if rights & 0o077 == 0 {
        return Ok(false);
    }
    fs::set_permissions(path, fs::Permissions::from_mode(rights & 0o700))?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn what_others_could_read_in_the_data_folder_is_closed() {
        let dir = tempfile::tempdir().unwrap();
        for name in PRIVATE {
            let path = dir.path().join(name);
            match name {
                "series" | "pki" => fs::create_dir(&path).unwrap(),
                _ => fs::write(&path, "x").unwrap(),
            }
            let rights = if path.is_dir() { 0o755 } else { 0o644 };
            fs::set_permissions(&path, fs::Permissions::from_mode(rights)).unwrap();
        }
        fs::write(dir.path().join("else.txt"), "x").unwrap();
        fs::set_permissions(dir.path().join("else.txt"), fs::Permissions::from_mode(0o644)).unwrap();
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
        own_data_dir(dir.path()).unwrap();
        for name in PRIVATE {
            let path = dir.path().join(name);
            assert_eq!(mode(&path), if path.is_dir() { 0o700 } else { 0o600 }, "{name}");
        }
        assert_eq!(mode(&dir.path().join("lock")), 0o600);
        assert_eq!((mode(dir.path()), mode(&dir.path().join("else.txt"))), (0o755, 0o644), "others' own");
    }
}
