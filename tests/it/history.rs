//! A day of one host as the API reads it: across closed hours, a restart, and a link that was cut for three hours.

use crate::operators::Browser;
use serde_json::Value;
use tram_collector::model::user::Role;
use tram_proto::sample;
use tram_tests::world::{Host, NOON_MS, World};

const STEP_MS: i64 = 10 * 60_000;
const STEPS: i64 = 24 * 6;
/// The link is cut for these steps.
const CUT: std::ops::Range<i64> = 60..78;
/// Before this one the collector is killed, and started again.
const RESTART: i64 = 100;

/// The last uptime of each step; null where there is none.
async fn uptime(browser: &mut Browser) -> Vec<Value> {
    let (from_ms, to_ms) = (NOON_MS, NOON_MS + (STEPS + 1) * STEP_MS);
    let name = sample::UPTIME;
    let range = format!("from_ms={from_ms}&to_ms={to_ms}&step_s=600");
    let path = format!("/api/v1/series?asset=1&name={name}&{range}&figures=last");
    browser.get(&path).await["series"][0]["last"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_day_is_read_back_whole_and_what_came_late_lies_in_its_hour() {
    let mut world = World::held().await.unwrap();
    let mut host = Host::new(world.enroll("máy").await.unwrap());
    let mut waiting = Vec::new();
    for step in 0..STEPS {
        if step == RESTART {
            world.abandon().await.unwrap();
            world.resume().await.unwrap();
            host.disconnect();
        }
        host.wall_ms = world.now_ms();
        waiting.push(host.measure().unwrap());
        if !CUT.contains(&step) {
            host.send(&world, &waiting).await.unwrap();
            waiting.clear();
        } else if step == CUT.end - 1 {
            let mut browser = Browser::sign_in(&world, "an", Role::Viewer).await;
            let seen = uptime(&mut browser).await.iter().filter(|last| !last.is_null()).count();
            assert_eq!(seen, usize::try_from(CUT.start).unwrap(), "the gap is a gap");
        }
        world.pass(STEP_MS);
        host.pass(STEP_MS as u64);
    }
    let mut browser = Browser::sign_in(&world, "bình", Role::Viewer).await;
    let line = uptime(&mut browser).await;
    assert_eq!((line.len() as i64, line.last()), (STEPS + 1, Some(&Value::Null)));
    for (step, value) in (0..STEPS).zip(&line) {
        assert_eq!(value.as_f64(), Some((10 + step * STEP_MS / 1_000) as f64), "step {step}");
    }
    let alerts = browser.get("/api/v1/alerts").await;
    // A look around that falls into the cut finds the host silent, and rightly.
    let is_of_silence = |alert: &Value| alert["rule"] == "host_silent";
    assert!(
        alerts["items"].as_array().unwrap().iter().all(is_of_silence),
        "late data raises nothing: {alerts}"
    );
}
