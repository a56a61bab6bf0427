//! Pages as portals, proxies and the real targets give them, over loopback.

use super::*;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// Serves one response to one request and returns what was asked.
async fn serve_once(listener: TcpListener, response: &'static [u8]) -> String {
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut request = vec![0; 4096];
    let length = stream.read(&mut request).await.unwrap();
    stream.write_all(response).await.unwrap();
    String::from_utf8_lossy(&request[..length]).into_owned()
}

async fn ask(response: &'static [u8]) -> (Result<Page, String>, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address: SocketAddr = listener.local_addr().unwrap();
    let target = WebTarget::parse(&format!("http://check.example:{}/generate_204", address.port())).unwrap();
    let web = Web::new();
    let (page, request) =
        tokio::join!(web.ask(&target, address.ip(), Duration::from_secs(5)), serve_once(listener, response));
    (page.map(|(_, page)| page), request)
}

#[tokio::test]
async fn a_204_is_the_expected_page_and_the_request_says_little() {
    let (page, request) = ask(b"HTTP/1.1 204 No Content\r\ncontent-length: 0\r\n\r\n").await;
    assert_eq!(page, Ok(Page::Expected));
    let request = request.to_lowercase();
    assert!(request.starts_with("get /generate_204 http/1.1\r\n"), "{request}");
    assert!(request.contains("host: check.example:"), "{request}");
    assert!(!request.contains("user-agent"), "{request}");
    assert!(request.len() < 120, "{} bytes", request.len());
}

#[tokio::test]
async fn a_login_page_in_its_place_is_captive_whatever_its_length_header_says() {
    let (page, _) = ask(b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\n\r\n<html>login</html>").await;
    assert_eq!(page, Ok(Page::Captive("status 200 with a page".to_owned())));
    let (page, _) = ask(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    assert_eq!(page, Ok(Page::Wrong("status 200 without a page, expected 204".to_owned())));
}

#[tokio::test]
async fn a_redirect_is_captive_and_not_followed() {
    let response =
        b"HTTP/1.1 302 Found\r\nlocation: http://portal.example/login?mac=02fc\r\ncontent-length: 0\r\n\r\n";
    let (page, _) = ask(response).await;
    assert_eq!(page, Ok(Page::Captive("redirected to portal.example".to_owned())));
}

#[tokio::test]
async fn a_server_that_is_no_web_server_is_neither() {
    let (page, _) = ask(b"220 mail.example ESMTP\r\n").await;
    assert!(page.is_err(), "{page:?}");
}

#[test]
fn every_status_has_a_meaning() {
    let captive = |page: Page| matches!(page, Page::Captive(_));
    assert!(captive(judge(511, None, false)));
    assert!(captive(judge(307, Some("/login"), false)));
    assert!(captive(judge(203, None, true)));
    for status in [400, 403, 404, 407, 500, 502, 503, 504] {
        assert!(matches!(judge(status, None, false), Page::Wrong(_)), "{status}");
    }
}

#[test]
fn only_plain_web_addresses_are_targets() {
    let refused =
        ["https://a/", "ftp://a/", "http://", "a.example", "http://user:secret@a/", "", "http://a b/"];
    for text in refused {
        assert!(WebTarget::parse(text).is_err(), "{text}");
    }
    let target = WebTarget::parse("http://[2001:db8::1]:8080/x").unwrap();
    assert_eq!(target.address(), "2001:db8::1".parse().ok());
    assert_eq!(target.name(), None);
}
