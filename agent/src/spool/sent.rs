//! What may have been sent: noted before it goes, so that no byte of it is ever changed.
//!
//! The newest reports go every minute, link or no link, so what is known of them is not synced each time: after a restart
//! they are taken for sent. Batches of history are rarer and larger, and are noted on the disk before they go.

use super::record::{Record, Sent};
use super::{Held, Spool};
use crate::uplink::{LIVE_REPORTS, Lane};
use tram_proto::id::Seq;

impl Spool {
    /// These reports are about to be sent. That is on the disk when this returns, or will be assumed after a restart.
    pub fn set_off(&mut self, lane: Lane, reports: &[Held]) {
        let is_new = |held: &&Held| self.ledger.is_thinnable(held.seq);
        let fresh: Vec<(Seq, Seq)> =
            reports.iter().filter(is_new).map(|held| (held.first, held.seq)).collect();
        self.ledger.mark_sent(&fresh);
        if lane == Lane::History && !fresh.is_empty() {
            let record = Record::Sent(Sent { maybe: fresh.clone(), never: vec![] });
            let bytes = record.encode();
            if let Err(error) = self.write(&[(record, bytes)], true) {
                tracing::debug!(%error, "spool cannot note what is sent");
            }
        }
        self.departed = fresh;
    }

    /// The reports that set off last came to nothing; whether it is certain that the collector has none of them.
    pub fn came_back(&mut self, lane: Lane, is_certain: bool) {
        let reports = std::mem::take(&mut self.departed);
        if is_certain {
            self.ledger.unmark_sent(&reports);
        }
        let sent = match (lane, is_certain) {
            // Nothing was written when they set off, or it was and still holds.
            (Lane::Live, true) | (Lane::History, false) => return,
            (Lane::Live, false) => Sent { maybe: reports, never: vec![] },
            (Lane::History, true) => Sent { never: reports, maybe: vec![] },
        };
        if sent != Sent::default() {
            self.write_lightly(Record::Sent(sent));
        }
    }

    /// After a restart: what may have been sent since the last sync.
    pub(super) fn assume_sent(&mut self) {
        let newest = self.ledger.select(Lane::Live, LIVE_REPORTS);
        let spans: Vec<(Seq, Seq)> = newest.into_iter().map(|seq| self.ledger.span_of(seq)).collect();
        self.ledger.mark_sent(&spans);
    }
}
