//! Zones, what happens between them, and whose interface is whose.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use ravelin_model::{Action, LOCAL_ZONE, Zone, ZoneId, ZoneMatch, ZoneNumber, ZonePair, ZonePairId};

use crate::{Inventory, NotInForce, Origin, PairDefault, ResolvedZone, fixed_counter};

/// Zones packets can come from or go to.
#[derive(Debug)]
pub(super) struct Zones {
    resolved: BTreeMap<ZoneNumber, ResolvedZone>,
    numbers: HashMap<ZoneId, ZoneNumber>,
    management: Vec<ZoneNumber>,
}

/// Takes the zones that have interfaces, and `local`.
pub(super) fn resolve(zones: &BTreeMap<ZoneId, Arc<Zone>>) -> Zones {
    let mut known = Zones {
        resolved: BTreeMap::new(),
        numbers: HashMap::new(),
        management: Vec::new(),
    };
    for (id, zone) in zones {
        let local = id.as_str() == LOCAL_ZONE;
        let number = if local {
            Some(ZoneNumber::LOCAL)
        } else {
            ZoneNumber::new(zone.number).filter(|_| !zone.spec.interfaces.is_empty())
        };
        let Some(number) = number else { continue };
        known.numbers.insert(id.clone(), number);
        known.resolved.insert(
            number,
            ResolvedZone {
                number,
                id: id.clone(),
                name: zone.spec.name.to_string(),
                interfaces: zone.spec.interfaces.iter().cloned().collect(),
            },
        );
        if zone.spec.management && !local {
            known.management.push(number);
        }
    }
    known.management.sort_unstable();
    known
}

impl Zones {
    /// None: any.
    pub(super) fn number(&self, zone: &ZoneMatch) -> Result<Option<ZoneNumber>, NotInForce> {
        match zone {
            ZoneMatch::Any => Ok(None),
            ZoneMatch::Zone(id) => self.of(id).map(Some).ok_or(NotInForce::Zone),
        }
    }

    pub(super) fn of(&self, id: &ZoneId) -> Option<ZoneNumber> {
        self.numbers.get(id).copied()
    }

    /// Every one but `local`.
    pub(super) fn outside(&self) -> impl Iterator<Item = ZoneNumber> + '_ {
        self.resolved
            .keys()
            .copied()
            .filter(|number| *number != ZoneNumber::LOCAL)
    }

    /// Those the box can be managed from, by number.
    pub(super) fn management(&self) -> &[ZoneNumber] {
        &self.management
    }

    pub(super) fn into_resolved(self) -> BTreeMap<ZoneNumber, ResolvedZone> {
        self.resolved
    }
}

/// What happens between every two of the zones where no line says.
pub(super) fn defaults(
    pairs: &BTreeMap<ZonePairId, Arc<ZonePair>>,
    zones: &Zones,
) -> BTreeMap<(ZoneNumber, ZoneNumber), PairDefault> {
    let numbers = || zones.resolved.keys().copied();
    let mut defaults: BTreeMap<_, _> = numbers()
        .flat_map(|from| numbers().map(move |to| ((from, to), unwritten(from))))
        .collect();
    for (id, pair) in pairs {
        if let (Some(from), Some(to)) = (zones.of(&pair.spec.from), zones.of(&pair.spec.to)) {
            defaults.insert(
                (from, to),
                PairDefault {
                    origin: Origin::ZonePair(id.clone()),
                    counter: pair.number,
                    action: pair.spec.default_action,
                    log: pair.spec.log,
                },
            );
        }
    }
    defaults
}

/// The default of a pair nobody wrote.
pub(crate) fn unwritten(from: ZoneNumber) -> PairDefault {
    PairDefault {
        origin: Origin::UnwrittenPair,
        counter: fixed_counter::UNWRITTEN_PAIR,
        action: if from == ZoneNumber::LOCAL {
            Action::Accept
        } else {
            Action::Drop
        },
        log: false,
    }
}

/// The zone of each interface that exists and is in one.
pub(super) fn of_interfaces(zones: &Zones, inventory: &Inventory) -> BTreeMap<u32, ZoneNumber> {
    let by_name: HashMap<&str, ZoneNumber> = zones
        .resolved
        .values()
        .flat_map(|zone| zone.interfaces.iter().map(|name| (name.as_str(), zone.number)))
        .collect();
    let interfaces = inventory.interfaces.iter();
    interfaces
        .filter(|interface| inventory.is_itself(interface))
        .filter_map(|interface| Some((interface.index, *by_name.get(interface.name.as_str())?)))
        .collect()
}
