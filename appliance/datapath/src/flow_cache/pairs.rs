//! Which pairs of slots are free: a connection has two, side by side.

use ravelin_abi::rv_fast_limit::RV_FAST_SLOT;

/// Two slots: the even one of the original direction, and the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Pair(u32);

impl Pair {
    /// Slots 0 and 1 are never used.
    const FIRST: Self = Self(1);

    pub(crate) fn of_slot(slot: u32) -> Self {
        Self(slot / 2)
    }

    /// Original direction, reply.
    pub(crate) fn slots(self) -> [u32; 2] {
        [self.0 * 2, self.0 * 2 + 1]
    }

    /// Every one of so many slots that may be used.
    pub(crate) fn all(slots: usize) -> impl Iterator<Item = Self> {
        (Self::FIRST.0..Self::end(slots).0).map(Self)
    }

    /// Behind the last of so many slots.
    fn end(slots: usize) -> Self {
        Self(u32::try_from(slots / 2).unwrap_or(u32::MAX))
    }

    fn index(self) -> usize {
        self.0 as usize
    }
}

/// Most connections of a family that words can name.
pub(crate) const CONNECTIONS_MAX: u32 = RV_FAST_SLOT / 2 - Pair::FIRST.0;

/// Slots for so many connections, those never used included; for fewer where words cannot name so many.
pub(crate) fn slot_count(connections: u32) -> u32 {
    (connections.min(CONNECTIONS_MAX) + Pair::FIRST.0) * 2
}

/// Connections that so many slots are for.
#[cfg(feature = "kernel")]
pub(crate) fn connections_of(slots: u32) -> u32 {
    (slots / 2).saturating_sub(Pair::FIRST.0)
}

/// Which pairs are in use, in the writer's own memory.
#[derive(Debug)]
pub(crate) struct Pairs {
    /// As far as they were ever used; all after these are free.
    is_live: Vec<bool>,
    live: usize,
    /// Free ones among those that were used.
    free: Vec<Pair>,
    /// Taken out; programs may still hold them.
    quarantine: Vec<Pair>,
    /// Of all, used or not.
    end: Pair,
}

impl Pairs {
    /// All free, of so many slots.
    pub(crate) fn new(slots: usize) -> Self {
        Self {
            // The first is never used.
            is_live: vec![false],
            live: 0,
            free: Vec::new(),
            quarantine: Vec::new(),
            end: Pair::end(slots),
        }
    }

    /// Takes these, in order, for the live ones, and all others for free.
    pub(crate) fn adopt(slots: usize, live: &[Pair]) -> Self {
        let mut pairs = Self::new(slots);
        for pair in live {
            for free in pairs.is_live.len()..pair.index() {
                pairs.is_live.push(false);
                pairs.free.extend(u32::try_from(free).map(Pair));
            }
            pairs.is_live.push(true);
            pairs.live += 1;
        }
        pairs
    }

    /// Most that can be live.
    pub(crate) fn capacity(&self) -> usize {
        self.end.index().saturating_sub(Pair::FIRST.index())
    }

    pub(crate) fn live(&self) -> usize {
        self.live
    }

    pub(crate) fn is_live(&self, pair: Pair) -> bool {
        self.is_live.get(pair.index()) == Some(&true)
    }

    /// Every live one.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Pair> {
        let live = (0..).zip(&self.is_live).filter(|(_, is_live)| **is_live);
        live.map(|(number, _)| Pair(number))
    }

    /// A free one, which is live from now on.
    pub(crate) fn take(&mut self) -> Option<Pair> {
        let pair = if let Some(pair) = self.free.pop() {
            self.is_live[pair.index()] = true;
            pair
        } else {
            let next = u32::try_from(self.is_live.len()).map(Pair).ok()?;
            if next >= self.end {
                return None;
            }
            self.is_live.push(true);
            next
        };
        self.live += 1;
        Some(pair)
    }

    /// Puts a live one aside.
    pub(crate) fn quarantine(&mut self, pair: Pair) {
        self.is_live[pair.index()] = false;
        self.live -= 1;
        self.quarantine.push(pair);
    }

    pub(crate) fn has_quarantined(&self) -> bool {
        !self.quarantine.is_empty()
    }

    /// Frees those put aside.
    pub(crate) fn release(&mut self) -> Vec<Pair> {
        let released = std::mem::take(&mut self.quarantine);
        self.free.extend(&released);
        released
    }
}
