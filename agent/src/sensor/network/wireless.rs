//! Wi-Fi as `/proc/net/wireless` has it: how strong the signal is and how good the link. Kernels without wireless
//! extensions keep the file empty or have none. Pure.

use crate::sensor::sample::{SCALE_FRACTION, SCALE_WHOLE, gauge};
use crate::sensor::{NoData, Sample, source};
use std::collections::BTreeMap;
use std::path::Path;
use tram_proto::sample as names;

/// What drivers of today count the quality of a link to: cfg80211 maps -110..-40 dBm to 0..70.
const QUALITY_MAX: f64 = 70.0;
/// What a receiver can hear. Outside it lie the zero of a lost connection and the -256 of what is not measured.
const SIGNAL_DBM: std::ops::RangeInclusive<f64> = -120.0..=-1.0;

/// A radio's link.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Radio {
    /// Signal of the access point, dBm.
    pub signal_dbm: Option<f64>,
    /// Quality of the link, as a share of one.
    pub quality: Option<f64>,
}

/// Radios by interface.
pub fn parse(text: &str, path: &Path) -> Result<BTreeMap<String, Radio>, NoData> {
    let mut radios = BTreeMap::new();
    for (place, line) in text.lines().enumerate().skip(2) {
        let malformed =
            || source::malformed(path, Some(place + 1), "`NAME: STATUS LINK LEVEL NOISE` and counts");
        let (name, values) = line.rsplit_once(':').ok_or_else(malformed)?;
        let mut values = values.split_whitespace().skip(1);
        // A point behind a number says that it has been updated since it was read last.
        let mut number = || values.next()?.trim_end_matches('.').parse::<f64>().ok();
        let (quality, level) = number().zip(number()).ok_or_else(malformed)?;
        // Old drivers write the level as a byte.
        let level = if level > 0.0 { level - 256.0 } else { level };
        let signal_dbm = Some(level).filter(|level| SIGNAL_DBM.contains(level));
        let quality = signal_dbm.and(Some(quality / QUALITY_MAX)).filter(|share| (0.0..=1.0).contains(share));
        radios.insert(name.trim().to_owned(), Radio { signal_dbm, quality });
    }
    Ok(radios)
}

/// A radio's samples.
pub fn samples(interface: &str, radio: Radio) -> [Sample; 2] {
    let attributes = [(names::INTERFACE, interface)];
    [
        gauge(names::WIFI_SIGNAL, "dBm", SCALE_WHOLE, &attributes, radio.signal_dbm),
        gauge(names::WIFI_QUALITY, "1", SCALE_FRACTION, &attributes, radio.quality),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "Inter-| sta-|   Quality        |   Discarded packets               | Missed | WE\n face | tus | link level noise |  nwid  crypt   frag  retry   misc | beacon | 22\n";

    fn parsed(line: &str) -> Radio {
        parse(&format!("{HEAD}{line}\n"), Path::new("wireless")).unwrap()["wlan0"]
    }

    #[test]
    fn signal_and_quality_are_read_and_a_lost_connection_has_neither() {
        let radio = parsed(" wlan0: 0000   49.  -61.  -256        0      0      0      0     12        0");
        assert_eq!(radio, Radio { signal_dbm: Some(-61.0), quality: Some(0.7) });
        assert_eq!(parsed(" wlan0: 0000   70   206   161        0      0      0").signal_dbm, Some(-50.0));
        for lost in ["0000    0     0     0   0 0 0 0 0 0", "0000  0. -256. -256.  0 0 0 0 0 0"] {
            assert_eq!(parsed(&format!("wlan0: {lost}")), Radio::default(), "{lost}");
        }
        assert!(parse(HEAD, Path::new("wireless")).unwrap().is_empty());
        assert!(parse("", Path::new("wireless")).unwrap().is_empty());
    }

    #[test]
    fn what_is_not_such_a_file_is_refused_by_line() {
        let error = parse(&format!("{HEAD}wlan0 49\n"), Path::new("wireless")).unwrap_err().to_string();
        assert!(error.starts_with("wireless: line 3: expected `NAME: STATUS"), "{error}");
    }
}
