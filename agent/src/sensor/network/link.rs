//! Whether an interface's link is what it could be: speed, duplex, and what it was before. Pure.
//!
//! A link that is slower than both its ends allow has a bad cable, plug or port. What the ends allow, `ethtool` says
//! where it is installed; otherwise the fastest that the interface has been seen at stands in for it. A port of the
//! neighbour that offers no more is nobody's fault, so without either nothing is said.

/// What a link is at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Link {
    /// Megabits a second; none: no link, or not known.
    pub megabits: Option<u64>,
    /// Whether both sides may speak at once; none: not known.
    pub full_duplex: Option<bool>,
}

/// The fastest modes, in megabits a second, that each side says it is capable of; none: it does not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Modes {
    /// The interface itself.
    pub supported: Option<u64>,
    /// What it offers of these, which its administrator can have limited.
    pub advertised: Option<u64>,
    /// What its neighbour offers.
    pub neighbour: Option<u64>,
}

impl Modes {
    /// What both ends can agree on; none where not both are known.
    fn common(self) -> Option<u64> {
        let own = self.advertised.or(self.supported)?;
        Some(own.min(self.neighbour?))
    }
}

/// Why a link is worse than it should be; `best` is the fastest that it has been seen at. Empty: it is not.
pub fn reasons(link: Link, modes: Modes, best: Option<u64>) -> Vec<String> {
    let mut reasons = Vec::new();
    if link.full_duplex == Some(false) {
        reasons.push("half duplex".to_owned());
    }
    let Some(speed) = link.megabits else { return reasons };
    match (modes.common(), best) {
        (Some(common), _) if speed < common => reasons.push(format!("{speed} Mbit/s, could be {common}")),
        (None, Some(best)) if speed < best => reasons.push(format!("{speed} Mbit/s, was {best}")),
        _ => {}
    }
    reasons
}

/// The modes in what `ethtool INTERFACE` prints.
pub fn parse_ethtool(text: &str) -> Modes {
    let mut modes = Modes::default();
    let mut section: Option<&mut Option<u64>> = None;
    for line in text.lines() {
        let (heading, values) =
            line.split_once(':').map_or(("", line), |(heading, rest)| (heading.trim(), rest));
        if !heading.is_empty() {
            section = match heading {
                "Supported link modes" => Some(&mut modes.supported),
                "Advertised link modes" => Some(&mut modes.advertised),
                "Link partner advertised link modes" => Some(&mut modes.neighbour),
                _ => None,
            };
        }
        if let Some(fastest) = section.as_deref_mut() {
            *fastest = values.split_whitespace().filter_map(mode_megabits).chain(*fastest).max();
        }
    }
    modes
}

/// `1000baseT/Full`.
fn mode_megabits(mode: &str) -> Option<u64> {
    let (megabits, _) = mode.split_once("base")?;
    megabits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ETHTOOL: &str = "Settings for enp1s0:\n\tSupported ports: [ TP MII ]\n\tSupported link modes:   10baseT/Half 10baseT/Full\n\t                        100baseT/Half 100baseT/Full\n\t                        1000baseT/Full\n\tSupported pause frame use: Symmetric Receive-only\n\tAdvertised link modes:  10baseT/Full\n\t                        1000baseT/Full\n\tLink partner advertised link modes:  100baseT/Full\n\tLink partner advertised auto-negotiation: Yes\n\tSpeed: 100Mb/s\n\tDuplex: Full\n";

    #[test]
    fn the_fastest_modes_of_both_ends_are_read() {
        let modes = parse_ethtool(ETHTOOL);
        assert_eq!(modes, Modes { supported: Some(1000), advertised: Some(1000), neighbour: Some(100) });
        let none = "Settings for eth0:\n\tSupported link modes:   Not reported\n\tSpeed: Unknown!\n";
        assert_eq!(parse_ethtool(none), Modes::default());
        assert_eq!(parse_ethtool("Cannot get device settings: No such device\n"), Modes::default());
    }

    #[test]
    fn a_link_below_what_both_ends_can_is_told() {
        let check = |megabits, neighbour, best, expected: &[&str]| {
            let link = Link { megabits, full_duplex: Some(true) };
            let modes = Modes { supported: Some(1000), advertised: None, neighbour };
            assert_eq!(reasons(link, modes, best), expected);
        };
        check(Some(100), Some(1000), None, &["100 Mbit/s, could be 1000"]);
        check(Some(100), Some(100), Some(1000), &[]);
        check(Some(1000), Some(10_000), None, &[]);
        check(Some(100), None, Some(1000), &["100 Mbit/s, was 1000"]);
        check(Some(100), None, None, &[]);
        check(None, None, Some(1000), &[]);
    }

    #[test]
    fn half_duplex_is_told_and_unknown_duplex_is_not() {
        let link = |full_duplex| Link { megabits: Some(100), full_duplex };
        assert_eq!(reasons(link(Some(false)), Modes::default(), None), ["half duplex"]);
        assert!(reasons(link(None), Modes::default(), None).is_empty());
    }
}
