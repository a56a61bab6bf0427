//! Trust: what the certificate of a peer is worth at this moment, judged anew on each request.
//!
//! Owns the certificates in memory and the judgement, which is pure. Knows no TLS: a certificate is its hash here.

use crate::model::agent::{AgentId, AgentState, Certificate};
use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

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

/// The certificates that this collector issued and has not forgotten.
#[derive(Debug, Default)]
pub struct Trust(RwLock<HashMap<[u8; 32], Arc<Record>>>);

impl Trust {
    /// The record of a certificate.
    pub fn record(&self, sha256: [u8; 32]) -> Option<Arc<Record>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(&sha256).cloned()
    }

    /// Takes certificates as the store has them; records that exist already change in place.
    pub fn take(&self, certificates: &[Certificate]) {
        let mut records = self.0.write().unwrap_or_else(PoisonError::into_inner);
        for certificate in certificates {
            let record =
                records.entry(certificate.sha256).or_insert_with(|| Arc::new(Record::new(certificate)));
            record.first_used_ms.store(stored(certificate.first_used_ms), Ordering::Release);
            record.superseded_ms.store(stored(certificate.superseded_ms), Ordering::Release);
        }
    }

    /// When the newest certificate of each agent that was used expires.
    pub fn expiries(&self) -> HashMap<AgentId, i64> {
        let mut newest = HashMap::new();
        for record in self.0.read().unwrap_or_else(PoisonError::into_inner).values() {
            let expires_ms = newest.entry(record.agent).or_insert(record.expires_ms);
            *expires_ms = record.expires_ms.max(*expires_ms);
        }
        newest
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
        let held = trust.record([1; 32]).unwrap();
        trust.take(&[Certificate { first_used_ms: Some(5), ..certificate(Some(1_500)) }]);
        assert!(held.was_used());
        assert_eq!(judge(AgentState::Active, &held, 1_600), Standing::Superseded);
    }
}
