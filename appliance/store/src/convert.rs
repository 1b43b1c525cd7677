//! Columns to values and back, shared by the tables.

use std::error::Error;

use ravelin_model::Revision;
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
