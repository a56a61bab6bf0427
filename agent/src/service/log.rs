//! The log of a service, which has no standard error: a file of bounded size and the one before it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

const FILE: &str = "agent.log";
const BEFORE: &str = "agent.log.1";
/// A file that has grown this long becomes the one before.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// The file that is written to.
#[derive(Debug)]
pub struct Log {
    directory: PathBuf,
    file: File,
    bytes: u64,
}

impl Log {
    /// Goes on with the log in a directory.
    pub fn open(directory: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().append(true).create(true).open(directory.join(FILE))?;
        let bytes = file.metadata()?.len();
        Ok(Self { directory: directory.to_owned(), file, bytes })
    }

    fn turn(&mut self) -> io::Result<()> {
        fs::copy(self.directory.join(FILE), self.directory.join(BEFORE))?;
        self.file =
            OpenOptions::new().write(true).create(true).truncate(true).open(self.directory.join(FILE))?;
        self.bytes = 0;
        Ok(())
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes >= FILE_BYTES_MAX {
            self.turn()?;
        }
        let written = self.file.write(bytes)?;
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_keeps_its_bound_and_the_file_before() {
        let directory = tempfile::tempdir().unwrap();
        let mut log = Log::open(directory.path()).unwrap();
        log.write_all(&vec![b'a'; FILE_BYTES_MAX as usize]).unwrap();
        log.write_all(b"b").unwrap();
        drop(log);
        assert_eq!(fs::read(directory.path().join(FILE)).unwrap(), b"b");
        assert_eq!(fs::metadata(directory.path().join(BEFORE)).unwrap().len(), FILE_BYTES_MAX);
        let mut log = Log::open(directory.path()).unwrap();
        log.write_all(b"c").unwrap();
        drop(log);
        assert_eq!(fs::read(directory.path().join(FILE)).unwrap(), b"bc");
    }
}
