//! Which rules are in force at an instant, and until when.

use std::collections::HashMap;

use ravelin_model::{RuleSpec, Schedule};
use time::OffsetDateTime;

use crate::NotInForce;
use crate::schedule;

/// What it finds out about schedules is kept: many rules share few of them.
#[derive(Debug)]
pub(super) struct Times<'a> {
    now: OffsetDateTime,
    schedules: HashMap<&'a Schedule, (bool, Option<OffsetDateTime>)>,
    next_change: Option<OffsetDateTime>,
}

impl<'a> Times<'a> {
    pub(super) fn new(now: OffsetDateTime) -> Self {
        Self {
            now,
            schedules: HashMap::new(),
            next_change: None,
        }
    }

    /// Why the rule, enabled or not, is not in force now. Takes the next instant that changes into account.
    pub(super) fn check(&mut self, rule: &'a RuleSpec) -> Result<(), NotInForce> {
        if rule.expires_at.is_some_and(|expires_at| expires_at <= self.now) {
            return Err(NotInForce::Expired);
        }
        let (active, change) = match &rule.schedule {
            Some(schedule) => *self.schedules.entry(schedule).or_insert_with(|| {
                (
                    schedule::is_active(schedule, self.now),
                    schedule::next_change(schedule, self.now),
                )
            }),
            None => (true, None),
        };
        // A rule that is off and expires before it comes on again changes nothing by that.
        let expiry = rule.expires_at.filter(|_| active);
        let change = change.filter(|change| rule.expires_at.is_none_or(|expires_at| *change < expires_at));
        self.next_change = [self.next_change, change, expiry].into_iter().flatten().min();
        if active {
            Ok(())
        } else {
            Err(NotInForce::OffSchedule)
        }
    }

    pub(super) fn next_change(&self) -> Option<OffsetDateTime> {
        self.next_change
    }
}
