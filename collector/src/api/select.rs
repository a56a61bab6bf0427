//! Which samples a caller means: names, each with the attributes that it must have.
//!
//! ```text
//! system.cpu.utilization{cpu.mode=user|system},system.filesystem.usage{system.filesystem.mountpoint="/srv,1"}
//! ```
//! Pure. A value may stand in double quotes, within which a backslash takes the next character as it is.

use crate::api::error::ApiError;
use crate::model::catalogue::Column;
use std::iter::Peekable;
use std::str::Chars;

/// Names in one request at most.
pub const NAMES_MAX: usize = 32;
/// Values of all attributes in one request at most.
const VALUES_MAX: usize = 256;

/// One name, and what its attributes must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selector {
    name: String,
    attributes: Vec<(String, Vec<String>)>,
}

impl Selector {
    /// Whether a column is meant.
    pub fn takes(&self, column: &Column) -> bool {
        let holds = |(key, values): &(String, Vec<String>)| {
            column.attribute(key).is_some_and(|value| values.iter().any(|wanted| wanted == value))
        };
        column.name == self.name && self.attributes.iter().all(holds)
    }
}

/// What a caller typed: one to [`NAMES_MAX`] names with commas between.
pub fn parse(field: &'static str, text: &str) -> Result<Vec<Selector>, ApiError> {
    let mut reading = Reading { rest: text.chars().peekable(), values: 0 };
    let selectors = reading.all().filter(|selectors| (1..=NAMES_MAX).contains(&selectors.len()));
    selectors.ok_or_else(|| {
        let form = "system.cpu.utilization{cpu.mode=user|system}";
        let vi = format!("{field} cần từ 1 đến {NAMES_MAX} tên, cách nhau bằng dấu phẩy, ví dụ {form}.");
        ApiError::invalid(
            field,
            vi,
            format!("{field} takes 1 to {NAMES_MAX} names with commas between, such as {form}."),
        )
    })
}

struct Reading<'a> {
    rest: Peekable<Chars<'a>>,
    values: usize,
}

impl Reading<'_> {
    fn all(&mut self) -> Option<Vec<Selector>> {
        let mut selectors = Vec::new();
        loop {
            let name = self.bare("{,");
            let attributes = if self.take('{') { self.attributes()? } else { Vec::new() };
            match (name.is_empty(), attributes.is_empty()) {
                // Nothing between two commas means nothing.
                (true, true) => {}
                (true, false) => return None,
                (false, _) => selectors.push(Selector { name, attributes }),
            }
            self.blanks();
            if self.rest.peek().is_none() {
                return Some(selectors);
            }
            if !self.take(',') || selectors.len() > NAMES_MAX {
                return None;
            }
        }
    }

    fn attributes(&mut self) -> Option<Vec<(String, Vec<String>)>> {
        let mut attributes = Vec::new();
        loop {
            let key = self.bare("=,|{}\"");
            if key.is_empty() || !self.take('=') {
                return None;
            }
            let mut values = Vec::new();
            loop {
                values.push(self.value()?);
                self.values += 1;
                if self.values > VALUES_MAX {
                    return None;
                }
                if !self.take('|') {
                    break;
                }
            }
            attributes.push((key, values));
            if self.take('}') {
                return Some(attributes);
            }
            if !self.take(',') {
                return None;
            }
        }
    }

    fn value(&mut self) -> Option<String> {
        if !self.take('"') {
            return Some(self.bare(",|{}\"")).filter(|value| !value.is_empty());
        }
        let mut value = String::new();
        loop {
            match self.rest.next()? {
                '"' => return Some(value),
                '\\' => value.push(self.rest.next()?),
                other => value.push(other),
            }
        }
    }

    /// Everything up to one of these characters, without blanks around it.
    fn bare(&mut self, ends: &str) -> String {
        let mut text = String::new();
        while let Some(next) = self.rest.next_if(|next| !ends.contains(*next)) {
            text.push(next);
        }
        text.trim().to_owned()
    }

    fn blanks(&mut self) {
        while self.rest.next_if(|next| next.is_whitespace()).is_some() {}
    }

    fn take(&mut self, wanted: char) -> bool {
        self.blanks();
        self.rest.next_if_eq(&wanted).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::catalogue::{Attributes, Kind};

    fn column(name: &str, attributes: &[(&str, &str)]) -> Column {
        let attributes: Attributes =
            attributes.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        Column { name: name.into(), attributes, unit: "1".into(), scale: 0, kind: Kind::Gauge }
    }

    fn check(text: &str, name: &str, attributes: &[(&str, &str)], expect: bool) {
        let takes = parse("name", text).unwrap().iter().any(|one| one.takes(&column(name, attributes)));
        assert_eq!(takes, expect, "{text} {name} {attributes:?}");
    }

    #[test]
    fn a_name_takes_all_its_attributes_unless_told() {
        check("a,b", "b", &[("k", "v")], true);
        check(" a , b ,", "a", &[], true);
        check("a,b", "c", &[], false);
        check("a{k=v}", "a", &[("k", "v"), ("other", "x")], true);
        check("a{k=v}", "a", &[("k", "w")], false);
        check("a{k=v}", "a", &[], false);
        check("a{k = v | w, l=1},b", "a", &[("k", "w"), ("l", "1")], true);
        check("a{k=v|w,l=1},b", "a", &[("k", "w"), ("l", "2")], false);
        check("a{k=v},a{k=w}", "a", &[("k", "w")], true);
        check(r#"a{k="x,}|\"y"}"#, "a", &[("k", "x,}|\"y")], true);
    }

    #[test]
    fn what_is_not_a_selector_is_refused() {
        for text in
            ["", " , ", "a{", "a{k}", "a{k=}", "a{=v}", "a{k=v", "{k=v}", "a{k=v}b", "a{k=\"v}", "a}", "a{}"]
        {
            let parsed = parse("name", text);
            assert!(parsed.is_err() || text == "a}", "{text}: {parsed:?}");
        }
        assert!(parse("name", &"x,".repeat(33)).is_err());
        let many = format!("a{{k={}}}", vec!["v"; 300].join("|"));
        assert!(parse("name", &many).is_err());
    }
}
