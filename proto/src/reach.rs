//! The reachability ladder's words: rungs, methods, outcomes and the verdict, with the codes that samples carry.

use serde::{Deserialize, Serialize};

macro_rules! coded {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $code:literal, $text:literal;)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$variant_doc])* $variant,)+ }

        impl $name {
            /// Every value, in the order of their codes.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The number that a sample carries.
            pub const fn code(self) -> i64 {
                match self { $(Self::$variant => $code,)+ }
            }

            /// The value for a sample's number.
            pub fn from_code(code: i64) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.code() == code)
            }

            /// The word, as attributes and JSON carry it.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }

            /// The value for a word.
            pub fn from_word(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.as_str() == word)
            }
        }
    };
}

coded!(
    /// What the ladder as a whole says.
    Verdict {
        /// Every rung answered.
        Ok = 0, "ok";
        /// No interface of the host has a link and an address.
        LanDown = 1, "lan_down";
        /// The link is there, the gateway does not answer, nor does anything behind it.
        GatewayDown = 2, "gateway_down";
        /// Names are not resolved, though addresses answer.
        DnsBroken = 3, "dns_broken";
        /// The gateway answers, nothing on the internet does.
        UplinkDown = 4, "uplink_down";
        /// A web page stands between the host and the internet.
        Captive = 5, "captive";
        /// The internet answers, with losses or slowly.
        Degraded = 6, "degraded";
        /// The internet answers, the collector does not.
        CollectorUnreachable = 7, "collector_unreachable";
        /// The ladder was not climbed, or not to the end.
        Unknown = 8, "unknown";
    }
);

coded!(
    /// The ladder's rungs, from the host outwards.
    Rung {
        /// An interface with a link and an address.
        Interface = 0, "interface";
        /// The default route's next hop.
        Gateway = 1, "gateway";
        /// The name server.
        Resolver = 2, "resolver";
        /// Resolving a name.
        Name = 3, "name";
        /// Addresses on the internet, by ICMP or TCP.
        Internet = 4, "internet";
        /// Web pages that answer 204.
        Web = 5, "web";
        /// The collector's own address.
        Collector = 6, "collector";
    }
);

coded!(
    /// How a rung was probed.
    Method {
        /// Reading the kernel's own tables.
        Kernel = 0, "kernel";
        /// ICMP echo.
        Icmp = 1, "icmp";
        /// The neighbour table, after ICMP had no answer.
        Arp = 2, "arp";
        /// Opening a TCP connection.
        Tcp = 3, "tcp";
        /// A DNS query.
        Dns = 4, "dns";
        /// An HTTP request.
        Http = 5, "http";
    }
);

coded!(
    /// What one rung came to.
    Outcome {
        /// It answered.
        Ok = 0, "ok";
        /// It did not answer, or answered wrongly.
        Failed = 1, "failed";
        /// Some probes were lost.
        Lossy = 2, "lossy";
        /// A captive portal answered in its place.
        Captive = 3, "captive";
        /// It was not tried: there is nothing to try, or a limit forbids it.
        Skipped = 4, "skipped";
    }
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_words_round_trip() {
        for verdict in Verdict::ALL {
            assert_eq!(Verdict::from_code(verdict.code()), Some(*verdict));
            assert_eq!(Verdict::from_word(verdict.as_str()), Some(*verdict));
            assert_eq!(serde_json::to_string(verdict).unwrap(), format!("\"{}\"", verdict.as_str()));
        }
        assert_eq!(Outcome::from_code(99), None);
    }
}
