//! Placing reports on the collector's own time line, whatever the host's wall clock says.
//!
//! Pure. A boot with a contact is placed by that contact; one without by its wall clock, clamped between its
//! neighbours by number. A boot keeps the place that it was given first, so that all of its reports keep their
//! distances and a copy gets the same time again.

use crate::model::arrival::{Anchor, Moment, SpoolId};
use crate::model::report::BootId;
use tram_proto::limits;

/// Boots of a host that are remembered.
pub const BOOTS_MAX: usize = 16;
/// Arrivals this much later than expected are the network's delay; later ones move the boot's start.
const DELAY_MS: i64 = 1_000;

/// One boot of a host, as far as its reports have told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Boot {
    /// Which.
    pub boot: BootId,
    /// When it began, by the collector's clock.
    pub started_ms: i64,
    /// It had no contact: its start is a guess between its neighbours.
    pub estimated: bool,
    /// The boot before it ended without a shutdown.
    pub unclean: bool,
    /// It was known by a live report; what is only known from late ones never opens an alert.
    pub live: bool,
    /// The spool that its numbers count in.
    pub spool: SpoolId,
    /// Lowest and highest number of its reports.
    pub numbers: (u64, u64),
    /// Milliseconds of boot time of its first and last report.
    pub spans_ms: (u64, u64),
}

/// Where a report belongs in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placed {
    /// When it was measured, by the collector's clock.
    pub at_ms: i64,
    /// It could not be placed exactly.
    pub estimated: bool,
}

/// A batch's own clocks: what its reports are placed by.
#[derive(Debug, Clone, Copy)]
pub struct Contact<'a> {
    /// When it was sent, by the host's clocks.
    pub sent: Moment,
    /// When it arrived, by the collector's.
    pub arrived_ms: i64,
    /// What the agent remembers of the collector's clock in earlier boots.
    pub anchors: &'a [Anchor],
    /// The spool that the numbers count in.
    pub spool: SpoolId,
}

/// A boot time that cannot be: after its own sending, or further away than any boot lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Impossible;

/// When a boot began, as this contact tells; none when it says nothing of that boot.
pub fn start_of(boots: &[Boot], contact: &Contact<'_>, boot: BootId) -> Option<i64> {
    let known =
        boots.iter().find(|known| known.boot == boot && !known.estimated).map(|known| known.started_ms);
    if boot == contact.sent.boot {
        let told = contact.arrived_ms.saturating_sub_unsigned(contact.sent.boot_ms);
        return Some(match known {
            // A delay of the network only ever makes a boot look younger, so the earliest start is the best.
            Some(known) if (known..=known + DELAY_MS).contains(&told) => known,
            Some(_) | None => told,
        });
    }
    let anchored = || {
        let of_boot = contact.anchors.iter().filter(|anchor| anchor.boot == boot);
        of_boot.map(|anchor| anchor.collector_ms.saturating_sub_unsigned(anchor.boot_ms)).min()
    };
    known.or_else(anchored)
}

/// Where one report of a batch belongs. `last_boot_ms` is the highest boot time of the reports of the same boot in
/// the batch.
pub fn place(
    boots: &[Boot],
    contact: &Contact<'_>,
    seq: u64,
    moment: Moment,
    last_boot_ms: u64,
) -> Result<Placed, Impossible> {
    let is_after_sending = moment.boot == contact.sent.boot && moment.boot_ms > contact.sent.boot_ms;
    if is_after_sending || moment.boot_ms > limits::BOOT_SKEW_MS_MAX {
        return Err(Impossible);
    }
    if let Some(start) = start_of(boots, contact, moment.boot) {
        let at_ms = start.saturating_add_unsigned(moment.boot_ms).min(contact.arrived_ms);
        return Ok(Placed { at_ms, estimated: false });
    }
    if let Some(known) = boots.iter().find(|known| known.boot == moment.boot) {
        let at_ms = known.started_ms.saturating_add_unsigned(moment.boot_ms).min(contact.arrived_ms);
        return Ok(Placed { at_ms, estimated: true });
    }
    let (from_ms, until_ms) = neighbours(boots, contact, seq, moment.boot);
    let told = moment.wall_ms.saturating_sub_unsigned(moment.boot_ms);
    // A boot begins after the last report of the one before, and ends before the first of the next. The newest reports
    // come first, so more of the boot before may still come, nothing more of the next: a wall clock that cannot be puts
    // it right before that.
    let latest = until_ms.saturating_sub_unsigned(last_boot_ms).max(from_ms);
    let start = if (from_ms..=latest).contains(&told) { told } else { latest };
    let at_ms = start.saturating_add_unsigned(moment.boot_ms).min(until_ms);
    Ok(Placed { at_ms, estimated: true })
}

/// Between which times a report's boot must lie: the end of the boots numbered before it, the start of those after.
fn neighbours(boots: &[Boot], contact: &Contact<'_>, seq: u64, boot: BootId) -> (i64, i64) {
    let others = boots.iter().filter(|other| other.boot != boot && other.spool == contact.spool);
    let (mut from_ms, mut until_ms) = (i64::MIN, contact.arrived_ms);
    for other in others {
        if other.numbers.1 < seq {
            from_ms = from_ms.max(other.started_ms.saturating_add_unsigned(other.spans_ms.1));
        } else if other.numbers.0 > seq {
            until_ms = until_ms.min(other.started_ms.saturating_add_unsigned(other.spans_ms.0));
        }
    }
    // Nothing before it is known: any time since 1970 will do.
    (from_ms.max(0).min(until_ms), until_ms)
}

/// Adds what a placed report tells of its boot. The boots stay ordered by their start; the oldest makes room.
pub fn remember(boots: &mut Vec<Boot>, report: Boot) {
    let Some(known) = boots.iter_mut().find(|known| known.boot == report.boot) else {
        boots.push(report);
        boots.sort_by_key(|known| known.started_ms);
        if boots.len() > BOOTS_MAX {
            boots.remove(0);
        }
        return;
    };
    let moved = !report.estimated && known.started_ms != report.started_ms;
    if moved {
        known.started_ms = report.started_ms;
    }
    known.estimated &= report.estimated;
    known.unclean |= report.unclean;
    known.live |= report.live;
    if known.spool == report.spool {
        known.numbers = (known.numbers.0.min(report.numbers.0), known.numbers.1.max(report.numbers.1));
    } else {
        (known.spool, known.numbers) = (report.spool, report.numbers);
    }
    known.spans_ms = (known.spans_ms.0.min(report.spans_ms.0), known.spans_ms.1.max(report.spans_ms.1));
    if moved {
        boots.sort_by_key(|known| known.started_ms);
    }
}

#[cfg(test)]
mod tests;
