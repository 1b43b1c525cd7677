//! Numbers the data plane knows objects by.

use ravelin_compile::fixed_counter;
use ravelin_model::{LOCAL_ZONE, Policy, Revision, ZoneNumber};

/// Counters a revision's new objects are looked for behind those of the revision before.
const COUNTERS_A_REVISION: u64 = 61;

/// Gives out numbers nobody has, from a start on and around. A number whose object goes in the same commit is not
/// given out: until the new policy is live, packets are counted on it.
#[derive(Debug)]
pub(crate) struct Numbers {
    taken: Vec<bool>,
    first: u32,
    next: u32,
    left: u32,
}

impl Numbers {
    /// Zone numbers.
    pub(crate) fn of_zones(policy: &Policy) -> Self {
        let first = u32::from(ZoneNumber::LOCAL.get()) + 1;
        let zones = policy.zones.values();
        let taken = zones
            .filter(|zone| zone.id.as_str() != LOCAL_ZONE)
            .map(|zone| zone.number);
        Self::new(first, u32::from(ZoneNumber::MAX) + 1, 0, taken)
    }

    /// Hit counters below `limit`. Connections that are still open go on counting on the rule that let them in, also
    /// when it is gone: so each revision starts elsewhere, and a number that became free is not given out soon.
    pub(crate) fn of_counters(policy: &Policy, limit: u32, revision: Revision) -> Self {
        let taken = (policy.rules.iter().map(|rule| rule.number))
            .chain(policy.zone_pairs.values().map(|pair| pair.number))
            .chain(policy.published_services.values().map(|service| service.number));
        let limit = limit.min(fixed_counter::LIMIT);
        let start = revision.0.wrapping_mul(COUNTERS_A_REVISION);
        Self::new(fixed_counter::FIRST_FREE, limit, start, taken)
    }

    fn new(first: u32, limit: u32, start: u64, taken: impl Iterator<Item = u32>) -> Self {
        let count = limit.saturating_sub(first);
        let start = start.checked_rem(count.into()).unwrap_or(0);
        let mut numbers = Self {
            taken: vec![false; limit as usize],
            first,
            next: first + u32::try_from(start).expect("less than a number of 32 bits"),
            left: count,
        };
        for number in taken {
            numbers.take(number);
        }
        numbers
    }

    /// Keeps a number from being given out; whether nobody had it and it exists.
    pub(crate) fn take(&mut self, number: u32) -> bool {
        match self.taken.get_mut(number as usize) {
            Some(taken) => !std::mem::replace(taken, true),
            None => false,
        }
    }

    /// The next that is left.
    pub(crate) fn give(&mut self) -> Option<u32> {
        while self.left > 0 {
            let number = self.next;
            self.left -= 1;
            self.next = if (number + 1) as usize == self.taken.len() {
                self.first
            } else {
                number + 1
            };
            if self.take(number) {
                return Some(number);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_is_given_once_from_the_start_on_and_around() {
        let mut numbers = Numbers::new(16, 20, 6, [17].into_iter());
        let given: Vec<_> = std::iter::from_fn(|| numbers.give()).collect();
        assert_eq!(given, [18, 19, 16]);
    }

    #[test]
    fn a_counter_that_became_free_is_not_the_next_to_be_given() {
        let policy = Policy::default();
        let first = |revision| Numbers::of_counters(&policy, 1000, Revision(revision)).give();
        let given: Vec<_> = (1..10).map(first).collect();
        let different: std::collections::BTreeSet<_> = given.iter().collect();
        assert_eq!(different.len(), 9, "{given:?}");
        assert_eq!(Numbers::of_counters(&policy, 16, Revision(1)).give(), None);
    }
}
