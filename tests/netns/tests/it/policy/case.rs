//! Tables of cases.

use serde_json::{Value, json};

use super::draft::Rule;
use super::shot::Shot;

/// A policy and the cases it is shown with.
#[derive(Debug, Clone)]
pub struct Group {
    pub name: &'static str,
    pub rules: Vec<Rule>,
    /// Objects of other kinds: kind and value, in the order they are made.
    pub objects: Vec<(&'static str, Value)>,
    /// Address lists with their entries.
    pub lists: Vec<(&'static str, Vec<String>)>,
    /// `POST /rules/<name>/move` with this body, once the rules are there.
    pub moves: Vec<(&'static str, Value)>,
    pub cases: Vec<Case>,
}

/// Which families a case is run in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Families {
    Both,
    Only(u8),
}

impl Families {
    pub fn each(self) -> &'static [u8] {
        match self {
            Self::Both => &[4, 6],
            Self::Only(4) => &[4],
            Self::Only(_) => &[6],
        }
    }
}

/// Packets one after the other, of one connection or of several.
#[derive(Debug, Clone)]
pub struct Case {
    pub name: &'static str,
    pub families: Families,
    pub shots: Vec<Shot>,
}

impl Group {
    pub fn new(name: &'static str) -> Self {
        Self {
            name,
            rules: Vec::new(),
            objects: Vec::new(),
            lists: Vec::new(),
            moves: Vec::new(),
            cases: Vec::new(),
        }
    }

    /// Behind the rules there are.
    pub fn rule(mut self, rule: Rule) -> Self {
        self.rules.push(rule);
        self
    }

    /// What happens between two zones where no rule says.
    pub fn pair(self, from: &str, to: &str, action: &str) -> Self {
        self.object(
            "zone_pair",
            json!({ "from": from, "to": to, "default_action": action }),
        )
    }

    pub fn object(mut self, kind: &'static str, value: Value) -> Self {
        self.objects.push((kind, value));
        self
    }

    pub fn list(mut self, name: &'static str, entries: &[&str]) -> Self {
        let entries = entries.iter().map(ToString::to_string).collect();
        self.lists.push((name, entries));
        self
    }

    pub fn moved(mut self, rule: &'static str, to: Value) -> Self {
        self.moves.push((rule, to));
        self
    }

    /// A case of one packet, in both families.
    pub fn case(self, name: &'static str, shot: Shot) -> Self {
        self.add(name, Families::Both, vec![shot])
    }

    pub fn case4(self, name: &'static str, shot: Shot) -> Self {
        self.add(name, Families::Only(4), vec![shot])
    }

    pub fn case6(self, name: &'static str, shot: Shot) -> Self {
        self.add(name, Families::Only(6), vec![shot])
    }

    /// A case of several packets.
    pub fn exchange(self, name: &'static str, shots: impl Into<Vec<Shot>>) -> Self {
        self.add(name, Families::Both, shots.into())
    }

    fn add(mut self, name: &'static str, families: Families, shots: Vec<Shot>) -> Self {
        self.cases.push(Case {
            name,
            families,
            shots,
        });
        self
    }
}

/// Cases of one packet that begins a connection, with their families.
pub fn single_packets(group: &Group) -> impl Iterator<Item = (&'static str, u8, Shot)> {
    group
        .cases
        .iter()
        .filter_map(|case| match case.shots[..] {
            [shot] if shot.simulated => Some((case, shot)),
            _ => None,
        })
        .flat_map(|(case, shot)| {
            case.families
                .each()
                .iter()
                .map(move |family| (case.name, *family, shot))
        })
}
