//! Why a packet meets its end: the lines that were asked before the one that decided.

use crate::{CounterId, Decision, LeftOut, Mismatch, NotInForce, Origin, PolicyPacket, Ruleset};

/// Most lines an explanation tells of one by one.
pub const EXPLAINED_LINES_MAX: usize = 256;

/// Why the packet meets its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// What becomes of it; the same as [`Ruleset::evaluate`] says.
    pub decision: Decision,
    /// What becomes of it while every rate limit is reached, where that is something else.
    pub over_limits: Option<Decision>,
    /// Lines in front of the one that decided, in order, and those that would be there were they in force. Where
    /// they are more than [`EXPLAINED_LINES_MAX`], lines of other zones are left out first, then the last ones.
    pub considered: Vec<Considered>,
    /// How many more there are.
    pub more: usize,
}

/// A line that did not decide.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Considered {
    /// Whose it is.
    pub origin: Origin,
    /// What it counts on.
    pub counter: CounterId,
    /// Why it did not.
    pub why: WhyNot,
}

/// Why a line did not decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WhyNot {
    /// The packet does not fit it; the first thing that does not.
    Mismatch(Mismatch),
    /// It is not in force.
    NotInForce(NotInForce),
}

impl WhyNot {
    /// Whether it is of other zones, as most lines of a large policy are.
    fn is_zone(self) -> bool {
        matches!(self, Self::Mismatch(Mismatch::FromZone | Mismatch::ToZone))
    }
}

impl Ruleset {
    /// Which line decides on the packet, and why those in front of it do not.
    pub fn explain(&self, packet: &PolicyPacket) -> Explanation {
        let decision = self.evaluate(packet);
        let over_limits = Some(self.evaluate_over_limits(packet)).filter(|over| *over != decision);
        let mut considered = Selection::default();
        let mut left_out = self.left_out.as_slice();
        for (n, line) in self.lines.iter().enumerate() {
            considered.add_left_out(&mut left_out, n);
            let Some(mismatch) = line.mismatch(packet, &self.lists) else {
                return considered.into_explanation(decision, over_limits);
            };
            considered.add(&line.origin, line.counter, WhyNot::Mismatch(mismatch));
        }
        considered.add_left_out(&mut left_out, self.lines.len());
        considered.into_explanation(decision, over_limits)
    }
}

/// The lines to tell of, while they go by.
#[derive(Default)]
struct Selection {
    seen: usize,
    /// With their place among all.
    close: Vec<(usize, Considered)>,
    of_other_zones: Vec<(usize, Considered)>,
}

impl Selection {
    fn add(&mut self, origin: &Origin, counter: CounterId, why: WhyNot) {
        let selected = if why.is_zone() {
            &mut self.of_other_zones
        } else {
            &mut self.close
        };
        if selected.len() < EXPLAINED_LINES_MAX {
            let origin = origin.clone();
            selected.push((self.seen, Considered { origin, counter, why }));
        }
        self.seen += 1;
    }

    /// Takes those in front of line `before`.
    fn add_left_out(&mut self, left_out: &mut &[LeftOut], before: usize) {
        while let [first, rest @ ..] = left_out
            && first.before <= before
        {
            self.add(&first.origin, first.counter, WhyNot::NotInForce(first.why));
            *left_out = rest;
        }
    }

    fn into_explanation(self, decision: Decision, over_limits: Option<Decision>) -> Explanation {
        let room = EXPLAINED_LINES_MAX - self.close.len();
        let mut selected = self.close;
        selected.extend(self.of_other_zones.into_iter().take(room));
        selected.sort_unstable_by_key(|(place, _)| *place);
        Explanation {
            decision,
            over_limits,
            more: self.seen - selected.len(),
            considered: selected.into_iter().map(|(_, considered)| considered).collect(),
        }
    }
}
