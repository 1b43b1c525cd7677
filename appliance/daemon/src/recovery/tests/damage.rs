//! Any byte of a real store may be another, and any end of it missing: the engine goes by one of the revisions there
//! were, or lets only management pass.

use std::fs;

use ravelin_model::{Policy, RecoveryState};
use ravelin_store::Store;
use ravelin_system::Slot;

use super::world::{World, block_on, fill, policies};
use super::{LOCKDOWN, WELL};

/// A generator of numbers, so that a failure can be repeated (xorshift64*).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound as u64).expect("below a usize")
    }
}

/// Five revisions of forty rules, with a copy of the fourth, and some of it in the log only.
fn template() -> (World, Vec<Policy>) {
    let world = World::new(Slot::A);
    fs::create_dir(world.own().parent().expect("parent")).expect("directory");
    let path = world.own();
    let policies = block_on(async {
        let store = Store::open(&path).await.expect("open");
        fill(&store, 4, 40).await;
        store.close().await;
        let store = Store::open(&path).await.expect("open");
        let policies = policies(&store).await;
        store.close().await;
        policies
    });
    world.keep_copy(Slot::A);
    let policies = block_on(async {
        let store = Store::open(&path).await.expect("open");
        fill(&store, 1, 40).await;
        let mut policies = policies;
        policies.push(store.policy().await.expect("policy").policy);
        // As a power cut leaves it.
        for suffix in ["", "-wal"] {
            let file = super::super::files::beside(&path, suffix);
            fs::copy(&file, super::super::files::beside(&file, ".kept")).expect("copy");
        }
        store.close().await;
        policies
    });
    for suffix in ["", "-wal"] {
        let file = super::super::files::beside(&path, suffix);
        fs::rename(super::super::files::beside(&file, ".kept"), &file).expect("rename");
    }
    (world, policies)
}

#[test]
fn whatever_byte_flips_the_policy_is_one_there_was() {
    let seed = std::env::var("RAVELIN_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok())
        .unwrap_or(0x5eed);
    let rounds = if std::env::var_os("RAVELIN_FULL").is_some() {
        4000
    } else {
        80
    };
    println!("seed {seed}");
    let mut numbers = Numbers(seed | 1);
    let (template, policies) = template();
    assert_eq!(policies.len(), 6);
    assert_eq!(template.copied().open(WELL).revision, 5, "undamaged");
    let mut states = [0; 3];
    for round in 0..rounds {
        let world = template.copied();
        let suffix = if numbers.below(4) == 0 { "-wal" } else { "" };
        let file = super::super::files::beside(&world.own(), suffix);
        let mut bytes = fs::read(&file).expect("read");
        let at = numbers.below(bytes.len());
        let how = match numbers.below(8) {
            0 => {
                bytes.truncate(at);
                "cut"
            }
            1 => {
                let end = bytes.len().min(at + 4096);
                bytes[at..end].fill(0);
                "zeroes"
            }
            _ => {
                bytes[at] ^= 1 << numbers.below(8);
                "flip"
            }
        };
        fs::write(&file, bytes).expect("write");
        let mut policy = None;
        let found = world.open_and(WELL, async |store| {
            policy = Some(store.policy().await.expect("policy").policy)
        });
        let policy = policy.expect("policy");
        let context = format!("round {round}: {how} at {at} of {suffix:?}, seed {seed}: {found:?}");
        match found.state {
            RecoveryState::Lockdown => assert_eq!(found, LOCKDOWN, "{context}"),
            RecoveryState::None | RecoveryState::LastKnownGood => {
                assert!(!found.volatile, "{context}");
                let revision = usize::try_from(found.revision).expect("few");
                assert!(policy == policies[revision], "another policy: {context}");
                assert!(revision >= 4, "a copy of revision 4 is there: {context}");
            }
        }
        states[found.state as usize] += 1;
    }
    println!("none, last-known-good, lockdown: {states:?}");
    assert!(states[0] > 0 && states[1] > 0, "{states:?}");
}
