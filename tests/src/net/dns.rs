//! A name server that knows five names, and can fail in the ways that name servers fail.

use super::plan::NAMES;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::net::UdpSocket;

/// How it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DnsMode {
    /// As it should.
    #[default]
    Answer,
    /// Not at all.
    Silent,
    /// That it failed: response code 2.
    Failing,
    /// That no name exists: response code 3.
    Denying,
}

const FORMAT_ERROR: u8 = 1;
const SERVER_FAILURE: u8 = 2;
const NO_SUCH_NAME: u8 = 3;
const TYPE_A: u16 = 1;
const TYPE_AAAA: u16 = 28;

/// Answers until the socket breaks.
pub(super) async fn serve(socket: UdpSocket, mode: Arc<Mutex<DnsMode>>) {
    let mut query = [0; 1500];
    while let Ok((length, from)) = socket.recv_from(&mut query).await {
        let mode = *mode.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = query.get(..length).and_then(|query| respond(query, mode));
        if let Some(answer) = answer {
            // A client that is gone does not wait for it.
            drop(socket.send_to(&answer, from).await);
        }
    }
}

/// The answer to a query; none when the server is silent, or the query is shorter than a header.
fn respond(query: &[u8], mode: DnsMode) -> Option<Vec<u8>> {
    let header = query.get(..12)?;
    let Some((name, kind, end)) = question(query) else {
        return Some(reply(header, &[], FORMAT_ERROR, None));
    };
    let asked = query.get(12..end)?;
    let known = NAMES.iter().find(|(known, _, _)| known.eq_ignore_ascii_case(&name));
    match (mode, known) {
        (DnsMode::Silent, _) => None,
        (DnsMode::Failing, _) => Some(reply(header, asked, SERVER_FAILURE, None)),
        (DnsMode::Denying, _) | (DnsMode::Answer, None) => Some(reply(header, asked, NO_SUCH_NAME, None)),
        (DnsMode::Answer, Some((_, v4, v6))) => {
            let data = match kind {
                TYPE_A => Some((kind, Ipv4Addr::from(*v4).octets().to_vec())),
                TYPE_AAAA => Some((kind, Ipv6Addr::from(*v6).octets().to_vec())),
                _ => None,
            };
            Some(reply(header, asked, 0, data))
        }
    }
}

/// Name, type, and where the question ends.
fn question(query: &[u8]) -> Option<(String, u16, usize)> {
    let mut labels: Vec<String> = Vec::new();
    let mut place = 12;
    loop {
        let length = usize::from(*query.get(place)?);
        place += 1;
        if length == 0 {
            break;
        }
        // The two highest bits mark a pointer, which a question cannot need.
        if length > 63 {
            return None;
        }
        labels.push(String::from_utf8_lossy(query.get(place..place + length)?).into_owned());
        place += length;
    }
    let kind = u16::from_be_bytes(query.get(place..place + 2)?.try_into().ok()?);
    query.get(place + 2..place + 4)?;
    Some((labels.join("."), kind, place + 4))
}

fn reply(header: &[u8], question: &[u8], code: u8, data: Option<(u16, Vec<u8>)>) -> Vec<u8> {
    let mut answer = header.get(..2).unwrap_or_default().to_vec();
    // A response, recursion desired and available.
    answer.extend([0x81, 0x80 | code]);
    let answers = u8::from(data.is_some());
    answer.extend([0, u8::from(!question.is_empty()), 0, answers, 0, 0, 0, 0]);
    answer.extend(question);
    if let Some((kind, data)) = data {
        // The name is the question's, 12 bytes into the message; class IN; one minute.
        answer.extend([0xc0, 12]);
        answer.extend(kind.to_be_bytes());
        answer.extend([0, 1, 0, 0, 0, 60, 0, data.len() as u8]);
        answer.extend(data);
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(name: &str, kind: u16) -> Vec<u8> {
        let mut bytes = vec![0xab, 0xcd, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        for label in name.split('.') {
            bytes.push(label.len() as u8);
            bytes.extend(label.as_bytes());
        }
        bytes.push(0);
        bytes.extend(kind.to_be_bytes());
        bytes.extend([0, 1]);
        bytes
    }

    #[test]
    fn known_names_have_both_kinds_of_addresses_and_unknown_ones_none() {
        let answer = respond(&query("CHECK.tram.example", TYPE_A), DnsMode::Answer).unwrap();
        assert_eq!(answer[..4], [0xab, 0xcd, 0x81, 0x80]);
        assert!(answer.ends_with(&[0, 4, 198, 51, 100, 80]), "{answer:?}");
        let answer = respond(&query("check.tram.example", TYPE_AAAA), DnsMode::Answer).unwrap();
        assert!(answer.ends_with(&[0, 0x80]), "{answer:?}");
        let answer = respond(&query("unknown.example", TYPE_A), DnsMode::Answer).unwrap();
        assert_eq!(answer[3], 0x83);
        assert_eq!(respond(&query("check.tram.example", TYPE_A), DnsMode::Silent), None);
    }

    #[test]
    fn broken_queries_get_a_format_error_or_nothing() {
        let whole = query("check.tram.example", TYPE_A);
        for length in 0..whole.len() {
            let code = respond(&whole[..length], DnsMode::Answer).map(|answer| answer[3] & 0xf);
            assert_eq!(code, (length >= 12).then_some(FORMAT_ERROR), "{length} bytes");
        }
    }
}
