//! Random numbers that can be had again: `RAVELIN_SEED=<number>`.

/// A generator (splitmix64). Prints its seed, which the test runner shows when the test fails.
#[derive(Debug)]
pub struct Random(u64);

impl Random {
    /// Seeded from `RAVELIN_SEED`, else from the clock.
    pub fn new() -> Self {
        let seed = match std::env::var("RAVELIN_SEED") {
            Ok(text) => text.parse().expect("RAVELIN_SEED is a number"),
            Err(_) => crate::clock::monotonic_ns(),
        };
        eprintln!("RAVELIN_SEED={seed}");
        Self(seed)
    }

    /// Any number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Below a bound that is not 0.
    pub fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound).unwrap();
        usize::try_from(self.number() % bound).unwrap()
    }

    /// True once in that many times.
    pub fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    /// One of them.
    pub fn of<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.below(choices.len())]
    }

    /// A byte.
    pub fn byte(&mut self) -> u8 {
        self.number().to_le_bytes()[0]
    }
}
