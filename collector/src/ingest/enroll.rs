//! `POST /agent/v1/enroll` and `/renew`: how an agent comes by its certificates.

use super::answer::{Answer, Problem, json};
use super::peer::{Peer, store_problem};
use super::{Ingest, RENEWAL_BYTES};
use crate::latest::Effect;
use crate::model::agent::{Agent, AgentId, AgentState, Certificate};
use crate::model::asset::AssetKind;
use crate::pki::{Leaf, Pki, PkiError, RequestedKey};
use crate::store::StoreError;
use crate::store::sqlite::{agent, certificate, enrollment};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hyper::Request;
use hyper::StatusCode;
use hyper::body::Incoming;
use rusqlite::Connection;
use sha2::{Digest as _, Sha256};
use std::sync::Arc;
use tram_proto::catalogue::Attributes;
use tram_proto::enroll::{EnrollRequest, Enrolled, RenewRequest};
use tram_proto::{id, limits, sample};

/// Characters of an asset's name that a host may choose.
const NAME_CHARS_MAX: usize = 100;

/// Said to a machine that is known already; the operator sees it with the agent.
const WAITS: &str = "this machine is already known under another agent, because it was reinstalled or its disk was \
                     copied: an operator has to accept this agent first (after a reinstallation the earlier one is \
                     revoked then); reports are kept until that";

/// An enrolment that was checked, ready for the store.
struct Wish {
    secret_sha256: [u8; 32],
    key: RequestedKey,
    machine: [u8; 32],
    name: String,
    kind: AssetKind,
}

/// What the store said to it.
enum Verdict {
    In(Leaf, AgentId, AgentState),
    Unknown,
    Expired,
    Spent,
    Revoked,
}

impl Ingest {
    pub(super) async fn enroll(&self, request: Request<Incoming>) -> Result<Answer, Problem> {
        let (body, _held) = self.body(request, limits::SMALL_BODY_BYTES_MAX).await?;
        let sent: EnrollRequest = serde_json::from_slice(&body).map_err(Problem::bad_body)?;
        let wish = Wish::read(&sent)?;
        let mut drawn = AgentId::default();
        getrandom::fill(&mut drawn.0).map_err(|_| Problem::internal())?;
        let (pki, now_ms) = (Arc::clone(&self.pki), self.clock.now_ms());
        let written = self
            .commit
            .write(move |transaction| {
                let verdict = admit_machine(transaction, &pki, &wish, drawn, now_ms)?;
                let effects = match &verdict {
                    Verdict::In(_, agent, _) => vec![Effect::AgentChanged(*agent)],
                    Verdict::Unknown | Verdict::Expired | Verdict::Spent | Verdict::Revoked => vec![],
                };
                Ok((verdict, effects))
            })
            .await;
        match written.map_err(|error| store_problem(&error))? {
            Verdict::In(leaf, agent, state) => {
                tracing::info!(%agent, ?state, "enrolled");
                self.enrolled(leaf, agent, state, now_ms)
            }
            Verdict::Unknown => Err(Problem::token_unknown()),
            Verdict::Expired => Err(Problem::token_expired()),
            Verdict::Spent => Err(Problem::token_spent()),
            Verdict::Revoked => Err(Problem::revoked()),
        }
    }

    /// Another year for an agent with a new key. The certificate that it came with stays valid until the new one is
    /// used.
    pub(super) async fn renew(&self, peer: &Peer, request: Request<Incoming>) -> Result<Answer, Problem> {
        let caller = self.renewer(peer).await?;
        peer.account().charge(RENEWAL_BYTES, self.now_us());
        let (body, _held) = self.body(request, limits::SMALL_BODY_BYTES_MAX).await?;
        let sent: RenewRequest = serde_json::from_slice(&body).map_err(Problem::bad_body)?;
        let key = RequestedKey::from_request(&sent.csr).map_err(Problem::bad_body)?;
        let (agent, now_ms, pki) = (caller.agent, self.clock.now_ms(), Arc::clone(&self.pki));
        let written = self
            .commit
            .write(move |transaction| {
                if certificate::key_was_used(transaction, agent, key.sha256)? {
                    return Ok((None, vec![]));
                }
                let leaf = issue(transaction, &pki, agent, &key, now_ms)?;
                Ok((Some(leaf), vec![Effect::AgentChanged(agent)]))
            })
            .await;
        match written.map_err(|error| store_problem(&error))? {
            Some(leaf) => {
                tracing::info!(%agent, "certificate renewed");
                self.enrolled(leaf, agent, AgentState::Active, now_ms)
            }
            None => Err(Problem::bad_body("csr: a new key is needed, this one is in use")),
        }
    }

    fn enrolled(
        &self,
        leaf: Leaf,
        agent: AgentId,
        state: AgentState,
        now_ms: i64,
    ) -> Result<Answer, Problem> {
        let waits = state == AgentState::Quarantined;
        let body = Enrolled {
            agent: id::AgentId(agent.0),
            certificate: leaf.pem,
            ca: self.pki.ca_pem().to_owned(),
            collector_ms: now_ms,
            note: if waits { WAITS.to_owned() } else { String::new() },
        };
        let mut answer = json(serde_json::to_vec(&body).map_err(|_| Problem::internal())?);
        if waits {
            *answer.status_mut() = StatusCode::ACCEPTED;
        }
        Ok(answer)
    }
}

impl Wish {
    fn read(sent: &EnrollRequest) -> Result<Self, Problem> {
        let secret = URL_SAFE_NO_PAD.decode(&sent.secret).map_err(|_| Problem::token_unknown())?;
        let machine = machine(&sent.machine)
            .ok_or_else(|| Problem::bad_body("machine: expected 64 hexadecimal digits"))?;
        check_resource(&sent.resource)?;
        let told = |key: &str| sent.resource.get(key).map(String::as_str);
        let kind = told(sample::ASSET_KIND).and_then(AssetKind::from_word);
        Ok(Self {
            secret_sha256: Sha256::digest(secret).into(),
            key: RequestedKey::from_request(&sent.csr).map_err(Problem::bad_body)?,
            machine,
            name: asset_name(told(sample::HOST_NAME).unwrap_or_default()),
            kind: kind.unwrap_or(AssetKind::Workstation),
        })
    }
}

fn machine(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    let (high, low) = text.split_at_checked(32).filter(|_| text.len() == 64)?;
    let (high, low): (AgentId, AgentId) = (high.parse().ok()?, low.parse().ok()?);
    bytes.iter_mut().zip(high.0.iter().chain(&low.0)).for_each(|(to, from)| *to = *from);
    Some(bytes)
}

fn check_resource(resource: &Attributes) -> Result<(), Problem> {
    let fits = |(key, value): (&String, &String)| {
        key.len() <= limits::NAME_BYTES_MAX && value.len() <= limits::TEXT_BYTES_MAX
    };
    if resource.len() <= limits::ATTRIBUTES_MAX && resource.iter().all(fits) {
        return Ok(());
    }
    let bounds = format!(
        "resource: at most {} attributes of {} bytes each",
        limits::ATTRIBUTES_MAX,
        limits::TEXT_BYTES_MAX
    );
    Err(Problem::bad_body(bounds))
}

/// A host's name as an asset's: one line, without marks that turn the direction of what stands around it.
fn asset_name(told: &str) -> String {
    let turns =
        |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let kept: String = told.chars().filter(|c| !c.is_control() && !turns(*c)).take(NAME_CHARS_MAX).collect();
    let name = kept.trim();
    if name.is_empty() { "?".to_owned() } else { name.to_owned() }
}

/// Lets a machine in by its token, or says why not. A key that came in with the token before gets its agent's
/// certificate again. A machine that is known gets an agent that waits for an operator, never the known one's id.
fn admit_machine(
    connection: &Connection,
    pki: &Pki,
    wish: &Wish,
    drawn: AgentId,
    now_ms: i64,
) -> Result<Verdict, StoreError> {
    let Some(token) = enrollment::by_secret(connection, wish.secret_sha256)? else {
        return Ok(Verdict::Unknown);
    };
    if now_ms >= token.expires_ms {
        return Ok(Verdict::Expired);
    }
    if let Some(known) = enrollment::used_by(connection, token.id, wish.key.sha256)? {
        let state = agent::one(connection, known)?.map_or(AgentState::Revoked, |found| found.agent.state);
        if state == AgentState::Revoked {
            return Ok(Verdict::Revoked);
        }
        return Ok(Verdict::In(issue(connection, pki, known, &wish.key, now_ms)?, known, state));
    }
    if token.uses_left <= 0 {
        return Ok(Verdict::Spent);
    }
    let known = agent::on_machine(connection, wish.machine)?;
    let state = if known.is_some() { AgentState::Quarantined } else { AgentState::Active };
    // A machine of the same name was reinstalled: it stays the same asset. One of another name is another machine that
    // was set up from a copied disk.
    let asset = match known.filter(|known| known.name == wish.name) {
        Some(known) => known.agent.asset,
        None => agent::add_asset(connection, token.site, &wish.name, wish.kind)?.id,
    };
    let new = Agent {
        id: drawn,
        asset,
        state,
        machine: wish.machine,
        clone_seen_ms: None,
        version: String::new(),
        enrolled_ms: now_ms,
    };
    agent::add(connection, &new)?;
    enrollment::take_use(connection, token.id, wish.key.sha256, drawn, now_ms)?;
    Ok(Verdict::In(issue(connection, pki, drawn, &wish.key, now_ms)?, drawn, state))
}

fn issue(
    connection: &Connection,
    pki: &Pki,
    agent: AgentId,
    key: &RequestedKey,
    now_ms: i64,
) -> Result<Leaf, StoreError> {
    let failed = |error: PkiError| StoreError::Conflict(error.to_string());
    let leaf = pki.issue(agent, key, now_ms).map_err(failed)?;
    let row = Certificate {
        sha256: leaf.sha256,
        agent,
        issued_ms: leaf.issued_ms,
        expires_ms: leaf.expires_ms,
        first_used_ms: None,
        superseded_ms: None,
    };
    certificate::add(connection, &row, leaf.key_sha256)?;
    Ok(leaf)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_one_line_that_turns_nothing_around() {
        assert_eq!(asset_name("ubnd-xa-1"), "ubnd-xa-1");
        assert_eq!(asset_name("<b>\"máy\u{202e}1\"\r\n</b>"), "<b>\"máy1\"</b>");
        assert_eq!(asset_name(" \n\u{200f} "), "?");
        assert_eq!(asset_name(&"x".repeat(10_000)).len(), NAME_CHARS_MAX);
    }

    #[test]
    fn a_machine_is_64_digits() {
        assert_eq!(machine(&"0a".repeat(32)), Some([10; 32]));
        for text in ["", "0a", &"0g".repeat(32), &"é".repeat(32)] {
            assert_eq!(machine(text), None, "{text}");
        }
    }
}
