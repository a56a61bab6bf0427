//! The way to the collector as this host's administrator set it, and the proxy on it: HTTP CONNECT or SOCKS5, with a name and password where it wants them. It carries
//! bytes; whom the agent believes at their end is not its business. Knows nothing of what is sent.

use reqwest::Url;
use rustls::pki_types::ServerName;
use std::fmt;

/// How this host's administrator wants the collector reached.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Route {
    /// Its addresses in order of preference, `https://HOST:PORT`; empty: the one enrolled with.
    pub collectors: Vec<String>,
    /// The proxy on the way there.
    pub proxy: Option<Proxy>,
    /// Its authority, DER, when it was given in advance: no other is believed, whatever a token says.
    pub ca: Option<Vec<u8>>,
}

/// How a proxy is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// HTTP `CONNECT`.
    Http,
    /// HTTP `CONNECT`, itself under TLS.
    Https,
    /// SOCKS5; names are resolved by this host.
    Socks5,
    /// SOCKS5; names are resolved by the proxy.
    Socks5h,
}

impl Kind {
    const ALL: [(Self, &'static str, u16); 4] = [
        (Self::Http, "http", 80),
        (Self::Https, "https", 443),
        (Self::Socks5, "socks5", 1_080),
        (Self::Socks5h, "socks5h", 1_080),
    ];
}

/// An address that is not a proxy's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}: expected http://USER@HOST:PORT, https://.., socks5://.. or socks5h://..")]
pub struct InvalidProxy(pub String);

/// A proxy.
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy {
    /// How it is spoken to.
    pub kind: Kind,
    /// Its name or address, without brackets.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// What it wants to be told; none: nothing.
    pub credentials: Option<Credentials>,
    /// The authority that a proxy under TLS has to prove, DER.
    pub ca: Option<Vec<u8>>,
}

/// A name and a password.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The name.
    pub user: String,
    /// The password.
    pub password: String,
}

/// Never prints the password.
impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("user", &self.user).finish_non_exhaustive()
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Proxy").field(&self.to_string()).field(&self.credentials).finish()
    }
}

/// Without what is secret: `http://HOST:PORT`.
impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = Kind::ALL.iter().find(|(kind, ..)| *kind == self.kind).map_or("", |(_, word, _)| word);
        if self.host.contains(':') {
            write!(f, "{scheme}://[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{scheme}://{}:{}", self.host, self.port)
        }
    }
}

impl Proxy {
    /// From `http://USER@HOST:PORT` and a password that is kept elsewhere; one in the address counts if there is no
    /// other.
    pub fn parse(text: &str, password: Option<String>) -> Result<Self, InvalidProxy> {
        let invalid = || InvalidProxy(without_password(text));
        let url = Url::parse(text.trim()).map_err(|_| invalid())?;
        let known = Kind::ALL.iter().find(|(_, scheme, _)| *scheme == url.scheme());
        let (kind, _, usual_port) = known.ok_or_else(invalid)?;
        let is_bare = matches!(url.path(), "" | "/") && url.query().is_none() && url.fragment().is_none();
        let host = url.host_str().filter(|host| is_bare && !host.is_empty()).ok_or_else(invalid)?;
        let user = decoded(url.username()).ok_or_else(invalid)?;
        let written = url.password().map(|password| decoded(password).ok_or_else(invalid)).transpose()?;
        let password = password.or(written).unwrap_or_default();
        if user.is_empty() && !password.is_empty() {
            return Err(invalid());
        }
        Ok(Self {
            kind: *kind,
            host: host.trim_matches(['[', ']']).to_owned(),
            port: url.port().unwrap_or(*usual_port),
            credentials: (!user.is_empty()).then_some(Credentials { user, password }),
            ca: None,
        })
    }

    /// Whether the proxy itself is under TLS.
    pub fn is_under_tls(&self) -> bool {
        self.kind == Kind::Https
    }

    /// Whether an address of the collector, `https://HOST:PORT`, names the proxy's own host while that is under TLS:
    /// then the two could not be told apart, and the proxy's authority would vouch for the collector.
    pub fn shadows(&self, address: &str) -> bool {
        let host = Url::parse(address).ok().and_then(|url| url.host_str().map(str::to_owned));
        let is_same = |host: String| host.trim_matches(['[', ']']).eq_ignore_ascii_case(&self.host);
        self.is_under_tls() && host.is_some_and(is_same)
    }

    /// What its certificate has to name.
    pub fn server_name(&self) -> Option<ServerName<'static>> {
        ServerName::try_from(self.host.clone()).ok()
    }

    /// As the HTTP client takes it.
    pub fn client(&self) -> Result<reqwest::Proxy, reqwest::Error> {
        let proxy = reqwest::Proxy::all(self.to_string())?;
        Ok(match &self.credentials {
            Some(Credentials { user, password }) => proxy.basic_auth(user, password),
            None => proxy,
        })
    }
}

/// An address as it may be shown.
fn without_password(text: &str) -> String {
    match (text.split_once("://"), text.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, host))) => format!("{scheme}://..@{host}"),
        (Some(_) | None, Some(_) | None) => text.to_owned(),
    }
}

/// Percent-decoded; none when that is no text.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let digit = |byte: &u8| char::from(*byte).to_digit(16);
        match (first, tail) {
            (b'%', [high, low, after @ ..]) => {
                bytes.push(u8::try_from(digit(high)? * 16 + digit(low)?).ok()?);
                rest = after;
            }
            _ => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_proxies_are_read_and_shown_without_the_password() {
        let check = |text: &str, shown: &str, user: Option<(&str, &str)>| {
            let proxy = Proxy::parse(text, None).unwrap();
            assert_eq!(proxy.to_string(), shown);
            let found = proxy.credentials.as_ref().map(|found| (&*found.user, &*found.password));
            assert_eq!(found, user);
            assert!(!format!("{proxy:?}").contains("secret"), "{proxy:?}");
        };
        check("http://proxy.tinh.vn:8080", "http://proxy.tinh.vn:8080", None);
        check("http://10.0.0.1", "http://10.0.0.1:80", None);
        check("socks5h://máy@[fd00::1]", "socks5h://[fd00::1]:1080", Some(("máy", "")));
        check("socks5://a:secret%40@h:1", "socks5://h:1", Some(("a", "secret@")));
        let apart = Proxy::parse("http://a:other@h:1", Some("secret".into())).unwrap();
        assert_eq!(apart.credentials.unwrap().password, "secret");
    }

    #[test]
    fn what_is_no_proxy_is_refused_without_telling_the_password() {
        for text in ["proxy:3128", "ftp://h", "http://", "http://h/path", "http://:secret@h", ""] {
            let error = Proxy::parse(text, None).unwrap_err().to_string();
            assert!(!error.contains("secret"), "{error}");
        }
    }

    #[test]
    fn a_proxy_under_tls_cannot_stand_for_the_collector() {
        let proxy = Proxy::parse("https://Proxy.example:3129", None).unwrap();
        assert!(proxy.shadows("https://proxy.EXAMPLE:8441"));
        assert!(!proxy.shadows("https://tram.example:8441"));
        assert!(!Proxy::parse("http://proxy.example", None).unwrap().shadows("https://proxy.example:8441"));
    }
}
