//! From a signal to care that is done, as operators see it: pending, firing, the work order's life, a new agent's turn.

use crate::operators::Browser;
use hyper::Method;
use rcgen::KeyPair;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tram_collector::model::agent::AgentState;
use tram_collector::model::user::Role;
use tram_tests::pki::request_for;
use tram_tests::world::{Host, World};

const MINUTE_MS: i64 = 60_000;
const RULES: &str =
    "[filesystem_nearly_full]\nhold = \"2m\"\nclear_hold = \"2m\"\n[clock_off]\nenabled = false\n";

/// A minute passes, the host reports, and the collector looks around.
async fn minute(world: &World, host: &mut Host) {
    world.pass(MINUTE_MS);
    host.pass(60_000);
    host.report(world).await.unwrap();
    world.look_around().await.unwrap();
}

async fn minutes(world: &World, host: &mut Host, number: u32) {
    for _ in 0..number {
        minute(world, host).await;
    }
}

async fn alerts(browser: &mut Browser, state: &str) -> Vec<Value> {
    let page = browser.get(&format!("/api/v1/alerts?state={state}")).await;
    page["items"].as_array().unwrap().clone()
}

async fn order(browser: &mut Browser, number: usize) -> Value {
    browser.get("/api/v1/work-orders").await["items"][number].clone()
}

async fn change(browser: &mut Browser, order: &Value, wanted: Value) -> Value {
    let path = format!("/api/v1/work-orders/{}", order["id"]);
    let etag = order["etag"].as_str().unwrap().to_owned();
    let reply = browser.ask(Method::PATCH, &path, &[("if-match", &etag)], Some(wanted)).await;
    assert_eq!(reply.status, 200, "{}", String::from_utf8_lossy(&reply.body));
    reply.read().unwrap()
}

#[tokio::test]
async fn a_pending_alert_is_shown_before_it_fires_and_has_no_row_until_then() {
    let world = World::held_with_rules(RULES).await.unwrap();
    let mut browser = Browser::sign_in(&world, "an", Role::Viewer).await;
    let mut hosts = Vec::new();
    for name in ["một", "hai", "ba"] {
        hosts.push(Host::new(world.enroll(name).await.unwrap()));
    }
    for host in &mut hosts {
        host.disk_used = 0.97;
        host.report(&world).await.unwrap();
    }
    let pending = alerts(&mut browser, "pending").await;
    assert_eq!(pending.len(), 3, "{pending:?}");
    assert_eq!(pending[0]["asset"]["name"], "ba", "the highest asset first");
    assert_eq!((&pending[0]["part"], &pending[0]["fired_ms"]), (&json!("/"), &Value::Null));
    assert!(browser.get("/api/v1/alerts").await["items"].as_array().unwrap().is_empty());

    let (mut path, mut names) = ("/api/v1/alerts?state=pending&limit=1".to_owned(), Vec::new());
    loop {
        let page = browser.get(&path).await;
        names.extend(page["items"].as_array().unwrap().iter().map(|alert| alert["asset"]["name"].clone()));
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/api/v1/alerts?state=pending&limit=1&cursor={next}");
    }
    assert_eq!(names, ["ba", "hai", "một"]);
    let asset = &pending[1]["asset"]["id"];
    let of_asset = browser.get(&format!("/api/v1/alerts?state=pending&asset={asset}")).await;
    assert_eq!(of_asset["items"].as_array().unwrap().len(), 1);
    let mild = browser.get("/api/v1/alerts?state=pending&severity=info").await;
    assert!(mild["items"].as_array().unwrap().is_empty());

    // Only one of them reports on, and only of that one it is known that the condition still holds.
    minutes(&world, &mut hosts[0], 2).await;
    let firing = alerts(&mut browser, "firing").await;
    assert_eq!((firing.len(), &firing[0]["asset"]["name"]), (1, &json!("một")), "{firing:?}");
    assert_eq!(alerts(&mut browser, "pending").await.len(), 2);
}

#[tokio::test]
async fn a_work_order_lives_from_open_to_verified_and_another_is_reopened() {
    let world = World::held_with_rules(RULES).await.unwrap();
    let mut browser = Browser::sign_in(&world, "bình", Role::Operator).await;
    let mut host = Host::new(world.enroll("máy").await.unwrap());
    host.disk_used = 0.97;
    minutes(&world, &mut host, 4).await;
    let opened = order(&mut browser, 0).await;
    assert_eq!((&opened["state"], &opened["ready_to_verify"]), (&json!("open"), &json!(false)));
    assert_eq!(opened["evidence"].as_array().unwrap().len(), 1);
    let planned_ms = world.now_ms() + MINUTE_MS;
    let planned = json!({ "state": "planned", "planned_ms": planned_ms, "assignee": "Chị Hoa" });
    let planned = change(&mut browser, &opened, planned).await;
    let begun = change(&mut browser, &planned, json!({ "state": "in_progress" })).await;
    let done = change(&mut browser, &begun, json!({ "state": "done" })).await;
    assert_eq!((&done["state"], &done["closed_ms"]), (&json!("done"), &Value::Null), "the signal is there");
    host.disk_used = 0.3;
    minutes(&world, &mut host, 4).await;
    let verified = order(&mut browser, 0).await;
    assert_eq!((&verified["state"], &verified["ready_to_verify"]), (&json!("verified"), &json!(true)));
    assert_eq!(verified["assignee"], "Chị Hoa");

    host.disk_used = 0.97;
    minutes(&world, &mut host, 4).await;
    let second = order(&mut browser, 0).await;
    assert_ne!(second["id"], verified["id"], "a closed one stays closed");
    let done = change(&mut browser, &second, json!({ "state": "done" })).await;
    assert_eq!(done["state"], "done");
    // The signal never clears: what was said to be done is taken back.
    minutes(&world, &mut host, 40).await;
    let reopened = order(&mut browser, 0).await;
    assert_eq!((&reopened["id"], &reopened["state"]), (&second["id"], &json!("reopened")));
}

#[tokio::test]
async fn alerts_and_pending_ones_outlive_a_restart_that_accuses_nobody() {
    let mut world = World::held_with_rules(RULES).await.unwrap();
    let mut full = Host::new(world.enroll("đầy").await.unwrap());
    let mut filling = Host::new(world.enroll("sắp đầy").await.unwrap());
    full.disk_used = 0.97;
    minutes(&world, &mut full, 4).await;
    filling.disk_used = 0.97;
    filling.report(&world).await.unwrap();
    world.abandon().await.unwrap();
    // Longer than anyone may be silent; the collector was the one that was away.
    world.pass(30 * MINUTE_MS);
    world.resume().await.unwrap();
    world.look_around().await.unwrap();
    let mut browser = Browser::sign_in(&world, "chi", Role::Viewer).await;
    let firing = alerts(&mut browser, "firing").await;
    assert_eq!(firing.len(), 1, "{firing:?}");
    assert_eq!(firing[0]["rule"], "filesystem_nearly_full");
    assert_eq!(alerts(&mut browser, "pending").await.len(), 1);
    assert_eq!(browser.get("/api/v1/work-orders").await["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_new_agent_takes_over_what_its_machine_owes_and_the_old_one_is_not_missed() {
    let world = World::held_with_rules(RULES).await.unwrap();
    let mut browser = Browser::sign_in(&world, "dũng", Role::Admin).await;
    let mut old = Host::new(world.enroll("máy").await.unwrap());
    old.disk_used = 0.97;
    minutes(&world, &mut old, 4).await;
    assert_eq!(alerts(&mut browser, "firing").await.len(), 1);

    let key = KeyPair::generate().unwrap();
    let secret = world.secret(1).await.unwrap();
    let machine: [u8; 32] = Sha256::digest("máy").into();
    let csr = request_for(&key).unwrap();
    let reply = world.ask_to_enroll(&secret, &csr, machine, "máy").await.unwrap();
    let mut new = Host::new(world.identity(&reply, key).unwrap());
    let path = format!("/api/v1/agents/{}/accept", new.identity.agent);
    assert_eq!(browser.ask(Method::POST, &path, &[], Some(json!({}))).await.status, 200);
    for _ in 0..30 {
        world.pass(MINUTE_MS);
        world.look_around().await.unwrap();
    }
    let firing = alerts(&mut browser, "firing").await;
    assert_eq!(firing.len(), 1, "nobody misses an agent that was replaced: {firing:?}");

    minutes(&world, &mut new, 4).await;
    assert!(alerts(&mut browser, "firing").await.is_empty(), "the new agent clears what the old one raised");
    assert_eq!(order(&mut browser, 0).await["ready_to_verify"], true);
}

#[tokio::test]
async fn a_revoked_agent_is_not_accused_of_silence() {
    let mut world = World::held().await.unwrap();
    let mut browser = Browser::sign_in(&world, "em", Role::Viewer).await;
    let mut host = Host::new(world.enroll("máy").await.unwrap());
    minutes(&world, &mut host, 2).await;
    world.set_state(host.identity.agent, AgentState::Revoked).await.unwrap();
    for round in 0..2 {
        for _ in 0..30 {
            world.pass(MINUTE_MS);
            world.look_around().await.unwrap();
        }
        assert!(alerts(&mut browser, "firing").await.is_empty(), "round {round}");
        assert_eq!(browser.get("/api/v1/assets").await["items"][0]["state"], "unknown", "round {round}");
        world.stop().await.unwrap();
        world.resume().await.unwrap();
        browser = Browser::sign_in(&world, if round == 0 { "giang" } else { "hà" }, Role::Viewer).await;
    }
}
