//! Columns to values and back, shared by the tables.

use std::error::Error;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ravelin_model::{Revision, VerdictLine};
use time::OffsetDateTime;

use crate::StoreError;

/// A column whose value something else must have written.
pub(crate) fn column(
    column: &'static str,
    source: impl Into<Option<Box<dyn Error + Send + Sync>>>,
) -> StoreError {
    StoreError::Column {
        column,
        source: source.into(),
    }
}

/// Unix microseconds; what is finer is cut off.
pub(crate) fn microseconds(at: OffsetDateTime) -> i64 {
    // `time` ends with the year 9999, which is 2^58 microseconds.
    i64::try_from(at.unix_timestamp_nanos().div_euclid(1000)).unwrap_or(i64::MAX)
}

/// The time of a column.
pub(crate) fn time(name: &'static str, microseconds: i64) -> Result<OffsetDateTime, StoreError> {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(microseconds) * 1000)
        .map_err(|source| column(name, Some(source.into())))
}

/// The revision of a column.
pub(crate) fn revision(name: &'static str, number: i64) -> Result<Revision, StoreError> {
    unsigned(name, number).map(Revision)
}

/// A number that is never negative.
pub(crate) fn unsigned<T: TryFrom<i64>>(name: &'static str, number: i64) -> Result<T, StoreError>
where
    T::Error: Error + Send + Sync + 'static,
{
    T::try_from(number).map_err(|source| column(name, Some(source.into())))
}

/// A number SQLite can hold; ours stay below 2^63 for as long as there are disks.
pub(crate) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Sorts like the address within its family.
pub(crate) fn address_key(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(address) => [&[4][..], &address.octets()].concat(),
        IpAddr::V6(address) => [&[6][..], &address.octets()].concat(),
    }
}

/// The address with that key.
pub(crate) fn address(key: &[u8]) -> Option<IpAddr> {
    match key.split_first()? {
        (4, octets) => Some(Ipv4Addr::from(<[u8; 4]>::try_from(octets).ok()?).into()),
        (6, octets) => Some(Ipv6Addr::from(<[u8; 16]>::try_from(octets).ok()?).into()),
        _ => None,
    }
}

/// The line of the policy with that name and id.
pub(crate) fn line(name: &str, id: Option<&str>) -> Option<VerdictLine> {
    Some(match (name, id) {
        ("anti_lockout", None) => VerdictLine::AntiLockout,
        ("rule", Some(id)) => VerdictLine::Rule(id.parse().ok()?),
        ("published_service", Some(id)) => VerdictLine::PublishedService(id.parse().ok()?),
        ("zone_pair", Some(id)) => VerdictLine::ZonePair(id.parse().ok()?),
        ("unwritten_pair", None) => VerdictLine::UnwrittenPair,
        ("invalid_state", None) => VerdictLine::InvalidState,
        ("no_zone", None) => VerdictLine::NoZone,
        ("infrastructure", None) => VerdictLine::Infrastructure,
        _ => return None,
    })
}
