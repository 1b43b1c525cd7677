//! Schedules: days and hours by the clock on the wall -> instants.
//!
//! What the clock shows decides, minute by minute. Where clocks are put back, an hour that comes twice counts twice;
//! where they are put forward, a span in the hour that is left out does not happen.

use std::sync::LazyLock;

use jiff::civil::{Date, DateTime, Weekday};
use jiff::tz::{AmbiguousOffset, TimeZone, TimeZoneDatabase};
use jiff::{Timestamp, ToSpan as _};
use ravelin_model::{Day, MinuteOfDay, Schedule};
use thiserror::Error;
use time::OffsetDateTime;

/// A text that names no time zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("is not the name of a time zone as in Europe/Vienna")]
pub struct UnknownTimezone;

/// Days one looks ahead for a change. A schedule that changes at all changes within a week, but for a span that falls
/// into the hour or day clocks leave out.
const HORIZON_DAYS: usize = 22;

/// The same rules on every box: whatever time zones the system has installed.
static DATABASE: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// Whether schedules can use the time zone.
///
/// # Errors
/// The IANA database has no zone or link of this name, spelled like this.
pub fn check_timezone(name: &str) -> Result<(), UnknownTimezone> {
    timezone(name).map(drop).ok_or(UnknownTimezone)
}

/// Whether the schedule is on. One with an unknown time zone never is.
pub fn is_active(schedule: &Schedule, at: OffsetDateTime) -> bool {
    match (timezone(&schedule.timezone), timestamp(at)) {
        (Some(zone), Some(at)) => shows(schedule, &zone, at),
        _ => false,
    }
}

/// The first instant after `after` at which [`is_active`] has another answer than at `after`; None: it stays.
pub fn next_change(schedule: &Schedule, after: OffsetDateTime) -> Option<OffsetDateTime> {
    let zone = timezone(&schedule.timezone)?;
    let after = timestamp(after)?;
    let now = shows(schedule, &zone, after);
    let today = zone.to_datetime(after).date();
    // From yesterday on and sorted afterwards: clocks put back at midnight show yesterday once more.
    let mut candidates: Vec<Timestamp> = today
        .saturating_sub(1.day())
        .series(1.day())
        .take(HORIZON_DAYS)
        .flat_map(|day| edges(schedule, &zone, day))
        .collect();
    let horizon = candidates.iter().max().copied()?;
    candidates.extend(
        zone.following(after)
            .map(|transition| transition.timestamp())
            .take_while(|at| *at <= horizon),
    );
    candidates.sort_unstable();
    let change = candidates
        .into_iter()
        .find(|at| *at > after && shows(schedule, &zone, *at) != now)?;
    OffsetDateTime::from_unix_timestamp_nanos(change.as_nanosecond()).ok()
}

/// Instants at which the clock shows an end of the span, or, where that is left out, none: the transition itself is
/// a candidate too.
fn edges(schedule: &Schedule, zone: &TimeZone, day: Date) -> impl Iterator<Item = Timestamp> {
    [schedule.from, schedule.to]
        .map(|minute| instants(zone, clock(day, minute)))
        .into_iter()
        .flatten()
        .flatten()
}

fn instants(zone: &TimeZone, wall: DateTime) -> [Option<Timestamp>; 2] {
    match zone.to_ambiguous_timestamp(wall).offset() {
        AmbiguousOffset::Unambiguous { offset } => [offset.to_timestamp(wall).ok(), None],
        AmbiguousOffset::Fold { before, after } => {
            [before.to_timestamp(wall).ok(), after.to_timestamp(wall).ok()]
        }
        AmbiguousOffset::Gap { .. } => [None, None],
    }
}

fn clock(day: Date, minute: MinuteOfDay) -> DateTime {
    let number = |n: u8| i8::try_from(n).expect("less than 60");
    day.at(number(minute.hour()), number(minute.minute()), 0, 0)
}

fn shows(schedule: &Schedule, zone: &TimeZone, at: Timestamp) -> bool {
    let wall = zone.to_datetime(at);
    let minute = u16::from(wall.hour().unsigned_abs()) * 60 + u16::from(wall.minute().unsigned_abs());
    let (from, to) = (schedule.from.minutes(), schedule.to.minutes());
    let begins = |day: Weekday| schedule.days.contains(&of_week(day));
    if from < to {
        begins(wall.weekday()) && (from..to).contains(&minute)
    } else {
        begins(wall.weekday()) && minute >= from || begins(wall.weekday().previous()) && minute < to
    }
}

fn of_week(day: Weekday) -> Day {
    Day::ALL[usize::from(day.to_monday_zero_offset().unsigned_abs())]
}

fn timezone(name: &str) -> Option<TimeZone> {
    let zone = DATABASE.get(name).ok()?;
    // The database does not mind the case, and has a zone of no name for "unknown".
    (zone.iana_name() == Some(name)).then_some(zone)
}

fn timestamp(at: OffsetDateTime) -> Option<Timestamp> {
    Timestamp::from_nanosecond(at.unix_timestamp_nanos()).ok()
}
