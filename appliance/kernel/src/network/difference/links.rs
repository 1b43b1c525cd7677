//! Links: which there are, which are made, and of what.

use std::collections::{BTreeMap, BTreeSet};

use ravelin_model::{LinkIdentity, NetworkPart, NetworkPlan, VirtualLink, WantedLink};

use super::Difference;
use crate::network::operation::Operation;
use crate::network::present::{Kind, Present, PresentLink};

/// What becomes of a link.
#[derive(Debug, Clone, Copy)]
pub(super) enum Standing<'a> {
    /// It is there and stays.
    Stays(&'a PresentLink),
    /// It is made now.
    Made,
}

/// The links of a plan beside those there are.
#[derive(Debug)]
pub(super) struct LinkWork<'a> {
    pub(super) plan: &'a NetworkPlan,
    pub(super) present: &'a Present,
    wanted: BTreeMap<&'a str, &'a WantedLink>,
    by_name: BTreeMap<&'a str, &'a PresentLink>,
    /// What can be used, whether the plan names it or not. Others are not there, or not what they should be.
    standing: BTreeMap<&'a str, Standing<'a>>,
    /// Links of the plan, each behind those it is made of.
    order: Vec<&'a WantedLink>,
    /// Ours that are deleted, by index.
    doomed: BTreeSet<u32>,
    /// Not what their name stands for: left down.
    strangers: BTreeSet<&'a str>,
    /// Ports of bridges and bonds of the plan, and whose.
    ports: BTreeMap<&'a str, &'a str>,
}

impl<'a> LinkWork<'a> {
    pub(super) fn new(plan: &'a NetworkPlan, present: &'a Present, difference: &mut Difference) -> Self {
        let mut wanted = BTreeMap::new();
        for link in &plan.links {
            wanted.entry(link.name.as_str()).or_insert(link);
        }
        let by_name = present.links.values().map(|link| (link.name.as_str(), link));
        let mut work = Self {
            plan,
            present,
            by_name: by_name.collect(),
            standing: BTreeMap::new(),
            order: Vec::new(),
            doomed: BTreeSet::new(),
            strangers: BTreeSet::new(),
            ports: BTreeMap::new(),
            wanted,
        };
        work.place_cards(difference);
        work.place_made(difference);
        work.place_ports(difference);
        work
    }

    /// What becomes of the link; None: it cannot be used.
    pub(super) fn standing(&self, name: &str) -> Option<Standing<'a>> {
        self.standing.get(name).copied()
    }

    /// Links of the plan that can be used, each behind those it is made of.
    pub(super) fn usable(&self) -> impl DoubleEndedIterator<Item = (&'a WantedLink, Standing<'a>)> + '_ {
        let standing = |link: &&'a WantedLink| Some((*link, self.standing(&link.name)?));
        self.order.iter().filter_map(standing)
    }

    /// Whether a link of an index is deleted.
    pub(super) fn is_doomed(&self, index: u32) -> bool {
        self.doomed.contains(&index)
    }

    /// Links that are not made by us, and those we made and nobody wants.
    fn place_cards(&mut self, difference: &mut Difference) {
        for link in self.present.links.values() {
            let wanted = self.wanted.get(link.name.as_str()).copied();
            match wanted {
                // Judged in their order.
                Some(wanted) if wanted.virtual_link.is_some() => {}
                _ if link.own && link.kind != Kind::Other => {
                    self.doomed.insert(link.index);
                }
                Some(wanted) => match mismatch(&wanted.identity, link) {
                    None => {
                        self.standing.insert(&link.name, Standing::Stays(link));
                    }
                    Some(reason) => {
                        self.strangers.insert(&link.name);
                        difference.fault(NetworkPart::Link(link.name.clone()), false, reason);
                    }
                },
                None => {
                    self.standing.insert(&link.name, Standing::Stays(link));
                }
            }
        }
        for (name, link) in &self.wanted {
            if link.virtual_link.is_some() {
                continue;
            }
            self.order.push(link);
            if !self.standing.contains_key(name) && !self.strangers.contains(name) {
                difference.fault(
                    NetworkPart::Link(link.name.clone()),
                    true,
                    "there is no such link".to_owned(),
                );
            }
        }
    }

    /// Links we make, each when all it is made of is placed.
    fn place_made(&mut self, difference: &mut Difference) {
        let mut left: Vec<(&'a WantedLink, &'a VirtualLink)> = Vec::new();
        left.extend(
            self.wanted
                .values()
                .filter_map(|link| Some((*link, link.virtual_link.as_ref()?))),
        );
        while !left.is_empty() {
            let names: BTreeSet<&str> = left.iter().map(|(link, _)| link.name.as_str()).collect();
            let (ready, waiting): (Vec<_>, Vec<_>) = left.iter().copied().partition(|(_, made)| {
                !made
                    .members()
                    .iter()
                    .any(|member| names.contains(member.as_str()))
            });
            if ready.is_empty() {
                for (link, _) in waiting {
                    let reason = "it is made of links that are made of it".to_owned();
                    difference.fault(NetworkPart::Link(link.name.clone()), false, reason);
                    self.order.push(link);
                    self.doom_if_own(&link.name);
                }
                return;
            }
            for (link, made) in ready {
                self.place(link, made, difference);
                self.order.push(link);
            }
            left = waiting;
        }
    }

    fn place(&mut self, link: &'a WantedLink, made: &'a VirtualLink, difference: &mut Difference) {
        let parent = match made {
            VirtualLink::Vlan { parent, .. } => Some((parent, self.standing(parent))),
            VirtualLink::Bridge { .. } | VirtualLink::Bond { .. } => None,
        };
        if let Some(there) = self.by_name.get(link.name.as_str()) {
            if fits(there, made, parent.and_then(|(_, parent)| parent)) {
                self.standing.insert(&link.name, Standing::Stays(there));
                return;
            }
            if !there.own || there.kind == Kind::Other {
                self.strangers.insert(&link.name);
                let reason = "another link has its name, which is left down".to_owned();
                difference.fault(NetworkPart::Link(link.name.clone()), false, reason);
                return;
            }
            self.doomed.insert(there.index);
        }
        if let Some((parent, None)) = parent {
            let reason = format!("there is no link '{parent}' to carry it");
            difference.fault(NetworkPart::Link(link.name.clone()), true, reason);
            return;
        }
        self.standing.insert(&link.name, Standing::Made);
    }

    fn doom_if_own(&mut self, name: &str) {
        if let Some(there) = self.by_name.get(name)
            && there.own
            && there.kind != Kind::Other
        {
            self.doomed.insert(there.index);
        }
    }

    fn place_ports(&mut self, difference: &mut Difference) {
        for link in &self.order {
            let Some(VirtualLink::Bridge { ports, .. } | VirtualLink::Bond { ports, .. }) =
                &link.virtual_link
            else {
                continue;
            };
            if !self.standing.contains_key(link.name.as_str()) {
                continue;
            }
            let bond = matches!(link.virtual_link, Some(VirtualLink::Bond { .. }));
            for port in ports {
                let part = NetworkPart::Link(link.name.clone());
                if !self.standing.contains_key(port.as_str()) {
                    difference.fault(part, true, format!("there is no link '{port}' to be its port"));
                } else if let Some(other) = self.ports.get(port.as_str())
                    && *other != link.name
                {
                    difference.fault(part, false, format!("'{port}' is a port of '{other}'"));
                } else if bond && !self.may_be_up(port) {
                    let reason = format!("'{port}' is down, and would be raised as its port");
                    difference.fault(part, true, reason);
                } else {
                    self.ports.insert(port, &link.name);
                }
            }
        }
    }

    /// Whether a link is up, or shall be.
    fn may_be_up(&self, name: &str) -> bool {
        match self.wanted.get(name).and_then(|link| link.enabled) {
            Some(up) => up,
            None => self.by_name.get(name).is_some_and(|link| link.up),
        }
    }

    /// Links go down, leave, and are deleted.
    pub(super) fn close(&self, difference: &mut Difference) {
        let operations = &mut difference.operations;
        for name in &self.strangers {
            if self.by_name.get(name).is_some_and(|link| link.up) {
                operations.push(Operation::Down((*name).to_owned()));
            }
        }
        // What is carried before what carries it, which would take it along.
        for (wanted, standing) in self.usable().rev() {
            if let Standing::Stays(link) = standing
                && link.up
                && wanted.enabled == Some(false)
            {
                operations.push(Operation::Down(link.name.clone()));
            }
        }
        for link in self.present.links.values() {
            let Some(master) = link.master.and_then(|master| self.present.links.get(&master)) else {
                continue;
            };
            let ours = master.own || self.has_ports(&master.name);
            let wanted = self.ports.contains_key(link.name.as_str());
            if ours && !wanted && !self.is_doomed(link.index) && !self.is_doomed(master.index) {
                operations.push(Operation::Leave(link.name.clone()));
            }
        }
        let mut doomed: Vec<_> = self
            .doomed
            .iter()
            .filter_map(|index| self.present.links.get(index))
            .collect();
        // Those that stand on others first; with a link the VLANs on it are gone.
        doomed.sort_by_key(|link| std::cmp::Reverse(self.depth(link)));
        operations.extend(doomed.iter().map(|link| Operation::Delete(link.name.clone())));
    }

    fn has_ports(&self, name: &str) -> bool {
        let link = self.wanted.get(name).and_then(|link| link.virtual_link.as_ref());
        self.standing.contains_key(name)
            && matches!(link, Some(VirtualLink::Bridge { .. } | VirtualLink::Bond { .. }))
    }

    /// How many links carry it, one below the other.
    fn depth(&self, link: &PresentLink) -> usize {
        let mut depth = 0;
        let mut below = link;
        while let Kind::Vlan {
            parent: Some(parent), ..
        } = below.kind
            && let Some(parent) = self.present.links.get(&parent)
            && depth < self.present.links.len()
        {
            (depth, below) = (depth + 1, parent);
        }
        depth
    }

    /// Links are made, and get their ports, each behind those it is made of.
    pub(super) fn make(&self, difference: &mut Difference) {
        let operations = &mut difference.operations;
        for (wanted, standing) in self.usable() {
            let Some(made) = &wanted.virtual_link else {
                continue;
            };
            let name = &wanted.name;
            match standing {
                Standing::Made => operations.push(Operation::Create(name.clone(), made.clone())),
                Standing::Stays(link) => {
                    if let VirtualLink::Bridge {
                        spanning_tree: on, ..
                    } = made
                        && link.kind != (Kind::Bridge { spanning_tree: *on })
                    {
                        operations.push(Operation::SpanningTree(name.clone(), *on));
                    }
                }
            }
            for port in made.members() {
                if self.ports.get(port.as_str()) == Some(&name.as_str()) {
                    self.join(
                        port,
                        name,
                        matches!(made, VirtualLink::Bond { .. }),
                        standing,
                        operations,
                    );
                }
            }
        }
    }

    fn join(
        &self,
        port: &str,
        name: &str,
        bond: bool,
        master: Standing<'_>,
        operations: &mut Vec<Operation>,
    ) {
        let there = match self.standing(port) {
            Some(Standing::Stays(port)) => Some(port),
            _ => None,
        };
        if let (Some(port), Standing::Stays(master)) = (there, master)
            && port.master == Some(master.index)
        {
            return;
        }
        if there.is_some_and(|port| port.up && bond) {
            // A bond takes no port that is up, and raises it itself.
            operations.push(Operation::Down(port.to_owned()));
        }
        operations.push(Operation::Join {
            port: port.to_owned(),
            master: name.to_owned(),
        });
    }

    /// MTUs: what is made of links fits into them at every moment. Then what links take of others.
    pub(super) fn set(&self, difference: &mut Difference) {
        let operations = &mut difference.operations;
        let changes = |wanted: &WantedLink, standing: Standing<'_>| match standing {
            Standing::Stays(link) => (wanted.mtu_bytes)
                .filter(|bytes| *bytes != link.mtu_bytes)
                .map(|bytes| (bytes, bytes < link.mtu_bytes)),
            Standing::Made => wanted.mtu_bytes.map(|bytes| (bytes, false)),
        };
        for (wanted, standing) in self.usable().rev() {
            if let Some((bytes, true)) = changes(wanted, standing) {
                operations.push(Operation::Mtu(wanted.name.clone(), bytes));
            }
        }
        for (wanted, standing) in self.usable() {
            if let Some((bytes, false)) = changes(wanted, standing) {
                operations.push(Operation::Mtu(wanted.name.clone(), bytes));
            }
        }
        for (wanted, standing) in self.usable() {
            let takes = match standing {
                Standing::Stays(link) => link.takes_advertisements == Some(true),
                // What it takes by default was not read.
                Standing::Made => true,
            };
            if takes && wanted.enabled == Some(true) {
                operations.push(Operation::RefuseAdvertisements(wanted.name.clone()));
            }
        }
    }

    /// Links are raised, each behind those it is made of.
    pub(super) fn raise(&self, difference: &mut Difference) {
        let lowered = |name: &str, operations: &[Operation]| {
            operations
                .iter()
                .any(|operation| matches!(operation, Operation::Down(of) if of == name))
        };
        for (wanted, standing) in self.usable() {
            let up = match standing {
                Standing::Stays(link) => link.up && !lowered(&link.name, &difference.operations),
                Standing::Made => false,
            };
            if wanted.enabled == Some(true) && !up {
                difference.operations.push(Operation::Up(wanted.name.clone()));
            }
        }
    }
}

/// Whether a link is what is wanted, but for what can be changed.
fn fits(link: &PresentLink, made: &VirtualLink, parent: Option<Standing<'_>>) -> bool {
    match (link.kind, made) {
        (Kind::Vlan { parent: on, id }, VirtualLink::Vlan { id: wanted, .. }) => {
            let Some(Standing::Stays(parent)) = parent else {
                return false;
            };
            id == wanted.get() && on == Some(parent.index)
        }
        (Kind::Bridge { .. }, VirtualLink::Bridge { .. }) => true,
        (Kind::Bond { mode }, VirtualLink::Bond { mode: wanted, .. }) => mode == Some(*wanted),
        _ => false,
    }
}

/// Why the link is not the one that is meant.
fn mismatch(identity: &LinkIdentity, link: &PresentLink) -> Option<String> {
    if let Some(mac) = identity.mac
        && link.hardware_address != Some(mac)
    {
        let has = link
            .hardware_address
            .map_or("no address".to_owned(), |has| has.to_string());
        return Some(format!(
            "it is another card, which is left down: it has {has}, not {mac}"
        ));
    }
    if let Some(path) = &identity.path
        && link.path.as_ref() != Some(path)
    {
        let has = link.path.as_deref().unwrap_or("nowhere");
        return Some(format!(
            "it is another card, which is left down: it is at {has}, not {path}"
        ));
    }
    None
}
