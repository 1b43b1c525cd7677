//! What holds whatever comes.

use std::collections::BTreeSet;

use ravelin_model::{Bounds, Tunable, TuningLimits, TuningMode};

use crate::machine::{CONNECTION_BYTES, EVENT_BYTES, Load, Machine, Run};

/// A random test prints its seed; `RAVELIN_SEED` takes it back.
struct Random(u64);

impl Random {
    fn new() -> Self {
        let given = std::env::var("RAVELIN_SEED")
            .ok()
            .and_then(|seed| seed.parse().ok());
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let seed: u64 = given.unwrap_or_else(|| u64::try_from(now.expect("a clock").as_nanos()).unwrap_or(1));
        eprintln!("RAVELIN_SEED={seed}");
        Self(seed | 1)
    }

    /// Below `limit`.
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit.max(1)
    }

    fn limits(&mut self) -> TuningLimits {
        let mut limits = TuningLimits {
            memory_ceiling_bytes: (1 << 20) + self.below(1 << 30),
            ..TuningLimits::default()
        };
        for tunable in Tunable::ALL {
            let most = *tunable.range().end() / (1 + self.below(64));
            let max = most.max(*tunable.range().start());
            let min = (*tunable.range().start()).max(self.below(max));
            limits.bounds.insert(tunable, Bounds { min, max });
        }
        limits.mode = match self.below(8) {
            0 => TuningMode::Advise,
            1 => TuningMode::Off,
            _ => TuningMode::Auto,
        };
        limits
    }

    /// `live`: connections there are; without traffic, they stay.
    fn load(&mut self, live: u64) -> Load {
        if self.below(4) == 0 {
            return Load {
                connections: live,
                ..Load::default()
            };
        }
        Load {
            connections: self.below(300_000),
            churn: self.below(5000),
            packets: self.below(20),
            events: self.below(10_000),
            store_ms: self.below(2000),
        }
    }
}

fn bytes(machine: &Machine) -> u64 {
    machine.capacity.next_power_of_two() * CONNECTION_BYTES + machine.buffers * machine.batch * EVENT_BYTES
}

#[test]
fn bounds_ceiling_and_one_step_hold_under_any_load() {
    let mut random = Random::new();
    for _ in 0..200 {
        let mut run = Run::new(random.limits(), Machine::default());
        for _ in 0..60 {
            if random.below(30) == 0 {
                run.limits = random.limits();
            }
            let mut before = run.machine.clone();
            let load = random.load(before.live);
            run.step("any", load);
            let step = run.steps.last().expect("a step");
            let objects: BTreeSet<_> = step.decided.iter().map(|decided| &decided.object).collect();
            assert_eq!(objects.len(), step.decided.len(), "{:?}", step.decided);
            if run.limits.mode == TuningMode::Off {
                assert!(step.decided.is_empty(), "{:?}", step.decided);
            }
            for decided in &step.decided {
                let tunable = decided.object.tunable;
                let Bounds { min, max } = run.limits.bounds_of(tunable);
                assert_eq!(decided.from, *before.value(tunable), "{decided:?}");
                assert_ne!(decided.from, decided.to, "{decided:?}");
                // What is outside may stop half-way where the ceiling is lower than the bounds.
                let (up, down) = (decided.to > decided.from, decided.to < decided.from);
                assert!(
                    (decided.to <= max || down) && (decided.to >= min || up),
                    "{decided:?} of {min} to {max}"
                );
                assert!(decided.reason.chars().any(|c| c.is_ascii_digit()), "{decided:?}");
                let was_inside = (min..=max).contains(&decided.from);
                let over = bytes(&before) > run.limits.memory_ceiling_bytes;
                let idle = load.is_none() && before.backlog == 0;
                assert!(!idle || !was_inside || over, "without traffic: {decided:?}");
            }
            let (was, is) = (bytes(&before), bytes(&run.machine));
            assert!(
                is <= was || is <= run.limits.memory_ceiling_bytes,
                "from {was} to {is} bytes of {}: {:?}",
                run.limits.memory_ceiling_bytes,
                step.decided
            );
        }
    }
}
