//! The words that break and mend a running small internet.

use super::{DnsMode, Fault, Line, Portal};

/// A command that is not one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown command {0:?}; expected one of: {USAGE}")]
pub struct CommandError(pub String);

/// Every command.
const USAGE: &str = "restore, cut uplink, cut lan, gateway off, gateway-icmp off, icmp off, dns off|fail|deny|first-off, \
     captive on|redirect|page|511, collector off, loss PERCENT, rate KBIT, line KBIT DELAY_MS LOSS_PERCENT";

/// What a command asks for: a fault, or none to mend everything.
pub fn parse(line: &str) -> Result<Option<Fault>, CommandError> {
    let words: Vec<&str> = line.split_ascii_whitespace().collect();
    let fault = match words.as_slice() {
        ["restore"] => return Ok(None),
        ["cut", "uplink"] => Some(Fault::Uplink),
        ["cut", "lan"] => Some(Fault::Lan),
        ["gateway", "off"] => Some(Fault::Gateway),
        ["gateway-icmp", "off"] => Some(Fault::GatewayIcmp),
        ["icmp", "off"] => Some(Fault::InternetIcmp),
        ["dns", "off"] => Some(Fault::Dns(DnsMode::Silent)),
        ["dns", "fail"] => Some(Fault::Dns(DnsMode::Failing)),
        ["dns", "deny"] => Some(Fault::Dns(DnsMode::Denying)),
        ["dns", "first-off"] => Some(Fault::FirstDns),
        ["captive", "on"] => Some(Fault::Captive(Portal::Redirect)),
        ["captive", word] => {
            Portal::ALL.into_iter().find(|portal| portal.word() == *word).map(Fault::Captive)
        }
        ["collector", "off"] => Some(Fault::Collector),
        ["loss", percent] => {
            percent.parse().ok().filter(|percent| (1..=99).contains(percent)).map(Fault::Loss)
        }
        ["rate", kilobits] => kilobits.parse().ok().filter(|kilobits| *kilobits > 0).map(Fault::RateKbit),
        ["line", kilobits, delay_ms, loss_percent] => {
            poor_line(kilobits, delay_ms, loss_percent).map(Fault::Line)
        }
        _ => None,
    };
    fault.map(Some).ok_or_else(|| CommandError(line.trim().to_owned()))
}

/// 0 kilobits: as many as come.
fn poor_line(kilobits: &str, delay_ms: &str, loss_percent: &str) -> Option<Line> {
    let loss_percent = loss_percent.parse().ok().filter(|percent| *percent <= 99)?;
    Some(Line { kilobits: kilobits.parse().ok()?, delay_ms: delay_ms.parse().ok()?, loss_percent })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_become_faults_and_nonsense_lists_the_words() {
        assert_eq!(parse("  cut   uplink\n"), Ok(Some(Fault::Uplink)));
        assert_eq!(parse("captive 511"), Ok(Some(Fault::Captive(Portal::Status))));
        let line = Line { kilobits: 64, delay_ms: 300, loss_percent: 5 };
        assert_eq!(parse("line 64 300 5"), Ok(Some(Fault::Line(line))));
        assert_eq!(parse("restore"), Ok(None));
        for nonsense in [
            "",
            "cut",
            "loss 0",
            "loss 100",
            "loss many",
            "captive off",
            "rate -1",
            "line 64 300",
            "line 64 300 100",
            "restore now",
        ] {
            let message = parse(nonsense).unwrap_err().to_string();
            assert!(message.contains("cut uplink"), "{message}");
        }
    }
}
