//! Numbers for combinations of lists, so that a slot of the name table says who listed the name.

use std::collections::HashMap;

use ravelin_model::{DomainScope, ListId};

/// Lists behind a set number of the table: which of them match the name itself, which the names below it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SetMembers {
    /// Lists that match the listed name itself.
    pub matching_self: Vec<ListId>,
    /// Lists that match names below the listed one.
    pub matching_below: Vec<ListId>,
}

/// One list with one scope, as a number: list * 2, + 1 for the names below.
type Member = u32;

/// Sets of lists, each once. Number 0 is the empty set.
#[derive(Debug)]
pub(crate) struct ListSets<'a> {
    lists: Vec<&'a ListId>,
    list_numbers: HashMap<&'a ListId, u32>,
    /// Sorted members by set number.
    sets: Vec<Vec<Member>>,
    set_numbers: HashMap<Vec<Member>, u32>,
    /// What a set becomes with one more member: spares most names the look-up of the whole set.
    steps: HashMap<(u32, Member), u32>,
}

impl<'a> ListSets<'a> {
    pub(crate) const EMPTY: u32 = 0;

    pub(crate) fn new() -> Self {
        Self {
            lists: Vec::new(),
            list_numbers: HashMap::new(),
            sets: vec![Vec::new()],
            set_numbers: HashMap::from([(Vec::new(), Self::EMPTY)]),
            steps: HashMap::new(),
        }
    }

    /// The set with a list that lists the name with this scope.
    pub(crate) fn with(&mut self, set: u32, list: &'a ListId, scope: DomainScope) -> u32 {
        let list = self.list_number(list);
        match scope {
            DomainScope::Exact => self.step(set, list * 2),
            DomainScope::Below => self.step(set, list * 2 + 1),
            DomainScope::Suffix => {
                let set = self.step(set, list * 2);
                self.step(set, list * 2 + 1)
            }
        }
    }

    /// Whether the set matches (the name itself, names below it).
    pub(crate) fn matches(&self, set: u32) -> (bool, bool) {
        let members = &self.sets[set as usize];
        (
            members.iter().any(|m| m % 2 == 0),
            members.iter().any(|m| m % 2 == 1),
        )
    }

    /// Who is in the set.
    pub(crate) fn members(&self, set: u32) -> SetMembers {
        let half = |parity: u32| {
            self.sets[set as usize]
                .iter()
                .filter(|m| *m % 2 == parity)
                .map(|m| self.lists[(m / 2) as usize].clone())
                .collect()
        };
        SetMembers {
            matching_self: half(0),
            matching_below: half(1),
        }
    }

    fn list_number(&mut self, list: &'a ListId) -> u32 {
        *self.list_numbers.entry(list).or_insert_with(|| {
            self.lists.push(list);
            number(self.lists.len() - 1)
        })
    }

    fn step(&mut self, set: u32, member: Member) -> u32 {
        if let Some(next) = self.steps.get(&(set, member)) {
            return *next;
        }
        let mut members = self.sets[set as usize].clone();
        if let Err(at) = members.binary_search(&member) {
            members.insert(at, member);
        }
        let next = match self.set_numbers.get(&members) {
            Some(known) => *known,
            None => {
                let next = number(self.sets.len());
                self.sets.push(members.clone());
                self.set_numbers.insert(members, next);
                next
            }
        };
        self.steps.insert((set, member), next);
        next
    }
}

fn number(index: usize) -> u32 {
    u32::try_from(index).expect("fewer lists and sets than 2^32: each takes memory")
}
