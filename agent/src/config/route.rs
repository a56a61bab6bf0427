//! `[collector]` as meant: addresses, proxy, and the files with authorities and secrets that it names.

use super::{ConfigError, raw, secret_file, value};
use crate::uplink::addresses::ADDRESSES_MAX;
use crate::uplink::post;
use crate::uplink::proxy::{Proxy, Route};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use std::path::Path;

impl raw::Collector {
    pub(super) fn meant(self) -> Result<Route, ConfigError> {
        let first = (!self.url.is_empty()).then_some(("collector.url", self.url));
        let others = self.urls.into_iter().map(|url| ("collector.urls", url));
        let mut collectors = Vec::new();
        for (key, url) in first.into_iter().chain(others) {
            let address = post::address(&url)
                .map_err(|error| value(key, error.0, "https://HOST:PORT", "https://MÁY:CỔNG"))?;
            collectors.push(address);
        }
        if collectors.len() > ADDRESSES_MAX {
            let (en, vi) = (format!("at most {ADDRESSES_MAX}"), format!("tối đa {ADDRESSES_MAX}"));
            return Err(value("collector.urls", collectors.len(), en, vi));
        }
        let ca = authority("collector.ca_file", &self.ca_file)?;
        if self.proxy.is_empty() {
            return Ok(Route { collectors, proxy: None, ca });
        }
        let password = password(self.proxy_password, &self.proxy_password_file)?;
        let shape = "http://USER@HOST:PORT, https://.., socks5://.. or socks5h://..";
        let shape_vi = "http://NGƯỜI_DÙNG@MÁY:CỔNG, https://.., socks5://.. hoặc socks5h://..";
        let proxy = Proxy::parse(&self.proxy, password)
            .map_err(|error| value("collector.proxy", error.0, shape, shape_vi))?;
        let proxy = Proxy { ca: authority("collector.proxy_ca_file", &self.proxy_ca_file)?, ..proxy };
        if proxy.is_under_tls() && proxy.ca.is_none() {
            let en = "with an https proxy, a file with the authority that it proves";
            let vi = "với proxy https, một tệp chứa chứng thư gốc của proxy";
            return Err(value("collector.proxy_ca_file", "", en, vi));
        }
        if let Some(shadowed) = collectors.iter().find(|url| proxy.shadows(url)) {
            let en = "another name than the https proxy's";
            return Err(value("collector.urls", shadowed, en, "tên khác với tên của proxy https"));
        }
        Ok(Route { collectors, proxy: Some(proxy), ca })
    }
}

fn password(written: String, file: &Path) -> Result<Option<String>, ConfigError> {
    if file.as_os_str().is_empty() {
        return Ok((!written.is_empty()).then_some(written));
    }
    secret_file(file).map(Some)
}

/// The first certificate of a file, DER; none when no file is named.
fn authority(key: &'static str, file: &Path) -> Result<Option<Vec<u8>>, ConfigError> {
    if file.as_os_str().is_empty() {
        return Ok(None);
    }
    let bytes = std::fs::read(file).map_err(|why| ConfigError::Read { path: file.to_owned(), why })?;
    let wrong = || value(key, file.display(), "a certificate in PEM", "một chứng thư dạng PEM");
    let certificate = CertificateDer::from_pem_slice(&bytes).map_err(|_| wrong())?;
    Ok(Some(certificate.to_vec()))
}
