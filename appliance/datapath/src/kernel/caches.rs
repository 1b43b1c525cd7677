//! The flow cache in use and the one that may take its place, for another number of connections.
//!
//! A map cannot grow, and a program cannot be given another map. So another cache is a set of maps of its own with the
//! XDP program loaded anew against it, beside the ones at work; then the links are replaced in place.

use std::mem;
use std::sync::{Arc, Mutex};

use ravelin_model::{Hook, chain};

use super::attachments::Attachments;
use super::flow_cache::{self, KernelCache, SharedPorts};
use super::objects::{self, LoadedProgram, Loader};
use super::pins::Pins;
use super::ports::Ports;
use super::schema::Schema;
use crate::flow_cache::{CONNECTIONS_MAX, check_capacity};
use crate::{DatapathError, FlowCache};

/// A cache with the program that uses it.
#[derive(Debug)]
struct Staged {
    cache: KernelCache,
    program: LoadedProgram,
}

/// The caches there are.
#[derive(Debug)]
pub(super) struct Caches {
    in_use: KernelCache,
    staged: Option<Staged>,
    ports: SharedPorts,
}

/// The cache an earlier process left, or a new one for so many connections of each family; before its maps are made.
pub(super) fn prepare(pins: &Pins, schema: &Schema, connections: u32) -> Result<KernelCache, DatapathError> {
    let there = pins.prepare_cache(schema)?;
    let connections = there.unwrap_or(connections.clamp(1, CONNECTIONS_MAX));
    Ok(KernelCache::new(schema, connections))
}

impl Caches {
    /// Opens what [`prepare`] gave, once its maps are made.
    pub(super) fn open(
        pins: &Pins,
        in_use: KernelCache,
    ) -> Result<(Self, Box<dyn FlowCache>), DatapathError> {
        let ports = Arc::new(Mutex::new(Ports::open(&pins.maps)?));
        let cache = in_use.open(&pins.cache, &ports)?;
        let caches = Self {
            in_use,
            staged: None,
            ports,
        };
        Ok((caches, cache))
    }

    /// Connections of each family that fit into the one in use.
    pub(super) fn capacity(&self) -> u32 {
        self.in_use.connections
    }

    /// Entries of a map in use; None: it is not of the cache, or nobody counts them.
    pub(super) fn occupancy(&self, map: &str) -> Option<u64> {
        let of_ports = || flow_cache::lock(&self.ports).occupancy(map);
        self.in_use.occupancy(map).or_else(of_ports)
    }

    /// As [`crate::Datapath::stage_cache`].
    pub(super) fn stage(
        &mut self,
        connections: u32,
        pins: &Pins,
        loader: &Loader,
    ) -> Result<Box<dyn FlowCache>, DatapathError> {
        self.give_up(pins);
        check_capacity(connections, self.capacity())?;
        let staged = self.make(connections, pins, loader);
        if staged.is_err() {
            self.give_up(pins);
        }
        let (staged, cache) = staged?;
        self.staged = Some(staged);
        Ok(cache)
    }

    fn make(
        &self,
        connections: u32,
        pins: &Pins,
        loader: &Loader,
    ) -> Result<(Staged, Box<dyn FlowCache>), DatapathError> {
        let directory = pins.prepare_staged()?;
        let cache = KernelCache::new(&loader.schema, connections);
        let program = loader.load(objects::XDP, cache.maps(directory))?;
        let opened = cache.open(directory, &self.ports)?;
        Ok((Staged { cache, program }, opened))
    }

    /// As [`crate::Datapath::use_staged_cache`].
    pub(super) fn use_staged(
        &mut self,
        pins: &Pins,
        programs: &mut [LoadedProgram],
        attachments: &mut Attachments,
    ) -> Result<(), DatapathError> {
        let Staged { cache, program } = self.staged.take().ok_or(DatapathError::NoStagedCache)?;
        let at_work = programs
            .iter_mut()
            .find(|program| program.source.hook == Hook::Xdp);
        let used = match at_work {
            Some(at_work) => replace(pins, at_work, program, attachments),
            None => Err(DatapathError::NoStagedCache),
        };
        if used.is_ok() {
            self.in_use = cache;
        }
        // The one of the two that is not in use.
        self.give_up(pins);
        used
    }

    /// Gives up the staged cache, if there is one.
    pub(super) fn give_up(&mut self, pins: &Pins) {
        self.staged = None;
        if let Err(error) = pins.remove_staged() {
            // The next that is staged, or the next process, tries again.
            tracing::warn!(
                error = chain(&error),
                "the pins of a flow cache cannot be removed"
            );
        }
    }
}

/// Has every link run another program and the next process find its cache, or neither.
fn replace(
    pins: &Pins,
    at_work: &mut LoadedProgram,
    program: LoadedProgram,
    attachments: &mut Attachments,
) -> Result<(), DatapathError> {
    attachments.replace(at_work, &program)?;
    // Killed before this, the next process finds the old cache, with which nothing has happened since.
    if let Err(error) = pins.exchange_caches() {
        attachments.replace(&program, at_work)?;
        return Err(error);
    }
    drop(mem::replace(at_work, program));
    Ok(())
}
