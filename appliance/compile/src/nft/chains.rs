//! Chains and sets named by their content.

use std::hash::{Hash, Hasher};

use siphasher::sip::SipHasher13;

use super::table::{
    BaseChain, Chain, Field, Name, NumberKind, Range, SetBody, Statement, Table, Test, Verdict, goto,
};

/// Rules tried one after another at most.
pub(super) const LINEAR_RULES: usize = 64;

/// A table in the making.
#[derive(Debug, Default)]
pub(super) struct Chains {
    pub(super) table: Table,
}

impl Chains {
    /// Adds a chain with a name of its own.
    pub(super) fn add(&mut self, name: &str, base: Option<BaseChain>, rules: Vec<Vec<Statement>>) -> Name {
        let name: Name = name.into();
        self.table.chains.insert(name.clone(), Chain { base, rules });
        name
    }

    /// The chain with these rules.
    pub(super) fn intern(&mut self, rules: Vec<Vec<Statement>>) -> Name {
        let chain = Chain { base: None, rules };
        // Names are 64 bits of a hash; should two contents ever share one, the second takes the next.
        for salt in 0_u32.. {
            let name: Name = format!("c{:016x}", digest(&(&chain.rules, salt))).into();
            let known = self
                .table
                .chains
                .entry(name.clone())
                .or_insert_with(|| chain.clone());
            if *known == chain {
                return name;
            }
        }
        unreachable!("there are fewer chains than salts")
    }

    /// A chain that tries the rules in order: one, or several that are gone through one after another, so that none
    /// is longer than it may be.
    pub(super) fn in_order(&mut self, mut rules: Vec<Vec<Statement>>) -> Name {
        while rules.len() > LINEAR_RULES {
            rules = rules
                .chunks(LINEAR_RULES)
                .map(|chunk| vec![Statement::Verdict(Verdict::Jump(self.intern(chunk.to_vec())))])
                .collect();
        }
        self.intern(rules)
    }

    /// The rule goes on if the fields are among these: one is written into the rule, more are a set. Sets of rules
    /// would do, but the kernel looks through all of them for the name of each.
    pub(super) fn among(&mut self, fields: &[Field], elements: Vec<Box<[Range]>>) -> Statement {
        let kind = NumberKind::of(fields).filter(|_| elements.len() > 1 || fields.len() > 1);
        let test = match kind {
            None => Test::Elements(elements.into()),
            Some(kind) => {
                let body = (kind, Box::from(elements));
                let name = format!("n{:016x}", digest(&body));
                Test::Set(self.set(name, SetBody::Numbers(body.0, body.1)))
            }
        };
        Statement::Match {
            fields: fields.into(),
            negated: false,
            test,
        }
    }

    /// Adds a set.
    pub(super) fn set(&mut self, name: impl Into<Name>, body: SetBody) -> Name {
        let name = name.into();
        self.table.sets.insert(name.clone(), body);
        name
    }
}

/// A rule that goes to a chain.
pub(super) fn rule_to(mut matches: Vec<Statement>, chain: &Name) -> Vec<Statement> {
    matches.push(goto(chain));
    matches
}

/// 64 bits that stand for a content, the same in every run.
pub(super) fn digest(content: &impl Hash) -> u64 {
    let mut hasher = SipHasher13::new();
    content.hash(&mut hasher);
    hasher.finish()
}
