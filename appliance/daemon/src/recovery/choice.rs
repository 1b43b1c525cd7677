//! Which stores are tried at a start, in which order.

use ravelin_model::Revision;

use ravelin_system::Slot;

/// A store to go by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Candidate {
    /// That of the slot.
    Own,
    /// A copy of the other slot's, which itself is never written to.
    CopyOf(Slot),
    /// The newest copy that was made of a slot's store while it was at work.
    LastKnownGood {
        /// Whose.
        of: Slot,
        /// No copy of this revision: the engine ends whenever it starts with it.
        but: Option<Revision>,
    },
    /// A new one, for the first policy.
    New,
    /// A new one, for the policy that lets only management pass.
    Lockdown,
}

/// What the starts before came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StartsBefore {
    /// Nothing to think of.
    #[default]
    Well,
    /// The engine ended early again and again with this revision, where it was known.
    EndedEarly(Option<Revision>),
    /// Even with another revision.
    EndedEarlyAnyway,
}

/// What is found at a start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Situation {
    /// The slot that runs.
    pub slot: Slot,
    /// The slot whose store is in use, where that is known.
    pub current: Option<Slot>,
    /// The slot has a store.
    pub own: bool,
    /// The slot's store was copied from the other, and was written to since.
    pub own_was_changed: bool,
    /// The other slot has one.
    pub other: bool,
    /// Nobody has set anything yet.
    pub first_boot: bool,
    /// What the starts before came to.
    pub before: StartsBefore,
}

/// What to try, in this order. The first is how it should be; the last never fails.
pub fn candidates(situation: &Situation) -> Vec<Candidate> {
    let Situation {
        slot,
        current,
        own,
        own_was_changed,
        other,
        first_boot,
        before,
    } = *situation;
    let good = |of| Candidate::LastKnownGood { of, but: None };
    let copy = Candidate::CopyOf(slot.other());
    let is_current = match current {
        Some(current) => current == slot,
        None => own || !other,
    };
    let mut tried = match before {
        StartsBefore::EndedEarlyAnyway => return vec![Candidate::Lockdown],
        StartsBefore::EndedEarly(revision) => vec![Candidate::LastKnownGood {
            of: slot,
            but: revision,
        }],
        StartsBefore::Well => Vec::new(),
    };
    if is_current || own_was_changed {
        if own {
            tried.push(Candidate::Own);
        }
        if first_boot {
            tried.push(Candidate::New);
        }
        tried.extend([good(slot), good(slot.other())]);
    } else {
        tried.extend([copy, good(slot.other())]);
        if own {
            tried.push(Candidate::Own);
        }
        tried.push(good(slot));
    }
    tried.push(Candidate::Lockdown);
    tried
}

#[cfg(test)]
mod tests {
    use super::*;

    const USUAL: Situation = Situation {
        slot: Slot::A,
        current: Some(Slot::A),
        own: true,
        own_was_changed: false,
        other: false,
        first_boot: false,
        before: StartsBefore::Well,
    };

    fn check(situation: Situation, expected: &str) {
        let found = candidates(&situation)
            .into_iter()
            .map(|candidate| match candidate {
                Candidate::Own => "own".to_owned(),
                Candidate::CopyOf(slot) => format!("copy {slot}"),
                Candidate::LastKnownGood { of, but: None } => format!("good {of}"),
                Candidate::LastKnownGood { of, but: Some(but) } => format!("good {of} but {}", but.0),
                Candidate::New => "new".to_owned(),
                Candidate::Lockdown => "lockdown".to_owned(),
            });
        assert_eq!(found.collect::<Vec<_>>().join(", "), expected, "{situation:?}");
    }

    #[test]
    fn the_slot_that_is_current_goes_by_its_own_store() {
        check(USUAL, "own, good a, good b, lockdown");
        check(
            Situation { other: true, ..USUAL },
            "own, good a, good b, lockdown",
        );
        check(Situation { own: false, ..USUAL }, "good a, good b, lockdown");
    }

    #[test]
    fn only_a_first_boot_begins_anew() {
        let first = Situation {
            first_boot: true,
            current: None,
            own: false,
            ..USUAL
        };
        check(first, "new, good a, good b, lockdown");
        // A power cut in the middle of it.
        check(
            Situation { own: true, ..first },
            "own, new, good a, good b, lockdown",
        );
        check(
            Situation {
                first_boot: false,
                ..first
            },
            "good a, good b, lockdown",
        );
    }

    #[test]
    fn the_other_slot_copies_what_is_in_use() {
        let other = Situation {
            slot: Slot::B,
            other: true,
            ..USUAL
        };
        check(other, "copy a, good a, own, good b, lockdown");
        check(
            Situation { own: false, ..other },
            "copy a, good a, good b, lockdown",
        );
        // It runs because the other does not boot, and somebody has set something since.
        let changed = Situation {
            own_was_changed: true,
            ..other
        };
        check(changed, "own, good b, good a, lockdown");
    }

    #[test]
    fn where_nobody_knows_which_is_current_the_store_that_is_there_is() {
        let unknown = Situation {
            current: None,
            ..USUAL
        };
        check(unknown, "own, good a, good b, lockdown");
        let none_here = Situation {
            own: false,
            other: true,
            ..unknown
        };
        check(none_here, "copy b, good b, good a, lockdown");
    }

    #[test]
    fn a_revision_the_engine_ends_with_gives_way() {
        let early = StartsBefore::EndedEarly(Some(Revision(7)));
        check(
            Situation {
                before: early,
                ..USUAL
            },
            "good a but 7, own, good a, good b, lockdown",
        );
        let anyway = StartsBefore::EndedEarlyAnyway;
        check(
            Situation {
                before: anyway,
                ..USUAL
            },
            "lockdown",
        );
    }
}
