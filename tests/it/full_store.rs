//! A full disk under the store: windows fail, the process does not, `/readyz` says so, and nothing acknowledged is lost.

use crate::operators::Browser;
use hyper::Method;
use serde_json::json;
use tram_collector::commit::read_log;
use tram_collector::model::user::Role;
use tram_tests::world::{Host, World};

/// Leaves the store as many pages as it has, or as many as it wants.
async fn limit_pages(world: &World, is_full: bool) {
    let limit = world.running().unwrap().commit.write(move |transaction| {
        let pages: i64 = transaction.query_row("PRAGMA page_count", [], |row| row.get(0))?;
        let limit = if is_full { pages } else { 1 << 30 };
        transaction.query_row(&format!("PRAGMA max_page_count = {limit}"), [], |_| Ok(()))?;
        Ok(((), vec![]))
    });
    limit.await.unwrap();
}

async fn ready(browser: &mut Browser) -> u16 {
    browser.ask(Method::GET, "/readyz", &[], None).await.status
}

fn logged(world: &World) -> Vec<u64> {
    let mut numbers = Vec::new();
    let read = world
        .running()
        .unwrap()
        .readers
        .read(|connection| Ok(read_log(connection, |report| numbers.push(report.seq))));
    read.unwrap().unwrap();
    numbers
}

#[tokio::test]
async fn a_full_store_refuses_without_dying_and_takes_the_same_reports_later() {
    let mut world = World::held().await.unwrap();
    let mut browser = Browser::sign_in(&world, "an", Role::Admin).await;
    let mut host = Host::new(world.enroll("máy").await.unwrap());
    host.report(&world).await.unwrap();
    assert_eq!(ready(&mut browser).await, 200);

    limit_pages(&world, true).await;
    let mut waiting = Vec::new();
    let refused = loop {
        world.pass(60_000);
        host.pass(60_000);
        waiting.push(host.measure().unwrap());
        let body = host.batch(&waiting, vec![host.catalogue()]);
        let reply = host.post(&world, body).await.unwrap();
        if reply.status != 200 {
            break reply;
        }
        // There was room in a page for these.
        waiting.clear();
        assert!(host.next < 2_000, "the store is not full");
    };
    assert_eq!((refused.status, refused.problem().as_str()), (503, "busy"));
    let said = browser.ask(Method::GET, "/readyz", &[], None).await;
    assert_eq!(said.status, 503);
    assert!(String::from_utf8_lossy(&said.body).contains("its disk is full"), "{:?}", said.body);
    for _ in 0..3 {
        world.look_around().await.unwrap();
        assert_eq!(ready(&mut browser).await, 503, "a round without anything to write proves nothing");
    }
    assert_eq!(browser.ask(Method::GET, "/healthz", &[], None).await.status, 200);
    let big = json!({ "agency": "Tỉnh", "site": "S".repeat(100) });
    let full = loop {
        let reply = browser.ask(Method::POST, "/api/v1/enrollments", &[], Some(big.clone())).await;
        if reply.status != 201 {
            break reply;
        }
    };
    assert_eq!(full.status, 507, "{}", String::from_utf8_lossy(&full.body));

    limit_pages(&world, false).await;
    host.send(&world, &waiting).await.unwrap();
    assert_eq!(ready(&mut browser).await, 200);
    let sent: Vec<u64> = (1..host.next).collect();
    assert_eq!(logged(&world), sent, "each once");
    world.abandon().await.unwrap();
    world.resume().await.unwrap();
    assert_eq!(logged(&world), sent, "and after a restart");
}
