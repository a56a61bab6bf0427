//! Answers of programs, kept in a file by whoever may run them and given back to whoever may not: the unit
//! `tram-hardware` runs what reads hardware, the agent takes its answers. Owns the file's form and age; knows no answer's
//! meaning.
//!
//! A file of answers is named like its program with [`ENDING`] and has a line of JSON for each answer, after one that says
//! of which program and when. Only whoever runs the programs writes it; nothing goes the other way.

use super::Answer;
use crate::clock::{Clock as _, SystemClock};
use crate::sensor::{NoData, Paths};
use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What files of answers end with.
pub const ENDING: &str = "answers";
/// Answers older than this are none: three rounds of the unit.
const AGE_MAX_MS: u64 = 3 * 3_600_000;
/// What all answers of one round may take; those beyond are left out.
const BYTES_MAX: usize = 32 << 20;
/// No line of a file is longer: an answer of [`super::ANSWER_BYTES_MAX`], each byte escaped.
const LINE_BYTES_MAX: u64 = 64 << 20;
/// What the first line says.
const FORMAT: u32 = 1;

/// The first line.
#[derive(Debug, Serialize, Deserialize)]
struct Heading {
    format: u32,
    program: PathBuf,
    /// Time since boot, so that no change of the clock makes answers old or new. The folder does not outlive a boot.
    boot_ms: u64,
}

/// One answer, or why there was none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recorded {
    #[serde(skip)]
    program: PathBuf,
    arguments: Vec<String>,
    status: Option<i32>,
    output: String,
    complaint: String,
    failure: Option<String>,
}

thread_local! {
    /// Answers of this thread, while [`listen`] does its work.
    static TAPE: RefCell<Option<Tape>> = const { RefCell::new(None) };
}

#[derive(Default)]
struct Tape {
    answers: Vec<Recorded>,
    bytes: usize,
}

/// Does some work and keeps each answer that programs give on this thread meanwhile.
pub fn listen<T>(work: impl FnOnce() -> T) -> (T, Vec<Recorded>) {
    TAPE.set(Some(Tape::default()));
    let result = work();
    (result, TAPE.take().unwrap_or_default().answers)
}

/// Keeps an answer, if anybody listens.
pub(super) fn keep(program: &Path, arguments: &[&str], answer: &Result<Answer, NoData>) {
    TAPE.with_borrow_mut(|tape| {
        let Some(tape) = tape else { return };
        let said = answer.as_ref().ok();
        let recorded = Recorded {
            program: program.to_owned(),
            arguments: arguments.iter().map(|argument| (*argument).to_owned()).collect(),
            status: said.and_then(|said| said.status),
            output: said.map(Answer::text).unwrap_or_default(),
            complaint: said.map(|said| said.complaint.clone()).unwrap_or_default(),
            failure: answer.as_ref().err().map(|error| match error {
                NoData::Unreadable { why, .. } => why.clone(),
                other @ (NoData::Absent | NoData::Malformed { .. }) => other.to_string(),
            }),
        };
        tape.bytes += recorded.output.len();
        if tape.bytes <= BYTES_MAX {
            tape.answers.push(recorded);
        }
    });
}

/// Writes the answers of each program to a file of its own in a folder that is there, each at once or not at all, and
/// removes those of programs that gave none. Gives the number of answers by name.
pub fn write(folder: &Path, paths: &Paths, answers: &[Recorded]) -> io::Result<Vec<(&'static str, usize)>> {
    let mut written = vec![];
    for (name, _) in super::PROGRAMS {
        let file = folder.join(format!("{name}.{ENDING}"));
        let place = super::place(paths, name);
        let own = || answers.iter().filter(|answer| Some(&answer.program) == place.as_ref());
        match place.as_ref().filter(|_| own().next().is_some()) {
            Some(program) => {
                replace(&file, program, own())?;
                written.push((*name, own().count()));
            }
            None => match std::fs::remove_file(&file) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                Ok(()) | Err(_) => {}
            },
        }
    }
    Ok(written)
}

fn replace<'a>(file: &Path, program: &Path, answers: impl Iterator<Item = &'a Recorded>) -> io::Result<()> {
    let new = file.with_extension("new");
    let heading = Heading { format: FORMAT, program: program.to_owned(), boot_ms: SystemClock.boot_ms() };
    let mut text = serde_json::to_vec(&heading)?;
    for answer in answers {
        text.push(b'\n');
        serde_json::to_writer(&mut text, answer)?;
    }
    text.push(b'\n');
    let mut target = File::create(&new)?;
    target.write_all(&text)?;
    std::fs::rename(&new, file)
}

/// The program that a file has answers of; none when it is no such file.
pub(super) fn program_of(file: &Path) -> Option<PathBuf> {
    open(file).ok().map(|(heading, _)| heading.program)
}

/// How old the answers of a file are; none when it is no such file.
pub(super) fn age(file: &Path) -> Option<Duration> {
    let (heading, _) = open(file).ok()?;
    Some(Duration::from_millis(SystemClock.boot_ms().saturating_sub(heading.boot_ms)))
}

/// The answer that a file has for these arguments.
pub(super) fn replay(file: &Path, arguments: &[&str]) -> Result<Answer, NoData> {
    let unreadable = |why: String| NoData::Unreadable { what: file.display().to_string(), why };
    let (heading, mut rest) = open(file).map_err(|error| unreadable(error.kind().to_string()))?;
    let age_ms = SystemClock.boot_ms().saturating_sub(heading.boot_ms);
    if age_ms > AGE_MAX_MS {
        return Err(unreadable(format!("its answers are {} h old", age_ms / 3_600_000)));
    }
    while let Some(answer) =
        line::<Recorded>(&mut rest).map_err(|error| unreadable(error.kind().to_string()))?
    {
        if answer.arguments == arguments {
            return match answer.failure {
                Some(why) => Err(NoData::Unreadable { what: heading.program.display().to_string(), why }),
                None => Ok(Answer {
                    status: answer.status,
                    output: answer.output.into_bytes(),
                    complaint: answer.complaint,
                }),
            };
        }
    }
    Err(unreadable("nothing was asked so".into()))
}

fn open(file: &Path) -> io::Result<(Heading, BufReader<File>)> {
    let mut rest = BufReader::new(File::open(file)?);
    match line::<Heading>(&mut rest)? {
        Some(heading) if heading.format == FORMAT => Ok((heading, rest)),
        Some(_) | None => Err(io::ErrorKind::InvalidData.into()),
    }
}

/// The next line; none at the end.
fn line<T: for<'de> Deserialize<'de>>(source: &mut BufReader<File>) -> io::Result<Option<T>> {
    let mut bytes = vec![];
    source.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut bytes)?;
    if bytes.is_empty() { Ok(None) } else { Ok(Some(serde_json::from_slice(&bytes)?)) }
}

#[cfg(test)]
#[cfg(unix)]
mod tests;
