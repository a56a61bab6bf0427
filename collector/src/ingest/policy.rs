//! What an agent is asked: the configuration's wishes, and what the places above its site add. The only module of the
//! collector that reads what a policy says.

use super::Ingest;
use super::answer::Problem;
use super::peer::store_problem;
use crate::config::Agents;
use crate::model::agency::SiteId;
use crate::model::text::{Text, parser};
use crate::store::sqlite::policy;
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use tram_proto::hours::{self, Span};
use tram_proto::limits::{HISTORY_HOURS_MAX, TARGETS_MAX, TEXT_BYTES_MAX, THRESHOLDS_MAX};
use tram_proto::policy::{InvalidPolicy, PROBE_KINDS, Policy};

/// Fields that a place may ask for. The send interval is the configuration's alone: silence is judged by it.
const PLACED: &[&str] = &[
    "sample_interval_s",
    "probe_interval_s",
    "internet_targets",
    "probes",
    "urgent",
    "collectors",
    "history_hours",
];
/// Sites whose policy is remembered.
const REMEMBERED_MAX: usize = 65_536;

/// A policy as agents get it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Effective {
    /// Differs whenever the policy does; never 0.
    pub(super) version: u64,
    /// As JSON.
    pub(super) bytes: Vec<u8>,
    hours: Vec<Span>,
}

impl Effective {
    /// Whether agents may send history at a time.
    pub(super) fn is_history_sent(&self, now_ms: i64) -> bool {
        hours::opens_in_ms(&self.hours, now_ms) == 0
    }
}

/// What the configuration asks, and what is remembered of sites.
#[derive(Debug)]
pub(super) struct Wishes {
    base: Map<String, Value>,
    everywhere: Arc<Effective>,
    sites: RwLock<(u64, HashMap<SiteId, Arc<Effective>>)>,
}

impl Wishes {
    pub(super) fn new(agents: &Agents) -> Self {
        let policy = Policy {
            sample_interval_s: agents.sample_interval_s,
            send_interval_s: agents.send_interval_s,
            probe_interval_s: agents.probe_interval_s,
            internet_targets: agents.internet_targets.clone(),
            collectors: agents.collectors.clone(),
            ..Policy::default()
        };
        let base = object(serde_json::to_value(&policy).unwrap_or_default());
        Self { everywhere: Arc::new(effective(&base, &[])), base, sites: RwLock::default() }
    }

    fn remembered(&self, generation: u64, site: SiteId) -> Option<Arc<Effective>> {
        let sites = self.sites.read().unwrap_or_else(PoisonError::into_inner);
        if sites.0 == generation { sites.1.get(&site).cloned() } else { None }
    }

    fn remember(&self, generation: u64, site: SiteId, effective: &Arc<Effective>) {
        let mut sites = self.sites.write().unwrap_or_else(PoisonError::into_inner);
        if sites.0 != generation || sites.1.len() >= REMEMBERED_MAX {
            *sites = (generation, HashMap::new());
        }
        sites.1.insert(site, Arc::clone(effective));
    }
}

impl Ingest {
    /// What an agent is asked now.
    pub(super) async fn asked(&self, site: SiteId) -> Result<Arc<Effective>, Problem> {
        let Some(generation) = self.memory.policies.generation() else {
            return Ok(Arc::clone(&self.wishes.everywhere));
        };
        if let Some(known) = self.wishes.remembered(generation, site) {
            return Ok(known);
        }
        let readers = Arc::clone(&self.readers);
        let read = move || readers.read(|connection| policy::above(connection, site));
        let bodies = tokio::task::spawn_blocking(read).await.map_err(|_| Problem::internal())?;
        let bodies = bodies.map_err(|error| store_problem(&error))?;
        let effective = Arc::new(effective(&self.wishes.base, &bodies));
        self.wishes.remember(generation, site, &effective);
        Ok(effective)
    }
}

/// The base with the bodies over it, the widest first: a nearer place's field stands in for a wider one's. What is no
/// policy, which nothing ever stores, is passed over.
fn effective(base: &Map<String, Value>, bodies: &[String]) -> Effective {
    let mut fields = base.clone();
    for body in bodies {
        fields.extend(object(serde_json::from_str(body).unwrap_or_default()));
    }
    let policy = policy_of(fields).unwrap_or_default();
    let text = serde_json::to_vec(&policy).unwrap_or_default();
    let version = u64::from(crc32fast::hash(&text)).max(1);
    let hours = policy.history_hours.clone();
    Effective { version, bytes: serde_json::to_vec(&Policy { version, ..policy }).unwrap_or_default(), hours }
}

/// Whether a body is one that agents will follow; otherwise why not. Fields that no place may ask for are refused.
pub fn check(body: &str) -> Result<(), Text> {
    let unread = |error: serde_json::Error| parser::complaint(&error.to_string());
    let fields = match serde_json::from_str(body) {
        Ok(Value::Object(fields)) => fields,
        Ok(_) => return Err(Text::new("cần một đối tượng", "expected an object")),
        Err(error) => return Err(unread(error)),
    };
    if let Some(field) = fields.keys().find(|field| !PLACED.contains(&field.as_str())) {
        let placed = PLACED.join(", ");
        let vi = format!("{field}: cần một trong {placed}");
        return Err(Text::new(vi, format!("{field}: expected one of {placed}")));
    }
    let policy = policy_of(fields).map_err(unread)?;
    if policy.probes.iter().any(|probe| probe.kind() == "other") {
        let kinds = PROBE_KINDS.join(", ");
        let vi = format!("probes: cần loại trong số {kinds}");
        return Err(Text::new(vi, format!("probes: expected kinds among {kinds}")));
    }
    policy.check().map_err(|invalid| Text::new(invalid_vi(&invalid), invalid.to_string()))
}

fn invalid_vi(invalid: &InvalidPolicy) -> String {
    match invalid {
        InvalidPolicy::Interval(name, seconds) => {
            format!("{name}: {seconds} giây nằm ngoài khoảng 5 đến 86400")
        }
        InvalidPolicy::List(name) => {
            format!("{name}: tối đa {TARGETS_MAX} mục, mỗi mục từ 1 đến {TEXT_BYTES_MAX} byte")
        }
        InvalidPolicy::Hours => {
            format!("history_hours: tối đa {HISTORY_HOURS_MAX} khoảng, from từ 0 đến 1439, to từ 1 đến 1440")
        }
        InvalidPolicy::Urgent => {
            format!("urgent: tối đa {THRESHOLDS_MAX} mục, mỗi mục có sample và một số ở above hoặc below")
        }
    }
}

fn policy_of(mut fields: Map<String, Value>) -> Result<Policy, serde_json::Error> {
    fields.insert("version".to_owned(), 0.into());
    serde_json::from_value(Value::Object(fields))
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(mut fields) => {
            fields.remove("version");
            fields
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => Map::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(base: &str, bodies: &[&str]) -> Policy {
        let bodies: Vec<String> = bodies.iter().map(|body| (*body).to_owned()).collect();
        let effective = effective(&object(serde_json::from_str(base).unwrap()), &bodies);
        let policy: Policy = serde_json::from_slice(&effective.bytes).unwrap();
        assert_eq!(policy.version, effective.version);
        policy
    }

    #[test]
    fn a_nearer_place_says_more_and_the_version_follows_what_is_said() {
        let base = r#"{"sample_interval_s":15,"send_interval_s":60}"#;
        let all = r#"{"probe_interval_s":90,"internet_targets":["192.0.2.1"]}"#;
        let site = r#"{"sample_interval_s":30,"internet_targets":["192.0.2.2"]}"#;
        let found = policy(base, &[all, site]);
        assert_eq!((found.sample_interval_s, found.send_interval_s), (Some(30), Some(60)));
        assert_eq!(
            (found.probe_interval_s, found.internet_targets.as_slice()),
            (Some(90), &["192.0.2.2".to_owned()][..])
        );
        assert_eq!(policy(base, &[all, site]).version, found.version);
        assert_ne!(policy(base, &[all]).version, found.version);
        assert_ne!(policy(base, &[]).version, 0);
        assert_eq!(policy(base, &["nonsense"]), policy(base, &[]));
    }

    #[test]
    fn what_agents_would_not_follow_is_refused() {
        let good =
            r#"{"probes":[{"kind":"tcp","host":"portal","port":443}],"urgent":[{"sample":"x","above":1}]}"#;
        assert_eq!(check(good), Ok(()));
        assert_eq!(check("{}"), Ok(()));
        for (body, why) in [
            ("[]", "an object"),
            (r#"{"send_interval_s":60}"#, "send_interval_s: expected one of sample_interval_s"),
            (r#"{"run":"x"}"#, "run: expected one of"),
            (r#"{"sample_interval_s":1}"#, "outside 5 to 86400"),
            (r#"{"probes":[{"kind":"exec","host":"x"}]}"#, "expected kinds among icmp"),
            (r#"{"probes":[{"kind":"tcp","host":"x"}]}"#, "missing field `port`"),
        ] {
            let found = check(body).unwrap_err();
            assert!(found.en.contains(why) && found.vi != found.en, "{found:?}");
        }
    }
}
