//! What the tools' texts have in common: lines of a key and a value, sizes, counts and percentages. Pure.

/// Key and value of `Key : value`, `Key(A:B): value` or `Key = value`, trimmed; none for other lines.
pub(super) fn pair(line: &str) -> Option<(&str, &str)> {
    let mut depth = 0_usize;
    let at = line.find(|character| {
        match character {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0 && matches!(character, ':' | '=')
    })?;
    let (key, value) = (line.get(..at)?.trim(), line.get(at + 1..)?.trim());
    (!key.is_empty()).then_some((key, value))
}

/// Spaces before the first other character.
pub(super) fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

/// The first whole number of a text: `71`, `34C`, ` 28C (82.40 F)`, `1 percent`; none where there is none.
pub(super) fn number(text: &str) -> Option<f64> {
    let text = text.trim_start();
    let end =
        text.find(|character: char| !character.is_ascii_digit() && character != '-' && character != '.');
    text.get(..end.unwrap_or(text.len()))?.trim_end_matches('.').parse().ok()
}

/// The share that the first `N%` or `N %` of a text means.
pub(super) fn share(text: &str) -> Option<f64> {
    let before = text.split('%').next().filter(|before| before.len() < text.len())?.trim_end();
    let begin = before
        .rfind(|character: char| !character.is_ascii_digit() && character != '.')
        .map_or(0, |at| at + 1);
    let percent: f64 = before.get(begin..)?.parse().ok()?;
    (0.0..=100.0).contains(&percent).then_some(percent / 100.0)
}

/// Bytes of `14.551 TB`, `838.1 GB`, `1.0 TiB`. RAID tools count in powers of 1,024 whatever they call it.
pub(super) fn size_bytes(text: &str) -> Option<f64> {
    let text = text.trim();
    let at = text.find(|character: char| character.is_ascii_alphabetic())?;
    let (number, unit) = (text.get(..at)?.trim(), text.get(at..)?);
    let power = match unit.chars().next()?.to_ascii_uppercase() {
        'B' => 0,
        'K' => 1,
        'M' => 2,
        'G' => 3,
        'T' => 4,
        'P' => 5,
        _ => return None,
    };
    let number: f64 = number.parse().ok()?;
    // The tools round to some digits; more would pretend to be exact.
    let bytes = number * 1024_f64.powi(power);
    bytes.is_finite().then(|| bytes.round())
}

/// Yes or no.
pub(super) fn is_yes(text: &str) -> bool {
    let text = text.trim();
    ["yes", "true", "y"].iter().any(|yes| text.eq_ignore_ascii_case(yes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_split_at_the_first_sign() {
        assert_eq!(pair("   Device is : a: b "), Some(("Device is", "a: b")));
        assert_eq!(pair("/c0 Model = 9750-4i"), Some(("/c0 Model", "9750-4i")));
        assert_eq!(pair("Channel,Device(T:L) : 0,1(1:0)"), Some(("Channel,Device(T:L)", "0,1(1:0)")));
        assert_eq!((pair("Devices"), pair(" : x")), (None, None));
    }

    #[test]
    fn numbers_shares_and_sizes_are_read_out_of_their_units() {
        assert_eq!(number(" 28C (82.40 F)"), Some(28.0));
        assert_eq!((number("55"), number("N/A"), number("")), (Some(55.0), None, None));
        assert_eq!(
            (share("98%"), share("Recovering, 45% complete"), share("90 % )")),
            (Some(0.98), Some(0.45), Some(0.9))
        );
        assert_eq!((share("-"), share("1000%"), share("")), (None, None, None));
        assert_eq!(size_bytes("1.5 KB"), Some(1536.0));
        assert_eq!(
            (size_bytes("838.1GB"), size_bytes("2 TiB")),
            (Some(899_903_022_694.0), Some(2_199_023_255_552.0))
        );
        assert_eq!((size_bytes("N/A"), size_bytes("GB"), size_bytes("1 sectors")), (None, None, None));
    }
}
