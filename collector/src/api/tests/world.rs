//! A small province: two districts that must not see one another, each with a site, a server, an agent, a firing alert
//! and a work order.

use crate::api;
use crate::api::install::Installer;
use crate::api::metrics::AgentFigures;
use crate::api::state::{Parts, State};
use crate::api::{password, secret};
use crate::clock::Clock;
use crate::commit::{Decoders, Handle, Memory, Settings, Writer};
use crate::config::Public;
use crate::latest::Effect;
use crate::model::agency::{AgencyId, Scope};
use crate::model::agent::{Agent, AgentId, AgentState};
use crate::model::alert::{Alert, AlertId, AlertState, RuleId, Severity, Watch};
use crate::model::asset::{AssetId, AssetKind};
use crate::model::text::Language;
use crate::model::user::Role;
use crate::model::work_order::{Evidence, WorkOrder, WorkOrderId, WorkOrderState};
use crate::store::StoreError;
use crate::store::sqlite::api_token::{self, ApiToken};
use crate::store::sqlite::user::{self, NewUser};
use crate::store::sqlite::{Readers, agency, agent, alert, enrollment, work_order};
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use axum::response::Response;
use http_body_util::BodyExt as _;
use rusqlite::Transaction;
use serde_json::Value;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use tower::ServiceExt as _;

/// When every test starts.
pub(super) const NOW_MS: i64 = 1_795_000_000_000;
/// The host name that requests are for.
const HOST: &str = "tram.test:8440";
/// The password of every user.
pub(super) const PASSWORD: &str = "mật khẩu đúng 1";

/// One district's things.
#[derive(Debug, Clone, Copy)]
pub(super) struct District {
    pub(super) agency: AgencyId,
    pub(super) site: i64,
    pub(super) asset: AssetId,
    pub(super) agent: AgentId,
    pub(super) alert: AlertId,
    pub(super) order: WorkOrderId,
}

/// The router, and what is behind it.
pub(super) struct World {
    router: axum::Router,
    time: Arc<AtomicI64>,
    pub(super) state: Arc<State>,
    pub(super) memory: Memory,
    pub(super) a: District,
    pub(super) b: District,
    _install_dir: tempfile::TempDir,
    _data_dir: tempfile::TempDir,
}

/// An answer, read whole.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) text: String,
    pub(super) json: Value,
}

impl Answer {
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The ids of a page's items.
    pub(super) fn ids(&self) -> Vec<i64> {
        self.json["items"].as_array().unwrap().iter().map(|item| item["id"].as_i64().unwrap()).collect()
    }
}

impl World {
    pub(super) async fn new() -> Self {
        let (data_dir, install_dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (clock, time) = Clock::manual(NOW_MS);
        let commit = Handle::new();
        let (answers, _) = tokio::sync::mpsc::unbounded_channel();
        let settings = Settings {
            window: Duration::ZERO,
            interval_ms: 60_000,
            rules: Arc::default(),
            clock: clock.clone(),
        };
        let decoders = Decoders { report: |_| None, resource: |_| None, columns: |_| None };
        let (writer, memory) =
            Writer::open(data_dir.path(), 64 << 20, settings, decoders, commit.clone(), answers).unwrap();
        std::thread::spawn(move || writer.run());
        let public = Public { names: vec!["tram.test".to_owned()], agents_port: 8441, operators_port: 8440 };
        let parts = Parts {
            readers: Arc::new(Readers::new(data_dir.path())),
            commit: commit.clone(),
            latest: Arc::clone(&memory.latest),
            series: Arc::clone(&memory.series),
            clock,
            installer: Installer::new(Some(install_dir.path()), &public, "CA PEM", [7; 32]),
            origins: Vec::new(),
            agent_figures: Box::new(|| AgentFigures { acknowledged: 5, ..AgentFigures::default() }),
        };
        let state = Arc::new(State::new(parts).unwrap());
        let (a, b) = commit.write(populate).await.unwrap();
        let router =
            api::router(Arc::clone(&state)).layer(axum::middleware::from_fn(crate::api::headers::secure));
        Self { router, time, state, memory, a, b, _install_dir: install_dir, _data_dir: data_dir }
    }

    pub(super) fn advance_ms(&self, by_ms: i64) {
        self.time.fetch_add(by_ms, Ordering::Relaxed);
    }

    /// Sends a request from one address, with headers and perhaps a JSON body.
    pub(super) async fn send(
        &self,
        method: Method,
        path: &str,
        from: &str,
        headers: &[(&str, &str)],
        body: Option<&str>,
    ) -> Answer {
        let (parts, body) = self.begin(method, path, from, headers, body).await.into_parts();
        let text = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
        let json = serde_json::from_str(&text).unwrap_or(Value::Null);
        Answer { status: parts.status, headers: parts.headers, text, json }
    }

    /// The same, and gives the answer back of which only the head has come.
    pub(super) async fn begin(
        &self,
        method: Method,
        path: &str,
        from: &str,
        headers: &[(&str, &str)],
        body: Option<&str>,
    ) -> Response {
        let mut request = Request::builder().method(method).uri(path).header("host", HOST);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        let mut request =
            request.body(body.map_or_else(Body::empty, |body| Body::from(body.to_owned()))).unwrap();
        let address: SocketAddr = format!("{from}:40000").parse().unwrap();
        request.extensions_mut().insert(ConnectInfo(address));
        self.router.clone().oneshot(request).await.unwrap()
    }

    /// Asks with a bearer token, which here is just its name.
    pub(super) async fn get(&self, token: &str, path: &str) -> Answer {
        let bearer = format!("Bearer {token}");
        self.send(Method::GET, path, "192.0.2.1", &[("authorization", &bearer)], None).await
    }

    /// Changes something with a bearer token.
    pub(super) async fn change(
        &self,
        method: Method,
        token: &str,
        path: &str,
        if_match: Option<&str>,
        body: &str,
    ) -> Answer {
        let bearer = format!("Bearer {token}");
        let mut headers = vec![("authorization", bearer.as_str())];
        headers.extend(if_match.map(|etag| ("if-match", etag)));
        self.send(method, path, "192.0.2.1", &headers, Some(body)).await
    }

    /// Signs in from an address; the cookie is in the answer.
    pub(super) async fn sign_in(&self, from: &str, name: &str, password: &str) -> Answer {
        let body = serde_json::json!({ "name": name, "password": password }).to_string();
        self.send(Method::POST, "/api/v1/session", from, &[], Some(&body)).await
    }

    /// Writes to the store directly.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        change: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> T {
        self.state.commit.write(move |transaction| Ok((change(transaction)?, vec![]))).await.unwrap()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.state.commit.close();
    }
}

fn populate(transaction: &Transaction<'_>) -> Result<((District, District), Vec<Effect>), StoreError> {
    let a = district(transaction, "Huyện A", 1)?;
    let b = district(transaction, "Huyện B", 2)?;
    let scopes = [("all", Scope::All), ("a", Scope::Agency(a.agency)), ("b", Scope::Agency(b.agency))];
    for (place, scope) in scopes {
        for role in [Role::Viewer, Role::Operator, Role::Admin] {
            let name = format!("{}-{place}", role.as_str());
            let token =
                ApiToken { name: name.clone(), role, scope, expires_ms: Some(NOW_MS + 1_000_000_000) };
            api_token::insert(transaction, &secret::digest(name.as_bytes()), &token, NOW_MS)?;
            let password_hash = &password::hash(PASSWORD).unwrap();
            let language = Language::Vi;
            let new = NewUser { name: &name, password_hash, role, scope, language };
            user::insert(transaction, &new, NOW_MS)?;
        }
    }
    let effects = [a.agent, b.agent].map(Effect::AgentChanged).to_vec();
    Ok(((a, b), effects))
}

fn district(transaction: &Transaction<'_>, name: &str, number: u8) -> Result<District, StoreError> {
    let agency = agency::ensure(transaction, Scope::All, &["Tỉnh", name])?;
    let site = agency::ensure_site(transaction, agency, &format!("Trụ sở {name}"))?;
    let asset = agent::add_asset(transaction, site, &format!("may-chu-{number}"), AssetKind::Server)?.id;
    let id = AgentId([number; 16]);
    let of_asset = Agent {
        id,
        asset,
        state: AgentState::Active,
        machine: [number; 32],
        clone_seen_ms: None,
        version: "0.1.0".to_owned(),
        enrolled_ms: NOW_MS,
    };
    agent::add(transaction, &of_asset)?;
    enrollment::add(transaction, site, [number; 32], 3, NOW_MS + 1_000, "admin", NOW_MS)?;
    let order = work_order(WorkOrderId(i64::from(number)), AlertId(i64::from(number)), asset);
    let fired = firing(AlertId(i64::from(number)), asset);
    alert::put(transaction, &fired)?;
    work_order::save(
        transaction,
        &[crate::alert::AlertChange::Fired(fired.clone())],
        &[crate::maintenance::WorkOrderChange::Opened(order.clone())],
    )?;
    let alert = fired.id.unwrap();
    Ok(District { agency, site: site.0, asset, agent: id, alert, order: order.id })
}

fn firing(id: AlertId, asset: AssetId) -> Alert {
    Alert {
        id: Some(id),
        rule: RuleId("filesystem_nearly_full"),
        asset,
        part: "/".into(),
        severity: Severity::Critical,
        state: AlertState::Firing,
        since_ms: NOW_MS - 60_000,
        fired_ms: Some(NOW_MS),
        resolved_ms: None,
        acknowledged: None,
        figures: [("used_share".to_owned(), 0.97)].into(),
        component: None,
        work_order: None,
        watch: Watch::default(),
    }
}

fn work_order(id: WorkOrderId, alert: AlertId, asset: AssetId) -> WorkOrder {
    let rule = RuleId("filesystem_nearly_full");
    let figures = [("used_share".to_owned(), 0.97)].into();
    WorkOrder {
        id,
        asset,
        part: "/".to_owned(),
        rule,
        state: WorkOrderState::Open,
        ready_to_verify: false,
        evidence: vec![Evidence { alert, rule, at_ms: NOW_MS, figures, component: None }],
        opened_ms: NOW_MS,
        due_ms: Some(NOW_MS + 86_400_000),
        planned_ms: None,
        done_ms: None,
        closed_ms: None,
        assignee: None,
        note: String::new(),
        version: 1,
    }
}
