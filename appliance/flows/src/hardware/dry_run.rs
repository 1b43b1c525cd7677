//! Which connections would be put in, if the mode was `active`.

use std::cmp::Reverse;
use std::collections::HashMap;

use ravelin_model::HwOffloadConfig;

use super::cards::{Cards, limit};
use super::table::Candidate;

/// The busiest of these that are busy enough and there would be room for, the busiest first.
pub(crate) fn would_install(
    mut candidates: Vec<Candidate>,
    cards: &Cards,
    config: &HwOffloadConfig,
) -> Vec<Candidate> {
    candidates.retain(|candidate| candidate.rate >= u64::from(config.min_packets_per_second));
    candidates.sort_by_key(|candidate| Reverse(candidate.rate));
    let mut used: HashMap<u32, u64> = HashMap::new();
    candidates.retain(|candidate| {
        let interfaces = candidate.rules.map(|rule| rule.ingress);
        let fits = interfaces
            .iter()
            .all(|interface| used.get(interface).copied().unwrap_or(0) < limit(*interface, cards, config));
        if fits {
            interfaces
                .iter()
                .for_each(|interface| *used.entry(*interface).or_default() += 1);
        }
        fits
    });
    candidates
}
