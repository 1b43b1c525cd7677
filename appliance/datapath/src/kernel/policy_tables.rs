//! The maps of the policy.

use std::path::Path;
use std::sync::Arc;

use ravelin_abi::{rv_policy_header, rv_policy_rule};
use ravelin_compile::{CounterId, Image, PolicyImages};
use ravelin_model::Revision;

use super::control::{Control, Halved};
use super::hit_counter::HitCounters;
use super::image_maps::ImageMap;
use crate::DatapathError;

/// The images and the hits of their rules.
#[derive(Debug)]
pub(super) struct PolicyTables {
    pub(super) policy: ImageMap,
    pub(super) classes: ImageMap,
    pub(super) hits: HitCounters,
    /// What this process put into the rows of `classes`.
    classes_in: [Option<Arc<Image>>; 2],
}

impl PolicyTables {
    pub(super) fn open(directory: &Path) -> Result<Self, DatapathError> {
        Ok(Self {
            policy: ImageMap::open(directory, "policy")?,
            classes: ImageMap::open(directory, "policy_classes")?,
            hits: HitCounters::open(directory, "rule_hits")?,
            classes_in: [None, None],
        })
    }

    /// Fills the free rows and makes them the live ones.
    pub(super) fn load(&mut self, control: &mut Control, images: &PolicyImages) -> Result<(), DatapathError> {
        for counter in counters(&images.policy) {
            self.hits.check(counter)?;
        }
        let row = control.free_half(Halved::Policy)?;
        self.policy.fill(row, &images.policy)?;
        self.put_classes(row, &images.classes)?;
        control.flip(Halved::Policy)
    }

    /// Revision of the image in the live row, if this process put it there.
    pub(super) fn revision(&self, control: &Control) -> Result<Option<Revision>, DatapathError> {
        let header: Option<rv_policy_header> = self.policy.header(control.live_half(Halved::Policy))?;
        Ok(header.map(|header| Revision(header.revision)))
    }

    /// Puts the classes into a row; not even that where they are there already.
    fn put_classes(&mut self, row: usize, classes: &Arc<Image>) -> Result<(), DatapathError> {
        let holds = |held: &Option<Arc<Image>>| held.as_ref().is_some_and(|held| Arc::ptr_eq(held, classes));
        if holds(&self.classes_in[row]) {
            return Ok(());
        }
        if holds(&self.classes_in[1 - row]) {
            self.classes.share(row)?;
        } else {
            self.classes_in[row] = None;
            self.classes.fill(row, classes)?;
        }
        self.classes_in[row] = Some(Arc::clone(classes));
        Ok(())
    }
}

/// What the rules of a policy and the defaults of its zone pairs count on.
fn counters(policy: &Image) -> impl Iterator<Item = CounterId> {
    let header: rv_policy_header = policy.get(0);
    let rules = header.rules..header.rules + header.rules_count;
    let defaults = header.defaults..header.defaults + header.zone_numbers * header.zone_numbers;
    rules
        .chain(defaults)
        .map(|slot| policy.get::<rv_policy_rule>(slot).counter)
}
