//! Interfaces: attaching to those that come, forgetting those that go.

use std::collections::BTreeMap;
use std::sync::Arc;

use ravelin_datapath::{AttachTarget, Attached};
use ravelin_kernel::Link;
use ravelin_model::{Event, LinkCounters, Revision, chain};

use super::{Engine, Work};
use crate::error::stored;
use crate::snapshot::Snapshot;
use crate::status::Port;
use crate::{Actor, ControlError};

/// Why there is no program on tunnels and the like: read as Ethernet, their packets would be judged by other bytes
/// than those that say who sent them.
const NOT_ETHERNET: &str =
    "its frames are not Ethernet, which is all the programs can read; its packets are not looked at";

/// Links as of the last look, by index, counters left out.
pub(super) type KnownLinks = BTreeMap<u32, Link>;

/// Links by index, counters left out.
fn known(links: &[Link]) -> KnownLinks {
    let links = links.iter().cloned().map(|link| {
        let counters = LinkCounters::default();
        (link.index, Link { counters, ..link })
    });
    links.collect()
}

impl Engine {
    /// Flags an interface and attaches to it anew, so that its programs know.
    pub(crate) async fn set_external(
        &mut self,
        name: &str,
        external: bool,
        actor: &Actor,
    ) -> Result<Arc<Snapshot>, ControlError> {
        let now = self.now();
        if !self.known_links.values().any(|link| link.name == name) {
            return Err(ControlError::UnknownInterface(name.to_owned()));
        }
        if now.external.contains(name) == external {
            return Ok(now);
        }
        let side = if external { "external" } else { "internal" };
        let mut change = self
            .begin(actor, format!("flag interface '{name}' {side}"))
            .await?;
        change
            .set_interface_external(name, external)
            .await
            .map_err(stored)?;
        let mut next = (*now).clone();
        if external {
            next.external.insert(name.to_owned());
        } else {
            next.external.remove(name);
        }
        // Where attaching failed before, it is not this change that has to make it work.
        let work = Work {
            attach: now
                .ports
                .values()
                .filter(|port| port.target.name == name && port.error.is_none())
                .map(|port| {
                    let old = port.target.clone();
                    (
                        AttachTarget {
                            external,
                            ..old.clone()
                        },
                        old,
                    )
                })
                .collect(),
            ..Work::default()
        };
        let next = self.finish(change, next, work).await?.value;
        for link in self.known_links.values().filter(|link| link.name == name) {
            self.tell_link(link, true, &next);
        }
        Ok(next)
    }

    /// Attaches to an interface as part of a change; what fails fails the change.
    pub(super) async fn attach(&self, target: AttachTarget, next: &mut Snapshot) -> Result<(), ControlError> {
        let wanted = target.clone();
        let attached = self.plane.call(move |datapath| datapath.attach(&wanted)).await?;
        // Sources may be looked up now that were not, or the other way round.
        self.flows.forget_paths();
        next.ports.insert(
            target.index,
            Port {
                target,
                attached,
                error: None,
            },
        );
        Ok(())
    }

    /// Follows the links, and the network after them.
    pub(crate) async fn follow_links(&mut self, links: &[Link]) {
        self.look_at_links(links).await;
        self.network_is_due();
    }

    /// Attaches to links that are new, forgets those that are gone, tells of every change.
    pub(super) async fn look_at_links(&mut self, links: &[Link]) {
        let links = known(links);
        let mut next = (*self.now()).clone();
        let gone: Vec<Link> = self
            .known_links
            .values()
            .filter(|link| !links.contains_key(&link.index))
            .cloned()
            .collect();
        for link in &gone {
            self.leave(link.index, &mut next).await;
        }
        let renamed: Vec<(String, String, u32)> = links
            .values()
            .filter_map(|link| {
                let old = &self.known_links.get(&link.index)?.name;
                (*old != link.name).then(|| (old.clone(), link.name.clone(), link.index))
            })
            .collect();
        let changed: Vec<Link> = links
            .values()
            .filter(|link| self.known_links.get(&link.index) != Some(link))
            .cloned()
            .collect();
        self.known_links = links;
        let strangers = self.look_at_strangers();
        for (old, new, index) in renamed {
            self.rename_card(&old, &new, index).await;
        }
        let policy = Arc::clone(&next.policy.policy);
        for link in gone.iter().chain(&changed) {
            self.bring_card(&link.name, &policy).await;
        }
        for link in changed.iter().filter(|link| !link.loopback) {
            let target = AttachTarget {
                name: link.name.clone(),
                index: link.index,
                external: next.external.contains(&link.name),
            };
            let port = next.ports.get(&link.index);
            if port.is_none_or(|port| port.target != target || port.problem().is_some()) {
                self.join(target, &mut next).await;
            }
        }
        self.refresh_policy(&mut next).await;
        let revision = next.revision;
        self.publish_state(next).await;
        self.shut_out(&strangers, revision).await;
        let now = self.now();
        for link in &gone {
            self.tell_link(link, false, &now);
        }
        for link in &changed {
            self.tell_link(link, true, &now);
        }
    }

    /// Ends connections of cards that have the names of others now: they are in no zone.
    async fn shut_out(&self, strangers: &BTreeMap<String, String>, revision: Revision) {
        if strangers.is_empty() {
            return;
        }
        for (interface, why) in strangers {
            tracing::error!(
                interface,
                why,
                "an interface is not the card its name stands for; it is in no zone"
            );
        }
        self.cut_denied(revision).await;
    }

    /// Attaches to an interface; what fails is its state.
    pub(super) async fn join(&self, target: AttachTarget, next: &mut Snapshot) {
        if self.plane.missing().is_some() {
            return;
        }
        let outcome = if self.is_ethernet(target.index) {
            let wanted = target.clone();
            let attached = self.plane.call(move |datapath| datapath.attach(&wanted)).await;
            attached.map_err(|error| chain(&error))
        } else {
            Err(NOT_ETHERNET.to_owned())
        };
        let old = next.ports.remove(&target.index);
        let port = match outcome {
            Ok(attached) => Port {
                target,
                attached,
                error: None,
            },
            Err(error) => Port {
                attached: old
                    .as_ref()
                    .map_or_else(Attached::default, |old| old.attached.clone()),
                error: Some(error),
                target,
            },
        };
        let (interface, problem) = (port.target.name.as_str(), port.problem());
        if problem != old.as_ref().and_then(Port::problem) {
            match problem {
                Some(problem) => tracing::warn!(interface, problem, "interface is not fully attached"),
                None => tracing::info!(interface, "interface is fully attached now"),
            }
        } else if old.is_none() {
            tracing::info!(interface, "attached to interface");
        }
        next.ports.insert(port.target.index, port);
    }

    fn is_ethernet(&self, index: u32) -> bool {
        let link = self.known_links.get(&index);
        link.is_some_and(|link| link.hardware_address.is_some())
    }

    /// Forgets an interface. Its counts stay in the totals.
    async fn leave(&mut self, index: u32, next: &mut Snapshot) {
        let Some(port) = next.ports.remove(&index) else {
            return;
        };
        let interface = port.target.name;
        let left = self
            .plane
            .call(move |datapath| {
                let statistics = datapath.statistics()?;
                datapath.detach(index)?;
                Ok(statistics.into_iter().find(|s| s.interface_index == index))
            })
            .await;
        match left {
            Ok(statistics) => {
                if let Some(statistics) = statistics {
                    Arc::make_mut(&mut self.live.retired).add_interface(&statistics);
                }
                tracing::info!(interface, "interface is gone");
            }
            Err(error) => {
                tracing::warn!(
                    interface,
                    error = chain(&error),
                    "interface that is gone could not be forgotten"
                );
            }
        }
    }

    fn tell_link(&self, link: &Link, present: bool, now: &Snapshot) {
        let port = now.ports.get(&link.index);
        self.hub.publish(Event::InterfaceChanged {
            interface: link.name.clone(),
            index: link.index,
            present,
            attached: present && port.is_some_and(|port| !port.attached.attachments.is_empty()),
        });
    }
}
