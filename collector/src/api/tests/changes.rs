//! Changes: conflicts, the audit, and input that is not taken.

use super::world::{NOW_MS, World};
use crate::enrollment_token;
use crate::model::line::NAME_CHARS_MAX;
use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

#[tokio::test]
async fn of_two_who_change_the_same_the_second_is_told() {
    let world = World::new().await;
    for path in
        [format!("/api/v1/assets/{}", world.a.asset.0), format!("/api/v1/work-orders/{}", world.a.order.0)]
    {
        let read = world.get("operator-a", &path).await;
        let etag = read.header("etag").to_owned();
        assert_eq!(read.json["etag"], etag);
        let body = if path.contains("assets") { r#"{"name":"một"}"# } else { r#"{"note":"một"}"# };
        let first = world.change(Method::PATCH, "operator-a", &path, Some(&etag), body).await;
        assert_eq!(first.status, StatusCode::OK, "{}", first.text);
        assert_ne!(first.header("etag"), etag);
        let second = world.change(Method::PATCH, "operator-a", &path, Some(&etag), body).await;
        assert_eq!(second.status, StatusCode::PRECONDITION_FAILED, "{}", second.text);
        let blind = world.change(Method::PATCH, "operator-a", &path, None, body).await;
        assert_eq!(blind.status, StatusCode::PRECONDITION_REQUIRED, "{}", blind.text);
        let etag = first.header("etag").to_owned();
        let again = world.change(Method::PATCH, "operator-a", &path, Some(&etag), body).await;
        assert_eq!(again.status, StatusCode::OK, "{}", again.text);
    }
}

#[tokio::test]
async fn every_change_is_written_down_and_a_refused_one_is_not() {
    let world = World::new().await;
    let asset = format!("/api/v1/assets/{}", world.a.asset.0);
    world.change(Method::PATCH, "operator-a", &asset, Some("\"1\""), r#"{"name":"tên mới"}"#).await;
    world.change(Method::PATCH, "operator-a", &asset, Some("\"1\""), r#"{"name":"quá muộn"}"#).await;
    let order = format!("/api/v1/work-orders/{}", world.a.order.0);
    world.change(Method::PATCH, "operator-a", &order, Some("*"), r#"{"state":"verified"}"#).await;
    let alert = format!("/api/v1/alerts/{}/acknowledge", world.a.alert.0);
    world.change(Method::POST, "operator-a", &alert, None, r#"{"note":"đã biết"}"#).await;
    let body = r#"{"agency":"Tỉnh/Huyện A/Xã C","site":"Trụ sở"}"#;
    world.change(Method::POST, "operator-a", "/api/v1/enrollments", None, body).await;
    let audit = world.get("admin-all", "/api/v1/audit").await.json;
    let entries: Vec<_> = audit["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| (entry["actor"].as_str().unwrap(), entry["action"].as_str().unwrap()))
        .collect();
    let by = "token:operator-a";
    assert_eq!(entries, [(by, "enrollment.create"), (by, "alert.acknowledge"), (by, "asset.change")]);
    let detail: Value = serde_json::from_str(audit["items"][2]["detail"].as_str().unwrap()).unwrap();
    assert_eq!(detail["name"], json!(["may-chu-1", "tên mới"]));
    assert!(!audit.to_string().contains("tram1_"), "a token is nobody's to read later");
}

#[tokio::test]
async fn an_acknowledgement_names_who_and_when() {
    let world = World::new().await;
    let path = format!("/api/v1/alerts/{}/acknowledge", world.a.alert.0);
    let answer = world.change(Method::POST, "operator-a", &path, None, r#"{"note":"đang xử lý"}"#).await;
    let expected = json!({ "by": "token:operator-a", "at_ms": NOW_MS, "note": "đang xử lý" });
    assert_eq!(answer.json["acknowledged"], expected);
    let listed = world.get("viewer-a", "/api/v1/alerts").await.json["items"][0].clone();
    assert_eq!(listed["acknowledged"], expected);
    assert!(!listed["title"]["vi"].as_str().unwrap().is_empty());
    assert_ne!(listed["title"]["vi"], listed["title"]["en"]);
}

#[tokio::test]
async fn a_work_order_is_closed_only_when_its_signal_has_cleared() {
    let world = World::new().await;
    let path = format!("/api/v1/work-orders/{}", world.a.order.0);
    let change = |body: &'static str| world.change(Method::PATCH, "operator-a", &path, Some("*"), body);
    let too_early = change(r#"{"due_ms":1}"#).await;
    assert_eq!(too_early.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(too_early.json["field"], "due_ms");
    let no_time = change(r#"{"state":"planned"}"#).await;
    assert_eq!(no_time.status, StatusCode::CONFLICT);
    let planned =
        change(r#"{"state":"planned","planned_ms":1795100000000,"assignee":"Trần Thị Bình"}"#).await;
    assert_eq!((planned.json["state"].as_str(), planned.status), (Some("planned"), StatusCode::OK));
    let emptied = change(r#"{"assignee":null}"#).await;
    assert_eq!(emptied.json["assignee"], Value::Null);
    assert_eq!(emptied.json["planned_ms"], 1_795_100_000_000_i64, "what is absent stays");
    let refused = change(r#"{"state":"verified"}"#).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    assert!(refused.json["text"]["vi"].as_str().unwrap().contains("chưa hết"), "{}", refused.text);
    let alert = world.a.alert;
    world
        .write(move |transaction| {
            transaction.execute("UPDATE alert SET state = 'resolved' WHERE id = ?1", [alert.0])?;
            Ok(())
        })
        .await;
    let closed = change(r#"{"state":"done"}"#).await;
    assert_eq!(closed.json["state"], "verified", "{}", closed.text);
    assert_eq!(change(r#"{"note":"x"}"#).await.status, StatusCode::CONFLICT, "closed is closed");
}

#[tokio::test]
async fn names_of_all_kinds_are_kept_or_refused_with_their_reason() {
    let world = World::new().await;
    let path = format!("/api/v1/assets/{}", world.a.asset.0);
    for name in
        ["máy \"chủ\" 'số 1'", "<script>alert('x')</script>", "a && b; DROP TABLE asset;--", "\u{1F5A5} máy"]
    {
        let body = json!({ "name": name }).to_string();
        let answer = world.change(Method::PATCH, "operator-a", &path, Some("*"), &body).await;
        assert_eq!((answer.status, answer.json["name"].as_str()), (StatusCode::OK, Some(name)));
        assert_eq!(answer.header("content-type"), "application/json");
    }
    let long = "x".repeat(10_000);
    for (name, why) in [
        ("a\nb", "U+000A"),
        ("a\u{202E}b", "U+202E"),
        ("\u{200F}a", "U+200F"),
        (" ", "must not be empty"),
        (long.as_str(), "10000 characters"),
    ] {
        let body = json!({ "name": name }).to_string();
        let answer = world.change(Method::PATCH, "operator-a", &path, Some("*"), &body).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", answer.text);
        assert_eq!(answer.json["field"], "name");
        assert!(answer.json["detail"].as_str().unwrap().contains(why), "{}", answer.text);
        assert!(answer.json["text"]["vi"].as_str().unwrap().starts_with("name "), "{}", answer.text);
    }
    let exact = json!({ "name": "ạ".repeat(NAME_CHARS_MAX) }).to_string();
    let answer = world.change(Method::PATCH, "operator-a", &path, Some("*"), &exact).await;
    assert_eq!(answer.status, StatusCode::OK, "the bound counts characters, not bytes");
}

#[tokio::test]
async fn bodies_and_queries_that_make_no_sense_are_answered_clearly() {
    let world = World::new().await;
    let asset = format!("/api/v1/assets/{}", world.a.asset.0);
    let huge = json!({ "name": "x".repeat(100_000) }).to_string();
    let deep = "[".repeat(10_000);
    for (body, status) in [
        ("", StatusCode::BAD_REQUEST),
        ("{", StatusCode::BAD_REQUEST),
        ("null", StatusCode::BAD_REQUEST),
        (r#"{"colour":"red"}"#, StatusCode::BAD_REQUEST),
        (r#"{"kind":"toaster"}"#, StatusCode::BAD_REQUEST),
        (r#"{"site_id":1e99}"#, StatusCode::BAD_REQUEST),
        (r#"{"site_id":999}"#, StatusCode::NOT_FOUND),
        (deep.as_str(), StatusCode::BAD_REQUEST),
        (huge.as_str(), StatusCode::PAYLOAD_TOO_LARGE),
    ] {
        let answer = world.change(Method::PATCH, "operator-a", &asset, Some("*"), body).await;
        let start = body.get(..20).unwrap_or(body);
        assert_eq!(answer.status, status, "{start}: {}", answer.text);
        assert_eq!(answer.json["status"], status.as_u16(), "{start}");
        assert!(answer.json["text"]["vi"].is_string() && answer.json["text"]["en"].is_string());
    }
    for path in [
        "/api/v1/assets?limit=0",
        "/api/v1/assets?limit=501",
        "/api/v1/assets?limit=-1",
        "/api/v1/assets?cursor=%27",
        "/api/v1/assets?kind=toaster",
        "/api/v1/assets?unknown=1",
        "/api/v1/agents?cursor=xyz",
        "/api/v1/series?asset=1",
        "/api/v1/series?asset=1&name=x&from_ms=5&to_ms=4",
        "/api/v1/series?asset=1&name=x&step_s=0",
        "/api/v1/series?name=x",
        "/api/v1/series?asset=1&name=x%7B",
        "/api/v1/series?asset=1&name=x&figures=median",
        "/api/v1/latest?name=x,y",
        "/api/v1/latest?name=x&limit=0",
        "/api/v1/latest?name=x&order=up",
    ] {
        let answer = world.get("viewer-all", path).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{path}: {}", answer.text);
        assert!(answer.json["field"].is_string(), "{path}: {}", answer.text);
    }
    for path in ["/api/v1/assets/x", "/api/v1/nothing", "/api/v2/assets", "/api/v1/work-orders/99999"] {
        let answer = world.get("viewer-all", path).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        assert_eq!(answer.header("content-type"), "application/problem+json", "{path}");
    }
    let answer = world.change(Method::PUT, "admin-all", "/api/v1/assets", None, "{}").await;
    assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn an_enrolment_makes_what_is_absent_and_shows_its_token_once() {
    let world = World::new().await;
    let body = r#"{"agency":"Tỉnh/Huyện A/Xã Lũng Cú","site":"Trụ sở xã","uses":30,"expires_s":3600}"#;
    let made = world.change(Method::POST, "operator-a", "/api/v1/enrollments", None, body).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let pinned = enrollment_token::pinned(made.json["token"].as_str().unwrap());
    assert_eq!(pinned, Some(([7; 32], NOW_MS)));
    assert_eq!(made.json["expires_ms"], NOW_MS + 3_600_000);
    let command = made.json["command"].as_str().unwrap();
    let token = made.json["token"].as_str().unwrap();
    assert!(command.starts_with("tram-agent enroll --collector https://"), "no package is served: {command}");
    assert!(command.ends_with(&format!(" --token {token}")), "{command}");
    let listed = world.get("operator-a", "/api/v1/enrollments").await;
    assert_eq!(listed.json["items"][0]["agency"]["name"], "Xã Lũng Cú");
    assert!(!listed.text.contains("tram1_"));
    for (body, field) in [
        (r#"{"agency":"Tỉnh/Huyện A","site":"x","uses":0}"#, "uses"),
        (r#"{"agency":"Tỉnh/Huyện A","site":"x","expires_s":999999999}"#, "expires_s"),
        (r#"{"agency":"Tỉnh//x","site":"x"}"#, "agency"),
        (r#"{"agency":"a/b/c/d/e/f/g","site":"x"}"#, "agency"),
        (r#"{"agency":"Tỉnh/Huyện A","site":""}"#, "site"),
    ] {
        let answer = world.change(Method::POST, "operator-all", "/api/v1/enrollments", None, body).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{body}: {}", answer.text);
        assert_eq!(answer.json["field"], field, "{body}");
    }
}

#[tokio::test]
async fn a_quarantined_agent_is_accepted_once() {
    let world = World::new().await;
    let agent = world.a.agent;
    let path = format!("/api/v1/agents/{agent}/accept");
    let active = world.change(Method::POST, "admin-a", &path, None, "{}").await;
    assert_eq!(active.status, StatusCode::CONFLICT);
    world
        .write(move |transaction| {
            transaction.execute("UPDATE agent SET state = 'quarantined' WHERE id = ?1", [agent.0])?;
            Ok(())
        })
        .await;
    let accepted = world.change(Method::POST, "admin-a", &path, None, "{}").await;
    assert_eq!((accepted.status, accepted.json["state"].as_str()), (StatusCode::OK, Some("active")));
}

#[tokio::test]
async fn a_policy_is_put_within_the_callers_scope_and_read_back_with_its_version() {
    let world = World::new().await;
    let path = format!("/api/v1/sites/{}/policy", world.a.site);
    let before = world.get("viewer-a", &path).await;
    assert_eq!((before.json["version"].as_i64(), before.header("etag")), (Some(0), "\"0\""));
    let body = r#"{"sample_interval_s":30,"probes":[{"kind":"tcp","host":"portal","port":443}]}"#;
    let put = async |who: &str, path: &str, etag: Option<&str>, body: &str| {
        world.change(Method::PUT, who, path, etag, body).await.status
    };
    assert_eq!(put("viewer-a", &path, Some("\"0\""), body).await, StatusCode::FORBIDDEN);
    assert_eq!(put("operator-a", &path, None, body).await, StatusCode::PRECONDITION_REQUIRED);
    assert_eq!(put("operator-a", &path, Some("\"0\""), body).await, StatusCode::OK);
    assert_eq!(put("operator-a", &path, Some("\"0\""), body).await, StatusCode::PRECONDITION_FAILED);
    let after = world.get("viewer-a", &path).await.json;
    assert_eq!(after["policy"], serde_json::from_str::<serde_json::Value>(body).unwrap());
    let other = format!("/api/v1/sites/{}/policy", world.b.site);
    assert_eq!(put("operator-a", &other, Some("*"), body).await, StatusCode::NOT_FOUND);
    assert_eq!(put("operator-a", "/api/v1/policy", Some("*"), body).await, StatusCode::NOT_FOUND);
    assert_eq!(put("operator-all", "/api/v1/policy", Some("*"), body).await, StatusCode::OK);
    let agency = format!("/api/v1/agencies/{}/policy", world.a.agency.0);
    assert_eq!(put("operator-a", &agency, Some("*"), "{}").await, StatusCode::OK);
    for wrong in [r#"{"sample_interval_s":1}"#, r#"{"probes":[{"kind":"tcp","host":"","port":1}]}"#] {
        assert_eq!(
            put("operator-a", &path, Some("*"), wrong).await,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{wrong}"
        );
    }
    assert_eq!(put("operator-a", &path, Some("*"), r#"{"run":"x"}"#).await, StatusCode::BAD_REQUEST);
    let audit = world.get("admin-all", "/api/v1/audit").await.json["items"][0].clone();
    assert_eq!(audit["action"], "policy.put");
}

#[tokio::test]
async fn what_a_sites_uplink_can_bear_is_changed_within_the_callers_scope_and_written_down() {
    let world = World::new().await;
    let path = format!("/api/v1/sites/{}", world.a.site);
    let before = world.get("viewer-a", &path).await;
    assert!(before.json["history_bytes_per_minute"].is_null());
    let etag = before.header("etag").to_owned();
    assert_eq!(before.json["etag"], etag);
    let body = r#"{"history_bytes_per_minute":240000}"#;
    let patch = async |who: &str, path: &str, etag: Option<&str>, body: &str| {
        world.change(Method::PATCH, who, path, etag, body).await.status
    };
    assert_eq!(patch("viewer-a", &path, Some(&etag), body).await, StatusCode::FORBIDDEN);
    assert_eq!(patch("operator-a", &path, None, body).await, StatusCode::PRECONDITION_REQUIRED);
    assert_eq!(patch("operator-a", &path, Some(&etag), body).await, StatusCode::OK);
    assert_eq!(patch("operator-a", &path, Some(&etag), body).await, StatusCode::PRECONDITION_FAILED);
    assert_eq!(world.get("viewer-a", &path).await.json["history_bytes_per_minute"], 240_000);
    let other = format!("/api/v1/sites/{}", world.b.site);
    assert_eq!(patch("operator-a", &other, Some("*"), body).await, StatusCode::NOT_FOUND);
    assert_eq!(world.get("viewer-a", &other).await.status, StatusCode::NOT_FOUND);
    let little = r#"{"history_bytes_per_minute":100}"#;
    assert_eq!(patch("operator-a", &path, Some("*"), little).await, StatusCode::UNPROCESSABLE_ENTITY);
    for wrong in ["{}", r#"{"name":"x"}"#, r#"{"history_bytes_per_minute":-1}"#] {
        assert_eq!(patch("operator-a", &path, Some("*"), wrong).await, StatusCode::BAD_REQUEST, "{wrong}");
    }
    let none = r#"{"history_bytes_per_minute":null}"#;
    assert_eq!(patch("operator-a", &path, Some("*"), none).await, StatusCode::OK);
    let audit = world.get("admin-all", "/api/v1/audit").await.json;
    let details: Vec<&str> = (0..2).map(|at| audit["items"][at]["detail"].as_str().unwrap()).collect();
    let detail = |before: &str, after: &str| format!(r#"{{"history_bytes_per_minute":[{before},{after}]}}"#);
    assert_eq!(details, [detail("240000", "null"), detail("null", "240000")]);
}
