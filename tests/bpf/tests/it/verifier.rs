//! What loading costs.

use crate::isolated::isolated;
use crate::plane::{Hook, Plane};

/// A tenth of what the verifier allows, so that another kernel's verifier finds room as well.
const LIMIT: u32 = 100_000;

#[test]
fn every_program_stays_far_below_the_limit_of_the_verifier() {
    isolated(|pins| {
        for hook in Hook::ALL {
            let instructions = Plane::load(hook, pins).verified_instructions();
            eprintln!("{}: {instructions} verified instructions", hook.program());
            assert!(instructions < LIMIT, "{}: {instructions}", hook.program());
        }
    });
}
