//! Overlapping prefixes -> disjoint ranges.

/// An address of either family as a number.
pub(crate) trait Address: Copy + Ord {
    /// The next one, or None after the last.
    fn next(self) -> Option<Self>;
    /// The one before; never asked of the first.
    fn previous(self) -> Self;
}

impl Address for u32 {
    fn next(self) -> Option<Self> {
        self.checked_add(1)
    }
    fn previous(self) -> Self {
        self - 1
    }
}

impl Address for u128 {
    fn next(self) -> Option<Self> {
        self.checked_add(1)
    }
    fn previous(self) -> Self {
        self - 1
    }
}

/// A listed prefix, both ends included.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Prefix<A> {
    pub(crate) start: A,
    pub(crate) end: A,
    /// 0: never.
    pub(crate) expires_ns: u64,
    /// Position among the sources.
    pub(crate) entry: u32,
}

/// A range that belongs to one entry, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Range<A> {
    pub(crate) start: A,
    pub(crate) end: A,
    pub(crate) entry: u32,
}

/// Sorted disjoint ranges, each with the winner of its addresses (see [`crate::AddressImage`]).
///
/// Prefixes nest or are disjoint, so one pass with a stack of the open ones does. A prefix that loses to the
/// one around it is left out whole: whatever lies inside it then meets the same opponent.
pub(crate) fn partition<A: Address>(mut prefixes: Vec<Prefix<A>>) -> Vec<Range<A>> {
    // Outer before inner; of equal prefixes the winner comes first and the others lose to it.
    prefixes.sort_unstable_by_key(|p| {
        (
            p.start,
            std::cmp::Reverse(p.end),
            std::cmp::Reverse(latest(p.expires_ns)),
            p.entry,
        )
    });
    let mut sweep = Sweep {
        ranges: Vec::with_capacity(prefixes.len()),
        open: Vec::new(),
    };
    for prefix in prefixes {
        sweep.close_before(prefix.start);
        let wins = sweep.open.last().is_none_or(|outer| {
            let same = outer.prefix.start == prefix.start && outer.prefix.end == prefix.end;
            !same && latest(prefix.expires_ns) >= latest(outer.prefix.expires_ns)
        });
        if wins {
            sweep.open(prefix);
        }
    }
    sweep.close_all();
    sweep.ranges
}

/// Orders expiries: never is later than any time.
fn latest(expires_ns: u64) -> u64 {
    expires_ns.wrapping_sub(1)
}

struct Open<A> {
    prefix: Prefix<A>,
    /// First address not given out yet; None: the last address of all is.
    from: Option<A>,
}

struct Sweep<A> {
    ranges: Vec<Range<A>>,
    open: Vec<Open<A>>,
}

impl<A: Address> Sweep<A> {
    fn open(&mut self, prefix: Prefix<A>) {
        if let Some(outer) = self.open.last_mut() {
            if let Some(from) = outer.from.filter(|from| *from < prefix.start) {
                self.ranges.push(Range {
                    start: from,
                    end: prefix.start.previous(),
                    entry: outer.prefix.entry,
                });
            }
            outer.from = prefix.end.next();
        }
        self.open.push(Open {
            prefix,
            from: Some(prefix.start),
        });
    }

    fn close_before(&mut self, start: A) {
        while let Some(open) = self.open.pop_if(|open| open.prefix.end < start) {
            self.close(&open);
        }
    }

    fn close_all(&mut self) {
        while let Some(open) = self.open.pop() {
            self.close(&open);
        }
    }

    fn close(&mut self, open: &Open<A>) {
        if let Some(from) = open.from.filter(|from| *from <= open.prefix.end) {
            self.ranges.push(Range {
                start: from,
                end: open.prefix.end,
                entry: open.prefix.entry,
            });
        }
    }
}
