//! What is remembered of a tuned object.

use std::time::Duration;

/// Windows after a change for less within which need shows that it was wrong.
const REGRET: u32 = 20;

/// Most an object's patience is stretched.
const MOST_CAUTION: u32 = 64;

/// Windows nothing is tried after a failure, the first time and at most.
const REST: u32 = 6;
const LONGEST_REST: u32 = 96;

/// Windows after which the same advice is given again.
const ADVICE: u32 = 60;

/// Which way an object was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// Because it was needed.
    Pressed,
    /// Because it was not.
    Calm,
    /// Because it had to be, by its bounds or the ceiling.
    Ordered,
}

/// A decision whose outcome is not known yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Proposed {
    pub(super) way: Way,
    /// The load it was about.
    pub(super) load: u64,
    /// Windows for which the value of before is remembered as one that did not do.
    pub(super) remembered: u32,
}

/// A value that did not do for a load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Wrong {
    value: u64,
    load: u64,
    windows_left: u32,
}

/// What is remembered of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Memory {
    /// As it was found.
    pub(super) first: u64,
    /// Windows in a row in which it could have done with less.
    pub(super) calm: u32,
    /// How much longer than at first it is waited before it gives way.
    pub(super) caution: u32,
    /// Windows since need changed it.
    pub(super) since_pressed: Option<u32>,
    /// Windows since idleness did, until that proved right or wrong.
    since_calm: Option<u32>,
    /// A value that did not do.
    wrong: Option<Wrong>,
    /// What the last decision was, for when it is known what became of it.
    pub(super) proposed: Option<Proposed>,
    /// How long its last change took.
    pub(super) took: Option<Duration>,
    /// Windows until a change is tried again after one failed, and how long that was the last time.
    resting: u32,
    rest: u32,
    /// What was advised and how many windows ago.
    advised: Option<(u64, u64, u32)>,
    /// What the memory ceiling had no room for, and the ceiling.
    pub(super) withheld: Option<(u64, u64)>,
}

impl Memory {
    pub(super) fn new(value: u64) -> Self {
        Self {
            first: value,
            calm: 0,
            caution: 1,
            since_pressed: None,
            since_calm: None,
            wrong: None,
            proposed: None,
            took: None,
            resting: 0,
            rest: 0,
            advised: None,
            withheld: None,
        }
    }

    /// A window went by.
    pub(super) fn pass(&mut self) {
        let later = |windows: Option<u32>| windows.map(|windows| windows.saturating_add(1));
        self.since_pressed = later(self.since_pressed);
        self.since_calm = later(self.since_calm);
        if self.since_calm.is_some_and(|windows| windows > REGRET) {
            self.since_calm = None;
            self.caution = (self.caution / 2).max(1);
        }
        self.wrong = self.wrong.and_then(|wrong| {
            let windows_left = wrong.windows_left.checked_sub(1)?;
            Some(Wrong {
                windows_left,
                ..wrong
            })
        });
        self.resting = self.resting.saturating_sub(1);
        self.advised = self
            .advised
            .map(|(from, to, age)| (from, to, age + 1))
            .filter(|(_, _, age)| *age < ADVICE);
    }

    /// Nothing is tried for now, because the last try failed.
    pub(super) fn rests(&self) -> bool {
        self.resting > 0
    }

    /// The same was advised not long ago.
    pub(super) fn was_advised(&self, from: u64, to: u64) -> bool {
        self.advised.is_some_and(|told| (told.0, told.1) == (from, to))
    }

    /// Whether the value did not do, not long ago, for a load at most twice this one.
    pub(super) fn proved_wrong(&self, value: u64, load: u64) -> bool {
        self.wrong
            .is_some_and(|wrong| wrong.value == value && load.saturating_mul(2) > wrong.load)
    }

    /// It was changed.
    pub(super) fn changed(&mut self, from: u64) {
        self.calm = 0;
        self.resting = 0;
        self.rest = 0;
        self.advised = None;
        self.withheld = None;
        match self.proposed.take() {
            Some(Proposed {
                way: Way::Pressed,
                load,
                remembered,
            }) => {
                if self.since_calm.take().is_some() {
                    self.caution = self.caution.saturating_mul(2).min(MOST_CAUTION);
                }
                self.wrong = Some(Wrong {
                    value: from,
                    load,
                    windows_left: remembered.saturating_mul(self.caution),
                });
                self.since_pressed = Some(0);
            }
            Some(Proposed { way: Way::Calm, .. }) => self.since_calm = Some(0),
            Some(Proposed {
                way: Way::Ordered, ..
            })
            | None => {}
        }
    }

    /// It could not be changed.
    pub(super) fn failed(&mut self) {
        self.proposed = None;
        self.rest = if self.rest == 0 {
            REST
        } else {
            (self.rest * 2).min(LONGEST_REST)
        };
        self.resting = self.rest;
    }

    /// Its change was only told.
    pub(super) fn was_told(&mut self, from: u64, to: u64) {
        self.proposed = None;
        self.advised = Some((from, to, 0));
    }
}
