//! The pages as a browser and a program ask for them, and the texts they are made of.

use super::*;
use axum::http::Request;
use axum::http::header::HeaderName;
use fluent_bundle::FluentResource;
use http_body_util::BodyExt;
use std::collections::{BTreeMap, BTreeSet};
use tower::ServiceExt;

async fn ask(path: &str, headers: &[(HeaderName, &str)]) -> Response {
    let mut request = Request::get(path);
    for (name, value) in headers {
        request = request.header(name, *value);
    }
    router::<()>().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
}

fn header_of<'a>(response: &'a Response, name: &HeaderName) -> &'a str {
    response.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

async fn text_of(response: Response) -> String {
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[tokio::test]
async fn every_page_address_gets_the_page_and_is_asked_for_again() {
    for path in ["/", "/signin", "/assets/12", "/alerts?state=firing", "/maintenance"] {
        let response = ask(path, &[]).await;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        assert_eq!(header_of(&response, &header::CONTENT_TYPE), "text/html; charset=utf-8");
        assert_eq!(header_of(&response, &header::CACHE_CONTROL), "no-cache");
        assert!(text_of(response).await.contains("<title>Trạm</title>"), "{path}");
    }
}

#[tokio::test]
async fn program_addresses_and_missing_files_are_not_pages() {
    for path in [
        "/api/v1/nothing",
        "/api",
        "/install/nothing",
        "/metrics",
        "/agent/v1/x",
        "/_app/immutable/x.js",
        "/x.js",
        "/../x.toml",
    ] {
        assert_eq!(ask(path, &[]).await.status(), StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn files_named_by_digest_are_kept_for_ever_and_sent_compressed() {
    let script = Files::iter().find(|name| name.starts_with(IMMUTABLE) && name.ends_with(".js")).unwrap();
    let path = format!("/{script}");
    let plain = ask(&path, &[]).await;
    assert_eq!(header_of(&plain, &header::CACHE_CONTROL), "public, max-age=31536000, immutable");
    assert_eq!(header_of(&plain, &header::CONTENT_TYPE), "text/javascript; charset=utf-8");
    assert_eq!(header_of(&plain, &header::CONTENT_ENCODING), "");

    let packed = ask(&path, &[(header::ACCEPT_ENCODING, "gzip, br;q=0.9")]).await;
    assert_eq!(header_of(&packed, &header::CONTENT_ENCODING), "br");
    assert_eq!(header_of(&packed, &header::CONTENT_TYPE), "text/javascript; charset=utf-8");
    let refused = ask(&path, &[(header::ACCEPT_ENCODING, "gzip, br;q=0")]).await;
    assert_eq!(header_of(&refused, &header::CONTENT_ENCODING), "gzip");
    assert_eq!(ask(&format!("{path}.br"), &[]).await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_page_that_the_browser_has_is_not_sent_again() {
    let first = ask("/", &[]).await;
    let etag = header_of(&first, &header::ETAG).to_owned();
    let again = ask("/assets", &[(header::IF_NONE_MATCH, &etag)]).await;
    assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
    assert_eq!(text_of(again).await, "");
}

#[tokio::test]
async fn browsers_are_told_to_run_only_our_own_script_and_never_in_a_frame() {
    let response = ask("/", &[]).await;
    let policy = header_of(&response, &header::CONTENT_SECURITY_POLICY).to_owned();
    assert!(
        policy.contains("default-src 'none'") && policy.contains("script-src 'self' 'sha256-"),
        "{policy}"
    );
    assert!(policy.ends_with("frame-ancestors 'none'") && !policy.contains("unsafe-inline"), "{policy}");
}

#[tokio::test]
async fn pages_need_nothing_from_elsewhere() {
    for name in Files::iter().filter(|name| name.ends_with(".html") || name.ends_with(".css")) {
        let file = Files::get(&name).unwrap();
        let text = String::from_utf8_lossy(&file.data);
        for elsewhere in
            ["src=\"http", "src=\"//", "href=\"http", "href=\"//", "url(http", "url(//", "@import"]
        {
            assert!(!text.contains(elsewhere), "{name} asks for {elsewhere}");
        }
    }
}

#[test]
fn both_languages_have_the_same_texts() {
    let vietnamese = keys(include_str!("../../locales/vi/ui.ftl"));
    let english = keys(include_str!("../../locales/en/ui.ftl"));
    assert!(vietnamese.len() > 100, "{} texts", vietnamese.len());
    assert_eq!(vietnamese.keys().collect::<Vec<_>>(), english.keys().collect::<Vec<_>>());
    for (key, values) in &vietnamese {
        // English also looks at a count to choose between singular and plural; Vietnamese has no need to.
        assert!(values.is_subset(&english[key]), "{key} puts in {values:?}, in English {:?}", english[key]);
    }
}

/// Names of messages, each with the names of the values that are put into it.
fn keys(source: &str) -> BTreeMap<String, BTreeSet<String>> {
    FluentResource::try_new(source.to_owned()).map_err(|(_, errors)| errors).unwrap();
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut key = String::new();
    for line in source.lines() {
        if let Some((name, _)) =
            line.split_once(" = ").filter(|_| line.starts_with(|first: char| first.is_ascii_lowercase()))
        {
            key = name.to_owned();
            assert!(found.insert(key.clone(), BTreeSet::new()).is_none(), "{key} stands twice");
        }
        let values = line.split('$').skip(1).filter_map(|rest| rest.split([' ', '}']).next());
        if let Some(names) = found.get_mut(&key) {
            names.extend(values.map(str::to_owned));
        }
    }
    found
}
