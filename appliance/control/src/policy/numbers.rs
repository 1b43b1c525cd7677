//! Numbers the data plane knows objects by.

use ravelin_compile::fixed_counter;
use ravelin_model::{LOCAL_ZONE, Policy, ZoneNumber};

/// Gives out the smallest numbers nobody has. A number whose object goes in the same commit is not given out: until
/// the new policy is live, packets are counted on it.
#[derive(Debug)]
pub(crate) struct Numbers {
    taken: Vec<bool>,
    next: u32,
}

impl Numbers {
    /// Zone numbers.
    pub(crate) fn of_zones(policy: &Policy) -> Self {
        let first = u32::from(ZoneNumber::LOCAL.get()) + 1;
        let zones = policy.zones.values();
        let taken = zones
            .filter(|zone| zone.id.as_str() != LOCAL_ZONE)
            .map(|zone| zone.number);
        Self::new(first, u32::from(ZoneNumber::MAX) + 1, taken)
    }

    /// Hit counters below `limit`.
    pub(crate) fn of_counters(policy: &Policy, limit: u32) -> Self {
        let taken = (policy.rules.iter().map(|rule| rule.number))
            .chain(policy.zone_pairs.values().map(|pair| pair.number))
            .chain(policy.published_services.values().map(|service| service.number));
        Self::new(fixed_counter::FIRST_FREE, limit.min(fixed_counter::LIMIT), taken)
    }

    fn new(first: u32, limit: u32, taken: impl Iterator<Item = u32>) -> Self {
        let mut numbers = Self {
            taken: vec![false; limit as usize],
            next: first,
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

    /// The smallest that is left.
    pub(crate) fn give(&mut self) -> Option<u32> {
        while *self.taken.get(self.next as usize)? {
            self.next += 1;
        }
        self.taken[self.next as usize] = true;
        Some(self.next)
    }
}
