//! Signing in and out, and what keeps others from doing so.

use super::world::{NOW_MS, PASSWORD, World};
use crate::api::caller::SESSION_MS;
use crate::api::login::PAIR_MAX_MS;
use axum::http::{Method, StatusCode};

const HERE: &str = "192.0.2.1";
const THERE: &str = "192.0.2.2";
const OWN_PAGE: (&str, &str) = ("origin", "https://tram.test:8440");

fn cookie(answer: &super::Answer) -> String {
    answer.header("set-cookie").split(';').next().unwrap().to_owned()
}

#[tokio::test]
async fn a_session_is_opened_used_and_ended() {
    let world = World::new().await;
    let answer = world.sign_in(HERE, "operator-a", PASSWORD).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    assert_eq!(answer.json["user"]["role"], "operator");
    assert_eq!(answer.json["user"]["agency_id"], world.a.agency.0);
    let header = answer.header("set-cookie");
    for word in ["tram_session=", "HttpOnly", "Secure", "SameSite=Strict", "Path=/"] {
        assert!(header.contains(word), "{header}");
    }
    let cookie = cookie(&answer);
    let who = world.send(Method::GET, "/api/v1/session", HERE, &[("cookie", &cookie)], None).await;
    assert_eq!(who.json["user"]["name"], "operator-a");
    let end = [("cookie", cookie.as_str()), OWN_PAGE];
    let ended = world.send(Method::DELETE, "/api/v1/session", HERE, &end, None).await;
    assert_eq!(ended.status, StatusCode::NO_CONTENT);
    let who = world.send(Method::GET, "/api/v1/session", HERE, &[("cookie", &cookie)], None).await;
    assert_eq!(who.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_session_lives_12_hours_beyond_its_last_use() {
    let world = World::new().await;
    let cookie = cookie(&world.sign_in(HERE, "viewer-a", PASSWORD).await);
    for _ in 0..3 {
        world.advance_ms(SESSION_MS - 1_000);
        let who = world.send(Method::GET, "/api/v1/session", HERE, &[("cookie", &cookie)], None).await;
        assert_eq!(who.status, StatusCode::OK);
    }
    world.advance_ms(SESSION_MS);
    let who = world.send(Method::GET, "/api/v1/session", HERE, &[("cookie", &cookie)], None).await;
    assert_eq!(who.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn only_the_hash_of_a_secret_is_stored() {
    let world = World::new().await;
    let cookie = cookie(&world.sign_in(HERE, "viewer-a", PASSWORD).await);
    let secret = cookie.split_once('=').unwrap().1.to_owned();
    let expected = crate::api::secret::digest(secret.as_bytes());
    let stored = world.state.read(|connection| {
        let mut statement = connection.prepare("SELECT sha256 FROM session")?;
        let rows = statement.query_map([], |row| row.get::<_, [u8; 32]>(0))?;
        Ok(rows.collect::<Result<Vec<_>, _>>()?)
    });
    assert_eq!(stored.await.unwrap(), [expected]);
}

#[tokio::test]
async fn a_thousand_wrong_passwords_lock_nobody_out_for_long() {
    let world = World::new().await;
    let mut refused = 0;
    for _ in 0..1_000 {
        let answer = world.sign_in(HERE, "admin-all", "sai").await;
        assert!(matches!(answer.status, StatusCode::UNAUTHORIZED | StatusCode::TOO_MANY_REQUESTS));
        refused += u32::from(answer.status == StatusCode::TOO_MANY_REQUESTS);
        world.advance_ms(50);
    }
    assert!(refused > 900, "{refused} of 1000 were refused unchecked");
    assert_eq!(world.sign_in(THERE, "admin-all", PASSWORD).await.status, StatusCode::OK);
    let here = world.sign_in(HERE, "admin-all", PASSWORD).await;
    assert_eq!(here.status, StatusCode::TOO_MANY_REQUESTS, "guessing goes on being held up");
    let wait_s: i64 = here.header("retry-after").parse().unwrap();
    assert!(wait_s * 1_000 <= PAIR_MAX_MS, "{wait_s}");
    world.advance_ms(wait_s * 1_000);
    assert_eq!(world.sign_in(HERE, "admin-all", PASSWORD).await.status, StatusCode::OK);
    assert_eq!(world.sign_in(HERE, "viewer-a", PASSWORD).await.status, StatusCode::OK, "others go on");
}

#[tokio::test]
async fn an_unknown_name_and_a_wrong_password_look_the_same() {
    let world = World::new().await;
    let wrong = world.sign_in(HERE, "viewer-a", "sai").await;
    let unknown = world.sign_in(HERE, "không có", "sai").await;
    let long = world.sign_in(HERE, &"x".repeat(10_000), "sai").await;
    for answer in [&unknown, &long] {
        assert_eq!((answer.status, &answer.json), (wrong.status, &wrong.json));
    }
}

#[tokio::test]
async fn another_sites_page_changes_nothing() {
    let world = World::new().await;
    let cookie = cookie(&world.sign_in(HERE, "operator-a", PASSWORD).await);
    let path = format!("/api/v1/alerts/{}/acknowledge", world.a.alert.0);
    let with = |extra: Option<(&'static str, &'static str)>| {
        let mut headers = vec![("cookie", cookie.as_str())];
        headers.extend(extra);
        let (world, path) = (&world, path.as_str());
        async move { world.send(Method::POST, path, HERE, &headers, Some("{}")).await.status }
    };
    assert_eq!(with(None).await, StatusCode::FORBIDDEN);
    assert_eq!(with(Some(("origin", "https://evil.test"))).await, StatusCode::FORBIDDEN);
    assert_eq!(with(Some(OWN_PAGE)).await, StatusCode::OK);
    assert_eq!(with(Some(("x-tram-request", "1"))).await, StatusCode::OK);
    let body = format!(r#"{{"name":"viewer-a","password":"{PASSWORD}"}}"#);
    let evil = [("origin", "https://evil.test")];
    let answer = world.send(Method::POST, "/api/v1/session", HERE, &evil, Some(&body)).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN, "nobody is signed in by another site");
}

#[tokio::test]
async fn signing_in_is_written_down_with_the_address() {
    let world = World::new().await;
    world.sign_in(THERE, "viewer-a", PASSWORD).await;
    let entry = world.get("admin-all", "/api/v1/audit").await.json["items"][0].clone();
    assert_eq!((entry["actor"].as_str(), entry["address"].as_str()), (Some("viewer-a"), Some(THERE)));
    assert_eq!((entry["action"].as_str(), entry["at_ms"].as_i64()), (Some("session.open"), Some(NOW_MS)));
}
