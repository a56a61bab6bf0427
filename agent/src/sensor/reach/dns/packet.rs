//! The two packets of a look-up (RFC 1035): one question for a name's addresses, and its answer. Pure. A whole library
//! for them is four times the size of all else that the ladder is made of.

use super::Reply;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

const HEADER_BYTES: usize = 12;
const NAME_BYTES_MAX: usize = 253;
const LABEL_BYTES_MAX: usize = 63;
const TYPE_A: u16 = 1;
const TYPE_AAAA: u16 = 28;
const CLASS_INTERNET: u16 = 1;
const FLAG_RECURSION_DESIRED: u16 = 0x0100;
const FLAG_RESPONSE: u16 = 0x8000;
const FLAG_TRUNCATED: u16 = 0x0200;

/// A packet that asks for the IPv4 or IPv6 addresses of a name.
pub(super) fn question(id: u16, name: &str, want_v6: bool) -> Result<Vec<u8>, String> {
    let kind = if want_v6 { TYPE_AAAA } else { TYPE_A };
    let mut packet = Vec::with_capacity(HEADER_BYTES + NAME_BYTES_MAX + 6);
    for word in [id, FLAG_RECURSION_DESIRED, 1, 0, 0, 0] {
        packet.extend(word.to_be_bytes());
    }
    let labels = name.strip_suffix('.').unwrap_or(name);
    let is_name = |label: &str| {
        (1..=LABEL_BYTES_MAX).contains(&label.len()) && label.bytes().all(|byte| byte.is_ascii_graphic())
    };
    if labels.len() > NAME_BYTES_MAX || !labels.split('.').all(is_name) {
        return Err(format!("{name} is not a name"));
    }
    for label in labels.split('.') {
        packet.push(label.len() as u8);
        packet.extend(label.bytes());
    }
    packet.push(0);
    packet.extend(kind.to_be_bytes());
    packet.extend(CLASS_INTERNET.to_be_bytes());
    Ok(packet)
}

/// What a packet says in answer to `question`; none when it is not its answer, or not a packet of the kind.
pub(super) fn answer(packet: &[u8], question: &[u8]) -> Option<Reply> {
    let mut rest = Reader { packet, at: 0 };
    let [id, flags, questions, answers] = [rest.word()?, rest.word()?, rest.word()?, rest.word()?];
    rest.at = HEADER_BYTES;
    if !question.starts_with(&id.to_be_bytes()) || flags & FLAG_RESPONSE == 0 {
        return None;
    }
    let asked = question.get(HEADER_BYTES..)?;
    for _ in 0..questions {
        // A server repeats the question as it came, in another case at most; it has nothing to point back to.
        if !rest.take(asked.len())?.eq_ignore_ascii_case(asked) {
            return None;
        }
    }
    let addresses: Vec<IpAddr> =
        (0..answers).map(|_| rest.record()).collect::<Option<Vec<_>>>()?.into_iter().flatten().collect();
    Some(match flags & 0xf {
        0 if !addresses.is_empty() => Reply::Addresses(addresses),
        0 if flags & FLAG_TRUNCATED != 0 => Reply::Unwilling("the answer does not fit one packet".to_owned()),
        0 => Reply::NoSuchName("the name has no address"),
        3 => Reply::NoSuchName("the name does not exist"),
        code => Reply::Unwilling(format!("the name server answers {}", code_word(code))),
    })
}

fn code_word(code: u16) -> String {
    match code {
        1 => "Form Error".to_owned(),
        2 => "Server Failure".to_owned(),
        4 => "Not Implemented".to_owned(),
        5 => "Query Refused".to_owned(),
        other => format!("code {other}"),
    }
}

struct Reader<'a> {
    packet: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let end = self.at.checked_add(count)?;
        let bytes = self.packet.get(self.at..end)?;
        self.at = end;
        Some(bytes)
    }

    fn word(&mut self) -> Option<u16> {
        Some(u16::from_be_bytes(self.take(2)?.try_into().ok()?))
    }

    /// Passes over a name: labels, which end with an empty one or a pointer to others.
    fn skip_name(&mut self) -> Option<()> {
        loop {
            match self.take(1)?.first()? {
                0 => return Some(()),
                length @ 1..=63 => self.take(usize::from(*length)).map(|_| ())?,
                0xc0.. => return self.take(1).map(|_| ()),
                64..0xc0 => return None,
            }
        }
    }

    /// A record, and the address that it holds if that is its kind.
    fn record(&mut self) -> Option<Option<IpAddr>> {
        self.skip_name()?;
        let (kind, class) = (self.word()?, self.word()?);
        // How long it may be kept.
        self.take(4)?;
        let length = self.word()?;
        let data = self.take(usize::from(length))?;
        Some(match (kind, class) {
            (TYPE_A, CLASS_INTERNET) => Some(Ipv4Addr::from(<[u8; 4]>::try_from(data).ok()?).into()),
            (TYPE_AAAA, CLASS_INTERNET) => Some(Ipv6Addr::from(<[u8; 16]>::try_from(data).ok()?).into()),
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ID: u16 = 0x1234;
    /// After the question: `www.example.com` is another name of `example.com`, which has two addresses.
    const RECORDS: &[u8] = b"\xc0\x0c\0\x05\0\x01\0\0\0\x3c\0\x02\xc0\x10\
        \xc0\x10\0\x01\0\x01\0\0\0\x3c\0\x04\x0a\x01\x02\x03\
        \x07example\x03com\0\0\x1c\0\x01\0\0\0\x3c\0\x10\xfd\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x07";

    fn asked() -> Vec<u8> {
        question(ID, "www.example.com", false).unwrap()
    }

    fn packet(id: u16, flags: u16, answers: u16, records: &[u8]) -> Vec<u8> {
        let header = [id, flags, 1, answers, 0, 0].map(u16::to_be_bytes).concat();
        [&header, &asked()[HEADER_BYTES..], records].concat()
    }

    #[test]
    fn a_question_has_the_bytes_of_the_standard() {
        let expect = b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x03www\x07example\x03com\0\0\x1c\0\x01";
        assert_eq!(question(ID, "www.example.com.", true).unwrap(), expect);
        let long = "a".repeat(64);
        for name in ["", ".", "a..b", "a b.vn", "tiếng.vn", &long, &"abc.".repeat(70)] {
            assert_eq!(question(ID, name, true).unwrap_err(), format!("{name} is not a name"));
        }
    }

    #[test]
    fn addresses_are_read_behind_other_records_and_pointers() {
        let reply = answer(&packet(ID, 0x8180, 3, RECORDS), &asked());
        let addresses = vec!["10.1.2.3".parse().unwrap(), "fd00::7".parse().unwrap()];
        assert_eq!(reply, Some(Reply::Addresses(addresses)));
        let louder = packet(ID, 0x8180, 3, RECORDS).to_ascii_uppercase();
        assert!(matches!(answer(&louder, &asked()), Some(Reply::Addresses(_))));
    }

    #[test]
    fn answers_are_told_apart_by_their_code() {
        let check =
            |flags, expect: Reply| assert_eq!(answer(&packet(ID, flags, 0, b""), &asked()), Some(expect));
        check(0x8183, Reply::NoSuchName("the name does not exist"));
        check(0x8180, Reply::NoSuchName("the name has no address"));
        check(0x8380, Reply::Unwilling("the answer does not fit one packet".to_owned()));
        check(0x8182, Reply::Unwilling("the name server answers Server Failure".to_owned()));
        check(0x8189, Reply::Unwilling("the name server answers code 9".to_owned()));
    }

    #[test]
    fn a_packet_of_another_is_no_answer() {
        assert_eq!(answer(&packet(ID + 1, 0x8180, 3, RECORDS), &asked()), None);
        assert_eq!(answer(&packet(ID, 0x0180, 3, RECORDS), &asked()), None);
        assert_eq!(answer(&packet(ID, 0x8180, 4, RECORDS), &asked()), None);
        let other = question(ID, "www.example.net", false).unwrap();
        assert_eq!(answer(&packet(ID, 0x8180, 3, RECORDS), &other), None);
    }

    proptest! {
        #[test]
        fn no_packet_does_harm(tail in proptest::collection::vec(any::<u8>(), 0..64), answers in 0..9_u16) {
            answer(&tail, &asked());
            answer(&packet(ID, 0x8180, answers, &tail), &asked());
        }
    }
}
