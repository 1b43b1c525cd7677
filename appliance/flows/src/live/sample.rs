//! What connections had counted a little while ago, so that there is something to tell a rate from.

use std::hash::BuildHasher;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::FlowId;

/// Connections of a sample: 24 bytes each. Those above have no rate.
const MOST: usize = 500_000;

/// A sample younger than this tells mere chance.
pub(super) const SHORTEST: Duration = Duration::from_secs(1);

/// A sample older than this tells too little of now.
const LONGEST: Duration = Duration::from_secs(10);

/// Bits a second of each direction, and over which time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FlowRate {
    /// Of who began it, and of the other side, from the IP header on.
    pub bits_per_second: [u64; 2],
    /// Between the two readings.
    pub window: Duration,
}

/// Bytes of connections at a time.
#[derive(Debug)]
pub(super) struct Sample {
    at: Instant,
    hasher: std::hash::RandomState,
    /// Sorted by the hash of the id once it is finished.
    bytes: Vec<(u64, [u64; 2])>,
}

impl Sample {
    /// To be filled from now on. `expected`: about how many there will be.
    pub(super) fn begin(expected: usize) -> Self {
        Self {
            at: Instant::now(),
            hasher: std::hash::RandomState::new(),
            bytes: Vec::with_capacity(expected.min(MOST)),
        }
    }

    pub(super) fn add(&mut self, id: &FlowId, bytes: [u64; 2]) {
        if self.bytes.len() < MOST {
            self.bytes.push((self.hasher.hash_one(id), bytes));
        }
    }

    pub(super) fn finish(mut self) -> Self {
        self.bytes.sort_unstable_by_key(|(hash, _)| *hash);
        self
    }

    /// The rate of a connection that has counted so much at a later time; None: it was not there.
    pub(super) fn rate(&self, id: &FlowId, bytes: [u64; 2], now: Instant) -> Option<FlowRate> {
        let hash = self.hasher.hash_one(id);
        let at = self.bytes.binary_search_by_key(&hash, |(hash, _)| *hash).ok()?;
        let before = self.bytes[at].1;
        let window = now.saturating_duration_since(self.at);
        let milliseconds = window.as_millis().max(1);
        let rate = |direction: usize| {
            let bytes = u128::from(bytes[direction].saturating_sub(before[direction]));
            u64::try_from(bytes * 8000 / milliseconds).unwrap_or(u64::MAX)
        };
        Some(FlowRate {
            bits_per_second: [rate(0), rate(1)],
            window,
        })
    }
}

/// The last samples, two at most: while pages are turned quickly, the younger is too young.
#[derive(Debug, Default)]
pub(super) struct Samples {
    newest: Option<Arc<Sample>>,
    before: Option<Arc<Sample>>,
}

impl Samples {
    /// The youngest that is neither too young nor too old.
    pub(super) fn fit(&self, now: Instant) -> Option<Arc<Sample>> {
        let fits =
            |sample: &&Arc<Sample>| (SHORTEST..=LONGEST).contains(&now.saturating_duration_since(sample.at));
        self.newest.iter().chain(&self.before).find(fits).map(Arc::clone)
    }

    /// How long until one is old enough; None: there is none that will be.
    pub(super) fn ripe_in(&self, now: Instant) -> Option<Duration> {
        let newest = self.newest.as_ref()?;
        SHORTEST.checked_sub(now.saturating_duration_since(newest.at))
    }

    /// Keeps a sample, unless one is so young that a later reading could use neither.
    pub(super) fn keep(&mut self, sample: Sample) {
        let now = sample.at;
        let too_old = |kept: &Arc<Sample>| now.saturating_duration_since(kept.at) > LONGEST;
        self.before.take_if(|kept| too_old(kept));
        self.newest.take_if(|kept| too_old(kept));
        let young = |kept: &Arc<Sample>| now.saturating_duration_since(kept.at) < SHORTEST;
        if !self.newest.as_ref().is_some_and(young) {
            self.before = self.newest.take();
            self.newest = Some(Arc::new(sample));
        }
    }
}

#[cfg(test)]
mod tests {
    use ravelin_model::FlowTuple;

    use super::*;

    fn id(number: u32) -> FlowId {
        FlowId {
            original: FlowTuple {
                source: [0; 16].into(),
                destination: [1; 16].into(),
                protocol: 17,
                source_port: 1,
                destination_port: 2,
            },
            zone: 0,
            number,
        }
    }

    fn sample(at: Instant, counted: &[(u32, [u64; 2])]) -> Sample {
        let mut sample = Sample {
            at,
            ..Sample::begin(counted.len())
        };
        for (number, bytes) in counted {
            sample.add(&id(*number), *bytes);
        }
        sample.finish()
    }

    #[test]
    fn a_rate_is_what_was_counted_since() {
        let start = Instant::now();
        let before = sample(start, &[(1, [1000, 0]), (2, [5, 5]), (3, [0, 0])]);
        let later = start + Duration::from_secs(2);
        let rate = |number, bytes| {
            before
                .rate(&id(number), bytes, later)
                .map(|rate| rate.bits_per_second)
        };
        assert_eq!(rate(1, [2000, 500]), Some([4000, 2000]));
        assert_eq!(rate(2, [5, 5]), Some([0, 0]));
        // Counted anew since.
        assert_eq!(rate(2, [0, 9]), Some([0, 16]));
        assert_eq!(rate(4, [9, 9]), None);
        assert_eq!(
            before.rate(&id(1), [0, 0], later).map(|rate| rate.window),
            Some(Duration::from_secs(2))
        );
    }

    #[test]
    fn quick_readings_share_an_older_sample() {
        let start = Instant::now();
        let after = |milliseconds| start + Duration::from_millis(milliseconds);
        let mut samples = Samples::default();
        assert!(samples.fit(start).is_none() && samples.ripe_in(start).is_none());
        let keep = |samples: &mut Samples, at| samples.keep(sample(after(at), &[]));
        let fit = |samples: &Samples, at| samples.fit(after(at)).map(|sample| sample.at);
        keep(&mut samples, 0);
        assert_eq!(fit(&samples, 900), None);
        assert_eq!(samples.ripe_in(after(900)), Some(Duration::from_millis(100)));
        assert_eq!(fit(&samples, 1000), Some(after(0)));
        keep(&mut samples, 1100);
        // Too young to be of use before the one at 1,100 is: not kept.
        keep(&mut samples, 1500);
        assert_eq!(fit(&samples, 1600), Some(after(0)));
        assert_eq!(fit(&samples, 2100), Some(after(1100)));
        keep(&mut samples, 2200);
        assert_eq!(fit(&samples, 2300), Some(after(1100)));
        assert_eq!(fit(&samples, 13_000), None);
        keep(&mut samples, 20_000);
        assert_eq!(fit(&samples, 20_100), None);
        assert_eq!(fit(&samples, 21_000), Some(after(20_000)));
    }
}
