//! What the policy says of connections that live already: the same as of new ones, but fast enough for all of them.

use std::collections::HashMap;
use std::sync::Arc;

use ravelin_model::{Action, ZoneNumber};

use crate::{CounterId, ImageReader, Origin, PolicyImages, PolicyPacket, Ruleset};

/// A policy in force, to judge connections by and to tell whose line they count on. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Judge {
    ruleset: Arc<Ruleset>,
    /// None: nftables alone enforces it, so no images were made.
    images: Option<Arc<PolicyImages>>,
    origins: Arc<HashMap<CounterId, Origin>>,
}

/// What a policy says of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// What becomes of it.
    pub action: Action,
    /// What it counts on.
    pub counter: CounterId,
}

impl Judge {
    /// Images, if any, must be those of the ruleset.
    pub fn new(ruleset: Arc<Ruleset>, images: Option<Arc<PolicyImages>>) -> Self {
        let lines = ruleset.lines.iter().map(|line| (line.counter, &line.origin));
        let left_out = ruleset.left_out.iter().map(|line| (line.counter, &line.origin));
        let defaults = ruleset.defaults.values().map(|pair| (pair.counter, &pair.origin));
        let origins = lines.chain(left_out).chain(defaults);
        let origins = origins
            .map(|(counter, origin)| (counter, origin.clone()))
            .collect();
        Self {
            ruleset,
            images,
            origins: Arc::new(origins),
        }
    }

    /// The policy.
    pub fn ruleset(&self) -> &Arc<Ruleset> {
        &self.ruleset
    }

    /// The line a connection counts on.
    pub fn origin_of(&self, counter: CounterId) -> Option<&Origin> {
        self.origins.get(&counter)
    }

    /// The zone of an interface by kernel index; None: it is in none.
    pub fn zone_of(&self, interface: u32) -> Option<ZoneNumber> {
        self.ruleset.zone_of_interface.get(&interface).copied()
    }

    /// The same with images, where it has none and they can be made: judging many connections does not cost the number
    /// of rules then.
    #[must_use]
    pub fn with_images(&self) -> Self {
        let made = || PolicyImages::build(&self.ruleset, None).ok().map(Arc::new);
        Self {
            images: self.images.clone().or_else(made),
            ..self.clone()
        }
    }

    /// What becomes of a connection whose first packet is this. Rate limits are taken not to be reached: they are
    /// about new connections.
    pub fn judge(&self, packet: &PolicyPacket) -> Judged {
        if let Some(images) = &self.images {
            let verdict = ImageReader::new(images).classify(packet);
            if let Some(action) = verdict.action {
                return Judged {
                    action,
                    counter: verdict.counter,
                };
            }
        }
        let decision = self.ruleset.evaluate(packet);
        Judged {
            action: decision.action,
            counter: decision.counter,
        }
    }
}
