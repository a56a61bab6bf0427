//! What a program did to a folder, and what it said, as `strace` saw it.
//!
//! Pure. Everything that Linux has for changing files is watched; what is not understood and touches the folder is an
//! error, since a replay without it would prove nothing. An act counts from when it was over, what was said from when it
//! was begun, and a sync covers only what was over when it began.

use crate::strace::{Calls, Line, bytes, string};
use anyhow::{Context as _, bail, ensure};
use std::path::{Path, PathBuf};

/// Arguments of `strace`: every call that can change a file, with all its bytes.
pub const ARGUMENTS: &[&str] = &[
    "-f",
    "-y",
    "-xx",
    "--seccomp-bpf",
    "-s",
    "16777216",
    "-e",
    "trace=write,pwrite64,writev,pwritev,pwritev2,truncate,ftruncate,fallocate,open,openat,openat2,creat,rename,renameat,\
     renameat2,link,linkat,symlink,symlinkat,unlink,unlinkat,mkdir,mkdirat,rmdir,mknod,mknodat,fsync,fdatasync,sync,syncfs,\
     sync_file_range,msync,mmap,copy_file_range,sendfile,splice,io_uring_setup",
];

/// What was done, with paths below the folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// A line on standard output.
    Said(String),
    /// A file is there from now on, if it was not before.
    Create(PathBuf),
    /// A folder is there from now on.
    Folder(PathBuf),
    /// Bytes in a file.
    Write(PathBuf, usize, Vec<u8>),
    /// A file's length.
    Truncate(PathBuf, usize),
    /// A name is gone.
    Unlink(PathBuf),
    /// A name is another one.
    Rename(PathBuf, PathBuf),
    /// What was done to a file, or to the names in a folder, before the act of this number is on disk.
    Sync(PathBuf, usize),
}

impl Act {
    /// What it was done to.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Said(_) => None,
            Self::Create(path)
            | Self::Folder(path)
            | Self::Write(path, ..)
            | Self::Truncate(path, _)
            | Self::Unlink(path)
            | Self::Rename(path, _)
            | Self::Sync(path, _) => Some(path),
        }
    }
}

/// Reads a trace, line by line.
#[derive(Debug)]
pub struct Reader {
    folder: Vec<u8>,
    /// With how many acts were over when each call began.
    calls: Calls<usize>,
    said: Vec<u8>,
    acts: Vec<Act>,
}

impl Reader {
    /// Of what is done below a folder.
    pub fn new(folder: &Path) -> Self {
        let folder = folder.as_os_str().as_encoded_bytes().to_vec();
        Self { folder, calls: Calls::default(), said: Vec::new(), acts: Vec::new() }
    }

    /// All acts, in order.
    pub fn finish(self) -> Vec<Act> {
        self.acts
    }

    /// Reads the next line.
    pub fn line(&mut self, line: &str) -> anyhow::Result<()> {
        match self.calls.line(line, self.acts.len())? {
            Line::Begun(head) => self.speak(&head),
            Line::Over(text, before, is_resumed) => {
                if !is_resumed {
                    self.speak(&text)?;
                }
                self.call(&text, before)
            }
            Line::Other => Ok(()),
        }
    }

    /// What goes to standard output counts when it is begun.
    fn speak(&mut self, text: &str) -> anyhow::Result<()> {
        let Some(arguments) = text.strip_prefix("write(1<") else { return Ok(()) };
        let text = arguments.split(", ").nth(1).context("what is written")?;
        self.said.extend(string(text)?);
        while let Some(end) = self.said.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.said.drain(..=end).collect();
            self.acts.push(Act::Said(String::from_utf8_lossy(&line).trim_end().to_owned()));
        }
        Ok(())
    }

    /// A call that is over; `before` acts were over when it began.
    fn call(&mut self, text: &str, before: usize) -> anyhow::Result<()> {
        let (name, rest) = text.split_once('(').with_context(|| format!("not a call: {:.80}", text))?;
        let (arguments, result) = rest.rsplit_once(" = ").context("a call without a result")?;
        if result.starts_with('-') {
            return Ok(());
        }
        let arguments = arguments.trim_end().strip_suffix(')').context("a call without an end")?;
        let arguments: Vec<&str> = arguments.split(", ").collect();
        let act = Call { name, arguments, folder: &self.folder };
        for act in act.acts(before).with_context(|| format!("{name} in {:.200}", text))? {
            self.acts.push(act);
        }
        Ok(())
    }
}

struct Call<'a> {
    name: &'a str,
    arguments: Vec<&'a str>,
    folder: &'a [u8],
}

impl Call<'_> {
    fn acts(&self, before: usize) -> anyhow::Result<Vec<Act>> {
        let one = |path: Option<PathBuf>, act: &dyn Fn(PathBuf) -> anyhow::Result<Act>| {
            path.map(act).transpose().map(|act| act.into_iter().collect())
        };
        match self.name {
            "fsync" | "fdatasync" => one(self.open_file(0)?, &|path| Ok(Act::Sync(path, before))),
            "pwrite64" => one(self.open_file(0)?, &|path| {
                Ok(Act::Write(path, self.number(3)?, string(self.argument(1)?)?))
            }),
            "ftruncate" => one(self.open_file(0)?, &|path| Ok(Act::Truncate(path, self.number(1)?))),
            "openat" => self.opened(),
            "unlink" => one(self.named(0)?, &|path| Ok(Act::Unlink(path))),
            "unlinkat" => one(self.named(1)?, &|path| Ok(Act::Unlink(path))),
            "mkdir" => one(self.named(0)?, &|path| Ok(Act::Folder(path))),
            "rename" => match (self.named(0)?, self.named(1)?) {
                (Some(from), Some(to)) => Ok(vec![Act::Rename(from, to)]),
                (None, None) => Ok(Vec::new()),
                (Some(_), None) | (None, Some(_)) => bail!("into the folder, or out of it"),
            },
            "mmap" => {
                let is_written = self.argument(2)?.contains("PROT_WRITE");
                let is_shared = self.argument(3)?.contains("MAP_SHARED");
                let file = if is_written && is_shared { self.open_file(4)? } else { None };
                ensure!(file.as_deref().is_none_or(is_index), "a file is written as memory");
                Ok(Vec::new())
            }
            "sync" | "syncfs" | "io_uring_setup" => bail!("not understood"),
            _ => {
                // Whatever it is: not in the folder.
                for place in 0..self.arguments.len() {
                    ensure!(self.open_file(place)?.is_none(), "not understood");
                    ensure!(self.named(place)?.is_none(), "not understood");
                }
                Ok(Vec::new())
            }
        }
    }

    fn opened(&self) -> anyhow::Result<Vec<Act>> {
        let flags = self.argument(2)?;
        let Some(path) = self.named(1)? else { return Ok(Vec::new()) };
        ensure!(!flags.contains("O_TMPFILE"), "a file without a name");
        let mut acts = Vec::new();
        if flags.contains("O_CREAT") {
            acts.push(Act::Create(path.clone()));
        }
        if flags.contains("O_TRUNC") {
            acts.push(Act::Truncate(path, 0));
        }
        Ok(acts)
    }

    fn argument(&self, place: usize) -> anyhow::Result<&str> {
        self.arguments.get(place).copied().context("too few arguments")
    }

    fn number(&self, place: usize) -> anyhow::Result<usize> {
        Ok(self.argument(place)?.parse()?)
    }

    /// The path of an open file, if it is below the folder and has still a name. The folder itself is the empty path.
    fn open_file(&self, place: usize) -> anyhow::Result<Option<PathBuf>> {
        let Some((_, path)) = self.argument(place)?.split_once('<') else { return Ok(None) };
        let Some((path, after)) = path.split_once('>') else { return Ok(None) };
        if !path.starts_with("\\x") {
            return Ok(None);
        }
        let path = bytes(path)?;
        if after.contains("deleted") || path.ends_with(b"(deleted)") {
            return Ok(None);
        }
        Ok(self.below(&path))
    }

    /// A path given as a string.
    fn named(&self, place: usize) -> anyhow::Result<Option<PathBuf>> {
        let argument = self.argument(place)?;
        if !argument.starts_with('"') {
            return Ok(None);
        }
        let path = string(argument)?;
        if path.starts_with(b"/") {
            return Ok(self.below(&path));
        }
        // A name in an open folder, which comes before it.
        let Some(folder) = place.checked_sub(1).map(|place| self.open_file(place)).transpose()?.flatten()
        else {
            return Ok(None);
        };
        Ok(Some(folder.join(String::from_utf8(path)?)))
    }

    fn below(&self, path: &[u8]) -> Option<PathBuf> {
        let rest = path.strip_prefix(self.folder)?;
        let rest = if rest.is_empty() { rest } else { rest.strip_prefix(b"/")? };
        Some(PathBuf::from(String::from_utf8(rest.to_vec()).ok()?))
    }
}

/// SQLite's index of a write-ahead log: shared memory that does not outlive its users.
pub fn is_index(path: &Path) -> bool {
    path.as_os_str().as_encoded_bytes().ends_with(b"-shm")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(text: &str) -> String {
        text.bytes().map(|byte| format!("\\x{byte:02x}")).collect()
    }

    fn read(lines: &[String]) -> anyhow::Result<Vec<Act>> {
        let mut reader = Reader::new(Path::new("/data"));
        lines.iter().try_for_each(|line| reader.line(line))?;
        Ok(reader.finish())
    }

    #[test]
    fn a_sync_covers_what_was_over_when_it_began_and_words_count_when_they_are_begun() {
        let file = format!("7<{}>", hex("/data/a.db"));
        let acts = read(&[
            format!("1  pwrite64({file}, \"{}\", 2, 8) = 2", hex("ab")),
            format!("1  fdatasync({file} <unfinished ...>"),
            format!("2  pwrite64({file}, \"{}\", 1, 0) = 1", hex("c")),
            "1  <... fdatasync resumed>) = 0".to_owned(),
            format!("2  write(1<{}>, \"{}\", 6 <unfinished ...>", hex("pipe:[1]"), hex("acked\n")),
            format!("1  unlink(\"{}\") = 0", hex("/data/b")),
            "2  <... write resumed>) = 6".to_owned(),
        ])
        .unwrap();
        let path = PathBuf::from("a.db");
        let expected = [
            Act::Write(path.clone(), 8, b"ab".to_vec()),
            Act::Write(path.clone(), 0, b"c".to_vec()),
            Act::Sync(path, 1),
            Act::Said("acked".to_owned()),
            Act::Unlink("b".into()),
        ];
        assert_eq!(acts, expected);
    }

    #[test]
    fn what_fails_or_lies_elsewhere_is_nothing_and_what_is_not_understood_is_an_error() {
        let (inside, outside) = (hex("/data/a"), hex("/database"));
        let nothing = [
            format!("1 unlink(\"{inside}\") = -1 ENOENT (No such file or directory)"),
            format!("1 pwritev(3<{outside}>, [{{iov_base=\"\", iov_len=0}}], 1, 0) = 0"),
            format!("1 mmap(NULL, 8, PROT_READ|PROT_WRITE, MAP_SHARED, 3<{}>, 0) = 0x7f", hex("/data/a-shm")),
            "1 +++ exited with 0 +++".to_owned(),
        ];
        assert_eq!(read(&nothing).unwrap(), []);
        for call in [
            format!("1 pwritev(3<{inside}>, [{{iov_base=\"\", iov_len=0}}], 1, 0) = 0"),
            format!("1 mmap(NULL, 8, PROT_READ|PROT_WRITE, MAP_SHARED, 3<{inside}>, 0) = 0x7f"),
            format!("1 link(\"{outside}\", \"{inside}\") = 0"),
            format!("1 write(3<{inside}>, \"{}\", 1) = 1", hex("a")),
            "1 io_uring_setup(8, {flags=0}) = 5".to_owned(),
        ] {
            assert!(read(std::slice::from_ref(&call)).is_err(), "{call}");
        }
    }
}
