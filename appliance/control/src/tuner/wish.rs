//! What a rule wants of its object.

use super::memory::Memory;

/// Windows in a row in which an object was not needed, before it gives way.
const PATIENCE: u32 = 5;

/// Windows an object stays as it is after need changed it.
const HOLD: u32 = 10;

/// Windows for which it is remembered what did not do for a load: long, as only the load can change that.
const REMEMBERED: u32 = 1000;

/// What a rule finds in a window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Finding {
    /// There was no traffic to find anything by.
    Nothing,
    /// It is as it should be.
    Content,
    /// It is needed otherwise, at once.
    Pressed(Wish),
    /// It could do with less, if that lasts.
    Calm(Wish),
}

/// A change a rule wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wish {
    /// To this value.
    pub(super) to: u64,
    /// Or, where there is no room for that, at least to this one.
    pub(super) least: u64,
    /// Why.
    pub(super) reason: String,
    /// The load it is about, in units of the rule; what is too small for a load is remembered with it.
    pub(super) load: u64,
    /// … for so many windows.
    pub(super) remembered: u32,
}

impl Wish {
    /// A change by one step.
    pub(super) fn step(to: u64, load: u64, reason: String) -> Self {
        Self {
            to,
            least: to,
            reason,
            load,
            remembered: REMEMBERED,
        }
    }
}

impl Finding {
    /// The change that is due, given what is remembered of the object.
    pub(super) fn due(self, memory: &mut Memory) -> Option<Wish> {
        match self {
            Self::Nothing => None,
            Self::Content => {
                memory.calm = 0;
                None
            }
            Self::Pressed(wish) => {
                memory.calm = 0;
                Some(wish)
            }
            Self::Calm(wish) => {
                if memory.proved_wrong(wish.to, wish.load) {
                    memory.calm = 0;
                    return None;
                }
                memory.calm = memory.calm.saturating_add(1);
                let held = memory.since_pressed.is_some_and(|windows| windows < HOLD);
                let waited = memory.calm >= PATIENCE.saturating_mul(memory.caution);
                (waited && !held).then_some(wish)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::memory::{Proposed, Way};
    use super::*;

    /// The first window in which giving way is due, after a change of this kind.
    fn check(way: Way, expected: u32) {
        let mut memory = Memory::new(4);
        memory.proposed = Some(Proposed {
            way,
            load: 0,
            remembered: 0,
        });
        memory.changed(4);
        let due = (1..=100).find(|_| {
            memory.pass();
            let calm = Finding::Calm(Wish::step(2, 1, String::new()));
            calm.due(&mut memory).is_some()
        });
        assert_eq!(due, Some(expected), "{way:?}");
    }

    #[test]
    fn what_need_changed_stays_longer_than_what_gave_way() {
        check(Way::Pressed, HOLD);
        check(Way::Calm, PATIENCE);
        check(Way::Ordered, PATIENCE);
    }

    #[test]
    fn need_does_not_wait_and_one_window_of_content_begins_patience_anew() {
        let mut memory = Memory::new(4);
        assert!(
            Finding::Pressed(Wish::step(8, 1, String::new()))
                .due(&mut memory)
                .is_some()
        );
        for _ in 0..3 {
            for _ in 1..PATIENCE {
                let calm = Finding::Calm(Wish::step(2, 1, String::new()));
                assert_eq!(calm.due(&mut memory), None);
            }
            assert_eq!(Finding::Content.due(&mut memory), None);
        }
    }
}
