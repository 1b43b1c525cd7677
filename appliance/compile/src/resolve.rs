//! The policy -> what is in force of it, with every reference resolved.

mod line;
mod time;
mod translation;
mod zone;

pub(crate) use self::zone::unwritten as unwritten_pair;

use ::time::OffsetDateTime;
use ravelin_model::{Policy, Revision};

use self::line::Lines;
use self::time::Times;
use self::translation::Translations;
use crate::{Inventory, Lists, Origin, Ruleset};

/// A ruleset and how long it lasts.
#[derive(Debug, Clone)]
pub struct Resolved {
    /// The policy as it is in force.
    pub ruleset: Ruleset,
    /// The first instant at which a schedule or an expiry makes another ruleset of the same policy; None: never.
    pub next_change: Option<OffsetDateTime>,
}

impl Ruleset {
    /// What of the policy is in force at `now`.
    pub fn resolve(
        policy: &Policy,
        revision: Revision,
        inventory: &Inventory,
        lists: &Lists,
        now: OffsetDateTime,
    ) -> Resolved {
        let zones = zone::resolve(&policy.zones);
        let mut times = Times::new(now);
        let mut lines = Lines::new(policy, &zones, lists);
        let mut translations = Translations::new(&zones, inventory);

        lines.add_anti_lockout(&inventory.management_ports);
        for rule in &policy.rules {
            lines.add_rule(rule, &mut times);
        }
        for nat in &policy.nat_rules {
            translations.add_rule(nat);
        }
        for service in policy.published_services.values() {
            let line = lines.service(service);
            // Both or neither: translated but not let in would only hide what else answers there.
            let line = line.and_then(|line| translations.add_service(service).map(|()| line));
            lines.add(Origin::PublishedService(service.id.clone()), service.number, line);
        }

        let Lines {
            lines,
            left_out,
            lists,
            ..
        } = lines;
        let Translations {
            translations, dnat, ..
        } = translations;
        let ruleset = Self {
            revision,
            lines,
            left_out,
            defaults: zone::defaults(&policy.zone_pairs, &zones),
            lists,
            translations,
            dnat,
            zone_of_interface: zone::of_interfaces(&zones, inventory),
            pinned: inventory.pinned.clone(),
            zones: zones.into_resolved(),
        };
        Resolved {
            ruleset,
            next_change: times.next_change(),
        }
    }
}
