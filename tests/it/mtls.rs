//! Who gets in: certificates, enrolment, renewal, revocation, copies.

use hyper::Method;
use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
use sha2::{Digest as _, Sha256};
use tram_collector::model::agent::{AgentId, AgentState};
use tram_collector::pki::{Pki, RequestedKey};
use tram_proto::ack::Ack;
use tram_proto::enroll::RenewRequest;
use tram_tests::pki::{Connection, client_config, request_for};
use tram_tests::world::{Host, Identity, World};

const YEAR_MS: i64 = 366 * 86_400_000;

async fn renew(world: &World, identity: &Identity, key: &KeyPair) -> tram_tests::pki::Reply {
    let body = RenewRequest { csr: request_for(key).unwrap() };
    let body = serde_json::to_vec(&body).unwrap();
    world.ask(identity, Method::POST, "/agent/v1/renew", body).await.unwrap()
}

async fn may_fetch_policy(world: &World, identity: &Identity) -> (u16, String) {
    let reply = world.ask(identity, Method::GET, "/agent/v1/policy", vec![]).await.unwrap();
    (reply.status, reply.problem())
}

#[tokio::test]
async fn a_request_for_a_server_certificate_gets_none() {
    let world = World::new().await.unwrap();
    let secret = world.secret(1).await.unwrap();
    let key = KeyPair::generate().unwrap();
    let mut wished = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    wished.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let csr = wished.serialize_request(&key).unwrap().pem().unwrap();
    let reply = world.ask_to_enroll(&secret, &csr, [1; 32], "impostor").await.unwrap();
    let identity = world.identity(&reply, key).unwrap();

    // Standing as a server with it, nobody who trusts the CA connects.
    let ca = world.running().unwrap().pki.ca_pem().to_owned();
    let (listener, _acceptor) = impostor(&identity).await;
    let address = listener.local_addr().unwrap();
    let refused = Connection::open(address, client_config(&ca, None).unwrap()).await.unwrap_err();
    assert!(format!("{refused:#}").contains("certificate"), "{refused:#}");
}

/// A TLS server that shows an agent's leaf.
async fn impostor(
    identity: &Identity,
) -> (std::sync::Arc<tokio::net::TcpListener>, tokio::task::JoinHandle<()>) {
    use rustls::pki_types::pem::PemObject as _;
    let chain = rustls::pki_types::CertificateDer::from_pem_slice(identity.certificate.as_bytes()).unwrap();
    let key =
        rustls::pki_types::PrivateKeyDer::from_pem_slice(identity.key.serialize_pem().as_bytes()).unwrap();
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![chain], key)
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(std::sync::Arc::new(config));
    let listener = std::sync::Arc::new(tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap());
    let listening = std::sync::Arc::clone(&listener);
    let task = tokio::spawn(async move {
        let (stream, _) = listening.accept().await.unwrap();
        drop(acceptor.accept(stream).await);
    });
    (listener, task)
}

#[tokio::test]
async fn a_resumed_connection_of_a_revoked_agent_is_refused() {
    let world = World::new().await.unwrap();
    let identity = world.enroll("ubnd-1").await.unwrap();
    let mut open = world.connect(&identity).await.unwrap();
    assert_eq!(open.send(Method::GET, "/agent/v1/policy", &[], vec![]).await.unwrap().status, 200);
    assert!(world.connect(&identity).await.unwrap().resumed);

    world.set_state(identity.agent, AgentState::Revoked).await.unwrap();
    let reply = open.send(Method::GET, "/agent/v1/policy", &[], vec![]).await.unwrap();
    assert_eq!((reply.status, reply.problem().as_str()), (403, "certificate-revoked"));
    let mut resumed = world.connect(&identity).await.unwrap();
    assert!(resumed.resumed);
    let reply = resumed.send(Method::GET, "/agent/v1/policy", &[], vec![]).await.unwrap();
    assert_eq!((reply.status, reply.problem().as_str()), (403, "certificate-revoked"));
    let reply = renew(&world, &identity, &KeyPair::generate().unwrap()).await;
    assert_eq!(reply.problem(), "certificate-revoked");
}

#[tokio::test]
async fn a_revocation_outlives_a_store_restored_from_before_it() {
    let mut world = World::new().await.unwrap();
    let identity = world.enroll("ubnd-1").await.unwrap();
    world.stop().await.unwrap();
    let store = world.data_dir().join("state.db");
    let backup = std::fs::read(&store).unwrap();
    world.resume().await.unwrap();
    world.set_state(identity.agent, AgentState::Revoked).await.unwrap();
    world.stop().await.unwrap();
    std::fs::write(&store, backup).unwrap();
    world.resume().await.unwrap();
    assert_eq!(may_fetch_policy(&world, &identity).await, (403, "certificate-revoked".to_owned()));
}

#[tokio::test]
async fn an_expired_certificate_may_renew_and_nothing_else() {
    let world = World::held().await.unwrap();
    let identity = world.enroll("ubnd-1").await.unwrap();
    world.pass(2 * YEAR_MS);
    assert_eq!(may_fetch_policy(&world, &identity).await, (403, "certificate-expired".to_owned()));
    let key = KeyPair::generate().unwrap();
    let reply = renew(&world, &identity, &key).await;
    assert_eq!(reply.status, 200);
    let renewed = world.identity(&reply, key).unwrap();
    assert_eq!(renewed.agent, identity.agent);
    assert_eq!(may_fetch_policy(&world, &renewed).await.0, 200);
}

#[tokio::test]
async fn the_old_certificate_is_good_until_the_new_one_is_used_and_a_copy_after() {
    let world = World::held().await.unwrap();
    let old = world.enroll("ubnd-1").await.unwrap();
    world.pass(1_000);
    let key = KeyPair::generate().unwrap();
    let reply = renew(&world, &old, &key).await;
    let new = world.identity(&reply, key).unwrap();
    assert_eq!(may_fetch_policy(&world, &old).await.0, 200);
    assert_eq!(may_fetch_policy(&world, &new).await.0, 200);
    assert_eq!(may_fetch_policy(&world, &old).await, (403, "clone".to_owned()));
    let host = world.running().unwrap().memory.latest.host(old.agent).unwrap();
    assert!(host.clone_seen_ms.is_some());
    // The one that renewed goes on.
    assert_eq!(may_fetch_policy(&world, &new).await.0, 200);
}

#[tokio::test]
async fn renewal_wants_a_new_key() {
    let world = World::new().await.unwrap();
    let identity = world.enroll("ubnd-1").await.unwrap();
    assert_eq!(may_fetch_policy(&world, &identity).await.0, 200);
    let body = RenewRequest { csr: request_for(&identity.key).unwrap() };
    let body = serde_json::to_vec(&body).unwrap();
    let reply = world.ask(&identity, Method::POST, "/agent/v1/renew", body).await.unwrap();
    assert_eq!((reply.status, reply.problem().as_str()), (400, "bad-body"));
}

#[tokio::test]
async fn enrolling_again_with_the_same_token_and_key_gives_the_same_agent() {
    let world = World::new().await.unwrap();
    let secret = world.secret(1).await.unwrap();
    let key = KeyPair::generate().unwrap();
    let csr = request_for(&key).unwrap();
    let first = world.ask_to_enroll(&secret, &csr, [1; 32], "a").await.unwrap();
    let again = world.ask_to_enroll(&secret, &csr, [1; 32], "a").await.unwrap();
    assert_eq!((first.status, again.status), (200, 200));
    let agent =
        |reply| world.identity(reply, KeyPair::from_pem(&key.serialize_pem()).unwrap()).unwrap().agent;
    assert_eq!(agent(&first), agent(&again));
    let other = request_for(&KeyPair::generate().unwrap()).unwrap();
    let spent = world.ask_to_enroll(&secret, &other, [2; 32], "b").await.unwrap();
    assert_eq!((spent.status, spent.problem().as_str()), (403, "token-spent"));
}

#[tokio::test]
async fn tokens_are_bounded_in_time_and_guessing_finds_none() {
    let world = World::held().await.unwrap();
    let secret = world.secret(5).await.unwrap();
    let csr = request_for(&KeyPair::generate().unwrap()).unwrap();
    let guessed = world.ask_to_enroll(&[0; 20], &csr, [1; 32], "a").await.unwrap();
    assert_eq!((guessed.status, guessed.problem().as_str()), (403, "token-unknown"));
    world.pass(3_600_000);
    let late = world.ask_to_enroll(&secret, &csr, [1; 32], "a").await.unwrap();
    assert_eq!((late.status, late.problem().as_str()), (403, "token-expired"));
}

#[tokio::test]
async fn a_known_machine_never_takes_over_an_id_but_waits_for_an_operator() {
    let world = World::new().await.unwrap();
    let first = world.enroll("ubnd-1").await.unwrap();
    let secret = world.secret(1).await.unwrap();
    let key = KeyPair::generate().unwrap();
    let machine: [u8; 32] = Sha256::digest("ubnd-1").into();
    let reply = world.ask_to_enroll(&secret, &request_for(&key).unwrap(), machine, "ubnd-1").await.unwrap();
    assert_eq!(reply.status, 202);
    let second = world.identity(&reply, key).unwrap();
    assert_ne!(first.agent, second.agent);
    assert!(second.note.contains("operator"), "{}", second.note);
    assert_eq!(may_fetch_policy(&world, &second).await, (403, "unknown-agent".to_owned()));
    assert_eq!(may_fetch_policy(&world, &first).await.0, 200);

    let latest = &world.running().unwrap().memory.latest;
    let asset = latest.host(first.agent).unwrap().asset;
    assert_eq!(latest.host(second.agent).unwrap().asset, asset);
    let (one, other) = (second.agent, first.agent);
    let accept = world.running().unwrap().commit.write(move |transaction| {
        let revoked = tram_collector::store::sqlite::agent::accept(transaction, one)?;
        let changed = revoked.into_iter().chain([one]);
        Ok(((), changed.map(tram_collector::latest::Effect::AgentChanged).collect()))
    });
    accept.await.unwrap();
    assert_eq!(may_fetch_policy(&world, &second).await.0, 200);
    assert_eq!(may_fetch_policy(&world, &Identity { agent: other, ..first }).await.0, 403);
    assert_eq!(latest.by_asset(asset).unwrap().agent, second.agent);
}

#[tokio::test]
async fn a_reinstalled_machine_goes_on_with_its_alerts() {
    let world = World::held_with_rules("[filesystem_nearly_full]\nhold = \"1m\"\n").await.unwrap();
    let firing = |world: &World| -> Vec<String> {
        let read = world.running().unwrap().readers.read(|connection| {
            let sql = "SELECT rule FROM alert WHERE state = 'firing' AND rule LIKE 'filesystem%'";
            let mut rows = connection.prepare(sql)?;
            let rows = rows.query_map([], |row| row.get(0))?;
            Ok(rows.collect::<Result<_, _>>()?)
        });
        read.unwrap()
    };
    let mut first = Host::new(world.enroll("ubnd-1").await.unwrap());
    let run = async |world: &World, host: &mut Host| {
        host.disk_used = 0.99;
        for _ in 0..5 {
            world.pass(60_000);
            host.pass(60_000);
            host.report(world).await.unwrap();
        }
    };
    run(&world, &mut first).await;
    assert_eq!(firing(&world), ["filesystem_nearly_full"]);

    let (secret, key) = (world.secret(1).await.unwrap(), KeyPair::generate().unwrap());
    let machine: [u8; 32] = Sha256::digest("ubnd-1").into();
    let reply = world.ask_to_enroll(&secret, &request_for(&key).unwrap(), machine, "ubnd-1").await.unwrap();
    let mut second = Host::new(world.identity(&reply, key).unwrap());
    let (new, old) = (second.identity.agent, first.identity.agent);
    let accept = world.running().unwrap().commit.write(move |transaction| {
        tram_collector::store::sqlite::agent::accept(transaction, new)?;
        Ok(((), [old, new].map(tram_collector::latest::Effect::AgentChanged).into()))
    });
    accept.await.unwrap();
    run(&world, &mut second).await;
    world.look_around().await.unwrap();
    assert_eq!(firing(&world), ["filesystem_nearly_full"], "the same alert, once");
    second.disk_used = 0.3;
    for _ in 0..40 {
        world.pass(60_000);
        second.pass(60_000);
        second.report(&world).await.unwrap();
    }
    assert!(firing(&world).is_empty());
}

#[tokio::test]
async fn a_machine_set_up_from_a_copied_disk_becomes_an_asset_of_its_own() {
    let world = World::new().await.unwrap();
    let first = world.enroll("ubnd-1").await.unwrap();
    let (secret, key) = (world.secret(1).await.unwrap(), KeyPair::generate().unwrap());
    let machine: [u8; 32] = Sha256::digest("ubnd-1").into();
    let reply = world.ask_to_enroll(&secret, &request_for(&key).unwrap(), machine, "ubnd-2").await.unwrap();
    assert_eq!(reply.status, 202);
    let copy = world.identity(&reply, key).unwrap();
    let latest = &world.running().unwrap().memory.latest;
    assert_ne!(latest.host(copy.agent).unwrap().asset, latest.host(first.agent).unwrap().asset);
    let agent = copy.agent;
    let accept = world.running().unwrap().commit.write(move |transaction| {
        let revoked = tram_collector::store::sqlite::agent::accept(transaction, agent)?;
        Ok((revoked, vec![tram_collector::latest::Effect::AgentChanged(agent)]))
    });
    assert_eq!(accept.await.unwrap(), []);
    for identity in [&first, &copy] {
        assert_eq!(may_fetch_policy(&world, identity).await.0, 200);
    }
}

#[tokio::test]
async fn a_revocation_by_the_command_line_reaches_a_running_collector() {
    let world = World::new().await.unwrap();
    let identity = world.enroll("ubnd-1").await.unwrap();
    assert_eq!(may_fetch_policy(&world, &identity).await.0, 200);
    let agent = identity.agent;
    tram_collector::commit::write_once(&world.data_dir(), "agent", |transaction| {
        tram_collector::store::sqlite::agent::set_state(transaction, agent, AgentState::Revoked)
    })
    .unwrap();
    let refused = async {
        while may_fetch_policy(&world, &identity).await.0 == 200 {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(10), refused).await.unwrap();
    let revoked = std::fs::read_to_string(world.data_dir().join("revoked.txt")).unwrap();
    assert!(revoked.starts_with(&agent.to_string()), "{revoked}");
}

#[tokio::test]
async fn an_agent_that_the_store_forgot_is_quarantined_and_shown() {
    let world = World::new().await.unwrap();
    let now_ms = world.now_ms();
    let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
    let pki = Pki::open(&world.data_dir(), &names, now_ms).unwrap();
    let key = KeyPair::generate().unwrap();
    let requested = RequestedKey::from_request(&request_for(&key).unwrap()).unwrap();
    let agent = AgentId([0xab; 16]);
    let leaf = pki.issue(agent, &requested, now_ms).unwrap();
    let tls = client_config(pki.ca_pem(), Some((&leaf.pem, &key))).unwrap();
    let forgotten =
        Identity { agent, certificate: leaf.pem, key: std::sync::Arc::new(key), tls, note: String::new() };
    let reply = world.ask(&forgotten, Method::GET, "/agent/v1/policy", vec![]).await.unwrap();
    assert_eq!((reply.status, reply.problem().as_str()), (403, "unknown-agent"));
    assert!(reply.retry_s.is_some());
    let host = world.running().unwrap().memory.latest.host(agent).unwrap();
    assert_eq!(host.state, AgentState::Quarantined);
    world.set_state(agent, AgentState::Active).await.unwrap();
    assert_eq!(may_fetch_policy(&world, &forgotten).await.0, 200);
}

#[tokio::test]
async fn a_certificate_of_another_authority_ends_the_handshake() {
    let world = World::new().await.unwrap();
    let ca_key = KeyPair::generate().unwrap();
    let mut ca = CertificateParams::default();
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let mut leaf = CertificateParams::default();
    leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let leaf = leaf.signed_by(&key, &Issuer::from_params(&ca, &ca_key)).unwrap();
    let ours = world.running().unwrap().pki.ca_pem().to_owned();
    let tls = client_config(&ours, Some((&leaf.pem(), &key))).unwrap();
    // TLS 1.3 lets the client speak before the server has judged: the first answer never comes.
    let answer = match Connection::open(world.address().unwrap(), tls).await {
        Err(error) => Err(error),
        Ok(mut connection) => connection.send(Method::GET, "/agent/v1/policy", &[], vec![]).await,
    };
    assert!(answer.is_err());
}

#[tokio::test]
async fn without_a_certificate_there_is_only_enrolment() {
    let world = World::new().await.unwrap();
    let tls = client_config(world.running().unwrap().pki.ca_pem(), None).unwrap();
    let mut connection = Connection::open(world.address().unwrap(), tls).await.unwrap();
    for (method, path) in [
        (Method::POST, "/agent/v1/reports"),
        (Method::POST, "/agent/v1/renew"),
        (Method::GET, "/agent/v1/policy"),
    ] {
        let reply = connection.send(method, path, &[], vec![]).await.unwrap();
        assert_eq!((reply.status, reply.problem().as_str()), (401, "certificate-required"), "{path}");
    }
}

#[tokio::test]
async fn a_batch_in_the_name_of_another_agent_is_refused() {
    let world = World::new().await.unwrap();
    let mut one = Host::new(world.enroll("one").await.unwrap());
    let mut other = Host::new(world.enroll("other").await.unwrap());
    let sent = one.measure().unwrap();
    let body = one.batch(&[sent], vec![one.catalogue()]);
    let reply = other.post(&world, body.clone()).await.unwrap();
    assert_eq!((reply.status, reply.problem().as_str()), (403, "wrong-agent"));
    let ack: Ack = one.post(&world, body).await.unwrap().read().unwrap();
    assert!(ack.durable.contains(1));
}
