//! Destination translations against those in front of them.

use std::collections::{BTreeSet, HashMap};

use ipnet::IpNet;
use ravelin_model::ZoneNumber;

use super::{Diagnostic, DiagnosticCode, Names, Severity, references};
use crate::{DnatEntry, NatOrigin, Ruleset};

pub(super) fn diagnose(ruleset: &Ruleset, names: &Names<'_>, diagnostics: &mut Vec<Diagnostic>) {
    let mut seen = Seen::default();
    for entries in ruleset.dnat.chunk_by(|a, b| a.origin == b.origin) {
        let covering: Option<Vec<&NatOrigin>> = entries.iter().map(|entry| seen.covering(entry)).collect();
        if let (Some(covering), Some(entry)) = (covering, entries.first()) {
            diagnostics.push(Diagnostic {
                severity: Severity::Warning,
                code: match entry.origin {
                    NatOrigin::NatRule(_) => DiagnosticCode::Shadowed,
                    NatOrigin::PublishedService(_) => DiagnosticCode::PublishedServiceShadowed,
                },
                subject: names.of_translation(&entry.origin),
                related: references(covering.into_iter().map(|origin| names.of_translation(origin))),
                detail: "It never translates: others in front of it translate all it matches.".to_owned(),
            });
        }
        for entry in entries {
            seen.add(entry);
        }
    }
}

/// Entries by what they match, to be found by networks within.
#[derive(Default)]
struct Seen<'a> {
    lengths: BTreeSet<u8>,
    entries: HashMap<(ZoneNumber, IpNet), Vec<&'a DnatEntry>>,
}

impl<'a> Seen<'a> {
    fn add(&mut self, entry: &'a DnatEntry) {
        self.lengths.insert(entry.network.prefix_len());
        self.entries
            .entry((entry.from, entry.network))
            .or_default()
            .push(entry);
    }

    /// Whose entry matches all that this one does.
    fn covering(&self, entry: &DnatEntry) -> Option<&'a NatOrigin> {
        self.lengths
            .range(..=entry.network.prefix_len())
            .filter_map(|length| IpNet::new(entry.network.addr(), *length).ok())
            .filter_map(|around| self.entries.get(&(entry.from, around.trunc())))
            .flatten()
            .find(|outer| covers(outer, entry))
            .map(|outer| &outer.origin)
    }
}

fn covers(outer: &DnatEntry, inner: &DnatEntry) -> bool {
    match outer.protocol {
        None => true,
        protocol => {
            protocol == inner.protocol
                && outer.ports.first() <= inner.ports.first()
                && inner.ports.last() <= outer.ports.last()
        }
    }
}
