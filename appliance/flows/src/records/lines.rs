//! Whose connection it was: the line of the policy its mark names, and the zones of that line.

use std::collections::HashMap;
use std::sync::Arc;

use ravelin_abi::rv_connection_mark::RV_CONNECTION_COUNTER;
use ravelin_compile::{CounterId, Judge, Ruleset};
use ravelin_model::{Revision, VerdictLine, ZoneId, ZoneNumber};

use crate::live;

/// Zones a connection came in from and left by, as far as its line names them.
type Zones = (Option<ZoneId>, Option<ZoneId>);

/// The lines of a policy.
#[derive(Debug, Default)]
pub(super) struct Lines {
    judge: Option<Arc<Judge>>,
    zones: HashMap<CounterId, Zones>,
}

impl Lines {
    /// Takes up the policy in force.
    pub(super) fn set(&mut self, judge: Option<Arc<Judge>>) {
        let same = match (&self.judge, &judge) {
            (Some(known), Some(new)) => Arc::ptr_eq(known, new),
            (None, None) => true,
            _ => false,
        };
        if !same {
            self.zones = judge
                .as_ref()
                .map(|judge| zones(judge.ruleset()))
                .unwrap_or_default();
            self.judge = judge;
        }
    }

    /// Of the policy.
    pub(super) fn revision(&self) -> Revision {
        self.judge
            .as_ref()
            .map(|judge| judge.ruleset().revision)
            .unwrap_or_default()
    }

    /// The line a connection with this mark counted on; None: it is gone, or there was none.
    pub(super) fn line(&self, mark: u32) -> Option<VerdictLine> {
        live::line(self.judge.as_ref()?, mark & RV_CONNECTION_COUNTER)
    }

    /// The zones of that line.
    pub(super) fn zones(&self, mark: u32) -> Zones {
        let counter = mark & RV_CONNECTION_COUNTER;
        self.zones.get(&counter).cloned().unwrap_or_default()
    }
}

/// By counter. Where lines of several zones share one, the zones are not known.
fn zones(ruleset: &Ruleset) -> HashMap<CounterId, Zones> {
    let lines = ruleset
        .lines
        .iter()
        .map(|line| (line.counter, line.from, line.to));
    let defaults = ruleset.defaults.iter();
    let defaults = defaults.map(|(&(from, to), pair)| (pair.counter, Some(from), Some(to)));
    let id = |number: Option<ZoneNumber>| Some(ruleset.zones.get(&number?)?.id.clone());
    let mut zones: HashMap<CounterId, Zones> = HashMap::new();
    for (counter, from, to) in lines.chain(defaults) {
        let (from, to) = (id(from), id(to));
        let known = zones.entry(counter).or_insert_with(|| (from.clone(), to.clone()));
        if known.0 != from {
            known.0 = None;
        }
        if known.1 != to {
            known.1 = None;
        }
    }
    zones
}
