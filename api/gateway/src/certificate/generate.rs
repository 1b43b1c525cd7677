//! Makes a self-signed certificate.

use rcgen::{
    Certificate, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    PKCS_ECDSA_P256_SHA256, SerialNumber,
};
use time::macros::datetime;
use time::{Duration, OffsetDateTime};

use crate::error::GatewayError;

/// Nobody had Ravelin before: a clock that says so is wrong, and so is a client's that is a little behind.
pub const VALID_FROM: OffsetDateTime = datetime!(2020-01-01 0:00 UTC);

/// Ten years: the clock that says what time it is now may have stood for long. Browsers ask for fewer days of public
/// authorities only (CA/Browser Forum baseline requirements, section 6.3.2); this certificate is trusted by itself.
const VALID: Duration = Duration::days(3653);

/// No clock is earlier when it is right: of this year is the program.
const EARLIEST: OffsetDateTime = datetime!(2026-01-01 0:00 UTC);

/// A new ECDSA P-256 key.
pub fn key_pair() -> Result<KeyPair, GatewayError> {
    Ok(KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?)
}

/// A certificate for `names`, valid whatever the clock says now: from 2020 until ten years from `now`, or from 2026 if
/// that is later. It names no key usage and is no CA, so
/// that it can be given to clients as the one certificate to trust and can sign no other.
pub fn certificate(
    key: &KeyPair,
    names: &[String],
    now: OffsetDateTime,
) -> Result<Certificate, GatewayError> {
    let mut subject = DistinguishedName::new();
    subject.push(DnType::CommonName, "Ravelin gateway");
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name = subject;
    params.not_before = VALID_FROM;
    params.not_after = now.max(EARLIEST) + VALID;
    params.is_ca = IsCa::ExplicitNoCa;
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.serial_number = Some(serial_number()?);
    Ok(params.self_signed(key)?)
}

/// Random, since browsers refuse two certificates of one issuer with one number, and a renewed certificate keeps its
/// key, from which the number would come otherwise. Positive and at most 20 bytes (RFC 5280 section 4.1.2.2).
fn serial_number() -> Result<SerialNumber, GatewayError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)?;
    bytes[0] = bytes[0] & 0x7f | 0x40;
    Ok(SerialNumber::from_slice(&bytes))
}
