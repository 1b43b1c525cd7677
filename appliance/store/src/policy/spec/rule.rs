//! Rules.

use std::collections::BTreeSet;
use std::sync::Arc;

use ravelin_model::{
    AnyObject, Day, MinuteOfDay, Object, ObjectName, RateLimit, RateLimitScope, RuleSpec, Schedule,
    ServiceMatch,
};
use serde::{Deserialize, Serialize};

use super::service::ServiceEntryRow;
use super::terms::{ActionRow, AddressMatchRow, ZoneMatchRow, zone_match, zone_row};
use super::{SPEC, Stored, is_false, is_true, named, parse, yes};
use crate::{StoreError, convert};

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum ServiceMatchRow {
    /// Id of a service.
    Named(String),
    Entry(ServiceEntryRow),
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum RateLimitScopeRow {
    Rule,
    Source,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RateLimitRow {
    rate: u32,
    per: RateLimitScopeRow,
    burst: u32,
}

impl RateLimitRow {
    fn of(limit: RateLimit) -> Self {
        let RateLimit { rate, per, burst } = limit;
        Self {
            rate,
            per: match per {
                RateLimitScope::Rule => RateLimitScopeRow::Rule,
                RateLimitScope::Source => RateLimitScopeRow::Source,
            },
            burst,
        }
    }

    fn limit(self) -> RateLimit {
        let Self { rate, per, burst } = self;
        RateLimit {
            rate,
            per: match per {
                RateLimitScopeRow::Rule => RateLimitScope::Rule,
                RateLimitScopeRow::Source => RateLimitScope::Source,
            },
            burst,
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ScheduleRow {
    /// From Monday, 0.
    days: BTreeSet<u8>,
    /// Minutes since midnight.
    from: u16,
    to: u16,
    timezone: String,
}

impl ScheduleRow {
    fn of(schedule: &Schedule) -> Self {
        let Schedule {
            days,
            from,
            to,
            timezone,
        } = schedule;
        let numbered = (0..).zip(Day::ALL);
        Self {
            days: numbered
                .filter(|(_, day)| days.contains(day))
                .map(|(number, _)| number)
                .collect(),
            from: from.minutes(),
            to: to.minutes(),
            timezone: timezone.clone(),
        }
    }

    fn schedule(self) -> Result<Schedule, StoreError> {
        let Self {
            days,
            from,
            to,
            timezone,
        } = self;
        let day = |number: u8| Day::ALL.get(usize::from(number)).copied();
        let minute = |minutes: u16| {
            let (hour, minute) = (u8::try_from(minutes / 60).ok()?, u8::try_from(minutes % 60).ok()?);
            MinuteOfDay::new(hour, minute)
        };
        let impossible = || convert::column(SPEC, None);
        Ok(Schedule {
            days: days
                .into_iter()
                .map(day)
                .collect::<Option<_>>()
                .ok_or_else(impossible)?,
            from: minute(from).ok_or_else(impossible)?,
            to: minute(to).ok_or_else(impossible)?,
            timezone,
        })
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::policy) struct RuleRow {
    #[serde(default = "yes", skip_serializing_if = "is_true")]
    enabled: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    from: ZoneMatchRow,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    to: ZoneMatchRow,
    #[serde(default, skip_serializing_if = "AddressMatchRow::says_nothing")]
    source: AddressMatchRow,
    #[serde(default, skip_serializing_if = "AddressMatchRow::says_nothing")]
    destination: AddressMatchRow,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    services: Vec<ServiceMatchRow>,
    action: ActionRow,
    #[serde(default, skip_serializing_if = "is_false")]
    log: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rate_limit: Option<RateLimitRow>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    schedule: Option<ScheduleRow>,
    /// Unix microseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires_at: Option<i64>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    comment: String,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    tags: BTreeSet<String>,
}

impl Stored for RuleSpec {
    type Row = RuleRow;

    fn row(&self) -> RuleRow {
        let Self {
            name: _,
            enabled,
            from,
            to,
            source,
            destination,
            services,
            action,
            log,
            rate_limit,
            schedule,
            expires_at,
            comment,
            tags,
        } = self;
        let service = |service: &ServiceMatch| match service {
            ServiceMatch::Named(id) => ServiceMatchRow::Named(id.to_string()),
            ServiceMatch::Entry(entry) => ServiceMatchRow::Entry(ServiceEntryRow::of(entry)),
        };
        RuleRow {
            enabled: *enabled,
            from: zone_row(from),
            to: zone_row(to),
            source: AddressMatchRow::of(source),
            destination: AddressMatchRow::of(destination),
            services: services.iter().map(service).collect(),
            action: (*action).into(),
            log: *log,
            rate_limit: rate_limit.map(RateLimitRow::of),
            schedule: schedule.as_ref().map(ScheduleRow::of),
            expires_at: expires_at.map(convert::microseconds),
            comment: comment.clone(),
            tags: tags.clone(),
        }
    }

    fn from_row(row: RuleRow, name: Option<ObjectName>) -> Result<Self, StoreError> {
        let RuleRow {
            enabled,
            from,
            to,
            source,
            destination,
            services,
            action,
            log,
            rate_limit,
            schedule,
            expires_at,
            comment,
            tags,
        } = row;
        let service = |row| match row {
            ServiceMatchRow::Named(id) => Ok(ServiceMatch::Named(parse(&id)?)),
            ServiceMatchRow::Entry(entry) => Ok(ServiceMatch::Entry(entry.entry()?)),
        };
        Ok(Self {
            name: named(name)?,
            enabled,
            from: zone_match(from)?,
            to: zone_match(to)?,
            source: source.address_match()?,
            destination: destination.address_match()?,
            services: services
                .into_iter()
                .map(service)
                .collect::<Result<_, StoreError>>()?,
            action: action.into(),
            log,
            rate_limit: rate_limit.map(RateLimitRow::limit),
            schedule: schedule.map(ScheduleRow::schedule).transpose()?,
            expires_at: expires_at.map(|at| convert::time(SPEC, at)).transpose()?,
            comment,
            tags,
        })
    }

    fn wrap(object: Arc<Object<Self>>) -> AnyObject {
        AnyObject::Rule(object)
    }
}
