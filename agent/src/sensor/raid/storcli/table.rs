//! StorCLI's text as the JSON that it would have printed: sections, `key = value` lines, and tables by their heads.
//! Knows no key's meaning. Pure.

use serde_json::{Map, Value, json};

/// Columns of which a cell may hold several words.
const WIDE: &[&str] = &["Model", "Name", "ProdID", "VendorSpecific", "Description"];
/// Columns of which a cell is a number and its unit.
const UNITS: &[&str] = &["Size"];

/// The same answer as JSON; none where the text is not StorCLI's.
pub(in crate::sensor::raid) fn parse(text: &str) -> Option<Value> {
    let marks = [
        "CLI Version =",
        "DG/VD ",
        "EID:Slt ",
        "Controller Status =",
        "PDs DGs",
        "Cachevault_Info :",
        "BBU_Info :",
    ];
    let is_storcli = marks.iter().any(|mark| text.contains(mark));
    if !is_storcli {
        return None;
    }
    let mut answers: Vec<Answer> = vec![Answer::default()];
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    let mut rest = lines.as_slice();
    while let Some((line, after)) = rest.split_first() {
        rest = after;
        if ["CLI Version =", "Controller ="].iter().any(|head| line.starts_with(head))
            && answers.last().is_some_and(|answer| !answer.status.is_empty())
        {
            answers.push(Answer::default());
        }
        let Some(answer) = answers.last_mut() else { break };
        if is_rule(line, '-') {
            rest = answer.table(rest);
        } else if let Some(title) = title(line, rest) {
            answer.title = title;
        } else {
            answer.line(line);
        }
    }
    let controllers: Vec<Value> = answers.into_iter().map(Answer::into_json).collect();
    Some(json!({ "Controllers": controllers }))
}

#[derive(Default)]
struct Answer {
    title: String,
    status: Map<String, Value>,
    response: Map<String, Value>,
}

impl Answer {
    fn line(&mut self, line: &str) {
        let Some((key, value)) = line.split_once(" = ").or_else(|| line.split_once(" =")) else { return };
        let (key, value) = (key.trim().to_owned(), Value::String(value.trim().to_owned()));
        let head = ["CLI Version", "Operating system", "Controller", "Status", "Status Code", "Description"];
        if self.title.is_empty() && head.contains(&key.as_str()) {
            self.status.insert(key, value);
            return;
        }
        let section = if self.title.is_empty() { "Basics" } else { &self.title };
        if let Value::Object(section) = self.response.entry(section).or_insert_with(|| json!({})) {
            section.insert(key, value);
        }
    }

    /// A table after its first rule: the head, a rule, rows, a rule. Answers what follows it.
    fn table<'a>(&mut self, lines: &'a [&'a str]) -> &'a [&'a str] {
        let [head, rule, rows @ ..] = lines else { return lines };
        if !is_rule(rule, '-') || head.contains(" = ") {
            return lines;
        }
        let columns: Vec<&str> = head.split_whitespace().collect();
        let end = rows.iter().position(|line| is_rule(line, '-')).unwrap_or(rows.len());
        let (rows, after) = rows.split_at(end);
        let rows: Vec<Value> = rows.iter().filter_map(|row| cells(&columns, row)).collect();
        let title = if self.title.is_empty() { "Table".to_owned() } else { self.title.clone() };
        if let Value::Array(known) = self.response.entry(title).or_insert_with(|| json!([])) {
            known.extend(rows);
        }
        after.split_first().map_or(after, |(_, after)| after)
    }

    fn into_json(self) -> Value {
        json!({ "Command Status": self.status, "Response Data": self.response })
    }
}

/// A heading: a line that ends in a colon, above one of `=`.
fn title(line: &str, rest: &[&str]) -> Option<String> {
    let title = line.trim().strip_suffix(':')?.trim_end();
    rest.first().filter(|next| is_rule(next, '='))?;
    Some(title.to_owned())
}

fn is_rule(line: &str, of: char) -> bool {
    let line = line.trim();
    line.len() >= 3 && line.chars().all(|character| character == of)
}

/// A row by its columns: from the left to the first wide column, from the right for what stands after it.
fn cells(columns: &[&str], row: &str) -> Option<Value> {
    let mut words: Vec<&str> = row.split_whitespace().collect();
    // Two columns of properties: what stands between the edges is the value.
    if let ["Property", "Value"] = columns {
        let (property, value) = row.trim().split_once("  ").or_else(|| row.trim().rsplit_once(' '))?;
        return Some(json!({ "Property": property.trim(), "Value": value.trim() }));
    }
    // A slot without an enclosure is written ` :1`.
    let wide = columns.iter().position(|column| WIDE.contains(column));
    let mut cells = Map::new();
    let (before, after) = columns.split_at(wide.unwrap_or(columns.len()));
    for column in after.iter().skip(1).rev() {
        cells.insert((*column).to_owned(), Value::String(words.pop()?.to_owned()));
    }
    let mut words = words.into_iter();
    for column in before {
        let mut cell = words.next()?.to_owned();
        let is_amount = cell.parse::<f64>().is_ok();
        if UNITS.contains(column) && is_amount {
            cell = format!("{cell} {}", words.next()?);
        }
        cells.insert((*column).to_owned(), Value::String(cell));
    }
    if let Some(column) = after.first() {
        let cell = words.collect::<Vec<_>>().join(" ");
        cells.insert((*column).to_owned(), Value::String(cell));
    }
    Some(Value::Object(cells))
}
