//! Rules that are in force at times.

use serde_json::{Value, json};
use time::{Duration, OffsetDateTime, Weekday};

use super::case::Group;
use super::draft::{Rule, rule};
use super::ground::check;
use super::shot::*;

/// A time zone in which it is between noon and one o'clock, and what day it is there.
fn noon() -> (String, Weekday) {
    let now = OffsetDateTime::now_utc();
    let offset = 12 - i64::from(now.hour());
    // Signs of these names are those of POSIX: west is positive.
    let name = format!("Etc/GMT{:+}", -offset);
    (name, (now + Duration::hours(offset)).weekday())
}

fn name(day: Weekday) -> Value {
    day.to_string().to_lowercase().into()
}

fn at(from: &str, to: &str, days: &[Weekday]) -> Rule {
    let (timezone, _) = noon();
    let mut schedule = json!({ "from": from, "to": to, "timezone": timezone });
    if !days.is_empty() {
        schedule["days"] = days.iter().map(|day| name(*day)).collect();
    }
    rule("timed").from("lan").to("wan").schedule(schedule).accept()
}

#[test]
fn schedules_decide() {
    check(
        &[
            schedules_by_the_clock_of_a_time_zone(),
            a_rule_that_expires_later_is_in_force(),
        ]
        .concat(),
    );
}

fn schedules_by_the_clock_of_a_time_zone() -> Vec<Group> {
    let (_, today) = noon();
    let yesterday = today.previous();
    let others: Vec<Weekday> = (1..7).map(|days| today.nth_next(days)).collect();
    let group = |name, timed, matches: bool| {
        let shot = syn(LAN, WAN, 80);
        let shot = if matches {
            shot.passes("timed")
        } else {
            shot.dropped(UNWRITTEN)
        };
        Group::new(name).rule(timed).case("at noon", shot)
    };
    vec![
        group("from eight to four", at("08:00", "16:00", &[]), true),
        group("from three to four", at("15:00", "16:00", &[]), false),
        group("from eight to nine", at("08:00", "09:00", &[]), false),
        group("today only", at("08:00", "16:00", &[today]), true),
        group("every day but today", at("08:00", "16:00", &others), false),
        group(
            "over midnight since yesterday",
            at("22:00", "14:00", &[yesterday]),
            true,
        ),
        group(
            "over midnight from today on",
            at("22:00", "14:00", &[today]),
            false,
        ),
        group("over midnight, over by now", at("22:00", "10:00", &[]), false),
        group(
            "a whole day since yesterday",
            at("15:00", "15:00", &[yesterday]),
            true,
        ),
        group("a whole day from today on", at("15:00", "15:00", &[today]), false),
        group("always", at("00:00", "00:00", &[]), true),
    ]
}

fn a_rule_that_expires_later_is_in_force() -> Vec<Group> {
    let group = Group::new("not expired")
        .rule(
            rule("until then")
                .from("lan")
                .to("wan")
                .expires_at("2099-12-31T23:59:00Z")
                .accept(),
        )
        .case("now", syn(LAN, WAN, 80).passes("until then"));
    vec![group]
}
