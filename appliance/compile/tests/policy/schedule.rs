//! Schedules over midnight, and where clocks are changed.

use std::collections::BTreeSet;

use proptest::prelude::*;
use ravelin_compile::schedule::{check_timezone, is_active, next_change};
use ravelin_model::{Day, MinuteOfDay, Schedule};
use time::macros::datetime;
use time::{Duration, OffsetDateTime};

/// `mon,tue 22:00-06:00 Europe/Vienna`; `daily` is every day.
fn schedule(text: &str) -> Schedule {
    let [days, span, timezone] = text.split_whitespace().collect::<Vec<_>>()[..] else {
        panic!("{text}: days span timezone")
    };
    let day = |name: &str| {
        let day = Day::ALL.into_iter().find(|day| day.name().starts_with(name));
        day.unwrap_or_else(|| panic!("not a day: {name}"))
    };
    let minute = |text: &str| {
        let (hour, minute) = text.split_once(':').expect("hour:minute");
        MinuteOfDay::new(hour.parse().expect("hour"), minute.parse().expect("minute")).expect("a minute")
    };
    let (from, to) = span.split_once('-').expect("from-to");
    Schedule {
        days: match days {
            "daily" => Day::ALL.into_iter().collect(),
            "never" => BTreeSet::new(),
            days => days.split(',').map(day).collect(),
        },
        from: minute(from),
        to: minute(to),
        timezone: timezone.to_owned(),
    }
}

/// It is on, or off, at `start`, and changes at exactly these instants after it.
fn check(text: &str, start: OffsetDateTime, active: bool, changes: &[OffsetDateTime]) {
    let schedule = schedule(text);
    assert_eq!(is_active(&schedule, start), active, "{text} at {start}");
    let (mut at, mut expected) = (start, active);
    for change in changes {
        assert_eq!(next_change(&schedule, at), Some(*change), "{text} after {at}");
        assert_eq!(
            is_active(&schedule, *change - Duration::NANOSECOND),
            expected,
            "{text} before {change}"
        );
        expected = !expected;
        assert_eq!(is_active(&schedule, *change), expected, "{text} at {change}");
        at = *change;
    }
}

#[test]
fn a_span_lasts_from_its_first_minute_until_its_last_is_over() {
    check(
        "fri 08:00-17:30 UTC",
        datetime!(2026-11-19 12:00 UTC),
        false,
        &[
            datetime!(2026-11-20 08:00 UTC),
            datetime!(2026-11-20 17:30 UTC),
            datetime!(2026-11-27 08:00 UTC),
        ],
    );
    // From the middle of a minute too.
    check(
        "fri 08:00-17:30 UTC",
        datetime!(2026-11-20 17:29:59.999999999 UTC),
        true,
        &[datetime!(2026-11-20 17:30 UTC)],
    );
}

#[test]
fn a_span_over_midnight_belongs_to_the_day_it_begins_on() {
    check(
        "fri 22:00-06:00 Europe/Vienna",
        datetime!(2026-11-20 05:30 +1),
        false,
        &[
            datetime!(2026-11-20 22:00 +1),
            datetime!(2026-11-21 06:00 +1),
            datetime!(2026-11-27 22:00 +1),
        ],
    );
    // Sunday's ends on Monday.
    check(
        "sun 23:59-00:01 UTC",
        datetime!(2026-11-22 23:58:59 UTC),
        false,
        &[datetime!(2026-11-22 23:59 UTC), datetime!(2026-11-23 00:01 UTC)],
    );
    check(
        "sat 22:00-00:00 UTC",
        datetime!(2026-11-21 00:00 UTC),
        false,
        &[
            datetime!(2026-11-21 22:00 UTC),
            datetime!(2026-11-22 00:00 UTC),
            datetime!(2026-11-28 22:00 UTC),
        ],
    );
    // One ends in the minute the next begins in.
    check(
        "fri,sat 22:00-21:59 UTC",
        datetime!(2026-11-20 22:00 UTC),
        true,
        &[
            datetime!(2026-11-21 21:59 UTC),
            datetime!(2026-11-21 22:00 UTC),
            datetime!(2026-11-22 21:59 UTC),
        ],
    );
}

#[test]
fn the_same_minute_twice_is_a_whole_day() {
    check(
        "fri 00:00-00:00 UTC",
        datetime!(2026-11-19 23:59:59 UTC),
        false,
        &[datetime!(2026-11-20 00:00 UTC), datetime!(2026-11-21 00:00 UTC)],
    );
    check(
        "fri 09:00-09:00 UTC",
        datetime!(2026-11-20 08:59 UTC),
        false,
        &[datetime!(2026-11-20 09:00 UTC), datetime!(2026-11-21 09:00 UTC)],
    );
    check(
        "fri,sat 09:00-09:00 UTC",
        datetime!(2026-11-20 09:00 UTC),
        true,
        &[datetime!(2026-11-22 09:00 UTC)],
    );
}

#[test]
fn what_never_changes_says_so() {
    let at = datetime!(2026-11-20 12:00 UTC);
    for (text, active) in [
        ("daily 07:00-07:00 Europe/Vienna", true),
        ("never 07:00-08:00 UTC", false),
        ("daily 07:00-08:00 Mars/Olympus", false),
    ] {
        let schedule = schedule(text);
        assert_eq!(
            (is_active(&schedule, at), next_change(&schedule, at)),
            (active, None),
            "{text}"
        );
    }
}

#[test]
fn clocks_put_forward_shorten_or_skip_spans() {
    // 02:00 becomes 03:00 in Vienna, at 01:00 UTC.
    check(
        "sun 01:30-03:30 Europe/Vienna",
        datetime!(2026-03-29 00:00 UTC),
        false,
        &[datetime!(2026-03-29 00:30 UTC), datetime!(2026-03-29 01:30 UTC)],
    );
    check(
        "sun 02:15-03:30 Europe/Vienna",
        datetime!(2026-03-29 00:00 UTC),
        false,
        &[datetime!(2026-03-29 01:00 UTC), datetime!(2026-03-29 01:30 UTC)],
    );
    check(
        "sun 01:30-02:15 Europe/Vienna",
        datetime!(2026-03-29 00:00 UTC),
        false,
        &[datetime!(2026-03-29 00:30 UTC), datetime!(2026-03-29 01:00 UTC)],
    );
    // It does not happen on that day.
    check(
        "sun 02:00-03:00 Europe/Vienna",
        datetime!(2026-03-28 12:00 UTC),
        false,
        &[datetime!(2026-04-05 00:00 UTC), datetime!(2026-04-05 01:00 UTC)],
    );
    // 02:00 becomes 03:00 in New York, at 07:00 UTC.
    check(
        "daily 02:30-04:00 America/New_York",
        datetime!(2026-03-08 06:00 UTC),
        false,
        &[
            datetime!(2026-03-08 07:00 UTC),
            datetime!(2026-03-08 08:00 UTC),
            datetime!(2026-03-09 06:30 UTC),
        ],
    );
    // 02:00 becomes 02:30 on Lord Howe, at 15:30 UTC of the day before.
    check(
        "sun 01:45-02:45 Australia/Lord_Howe",
        datetime!(2026-10-03 12:00 UTC),
        false,
        &[datetime!(2026-10-03 15:15 UTC), datetime!(2026-10-03 15:45 UTC)],
    );
}

#[test]
fn clocks_put_back_repeat_what_they_show_twice() {
    // 03:00 becomes 02:00 in Vienna, at 01:00 UTC.
    check(
        "sun 01:30-03:30 Europe/Vienna",
        datetime!(2026-10-24 12:00 UTC),
        false,
        &[datetime!(2026-10-24 23:30 UTC), datetime!(2026-10-25 02:30 UTC)],
    );
    check(
        "sun 02:15-02:45 Europe/Vienna",
        datetime!(2026-10-24 12:00 UTC),
        false,
        &[
            datetime!(2026-10-25 00:15 UTC),
            datetime!(2026-10-25 00:45 UTC),
            datetime!(2026-10-25 01:15 UTC),
            datetime!(2026-10-25 01:45 UTC),
            datetime!(2026-11-01 01:15 UTC),
        ],
    );
    check(
        "sun 01:30-02:30 Europe/Vienna",
        datetime!(2026-10-24 12:00 UTC),
        false,
        &[
            datetime!(2026-10-24 23:30 UTC),
            datetime!(2026-10-25 00:30 UTC),
            datetime!(2026-10-25 01:00 UTC),
            datetime!(2026-10-25 01:30 UTC),
        ],
    );
    // 02:00 becomes 01:00 in New York, at 06:00 UTC.
    check(
        "sat 23:00-01:30 America/New_York",
        datetime!(2026-10-31 12:00 UTC),
        false,
        &[
            datetime!(2026-11-01 03:00 UTC),
            datetime!(2026-11-01 05:30 UTC),
            datetime!(2026-11-01 06:00 UTC),
            datetime!(2026-11-01 06:30 UTC),
        ],
    );
    // 02:00 becomes 01:30 on Lord Howe, at 15:00 UTC of the day before.
    check(
        "sun 01:45-01:50 Australia/Lord_Howe",
        datetime!(2026-04-04 12:00 UTC),
        false,
        &[
            datetime!(2026-04-04 14:45 UTC),
            datetime!(2026-04-04 14:50 UTC),
            datetime!(2026-04-04 15:15 UTC),
            datetime!(2026-04-04 15:20 UTC),
        ],
    );
}

#[test]
fn clocks_changed_at_midnight_are_followed() {
    // 2026-04-24 00:00 became 01:00 in Cairo, at 22:00 UTC; the Friday has no first hour.
    check(
        "fri 00:00-02:00 Africa/Cairo",
        datetime!(2026-04-23 12:00 UTC),
        false,
        &[datetime!(2026-04-23 22:00 UTC), datetime!(2026-04-23 23:00 UTC)],
    );
    // 2026-10-30 00:00 becomes 23:00 of the day before, at 21:00 UTC.
    check(
        "thu 23:00-23:30 Africa/Cairo",
        datetime!(2026-10-29 12:00 UTC),
        false,
        &[
            datetime!(2026-10-29 20:00 UTC),
            datetime!(2026-10-29 20:30 UTC),
            datetime!(2026-10-29 21:00 UTC),
            datetime!(2026-10-29 21:30 UTC),
            datetime!(2026-11-05 21:00 UTC),
        ],
    );
    // 2010-11-07 00:01 became 23:01 of the day before in Newfoundland, at 02:31 UTC: asked in the first minute of a
    // Sunday, the change is on Saturday.
    check(
        "sat 23:15-23:30 America/St_Johns",
        datetime!(2010-11-07 02:30:30 UTC),
        false,
        &[datetime!(2010-11-07 02:45 UTC), datetime!(2010-11-07 03:00 UTC)],
    );
    // Friday 2011-12-30 was left out in Samoa.
    check(
        "fri 08:00-09:00 Pacific/Apia",
        datetime!(2011-12-29 12:00 -10),
        false,
        &[datetime!(2012-01-06 08:00 +14), datetime!(2012-01-06 09:00 +14)],
    );
}

#[test]
fn only_time_zones_of_the_database_are_taken() {
    for name in [
        "Europe/Vienna",
        "America/New_York",
        "Australia/Lord_Howe",
        "UTC",
        "Etc/GMT+5",
        "Asia/Kolkata",
    ] {
        assert!(check_timezone(name).is_ok(), "{name}");
    }
    for name in [
        "",
        "Europe/Wien",
        "europe/vienna",
        "Etc/Unknown",
        "CET-1CEST,M3.5.0,M10.5.0/3",
        "+01:00",
        "../../etc/passwd",
        "Europe/Vienna ",
    ] {
        assert!(check_timezone(name).is_err(), "{name}");
    }
}

const ZONES: [&str; 6] = [
    "UTC",
    "Europe/Vienna",
    "America/New_York",
    "Australia/Lord_Howe",
    "Africa/Cairo",
    "Asia/Kathmandu",
];

fn any_schedule() -> impl Strategy<Value = Schedule> {
    // Hours in which clocks are changed more often than others.
    let minute = || {
        (
            prop_oneof![0..24u8, 0..4u8, 22..24u8],
            prop_oneof![Just(0), Just(30), 0..60u8],
        )
            .prop_map(|(hour, minute)| MinuteOfDay::new(hour, minute).expect("a minute"))
    };
    (
        proptest::collection::btree_set(proptest::sample::select(&Day::ALL[..]), 1..=7),
        minute(),
        minute(),
        proptest::sample::select(&ZONES[..]),
    )
        .prop_map(|(days, from, to, timezone)| Schedule {
            days,
            from,
            to,
            timezone: timezone.to_owned(),
        })
}

/// Within a few days of the changes of clocks of 2026, or anywhere in the year.
fn any_instant() -> impl Strategy<Value = OffsetDateTime> {
    let near = |at: OffsetDateTime| {
        (-8 * 86_400..3 * 86_400i64).prop_map(move |offset| at + Duration::seconds(offset))
    };
    prop_oneof![
        near(datetime!(2026-03-08 07:00 UTC)),
        near(datetime!(2026-03-29 01:00 UTC)),
        near(datetime!(2026-04-04 15:00 UTC)),
        near(datetime!(2026-04-23 22:00 UTC)),
        near(datetime!(2026-10-03 15:30 UTC)),
        near(datetime!(2026-10-25 01:00 UTC)),
        near(datetime!(2026-10-29 21:00 UTC)),
        near(datetime!(2026-11-01 06:00 UTC)),
        (0..365 * 86_400i64).prop_map(|offset| datetime!(2026-01-01 00:00 UTC) + Duration::seconds(offset)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn the_next_change_is_the_first_instant_it_is_different(schedule in any_schedule(), after in any_instant()) {
        let now = is_active(&schedule, after);
        // Clocks show whole minutes: those are all the instants at which anything can change.
        let minute = Duration::minutes(1);
        let first = after - Duration::seconds(after.second().into()) + minute;
        let different = (0..16 * 24 * 60)
            .map(|n| first + minute * n)
            .find(|at| is_active(&schedule, *at) != now);
        prop_assert_eq!(next_change(&schedule, after), different);
    }
}
