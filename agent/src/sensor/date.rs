//! Dates as makers write them. Pure.

/// Earlier ones are not those of anything that still runs.
const YEARS: std::ops::RangeInclusive<i64> = 1990..=2099;
/// What firmware says where nobody has ever set a date.
const NEVER_SET: &[(i64, i64, i64)] = &[(2001, 9, 25)];
const MONTHS: [&str; 12] =
    ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];

/// Seconds from 1970 to the day's beginning; none where the text is no date, or one that stands for none: the first of
/// a January is where clocks start that were never set.
///
/// Forms seen: `2014/01/15`, `2021-04-15`, `11/27/09` and `08/08/2015` (month first, unless that cannot be),
/// `11172014`, `12OCT04`.
pub fn seconds(text: &str) -> Option<i64> {
    let (year, month, day) = parts(text.trim())?;
    let year = if year < 70 {
        year + 2000
    } else if year < 100 {
        year + 1900
    } else {
        year
    };
    let is_one =
        YEARS.contains(&year) && (1..=12).contains(&month) && (1..=month_days(year, month)).contains(&day);
    let is_set = (month, day) != (1, 1) && !NEVER_SET.contains(&(year, month, day));
    (is_one && is_set).then(|| days(year, month, day) * 86_400)
}

fn parts(text: &str) -> Option<(i64, i64, i64)> {
    if let Some(named) = named_month(text) {
        return Some(named);
    }
    let numbers: Vec<&str> = text.split(['/', '-', '.']).map(str::trim).collect();
    let number = |text: &str| text.parse::<i64>().ok().filter(|number| *number >= 0);
    match numbers.as_slice() {
        [year, month, day] if year.len() == 4 => Some((number(year)?, number(month)?, number(day)?)),
        [first, second, year] => {
            let (first, second) = (number(first)?, number(second)?);
            let (month, day) = if first > 12 { (second, first) } else { (first, second) };
            Some((number(year)?, month, day))
        }
        [digits] if digits.len() == 8 && digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            let piece = |range| number(digits.get(range)?);
            // `11172014` as against `20141117`.
            if digits.starts_with("19") || digits.starts_with("20") {
                Some((piece(0..4)?, piece(4..6)?, piece(6..8)?))
            } else {
                Some((piece(4..8)?, piece(0..2)?, piece(2..4)?))
            }
        }
        _ => None,
    }
}

/// `12OCT04`.
fn named_month(text: &str) -> Option<(i64, i64, i64)> {
    let (day, month, year) = (text.get(..2)?, text.get(2..5)?, text.get(5..)?);
    let month = MONTHS.iter().position(|name| name.eq_ignore_ascii_case(month))?;
    Some((year.parse().ok()?, i64::try_from(month).ok()? + 1, day.parse().ok()?))
}

fn month_days(year: i64, month: i64) -> i64 {
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if is_leap => 29,
        2 => 28,
        _ => 31,
    }
}

/// Days from 1970-01-01, after Howard Hinnant's `days_from_civil`, for years after 0.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year / 400, year % 400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_read() {
        let same = |texts: &[&str], expected: i64| {
            for text in texts {
                assert_eq!(seconds(text), Some(expected), "{text}");
            }
        };
        same(
            &["2014/11/17", "2014-11-17", "11/17/14", "17/11/2014", "11172014", "20141117", "17NOV14"],
            1_416_182_400,
        );
        same(&["2000/02/29", "02/29/00"], 951_782_400);
        same(&["12/14/99", " 1999/12/14 "], 945_129_600);
    }

    #[test]
    fn what_stands_for_no_date_is_none() {
        for text in [
            "",
            "?",
            "1",
            "CPS",
            "not set",
            "0000/00/00",
            "00/00/00",
            "2000/01/01",
            "2001/09/25",
            "2010/01/01",
            "1980/00/01",
            "2052/00/36",
            "2065/165/165",
            "4158/00/03",
            "2001/00/00",
            "2023/02/29",
            "2MR1",
            "ngàyạ",
        ] {
            assert_eq!(seconds(text), None, "{text}");
        }
    }
}
