//! Interfaces as the fast path sees them: the maps `ports`, `vlans` and `devmap`.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;

use aya::maps::MapType;
use bytemuck::Pod;
use ravelin_abi::rv_port_flag::{RV_PORT_REDIRECT, RV_PORT_VERIFY_CHECKSUM};
use ravelin_abi::{rv_port, rv_vlan_key};

use super::sys::{self, Batched};
use super::table::Table;
use crate::{CachePort, DatapathError};

/// Entries read by one system call: more than the maps hold.
const BATCH: usize = 8192;

/// The three maps, and what is in them.
#[derive(Debug)]
pub(super) struct Ports {
    ports: Table<u32, rv_port>,
    vlans: Table<rv_vlan_key, u32>,
    /// The value is the index, and the descriptor of a program to run there; 0: none.
    devmap: Table<u32, [u32; 2]>,
    told: Told,
    /// Devices this process put into the devmap. One an earlier process put there may be of another namespace.
    put: BTreeSet<u32>,
}

/// What the programs are told.
#[derive(Debug, Default, PartialEq, Eq)]
struct Told {
    /// By kernel index.
    ports: BTreeMap<u32, rv_port>,
    /// Kernel index by device and tag.
    vlans: BTreeMap<(u32, u16), u32>,
}

impl Ports {
    pub(super) fn open(maps: &Path) -> Result<Self, DatapathError> {
        let ports = Table::open(maps, "ports", MapType::Hash)?;
        let vlans = Table::open(maps, "vlans", MapType::Hash)?;
        let told = Told {
            ports: entries(&ports)?.into_iter().collect(),
            vlans: entries(&vlans)?
                .into_iter()
                .map(|(key, index): (rv_vlan_key, u32)| ((key.device, key.tag), index))
                .collect(),
        };
        Ok(Self {
            devmap: Table::open(maps, "devmap", MapType::DevMap)?,
            ports,
            vlans,
            told,
            put: BTreeSet::new(),
        })
    }

    /// Tells the programs of these interfaces and no others, by what is different. Returns those that were to be
    /// redirected to and whose device the kernel did not take.
    pub(super) fn set(&mut self, ports: &[CachePort]) -> Result<Vec<u32>, DatapathError> {
        let devices: BTreeSet<u32> = (ports.iter().filter(|port| port.redirect))
            .map(|port| port.device)
            .collect();
        let taken: BTreeSet<u32> = devices.into_iter().filter(|device| self.put(*device)).collect();
        let wanted = Told::of(ports, &taken);
        self.tell(wanted)?;
        // Nobody is told of them any more.
        let left: Vec<u32> = self.put.difference(&taken).copied().collect();
        for device in left {
            delete(&self.devmap, device)?;
            self.put.remove(&device);
        }
        let refused = |port: &&CachePort| port.redirect && !taken.contains(&port.device);
        Ok(ports.iter().filter(refused).map(|port| port.index).collect())
    }

    /// Entries of a map of these; None: it is another.
    pub(super) fn occupancy(&self, map: &str) -> Option<u64> {
        let entries = match map {
            "ports" => self.told.ports.len(),
            "vlans" => self.told.vlans.len(),
            "devmap" => self.put.len(),
            _ => return None,
        };
        Some(entries as u64)
    }

    /// Puts a device into the devmap. The kernel takes it out when it goes, so an index that came again is seen here.
    fn put(&mut self, device: u32) -> bool {
        if self.put.contains(&device) {
            let mut there = [[0; 2]];
            // SAFETY: the layout was asserted when the map was opened.
            let found = unsafe { sys::lookup(self.devmap.fd(), &device, &mut there) };
            if found.is_ok() && there == [[device, 0]] {
                return true;
            }
        }
        match update(&self.devmap, device, [device, 0]) {
            Ok(()) => {
                self.put.insert(device);
                true
            }
            Err(error) => {
                tracing::info!(device, %error, "frames cannot be redirected to an interface");
                self.put.remove(&device);
                false
            }
        }
    }

    fn tell(&mut self, wanted: Told) -> Result<(), DatapathError> {
        let told = &mut self.told;
        change(&self.vlans, &mut told.vlans, wanted.vlans, |(device, tag)| {
            rv_vlan_key { device, tag, pad: 0 }
        })?;
        change(&self.ports, &mut told.ports, wanted.ports, |index| index)
    }
}

impl Told {
    fn of(ports: &[CachePort], taken: &BTreeSet<u32>) -> Self {
        let mut told = Self::default();
        for port in ports {
            let CachePort {
                index,
                device,
                tag,
                redirect,
                verify_checksum,
            } = *port;
            let mut flags = 0;
            if redirect && taken.contains(&device) {
                flags |= RV_PORT_REDIRECT;
            }
            if verify_checksum {
                flags |= RV_PORT_VERIFY_CHECKSUM;
            }
            let port = rv_port {
                device,
                tag: tag.unwrap_or(0),
                flags: u16::try_from(flags).expect("two bits"),
            };
            told.ports.insert(index, port);
            if let Some(tag) = tag {
                told.vlans.insert((device, tag), index);
            }
        }
        told
    }
}

/// Brings a map to what is wanted, and `told` with it.
fn change<K: Ord + Copy, M: Pod, V: Pod + PartialEq>(
    map: &Table<M, V>,
    told: &mut BTreeMap<K, V>,
    wanted: BTreeMap<K, V>,
    key: impl Fn(K) -> M,
) -> Result<(), DatapathError> {
    let gone: Vec<K> = told
        .keys()
        .filter(|known| !wanted.contains_key(known))
        .copied()
        .collect();
    for known in gone {
        delete(map, key(known))?;
        told.remove(&known);
    }
    for (new, value) in wanted {
        if told.get(&new) != Some(&value) {
            update(map, key(new), value)?;
            told.insert(new, value);
        }
    }
    Ok(())
}

fn update<K: Pod, V: Pod>(map: &Table<K, V>, key: K, value: V) -> Result<(), DatapathError> {
    // SAFETY: the layout was asserted when the map was opened.
    unsafe { sys::update(map.fd(), &key, &[value]) }.map_err(|source| DatapathError::WriteMap {
        map: map.name(),
        source,
    })
}

/// Removes an entry that may be gone already.
fn delete<K: Pod, V: Pod>(map: &Table<K, V>, key: K) -> Result<(), DatapathError> {
    // SAFETY: the layout was asserted when the map was opened.
    match unsafe { sys::delete(map.fd(), &key) } {
        Err(source) if source.kind() != io::ErrorKind::NotFound => Err(DatapathError::WriteMap {
            map: map.name(),
            source,
        }),
        _ => Ok(()),
    }
}

/// Everything in a hash map.
fn entries<K: Pod, V: Pod>(map: &Table<K, V>) -> Result<Vec<(K, V)>, DatapathError> {
    let room = BATCH.min(map.max_entries() as usize + 1);
    let (mut keys, mut values) = (vec![K::zeroed(); room], vec![V::zeroed(); room]);
    let mut position = None;
    let mut entries = Vec::new();
    loop {
        // SAFETY: the layout and type of the map were asserted when it was opened.
        let read = unsafe { sys::lookup_batch(map.fd(), &mut position, &mut keys, &mut values, 1) };
        let (count, end) = match read {
            Ok(Batched::More(count)) => (count, false),
            Ok(Batched::End(count)) => (count, true),
            // There is room for everything.
            Ok(Batched::TooSmall) => (0, true),
            Err(source) => {
                return Err(DatapathError::ReadMap {
                    map: map.name(),
                    source,
                });
            }
        };
        entries.extend(keys.iter().copied().zip(values.iter().copied()).take(count));
        if end {
            return Ok(entries);
        }
    }
}
