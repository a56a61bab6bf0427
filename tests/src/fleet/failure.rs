//! Failures that can be injected by name, and when each is in force. Pure.

use std::fmt;
use std::str::FromStr;

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FailureKind {
    /// The largest file system runs full.
    DiskFilling,
    /// The processor runs hot.
    Overheating,
    /// The link goes up and down, and corrupts packets while up.
    FlappingLink,
    /// The host loses power again and again.
    DyingPower,
    /// The last disk has sectors that it cannot read.
    FailingDisk,
    /// The host is gone without last words.
    SilentHost,
    /// The site's uplink is cut: its hosts go on measuring and reach nobody.
    CutUplink,
    /// The largest file system is full at first, and is cleaned up well within two minutes.
    Recovers,
}

impl FailureKind {
    /// Every kind with its name.
    pub const ALL: [(&'static str, Self); 8] = [
        ("disk-filling", Self::DiskFilling),
        ("overheating", Self::Overheating),
        ("flapping-link", Self::FlappingLink),
        ("dying-power", Self::DyingPower),
        ("failing-disk", Self::FailingDisk),
        ("silent-host", Self::SilentHost),
        ("cut-uplink", Self::CutUplink),
        ("recovers", Self::Recovers),
    ];

    /// When it is in force unless said otherwise, in seconds since the host's first report. What must be seen to begin
    /// (silence, a cut) leaves time for one full send interval; what must be seen to end is in the first report and
    /// over well before the second send.
    const fn default_span(self) -> (u64, Option<u64>) {
        match self {
            Self::DiskFilling
            | Self::Overheating
            | Self::FlappingLink
            | Self::DyingPower
            | Self::FailingDisk => (0, None),
            Self::SilentHost | Self::CutUplink => (5, None),
            Self::Recovers => (0, Some(25)),
        }
    }
}

impl fmt::Display for FailureKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Self::ALL.iter().find(|(_, kind)| kind == self).map_or("", |(name, _)| name);
        f.write_str(name)
    }
}

/// One failure of one host; a cut uplink is that of the host's whole site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What goes wrong.
    pub kind: FailureKind,
    /// Where.
    pub host: String,
    /// From when on, in seconds since the host's first report.
    pub from_s: u64,
    /// Until when; none: for good.
    pub until_s: Option<u64>,
}

/// Text that is no failure.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no failure; expected NAME=HOST or NAME=HOST@FROM or NAME=HOST@FROM-UNTIL in seconds, NAME one of {}",
    FailureKind::ALL.map(|(name, _)| name).join(", "))]
pub struct InvalidFailure {
    text: String,
}

impl Failure {
    /// A kind at a host, when it is by default.
    pub fn new(kind: FailureKind, host: impl Into<String>) -> Self {
        let (from_s, until_s) = kind.default_span();
        Self { kind, host: host.into(), from_s, until_s }
    }

    /// Whether it is in force, so long after the host's first report.
    pub fn is_active(&self, since_ms: u64) -> bool {
        since_ms >= self.from_s * 1_000 && self.until_s.is_none_or(|until_s| since_ms < until_s * 1_000)
    }
}

impl FromStr for Failure {
    type Err = InvalidFailure;
    fn from_str(text: &str) -> Result<Self, InvalidFailure> {
        let parsed = || {
            let (name, place) = text.split_once('=')?;
            let kind = FailureKind::ALL.iter().find(|(known, _)| *known == name)?.1;
            let (host, span) = place.split_once('@').map_or((place, None), |(host, span)| (host, Some(span)));
            let mut failure = Self::new(kind, host);
            if let Some(span) = span {
                let (from, until) =
                    span.split_once('-').map_or((span, None), |(from, until)| (from, Some(until)));
                failure.from_s = from.parse().ok()?;
                failure.until_s = until.map(str::parse).transpose().ok()?;
            }
            (!host.is_empty()).then_some(failure)
        };
        parsed().ok_or_else(|| InvalidFailure { text: text.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_read_back_with_and_without_a_span() {
        for (name, kind) in FailureKind::ALL {
            let failure: Failure = format!("{name}=xa-nam-khao-sv01").parse().unwrap();
            assert_eq!(failure, Failure::new(kind, "xa-nam-khao-sv01"));
            assert_eq!(kind.to_string(), name);
        }
        let failure: Failure = "overheating=ttdl-sv01@10-90".parse().unwrap();
        assert_eq!((failure.from_s, failure.until_s), (10, Some(90)));
        let failure: Failure = "silent-host=ttdl-sv01@10".parse().unwrap();
        assert_eq!((failure.from_s, failure.until_s), (10, None));
    }

    #[test]
    fn other_text_is_refused_with_the_names_that_are_known() {
        for text in ["", "disk-filling", "disk-filling=", "meteor=x", "overheating=x@y", "overheating=x@1-y"]
        {
            let error = text.parse::<Failure>().unwrap_err().to_string();
            assert!(error.contains("cut-uplink"), "{error}");
        }
    }

    #[test]
    fn a_span_includes_its_start_and_not_its_end() {
        let failure: Failure = "overheating=x@10-90".parse().unwrap();
        let active = [9_999, 10_000, 89_999, 90_000].map(|since_ms| failure.is_active(since_ms));
        assert_eq!(active, [false, true, true, false]);
    }
}
