//! Whose connection it is: the line of the policy its mark names.

use ravelin_abi::rv_connection_mark::RV_CONNECTION_COUNTER;
use ravelin_compile::{CounterId, Judge, Origin, fixed_counter};
use ravelin_model::{Connection, VerdictLine};

/// What a connection counts on.
pub(super) fn counter(connection: &Connection) -> CounterId {
    connection.mark & RV_CONNECTION_COUNTER
}

/// The line of a counter; None: it is gone, or there is none.
pub(crate) fn line(judge: &Judge, counter: CounterId) -> Option<VerdictLine> {
    match counter {
        fixed_counter::INVALID => Some(VerdictLine::InvalidState),
        fixed_counter::NO_ZONE => Some(VerdictLine::NoZone),
        fixed_counter::INFRASTRUCTURE => Some(VerdictLine::Infrastructure),
        counter => judge.origin_of(counter).map(of_origin),
    }
}

fn of_origin(origin: &Origin) -> VerdictLine {
    match origin {
        Origin::AntiLockout => VerdictLine::AntiLockout,
        Origin::Rule(id) => VerdictLine::Rule(id.clone()),
        Origin::PublishedService(id) => VerdictLine::PublishedService(id.clone()),
        Origin::ZonePair(id) => VerdictLine::ZonePair(id.clone()),
        Origin::UnwrittenPair => VerdictLine::UnwrittenPair,
    }
}
