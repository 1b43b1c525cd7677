//! Interfaces: what the programs know of them and which programs sit on them.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fs;
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};

use ravelin_abi::rv_zone_flag::{RV_ZONE_EXTERNAL, RV_ZONE_XDP};
use ravelin_abi::{rv_zone, rv_zone_limit::RV_ZONE_IFINDEX_LIMIT};
use ravelin_model::{Attachment, Hook, XdpMode, chain};

use super::links::{self, Pinned, Place};
use super::objects::LoadedProgram;
use super::statistics::Statistics;
use super::table::Array;
use crate::slots::Slots;
use crate::{AttachTarget, Attached, DatapathError};

/// An interface that was attached by this process.
#[derive(Debug)]
pub(super) struct Interface {
    pub(super) name: String,
    pub(super) slot: u16,
    pub(super) attachments: Vec<Attachment>,
}

/// The map `zones`, the links, and the slots of the statistics.
#[derive(Debug)]
pub(super) struct Attachments {
    zones: Array<rv_zone>,
    slots: Slots,
    links: PathBuf,
    interfaces: BTreeMap<u32, Interface>,
}

impl Attachments {
    /// Removes links whose interface is gone and keeps the slots of the others.
    pub(super) fn open(maps: &Path, links: &Path) -> Result<Self, DatapathError> {
        let mut zones: Array<rv_zone> = Array::open(maps, "zones")?;
        let mut assigned = BTreeMap::new();
        for (pin, index) in pins(links)? {
            match links::inspect(&pin, index)? {
                Pinned::Live { .. } => {
                    if let Entry::Vacant(entry) = assigned.entry(index) {
                        entry.insert(zones.get(index)?.slot);
                    }
                }
                Pinned::Defunct => {
                    links::remove(&pin)?;
                    zones.set(index, rv_zone::default())?;
                }
                Pinned::Nothing => {}
            }
        }
        Ok(Self {
            zones,
            slots: Slots::restore(assigned),
            links: links.to_owned(),
            interfaces: BTreeMap::new(),
        })
    }

    pub(super) fn interfaces(&self) -> impl Iterator<Item = (u32, &Interface)> {
        self.interfaces
            .iter()
            .map(|(index, interface)| (*index, interface))
    }

    /// Slots of the statistics that are an interface's, attached by this process or still by one before.
    pub(super) fn slots(&self) -> impl Iterator<Item = u16> {
        self.slots.taken()
    }

    /// Attachments whose link is at work: not one that somebody took off since.
    pub(super) fn at_work(&self) -> Result<Vec<Attachment>, DatapathError> {
        let mut at_work = Vec::new();
        for attachment in self
            .interfaces
            .values()
            .flat_map(|interface| &interface.attachments)
        {
            let Attachment {
                interface_index: index,
                hook,
                mode,
                program_id,
                ..
            } = *attachment;
            let pin = Place { hook, mode }.pin(&self.links, index);
            if links::inspect(&pin, index)? == (Pinned::Live { program: program_id }) {
                at_work.push(attachment.clone());
            }
        }
        Ok(at_work)
    }

    /// Tells the programs of the interface, then puts them on it.
    pub(super) fn attach(
        &mut self,
        target: &AttachTarget,
        programs: &[LoadedProgram],
        statistics: &mut Statistics,
    ) -> Result<Attached, DatapathError> {
        if target.index >= RV_ZONE_IFINDEX_LIMIT {
            return Err(DatapathError::InterfaceIndex {
                index: target.index,
                limit: RV_ZONE_IFINDEX_LIMIT,
            });
        }
        let slot = self
            .slots
            .assign(target.index)
            .ok_or(DatapathError::TooManyInterfaces(Slots::COUNT))?;
        if slot.fresh {
            statistics.clear(slot.number)?;
        }
        let mut flags = if target.external { RV_ZONE_EXTERNAL } else { 0 };
        if self.has_xdp(target.index)? {
            flags |= RV_ZONE_XDP;
        }
        self.tell(target.index, slot.number, flags)?;
        let mut attached = Attached::default();
        for program in programs {
            let placed = self.place(target, program);
            // tc ingress leaves packets to XDP as soon as that is there, and not before. On a new interface it
            // comes after XDP, so no packet is counted twice.
            if program.source.hook == Hook::Xdp {
                let now = if placed.is_ok() {
                    flags | RV_ZONE_XDP
                } else {
                    flags & !RV_ZONE_XDP
                };
                if now != flags {
                    flags = now;
                    self.tell(target.index, slot.number, flags)?;
                }
            }
            match placed {
                Ok(mode) => attached.attachments.push(Attachment {
                    interface: target.name.clone(),
                    interface_index: target.index,
                    hook: program.source.hook,
                    mode,
                    program_id: program.id,
                }),
                Err(problem) => attached.problems.push(problem),
            }
        }
        self.interfaces.insert(
            target.index,
            Interface {
                name: target.name.clone(),
                slot: slot.number,
                attachments: attached.attachments.clone(),
            },
        );
        Ok(attached)
    }

    /// Takes the programs off an interface, if it is still there, and forgets it.
    pub(super) fn detach(&mut self, index: u32, statistics: &mut Statistics) -> Result<(), DatapathError> {
        self.interfaces.remove(&index);
        for place in Place::ALL {
            links::remove(&place.pin(&self.links, index))?;
        }
        if let Some(slot) = self.slots.of(index) {
            statistics.retire(slot)?;
        }
        if index < RV_ZONE_IFINDEX_LIMIT {
            self.zones.set(index, rv_zone::default())?;
        }
        self.slots.release(index);
        Ok(())
    }

    /// Whether every link pinned has one of these programs behind it.
    pub(super) fn all_run(&self, programs: &[LoadedProgram]) -> Result<bool, DatapathError> {
        for (pin, index) in pins(&self.links)? {
            if let Pinned::Live { program } = links::inspect(&pin, index)?
                && !programs.iter().any(|ours| ours.id == program)
            {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Has every interface that was attached by this process run another program of a hook, or none: what fails puts
    /// back what was done.
    pub(super) fn replace(&mut self, old: &LoadedProgram, new: &LoadedProgram) -> Result<(), DatapathError> {
        let mut at_work = Vec::new();
        for index in self.interfaces.keys() {
            for place in Place::of(new.source.hook) {
                let pin = place.pin(&self.links, *index);
                if let Pinned::Live { .. } = links::inspect(&pin, *index)? {
                    at_work.push((pin, *index));
                }
            }
        }
        for (at, (pin, index)) in at_work.iter().enumerate() {
            if let Err(error) = links::replace(pin, *index, new) {
                put_back(&at_work[..at], old);
                return Err(error);
            }
        }
        let attachments = self
            .interfaces
            .values_mut()
            .flat_map(|interface| &mut interface.attachments);
        for attachment in attachments.filter(|attachment| attachment.program_id == old.id) {
            attachment.program_id = new.id;
        }
        Ok(())
    }

    fn has_xdp(&self, index: u32) -> Result<bool, DatapathError> {
        for place in Place::of(Hook::Xdp) {
            if let Pinned::Live { .. } = links::inspect(&place.pin(&self.links, index), index)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn tell(&mut self, index: u32, slot: u16, flags: u32) -> Result<(), DatapathError> {
        self.zones.set(index, rv_zone { slot, zone: 0, flags })
    }

    /// Puts a program on the interface, or says in a sentence why not.
    fn place(&self, target: &AttachTarget, program: &LoadedProgram) -> Result<Option<XdpMode>, String> {
        let hook = program.source.hook;
        let say = |error: &dyn std::fmt::Display| format!("cannot attach {hook} to {}: {error}", target.name);
        for place in Place::of(hook) {
            let pin = place.pin(&self.links, target.index);
            if links::adopt(&pin, target.index, program).map_err(|error| say(&chain(&error)))? {
                return Ok(place.mode);
            }
        }
        let fd = program.fd().map_err(|error| say(&chain(&error)))?.as_fd();
        let mut problem = String::new();
        for place in Place::of(hook) {
            let pin = place.pin(&self.links, target.index);
            match links::create(place, &pin, target.index, program.source.attach_type, fd) {
                Ok(()) => {
                    if !problem.is_empty() {
                        tracing::info!(
                            interface = target.name,
                            reason = problem,
                            "XDP runs in generic mode, which is slower"
                        );
                    }
                    return Ok(place.mode);
                }
                // Generic XDP would not be let in beside it either.
                Err(error) if error.raw_os_error() == Some(libc::EBUSY) => {
                    return Err(say(&"another XDP program sits there, take it off first"));
                }
                Err(error) => problem = say(&error),
            }
        }
        Err(problem)
    }
}

/// Has links run the program again that they ran before.
fn put_back(replaced: &[(PathBuf, u32)], old: &LoadedProgram) {
    for (pin, index) in replaced {
        if let Err(error) = links::replace(pin, *index, old) {
            // Attaching does it again. Until then it forwards nothing: nobody keeps its flow cache alive.
            tracing::warn!(
                pin = %pin.display(),
                error = chain(&error),
                "the program behind a link cannot be put back"
            );
        }
    }
}

/// Pins of links with their interface. Whatever else lies there is left alone.
fn pins(links: &Path) -> Result<Vec<(PathBuf, u32)>, DatapathError> {
    let failed = |source| DatapathError::Pin {
        action: "list",
        path: links.to_owned(),
        source,
    };
    let mut pins = Vec::new();
    for entry in fs::read_dir(links).map_err(failed)? {
        let pin = entry.map_err(failed)?.path();
        match Place::of_pin(&pin) {
            Some((_, index)) if index < RV_ZONE_IFINDEX_LIMIT => pins.push((pin, index)),
            _ => {}
        }
    }
    Ok(pins)
}
