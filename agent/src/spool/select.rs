//! Reading back what is to be sent, with the catalogues and anchors that it needs.

use super::record::{Record, ReportRecord};
use super::segment::{Index, read_record, visit};
use super::{Segment, Spool};
use crate::tree::tree;
use crate::uplink::Lane;
use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use tram_proto::catalogue::Catalogue;
use tram_proto::id::{BootId, CatalogueId, Seq};
use tram_proto::limits;
use tram_proto::report::Anchor;

/// A report in the spool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// The first of the numbers that it stands for: its own, unless it is an aggregate.
    pub first: Seq,
    /// Its number.
    pub seq: Seq,
    /// The boot it was measured in.
    pub boot: BootId,
    /// The catalogue that it names.
    pub catalogue: CatalogueId,
    /// Its bytes, as they are sent.
    pub bytes: Vec<u8>,
}

/// What one batch carries.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Selection {
    /// Reports, ascending.
    pub reports: Vec<Held>,
    /// Catalogues that they name and that the collector may lack.
    pub catalogues: Vec<Catalogue>,
    /// Anchors of the earlier boots that they belong to.
    pub anchors: Vec<Anchor>,
}

impl Spool {
    /// What to send next: at most `reports_max` reports with `bytes_max` bytes (but always one), and the catalogues they name that
    /// are not in `known`. A report that cannot be read any more is dropped and counted.
    pub fn select(
        &mut self,
        lane: Lane,
        reports_max: usize,
        bytes_max: usize,
        known: &BTreeSet<CatalogueId>,
    ) -> Selection {
        let mut selection = Selection::default();
        let mut named = BTreeSet::new();
        let mut bytes = 0;
        for seq in self.ledger.select(lane, reports_max.min(limits::REPORTS_PER_BATCH_MAX)) {
            let Some(held) = self.read(seq) else {
                self.lose(seq);
                continue;
            };
            let mut catalogue = None;
            if !known.contains(&held.catalogue) && !named.contains(&held.catalogue) {
                if named.len() == limits::CATALOGUES_PER_BATCH_MAX {
                    break;
                }
                let Some(found) = self.catalogue_of(seq, held.catalogue) else {
                    self.lose(seq);
                    continue;
                };
                bytes += found.canonical_bytes().len();
                catalogue = Some(found);
            }
            bytes += held.bytes.len();
            if bytes > bytes_max && !selection.reports.is_empty() {
                break;
            }
            named.insert(held.catalogue);
            selection.catalogues.extend(catalogue);
            selection.reports.push(held);
        }
        selection.reports.sort_unstable_by_key(|held| held.seq);
        selection.anchors = self.anchors_for(&selection.reports);
        selection
    }

    /// The oldest report that waits.
    pub fn oldest_pending(&mut self) -> Option<Held> {
        let seq = self.ledger.oldest_pending()?;
        self.read(seq)
    }

    fn anchors_for(&self, reports: &[Held]) -> Vec<Anchor> {
        let boots: BTreeSet<BootId> = tree(reports.iter().map(|held| held.boot));
        self.state.anchors.iter().filter(|anchor| boots.contains(&anchor.boot)).copied().collect()
    }

    /// A report together with its catalogue.
    pub(super) fn read_with_catalogue(&mut self, seq: Seq) -> Option<(Held, Catalogue)> {
        let held = self.read(seq)?;
        let catalogue = self.catalogue_of(seq, held.catalogue)?;
        Some((held, catalogue))
    }

    fn read(&mut self, seq: Seq) -> Option<Held> {
        let bytes = self.read_bytes(seq, |index| index.report(seq))?;
        match Record::decode(&bytes, 0) {
            Ok((Record::Report(ReportRecord { first, seq: found, boot, catalogue, bytes }), _))
                if found == seq =>
            {
                Some(Held { first, seq, boot, catalogue, bytes: bytes.to_vec() })
            }
            Ok(_) | Err(_) => None,
        }
    }

    fn catalogue_of(&mut self, seq: Seq, id: CatalogueId) -> Option<Catalogue> {
        let found = self.read_bytes(seq, |index| index.catalogues.get(&id).copied());
        found.as_deref().and_then(catalogue_in).or_else(|| self.catalogue_elsewhere(id))
    }

    /// A catalogue that is damaged where it should be; other segments may have it too.
    fn catalogue_elsewhere(&self, id: CatalogueId) -> Option<Catalogue> {
        self.segments.values().find_map(|segment| {
            let offset = index_of(segment).ok()?.catalogues.get(&id).copied()?;
            let bytes = File::open(&segment.path).and_then(|file| read_record(&file, offset)).ok()?;
            catalogue_in(&bytes)
        })
    }

    /// The bytes of a record in the segment that holds report `seq`.
    fn read_bytes(&mut self, seq: Seq, find: impl Fn(&Index) -> Option<u64>) -> Option<Vec<u8>> {
        let current = self.segments.keys().next_back().copied();
        let holds =
            |segment: &Segment| segment.span.is_some_and(|(first, last)| (first..=last).contains(&seq));
        let (number, segment) = self.segments.iter().rev().find(|(_, segment)| holds(segment))?;
        let offset = if Some(*number) == current {
            find(&self.index)
        } else {
            let cached = self.read_last.as_ref().filter(|(last, _)| last == number);
            if cached.is_none() {
                self.read_last = Some((*number, index_of(segment).ok()?));
            }
            self.read_last.as_ref().and_then(|(_, index)| find(index))
        }?;
        File::open(&segment.path).and_then(|file| read_record(&file, offset)).ok()
    }

    /// Gives up a report whose bytes are no longer sound.
    pub(super) fn lose(&mut self, seq: Seq) {
        let span = self.ledger.span_of(seq);
        self.state.dropped += self.ledger.drop_range(seq, seq);
        tracing::warn!(seq, "a spooled report is damaged and dropped");
        self.write_start_without(&[span]);
    }
}

fn catalogue_in(record: &[u8]) -> Option<Catalogue> {
    match Record::decode(record, 0) {
        Ok((Record::Catalogue(_, canonical), _)) => serde_json::from_slice(canonical).ok(),
        Ok(_) | Err(_) => None,
    }
}

pub(super) fn index_of(segment: &Segment) -> io::Result<Index> {
    let mut index = Index::default();
    visit(&segment.path, |offset, record| index.note(offset as u64, &record))?;
    Ok(index)
}
