//! Decides whether a self-signed certificate still serves.

use std::collections::BTreeSet;
use std::net::IpAddr;

use thiserror::Error;
use time::{Duration, OffsetDateTime};
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

use super::generate::VALID_FROM;

/// A certificate is renewed when it has less left.
const RENEW_BEFORE: Duration = Duration::days(30);

/// Why a new certificate is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Reason {
    /// First start.
    #[error("there was none")]
    Missing,
    /// The file was damaged.
    #[error("the old one cannot be read")]
    Unreadable,
    /// The key was made anew.
    #[error("the old one is for another key")]
    OtherKey,
    /// The configuration or the host's name changed.
    #[error("the old one is for other names")]
    OtherNames,
    /// Less than 30 days left.
    #[error("the old one expires in less than 30 days")]
    Expiring,
    /// It was made while the clock was ahead.
    #[error("the old one is not valid yet")]
    NotYetValid,
}

/// Why the certificate of these bytes cannot serve with the key of `public_key` under `names`; None: it can.
/// `names` are canonical.
pub fn why_renew(
    certificate: Option<&[u8]>,
    public_key: &[u8],
    names: &[String],
    now: OffsetDateTime,
) -> Option<Reason> {
    let Some(der) = certificate else {
        return Some(Reason::Missing);
    };
    let Ok((_, parsed)) = X509Certificate::from_der(der) else {
        return Some(Reason::Unreadable);
    };
    if parsed.public_key().subject_public_key.data != public_key {
        return Some(Reason::OtherKey);
    }
    if alternative_names(&parsed) != names.iter().cloned().collect() {
        return Some(Reason::OtherNames);
    }
    let validity = parsed.validity();
    // A clock from before there were such certificates says nothing.
    if now >= VALID_FROM && now < validity.not_before.to_datetime() {
        return Some(Reason::NotYetValid);
    }
    (validity.not_after.to_datetime() - now < RENEW_BEFORE).then_some(Reason::Expiring)
}

fn alternative_names(certificate: &X509Certificate<'_>) -> BTreeSet<String> {
    let Ok(Some(extension)) = certificate.subject_alternative_name() else {
        return BTreeSet::new();
    };
    let names = &extension.value.general_names;
    names.iter().filter_map(name_text).collect()
}

fn name_text(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(bytes) => {
            let v4 = <[u8; 4]>::try_from(*bytes).map(IpAddr::from);
            let v6 = <[u8; 16]>::try_from(*bytes).map(IpAddr::from);
            v4.or(v6).ok().map(|address| address.to_string())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::super::generate;
    use super::*;

    const MADE: OffsetDateTime = datetime!(2026-03-01 12:00 UTC);

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    /// A certificate made on `MADE` for two names, looked at on `now` with `wanted` in the configuration.
    #[track_caller]
    fn check(wanted: &[&str], now: OffsetDateTime, expected: Option<Reason>) {
        let key = generate::key_pair().unwrap();
        let made = generate::certificate(&key, &names(&["::1", "fw.example"]), MADE).unwrap();
        let got = why_renew(Some(made.der()), key.public_key_raw(), &names(wanted), now);
        assert_eq!(got, expected);
    }

    #[test]
    fn a_valid_certificate_is_kept() {
        check(&["fw.example", "::1"], MADE, None);
        check(&["fw.example", "::1"], MADE + Duration::days(3622), None);
    }

    #[test]
    fn it_is_renewed_30_days_before_its_end() {
        check(
            &["fw.example", "::1"],
            MADE + Duration::days(3625),
            Some(Reason::Expiring),
        );
        check(
            &["fw.example", "::1"],
            MADE + Duration::days(9999),
            Some(Reason::Expiring),
        );
    }

    /// Or its fingerprint would be another one whenever the battery of the clock is empty.
    #[test]
    fn a_clock_that_begins_in_1970_makes_no_new_one() {
        check(&["fw.example", "::1"], datetime!(1970-01-01 0:00 UTC), None);
    }

    #[test]
    fn one_made_by_a_clock_that_begins_in_1970_is_valid_when_the_clock_is_right() {
        let key = generate::key_pair().unwrap();
        let names = names(&["fw.example"]);
        let made = generate::certificate(&key, &names, datetime!(1970-01-01 0:00 UTC)).unwrap();
        for now in [
            datetime!(1970-01-02 0:00 UTC),
            MADE,
            datetime!(2035-11-01 0:00 UTC),
        ] {
            assert_eq!(
                why_renew(Some(made.der()), key.public_key_raw(), &names, now),
                None,
                "{now}"
            );
        }
    }

    #[test]
    fn one_made_by_a_clock_that_was_ahead_is_made_anew() {
        let key = generate::key_pair().unwrap();
        let mut params = rcgen::CertificateParams::new(vec!["fw.example".to_owned()]).unwrap();
        params.not_before = datetime!(2040-01-01 0:00 UTC);
        params.not_after = datetime!(2050-01-01 0:00 UTC);
        let made = params.self_signed(&key).unwrap();
        let got = why_renew(
            Some(made.der()),
            key.public_key_raw(),
            &names(&["fw.example"]),
            MADE,
        );
        assert_eq!(got, Some(Reason::NotYetValid));
    }

    #[test]
    fn other_names_make_a_new_one() {
        check(&["fw.example"], MADE, Some(Reason::OtherNames));
        check(
            &["fw.example", "::1", "b.example"],
            MADE,
            Some(Reason::OtherNames),
        );
    }

    #[test]
    fn damage_and_absence_make_a_new_one() {
        assert_eq!(why_renew(None, &[], &[], MADE), Some(Reason::Missing));
        assert_eq!(
            why_renew(Some(&[0x30, 0x82]), &[], &[], MADE),
            Some(Reason::Unreadable)
        );
    }

    #[test]
    fn another_key_makes_a_new_one() {
        let [one, other] = [(); 2].map(|()| generate::key_pair().unwrap());
        let made = generate::certificate(&one, &[], MADE).unwrap();
        let got = why_renew(Some(made.der()), other.public_key_raw(), &[], MADE);
        assert_eq!(got, Some(Reason::OtherKey));
    }

    #[test]
    fn a_renewed_certificate_has_a_number_of_its_own() {
        let key = generate::key_pair().unwrap();
        let serial = || {
            let made = generate::certificate(&key, &[], MADE).unwrap();
            let (_, parsed) = X509Certificate::from_der(made.der()).unwrap();
            parsed.raw_serial().to_vec()
        };
        assert_ne!(serial(), serial());
    }
}
