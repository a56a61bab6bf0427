//! Ways to the collector: further addresses, proxies, authorities given in advance; all over real TLS on the loopback.

use super::collector::{Authority, Collector};
use super::proxy::{Kind, NAME, PASSWORD, Proxy};
use super::*;
use crate::uplink::proxy::Proxy as Way;
use rustls::ServerConfig;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

/// An address where nobody listens.
fn nobody() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    format!("https://{}", listener.local_addr().unwrap())
}

async fn enrolled_with(
    collector: &Collector,
    state: &Path,
    settings: impl FnOnce() -> Settings,
) -> Result<Delivery, DeliveryError> {
    let store = IdentityStore::open(state).unwrap();
    enroll(&store, order(collector), clock(0)).await.unwrap();
    Delivery::open(state, settings(), clock(0))
}

/// Works until a batch is acknowledged; what failed before it.
async fn deliver(delivery: &mut Delivery) -> Vec<String> {
    let mut failed = Vec::new();
    loop {
        match delivery.step().await {
            Outcome::Acked { settled: 1, .. } => return failed,
            Outcome::Failed { words, .. } => failed.push(words),
            other @ (Outcome::Acked { .. }
            | Outcome::Policy(_)
            | Outcome::Unfollowed { .. }
            | Outcome::Renewed) => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn the_next_address_is_used_when_one_is_silent_and_remembered_over_a_restart() {
    let collector = Collector::start(|_, body| take_all(body));
    let state = tempfile::tempdir().unwrap();
    let second = collector.another_url();
    let settings = || {
        let route = Route { collectors: vec![nobody(), second.clone()], ..Route::default() };
        Settings { route, ..settings() }
    };
    let mut delivery = enrolled_with(&collector, state.path(), settings).await.unwrap();
    submit(&mut delivery, 1.0);
    assert_eq!(deliver(&mut delivery).await.len(), 1);
    assert_eq!(delivery.address(), second);
    drop(delivery);
    let mut delivery = Delivery::open(state.path(), settings(), clock(0)).unwrap();
    submit(&mut delivery, 2.0);
    assert_eq!(deliver(&mut delivery).await, [""; 0]);
}

#[tokio::test]
async fn an_address_of_the_policy_has_to_prove_the_pinned_authority() {
    let collector = Collector::start(|_, body| take_all(body));
    let stranger = Collector::start(|_, body| take_all(body));
    let state = tempfile::tempdir().unwrap();
    let settings = || Settings {
        route: Route { collectors: vec![nobody()], ..Route::default() },
        collectors: vec![stranger.url(), "nonsense".into(), collector.another_url()],
        ..settings()
    };
    let mut delivery = enrolled_with(&collector, state.path(), settings).await.unwrap();
    submit(&mut delivery, 1.0);
    let failed = deliver(&mut delivery).await;
    assert_eq!(failed.len(), 2, "{failed:?}");
    assert!(failed[1].contains("invalid peer certificate"), "{failed:?}");
    assert_eq!((stranger.requests(), collector.reports().len()), (0, 1));
}

/// A proxy of a kind, as the agent is told of it.
fn way(scheme: &str, proxy: &Proxy, password: &str) -> Way {
    let address = format!("{scheme}://{NAME}@localhost:{}", proxy.port());
    Way::parse(&address, Some(password.to_owned())).unwrap()
}

async fn goes_through(proxy: &Proxy, way: Way) {
    let collector = Collector::start(|_, body| take_all(body));
    let state = tempfile::tempdir().unwrap();
    let store = IdentityStore::open(state.path()).unwrap();
    let route = Route { proxy: Some(way), ..Route::default() };
    let order = Order { route: route.clone(), ..order(&collector) };
    enroll(&store, order, clock(0)).await.unwrap();
    let mut delivery = Delivery::open(state.path(), Settings { route, ..settings() }, clock(0)).unwrap();
    submit(&mut delivery, 1.0);
    assert_eq!(deliver(&mut delivery).await, [""; 0]);
    let place = collector.url().strip_prefix("https://").unwrap().to_owned();
    assert_eq!(proxy.asked(), [place.clone(), place], "once to enrol, once to report");
}

#[tokio::test]
async fn everything_goes_through_an_http_proxy_with_name_and_password() {
    let proxy = Proxy::start(Kind::Http);
    goes_through(&proxy, way("http", &proxy, PASSWORD)).await;
}

#[tokio::test]
async fn everything_goes_through_a_socks_proxy_with_name_and_password() {
    for scheme in ["socks5", "socks5h"] {
        let proxy = Proxy::start(Kind::Socks);
        goes_through(&proxy, way(scheme, &proxy, PASSWORD)).await;
    }
}

#[tokio::test]
async fn a_proxy_under_tls_has_to_prove_the_authority_given_for_it() {
    let authority = Authority::new();
    let (chain, key) = authority.server();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let tls = Arc::new(tls.with_no_client_auth().with_single_cert(chain, key).unwrap());
    let proxy = Proxy::start(Kind::Https(tls));
    let der = |authority: &Authority| {
        Some(CertificateDer::from_pem_slice(authority.pem().as_bytes()).unwrap().to_vec())
    };
    let right = Way { ca: der(&authority), ..way("https", &proxy, PASSWORD) };
    goes_through(&proxy, right.clone()).await;
    let collector = Collector::start(|_, body| take_all(body));
    let store = tempfile::tempdir().unwrap();
    let store = IdentityStore::open(store.path()).unwrap();
    let wrong = Way { ca: der(&Authority::new()), ..right };
    let route = Route { proxy: Some(wrong), ..Route::default() };
    let error = enroll(&store, Order { route, ..order(&collector) }, clock(0)).await.unwrap_err().to_string();
    assert!(
        error.contains("invalid peer certificate") && error.contains("through the proxy https://"),
        "{error}"
    );
    assert_eq!(proxy.asked().len(), 2, "nothing more was asked for");
}

#[tokio::test]
async fn a_proxy_that_wants_another_password_is_named_and_the_password_is_not() {
    for (scheme, kind) in [("http", Kind::Http), ("socks5h", Kind::Socks)] {
        let proxy = Proxy::start(kind);
        let collector = Collector::start(|_, body| take_all(body));
        let state = tempfile::tempdir().unwrap();
        let route = Route { proxy: Some(way(scheme, &proxy, "secret")), ..Route::default() };
        let settings = || Settings { route, ..settings() };
        let mut delivery = enrolled_with(&collector, state.path(), settings).await.unwrap();
        submit(&mut delivery, 1.0);
        let Outcome::Failed { words, .. } = delivery.step().await else { panic!("it went through") };
        assert!(words.contains("through the proxy") && words.contains("localhost"), "{words}");
        assert!(!words.contains("secret"), "{words}");
    }
}

#[tokio::test]
async fn an_authority_given_in_advance_decides_before_anything_is_sent() {
    let collector = Collector::start(|_, body| take_all(body));
    let state = tempfile::tempdir().unwrap();
    let store = IdentityStore::open(state.path()).unwrap();
    let given = |pem: &str| {
        let ca = Some(CertificateDer::from_pem_slice(pem.as_bytes()).unwrap().to_vec());
        Route { ca, ..Route::default() }
    };
    let (right, wrong) = (given(collector.authority().pem()), given(Authority::new().pem()));
    let refused = Order { route: wrong.clone(), ..order(&collector) };
    let error = enroll(&store, refused, clock(0)).await.unwrap_err();
    assert!(matches!(error, EnrollError::OtherAuthority), "{error}");
    assert_eq!(collector.requests(), 0);
    let accepted = Order { route: right.clone(), ..order(&collector) };
    enroll(&store, accepted, clock(0)).await.unwrap();
    let open = |route| Delivery::open(state.path(), Settings { route, ..settings() }, clock(0));
    assert!(matches!(open(wrong).err(), Some(DeliveryError::OtherAuthority)));
    assert!(open(right).is_ok());
}
