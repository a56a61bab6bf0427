//! The words of NUT's network protocol (RFC 9271), and of what its tools write down: one supply's variables by their
//! names. Knows nothing of what they mean.

use crate::sensor::{NoData, source};
use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read, Write};
use std::path::Path;

/// A line that is longer is no NUT server's.
const LINE_BYTES_MAX: u64 = 4 << 10;
/// Variables of one supply that are kept; the largest known has some 300.
const VARIABLES_MAX: usize = 2_000;
/// Supplies of one server that are listed.
const SUPPLIES_MAX: usize = 256;
/// What a recording of one supply that does not say its name is called.
const UNNAMED: &str = "ups";

/// One supply's variables.
pub type Variables = BTreeMap<String, String>;

/// A supply's variables, or the word that the server refuses them with.
pub type Answered = Result<Variables, String>;

/// A conversation with a server.
pub struct Conversation<S> {
    stream: BufReader<S>,
    server: String,
}

impl<S: Read + Write> Conversation<S> {
    /// Over a connection that has timeouts of its own.
    pub fn new(stream: S, server: &str) -> Self {
        Self { stream: BufReader::with_capacity(1 << 10, stream), server: server.to_owned() }
    }

    /// Asks what the server is, so that another service on its port is not taken for it.
    pub fn greet(&mut self) -> Result<(), NoData> {
        self.say("VER")?;
        // What `upsd` writes of itself can be set; that it answers with one line of text cannot.
        let line = self.hear()?;
        let is_text = !line.is_empty() && !line.contains('\u{fffd}') && !line.starts_with("HTTP/");
        if is_text { Ok(()) } else { Err(self.unexpected()) }
    }

    /// The names of the supplies.
    pub fn supplies(&mut self) -> Result<Vec<String>, NoData> {
        let mut names = Vec::new();
        match self.list("UPS", &mut |fields| names.extend(fields.first().cloned()), SUPPLIES_MAX)? {
            Ok(()) => Ok(names),
            Err(refusal) => {
                Err(NoData::Unreadable { what: format!("NUT server {}", self.server), why: refusal })
            }
        }
    }

    /// The variables of a supply.
    pub fn variables(&mut self, supply: &str) -> Result<Answered, NoData> {
        let mut variables = Variables::new();
        let mut keep = |fields: &[String]| {
            if let [_, name, value] = fields {
                variables.insert(name.clone(), value.clone());
            }
        };
        let refusal = self.list(&format!("VAR {}", quoted(supply)), &mut keep, VARIABLES_MAX)?;
        Ok(refusal.map(|()| variables))
    }

    /// Lets the server close in peace; it does not matter whether it hears.
    pub fn leave(mut self) {
        self.say("LOGOUT").ok();
    }

    fn list(
        &mut self,
        what: &str,
        keep: &mut dyn FnMut(&[String]),
        lines_max: usize,
    ) -> Result<Result<(), String>, NoData> {
        self.say(&format!("LIST {what}"))?;
        let first = self.hear()?;
        if let Some(refusal) = first.strip_prefix("ERR ") {
            return Ok(Err(refusal.split_whitespace().next().unwrap_or_default().to_owned()));
        }
        if !first.starts_with("BEGIN LIST ") {
            return Err(self.unexpected());
        }
        for _ in 0..lines_max {
            let line = self.hear()?;
            if line.starts_with("END LIST ") {
                return Ok(Ok(()));
            }
            // A driver may leave while its variables are listed.
            if let Some(refusal) = line.strip_prefix("ERR ") {
                return Ok(Err(refusal.to_owned()));
            }
            let fields = fields(&line);
            keep(fields.get(1..).unwrap_or_default());
        }
        Err(self.unexpected())
    }

    fn say(&mut self, line: &str) -> Result<(), NoData> {
        let stream = self.stream.get_mut();
        let said = stream.write_all(format!("{line}\n").as_bytes()).and_then(|()| stream.flush());
        said.map_err(|error| self.lost(&error))
    }

    fn hear(&mut self) -> Result<String, NoData> {
        let mut line = Vec::new();
        let heard = (&mut self.stream).take(LINE_BYTES_MAX).read_until(b'\n', &mut line);
        heard.map_err(|error| self.lost(&error))?;
        if line.pop() != Some(b'\n') {
            return Err(self.unexpected());
        }
        Ok(String::from_utf8_lossy(&line).trim_end().to_owned())
    }

    fn lost(&self, error: &std::io::Error) -> NoData {
        let kind = error.kind();
        // What a blocking socket says when its timeout has passed.
        let is_silence = kind == std::io::ErrorKind::WouldBlock;
        let why = if is_silence { "no answer".to_owned() } else { kind.to_string() };
        NoData::Unreadable { what: format!("NUT server {}", self.server), why }
    }

    fn unexpected(&self) -> NoData {
        NoData::Malformed { what: self.server.clone(), expected: "an answer of a NUT server" }
    }
}

/// A word as it is sent: in quotes where it must be, as tools of the server's own do.
fn quoted(word: &str) -> String {
    let is_plain =
        word.chars().all(|character| character.is_ascii_alphanumeric() || ".-_".contains(character));
    if is_plain {
        return word.to_owned();
    }
    format!("\"{}\"", word.replace('\\', "\\\\").replace('"', "\\\""))
}

/// A line's words; what is between quotes is one, in which a backslash stands before what is meant as it is.
fn fields(line: &str) -> Vec<String> {
    let mut fields = Vec::new();
    let mut word: Option<String> = None;
    let mut is_quoted = false;
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        match character {
            '"' => {
                is_quoted = !is_quoted;
                word.get_or_insert_default();
            }
            '\\' => word.get_or_insert_default().extend(characters.next()),
            space if space.is_whitespace() && !is_quoted => fields.extend(word.take()),
            other => word.get_or_insert_default().push(other),
        }
    }
    fields.extend(word);
    fields
}

/// What was written down of one or more supplies: the answer to `LIST VAR`, or `NAME: VALUE` lines as `upsc` prints and
/// as collections of dumps keep them, with remarks.
pub fn parse_dump(text: &str, path: &Path) -> Result<Vec<(String, Answered)>, NoData> {
    let mut supplies: BTreeMap<String, Answered> = BTreeMap::new();
    for line in text.lines().map(str::trim) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (supply, name, value) = if let Some(rest) = line.strip_prefix("VAR ") {
            let [supply, name, value] = <[String; 3]>::try_from(fields(rest)).unwrap_or_default();
            (supply, name, value)
        } else if let Some(refusal) = line.strip_prefix("ERR ") {
            supplies.entry(UNNAMED.to_owned()).or_insert_with(|| Err(refusal.to_owned()));
            continue;
        } else if let Some(said) = line.strip_prefix("Error: ") {
            // `upsc` says the same in words: `Error: Data stale`, `Error: Driver not connected`.
            let refusal = said.trim().to_ascii_uppercase().replace(' ', "-");
            supplies.entry(UNNAMED.to_owned()).or_insert(Err(refusal));
            continue;
        } else {
            let Some((name, value)) = variable(line) else { continue };
            (UNNAMED.to_owned(), name.to_owned(), remarked(value).to_owned())
        };
        if supply.is_empty() || name.is_empty() {
            continue;
        }
        let answered = supplies.entry(supply).or_insert_with(|| Ok(Variables::new()));
        if let Ok(variables) = answered
            && variables.len() < VARIABLES_MAX
        {
            variables.insert(name, value);
        }
    }
    if supplies.is_empty() {
        return Err(source::malformed(path, None, "`NAME: VALUE` lines of upsc, or an answer to `LIST VAR`"));
    }
    Ok(supplies.into_iter().collect())
}

/// `ups.status: OL`. Names have dots and no spaces, which tells them from what else a tool may print.
fn variable(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.split_once(':')?;
    let is_name = |character: char| character.is_ascii_alphanumeric() || ".-_".contains(character);
    let is_one = name.contains('.') && name.chars().all(is_name);
    is_one.then_some((name, value.trim()))
}

/// A value without the remark that a collector of dumps put behind it. A value marked as bad is none.
fn remarked(value: &str) -> &str {
    if value.contains("#BAD") {
        return "";
    }
    value.split_once("#COMMENT").map_or(value, |(value, _)| value).trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dump(text: &str) -> Vec<(String, Answered)> {
        parse_dump(text, Path::new("dump")).unwrap()
    }

    #[test]
    fn quotes_and_backslashes_are_undone() {
        assert_eq!(fields(r#"VAR a ups.model "X \"2\" \\ y" "#), ["VAR", "a", "ups.model", r#"X "2" \ y"#]);
        assert_eq!(fields(r#"UPS a """#), ["UPS", "a", ""]);
        assert_eq!(fields(r"a\"), ["a"]);
        assert_eq!(quoted(r#"a"b\"#), r#""a\"b\\""#);
    }

    #[test]
    fn dumps_are_read_with_their_remarks_and_names() {
        let text = "# DEVICE:COMMENT:\n\nups.status: OL CHRG\t#COMMENT: x\nups.load: 150\t#BAD: wrong\nups.model:\n#RW:a.b:ENUM";
        let one = dump(text);
        assert_eq!(one[0].0, "ups");
        let variables = one[0].1.as_ref().unwrap();
        assert_eq!((variables["ups.status"].as_str(), variables["ups.load"].as_str()), ("OL CHRG", ""));
        assert_eq!(variables.len(), 3);
        let two = dump("VAR b ups.status \"OB\"\nVAR a ups.status \"OL\"\n");
        assert_eq!(two.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    }

    #[test]
    fn a_recorded_refusal_is_one_and_other_text_is_no_dump() {
        assert_eq!(dump("ERR DATA-STALE\n"), [("ups".to_owned(), Err("DATA-STALE".to_owned()))]);
        assert_eq!(dump("Error: Data stale\n"), [("ups".to_owned(), Err("DATA-STALE".to_owned()))]);
        for text in ["", "hello: world\n", "{\"a\": 1}\n", "VAR a\n"] {
            let error = parse_dump(text, Path::new("dump")).unwrap_err().to_string();
            assert!(error.starts_with("dump: expected `NAME: VALUE` lines"), "{text}: {error}");
        }
    }
}
