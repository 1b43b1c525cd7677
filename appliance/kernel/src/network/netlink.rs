//! The kernel's side: what it has, and changes to it.

use std::collections::{BTreeMap, BTreeSet};
use std::{fmt, fs, io};

use ipnet::IpNet;
use netlink_sys::protocols::NETLINK_ROUTE;
use ravelin_model::{NetworkPlan, RouteTarget};
use rtnetlink::packet_core::NLM_F_DUMP_INTR;

use super::bring::Kernel;
use super::number::{
    RTM_GETADDR, RTM_GETLINK, RTM_GETROUTE, RTM_GETRULE, RTM_NEWADDR, RTM_NEWLINK, RTM_NEWROUTE, RTM_NEWRULE,
    address, link, route, rule,
};
use super::operation::Operation;
use super::path::bus_path;
use super::present::{Present, PresentLink, PresentRoute, RouteKey, Way};
use super::{build, parse};
use crate::blocking::BlockingSocket;
use crate::ioctl::DeviceIoctl;
use crate::netlink::{Answer, DUMP, Messages, explanation, whole_answers};
use crate::{DumpError, KernelError};

/// Readings begun before giving up on a table that changes while it is read.
const TRIES: u32 = 10;

/// Why a change was not made.
#[derive(Debug)]
pub(super) struct Refusal {
    error: io::Error,
    /// In the kernel's own words, where it has any.
    said: Option<String>,
}

impl Refusal {
    /// What it needs is not there or down: a link, or a way to a gateway.
    pub(super) fn waits(&self) -> bool {
        matches!(
            self.error.raw_os_error(),
            Some(libc::ENODEV | libc::ENETDOWN | libc::ENETUNREACH | libc::EHOSTUNREACH)
        )
    }
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        Self { error, said: None }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.said {
            Some(said) => write!(f, "{said}: {}", self.error),
            None => self.error.fmt(f),
        }
    }
}

/// The kernel, of the network namespace of the thread that opens it.
#[derive(Debug)]
pub(super) struct RouteNetlink {
    socket: BlockingSocket,
    devices: DeviceIoctl,
    /// Of links that were there at the last reading and were not made anew since.
    indices: BTreeMap<String, u32>,
    /// IPv6 networks that are on links, of table `main` at the last reading.
    connected: Vec<(IpNet, u32)>,
}

impl RouteNetlink {
    pub(super) fn open() -> io::Result<Self> {
        let mut socket = BlockingSocket::open(NETLINK_ROUTE)?;
        socket.explain()?;
        Ok(Self {
            socket,
            devices: DeviceIoctl::open()?,
            indices: BTreeMap::new(),
            connected: Vec::new(),
        })
    }

    /// A whole table.
    fn dump<T>(
        &mut self,
        question: u16,
        header: &[u8],
        attribute: Option<(u16, u32)>,
        entry: u16,
        parse: impl Fn(&[u8]) -> Option<T>,
    ) -> Result<Vec<T>, DumpError> {
        for _ in 0..TRIES {
            let sequence = self.socket.next_sequence();
            let mut messages = Messages::default();
            messages.begin(question, DUMP, sequence, header);
            if let Some((kind, value)) = attribute {
                messages.put(kind, &value.to_ne_bytes());
            }
            messages.end();
            self.socket.send(messages.bytes()).map_err(DumpError::Refused)?;
            if let Some(entries) = self.entries(sequence, entry, &parse)? {
                return Ok(entries);
            }
        }
        Err(DumpError::Restless { tries: TRIES })
    }

    /// None: the table changed meanwhile.
    fn entries<T>(
        &mut self,
        sequence: u32,
        entry: u16,
        parse: impl Fn(&[u8]) -> Option<T>,
    ) -> Result<Option<Vec<T>>, DumpError> {
        let (mut entries, mut steady) = (Vec::new(), true);
        loop {
            let datagram = self.socket.receive().map_err(DumpError::Refused)?;
            for (of, flags, answer) in whole_answers(datagram) {
                // Others were given up waiting for.
                if of != sequence {
                    continue;
                }
                steady &= flags & NLM_F_DUMP_INTR == 0;
                match answer {
                    Answer::Message(kind, message) if kind == entry => entries.extend(parse(message)),
                    Answer::Message(..) => {}
                    Answer::End(0) => return Ok(steady.then_some(entries)),
                    Answer::End(error) => {
                        let error = io::Error::from_raw_os_error(error.saturating_neg());
                        return Err(DumpError::Refused(error));
                    }
                }
            }
        }
    }

    /// Sends a request and waits until it is done.
    fn tell(&mut self, operation: &Operation, on_link: Option<u32>) -> Result<(), Refusal> {
        let sequence = self.socket.next_sequence();
        let mut messages = Messages::default();
        let (indices, devices) = (&mut self.indices, &self.devices);
        let mut index = |name: &str| match indices.get(name) {
            Some(index) => Ok(*index),
            None => {
                let index = devices.index(name)?;
                indices.insert(name.to_owned(), index);
                Ok(index)
            }
        };
        build::request(&mut messages, sequence, operation, on_link, &mut index)?;
        self.socket.send(messages.bytes())?;
        loop {
            let datagram = self.socket.receive()?;
            for (of, _, answer) in whole_answers(datagram) {
                match answer {
                    Answer::End(0) if of == sequence => return Ok(()),
                    Answer::End(error) if of == sequence => {
                        return Err(Refusal {
                            said: explanation(datagram, sequence).map(str::to_owned),
                            error: io::Error::from_raw_os_error(error.saturating_neg()),
                        });
                    }
                    _ => {}
                }
            }
        }
    }
}

impl RouteNetlink {
    /// The link an IPv6 gateway is on. The kernel asks the table of the route, then the rules, and there a route of all
    /// packets to a gateway hides the one that says so; of IPv4 it leaves such routes out.
    fn on_link(&self, operation: &Operation) -> Option<u32> {
        let (Operation::AddRoute(route) | Operation::ReplaceRoute(route) | Operation::AffirmRoute(route)) =
            operation
        else {
            return None;
        };
        let RouteTarget::Gateway { gateway, interface } = &route.target else {
            return None;
        };
        let only = match interface {
            Some(name) => Some(*self.indices.get(name)?),
            None => None,
        };
        let networks = self
            .connected
            .iter()
            .filter(|(network, index)| network.contains(gateway) && only.is_none_or(|only| only == *index));
        networks
            .max_by_key(|(network, _)| network.prefix_len())
            .map(|(_, index)| *index)
    }
}

impl Kernel for RouteNetlink {
    type Refusal = Refusal;
    type Error = KernelError;

    fn read(&mut self, plan: &NetworkPlan) -> Result<Present, KernelError> {
        let no_counters = Some((link::FILTER, link::SKIP_STATISTICS));
        let parse = |message: &[u8]| parse::present_link(message);
        let links = self
            .dump(RTM_GETLINK, &[0; link::HEADER], no_counters, RTM_NEWLINK, parse)
            .map_err(KernelError::ListLinks)?;
        let parse = |message: &[u8]| parse::present_address(message);
        let addresses = self
            .dump(RTM_GETADDR, &[0; address::HEADER], None, RTM_NEWADDR, parse)
            .map_err(KernelError::ListAddresses)?;
        let parse = |message: &[u8]| parse::present_route(message);
        let routes = self
            .dump(RTM_GETROUTE, &[0; route::HEADER], None, RTM_NEWROUTE, parse)
            .map_err(KernelError::ListRoutes)?;
        let parse = |message: &[u8]| parse::present_rule(message);
        let rules = self
            .dump(RTM_GETRULE, &[0; rule::HEADER], None, RTM_NEWRULE, parse)
            .map_err(KernelError::ListRules)?;
        let located = located(plan);
        let links = links.into_iter().map(|(mut link, device)| {
            if let Some((bus, device)) = device.filter(|_| located.contains(link.name.as_str())) {
                link.path = bus_path(&bus, &device);
            }
            (link.index, link)
        });
        let links: BTreeMap<u32, PresentLink> = links.collect();
        self.indices = links
            .values()
            .map(|link| (link.name.clone(), link.index))
            .collect();
        self.connected = routes.iter().filter_map(connected).collect();
        Ok(Present {
            links,
            addresses,
            routes,
            rules,
        })
    }

    fn perform(&mut self, operation: &Operation) -> Result<(), Refusal> {
        let done = match operation {
            Operation::RefuseAdvertisements(name) => refuse_advertisements(name).map_err(Refusal::from),
            operation => match self.tell(operation, None) {
                Err(refusal) if refusal.error.raw_os_error() == Some(libc::EHOSTUNREACH) => {
                    match self.on_link(operation) {
                        Some(link) => self.tell(operation, Some(link)),
                        None => Err(refusal),
                    }
                }
                done => done,
            },
        };
        if let Operation::Create(name, _) | Operation::Delete(name) = operation {
            self.indices.remove(name);
        }
        match done {
            Err(refusal) if is_gone(operation, &refusal.error) => Ok(()),
            done => done,
        }
    }

    fn waits(refusal: &Refusal) -> bool {
        refusal.waits()
    }
}

/// Network and link of a route of table `main` that says what is on an IPv6 link.
fn connected(route: &PresentRoute) -> Option<(IpNet, u32)> {
    let RouteKey {
        table, destination, ..
    } = route.key;
    match route.way {
        Way::Interface(link) if table == route::TABLE_MAIN && destination.addr().is_ipv6() => {
            Some((destination, link))
        }
        _ => None,
    }
}

/// Links whose place on the buses is asked for.
fn located(plan: &NetworkPlan) -> BTreeSet<&str> {
    let located = plan.links.iter().filter(|link| link.identity.path.is_some());
    located.map(|link| link.name.as_str()).collect()
}

/// What was to be removed is not there, most often because it went with something else.
fn is_gone(operation: &Operation, error: &io::Error) -> bool {
    let error = error.raw_os_error();
    match operation {
        Operation::Delete(_) | Operation::Leave(_) | Operation::Down(_) => error == Some(libc::ENODEV),
        Operation::RemoveAddress(..) => matches!(error, Some(libc::EADDRNOTAVAIL | libc::ENODEV)),
        Operation::RemoveRoute(_) => matches!(error, Some(libc::ESRCH | libc::ENOENT)),
        Operation::RemoveRule(_) => matches!(error, Some(libc::ENOENT | libc::ESRCH)),
        _ => false,
    }
}

/// There is nothing to refuse where the link has no IPv6.
fn refuse_advertisements(name: &str) -> io::Result<()> {
    // The kernel refuses such names itself; here they would lead elsewhere.
    if name.contains('/') || name.starts_with('.') {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let file = format!("/proc/sys/net/ipv6/conf/{name}/accept_ra");
    match fs::write(file, "0") {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        written => written,
    }
}
