//! A store of an earlier release: today's collector opens it, and everything in it is what it was.

use crate::operators::Browser;
use serde::Deserialize;
use serde_json::Value;
use std::path::Path;
use std::process::Command;
use tram_collector::model::user::Role;
use tram_collector::series::Keep;
use tram_collector::tasks::{self, retain, snapshot::Snapshots};
use tram_proto::id::{BootId, SpoolId};
use tram_proto::sample;
use tram_tests::world::{Host, Identity, World};

/// A packed data folder, with what its maker knows to be in it.
const STORES: &[&str] = &["golden/store-1.tar.gz"];
const STEP_S: i64 = 300;
const DAY_MS: i64 = 86_400_000;

#[derive(Deserialize)]
struct Expected {
    now_ms: i64,
    hosts: Vec<Known>,
    revoked: Owner,
    /// Id, rule, asset, state.
    alerts: Vec<(i64, String, i64, String)>,
    work_orders: Vec<(i64, String, i64, String)>,
}

/// Who holds a key, made for nothing but this.
#[derive(Deserialize)]
struct Owner {
    agent: String,
    certificate: String,
    test_key: String,
}

#[derive(Deserialize)]
struct Known {
    #[serde(flatten)]
    owner: Owner,
    asset: i64,
    name: String,
    spool: [u8; 8],
    boot: [u8; 8],
    boot_ms: u64,
    next: u64,
    first_ms: i64,
    first_uptime_s: i64,
    samples: i64,
}

fn unpack(store: &str, to: &Path) -> Expected {
    let archive = Path::new(env!("CARGO_MANIFEST_DIR")).join(store);
    let status = Command::new("tar").arg("xzf").arg(archive).arg("-C").arg(to).status().unwrap();
    assert!(status.success());
    serde_json::from_slice(&std::fs::read(to.join("expected.json")).unwrap()).unwrap()
}

async fn has_all(world: &World, expected: &Expected, user: &str) {
    let mut browser = Browser::sign_in(world, user, Role::Viewer).await;
    for host in &expected.hosts {
        let asset = browser.get(&format!("/api/v1/assets/{}", host.asset)).await;
        assert_eq!(asset["name"], host.name.as_str());
        let to_ms = host.first_ms + host.samples * STEP_S * 1_000;
        let path = format!(
            "/api/v1/series?asset={}&name={}&from_ms={}&to_ms={to_ms}&step_s={STEP_S}&figures=last",
            host.asset,
            sample::UPTIME,
            host.first_ms
        );
        let found = browser.get(&path).await;
        assert_eq!(
            (&found["from_ms"], &found["to_ms"]),
            (&host.first_ms.into(), &to_ms.into()),
            "{}",
            host.name
        );
        let uptimes: Vec<Option<f64>> =
            found["series"][0]["last"].as_array().unwrap().iter().map(Value::as_f64).collect();
        let all: Vec<Option<f64>> =
            (0..host.samples).map(|step| Some((host.first_uptime_s + step * STEP_S) as f64)).collect();
        assert_eq!(uptimes, all, "{}", host.name);
    }
    let kept = async |browser: &mut Browser, path: &str| -> Vec<(i64, String, i64, String)> {
        let page = browser.get(path).await;
        let text = |item: &Value, name: &str| item[name].as_str().unwrap().to_owned();
        let of = |item: &Value| {
            let id = |name: &str| item[name].as_i64().unwrap();
            (id("id"), text(item, "rule"), item["asset"]["id"].as_i64().unwrap(), text(item, "state"))
        };
        let mut items: Vec<_> = page["items"].as_array().unwrap().iter().map(of).collect();
        items.sort();
        items
    };
    assert_eq!(kept(&mut browser, "/api/v1/alerts").await, expected.alerts);
    assert_eq!(kept(&mut browser, "/api/v1/work-orders").await, expected.work_orders);
}

fn host(known: &Known, identity: Identity) -> Host {
    let mut host = Host::new(identity);
    (host.spool, host.boot) = (SpoolId(known.spool), BootId(known.boot));
    (host.boot_ms, host.next) = (known.boot_ms, known.next);
    host
}

/// Closes, trims, merges and rolls up everything, as if days had gone by.
async fn pass_days(world: &World, expected: &Expected) {
    let running = world.running().unwrap();
    let later_ms = expected.now_ms + 3 * DAY_MS;
    tasks::settle(&running.memory, later_ms).unwrap();
    Snapshots::default().all(&running.memory, &running.commit).await.unwrap();
    retain::trim_log(&running.memory, &running.readers, &running.commit, &world.data_dir()).await.unwrap();
    let keep = Keep { raw_days: 3, ..Keep::default() };
    while retain::compact(&running.memory, &running.readers, &keep, later_ms).unwrap() {}
}

#[tokio::test]
async fn a_store_of_an_earlier_release_opens_with_everything_in_it() {
    for store in STORES {
        let dir = tempfile::tempdir().unwrap();
        let expected = unpack(store, dir.path());
        assert!(!expected.alerts.is_empty() && !expected.work_orders.is_empty(), "a store without any");
        let world = World::held_on(&dir.path().join("data"), expected.now_ms).await.unwrap();
        has_all(&world, &expected, "an").await;

        for known in &expected.hosts {
            let Owner { agent, certificate, test_key } = &known.owner;
            let identity = world.identity_of(agent, certificate, test_key).unwrap();
            let mut host = host(known, identity);
            host.wall_ms = world.now_ms();
            let sent = host.measure().unwrap();
            let seq = sent.seq;
            // What it sent is known: neither the catalogue nor the set of parts is asked for.
            let ack: tram_proto::ack::Ack = {
                let body = host.batch(&[sent], Vec::new());
                host.post(&world, body).await.unwrap().read().unwrap()
            };
            assert!(ack.durable.contains(seq) && ack.refused.is_empty(), "{}: {ack:?}", known.name);
        }
        let Owner { agent, certificate, test_key } = &expected.revoked;
        let mut revoked = Host::new(world.identity_of(agent, certificate, test_key).unwrap());
        let body = revoked.batch(&[], Vec::new());
        assert_eq!(revoked.post(&world, body).await.unwrap().status, 403);

        pass_days(&world, &expected).await;
        has_all(&world, &expected, "bình").await;
    }
}
