//! Lists and single things: pages, filters, what an asset looks like, headers.

use super::world::{NOW_MS, World};
use crate::latest::Host;
use crate::model::agency::SiteId;
use crate::model::agent::{AgentId, AgentState};
use crate::model::asset::AssetKind;
use crate::model::catalogue::{Attributes, Catalogue, CatalogueId, Column, Kind};
use crate::model::part_change::{PartChange, What};
use crate::series::Sample;
use crate::series::tier::Tier;
use crate::store::sqlite::agent;
use crate::store::sqlite::part_change;
use axum::http::{Method, StatusCode};
use std::sync::Arc;
use tram_proto::sample;

#[tokio::test]
async fn pages_cover_everything_once() {
    let world = World::new().await;
    let site = SiteId(world.a.site);
    world
        .write(move |transaction| {
            for number in 0..23 {
                agent::add_asset(transaction, site, &format!("máy trạm {number}"), AssetKind::Workstation)?;
            }
            Ok(())
        })
        .await;
    let mut seen = Vec::new();
    let mut path = "/api/v1/assets?limit=10".to_owned();
    loop {
        let page = world.get("viewer-a", &path).await;
        assert!(page.ids().len() <= 10);
        seen.extend(page.ids());
        match page.json["next"].as_str() {
            Some(next) => path = format!("/api/v1/assets?limit=10&cursor={next}"),
            None => break,
        }
    }
    let mut once = seen.clone();
    once.sort_unstable();
    once.dedup();
    assert_eq!((seen.len(), once), (24, seen));
    let exact = world.get("viewer-a", "/api/v1/assets?limit=24").await;
    assert_eq!(exact.json["next"], serde_json::Value::Null);
}

#[tokio::test]
async fn filters_hold_across_pages() {
    let world = World::new().await;
    let site = SiteId(world.a.site);
    world
        .write(move |transaction| {
            for number in 0..7 {
                agent::add_asset(transaction, site, &format!("Máy In {number}"), AssetKind::Printer)?;
                agent::add_asset(transaction, site, &format!("máy trạm {number}"), AssetKind::Workstation)?;
            }
            Ok(())
        })
        .await;
    let first = world.get("viewer-all", "/api/v1/assets?search=m%C3%A1y%20in&limit=5").await;
    assert_eq!(first.ids().len(), 5);
    let next = first.json["next"].as_str().unwrap();
    let path = format!("/api/v1/assets?search=m%C3%A1y%20in&limit=5&cursor={next}");
    assert_eq!(world.get("viewer-all", &path).await.ids().len(), 2);
    assert_eq!(world.get("viewer-all", "/api/v1/assets?kind=printer").await.ids().len(), 7);
    assert_eq!(world.get("viewer-all", "/api/v1/assets?state=up").await.ids().len(), 0);
    assert_eq!(world.get("viewer-all", "/api/v1/assets?state=unknown").await.ids().len(), 16);
    assert_eq!(world.get("viewer-all", "/api/v1/alerts?severity=critical").await.ids(), [2, 1]);
    assert_eq!(world.get("viewer-all", "/api/v1/alerts?limit=1").await.json["next"], "i2");
    assert_eq!(world.get("viewer-all", "/api/v1/alerts?limit=1&cursor=i2").await.ids(), [1]);
    assert_eq!(world.get("viewer-all", "/api/v1/alerts?state=resolved").await.ids().len(), 0);
    assert_eq!(world.get("viewer-all", "/api/v1/work-orders?ready=true").await.ids().len(), 0);
    assert_eq!(world.get("viewer-all", "/api/v1/work-orders?state=open&ready=false").await.ids(), [2, 1]);
    let agents = world.get("viewer-all", "/api/v1/agents?limit=1").await.json;
    let next = agents["next"].as_str().unwrap();
    let rest = world.get("viewer-all", &format!("/api/v1/agents?limit=1&cursor={next}")).await.json;
    assert_eq!((rest["items"][0]["asset_name"].as_str(), rest["next"].as_str()), (Some("may-chu-2"), None));
}

fn catalogue() -> Arc<Catalogue> {
    let column = |name: &str, kind, scale| Column {
        name: name.to_owned(),
        attributes: Attributes::new(),
        unit: "By".to_owned(),
        scale,
        kind,
    };
    let columns = vec![
        column(sample::MEMORY_AVAILABLE, Kind::Gauge, 0),
        column(sample::MEMORY_LIMIT, Kind::Gauge, 0),
        column(sample::NETWORK_IO, Kind::Counter, 0),
    ];
    let resource = [("host.name".to_owned(), "may-chu-1".to_owned())].into_iter().collect();
    Arc::new(Catalogue { id: CatalogueId([9; 16]), resource, columns: columns.into() })
}

#[tokio::test]
async fn an_asset_shows_what_its_host_last_said() {
    let world = World::new().await;
    let mut host = Host::new(world.a.agent, world.a.asset, AssetKind::Server, true, AgentState::Active);
    host.catalogue = Some(catalogue());
    host.values = Arc::from([Some(25), Some(100), None]);
    host.received_ms = NOW_MS - 5;
    host.presence = crate::health::Presence::Up;
    host.clock_offset_ms = Some(-1_500);
    world.memory.latest.put(&host);
    let asset = world.get("viewer-a", &format!("/api/v1/assets/{}", world.a.asset.0)).await.json;
    assert_eq!((asset["state"].as_str(), asset["memory"].as_f64()), (Some("up"), Some(0.75)));
    assert_eq!((asset["cpu"].as_f64(), asset["last_seen_ms"].as_i64()), (None, Some(NOW_MS - 5)));
    assert_eq!(asset["clock_offset_s"], -1.5);
    assert_eq!(asset["resource"]["host.name"], "may-chu-1");
    assert_eq!((&asset["values"][0]["value"], &asset["values"][2]["value"]), (&25.0.into(), &().into()));
    assert_eq!(asset["agency"]["name"], "Huyện A");
    let listed = world.get("viewer-a", "/api/v1/assets?state=up").await.json;
    assert_eq!(listed["items"][0]["agent"]["id"], world.a.agent.to_string());
    assert_eq!(world.get("viewer-a", "/api/v1/summary").await.json["assets"]["up"], 1);
}

#[tokio::test]
async fn the_history_comes_in_whole_steps_with_a_place_for_each() {
    let world = World::new().await;
    let catalogue = catalogue();
    for step in 0..8_i64 {
        let sample = Sample {
            tier: Tier::Raw,
            agent: world.a.agent,
            catalogue: &catalogue,
            time_ms: NOW_MS - 300_000 + step * 15_000,
            values: &[Some(step), Some(100), Some(step * 150)],
            log: step + 1,
        };
        world.memory.series.append(&[sample], NOW_MS);
    }
    let ask = |more: &str| {
        let (from_ms, names) = (NOW_MS - 300_000, [sample::MEMORY_AVAILABLE, sample::NETWORK_IO].join(","));
        format!("/api/v1/series?asset={}&name={names}&from_ms={from_ms}&step_s=60{more}", world.a.asset.0)
    };
    let history = world.get("viewer-a", &ask("")).await.json;
    let (from_ms, to_ms) = (history["from_ms"].as_i64().unwrap(), history["to_ms"].as_i64().unwrap());
    assert!(from_ms % 60_000 == 0 && to_ms % 60_000 == 0 && from_ms <= NOW_MS - 300_000 && to_ms >= NOW_MS);
    let [level, rate] = history["series"].as_array().unwrap().as_slice() else { panic!("{history}") };
    assert_eq!((level["kind"].as_str(), rate["kind"].as_str()), (Some("gauge"), Some("rate")));
    for figures in ["min", "max", "mean"] {
        assert_eq!(level[figures].as_array().unwrap().len() as i64, (to_ms - from_ms) / 60_000, "{history}");
    }
    let rates: Vec<f64> = rate["mean"].as_array().unwrap().iter().filter_map(|mean| mean.as_f64()).collect();
    assert!(!rates.is_empty() && rates.iter().all(|rate| (rate - 10.0).abs() < 1e-6), "{rate}");
    let means = world.get("viewer-a", &ask("&figures=mean")).await.json;
    assert_eq!((&means["series"][0]["mean"], means["series"][0]["min"].is_null()), (&level["mean"], true));
    let counts = world.get("viewer-a", &ask("&figures=count,last")).await.json;
    let sum = |series: &serde_json::Value| -> u64 {
        series["count"].as_array().unwrap().iter().filter_map(serde_json::Value::as_u64).sum()
    };
    assert_eq!((sum(&counts["series"][0]), sum(&counts["series"][1])), (8, 7), "{counts}");
    let last = counts["series"][0]["last"].as_array().unwrap().iter().rev().find_map(|last| last.as_f64());
    assert_eq!(last, level["max"].as_array().unwrap().iter().rev().find_map(|max| max.as_f64()));
    let tiers = history["tiers"].as_array().unwrap();
    assert_eq!((tiers.len(), tiers[0]["tier"].as_str()), (1, Some("raw")), "{history}");
    assert_eq!(tiers[0]["from_ms"].as_i64(), Some(NOW_MS - 300_000));
    let none = world.get("viewer-a", &ask("").replace(sample::NETWORK_IO, "no.such")).await.json;
    assert_eq!(none["series"].as_array().map(Vec::len), Some(1));
    let too_fine = ask(&format!("&to_ms={}", NOW_MS + 90_000_000)).replace("step_s=60", "step_s=1");
    let too_fine = world.get("viewer-a", &too_fine).await;
    assert_eq!(too_fine.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(too_fine.json.to_string().contains("step_s must be at least 10"), "{}", too_fine.json);
}

#[tokio::test]
async fn a_caller_who_goes_in_the_middle_of_a_big_answer_ends_the_work() {
    let world = World::new().await;
    let columns = (0..50).map(|number| Column {
        name: sample::NETWORK_IO.into(),
        attributes: [("network.interface.name".to_owned(), format!("eth{number}"))].into_iter().collect(),
        unit: "By".into(),
        scale: 0,
        kind: Kind::Gauge,
    });
    let catalogue = Arc::new(Catalogue {
        id: CatalogueId([9; 16]),
        resource: Default::default(),
        columns: columns.collect(),
    });
    let values = vec![Some(1_000_000); 50];
    let (tier, agent, time_ms, log) = (Tier::Raw, world.a.agent, NOW_MS - 60_000, 1);
    let one = Sample { tier, agent, catalogue: &catalogue, time_ms, values: &values, log };
    world.memory.series.append(&[one], NOW_MS);
    let from_ms = NOW_MS - 9_900_000;
    let path = format!(
        "/api/v1/series?asset={}&name={}&from_ms={from_ms}&step_s=1",
        world.a.asset.0,
        sample::NETWORK_IO
    );
    for gone in 1..=6 {
        let headers = [("authorization", "Bearer viewer-a")];
        let answer = world.begin(Method::GET, &path, "192.0.2.1", &headers, None).await;
        assert_eq!(answer.status(), StatusCode::OK);
        // Seven megabytes, of which a quarter waits at most.
        drop(answer);
        while world.state.abandoned.load(std::sync::atomic::Ordering::Relaxed) < gone {
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        }
    }
    let small = format!("/api/v1/series?asset={}&name=no.such", world.a.asset.0);
    assert_eq!(world.get("viewer-a", &small).await.status, StatusCode::OK, "no turn was lost");
}

#[tokio::test]
async fn the_latest_values_of_a_fleet_come_sorted_and_within_the_scope() {
    let world = World::new().await;
    for (place, at) in [(20, &world.a), (70, &world.b)] {
        let mut host = Host::new(at.agent, at.asset, AssetKind::Server, true, AgentState::Active);
        host.site = SiteId(at.site);
        host.catalogue = Some(catalogue());
        host.values = Arc::from([Some(place), Some(100), None]);
        host.at_ms = NOW_MS;
        world.memory.latest.put(&host);
        // Another agent was on this asset before: what it said last is not the asset's.
        (host.agent, host.state) = (AgentId([place as u8; 16]), AgentState::Revoked);
        host.values = Arc::from([Some(99), Some(100), None]);
        world.memory.latest.put(&host);
    }
    let ask = |more: &str| format!("/api/v1/latest?name={}{more}", sample::MEMORY_AVAILABLE);
    let values = |json: &serde_json::Value| -> Vec<f64> {
        json["items"].as_array().unwrap().iter().map(|item| item["value"].as_f64().unwrap()).collect()
    };
    let all = world.get("viewer-all", &ask("")).await.json;
    assert_eq!((values(&all), all["total"].as_u64()), (vec![70.0, 20.0], Some(2)));
    assert_eq!(all["items"][1]["asset"]["id"], world.a.asset.0);
    for (more, expected) in [
        ("&order=asc&limit=1", &[20.0][..]),
        ("&limit=1", &[70.0]),
        ("&kind=server", &[70.0, 20.0]),
        ("&kind=printer", &[]),
    ] {
        let answer = world.get("viewer-all", &ask(more)).await.json;
        assert_eq!(values(&answer), expected, "{more}");
        assert_eq!(answer["total"], if expected.is_empty() { 0 } else { 2 }, "{more}");
    }
    assert_eq!(values(&world.get("viewer-a", &ask("")).await.json), [20.0]);
    let site = format!("&site={}", world.b.site);
    assert_eq!(values(&world.get("viewer-all", &ask(&site)).await.json), [70.0]);
    assert!(values(&world.get("viewer-a", &ask(&site)).await.json).is_empty());
}

#[tokio::test]
async fn browsers_are_told_to_be_careful() {
    let world = World::new().await;
    for path in ["/api/v1/summary", "/healthz", "/install/ca.pem", "/no/such/page"] {
        let answer = world.get("viewer-all", path).await;
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("x-frame-options"), "DENY", "{path}");
        assert!(answer.header("content-security-policy").contains("frame-ancestors 'none'"), "{path}");
    }
    assert_eq!(world.get("viewer-all", "/api/v1/summary").await.header("cache-control"), "no-store");
}

#[tokio::test]
async fn the_description_is_served_and_every_field_of_an_answer_is_in_it() {
    let world = World::new().await;
    let api = world.send(Method::GET, "/api/v1/openapi.json", "192.0.2.1", &[], None).await.json;
    let required = |schema: &str| -> Vec<String> {
        let schema = &api["components"]["schemas"][schema];
        let object = if schema["required"].is_array() { schema } else { &schema["allOf"][1] };
        serde_json::from_value(object["required"].clone()).unwrap()
    };
    for (path, schema) in [
        ("/api/v1/assets".to_owned(), "Asset"),
        ("/api/v1/alerts".to_owned(), "Alert"),
        ("/api/v1/work-orders".to_owned(), "WorkOrder"),
        ("/api/v1/agents".to_owned(), "Agent"),
        ("/api/v1/enrollments".to_owned(), "Enrollment"),
        ("/api/v1/sites".to_owned(), "Site"),
        ("/api/v1/agencies".to_owned(), "Agency"),
        ("/api/v1/users".to_owned(), "User"),
    ] {
        let answer = world.get("admin-all", &path).await.json;
        let item = answer["items"][0].as_object().unwrap();
        let mut fields: Vec<String> = item.keys().cloned().collect();
        let mut expected = required(schema);
        fields.sort();
        expected.sort();
        assert_eq!(fields, expected, "{path}");
    }
}

#[tokio::test]
async fn changes_of_an_assets_parts_come_newest_first_page_by_page() {
    let world = World::new().await;
    let asset = world.a.asset;
    let change = |part: &str, what| PartChange {
        kind: "physical_disk".into(),
        part: part.into(),
        what,
        before: "ST1000 AAAA1".into(),
        after: String::new(),
    };
    let changes =
        [change("sda", What::Vanished), change("sdb", What::Replaced), change("sdc", What::Vanished)];
    world.write(move |transaction| part_change::add(transaction, asset, &changes, 1_000)).await;
    let first = world.get("viewer-a", &format!("/api/v1/assets/{}/changes?limit=2", asset.0)).await.json;
    let parts = |json: &serde_json::Value| -> Vec<String> {
        let items = json["items"].as_array().unwrap().iter();
        items
            .map(|item| format!("{} {}", item["part"].as_str().unwrap(), item["what"].as_str().unwrap()))
            .collect()
    };
    assert_eq!(parts(&first), ["sdc vanished", "sdb replaced"]);
    let next = first["next"].as_str().unwrap();
    let second =
        world.get("viewer-a", &format!("/api/v1/assets/{}/changes?cursor={next}", asset.0)).await.json;
    assert_eq!((parts(&second), second["next"].is_null()), (vec!["sda vanished".to_owned()], true));
}
