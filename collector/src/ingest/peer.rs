//! Who is at the other end: from a certificate to an agent, and what that agent may do now.
//!
//! The certificate is read once for each connection; what it is worth is judged on each request, because a connection,
//! and the sessions resumed from it, outlive a revocation.

use super::Ingest;
use super::account::{Account, Seat};
use super::answer::Problem;
use crate::latest::Effect;
use crate::model::agency::SiteId;
use crate::model::agent::{Agent, AgentId, AgentState, Certificate};
use crate::model::asset::AssetKind;
use crate::store::StoreError;
use crate::store::sqlite::{agent, certificate};
use crate::trust::{self, Record, Standing};
use rusqlite::Connection;
use rustls::pki_types::CertificateDer;
use sha2::{Digest as _, Sha256};
use std::sync::{Arc, OnceLock};
use x509_parser::prelude::{FromDer as _, X509Certificate};

/// The other end of a connection.
#[derive(Debug)]
pub(super) struct Peer {
    leaf: Option<Leaf>,
    pub(super) seat: Seat,
}

/// A leaf certificate that our CA signed.
#[derive(Debug)]
struct Leaf {
    agent: AgentId,
    sha256: [u8; 32],
    key_sha256: [u8; 32],
    issued_ms: i64,
    expires_ms: i64,
    record: OnceLock<Arc<Record>>,
}

/// An agent that may do what it asks for.
#[derive(Debug)]
pub(super) struct Caller {
    pub(super) agent: AgentId,
    pub(super) site: SiteId,
}

impl Peer {
    /// Reads the certificates that a handshake brought, and finds the account of who they name. A leaf that names no
    /// agent is as good as none.
    pub(super) fn new(
        certificates: Option<&[CertificateDer<'_>]>,
        open: impl FnOnce(Option<AgentId>) -> Seat,
    ) -> Self {
        let leaf = certificates.and_then(<[_]>::first).and_then(|der| Leaf::read(der));
        let seat = open(leaf.as_ref().map(|leaf| leaf.agent));
        Self { leaf, seat }
    }

    /// Whether it has no certificate.
    pub(super) fn is_stranger(&self) -> bool {
        self.leaf.is_none()
    }

    /// What it may have.
    pub(super) fn account(&self) -> &Arc<Account> {
        &self.seat.account
    }
}

impl Leaf {
    fn read(der: &[u8]) -> Option<Self> {
        let (_, parsed) = X509Certificate::from_der(der).ok()?;
        let agent = parsed.subject().iter_common_name().next()?.as_str().ok()?.parse().ok()?;
        let ms = |seconds: i64| seconds.saturating_mul(1_000);
        Some(Self {
            agent,
            sha256: Sha256::digest(der).into(),
            key_sha256: Sha256::digest(&parsed.public_key().subject_public_key.data).into(),
            issued_ms: ms(parsed.validity().not_before.timestamp()),
            expires_ms: ms(parsed.validity().not_after.timestamp()),
            record: OnceLock::new(),
        })
    }

    fn certificate(&self) -> Certificate {
        Certificate {
            sha256: self.sha256,
            agent: self.agent,
            issued_ms: self.issued_ms,
            expires_ms: self.expires_ms,
            first_used_ms: None,
            superseded_ms: None,
        }
    }
}

impl Ingest {
    /// The agent at the other end, if it may report now.
    pub(super) async fn reporter(&self, peer: &Peer) -> Result<Caller, Problem> {
        self.caller(peer, &[Standing::Valid]).await
    }

    /// The agent at the other end, if it may renew its certificate now.
    pub(super) async fn renewer(&self, peer: &Peer) -> Result<Caller, Problem> {
        self.caller(peer, &[Standing::Valid, Standing::Expired]).await
    }

    async fn caller(&self, peer: &Peer, allowed: &[Standing]) -> Result<Caller, Problem> {
        let leaf = peer.leaf.as_ref().ok_or_else(Problem::no_certificate)?;
        let agent = leaf.agent;
        let known = self.memory.latest.look(agent, |kept| (kept.state, kept.site, kept.is_cloned));
        let Some((state, site, is_cloned)) = known else {
            return Err(self.introduce(leaf).await);
        };
        let record = self.record(leaf).await?;
        let standing = trust::judge(state, &record, self.clock.now_ms());
        if !allowed.contains(&standing) {
            return Err(self.refuse(standing, agent, is_cloned).await);
        }
        if standing == Standing::Valid && !record.was_used() {
            self.note_first_use(&record).await?;
        }
        Ok(Caller { agent, site })
    }

    async fn refuse(&self, standing: Standing, agent: AgentId, is_cloned: bool) -> Problem {
        match standing {
            Standing::Revoked => Problem::revoked(),
            Standing::Expired => Problem::expired(),
            Standing::Quarantined | Standing::Valid => Problem::quarantined(),
            Standing::Superseded => {
                if !is_cloned {
                    self.flag_clone(agent).await;
                }
                Problem::superseded()
            }
        }
    }

    /// What is known of a certificate. One that this store forgot (it was restored from before it was made) is taken
    /// up again: our CA signed it.
    async fn record(&self, leaf: &Leaf) -> Result<Arc<Record>, Problem> {
        if let Some(record) = leaf.record.get() {
            return Ok(Arc::clone(record));
        }
        let record = match self.memory.trust.record(leaf.sha256) {
            Some(record) => record,
            None => self.stored_record(leaf).await?,
        };
        Ok(Arc::clone(leaf.record.get_or_init(|| record)))
    }

    async fn stored_record(&self, leaf: &Leaf) -> Result<Arc<Record>, Problem> {
        if let Some(record) = self.hold(leaf.sha256).await? {
            return Ok(record);
        }
        let (known, key_sha256) = (leaf.certificate(), leaf.key_sha256);
        self.change(move |connection| {
            certificate::add(connection, &known, key_sha256)?;
            Ok(vec![Effect::AgentChanged(known.agent)])
        })
        .await?;
        self.hold(leaf.sha256).await?.ok_or_else(Problem::internal)
    }

    async fn hold(&self, sha256: [u8; 32]) -> Result<Option<Arc<Record>>, Problem> {
        let held = self.commit.on_writer(move |writer| writer.hold(sha256)).await;
        held.map_err(|error| Problem::busy(&error))?.map_err(|error| store_problem(&error))
    }

    /// From now on older certificates of the agent are copies.
    async fn note_first_use(&self, record: &Record) -> Result<(), Problem> {
        let (used, now_ms) = (record.certificate(), self.clock.now_ms());
        self.change(move |connection| {
            certificate::note_first_use(connection, &used, now_ms)?;
            Ok(vec![Effect::AgentChanged(used.agent)])
        })
        .await
    }

    async fn flag_clone(&self, id: AgentId) {
        let now_ms = self.clock.now_ms();
        tracing::warn!(agent = %id, "a superseded certificate was used: two machines hold this identity");
        let flagged = self.change(move |connection| {
            agent::flag_clone(connection, id, now_ms)?;
            Ok(vec![Effect::AgentChanged(id)])
        });
        // The refusal stands either way, and the next use flags it.
        drop(flagged.await);
    }

    /// Shows an operator an agent that our CA vouches for and this store does not know: the collector was restored
    /// from before its enrolment.
    async fn introduce(&self, leaf: &Leaf) -> Problem {
        let (known, key_sha256, now_ms) = (leaf.certificate(), leaf.key_sha256, self.clock.now_ms());
        tracing::warn!(agent = %known.agent, "an agent of our CA is not in this store: quarantined");
        let shown = self.change(move |connection| {
            introduce(connection, &known, key_sha256, now_ms)?;
            Ok(vec![Effect::AgentChanged(known.agent)])
        });
        match shown.await {
            Ok(()) => Problem::quarantined(),
            Err(problem) => problem,
        }
    }

    /// Runs a change of the store that returns nothing but its effects.
    pub(super) async fn change(
        &self,
        change: impl FnOnce(&Connection) -> Result<Vec<Effect>, StoreError> + Send + 'static,
    ) -> Result<(), Problem> {
        let written = self.commit.write(move |transaction| Ok(((), change(transaction)?))).await;
        written.map_err(|error| store_problem(&error))
    }
}

/// What a failure of the store means to an agent: its own log says more than the answer.
pub(super) fn store_problem(error: &StoreError) -> Problem {
    tracing::error!(%error, "the store refused a change");
    Problem::busy("the store could not be written")
}

fn introduce(
    connection: &Connection,
    known: &Certificate,
    key_sha256: [u8; 32],
    now_ms: i64,
) -> Result<(), StoreError> {
    if agent::one(connection, known.agent)?.is_some() {
        return Ok(());
    }
    let site = agent::unassigned_site(connection)?;
    let asset = agent::add_asset(connection, site, &known.agent.to_string(), AssetKind::Workstation)?;
    agent::add(
        connection,
        &Agent {
            id: known.agent,
            asset: asset.id,
            state: AgentState::Quarantined,
            machine: [0; 32],
            clone_seen_ms: None,
            version: String::new(),
            enrolled_ms: now_ms,
        },
    )?;
    certificate::add(connection, known, key_sha256)
}
