//! Who sees and may do what.

use super::World;
use crate::model::agency::Scope;
use crate::model::user::Role;
use crate::store::sqlite::api_token::{self, ApiToken};
use axum::http::{Method, StatusCode};

const COLLECTIONS: [&str; 7] =
    ["agencies", "sites", "assets", "agents", "alerts", "work-orders", "enrollments"];

#[tokio::test]
async fn a_district_sees_nothing_of_another_in_any_collection() {
    let world = World::new().await;
    for collection in COLLECTIONS {
        let path = format!("/api/v1/{collection}");
        let of_a = world.get("operator-a", &path).await;
        assert_eq!(of_a.status, StatusCode::OK, "{collection}: {}", of_a.text);
        assert_eq!(of_a.json["items"].as_array().unwrap().len(), 1, "{collection}: {}", of_a.text);
        assert!(
            !of_a.text.contains("Huyện B") && !of_a.text.contains("may-chu-2"),
            "{collection}: {}",
            of_a.text
        );
        let all = world.get("operator-all", &path).await;
        let expected = if collection == "agencies" { 3 } else { 2 };
        assert_eq!(all.json["items"].as_array().unwrap().len(), expected, "{collection}");
    }
    let summary = world.get("viewer-a", "/api/v1/summary").await.json;
    assert_eq!(summary["assets"]["total"], 1);
    assert_eq!(summary["alerts"]["critical"], 1);
    assert_eq!(summary["work_orders"]["open"], 1);
    let users = world.get("admin-a", "/api/v1/users").await;
    assert_eq!(users.json["items"].as_array().unwrap().len(), 3, "{}", users.text);
    assert_eq!(world.get("admin-a", "/api/v1/audit").await.json["items"].as_array().unwrap().len(), 0);
}

#[tokio::test]
async fn a_filter_does_not_widen_the_scope() {
    let world = World::new().await;
    let other = world.b.agency.0;
    for path in [
        format!("/api/v1/assets?agency={other}"),
        format!("/api/v1/assets?site={}", world.b.site),
        format!("/api/v1/alerts?agency={other}"),
        format!("/api/v1/alerts?asset={}", world.b.asset.0),
        format!("/api/v1/work-orders?agency={other}"),
        format!("/api/v1/work-orders?asset={}", world.b.asset.0),
    ] {
        let answer = world.get("viewer-a", &path).await;
        assert_eq!(answer.json["items"].as_array().map(Vec::len), Some(0), "{path}: {}", answer.text);
    }
}

#[tokio::test]
async fn what_is_out_of_scope_is_missing_not_forbidden() {
    let world = World::new().await;
    let (asset, order, alert) = (world.b.asset.0, world.b.order.0, world.b.alert.0);
    for path in [
        format!("/api/v1/assets/{asset}"),
        format!("/api/v1/assets/{asset}/changes"),
        format!("/api/v1/series?asset={asset}&name=system.uptime"),
        format!("/api/v1/series?asset={asset}&name=system.uptime"),
        format!("/api/v1/work-orders/{order}"),
    ] {
        let answer = world.get("admin-a", &path).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        assert_eq!(world.get("admin-b", &path).await.status, StatusCode::OK, "{path}");
    }
    for (method, path, body) in [
        (Method::PATCH, format!("/api/v1/assets/{asset}"), r#"{"name":"x"}"#),
        (Method::PATCH, format!("/api/v1/work-orders/{order}"), r#"{"note":"x"}"#),
        (Method::POST, format!("/api/v1/alerts/{alert}/acknowledge"), "{}"),
        (Method::POST, format!("/api/v1/agents/{}/revoke", world.b.agent), "{}"),
        (Method::POST, format!("/api/v1/agents/{}/accept", world.b.agent), "{}"),
        (Method::POST, "/api/v1/enrollments".to_owned(), r#"{"agency":"Tỉnh/Huyện B","site":"x"}"#),
    ] {
        let answer = world.change(method, "admin-a", &path, Some("*"), body).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}: {}", answer.text);
        assert_eq!(answer.header("content-type"), "application/problem+json");
    }
    let moved = format!(r#"{{"site_id":{}}}"#, world.b.site);
    let path = format!("/api/v1/assets/{}", world.a.asset.0);
    let answer = world.change(Method::PATCH, "admin-a", &path, Some("*"), &moved).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND, "an asset cannot be moved out of sight");
}

#[tokio::test]
async fn each_role_may_do_what_the_one_before_may_and_no_more() {
    let world = World::new().await;
    let asset = format!("/api/v1/assets/{}", world.a.asset.0);
    let alert = format!("/api/v1/alerts/{}/acknowledge", world.a.alert.0);
    let order = format!("/api/v1/work-orders/{}", world.a.order.0);
    let enrollment = r#"{"agency":"Tỉnh/Huyện A","site":"mới"}"#;
    let revoke = format!("/api/v1/agents/{}/revoke", world.a.agent);
    let for_operators: [(Method, &str, &str, StatusCode); 4] = [
        (Method::PATCH, &asset, r#"{"always_on":true}"#, StatusCode::OK),
        (Method::POST, &alert, r#"{"note":"đã biết"}"#, StatusCode::OK),
        (Method::PATCH, &order, r#"{"assignee":"An"}"#, StatusCode::OK),
        (Method::POST, "/api/v1/enrollments", enrollment, StatusCode::CREATED),
    ];
    for (method, path, body, done) in for_operators {
        let as_viewer = world.change(method.clone(), "viewer-a", path, Some("*"), body).await;
        assert_eq!(as_viewer.status, StatusCode::FORBIDDEN, "{path}");
        assert!(as_viewer.json["text"]["vi"].as_str().unwrap().contains("người vận hành"));
        let as_operator = world.change(method, "operator-a", path, Some("*"), body).await;
        assert_eq!(as_operator.status, done, "{path}: {}", as_operator.text);
    }
    for path in ["/api/v1/users", "/api/v1/audit"] {
        assert_eq!(world.get("operator-all", path).await.status, StatusCode::FORBIDDEN);
        assert_eq!(world.get("admin-all", path).await.status, StatusCode::OK);
    }
    assert_eq!(world.get("viewer-a", "/api/v1/enrollments").await.status, StatusCode::FORBIDDEN);
    let as_operator = world.change(Method::POST, "operator-a", &revoke, None, "{}").await;
    assert_eq!(as_operator.status, StatusCode::FORBIDDEN);
    let as_admin = world.change(Method::POST, "admin-a", &revoke, None, "{}").await;
    assert_eq!((as_admin.status, as_admin.json["state"].as_str()), (StatusCode::OK, Some("revoked")));
}

#[tokio::test]
async fn without_a_valid_token_nothing_is_shown() {
    let world = World::new().await;
    for (path, _) in crate::api::description().paths.paths {
        let answer = world.send(Method::GET, &path.replace("{id}", "1"), "192.0.2.1", &[], None).await;
        let expected = [StatusCode::UNAUTHORIZED, StatusCode::METHOD_NOT_ALLOWED];
        assert!(expected.contains(&answer.status), "{path}: {}", answer.status);
    }
    assert_eq!(world.get("nobody", "/api/v1/session").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(world.get("nobody", "/metrics").await.status, StatusCode::UNAUTHORIZED);
    let old = ApiToken { name: "old".into(), role: Role::Admin, scope: Scope::All, expires_ms: Some(1) };
    let sha256 = crate::api::secret::digest(b"old");
    world.write(move |transaction| api_token::insert(transaction, &sha256, &old, 0)).await;
    assert_eq!(world.get("old", "/api/v1/session").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn health_is_open_and_metrics_count_without_naming_hosts() {
    let world = World::new().await;
    for path in ["/healthz", "/readyz"] {
        let answer = world.send(Method::GET, path, "192.0.2.1", &[], None).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text);
    }
    assert_eq!(world.get("admin-a", "/metrics").await.status, StatusCode::NOT_FOUND);
    let metrics = world.get("viewer-all", "/metrics").await.text;
    for line in [
        "tram_agents{presence=\"unknown\"} 2",
        "tram_agents_by_state{state=\"active\"} 2",
        "tram_agent_requests_total{result=\"acknowledged\"} 5",
        "tram_windows_total 0",
        "tram_queue_length 0",
        "tram_build_info{version=\"0.1.0\"} 1",
        "tram_operator_request_seconds_bucket{le=\"+Inf\"} 3",
    ] {
        assert!(metrics.lines().any(|found| found == line), "{line} is not in\n{metrics}");
    }
    assert!(!metrics.contains("may-chu"), "{metrics}");
}
