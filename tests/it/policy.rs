//! A policy that is put at a place reaches the agents there with their next report.

use hyper::Method;
use tram_collector::model::policy::Place;
use tram_proto::policy::{Policy, Probe};
use tram_tests::world::{Host, World};

#[tokio::test]
async fn what_is_asked_at_a_place_reaches_its_agents_and_the_nearer_place_wins() {
    let world = World::new().await.unwrap();
    let identity = world.enroll("máy").await.unwrap();
    let site = world.running().unwrap().memory.latest.all()[0].site;
    let mut host = Host::new(identity.clone());
    let before = host.report(&world).await.unwrap().policy;
    let everywhere = r#"{"probe_interval_s":90,"sample_interval_s":20}"#;
    world.ask_at(Place::All, everywhere.to_owned()).await.unwrap();
    let asked = r#"{"sample_interval_s":30,"probes":[{"kind":"tcp","host":"portal","port":443}]}"#;
    world.ask_at(Place::Site(site), asked.to_owned()).await.unwrap();
    let after = host.report(&world).await.unwrap().policy;
    assert_ne!(after, before);
    let reply = world.ask(&identity, Method::GET, "/agent/v1/policy", vec![]).await.unwrap();
    let policy: Policy = serde_json::from_slice(&reply.body).unwrap();
    assert_eq!(
        (policy.version, policy.probe_interval_s, policy.sample_interval_s),
        (after, Some(90), Some(30))
    );
    assert_eq!(policy.probes, [Probe::Tcp { host: "portal".into(), port: 443 }]);
    assert_eq!(host.report(&world).await.unwrap().policy, after, "it changes only when it changes");
}
