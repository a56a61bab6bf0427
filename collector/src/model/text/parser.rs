//! What the parsers of TOML, JSON and queries complain about, also in Vietnamese. Their commonest sentences are
//! translated; the others follow words that say whose they are. Pure: it knows the sentences and no parser.

use super::Text;

/// A parser's complaint in both languages.
pub fn complaint(message: &str) -> Text {
    let (sentence, place) = split_place(message);
    let vi = sentence_vi(sentence).or_else(|| {
        // Queries name the field first.
        let (field, rest) = sentence.split_once(": ").filter(|(field, _)| !field.contains(' '))?;
        Some(format!("`{field}`: {}", sentence_vi(rest)?))
    });
    let vi = vi.unwrap_or_else(|| format!("không đúng cú pháp hoặc kiểu dữ liệu: {sentence}"));
    let place = place.map(|(line, column)| format!(" (dòng {line}, cột {column})")).unwrap_or_default();
    Text::new(vi + &place, message)
}

/// JSON's parser says at the end where it was: `... at line 1 column 5`.
fn split_place(message: &str) -> (&str, Option<(u32, u32)>) {
    let found = message.rsplit_once(" at line ").and_then(|(sentence, place)| {
        let (line, column) = place.split_once(" column ")?;
        Some((sentence, Some((line.parse().ok()?, column.parse().ok()?))))
    });
    found.unwrap_or((message, None))
}

fn sentence_vi(sentence: &str) -> Option<String> {
    let quoted = |start: &str| sentence.strip_prefix(start).and_then(|rest| rest.split_once('`'));
    if let Some((key, rest)) = quoted("unknown field `") {
        let known = known(rest);
        let known = if known.is_empty() { String::new() } else { format!("; các khóa có: {known}") };
        return Some(format!("không có khóa `{key}`{known}"));
    }
    if let Some((word, rest)) = quoted("unknown variant `") {
        return Some(format!("không có giá trị `{word}`; các giá trị có: {}", known(rest)));
    }
    if let Some((key, "")) = quoted("missing field `") {
        return Some(format!("thiếu khóa `{key}`"));
    }
    if let Some((key, "")) = quoted("duplicate field `") {
        return Some(format!("khóa `{key}` có hai lần"));
    }
    let wrong = |start: &str| sentence.strip_prefix(start).and_then(|rest| rest.split_once(", expected "));
    let (given, expected) = wrong("invalid type: ").or_else(|| wrong("invalid value: "))?;
    Some(format!("có {}, cần {}", given_vi(given), expected_vi(expected)))
}

/// What `, expected one of ...` lists, or `, expected ...` has alone.
fn known(rest: &str) -> String {
    let rest = rest.strip_prefix(", expected ").unwrap_or_default();
    rest.trim_start_matches("one of ").replace(" or ", ", ")
}

fn given_vi(given: &str) -> String {
    let (kind, value) = given.split_at(given.find(['`', '"']).unwrap_or(given.len()));
    let vi = match kind.trim_end() {
        "integer" => "số nguyên",
        "floating point" => "số",
        "string" => "chuỗi",
        "boolean" => "giá trị",
        "sequence" => "danh sách",
        "map" => "đối tượng",
        "null" => "null",
        other => other,
    };
    format!("{vi} {value}").trim_end().to_owned()
}

fn expected_vi(expected: &str) -> String {
    let vi = match expected {
        "u8" | "u16" | "u32" | "u64" | "usize" => "số nguyên không âm",
        "i8" | "i16" | "i32" | "i64" | "isize" => "số nguyên",
        "f32" | "f64" => "số",
        "a string" | "string" | "a borrowed string" => "chuỗi",
        "a boolean" => "true hoặc false",
        "a sequence" => "danh sách",
        "a map" => "đối tượng",
        other if other.starts_with("struct ") || other.starts_with("internally tagged enum") => "đối tượng",
        other => other,
    };
    vi.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commonest_complaints_read_in_vietnamese() {
        for (message, vi) in [
            ("unknown field `x`, expected one of `a`, `b`", "không có khóa `x`; các khóa có: `a`, `b`"),
            ("unknown field `x`, expected `a` or `b`", "không có khóa `x`; các khóa có: `a`, `b`"),
            ("unknown field `x`, there are no fields", "không có khóa `x`"),
            ("missing field `asset` at line 1 column 2", "thiếu khóa `asset` (dòng 1, cột 2)"),
            (
                "unknown variant `exec`, expected `icmp` or `tcp`",
                "không có giá trị `exec`; các giá trị có: `icmp`, `tcp`",
            ),
            ("invalid type: string \"x\", expected u32", "có chuỗi \"x\", cần số nguyên không âm"),
            ("invalid value: integer `-1`, expected u32", "có số nguyên `-1`, cần số nguyên không âm"),
            ("invalid type: null, expected a string", "có null, cần chuỗi"),
            (
                "state: unknown variant `x`, expected `a`",
                "`state`: không có giá trị `x`; các giá trị có: `a`",
            ),
            (
                "expected value at line 2 column 1",
                "không đúng cú pháp hoặc kiểu dữ liệu: expected value (dòng 2, cột 1)",
            ),
        ] {
            assert_eq!(complaint(message), Text::new(vi, message));
        }
    }
}
