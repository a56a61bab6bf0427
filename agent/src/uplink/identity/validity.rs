//! From when to when a certificate is valid: all that an agent reads of its own. Pure.

use yasna::tags::{TAG_GENERALIZEDTIME, TAG_UTCTIME};
use yasna::{ASN1Error, ASN1ErrorKind, ASN1Result, BERReader, BERReaderSeq, Tag};

/// First and last millisecond since 1970, from a certificate's DER (RFC 5280, 4.1).
pub(super) fn of_certificate(der: &[u8]) -> ASN1Result<(i64, i64)> {
    yasna::parse_der(der, |reader| {
        reader.read_sequence(|certificate| {
            let validity = certificate.next().read_sequence(|signed| {
                signed.read_optional(|version| {
                    version.read_tagged(Tag::context(0), |number| number.read_der())
                })?;
                // Serial number, algorithm of the signature, issuer.
                for _ in 0..3 {
                    signed.next().read_der()?;
                }
                let validity = signed
                    .next()
                    .read_sequence(|times| Ok((unix_ms(times.next())?, unix_ms(times.next())?)))?;
                pass_over_rest(signed)?;
                Ok(validity)
            })?;
            pass_over_rest(certificate)?;
            Ok(validity)
        })
    })
}

fn pass_over_rest(reader: &mut BERReaderSeq<'_, '_>) -> ASN1Result<()> {
    while reader.read_optional(|part| part.read_der())?.is_some() {}
    Ok(())
}

fn unix_ms(reader: BERReader<'_, '_>) -> ASN1Result<i64> {
    let seconds = match reader.lookahead_tag()? {
        TAG_UTCTIME => reader.read_utctime()?.datetime().unix_timestamp(),
        TAG_GENERALIZEDTIME => reader.read_generalized_time()?.datetime().unix_timestamp(),
        _ => return Err(ASN1Error::new(ASN1ErrorKind::Invalid)),
    };
    Ok(seconds * 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rcgen::{CertificateParams, KeyPair};

    fn certificate(from: (i32, u8, u8), until: (i32, u8, u8)) -> Vec<u8> {
        let mut parameters = CertificateParams::new(["a.example".to_owned()]).unwrap();
        parameters.not_before = rcgen::date_time_ymd(from.0, from.1, from.2);
        parameters.not_after = rcgen::date_time_ymd(until.0, until.1, until.2);
        parameters.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
    }

    #[test]
    fn both_forms_of_time_are_read() {
        let found = of_certificate(&certificate((2026, 1, 2), (2027, 1, 2))).unwrap();
        assert_eq!(found, (1_767_312_000_000, 1_798_848_000_000));
        // From 2050 on, years have four digits.
        let found = of_certificate(&certificate((1999, 12, 31), (2050, 1, 1))).unwrap();
        assert_eq!(found, (946_598_400_000, 2_524_608_000_000));
    }

    #[test]
    fn what_is_cut_short_is_an_error() {
        let whole = certificate((2026, 1, 2), (2027, 1, 2));
        for length in 0..whole.len() {
            assert!(of_certificate(&whole[..length]).is_err(), "{length}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_do_harm(place in 0..200_usize, byte: u8, noise: Vec<u8>) {
            let mut bytes = certificate((2026, 1, 2), (2027, 1, 2));
            bytes[place] = byte;
            let _found = (of_certificate(&bytes), of_certificate(&noise));
        }
    }
}
