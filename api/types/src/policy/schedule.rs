//! When a rule is in force.

use ravelin_model as model;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Errors, Fields, Node};

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Day {
    /// Monday.
    Monday,
    /// Tuesday.
    Tuesday,
    /// Wednesday.
    Wednesday,
    /// Thursday.
    Thursday,
    /// Friday.
    Friday,
    /// Saturday.
    Saturday,
    /// Sunday.
    Sunday,
}

impl From<model::Day> for Day {
    fn from(day: model::Day) -> Self {
        match day {
            model::Day::Monday => Self::Monday,
            model::Day::Tuesday => Self::Tuesday,
            model::Day::Wednesday => Self::Wednesday,
            model::Day::Thursday => Self::Thursday,
            model::Day::Friday => Self::Friday,
            model::Day::Saturday => Self::Saturday,
            model::Day::Sunday => Self::Sunday,
        }
    }
}

/// Days and hours by the clock on the wall of a time zone. What is missing limits nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// Days a span begins on; missing: every day.
    #[serde(default)]
    #[schema(min_items = 1)]
    pub days: Vec<Day>,
    /// First minute of the span.
    #[serde(default = "midnight")]
    #[schema(pattern = "^([01][0-9]|2[0-3]):[0-5][0-9]$", example = "22:00")]
    pub from: String,
    /// The minute the span is over. Not after `from`: it ends on the next day; the same: it lasts a whole day.
    #[serde(default = "midnight")]
    #[schema(pattern = "^([01][0-9]|2[0-3]):[0-5][0-9]$", example = "06:00")]
    pub to: String,
    /// IANA name.
    #[serde(default = "utc")]
    #[schema(example = "Europe/Vienna")]
    pub timezone: String,
}

fn midnight() -> String {
    "00:00".to_owned()
}

fn utc() -> String {
    "UTC".to_owned()
}

impl Schedule {
    /// Whether there is such a time zone is for the owner of the policy to say: it has the time zones.
    pub(super) fn read(node: Node<'_>, errors: &mut Errors) -> Option<model::Schedule> {
        let mut fields = Fields::of(node, errors)?;
        let days = fields.or("days", model::Day::ALL.to_vec(), errors, |node, errors| {
            let words = model::Day::ALL.map(|day| (day.name(), day));
            let days = node.items(errors, |item, errors| item.word(&words, errors))?;
            if days.is_empty() {
                errors.add(&node, "range", "has no day, so the rule would never match");
                return None;
            }
            Some(days)
        });
        let midnight = model::MinuteOfDay::new(0, 0)?;
        let from = fields.or("from", midnight, errors, |node, errors| minute(&node, errors));
        let to = fields.or("to", midnight, errors, |node, errors| minute(&node, errors));
        let timezone = fields.or("timezone", utc(), errors, |node, errors| {
            node.string(errors).map(str::to_owned)
        });
        fields.finish(errors);
        Some(model::Schedule {
            days: days?.into_iter().collect(),
            from: from?,
            to: to?,
            timezone: timezone?,
        })
    }

    pub(super) fn of(schedule: &model::Schedule) -> Self {
        let model::Schedule {
            days,
            from,
            to,
            timezone,
        } = schedule;
        let time = |minute: &model::MinuteOfDay| format!("{:02}:{:02}", minute.hour(), minute.minute());
        Self {
            days: days.iter().copied().map(Into::into).collect(),
            from: time(from),
            to: time(to),
            timezone: timezone.clone(),
        }
    }
}

fn minute(node: &Node<'_>, errors: &mut Errors) -> Option<model::MinuteOfDay> {
    let text = node.string(errors)?;
    let part = |part: &str| {
        let digits = part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit());
        digits.then(|| part.parse::<u8>().ok()).flatten()
    };
    let minute = text
        .split_once(':')
        .and_then(|(hour, minute)| model::MinuteOfDay::new(part(hour)?, part(minute)?));
    if minute.is_none() {
        errors.add(node, "format", "is not a time of the day from 00:00 to 23:59");
    }
    minute
}
