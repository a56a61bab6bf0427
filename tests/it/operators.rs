//! Operators over TLS: sign in, see a machine, change it, let one in, throw one out.

use hyper::Method;
use rcgen::KeyPair;
use serde_json::{Value, json};
use tram_collector::api::password;
use tram_collector::commit;
use tram_collector::model::agency::Scope;
use tram_collector::model::text::Language;
use tram_collector::model::user::Role;
use tram_collector::store::sqlite::user::{self, NewUser};
use tram_proto::enroll::Token;
use tram_tests::pki::{Connection, Reply, client_config, request_for};
use tram_tests::world::{Host, World};

const PASSWORD: &str = "mật khẩu của quản trị";

/// A browser that has signed in: keeps the cookie, and names its origin as browsers do.
pub(super) struct Browser {
    connection: Connection,
    cookie: String,
    origin: String,
}

impl Browser {
    /// Adds a user beside the running collector, as the command line does, and signs in as them.
    pub(super) async fn sign_in(world: &World, name: &str, role: Role) -> Self {
        let password_hash = &password::hash(PASSWORD).unwrap();
        let (scope, language) = (Scope::All, Language::Vi);
        let user = NewUser { name, password_hash, role, scope, language };
        commit::write_once(&world.data_dir(), "user.add", |transaction| user::insert(transaction, &user, 0))
            .unwrap();
        let running = world.running().unwrap();
        let tls = client_config(running.pki.ca_pem(), None).unwrap();
        let connection = Connection::open(running.operators, tls).await.unwrap();
        let origin = format!("https://localhost:{}", running.operators.port());
        let mut browser = Self { connection, cookie: String::new(), origin };
        let body = json!({ "name": name, "password": PASSWORD });
        let reply = browser.ask(Method::POST, "/api/v1/session", &[], Some(body)).await;
        assert_eq!(reply.status, 200, "{}", String::from_utf8_lossy(&reply.body));
        let cookie = reply.headers.get("set-cookie").unwrap().to_str().unwrap();
        browser.cookie = cookie.split(';').next().unwrap().to_owned();
        browser
    }

    pub(super) async fn ask(
        &mut self,
        method: Method,
        path: &str,
        more: &[(&str, &str)],
        body: Option<Value>,
    ) -> Reply {
        let mut headers = vec![("origin", self.origin.as_str()), ("cookie", self.cookie.as_str())];
        headers.extend(body.is_some().then_some(("content-type", "application/json")));
        headers.extend(more);
        let body = body.map(|body| body.to_string().into_bytes()).unwrap_or_default();
        self.connection.send(method, path, &headers, body).await.unwrap()
    }

    pub(super) async fn get(&mut self, path: &str) -> Value {
        let reply = self.ask(Method::GET, path, &[], None).await;
        assert_eq!(reply.status, 200, "{path}: {}", String::from_utf8_lossy(&reply.body));
        reply.read().unwrap()
    }
}

#[tokio::test]
async fn an_operator_sees_a_machine_as_it_reports_and_changes_it() {
    let world = World::new().await.unwrap();
    let mut host = Host::new(world.enroll("máy một").await.unwrap());
    host.report(&world).await.unwrap();
    let mut browser = Browser::sign_in(&world, "an", Role::Operator).await;
    let asset = browser.get("/api/v1/assets").await["items"][0].clone();
    assert_eq!((asset["name"].as_str(), asset["state"].as_str()), (Some("máy một"), Some("up")));
    let path = format!("/api/v1/assets/{}", asset["id"]);
    let detail = browser.get(&path).await;
    assert!(!detail["values"].as_array().unwrap().is_empty(), "{detail}");
    let name = detail["values"][0]["name"].as_str().unwrap().to_owned();
    let history = browser.get(&format!("/api/v1/series?asset={}&name={name}", asset["id"])).await;
    assert_eq!(history["series"][0]["name"], name.as_str(), "{history}");

    let etag = detail["etag"].as_str().unwrap().to_owned();
    let change = json!({ "kind": "workstation", "always_on": false });
    let reply = browser.ask(Method::PATCH, &path, &[("if-match", &etag)], Some(change)).await;
    assert_eq!(reply.status, 200, "{}", String::from_utf8_lossy(&reply.body));
    let known = world.running().unwrap().memory.latest.all();
    assert!(known.iter().all(|host| !host.always_on), "memory follows: {known:?}");
}

#[tokio::test]
async fn a_machine_comes_in_with_a_printed_token_and_is_thrown_out() {
    let world = World::new().await.unwrap();
    let mut browser = Browser::sign_in(&world, "bình", Role::Admin).await;
    let wanted = json!({ "agency": "Tỉnh/Huyện/Xã", "site": "Trụ sở xã" });
    let made: Value =
        browser.ask(Method::POST, "/api/v1/enrollments", &[], Some(wanted)).await.read().unwrap();
    let token: Token = made["token"].as_str().unwrap().parse().unwrap();
    assert_eq!(token.ca_sha256, world.running().unwrap().pki.ca_sha256());
    let key = KeyPair::generate().unwrap();
    let csr = request_for(&key).unwrap();
    let reply = world.ask_to_enroll(&token.secret, &csr, [7; 32], "máy xã").await.unwrap();
    let identity = world.identity(&reply, key).unwrap();
    let agent = browser.get("/api/v1/agents").await["items"][0].clone();
    assert_eq!(
        (agent["id"].as_str(), agent["state"].as_str()),
        (Some(&*identity.agent.to_string()), Some("active"))
    );
    assert_eq!(browser.get("/api/v1/assets").await["items"][0]["site"]["name"], "Trụ sở xã");
    assert_eq!(browser.get("/api/v1/enrollments").await["items"][0]["uses_left"], 0);

    let mut host = Host::new(identity);
    host.report(&world).await.unwrap();
    let path = format!("/api/v1/agents/{}/revoke", agent["id"].as_str().unwrap());
    assert_eq!(browser.ask(Method::POST, &path, &[], Some(json!({}))).await.status, 200);
    let sent = host.measure().unwrap();
    let body = host.batch(&[sent], vec![]);
    let refused = host.post(&world, body).await.unwrap();
    assert_eq!(refused.problem(), "certificate-revoked", "an open connection is refused as well");
}

#[tokio::test]
async fn pages_and_programs_are_told_apart() {
    let world = World::new().await.unwrap();
    let mut browser = Browser::sign_in(&world, "chi", Role::Viewer).await;
    for path in ["/api/v1/no-such", "/api/v9", "/install/no-such", "/agent/v1/reports"] {
        let reply = browser.ask(Method::GET, path, &[], None).await;
        assert_eq!(reply.status, 404, "{path}");
        assert!(!reply.body.starts_with(b"<!"), "{path} is no page");
    }
    let page = browser.ask(Method::GET, "/alerts", &[], None).await;
    assert_eq!(page.status, 200);
    assert!(page.headers.contains_key("content-security-policy"));
    assert_eq!(browser.ask(Method::DELETE, "/api/v1/session", &[], None).await.status, 204);
    assert_eq!(browser.ask(Method::GET, "/api/v1/session", &[], None).await.status, 401);
}

#[tokio::test]
async fn whatever_a_host_calls_itself_it_gets_a_name_that_harms_nobody() {
    let world = World::new().await.unwrap();
    let mut browser = Browser::sign_in(&world, "dũng", Role::Operator).await;
    let secret = world.secret(10).await.unwrap();
    let names = [
        ("\"<img src=x onerror=alert(1)>'", "\"<img src=x onerror=alert(1)>'"),
        ("một\r\nhai\u{1b}[2J", "mộthai[2J"),
        ("\u{202e}gnort\u{2066}", "gnort"),
        ("\n\u{200f}", "?"),
    ];
    let long = "á".repeat(10_000);
    for (number, name) in names.iter().map(|(name, _)| *name).chain([long.as_str()]).enumerate() {
        let csr = request_for(&KeyPair::generate().unwrap()).unwrap();
        let reply = world.ask_to_enroll(&secret, &csr, [number as u8; 32], name).await.unwrap();
        // What is beyond the wire's bounds is refused; all else comes in.
        let is_long = name == long;
        assert_eq!(reply.status, if is_long { 400 } else { 200 }, "{name:.20}: {reply:?}");
    }
    let assets = browser.get("/api/v1/assets").await;
    let mut shown: Vec<&str> =
        assets["items"].as_array().unwrap().iter().map(|asset| asset["name"].as_str().unwrap()).collect();
    let mut expected: Vec<&str> = names.iter().map(|(_, shown)| *shown).collect();
    shown.sort_unstable();
    expected.sort_unstable();
    assert_eq!(shown, expected);
}
