//! The spool's records as bytes: length, CRC, kind, payload. Pure; knows nothing of files.
//!
//! A record that ends early, or whose CRC is wrong, is normal input: power goes away while a tail is written.

use serde::{Deserialize, Serialize};
use tram_proto::ack::Reason;
use tram_proto::id::{BootId, CatalogueId, Seq, SpoolId};
use tram_proto::ranges::Ranges;
use tram_proto::report::Anchor;

/// Bytes before a record's kind: its length and its CRC.
pub(crate) const HEADER_BYTES: usize = 8;
/// Bytes that one record may have, kind and payload: a report or a catalogue, with room to spare.
pub(crate) const RECORD_BYTES_MAX: usize = 4 << 20;

const KIND_START: u8 = 1;
const KIND_CATALOGUE: u8 = 2;
const KIND_REPORT: u8 = 3;
const KIND_SETTLED: u8 = 4;
const KIND_ANCHOR: u8 = 5;
const KIND_AGGREGATE: u8 = 6;
const KIND_SENT: u8 = 7;

/// What a spool knows besides its reports. The first record of every segment, so that older segments can go.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Start {
    /// The spool.
    pub(crate) spool: SpoolId,
    /// The spool that this one took over from, when that was found to have been copied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) replaces: Option<SpoolId>,
    /// The number that the next report gets.
    pub(crate) next_seq: Seq,
    /// Numbers that need not be sent again; of a segment that was written anew also those that it had once and has no
    /// more, whether they were acknowledged or counted as lost.
    pub(crate) settled: Ranges,
    /// Reports dropped because the spool was full.
    pub(crate) dropped: u64,
    /// Reports that the collector refused for ever.
    pub(crate) refused: u64,
    /// Reports that were replaced by aggregates because the spool was full.
    #[serde(default)]
    pub(crate) thinned: u64,
    /// Everything below this number that was not settled has been dropped, and counted.
    #[serde(default)]
    pub(crate) gone_below: Seq,
    /// Numbers that may have been sent and are not settled.
    #[serde(default, skip_serializing_if = "Ranges::is_empty")]
    pub(crate) sent: Ranges,
    /// When the segment was begun, milliseconds since 1970 as far as the agent knows the collector's time; 0: unknown.
    #[serde(default)]
    pub(crate) begun_ms: i64,
    /// The last of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) last_refused: Vec<RefusedForEver>,
    /// The latest anchor of each boot.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) anchors: Vec<Anchor>,
}

/// A report that the collector will never take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedForEver {
    /// Its number.
    pub seq: Seq,
    /// Why.
    pub reason: Reason,
}

/// Numbers that an answer settled.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Settled {
    /// On the collector's disk.
    #[serde(default)]
    pub(crate) durable: Ranges,
    /// Refused for ever.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) refused: Vec<RefusedForEver>,
}

/// What is known of whether numbers were sent, when no answer said it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Sent {
    /// Numbers, first and last of each report, that the collector may have.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) maybe: Vec<(Seq, Seq)>,
    /// Numbers that it certainly does not have, though it was tried.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) never: Vec<(Seq, Seq)>,
}

/// A report, with what is needed to send it without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ReportRecord<'a> {
    /// The first of the numbers that it stands for: its own, unless it is an aggregate.
    pub(crate) first: Seq,
    /// Its number.
    pub(crate) seq: Seq,
    /// The boot it was measured in.
    pub(crate) boot: BootId,
    /// The catalogue that it names.
    pub(crate) catalogue: CatalogueId,
    /// The report's own bytes.
    pub(crate) bytes: &'a [u8],
}

/// One record.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Record<'a> {
    /// State at the start of a segment.
    Start(Start),
    /// A catalogue's canonical bytes.
    Catalogue(CatalogueId, &'a [u8]),
    /// A report.
    Report(ReportRecord<'a>),
    /// What an answer settled.
    Settled(Settled),
    /// The collector's time at a moment.
    Anchor(Anchor),
    /// What may have been sent.
    Sent(Sent),
}

/// Why there is no record at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Damage {
    /// The bytes end within it, or its length cannot be: nothing after it can be found.
    End,
    /// Its CRC or content is wrong; the next one may begin here.
    Skip(usize),
}

impl<'a> Record<'a> {
    /// The record's bytes.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![0; HEADER_BYTES];
        match self {
            Self::Start(start) => put_json(&mut bytes, KIND_START, start),
            Self::Settled(settled) => put_json(&mut bytes, KIND_SETTLED, settled),
            Self::Anchor(anchor) => put_json(&mut bytes, KIND_ANCHOR, anchor),
            Self::Sent(sent) => put_json(&mut bytes, KIND_SENT, sent),
            Self::Catalogue(id, canonical) => {
                bytes.push(KIND_CATALOGUE);
                bytes.extend_from_slice(&id.0);
                bytes.extend_from_slice(canonical);
            }
            Self::Report(report) => {
                bytes.push(if report.first == report.seq { KIND_REPORT } else { KIND_AGGREGATE });
                if report.first != report.seq {
                    bytes.extend_from_slice(&report.first.to_le_bytes());
                }
                bytes.extend_from_slice(&report.seq.to_le_bytes());
                bytes.extend_from_slice(&report.boot.0);
                bytes.extend_from_slice(&report.catalogue.0);
                bytes.extend_from_slice(report.bytes);
            }
        }
        let body_bytes = bytes.len() - HEADER_BYTES;
        let length = u32::try_from(body_bytes).unwrap_or(u32::MAX).to_le_bytes();
        let crc = crc32fast::hash(bytes.get(HEADER_BYTES..).unwrap_or_default()).to_le_bytes();
        bytes.iter_mut().zip(length.iter().chain(&crc)).for_each(|(to, from)| *to = *from);
        bytes
    }

    /// The record at `offset`, and where the next one begins.
    pub(crate) fn decode(bytes: &'a [u8], offset: usize) -> Result<(Self, usize), Damage> {
        let rest = bytes.get(offset..).ok_or(Damage::End)?;
        let (header, rest) = rest.split_at_checked(HEADER_BYTES).ok_or(Damage::End)?;
        let (length, crc) = header.split_at(4);
        let length = word(length) as usize;
        if length == 0 || length > RECORD_BYTES_MAX {
            return Err(Damage::End);
        }
        let body = rest.get(..length).ok_or(Damage::End)?;
        let next = offset + HEADER_BYTES + length;
        if crc32fast::hash(body) != word(crc) {
            return Err(Damage::Skip(next));
        }
        let record = body.split_first().and_then(|(kind, payload)| Self::of_kind(*kind, payload));
        record.map(|record| (record, next)).ok_or(Damage::Skip(next))
    }

    fn of_kind(kind: u8, payload: &'a [u8]) -> Option<Self> {
        match kind {
            KIND_START => serde_json::from_slice(payload).ok().map(Self::Start),
            KIND_SETTLED => serde_json::from_slice(payload).ok().map(Self::Settled),
            KIND_ANCHOR => serde_json::from_slice(payload).ok().map(Self::Anchor),
            KIND_SENT => serde_json::from_slice(payload).ok().map(Self::Sent),
            KIND_CATALOGUE => {
                let (id, canonical) = payload.split_first_chunk()?;
                Some(Self::Catalogue(CatalogueId(*id), canonical))
            }
            KIND_REPORT => Self::report(None, payload),
            KIND_AGGREGATE => {
                let (first, rest) = payload.split_first_chunk()?;
                Self::report(Some(Seq::from_le_bytes(*first)), rest)
            }
            _ => None,
        }
    }

    fn report(first: Option<Seq>, payload: &'a [u8]) -> Option<Self> {
        let (seq, rest) = payload.split_first_chunk()?;
        let (boot, rest) = rest.split_first_chunk()?;
        let (catalogue, bytes) = rest.split_first_chunk()?;
        let seq = Seq::from_le_bytes(*seq);
        let first = first.unwrap_or(seq);
        let report =
            ReportRecord { first, seq, boot: BootId(*boot), catalogue: CatalogueId(*catalogue), bytes };
        (0 < first && first <= seq).then_some(Self::Report(report))
    }
}

/// Calls `visit` with the offset of each sound record and the record; returns where the last sound one ends and how
/// many damaged ones lie before that.
pub(crate) fn scan<'a>(bytes: &'a [u8], mut visit: impl FnMut(usize, Record<'a>)) -> (usize, u64) {
    let (mut offset, mut end, mut damaged, mut damaged_before_end) = (0, 0, 0, 0);
    loop {
        match Record::decode(bytes, offset) {
            Ok((record, next)) => {
                visit(offset, record);
                (offset, end, damaged_before_end) = (next, next, damaged);
            }
            Err(Damage::Skip(next)) => {
                damaged += 1;
                offset = next;
            }
            Err(Damage::End) => return (end, damaged_before_end),
        }
    }
}

/// Whether bytes after the last sound record are what a power cut leaves of one that was being written: too few of
/// them, or zeros. Anything else was something once, maybe reports that the collector has.
pub(crate) fn is_torn(rest: &[u8]) -> bool {
    let short = matches!(Record::decode(rest, 0), Err(Damage::End))
        && rest
            .first_chunk()
            .is_none_or(|length| (1..=RECORD_BYTES_MAX).contains(&(u32::from_le_bytes(*length) as usize)));
    short || rest.iter().all(|byte| *byte == 0)
}

fn put_json(bytes: &mut Vec<u8>, kind: u8, value: &impl Serialize) {
    bytes.push(kind);
    bytes.extend_from_slice(&serde_json::to_vec(value).unwrap_or_default());
}

fn word(bytes: &[u8]) -> u32 {
    bytes.first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn report(seq: Seq, bytes: &[u8]) -> Record<'_> {
        let (boot, catalogue) = (BootId([1; 8]), CatalogueId([2; 16]));
        Record::Report(ReportRecord { first: seq, seq, boot, catalogue, bytes })
    }

    #[test]
    fn every_kind_round_trips() {
        let start = Start { spool: SpoolId([3; 8]), next_seq: 7, dropped: 1, ..Start::default() };
        let anchor = Anchor { boot: BootId([4; 8]), boot_ms: 5, collector_ms: 6 };
        let settled = Settled {
            durable: [1, 2, 3].into_iter().collect(),
            refused: vec![RefusedForEver { seq: 4, reason: Reason::Limit }],
        };
        let records = [
            Record::Start(start),
            Record::Catalogue(CatalogueId([9; 16]), b"{}"),
            report(1, b"{}"),
            Record::Report(ReportRecord {
                first: 2,
                seq: 21,
                boot: BootId([1; 8]),
                catalogue: CatalogueId([2; 16]),
                bytes: b"{}",
            }),
            Record::Sent(Sent { maybe: vec![(1, 1), (2, 21)], never: vec![(5, 6)] }),
            Record::Settled(settled),
            Record::Anchor(anchor),
        ];
        for record in records {
            let bytes = record.encode();
            assert_eq!(Record::decode(&bytes, 0), Ok((record, bytes.len())));
        }
    }

    #[test]
    fn a_damaged_record_costs_only_itself() {
        let mut bytes = report(1, b"first").encode();
        let second = bytes.len();
        bytes.extend(report(2, b"second").encode());
        let third = bytes.len();
        bytes.extend(report(3, b"third").encode());
        bytes[second + HEADER_BYTES + 5] ^= 1;
        let mut seen = Vec::new();
        assert_eq!(scan(&bytes, |offset, _| seen.push(offset)), (bytes.len(), 1));
        assert_eq!(seen, [0, third]);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), offset in 0_usize..300) {
            if let Ok((_, next)) = Record::decode(&bytes, offset) {
                prop_assert!(next <= bytes.len());
            }
            scan(&bytes, |_, _| {});
        }
    }
}
