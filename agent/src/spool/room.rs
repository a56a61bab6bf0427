//! Room in the spool: when a segment is full, and what goes first when all of them are. Knows which numbers are settled;
//! how detail is thinned is beside it.

use super::record::Start;
use super::segment::{Index, Writer};
use super::{Segment, Spool};
use std::io;
use tram_proto::id::Seq;

/// Bytes of one segment, at most; a small spool has smaller ones, so that eviction is never all or nothing.
const SEGMENT_BYTES_MAX: u64 = 1 << 20;
/// How many segments a full spool has at least.
const SEGMENTS_MIN: u64 = 16;
/// Segments that are looked at for their age each time that another is begun.
const AGED_MAX: usize = 8;

impl Spool {
    /// Sees to a segment that can take `bytes`; says whether it is a new one.
    pub(super) fn see_to_segment(&mut self, bytes: u64) -> io::Result<bool> {
        let is_worn = |writer: &Writer, index: &Index| {
            !index.reports.is_empty() && writer.bytes() + bytes > self.segment_bytes()
        };
        let is_due = self.writer.as_ref().is_none_or(|writer| is_worn(writer, &self.index));
        if is_due {
            self.roll()?;
            self.let_age();
        }
        Ok(is_due)
    }

    /// Frees room for `bytes` within the spool's bound.
    pub(super) fn make_room(&mut self, bytes: u64) -> io::Result<()> {
        while self.segments.len() > 1 && self.bytes() + bytes > self.bounds.bytes_max {
            if self.evict_settled() || self.thin_oldest() {
                continue;
            }
            let oldest = self.segments.keys().next().copied();
            oldest.map_or(Ok(()), |oldest| self.evict(oldest))?;
        }
        Ok(())
    }

    /// Begins a new segment.
    pub(super) fn roll(&mut self) -> io::Result<()> {
        let number = self.segments.keys().next_back().map_or(1, |last| last + 1);
        let path = self.directory.join(format!("{number:010}.segment"));
        let writer = Writer::create(path.clone(), self.segment_bytes())?;
        if let Some(old) = self.writer.replace(writer) {
            old.close();
        }
        let index = std::mem::take(&mut self.index);
        let Start { begun_ms, next_seq: from, .. } = self.state;
        self.segments.insert(number, Segment { path, bytes: 0, span: None, from, begun_ms, level: 0 });
        let start = self.start();
        let bytes = start.encode();
        let written = self.write(&[(start, bytes)], true);
        if written.is_err() {
            // A segment must begin with what is known; without that it would only stand in the next one's way.
            self.writer = None;
            self.index = index;
            if let Some(segment) = self.segments.remove(&number) {
                self.disk.remove(&segment.path).ok();
            }
        }
        written
    }

    /// Drops the oldest segment whose reports are all settled; false when there is none.
    pub(super) fn evict_settled(&mut self) -> bool {
        let settled = |(_, segment): &(&u64, &Segment)| self.is_settled(segment);
        let Some(number) = self.closed().find(settled).map(|(number, _)| *number) else {
            return false;
        };
        self.evict(number).is_ok()
    }

    /// Drops a segment. What of it was never settled is counted first, and is not taken up again if the power goes
    /// before its file does; then it is the oldest one.
    pub(super) fn evict(&mut self, number: u64) -> io::Result<()> {
        let Some(segment) = self.segments.get(&number) else { return Ok(()) };
        let (path, span) = (segment.path.clone(), segment.span);
        let lost = span.map_or(0, |(first, last)| self.ledger.drop_range(first, last));
        if let Some((_, last)) = span.filter(|_| lost > 0) {
            self.state.dropped += lost;
            self.state.gone_below = last + 1;
            tracing::warn!(
                lost,
                dropped = self.state.dropped,
                "spool is full: the oldest reports are dropped unsent"
            );
            let start = self.start();
            let bytes = start.encode();
            if let Err(error) = self.write(&[(start, bytes)], true) {
                tracing::debug!(%error, "spool cannot note what it drops");
            }
        }
        match self.disk.remove(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        self.segments.remove(&number);
        self.read_last = None;
        Ok(())
    }

    /// Lets go of what is older than detail is kept: what was acknowledged is dropped, what never was is thinned once.
    fn let_age(&mut self) {
        let age_max_ms = i64::try_from(self.bounds.age_max.as_millis()).unwrap_or(i64::MAX);
        let horizon_ms = self.state.begun_ms.saturating_sub(age_max_ms);
        // A segment ends when the next one begins.
        let ends = self.segments.values().skip(1).map(|next| next.begun_ms);
        let is_over = |ended_ms: &i64| (1..horizon_ms).contains(ended_ms);
        let old: Vec<u64> =
            self.segments.keys().zip(ends.take_while(is_over)).map(|(number, _)| *number).collect();
        let mut left = AGED_MAX;
        for number in old {
            let Some(segment) = self.segments.get(&number) else { continue };
            let is_settled = self.is_settled(segment);
            if segment.level > 0 && !is_settled {
                continue;
            }
            let done = if is_settled { self.evict(number) } else { self.thin(number, 1).map(|_| ()) };
            if let Err(error) = done {
                tracing::debug!(%error, "spool cannot let go of old detail");
            }
            left -= 1;
            if left == 0 {
                return;
            }
        }
    }

    /// Segments that are no longer appended to, oldest first.
    pub(super) fn closed(&self) -> impl Iterator<Item = (&u64, &Segment)> {
        let current = self.segments.keys().next_back().copied();
        self.segments.iter().filter(move |(number, _)| Some(**number) != current)
    }

    pub(super) fn is_settled(&self, segment: &Segment) -> bool {
        segment.span.is_none_or(|(first, last): (Seq, Seq)| self.ledger.is_settled(first, last))
    }

    /// Bytes that its files take.
    pub fn bytes(&self) -> u64 {
        self.segments.values().map(|segment| segment.bytes).sum()
    }

    pub(super) fn segment_bytes(&self) -> u64 {
        (self.bounds.bytes_max / SEGMENTS_MIN).min(SEGMENT_BYTES_MAX)
    }
}
