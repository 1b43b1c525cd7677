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
