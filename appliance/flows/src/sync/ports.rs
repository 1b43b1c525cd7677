//! Which interfaces frames can be redirected to.

use ravelin_datapath::CachePort;
use ravelin_kernel::Link;
use ravelin_model::{LinkState, OffloadPort};

/// Queueing that shapes nothing: what is redirected goes past it.
const PLAIN_QUEUEING: [&str; 5] = ["noqueue", "mq", "pfifo_fast", "fq_codel", "fq"];

/// Drivers whose frames come from a guest or namespace of this host, which leaves checksums to whoever sends them on.
const LOCAL_SENDERS: [&str; 3] = ["veth", "netkit", "tun"];

/// What is told of the interfaces. Loopback is none.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Ports {
    /// To the cache.
    pub(super) cache: Vec<CachePort>,
    /// To the administrator, by name; those that are down are left out.
    pub(super) shown: Vec<OffloadPort>,
}

impl Ports {
    pub(super) fn of(links: &[Link]) -> Self {
        let mut ports = Self::default();
        for link in links.iter().filter(|link| !link.loopback) {
            let problem = problem(link, links);
            let (device, tag) = match link.vlan {
                Some(vlan) => (vlan.device, Some(vlan.tag)),
                None => (link.index, None),
            };
            let sender = find(links, device).unwrap_or(link).driver.as_deref();
            ports.cache.push(CachePort {
                index: link.index,
                device,
                tag,
                redirect: problem.is_none(),
                verify_checksum: sender.is_some_and(|driver| LOCAL_SENDERS.contains(&driver)),
            });
            // Nothing is sent by a link that is down, which has no queueing yet: there is nothing to tell of it.
            if link.link_state != LinkState::Down {
                ports.shown.push(OffloadPort {
                    interface: link.name.clone(),
                    index: link.index,
                    problem,
                });
            }
        }
        ports.shown.sort_by(|a, b| a.interface.cmp(&b.interface));
        ports
    }

    /// The kernel does not take these devices.
    pub(super) fn refuse(&mut self, indices: &[u32]) {
        for port in &mut self.shown {
            if indices.contains(&port.index) && port.problem.is_none() {
                port.problem = Some("The kernel does not take it into a map of devices.".to_owned());
            }
        }
    }
}

fn find(links: &[Link], index: u32) -> Option<&Link> {
    links.iter().find(|link| link.index == index)
}

/// Why frames cannot be redirected to a link, in a sentence.
fn problem(link: &Link, links: &[Link]) -> Option<String> {
    if link.hardware_address.is_none() {
        return Some("It is not Ethernet.".to_owned());
    }
    if let Some(shaper) = shaper(link) {
        return Some(format!("Its queueing ({shaper}) would be passed by."));
    }
    if let Some(master) = link.master.and_then(|master| find(links, master))
        && master.driver.as_deref() != Some("vrf")
    {
        return Some(format!("It is a port of {}.", master.name));
    }
    let Some(vlan) = link.vlan else {
        if link.driver.as_deref() == Some("vlan") {
            return Some(
                "Its tags are not those of 802.1Q, or its device is in another network namespace.".to_owned(),
            );
        }
        return (!link.redirect).then(|| {
            let driver = link.driver.as_deref().unwrap_or("unknown");
            format!("Its driver ({driver}) does not send frames that XDP redirects.")
        });
    };
    let Some(device) = find(links, vlan.device) else {
        return Some("The device below it is not known.".to_owned());
    };
    if device.vlan.is_some() || device.driver.as_deref() == Some("vlan") {
        return Some("Its frames have two VLAN tags.".to_owned());
    }
    problem(device, links).map(|problem| format!("{}: {problem}", device.name))
}

fn shaper(link: &Link) -> Option<&str> {
    let queueing = link.queueing.as_deref()?;
    (!PLAIN_QUEUEING.contains(&queueing)).then_some(queueing)
}

#[cfg(test)]
mod tests;
