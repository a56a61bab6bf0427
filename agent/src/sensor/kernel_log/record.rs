//! Lines of the kernel's log: records of `/dev/kmsg`, and what `dmesg`, `journalctl -k` or a log file make of them. Pure.

/// One line.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Line<'a> {
    /// Seconds after boot; none: not said in that way.
    pub time_s: Option<f64>,
    /// What the kernel said.
    pub message: &'a str,
}

/// A record of `/dev/kmsg`: `priority,sequence,microseconds,flags;message`, then lines of fields. None for what programs
/// wrote into it.
pub fn parse(record: &str) -> Option<Line<'_>> {
    let (head, rest) = record.split_once(';')?;
    let mut fields = head.split(',');
    let priority: u32 = fields.next()?.parse().ok()?;
    // Beyond the eight levels lies who speaks; the kernel is nought.
    if priority >= 8 {
        return None;
    }
    let microseconds: f64 = fields.nth(1)?.parse().ok()?;
    let message = rest.lines().next().unwrap_or_default();
    Some(Line { time_s: Some(microseconds / 1e6), message })
}

/// A line of text, however it is dated.
pub fn parse_text(line: &str) -> Line<'_> {
    let mut rest = line.trim();
    // `<3>` of raw levels, `kern  :err   :` of decoded ones.
    if let Some((level, after)) = rest.strip_prefix('<').and_then(|after| after.split_once('>'))
        && level.bytes().all(|digit| digit.is_ascii_digit())
    {
        rest = after.trim_start();
    }
    if let Some(after) = rest.strip_prefix("kern ") {
        rest = after.splitn(3, ':').nth(2).unwrap_or(after).trim_start();
    }
    // A log file puts time, host and `kernel:` before it.
    if let Some((_, after)) = rest.split_once(" kernel: ") {
        rest = after;
    }
    let mut time_s = None;
    if let Some((stamp, after)) = rest.strip_prefix('[').and_then(|after| after.split_once(']')) {
        // A stamp says a time: without a digit it is part of the message.
        if stamp.contains(|character: char| character.is_ascii_digit()) && !stamp.contains("Hardware Error") {
            time_s = stamp.trim().parse().ok().filter(|_| !stamp.contains('+'));
            rest = after.trim_start();
        }
    } else if let Some((stamp, after)) = rest.split_once(' ') {
        // `2021-07-30T11:26:11,123456+07:00` of `dmesg --time-format iso`.
        let is_iso = stamp.len() >= 19 && stamp.as_bytes().get(10) == Some(&b'T');
        rest = if is_iso { after.trim_start() } else { rest };
    }
    Line { time_s, message: rest }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_of_the_kernel_are_read_and_those_of_programs_are_not() {
        let line =
            parse("3,339,5140900,-;I/O error, dev sda, sector 1\n SUBSYSTEM=block\n DEVICE=b8:0\n").unwrap();
        assert_eq!((line.time_s, line.message), (Some(5.1409), "I/O error, dev sda, sector 1"));
        assert_eq!(parse("30,1,2,-;systemd[1]: I/O error, dev sda"), None);
        for broken in ["", ";", "3,1;x", "x,1,2,-;y"] {
            assert_eq!(parse(broken), None, "{broken}");
        }
    }

    #[test]
    fn lines_are_read_however_they_are_dated() {
        for (line, time_s) in [
            ("[   12.345678] I/O error, dev sda", Some(12.345678)),
            ("<3>[   12.5] I/O error, dev sda", Some(12.5)),
            ("kern  :err   : [   12.5] I/O error, dev sda", Some(12.5)),
            ("[Feb14 03:36] I/O error, dev sda", None),
            ("[  +2.141017] I/O error, dev sda", None),
            ("[Fri Jul 30 11:26:11 2021] I/O error, dev sda", None),
            ("2021-07-30T11:26:11,123456+07:00 I/O error, dev sda", None),
            ("Jul 30 11:26:11 host kernel: [ 5.5] I/O error, dev sda", Some(5.5)),
            ("Jul 30 11:26:11 host kernel: I/O error, dev sda", None),
            ("I/O error, dev sda", None),
        ] {
            assert_eq!(parse_text(line), Line { time_s, message: "I/O error, dev sda" }, "{line}");
        }
    }
}
