//! Uninterruptible power supplies that a NUT server on this host or its network looks after: their state as components,
//! their figures as samples. Knows the conversation's order; its words are in `protocol`, their meaning in `judge`.

use crate::sensor::{NoData, Paths, Reading, Sample, Sensor};
use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::net::{TcpStream, ToSocketAddrs};
use std::path::Path;
use std::time::Duration;
use tram_proto::component::{Component, State};

pub mod judge;
pub mod protocol;
#[cfg(test)]
mod recordings;
#[cfg(test)]
mod tests;

use protocol::{Conversation, Variables, parse_dump};

/// Where a NUT server listens on its own host.
pub const SERVER: &str = "127.0.0.1:3493";
/// Supplies of one server that are looked at.
const SUPPLIES_MAX: usize = 16;
/// For a connection, and for each piece of an answer.
const PATIENCE: Duration = Duration::from_secs(1);

/// The sensor.
#[derive(Debug)]
pub struct Ups {
    server: String,
    /// What was known of each supply when it last answered: one whose driver is silent stays, and is `unknown`.
    known: BTreeMap<String, Known>,
}

/// A supply's part and values.
pub type Known = (Component, Vec<Sample>);

impl Ups {
    /// Over a server `HOST:PORT`; empty: there is none.
    pub fn new(server: &str) -> Self {
        Self { server: server.to_owned(), known: BTreeMap::new() }
    }

    /// A host without a NUT server refuses at once and has no supplies, unless it had some before or is told where the
    /// server is.
    fn ask(&self, server: &str) -> Result<Vec<(String, Answer)>, NoData> {
        let unreadable = |why: &std::io::Error| NoData::Unreadable {
            what: format!("NUT server {server}"),
            why: why.kind().to_string(),
        };
        let stream = match connect(server) {
            Err(why) if why.kind() == ErrorKind::ConnectionRefused && self.may_be_absent(server) => {
                return Err(NoData::Absent);
            }
            connected => connected.map_err(|why| unreadable(&why))?,
        };
        let timed = stream.set_read_timeout(Some(PATIENCE)).and(stream.set_write_timeout(Some(PATIENCE)));
        timed.map_err(|why| unreadable(&why))?;
        let mut conversation = Conversation::new(stream, server);
        conversation.greet()?;
        let mut answers = Vec::new();
        for name in conversation.supplies()?.into_iter().take(SUPPLIES_MAX) {
            let answer = match conversation.variables(&name)? {
                Ok(variables) => Answer::Variables(variables),
                Err(refusal) => Answer::Refused(refusal),
            };
            answers.push((name, answer));
        }
        conversation.leave();
        Ok(answers)
    }

    fn may_be_absent(&self, server: &str) -> bool {
        server == SERVER && self.known.is_empty()
    }

    fn take_in(&mut self, answers: Vec<(String, Answer)>) -> Reading {
        let mut reading = Reading::default();
        for (name, answer) in answers {
            let known = match answer {
                Answer::Variables(variables) => judge::judge(&name, &variables),
                Answer::Refused(refusal) => judge::refused(&name, &refusal, self.known.get(&name)),
            };
            reading.components.push(known.0.clone());
            reading.samples.extend(known.1.iter().cloned());
            self.known.insert(name, known);
        }
        let names: Vec<&str> = reading.components.iter().map(|part| part.id.as_str()).collect();
        self.known.retain(|name, _| names.contains(&name.as_str()));
        reading
    }
}

/// What the server says of one supply.
enum Answer {
    Variables(Variables),
    /// The protocol's own word, such as `DATA-STALE`.
    Refused(String),
}

impl Sensor for Ups {
    fn name(&self) -> &'static str {
        "ups"
    }

    fn stand_in(&self) -> Option<(&'static str, &'static str)> {
        Some((judge::KIND, "ups"))
    }

    fn read(&mut self, paths: &Paths) -> Result<Reading, NoData> {
        let place = paths.nut.clone().unwrap_or_else(|| self.server.clone());
        let answers = match place.as_str() {
            "" => return Err(NoData::Absent),
            file if file.starts_with('/') => recorded(Path::new(file))?,
            server => self.ask(server)?,
        };
        let reading = self.take_in(answers);
        if reading.components.is_empty() { Err(NoData::Absent) } else { Ok(reading) }
    }
}

/// Whether this host is about to lose its power: a supply runs on its battery and the battery is nearly empty, or the
/// host has been told to shut down because of it.
pub fn is_power_failing(parts: &[Component]) -> bool {
    let says = |part: &Component, reason: &str| part.reasons.iter().any(|said| said == reason);
    parts.iter().filter(|part| part.kind == judge::KIND && part.state != State::Unknown).any(|part| {
        let is_emptying = says(part, judge::ON_BATTERY) && says(part, judge::BATTERY_LOW);
        is_emptying || says(part, judge::FORCED_SHUTDOWN)
    })
}

fn recorded(path: &Path) -> Result<Vec<(String, Answer)>, NoData> {
    let text = crate::sensor::source::text(path)?;
    let supplies = parse_dump(&text, path)?;
    Ok(supplies
        .into_iter()
        .map(|(name, answer)| (name, answer.map_or_else(Answer::Refused, Answer::Variables)))
        .collect())
}

/// Tries each address that the name has.
fn connect(server: &str) -> std::io::Result<TcpStream> {
    let mut last = std::io::Error::from(ErrorKind::AddrNotAvailable);
    for address in server.to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, PATIENCE) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}
