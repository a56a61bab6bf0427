//! A host as it lies in memory: what is asked of every host can be read as it is, the rest is packed in few bytes.
//!
//! Owns the shape of these bytes, which never leave the process. A host that reports once a minute is unpacked once a
//! minute, and a million of them must fit: as [`Host`] one takes some three times as much. It must not know of shards.

use super::{Host, Presence, Previous};
use crate::admission::Spool;
use crate::model::agency::SiteId;
use crate::model::agent::{AgentId, AgentState};
use crate::model::alert::Alert;
use crate::model::arrival::{SpoolFigures, SpoolId};
use crate::model::asset::{AssetId, AssetKind};
use crate::model::catalogue::{Catalogue, CatalogueId};
use crate::model::component::Component;
use crate::model::missing::Missing;
use crate::model::report::{BootId, End};
use crate::placing::Boot;
use crate::varint::{self, Reader};
use std::sync::{Arc, LazyLock};

/// What most hosts have none of is one and the same nothing.
static NO_COMPONENTS: LazyLock<Arc<Vec<Component>>> = LazyLock::new(Arc::default);
static NO_MISSING: LazyLock<Arc<Vec<Missing>>> = LazyLock::new(Arc::default);
static NO_ALERTS: LazyLock<Arc<Vec<Alert>>> = LazyLock::new(Arc::default);

/// Bytes that packing begins with: what fifty columns need.
const LIKELY_BYTES: usize = 1_000;
const ESTIMATED: u8 = 1;
const UNCLEAN: u8 = 2;
const LIVE: u8 = 4;

/// A host at rest.
#[derive(Debug)]
pub struct Kept {
    /// The asset.
    pub asset: AssetId,
    /// Where the asset stands.
    pub site: SiteId,
    /// When anything last arrived, milliseconds since 1970; 0 when nothing ever did.
    pub received_ms: i64,
    /// When the values were measured, milliseconds since 1970; 0 before the first live report.
    pub at_ms: i64,
    /// What the values are; none before the first live report.
    pub catalogue: Option<Arc<Catalogue>>,
    /// Alerts that are pending or firing.
    pub alerts: Arc<Vec<Alert>>,
    components: Arc<Vec<Component>>,
    missing: Arc<Vec<Missing>>,
    packed: Box<[u8]>,
    log: i64,
    /// What the asset is.
    pub kind: AssetKind,
    /// Whether the agent may report.
    pub state: AgentState,
    /// Whether silence means a fault.
    pub always_on: bool,
    /// Whether the host is there.
    pub presence: Presence,
    /// Set when the newest report was the last of its run.
    pub ended: Option<End>,
    /// Two hosts were seen to use this identity.
    pub is_cloned: bool,
}

/// A current value, and the one before it of the same catalogue with the time that it was measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// Scaled.
    pub value: i64,
    /// When and what.
    pub before: Option<(i64, i64)>,
}

impl Kept {
    /// Packs a host.
    pub(super) fn of(host: &Host) -> Self {
        Self {
            asset: host.asset,
            site: host.site,
            received_ms: host.received_ms,
            at_ms: host.at_ms,
            catalogue: host.catalogue.clone(),
            alerts: shared(&host.alerts, &NO_ALERTS),
            components: shared(&host.components, &NO_COMPONENTS),
            missing: shared(&host.missing, &NO_MISSING),
            packed: pack(host).into(),
            log: host.log,
            kind: host.kind,
            state: host.state,
            always_on: host.always_on,
            presence: host.presence,
            ended: host.ended,
            is_cloned: host.clone_seen_ms.is_some(),
        }
    }

    /// The whole host.
    pub fn host(&self, agent: AgentId) -> Host {
        let mut host = Host::new(agent, self.asset, self.kind, self.always_on, self.state);
        host.site = self.site;
        (host.received_ms, host.at_ms, host.log) = (self.received_ms, self.at_ms, self.log);
        host.catalogue.clone_from(&self.catalogue);
        host.alerts = Arc::clone(&self.alerts);
        host.components = Arc::clone(&self.components);
        host.missing = Arc::clone(&self.missing);
        (host.presence, host.ended) = (self.presence, self.ended);
        let complete = unpack(&mut Reader::new(&self.packed), &mut host);
        debug_assert!(complete.is_some(), "what was packed here unpacks");
        host
    }

    /// The current value of one column, scaled.
    pub fn value(&self, place: usize) -> Option<i64> {
        let mut reader = Reader::new(&self.packed);
        reader.number()?;
        cell(&mut reader, place)
    }

    /// The same with the one before it.
    pub fn reading(&self, place: usize) -> Option<Reading> {
        let mut reader = Reader::new(&self.packed);
        let length = usize::try_from(reader.number()?).ok()?;
        let value = cell(&mut Reader::new(reader.take(length)?), place)?;
        let mut before = || {
            let is_same_catalogue = reader.byte()? == SAME_CATALOGUE;
            let at_ms = self.at_ms.wrapping_sub(reader.signed()?);
            let change = if is_same_catalogue { cell(&mut reader, place)? } else { return None };
            Some((at_ms, value.wrapping_add(change)))
        };
        Some(Reading { value, before: before() })
    }
}

fn shared<T>(own: &Arc<Vec<T>>, none: &Arc<Vec<T>>) -> Arc<Vec<T>> {
    Arc::clone(if own.is_empty() { none } else { own })
}

/// How the values before are packed: not at all, as changes to the current ones, or as they are.
const NONE: u8 = 0;
const SAME_CATALOGUE: u8 = 1;
const OTHER_CATALOGUE: u8 = 2;

fn pack(host: &Host) -> Vec<u8> {
    let mut to = Vec::with_capacity(LIKELY_BYTES);
    let mut row = Vec::with_capacity(LIKELY_BYTES / 2);
    put_row(&mut row, &host.values, |_| 0);
    varint::put(&mut to, row.len() as u64);
    to.extend_from_slice(&row);
    match &host.previous {
        None => to.push(NONE),
        Some(previous) => {
            let id = host.catalogue.as_ref().map(|catalogue| catalogue.id);
            let is_same = id == Some(previous.catalogue);
            to.push(if is_same { SAME_CATALOGUE } else { OTHER_CATALOGUE });
            varint::put_signed(&mut to, host.at_ms.wrapping_sub(previous.at_ms));
            if is_same {
                put_row(&mut to, &previous.values, |place| current(&host.values, place));
            } else {
                to.extend_from_slice(&previous.catalogue.0);
                put_row(&mut to, &previous.values, |_| 0);
            }
        }
    }
    to.extend_from_slice(&host.boot.0);
    varint::put(&mut to, host.boot_ms);
    varint::put_signed(&mut to, host.boot_started_ms);
    put_option(&mut to, host.clock_offset_ms);
    put_option(&mut to, host.clone_seen_ms);
    to.push(u8::from(host.set.is_some()));
    to.extend_from_slice(&host.set.unwrap_or_default());
    varint::put_signed(&mut to, host.set_at_ms);
    let SpoolFigures { pending, dropped, refused, thinned } = host.figures;
    [pending, dropped, refused, thinned].into_iter().for_each(|figure| varint::put(&mut to, figure));
    varint::put(&mut to, host.boots.len() as u64);
    host.boots.iter().for_each(|boot| put_boot(&mut to, boot));
    varint::put(&mut to, host.spools.len() as u64);
    host.spools.iter().for_each(|spool| put_spool(&mut to, spool));
    to
}

/// Fills in what [`pack`] has packed; none when the bytes end too early.
fn unpack(from: &mut Reader<'_>, host: &mut Host) -> Option<()> {
    from.number()?;
    host.values = row(from, |_| 0)?;
    let how = from.byte()?;
    if how != NONE {
        let at_ms = host.at_ms.wrapping_sub(from.signed()?);
        let (catalogue, values) = if how == SAME_CATALOGUE {
            let values = row(from, |place| current(&host.values, place))?;
            (host.catalogue.as_ref().map(|catalogue| catalogue.id).unwrap_or_default(), values)
        } else {
            (CatalogueId(array(from)?), row(from, |_| 0)?)
        };
        host.previous = Some(Previous { at_ms, catalogue, values });
    }
    host.boot = BootId(array(from)?);
    host.boot_ms = from.number()?;
    host.boot_started_ms = from.signed()?;
    host.clock_offset_ms = option(from)?;
    host.clone_seen_ms = option(from)?;
    let has_set = from.byte()? != 0;
    let set = array(from)?;
    host.set = has_set.then_some(set);
    host.set_at_ms = from.signed()?;
    let mut figure = || from.number();
    host.figures =
        SpoolFigures { pending: figure()?, dropped: figure()?, refused: figure()?, thinned: figure()? };
    host.boots = list(from, boot)?;
    host.spools = list(from, spool)?;
    Some(())
}

/// A row of values: how many, a bit for each that is there, and these as they differ from a base.
fn put_row(to: &mut Vec<u8>, values: &[Option<i64>], base: impl Fn(usize) -> i64) {
    varint::put(to, values.len() as u64);
    let bits_at = to.len();
    to.resize(bits_at + values.len().div_ceil(8), 0);
    for (place, value) in values.iter().enumerate() {
        let Some(value) = value else { continue };
        varint::put_signed(to, value.wrapping_sub(base(place)));
        if let Some(byte) = to.get_mut(bits_at + place / 8) {
            *byte |= 1 << (place % 8);
        }
    }
}

fn row(from: &mut Reader<'_>, base: impl Fn(usize) -> i64) -> Option<Arc<[Option<i64>]>> {
    let count = usize::try_from(from.number()?).ok()?;
    let bits = from.take(count.div_ceil(8))?;
    let mut value = |place| {
        let change = if is_there(bits, place) { from.signed()? } else { return None };
        Some(change.wrapping_add(base(place)))
    };
    Some((0..count).map(&mut value).collect())
}

/// One value of a row, those before it passed over.
fn cell(from: &mut Reader<'_>, place: usize) -> Option<i64> {
    let count = usize::try_from(from.number()?).ok()?;
    let bits = from.take(count.div_ceil(8))?;
    for before in 0..place {
        if is_there(bits, before) {
            from.signed()?;
        }
    }
    if is_there(bits, place) { from.signed() } else { None }
}

fn is_there(bits: &[u8], place: usize) -> bool {
    bits.get(place / 8).is_some_and(|byte| byte >> (place % 8) & 1 == 1)
}

fn current(values: &[Option<i64>], place: usize) -> i64 {
    values.get(place).copied().flatten().unwrap_or_default()
}

fn put_boot(to: &mut Vec<u8>, boot: &Boot) {
    to.extend_from_slice(&boot.boot.0);
    to.extend_from_slice(&boot.spool.0);
    varint::put_signed(to, boot.started_ms);
    let flag = |is_set, bit| if is_set { bit } else { 0 };
    to.push(flag(boot.estimated, ESTIMATED) | flag(boot.unclean, UNCLEAN) | flag(boot.live, LIVE));
    for (low, high) in [boot.numbers, boot.spans_ms] {
        varint::put(to, low);
        varint::put(to, high.wrapping_sub(low));
    }
}

fn boot(from: &mut Reader<'_>) -> Option<Boot> {
    let (boot, spool) = (BootId(array(from)?), SpoolId(array(from)?));
    let (started_ms, flags) = (from.signed()?, from.byte()?);
    let mut pair = || {
        let low = from.number()?;
        Some((low, low.wrapping_add(from.number()?)))
    };
    Some(Boot {
        boot,
        started_ms,
        estimated: flags & ESTIMATED != 0,
        unclean: flags & UNCLEAN != 0,
        live: flags & LIVE != 0,
        spool,
        numbers: pair()?,
        spans_ms: pair()?,
    })
}

fn put_spool(to: &mut Vec<u8>, spool: &Spool) {
    to.extend_from_slice(&spool.id.0);
    varint::put(to, spool.lost);
    varint::put_signed(to, spool.used_ms);
    varint::put(to, spool.seen.len() as u64);
    for (first, last) in spool.seen.as_slice() {
        varint::put(to, *first);
        varint::put(to, last.wrapping_sub(*first));
    }
    varint::put(to, spool.checksums.len() as u64);
    let mut before = 0;
    for (seq, crc) in &spool.checksums {
        varint::put(to, seq.wrapping_sub(before));
        to.extend_from_slice(&crc.to_le_bytes());
        before = *seq;
    }
}

fn spool(from: &mut Reader<'_>) -> Option<Spool> {
    let mut spool = Spool::new(SpoolId(array(from)?), 0);
    spool.lost = from.number()?;
    spool.used_ms = from.signed()?;
    for _ in 0..from.number()? {
        let first = from.number()?;
        spool.seen.insert_range(first, first.wrapping_add(from.number()?));
    }
    let mut before = 0_u64;
    spool.checksums = list(from, |from| {
        before = before.wrapping_add(from.number()?);
        Some((before, u32::from_le_bytes(array(from)?)))
    })?;
    Some(spool)
}

fn put_option(to: &mut Vec<u8>, value: Option<i64>) {
    to.push(u8::from(value.is_some()));
    if let Some(value) = value {
        varint::put_signed(to, value);
    }
}

/// The outer option is for bytes that end too early.
fn option(from: &mut Reader<'_>) -> Option<Option<i64>> {
    if from.byte()? == 0 { Some(None) } else { from.signed().map(Some) }
}

fn array<const N: usize>(from: &mut Reader<'_>) -> Option<[u8; N]> {
    from.take(N)?.try_into().ok()
}

fn list<T>(from: &mut Reader<'_>, mut one: impl FnMut(&mut Reader<'_>) -> Option<T>) -> Option<Vec<T>> {
    let count = usize::try_from(from.number()?).ok()?;
    let mut list = Vec::with_capacity(count);
    for _ in 0..count {
        list.push(one(from)?);
    }
    Some(list)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bare() -> Host {
        Host::new(AgentId([7; 16]), AssetId(3), AssetKind::Laptop, false, AgentState::Active)
    }

    fn catalogue(id: u8) -> Arc<Catalogue> {
        Arc::new(Catalogue { id: CatalogueId([id; 16]), resource: Default::default(), columns: [].into() })
    }

    fn check(host: &Host) {
        let kept = Kept::of(host);
        assert_eq!(kept.host(host.agent), *host);
        for (place, value) in host.values.iter().enumerate() {
            let reading = kept.reading(place);
            assert_eq!(reading.map(|reading| reading.value), *value, "{place}");
            assert_eq!(kept.value(place), *value, "{place}");
            let same = host.previous.as_ref().filter(|previous| {
                host.catalogue.as_ref().is_some_and(|catalogue| catalogue.id == previous.catalogue)
            });
            let before =
                same.and_then(|previous| Some((previous.at_ms, previous.values.get(place).copied()??)));
            assert_eq!(
                reading.and_then(|reading| reading.before),
                before.filter(|_| value.is_some()),
                "{place}"
            );
        }
        assert_eq!(kept.reading(host.values.len()), None);
        assert_eq!(kept.value(host.values.len()), None);
    }

    #[test]
    fn a_host_that_never_reported_is_the_same_after_packing() {
        check(&bare());
    }

    #[test]
    fn spools_boots_and_all_the_rest_are_the_same_after_packing() {
        let mut host = bare();
        host.site = SiteId(9);
        host.catalogue = Some(catalogue(1));
        (host.at_ms, host.received_ms, host.log) = (1_795_000_000_000, 1_795_000_000_100, 77);
        (host.boot, host.boot_ms, host.boot_started_ms) = (BootId([2; 8]), u64::MAX, -5);
        (host.clock_offset_ms, host.clone_seen_ms) = (Some(-1), Some(i64::MIN));
        (host.set, host.set_at_ms) = (Some([8; 8]), 4);
        host.figures = SpoolFigures { pending: 1, dropped: 2, refused: 3, thinned: u64::MAX };
        (host.presence, host.ended) = (Presence::Off, Some(End::AgentStop));
        let boot = Boot {
            boot: BootId([2; 8]),
            started_ms: 12,
            estimated: true,
            unclean: false,
            live: true,
            spool: SpoolId([4; 8]),
            numbers: (3, u64::MAX),
            spans_ms: (0, 9),
        };
        host.boots = vec![boot, Boot { unclean: true, live: false, estimated: false, ..boot }];
        let mut spool = Spool::new(SpoolId([4; 8]), 99);
        [1, 2, 3, 9, 40].into_iter().for_each(|seq| spool.admit(seq, seq, u32::MAX - seq as u32));
        spool.lost = 5;
        host.spools = vec![spool, Spool::new(SpoolId([5; 8]), 0)];
        check(&host);
        host.set = None;
        check(&host);
    }

    proptest! {
        #[test]
        fn values_are_the_same_after_packing_whatever_they_are(
            values in proptest::collection::vec(any::<Option<i64>>(), 0..70),
            before in proptest::collection::vec(any::<Option<i64>>(), 0..70),
            at_ms in any::<i64>(),
            of in 1_u8..3,
        ) {
            let mut host = bare();
            host.catalogue = Some(catalogue(1));
            host.values = values.into();
            check(&host);
            host.previous = Some(Previous { at_ms, catalogue: CatalogueId([of; 16]), values: before.into() });
            check(&host);
        }
    }
}
