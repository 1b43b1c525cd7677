//! A model of the kernel: what its links, addresses, routes and rules do to each other. It ends the test when somebody
//! else's object is changed.

use std::net::IpAddr;

use ipnet::IpNet;
use ravelin_model::{NetworkPlan, OWN_PROTOCOL, RouteTarget, VirtualLink, WantedRoute, WantedRouteRule};

use crate::network::bring::Kernel;
use crate::network::number::route::TABLE_MAIN;
use crate::network::operation::Operation;
use crate::network::present::{
    Kind, Present, PresentAddress, PresentLink, PresentRoute, RouteKey, Way, plain_rule,
};

/// Protocol of routes the kernel makes itself (RTPROT_KERNEL).
const KERNEL_PROTOCOL: u8 = 2;

#[derive(Debug, Clone, Default)]
pub(super) struct Model {
    /// But for routes the kernel makes of addresses.
    pub(super) present: Present,
    /// Changes made.
    pub(super) made: Vec<Operation>,
    /// Changes until it takes no more, as if whoever makes them were killed.
    pub(super) left: Option<usize>,
    /// It does not let addresses stay when the first one goes.
    pub(super) never_promotes: bool,
    last_index: u32,
}

impl Model {
    /// Puts in a card that is down.
    pub(super) fn plug(&mut self, name: &str) -> &mut PresentLink {
        self.insert(name, Kind::Other, false)
    }

    pub(super) fn insert(&mut self, name: &str, kind: Kind, own: bool) -> &mut PresentLink {
        // None is used again.
        self.last_index += 1;
        let index = self.last_index;
        self.present.links.entry(index).or_insert(PresentLink {
            index,
            name: name.to_owned(),
            kind,
            own,
            up: false,
            mtu_bytes: 1500,
            master: None,
            hardware_address: None,
            path: None,
            takes_advertisements: Some(true),
            promotes: false,
        })
    }

    pub(super) fn link(&self, name: &str) -> Option<&PresentLink> {
        self.present.links.values().find(|link| link.name == name)
    }

    fn index(&self, name: &str) -> Result<u32, &'static str> {
        self.link(name).map(|link| link.index).ok_or("no such device")
    }

    fn get(&mut self, name: &str) -> Result<&mut PresentLink, &'static str> {
        let mut links = self.present.links.values_mut();
        links.find(|link| link.name == name).ok_or("no such device")
    }

    /// With what the kernel makes of addresses.
    fn routes(&self) -> Vec<PresentRoute> {
        let mut routes = self.present.routes.clone();
        for address in &self.present.addresses {
            let up = self.present.links.get(&address.link).is_some_and(|link| link.up);
            let route = PresentRoute {
                key: RouteKey {
                    table: TABLE_MAIN,
                    destination: address.network.trunc(),
                    metric: if address.network.addr().is_ipv6() { 256 } else { 0 },
                },
                protocol: KERNEL_PROTOCOL,
                way: Way::Interface(address.link),
                mtu_bytes: None,
            };
            if up && !routes.contains(&route) {
                routes.push(route);
            }
        }
        routes
    }

    /// VLAN devices on a link.
    fn on_top(&self, below: u32) -> Vec<PresentLink> {
        let links = self.present.links.values();
        let on_top = links
            .filter(|link| matches!(link.kind, Kind::Vlan { parent: Some(parent), .. } if parent == below));
        on_top.cloned().collect()
    }

    /// Those of them that go up and down with it: we make ours so that they do not.
    fn followers(&self, below: u32) -> Vec<PresentLink> {
        let mut followers = self.on_top(below);
        followers.retain(|link| !link.own);
        followers
    }

    fn lower(&mut self, name: &str) -> Result<(), &'static str> {
        let index = self.index(name)?;
        self.get(name)?.up = false;
        self.present
            .addresses
            .retain(|address| address.link != index || address.network.addr().is_ipv4());
        self.flush(index, |_| true);
        for vlan in self.followers(index) {
            self.lower(&vlan.name)?;
        }
        Ok(())
    }

    fn flush(&mut self, index: u32, of: impl Fn(&IpNet) -> bool) {
        self.present.routes.retain(|route| match route.way {
            Way::Gateway(_, on) | Way::Interface(on) => on != index || !of(&route.key.destination),
            _ => true,
        });
    }

    fn raise(&mut self, name: &str) -> Result<(), &'static str> {
        let link = self.get(name)?.clone();
        if let Kind::Vlan {
            parent: Some(parent), ..
        } = link.kind
            && !link.own
            && !self.present.links[&parent].up
        {
            return Err("network is down");
        }
        self.get(name)?.up = true;
        if !link.up {
            for vlan in self.followers(link.index) {
                self.raise(&vlan.name)?;
            }
        }
        Ok(())
    }

    fn create(&mut self, name: &str, made: &VirtualLink) -> Result<(), &'static str> {
        if self.link(name).is_some() {
            return Err("file exists");
        }
        let (kind, mtu) = match made {
            VirtualLink::Vlan { parent, id } => {
                let parent = self.link(parent).ok_or("no such device")?;
                let kind = Kind::Vlan {
                    parent: Some(parent.index),
                    id: id.get(),
                };
                (kind, parent.mtu_bytes)
            }
            VirtualLink::Bridge { spanning_tree, .. } => (
                Kind::Bridge {
                    spanning_tree: *spanning_tree,
                },
                1500,
            ),
            VirtualLink::Bond { mode, .. } => (Kind::Bond { mode: Some(*mode) }, 1500),
        };
        self.insert(name, kind, true).mtu_bytes = mtu;
        Ok(())
    }

    fn delete(&mut self, name: &str) -> Result<(), &'static str> {
        let Some(link) = self.link(name).cloned() else {
            return Ok(());
        };
        self.lower(name)?;
        for vlan in self.on_top(link.index) {
            self.delete(&vlan.name)?;
        }
        let ports: Vec<String> = self.ports(link.index);
        for port in ports {
            self.leave(&port)?;
        }
        self.present.links.remove(&link.index);
        self.present
            .addresses
            .retain(|address| address.link != link.index);
        Ok(())
    }

    fn ports(&self, master: u32) -> Vec<String> {
        let ports = self
            .present
            .links
            .values()
            .filter(|link| link.master == Some(master));
        ports.map(|link| link.name.clone()).collect()
    }

    fn join(&mut self, port: &str, master: &str) -> Result<(), &'static str> {
        let master = self.link(master).cloned().ok_or("no such device")?;
        if self.link(port).is_some_and(|port| port.master.is_some()) {
            self.leave(port)?;
        }
        let bond = matches!(master.kind, Kind::Bond { .. });
        assert!(bond || matches!(master.kind, Kind::Bridge { .. }));
        if bond {
            if self.get(port)?.up {
                return Err("device can not be enslaved while up");
            }
            self.get(port)?.mtu_bytes = master.mtu_bytes;
            self.raise(port)?;
        }
        self.get(port)?.master = Some(master.index);
        Ok(())
    }

    fn leave(&mut self, port: &str) -> Result<(), &'static str> {
        let link = self.link(port).cloned().ok_or("no such device")?;
        self.get(port)?.master = None;
        let bond = link.master.and_then(|master| self.present.links.get(&master));
        if bond.is_some_and(|bond| matches!(bond.kind, Kind::Bond { .. })) {
            self.lower(port)?;
        }
        Ok(())
    }

    fn set_mtu(&mut self, name: &str, bytes: u32) -> Result<(), &'static str> {
        let link = self.get(name)?.clone();
        if let Kind::Vlan {
            parent: Some(parent), ..
        } = link.kind
            && self.present.links[&parent].mtu_bytes < bytes
        {
            return Err("numerical result out of range");
        }
        self.get(name)?.mtu_bytes = bytes;
        for vlan in self.on_top(link.index) {
            if vlan.mtu_bytes > bytes {
                self.set_mtu(&vlan.name, bytes)?;
            }
        }
        if matches!(link.kind, Kind::Bond { .. }) {
            for port in self.ports(link.index) {
                self.set_mtu(&port, bytes)?;
            }
        }
        Ok(())
    }

    fn add_address(&mut self, name: &str, network: IpNet) -> Result<(), &'static str> {
        let link = self.index(name)?;
        let taken = self.present.addresses.iter().any(|there| {
            let ipv6 = network.addr().is_ipv6();
            there.link == link && (there.network == network || ipv6 && there.network.addr() == network.addr())
        });
        if taken {
            return Err("file exists");
        }
        self.present.addresses.push(PresentAddress {
            link,
            network,
            own: true,
            duplicate: false,
        });
        Ok(())
    }

    fn remove_address(&mut self, name: &str, network: IpNet) -> Result<(), &'static str> {
        let link = self.index(name)?;
        let same_network = |there: &PresentAddress| {
            there.link == link && there.network.trunc() == network.trunc() && network.addr().is_ipv4()
        };
        let all = &self.present.addresses;
        let Some(at) = all
            .iter()
            .position(|there| there.link == link && there.network == network)
        else {
            return Ok(());
        };
        assert!(all[at].own, "{:?} is another's", all[at]);
        let first = all.iter().position(same_network);
        self.present.addresses.remove(at);
        if first == Some(at) && !self.present.links[&link].promotes {
            self.present.addresses.retain(|there| !same_network(there));
        }
        let ipv4 = |there: &PresentAddress| there.link == link && there.network.addr().is_ipv4();
        if network.addr().is_ipv4() && !self.present.addresses.iter().any(ipv4) {
            self.flush(link, |destination| destination.addr().is_ipv4());
        }
        Ok(())
    }

    /// Where the kernel leads a route, or why it does not.
    fn way(&self, wanted: &WantedRoute) -> Result<Way, &'static str> {
        let up = |name: &str| {
            let link = self.link(name).ok_or("no such device")?;
            if link.up {
                Ok(link.index)
            } else {
                Err("network is down")
            }
        };
        Ok(match &wanted.target {
            RouteTarget::Blackhole => Way::Blackhole,
            RouteTarget::Unreachable => Way::Unreachable,
            RouteTarget::Interface(name) => Way::Interface(up(name)?),
            RouteTarget::Gateway { gateway, interface } => {
                let only = interface.as_deref().map(up).transpose()?;
                let on = [wanted.table, TABLE_MAIN]
                    .iter()
                    .find_map(|table| self.on_link(*table, *gateway, only));
                Way::Gateway(*gateway, on.ok_or("network is unreachable")?)
            }
        })
    }

    fn on_link(&self, table: u32, gateway: IpAddr, only: Option<u32>) -> Option<u32> {
        let routes = self.routes();
        let on = routes.iter().filter_map(|route| match route.way {
            Way::Interface(index)
                if route.key.table == table
                    && only.is_none_or(|only| only == index)
                    && route.key.destination.contains(&gateway) =>
            {
                Some((route.key.destination.prefix_len(), index))
            }
            _ => None,
        });
        on.max_by_key(|(length, _)| *length).map(|(_, index)| index)
    }

    fn put_route(&mut self, wanted: &WantedRoute, replace: bool) -> Result<(), &'static str> {
        let key = RouteKey::of(wanted);
        let way = self.way(wanted)?;
        let there: Vec<_> = self
            .routes()
            .into_iter()
            .filter(|route| route.key == key)
            .collect();
        if !replace && !there.is_empty() {
            return Err("file exists");
        }
        for route in there {
            assert_eq!(route.protocol, OWN_PROTOCOL, "{route:?} is another's");
        }
        self.present.routes.retain(|route| route.key != key);
        self.present.routes.push(PresentRoute {
            key,
            protocol: OWN_PROTOCOL,
            way,
            mtu_bytes: wanted.mtu_bytes,
        });
        Ok(())
    }

    fn rule(&mut self, rule: &WantedRouteRule, add: bool) -> Result<(), &'static str> {
        let plain = plain_rule(rule);
        let at = self.present.rules.iter().position(|there| *there == plain);
        match (at, add) {
            (None, true) => self.present.rules.push(plain),
            (Some(at), false) => drop(self.present.rules.remove(at)),
            _ => return Err("file exists, or none"),
        }
        Ok(())
    }

    fn change(&mut self, operation: &Operation) -> Result<(), &'static str> {
        match operation {
            Operation::Down(name) => self.lower(name),
            Operation::Up(name) => self.raise(name),
            Operation::Create(name, made) => self.create(name, made),
            Operation::Delete(name) => {
                assert!(self.link(name).is_none_or(|link| link.own), "{name} is another's");
                self.delete(name)
            }
            Operation::SpanningTree(name, spanning_tree) => {
                self.get(name)?.kind = Kind::Bridge {
                    spanning_tree: *spanning_tree,
                };
                Ok(())
            }
            Operation::Join { port, master } => self.join(port, master),
            Operation::Leave(port) => self.leave(port),
            Operation::Mtu(name, bytes) => self.set_mtu(name, *bytes),
            Operation::Promote(_) if self.never_promotes => Err("read-only file system"),
            Operation::Promote(name) => {
                self.get(name)?.promotes = true;
                Ok(())
            }
            Operation::RefuseAdvertisements(name) => {
                self.get(name)?.takes_advertisements = Some(false);
                Ok(())
            }
            Operation::AddAddress(name, network) => self.add_address(name, *network),
            Operation::RemoveAddress(name, network) => self.remove_address(name, *network),
            Operation::AddRoute(route) => self.put_route(route, false),
            Operation::ReplaceRoute(route) | Operation::AffirmRoute(route) => self.put_route(route, true),
            Operation::RemoveRoute(route) => {
                let key = RouteKey::of(route);
                self.present
                    .routes
                    .retain(|there| there.key != key || !there.own());
                Ok(())
            }
            Operation::AddRule(rule) => self.rule(rule, true),
            Operation::RemoveRule(rule) => self.rule(rule, false),
        }
    }
}

impl Kernel for Model {
    type Refusal = &'static str;
    type Error = std::convert::Infallible;

    fn read(&mut self, _: &NetworkPlan) -> Result<Present, Self::Error> {
        Ok(Present {
            routes: self.routes(),
            ..self.present.clone()
        })
    }

    fn perform(&mut self, operation: &Operation) -> Result<(), &'static str> {
        match &mut self.left {
            Some(0) => return Err("killed"),
            Some(left) => *left -= 1,
            None => {}
        }
        self.change(operation)?;
        self.made.push(operation.clone());
        Ok(())
    }

    fn waits(refusal: &&'static str) -> bool {
        refusal.starts_with("network is") || *refusal == "no such device"
    }
}
