//! The words that break and mend a running small internet.

use super::{DnsMode, Fault, Portal};

/// A command that is not one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown command {0:?}; expected one of: {USAGE}")]
pub struct CommandError(pub String);

/// Every command.
const USAGE: &str = "restore, cut uplink, cut lan, gateway off, gateway-icmp off, icmp off, dns off|fail|deny|first-off, \
     captive on|redirect|page|511, collector off, loss PERCENT, rate KBIT, delay MS";

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
        ["delay", milliseconds] => milliseconds.parse().ok().map(Fault::DelayMs),
        _ => None,
    };
    fault.map(Some).ok_or_else(|| CommandError(line.trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_become_faults_and_nonsense_lists_the_words() {
        assert_eq!(parse("  cut   uplink\n"), Ok(Some(Fault::Uplink)));
        assert_eq!(parse("captive 511"), Ok(Some(Fault::Captive(Portal::Status))));
        assert_eq!(parse("restore"), Ok(None));
        for nonsense in
            ["", "cut", "loss 0", "loss 100", "loss many", "captive off", "rate -1", "restore now"]
        {
            let message = parse(nonsense).unwrap_err().to_string();
            assert!(message.contains("cut uplink"), "{message}");
        }
    }
}
