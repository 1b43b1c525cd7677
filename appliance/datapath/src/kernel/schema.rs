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
use crate::flow_cache::{bucket_count, connections_of, slot_count};

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

/// Maps that are pinned side by side, by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct MapSet(Vec<MapSchema>);

impl MapSet {
    pub(super) fn iter(&self) -> impl Iterator<Item = &MapSchema> {
        self.0.iter()
    }

    /// Whether every map is pinned in `directory` and looks as it has to. Says what is wrong otherwise.
    pub(super) fn check_pins(&self, directory: &Path) -> Result<(), Mismatch> {
        for map in self.iter() {
            let found = pinned(directory, &map.name)?;
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

/// Every pinned map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Schema {
    /// All but those of the flow cache.
    pub(super) main: MapSet,
    /// Those of the flow cache, without their capacities: sets of any size may take the place of each other.
    cache: MapSet,
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
        let (mut cache, main): (Vec<_>, Vec<_>) = maps.into_iter().partition(|map| is_of_cache(&map.name));
        for map in &mut cache {
            map.max_entries = 0;
        }
        Ok(Self {
            main: MapSet(main),
            cache: MapSet(cache),
            layout: ravelin_objects::ABI_HASH,
        })
    }

    /// The maps of a flow cache with room for so many connections of each family.
    pub(super) fn cache(&self, connections: u32) -> MapSet {
        let sized = |map: &MapSchema| MapSchema {
            max_entries: cache_entries(&map.name, connections),
            ..map.clone()
        };
        MapSet(self.cache.iter().map(sized).collect())
    }

    /// Names of all maps, sorted.
    pub(super) fn names(&self) -> Vec<&str> {
        let maps = self.main.iter().chain(self.cache.iter());
        let mut names: Vec<&str> = maps.map(|map| map.name.as_str()).collect();
        names.sort_unstable();
        names
    }

    /// Name of the directory: `v` and 16 hexadecimal digits.
    pub(super) fn directory_name(&self) -> String {
        // Unkeyed on purpose: the name has to be the same in every process.
        let mut hasher = SipHasher13::new();
        hasher.write(self.layout.as_bytes());
        for map in self.main.iter().chain(self.cache.iter()) {
            hasher.write(map.name.as_bytes());
            hasher.write_u8(0);
            for number in [map.kind, map.key_size, map.value_size, map.max_entries, map.flags] {
                hasher.write(&number.to_le_bytes());
            }
        }
        format!("v{:016x}", hasher.finish())
    }
}

/// Whether a map is of the flow cache, whose maps are pinned in a directory of their own.
pub(super) fn is_of_cache(map: &str) -> bool {
    matches!(
        map,
        "fast_control" | "fast_index4" | "fast_index6" | "fast_flow4" | "fast_flow6"
    )
}

/// Connections of each family that fit into the flow cache pinned in a directory, if all of it is there.
pub(super) fn cache_connections(schema: &Schema, directory: &Path) -> Result<u32, Mismatch> {
    let slots = pinned(directory, "fast_flow4")?.max_entries;
    let connections = connections_of(slots);
    schema.cache(connections).check_pins(directory)?;
    Ok(connections)
}

/// Why a set of pins cannot be used.
#[derive(Debug, Error)]
pub(super) enum Mismatch {
    #[error("{} cannot be opened: {error}", pin.display())]
    Unreadable { pin: PathBuf, error: MapError },
    #[error("found {found:?}, expected {expected:?}")]
    Different { found: MapSchema, expected: MapSchema },
}

fn pinned(directory: &Path, name: &str) -> Result<MapSchema, Mismatch> {
    let pin = directory.join(name);
    let asked = MapData::from_pin(&pin).and_then(|map| map.info());
    let (info, kind) = match asked.and_then(|info| Ok((info.map_type()?, info))) {
        Ok((kind, info)) => (info, kind),
        Err(error) => return Err(Mismatch::Unreadable { pin, error }),
    };
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
        "rule_hits" => Some(config.policy_counters),
        _ => None,
    }
}

/// Entries of a map of the flow cache.
fn cache_entries(map: &str, connections: u32) -> u32 {
    match map {
        "fast_index4" | "fast_index6" => bucket_count(connections),
        "fast_flow4" | "fast_flow6" => slot_count(connections),
        _ => 1,
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
                policy_counters: 1,
                ..config.clone()
            },
        ] {
            assert_ne!(base, name(&other), "{other:?}");
        }
        let resized = KernelConfig {
            cached_connections: 1,
            ..config.clone()
        };
        assert_eq!(base, name(&resized), "a flow cache of any size fits");
        let mut moved = Schema::of(&config).expect("objects agree");
        moved.layout = "other";
        assert_ne!(base, moved.directory_name());
        moved = Schema::of(&config).expect("objects agree");
        moved.main.0[0].flags ^= 1;
        assert_ne!(base, moved.directory_name());
        moved = Schema::of(&config).expect("objects agree");
        moved.cache.0[0].flags ^= 1;
        assert_ne!(base, moved.directory_name());
    }

    #[test]
    fn capacities_reach_every_map_they_are_for() {
        let config = KernelConfig {
            addresses: 100,
            name_buckets: 64,
            flows: 1000,
            policy_counters: 50,
            ..KernelConfig::default()
        };
        let schema = Schema::of(&config).expect("objects agree");
        let entries = |name: &str| {
            let cache = schema.cache(300);
            let map = schema
                .main
                .iter()
                .chain(cache.iter())
                .find(|map| map.name == name);
            map.map(|map| map.max_entries)
        };
        assert_eq!(entries("xdp_blocklist"), Some(2));
        assert_eq!(entries("blocklist_hits"), Some(100));
        assert_eq!(entries("flow_map6"), Some(1000));
        assert_eq!(entries("rule_hits"), Some(50));
        // A bucket holds four flows at most on average; slots 0 and 1 are never used.
        assert_eq!(entries("fast_index6"), Some(256));
        assert_eq!(entries("fast_flow6"), Some(602));
        assert_eq!(entries("fast_control"), Some(1));
        assert_eq!(entries("control"), Some(1));
    }
}
