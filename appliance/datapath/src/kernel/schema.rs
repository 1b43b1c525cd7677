//! What the maps have to look like, as the objects say it, and the hash that names their directory.

use std::hash::Hasher as _;
use std::path::{Path, PathBuf};

use aya::maps::{MapData, MapError, MapType};
use aya_obj::generated::BPF_F_RDONLY_PROG;
use aya_obj::maps::PinningType;
use aya_obj::{Map, Object};
use siphasher::sip::SipHasher13;
use thiserror::Error;

use super::KernelConfig;
use super::objects::{SOURCES, Source};
use crate::DatapathError;
use crate::flow_cache::{bucket_count, slot_count};

/// What the kernel must say of a map.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct MapSchema {
    pub(super) name: String,
    kind: u32,
    key_size: u32,
    value_size: u32,
    pub(super) max_entries: u32,
    flags: u32,
}

/// Every pinned map, by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Schema {
    maps: Vec<MapSchema>,
    /// Hash of the headers: fields may move without a size changing.
    layout: &'static str,
}

impl Schema {
    /// The maps of all objects with the capacities asked for.
    pub(super) fn of(config: &KernelConfig) -> Result<Self, DatapathError> {
        let mut maps: Vec<MapSchema> = Vec::new();
        for source in &SOURCES {
            for (name, map) in maps_of(source)? {
                let schema = MapSchema {
                    max_entries: capacity(config, &name).unwrap_or(map.max_entries()),
                    kind: map.map_type(),
                    key_size: map.key_size(),
                    value_size: map.value_size(),
                    flags: map.map_flags(),
                    name,
                };
                match maps.iter().find(|known| known.name == schema.name) {
                    None => maps.push(schema),
                    Some(known) if *known == schema => {}
                    Some(_) => return Err(DatapathError::ConflictingMap(schema.name)),
                }
            }
        }
        maps.sort();
        Ok(Self {
            maps,
            layout: ravelin_objects::ABI_HASH,
        })
    }

    pub(super) fn maps(&self) -> &[MapSchema] {
        &self.maps
    }

    /// Name of the directory: `v` and 16 hexadecimal digits.
    pub(super) fn directory_name(&self) -> String {
        // Unkeyed on purpose: the name has to be the same in every process.
        let mut hasher = SipHasher13::new();
        hasher.write(self.layout.as_bytes());
        for map in &self.maps {
            hasher.write(map.name.as_bytes());
            hasher.write_u8(0);
            for number in [map.kind, map.key_size, map.value_size, map.max_entries, map.flags] {
                hasher.write(&number.to_le_bytes());
            }
        }
        format!("v{:016x}", hasher.finish())
    }

    /// Whether every map is pinned in `directory` and looks as it has to. Says what is wrong otherwise.
    pub(super) fn check_pins(&self, directory: &Path) -> Result<(), Mismatch> {
        for map in &self.maps {
            let pin = directory.join(&map.name);
            let found = match pinned(&pin, &map.name) {
                Ok(found) => found,
                Err(error) => return Err(Mismatch::Unreadable { pin, error }),
            };
            if found != *map {
                return Err(Mismatch::Different {
                    found,
                    expected: map.clone(),
                });
            }
        }
        Ok(())
    }
}

/// Why a set of pins cannot be used.
#[derive(Debug, Error)]
pub(super) enum Mismatch {
    #[error("{} cannot be opened: {error}", pin.display())]
    Unreadable { pin: PathBuf, error: MapError },
    #[error("found {found:?}, expected {expected:?}")]
    Different { found: MapSchema, expected: MapSchema },
}

fn pinned(pin: &Path, name: &str) -> Result<MapSchema, MapError> {
    let info = MapData::from_pin(pin)?.info()?;
    let kind = info.map_type()?;
    let added = match kind {
        // The kernel adds it, and would not take it from who makes the map (kernel/bpf/devmap.c).
        MapType::DevMap => BPF_F_RDONLY_PROG,
        _ => 0,
    };
    Ok(MapSchema {
        name: name.to_owned(),
        kind: kind as u32,
        key_size: info.key_size(),
        value_size: info.value_size(),
        max_entries: info.max_entries(),
        flags: info.map_flags() & !added,
    })
}

/// The maps an object pins, by name.
pub(super) fn maps_of(source: &Source) -> Result<Vec<(String, Map)>, DatapathError> {
    let object = Object::parse(source.object).map_err(|error| DatapathError::LoadObject {
        hook: source.hook,
        source: error.into(),
    })?;
    let pinned = |map: &Map| matches!(map.pinning(), PinningType::ByName);
    Ok(object.maps.into_iter().filter(|(_, map)| pinned(map)).collect())
}

/// Entries of the maps whose size is configured.
fn capacity(config: &KernelConfig, map: &str) -> Option<u32> {
    match map {
        "blocklist_hits" => Some(config.addresses),
        "dns_blocklist" => Some(config.name_buckets.saturating_mul(2)),
        "flow_map4" | "flow_map6" => Some(config.flows),
        "fast_index4" | "fast_index6" => Some(bucket_count(config.cached_connections)),
        "fast_flow4" | "fast_flow6" => Some(slot_count(config.cached_connections)),
        "rule_hits" => Some(config.policy_counters),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(config: &KernelConfig) -> String {
        Schema::of(config).expect("objects agree").directory_name()
    }

    #[test]
    fn the_directory_is_named_by_layout_and_capacity() {
        let config = KernelConfig::default();
        let base = name(&config);
        assert_eq!(base, name(&config));
        assert_eq!(base.len(), 17);
        for other in [
            KernelConfig {
                addresses: 1,
                ..config.clone()
            },
            KernelConfig {
                name_buckets: 2,
                ..config.clone()
            },
            KernelConfig {
                flows: 1,
                ..config.clone()
            },
            KernelConfig {
                cached_connections: 1,
                ..config.clone()
            },
            KernelConfig {
                policy_counters: 1,
                ..config.clone()
            },
        ] {
            assert_ne!(base, name(&other), "{other:?}");
        }
        let mut moved = Schema::of(&config).expect("objects agree");
        moved.layout = "other";
        assert_ne!(base, moved.directory_name());
        moved = Schema::of(&config).expect("objects agree");
        moved.maps[0].flags ^= 1;
        assert_ne!(base, moved.directory_name());
    }

    #[test]
    fn capacities_reach_every_map_they_are_for() {
        let config = KernelConfig {
            addresses: 100,
            name_buckets: 64,
            flows: 1000,
            cached_connections: 300,
            policy_counters: 50,
            ..KernelConfig::default()
        };
        let schema = Schema::of(&config).expect("objects agree");
        let entries = |name: &str| {
            let map = schema.maps().iter().find(|map| map.name == name);
            map.map(|map| map.max_entries)
        };
        assert_eq!(entries("xdp_blocklist"), Some(2));
        assert_eq!(entries("blocklist_hits"), Some(100));
        assert_eq!(entries("flow_map6"), Some(1000));
        assert_eq!(entries("rule_hits"), Some(50));
        // A bucket holds four flows at most on average; slots 0 and 1 are never used.
        assert_eq!(entries("fast_index6"), Some(256));
        assert_eq!(entries("fast_flow6"), Some(602));
        assert_eq!(entries("control"), Some(1));
    }
}
