//! Lines of `strace -f -y -xx`: whole calls, their arguments, the strings in them. Pure; knows nothing of what any call
//! means.

use anyhow::Context as _;
use std::collections::HashMap;

/// What a line is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line<T> {
    /// A call begins, and is over on a later line.
    Begun(String),
    /// A call is over: its text, what was noted when it began, and whether it began on an earlier line.
    Over(String, T, bool),
    /// Nothing about a call.
    Other,
}

/// Puts calls together that threads interrupt each other in.
#[derive(Debug)]
pub struct Calls<T> {
    begun: HashMap<String, (String, T)>,
}

impl<T> Default for Calls<T> {
    fn default() -> Self {
        Self { begun: HashMap::new() }
    }
}

impl<T> Calls<T> {
    /// Reads the next line; `note` is kept with a call that begins.
    pub fn line(&mut self, line: &str, note: T) -> anyhow::Result<Line<T>> {
        let (thread, rest) = line.split_once(' ').context("a line without a thread")?;
        let rest = rest.trim_start();
        if let Some(head) = rest.strip_suffix("<unfinished ...>") {
            let head = head.trim_end().to_owned();
            self.begun.insert(thread.to_owned(), (head.clone(), note));
            return Ok(Line::Begun(head));
        }
        if rest.starts_with("<... ") {
            let (_, tail) = rest.split_once("resumed>").context("what was resumed")?;
            // A thread that was ended in a call has no more to say about it.
            let Some((head, note)) = self.begun.remove(thread) else { return Ok(Line::Other) };
            return Ok(Line::Over(format!("{head}{tail}"), note, true));
        }
        let is_call = !rest.starts_with("+++") && !rest.starts_with("---");
        Ok(if is_call { Line::Over(rest.to_owned(), note, false) } else { Line::Other })
    }

    /// Calls that began and never were over: of threads that were ended in them, or that were let go.
    pub fn unfinished(&mut self) -> impl Iterator<Item = String> {
        std::mem::take(&mut self.begun).into_values().map(|(head, _)| head)
    }
}

/// A call that is over, or all that is known of one that is not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its arguments as they stand there, structures whole.
    pub arguments: Vec<&'a str>,
    /// What came of it; empty when that is not known.
    pub result: &'a str,
}

impl<'a> Call<'a> {
    /// Takes the text of a call apart.
    pub fn parse(text: &'a str) -> anyhow::Result<Self> {
        let (name, rest) = text.split_once('(').with_context(|| format!("not a call: {text:.80}"))?;
        let (rest, result) = match rest.rsplit_once(" = ") {
            Some((rest, result)) => (rest.trim_end().trim_end_matches(')'), result),
            None => (rest.trim_end_matches("<detached ...>"), ""),
        };
        Ok(Self { name, arguments: split(rest), result: result.trim() })
    }

    /// An argument.
    pub fn argument(&self, place: usize) -> anyhow::Result<&'a str> {
        self.arguments.get(place).copied().with_context(|| format!("too few arguments of {}", self.name))
    }
}

/// Arguments, or the fields of a structure, at the commas between them.
pub fn split(text: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut is_quoted, mut start) = (Vec::new(), 0_usize, false, 0);
    for (place, letter) in text.char_indices() {
        match letter {
            '"' => is_quoted = !is_quoted,
            '(' | '[' | '{' | '<' if !is_quoted => depth += 1,
            ')' | ']' | '}' | '>' if !is_quoted => depth = depth.saturating_sub(1),
            ',' if !is_quoted && depth == 0 => {
                parts.push(text[start..place].trim());
                start = place + 1;
            }
            _ => {}
        }
    }
    parts.push(text[start..].trim());
    parts.retain(|part| !part.is_empty());
    parts
}

/// A whole string as `-xx` shows it.
pub fn string(text: &str) -> anyhow::Result<Vec<u8>> {
    let inner = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
    bytes(inner.with_context(|| format!("not a whole string: {text:.40}"))?)
}

/// What an open file is: its path, or a word of the kernel's such as `socket:[7]`; none when there is none.
pub fn open_file(text: &str) -> anyhow::Result<Option<Vec<u8>>> {
    let named = text.split_once('<').and_then(|(_, rest)| rest.split_once('>'));
    named.filter(|(name, _)| name.starts_with("\\x")).map(|(name, _)| bytes(name)).transpose()
}

/// Bytes as `-xx` shows them.
pub fn bytes(text: &str) -> anyhow::Result<Vec<u8>> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let one = |four: &[u8]| match four {
        [b'\\', b'x', high, low] => Some(digit(*high)? << 4 | digit(*low)?),
        _ => None,
    };
    let all: Option<Vec<u8>> = text.as_bytes().chunks(4).map(one).collect();
    all.with_context(|| format!("not written as bytes: {text:.40}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_taken_apart_with_its_structures_whole() {
        let text = r#"connect(3<\x61>, {sa_family=AF_INET, sin_port=htons(9)}, 16) = -1 EAGAIN (Try again)"#;
        let call = Call::parse(text).unwrap();
        assert_eq!(call.name, "connect");
        assert_eq!(call.arguments, [r"3<\x61>", "{sa_family=AF_INET, sin_port=htons(9)}", "16"]);
        assert_eq!(call.result, "-1 EAGAIN (Try again)");
        assert_eq!(open_file(call.argument(0).unwrap()).unwrap().as_deref(), Some(&b"a"[..]));
        let let_go =
            Call::parse(r#"execve("\x61", ["\x62", "\x63"], 0x7f /* 3 vars */ <detached ...>"#).unwrap();
        assert_eq!(
            (let_go.arguments.len(), let_go.arguments[1], let_go.result),
            (3, r#"["\x62", "\x63"]"#, "")
        );
    }

    #[test]
    fn what_threads_interrupt_is_put_together_and_what_never_ended_is_kept() {
        let mut calls = Calls::default();
        assert_eq!(calls.line("1  fsync(7 <unfinished ...>", 5).unwrap(), Line::Begun("fsync(7".into()));
        assert_eq!(calls.line("2  close(8) = 0", 6).unwrap(), Line::Over("close(8) = 0".into(), 6, false));
        assert_eq!(
            calls.line("1  <... fsync resumed>) = 0", 7).unwrap(),
            Line::Over("fsync(7) = 0".into(), 5, true)
        );
        assert_eq!(calls.line("2  +++ exited with 0 +++", 8).unwrap(), Line::Other);
        calls.line("3  execve(\"\\x61\" <unfinished ...>", 9).unwrap();
        assert_eq!(calls.unfinished().collect::<Vec<_>>(), ["execve(\"\\x61\""]);
    }
}
