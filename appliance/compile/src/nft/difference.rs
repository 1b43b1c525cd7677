//! What has to be told to nftables so that one table becomes another.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::NftRuleset;
use super::json;
use super::table::{Chain, Name, SetBody};
use crate::CounterId;

/// One transaction: nftables does all of it or nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NftDifference {
    /// Each as JSON: a whole table is large, and its text is the smallest form of it.
    commands: Vec<String>,
    added: usize,
    removed: usize,
}

/// What is in the kernel of a table nobody remembers having made.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NftFound {
    /// Names of its chains.
    pub chains: BTreeSet<String>,
    /// Names of its sets.
    pub sets: BTreeSet<String>,
    /// Names of its maps.
    pub maps: BTreeSet<String>,
    /// Names of its limits.
    pub limits: BTreeSet<String>,
    /// Elements of its set of counters, if that has counters as ours does.
    pub counters: Option<BTreeSet<CounterId>>,
}

impl NftDifference {
    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.commands.is_empty()
    }

    /// Rules and elements that come.
    pub fn added(&self) -> usize {
        self.added
    }

    /// Rules and elements that go.
    pub fn removed(&self) -> usize {
        self.removed
    }

    /// What `nft -j -f -` reads (libnftables-json(5)).
    pub fn to_json(&self) -> String {
        format!("{{\"nftables\":[{}]}}", self.commands.join(","))
    }

    fn add(&mut self, object: Value) {
        self.commands.push(json!({"add": object}).to_string());
    }

    fn delete(&mut self, object: Value) {
        self.commands.push(json!({"delete": object}).to_string());
    }

    fn flush(&mut self, object: Value) {
        self.commands.push(json!({"flush": object}).to_string());
    }

    fn rules(&mut self, name: &str, chain: &Chain) {
        for rule in &chain.rules {
            self.add(json::rule(name, rule));
        }
        self.added += chain.rules.len();
    }

    fn elements(&mut self, name: &str, elements: Vec<Value>) {
        self.added += elements.len();
        if !elements.is_empty() {
            self.add(json::elements(name, elements));
        }
    }
}

impl NftRuleset {
    /// From a table that is loaded to this one.
    pub fn difference(&self, loaded: &Self) -> NftDifference {
        let (old, new) = (&loaded.table, &self.table);
        let mut difference = NftDifference::default();
        // What others refer to comes before them and goes after them.
        for (name, limit) in missing(&new.limits, &old.limits) {
            difference.add(json::limit(name, Some(limit)));
        }
        for (name, body) in missing(&new.sets, &old.sets) {
            difference.add(json::set(name, body));
        }
        for (name, chain) in missing(&new.chains, &old.chains) {
            difference.add(json::chain(name, Some(chain)));
        }
        for (name, body) in missing(&new.sets, &old.sets) {
            difference.elements(name, json::members(body));
        }
        for (name, body) in &new.sets {
            if let Some(before) = old.sets.get(name) {
                let gone = json::members_beyond(before, body);
                difference.removed += gone.len();
                if !gone.is_empty() {
                    difference.delete(json::elements(name, gone));
                }
                difference.elements(name, json::members_beyond(body, before));
            }
        }
        for (name, chain) in &new.chains {
            match old.chains.get(name) {
                None => difference.rules(name, chain),
                Some(before) if before != chain => {
                    difference.removed += before.rules.len();
                    difference.flush(json::chain(name, None));
                    difference.rules(name, chain);
                }
                Some(_) => {}
            }
        }
        let gone: Vec<_> = missing(&old.chains, &new.chains).collect();
        for (name, chain) in &gone {
            difference.removed += chain.rules.len();
            difference.flush(json::chain(name, None));
        }
        for (name, _) in &gone {
            difference.delete(json::chain(name, None));
        }
        for (name, body) in missing(&old.sets, &new.sets) {
            difference.removed += json::members(body).len();
            difference.delete(json::set(name, body));
        }
        for (name, _) in missing(&old.limits, &new.limits) {
            difference.delete(json::limit(name, None));
        }
        difference
    }

    /// What is in the kernel while this table is loaded.
    pub fn names(&self) -> NftFound {
        let names = |map: bool| {
            let sets = self
                .table
                .sets
                .iter()
                .filter(move |(_, body)| body.is_map() == map);
            sets.map(|(name, _)| name.to_string()).collect()
        };
        NftFound {
            chains: self.table.chains.keys().map(ToString::to_string).collect(),
            sets: names(false),
            maps: names(true),
            limits: self.table.limits.keys().map(ToString::to_string).collect(),
            counters: Some(self.counters().clone()),
        }
    }

    /// Takes the table away, if there is one.
    pub fn removal() -> NftDifference {
        let mut difference = NftDifference::default();
        difference.add(json::table());
        difference.delete(json::table());
        difference
    }

    /// From whatever is in the kernel to this one. The elements of the set of counters stay where they are, so nothing
    /// that was counted is lost.
    pub fn replacement(&self, found: &NftFound) -> NftDifference {
        let NftFound {
            chains,
            sets,
            maps,
            limits,
            counters,
        } = found;
        let new = &self.table;
        let mut difference = NftDifference::default();
        difference.add(json::table());
        difference.flush(json::table());
        let kept = |name: &str| counters.is_some() && name == Self::COUNTERS;
        for name in maps {
            difference.delete(json!({"map": json::named(name)}));
        }
        for name in chains {
            difference.delete(json::chain(name, None));
        }
        for name in sets.iter().filter(|name| !kept(name)) {
            difference.delete(json!({"set": json::named(name)}));
        }
        for name in limits {
            difference.delete(json::limit(name, None));
        }
        for (name, limit) in &new.limits {
            difference.add(json::limit(name, Some(limit)));
        }
        for (name, body) in new.sets.iter().filter(|(name, _)| !kept(name)) {
            difference.add(json::set(name, body));
        }
        for (name, chain) in &new.chains {
            difference.add(json::chain(name, Some(chain)));
        }
        for (name, body) in &new.sets {
            match counters.as_ref().filter(|_| kept(name)) {
                None => difference.elements(name, json::members(body)),
                Some(counters) => {
                    let before = SetBody::Counters(counters.clone());
                    let gone = json::members_beyond(&before, body);
                    difference.removed += gone.len();
                    if !gone.is_empty() {
                        difference.delete(json::elements(name, gone));
                    }
                    difference.elements(name, json::members_beyond(body, &before));
                }
            }
        }
        for (name, chain) in &new.chains {
            difference.rules(name, chain);
        }
        difference
    }
}

fn missing<'a, T>(
    these: &'a BTreeMap<Name, T>,
    those: &'a BTreeMap<Name, T>,
) -> impl Iterator<Item = (&'a Name, &'a T)> {
    these.iter().filter(|(name, _)| !those.contains_key(*name))
}
