//! Trust: what the certificate of a peer is worth at this moment, judged anew on each request.
//!
//! Owns the certificates in use, in memory, and the judgement, which is pure. Knows no TLS: a certificate is its hash
//! here.

use crate::model::agent::{AgentId, AgentState, Certificate};
use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, Weak};

/// A certificate's record, shared by everyone who holds a connection made with it.
#[derive(Debug)]
pub struct Record {
    /// SHA-256 of its DER.
    pub sha256: [u8; 32],
    /// Whom it names.
    pub agent: AgentId,
    /// When it was issued, milliseconds since 1970.
    pub issued_ms: i64,
    /// When it expires.
    pub expires_ms: i64,
    first_used_ms: AtomicI64,
    superseded_ms: AtomicI64,
}

/// No time: what an atomic holds in place of none.
const NEVER: i64 = i64::MIN;

fn stored(time_ms: Option<i64>) -> i64 {
    time_ms.unwrap_or(NEVER)
}

fn read(cell: &AtomicI64) -> Option<i64> {
    Some(cell.load(Ordering::Acquire)).filter(|time_ms| *time_ms != NEVER)
}

impl Record {
    fn new(certificate: &Certificate) -> Self {
        Self {
            sha256: certificate.sha256,
            agent: certificate.agent,
            issued_ms: certificate.issued_ms,
            expires_ms: certificate.expires_ms,
            first_used_ms: AtomicI64::new(stored(certificate.first_used_ms)),
            superseded_ms: AtomicI64::new(stored(certificate.superseded_ms)),
        }
    }

    /// Whether it was used before.
    pub fn was_used(&self) -> bool {
        read(&self.first_used_ms).is_some()
    }

    /// The record as a value.
    pub fn certificate(&self) -> Certificate {
        Certificate {
            sha256: self.sha256,
            agent: self.agent,
            issued_ms: self.issued_ms,
            expires_ms: self.expires_ms,
            first_used_ms: read(&self.first_used_ms),
            superseded_ms: read(&self.superseded_ms),
        }
    }
}

/// What a peer with a certificate of our CA may do now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Everything an agent may.
    Valid,
    /// Renew, and nothing else.
    Expired,
    /// Nothing: a newer certificate of this agent was used already, so this one is a copy.
    Superseded,
    /// Nothing until an operator has decided.
    Quarantined,
    /// Nothing, ever.
    Revoked,
}

/// Judges a certificate. Revocation comes first; a copy is a copy even when it has expired as well.
pub fn judge(state: AgentState, record: &Record, now_ms: i64) -> Standing {
    match state {
        AgentState::Revoked => Standing::Revoked,
        _ if read(&record.superseded_ms).is_some() => Standing::Superseded,
        AgentState::Quarantined => Standing::Quarantined,
        AgentState::Active if now_ms >= record.expires_ms => Standing::Expired,
        AgentState::Active => Standing::Valid,
    }
}

/// Records that are let go by their last holder are looked for when there are so many at least.
const SWEPT_FROM: usize = 1_024;

/// The certificates that connections are held with: of all others only the store knows.
#[derive(Debug, Default)]
pub struct Trust(RwLock<Held>);

#[derive(Debug, Default)]
struct Held {
    records: HashMap<[u8; 32], Weak<Record>>,
    swept_at: usize,
}

impl Trust {
    /// The record of a certificate that somebody holds.
    pub fn record(&self, sha256: [u8; 32]) -> Option<Arc<Record>> {
        let held = self.0.read().unwrap_or_else(PoisonError::into_inner);
        held.records.get(&sha256).and_then(Weak::upgrade)
    }

    /// The record of a certificate as the store has it. Only the writer calls this, so that no change is missed.
    pub fn hold(&self, certificate: &Certificate) -> Arc<Record> {
        self.take(std::slice::from_ref(certificate));
        let mut held = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(record) = held.records.get(&certificate.sha256).and_then(Weak::upgrade) {
            return record;
        }
        if held.records.len() >= held.swept_at.max(SWEPT_FROM) {
            held.records.retain(|_, record| record.strong_count() > 0);
            held.swept_at = held.records.len() * 2;
        }
        let record = Arc::new(Record::new(certificate));
        held.records.insert(certificate.sha256, Arc::downgrade(&record));
        record
    }

    /// Takes certificates as the store has them: records that are held change in place.
    pub fn take(&self, certificates: &[Certificate]) {
        let held = self.0.read().unwrap_or_else(PoisonError::into_inner);
        for certificate in certificates {
            let Some(record) = held.records.get(&certificate.sha256).and_then(Weak::upgrade) else {
                continue;
            };
            record.first_used_ms.store(stored(certificate.first_used_ms), Ordering::Release);
            record.superseded_ms.store(stored(certificate.superseded_ms), Ordering::Release);
        }
    }

    /// Whose records are held.
    pub fn held(&self) -> Vec<[u8; 32]> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).records.keys().copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn certificate(superseded_ms: Option<i64>) -> Certificate {
        Certificate {
            sha256: [1; 32],
            agent: AgentId([2; 16]),
            issued_ms: 1_000,
            expires_ms: 2_000,
            first_used_ms: None,
            superseded_ms,
        }
    }

    #[test]
    fn revocation_beats_supersession_beats_quarantine_beats_expiry() {
        let sound = Record::new(&certificate(None));
        let copied = Record::new(&certificate(Some(1_500)));
        let cases = [
            (AgentState::Active, &sound, 1_999, Standing::Valid),
            (AgentState::Active, &sound, 2_000, Standing::Expired),
            (AgentState::Active, &copied, 1_600, Standing::Superseded),
            (AgentState::Active, &copied, 9_000, Standing::Superseded),
            (AgentState::Quarantined, &sound, 9_000, Standing::Quarantined),
            (AgentState::Revoked, &copied, 9_000, Standing::Revoked),
        ];
        for (state, record, now_ms, expected) in cases {
            assert_eq!(judge(state, record, now_ms), expected, "{state:?} at {now_ms}");
        }
    }

    #[test]
    fn a_connection_sees_what_changes_about_its_certificate() {
        let trust = Trust::default();
        trust.take(&[certificate(None)]);
        assert!(trust.record([1; 32]).is_none(), "nobody holds it");
        let held = trust.hold(&certificate(None));
        assert!(Arc::ptr_eq(&held, &trust.hold(&certificate(None))));
        trust.take(&[Certificate { first_used_ms: Some(5), ..certificate(Some(1_500)) }]);
        assert!(held.was_used());
        assert_eq!(judge(AgentState::Active, &held, 1_600), Standing::Superseded);
    }
    #[test]
    fn records_that_nobody_holds_are_let_go() {
        let trust = Trust::default();
        let of = |number: usize| {
            let mut certificate = certificate(None);
            certificate.sha256[..8].copy_from_slice(&number.to_le_bytes());
            certificate
        };
        let kept = trust.hold(&of(0));
        (1..10 * SWEPT_FROM).for_each(|number| drop(trust.hold(&of(number))));
        assert!(trust.held().len() <= SWEPT_FROM && trust.record(kept.sha256).is_some());
    }
}
