//! How far local time is ahead of UTC, from a file of the time zone database (RFC 8536). Pure; bad bytes are no offset.

/// Bytes of a header; the second one follows the data of the first.
const HEADER_BYTES: usize = 44;

/// Seconds that local time is ahead of UTC at a time, in seconds since 1970; none when the file does not say. What it
/// says by rule, for years that it does not list, is taken to go on as in the last one listed.
pub(super) fn offset_s(file: &[u8], at_s: i64) -> Option<i32> {
    let head = Header::read(file)?;
    let first = file.get(HEADER_BYTES..)?;
    if head.version < b'2' {
        return head.offset_s(first, 4, at_s);
    }
    let second = first.get(head.bytes(4)?..)?;
    Header::read(second)?.offset_s(second.get(HEADER_BYTES..)?, 8, at_s)
}

struct Header {
    version: u8,
    /// Of UTC indicators, standard indicators, leap seconds, transitions, types and characters.
    counts: [usize; 6],
}

impl Header {
    fn read(bytes: &[u8]) -> Option<Self> {
        if bytes.get(..4)? != b"TZif" {
            return None;
        }
        let mut counts = [0; 6];
        for (count, field) in counts.iter_mut().zip(bytes.get(20..HEADER_BYTES)?.chunks_exact(4)) {
            *count = u32::from_be_bytes(field.try_into().ok()?) as usize;
        }
        Some(Self { version: *bytes.get(4)?, counts })
    }

    /// Bytes of the data behind this header, with times of so many bytes.
    fn bytes(&self, width: usize) -> Option<usize> {
        let [utc, standard, leaps, times, types, characters] = self.counts;
        let wide = times.checked_mul(width + 1)?.checked_add(leaps.checked_mul(width + 4)?)?;
        wide.checked_add(types.checked_mul(6)?)?
            .checked_add(characters)?
            .checked_add(utc)?
            .checked_add(standard)
    }

    fn offset_s(&self, data: &[u8], width: usize, at_s: i64) -> Option<i32> {
        let [.., times, types, _] = self.counts;
        let moments = data.get(..times.checked_mul(width)?)?;
        let kinds = data.get(moments.len()..)?.get(..times)?;
        let kinds_of_time = data.get(moments.len() + times..)?.get(..types.checked_mul(6)?)?;
        let moment = |bytes: &[u8]| match *bytes {
            [a, b, c, d] => i64::from(i32::from_be_bytes([a, b, c, d])),
            [a, b, c, d, e, f, g, h] => i64::from_be_bytes([a, b, c, d, e, f, g, h]),
            _ => i64::MAX,
        };
        let passed = moments.chunks_exact(width).take_while(|bytes| moment(bytes) <= at_s).count();
        let kind = passed.checked_sub(1).and_then(|last| kinds.get(last)).copied().unwrap_or(0);
        let found = kinds_of_time.chunks_exact(6).nth(usize::from(kind))?;
        Some(i32::from_be_bytes(found.get(..4)?.try_into().ok()?)).filter(|offset_s| offset_s.abs() < 86_400)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file of the second version: UTC+7 until 1000, UTC+8 until 2000, then UTC+7 again.
    fn file() -> Vec<u8> {
        let header = |times: u8, types: u8| {
            let mut bytes = b"TZif2".to_vec();
            bytes.extend([0; 15]);
            for count in [0, 0, 0, times, types, 4] {
                bytes.extend([0, 0, 0, count]);
            }
            bytes
        };
        let kinds = |offsets: &[i32]| -> Vec<u8> {
            offsets.iter().flat_map(|offset| [&offset.to_be_bytes()[..], &[0, 0]].concat()).collect()
        };
        let (seven, eight) = (7 * 3_600, 8 * 3_600);
        let times = [1_000_i64, 2_000].iter().flat_map(|time| time.to_be_bytes()).collect();
        let second = [times, vec![1, 0], kinds(&[seven, eight]), b"+07\0".to_vec()].concat();
        [header(0, 1), kinds(&[seven]), b"+07\0".to_vec(), header(2, 2), second, b"\n<+07>-7\n".to_vec()]
            .concat()
    }

    #[test]
    fn the_offset_is_that_of_the_last_change_before() {
        let at = |at_s| offset_s(&file(), at_s).map(|offset_s| offset_s / 3_600);
        assert_eq!((at(0), at(1_000), at(1_999), at(1 << 40)), (Some(7), Some(8), Some(8), Some(7)));
    }

    #[test]
    fn whatever_is_cut_off_is_no_offset() {
        let whole = file();
        let needed = whole.len() - b"+07\0\n<+07>-7\n".len();
        assert!((0..needed).all(|length| offset_s(&whole[..length], 0).is_none()));
        assert_eq!(offset_s(b"TZif2 and then nothing of the kind, for longer than a header", 0), None);
    }
}
