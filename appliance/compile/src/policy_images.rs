//! What the classifier works from.

use std::sync::Arc;

use crate::address_index::AddressIndex;
use crate::classes::{Classes, TermRows};
use crate::policy_image::{self, PolicyBoxes, PolicySizes};
use crate::{Image, ImageTooLarge, Ruleset};

/// The images of a policy. They are made for each other and go live together.
#[derive(Debug, Clone)]
pub struct PolicyImages {
    /// Trees, rules, zones and destination translations (`ebpf/include/ravelin/policy.h`).
    pub policy: Arc<Image>,
    /// Address index: the class of each address that a term of some rule tells apart. The same one as before where
    /// the terms are.
    pub classes: Arc<Image>,
    /// What is in them.
    pub sizes: PolicySizes,
    /// What `classes` was made from.
    made_from: Arc<Classes>,
}

impl PolicyImages {
    /// The images of a ruleset. Where `previous` tells the same addresses apart, its index is used again: changing a
    /// rule does not cost making the index of its lists.
    ///
    /// # Errors
    /// More ports, address sets or overlaps of rules than the limits the error names.
    pub fn build(ruleset: &Ruleset, previous: Option<&Self>) -> Result<Self, ImageTooLarge> {
        let boxes = PolicyBoxes::new(ruleset)?;
        let (made_from, classes) =
            match previous.filter(|previous| previous.made_from.are_of(&boxes.elements)) {
                Some(previous) => (Arc::clone(&previous.made_from), Arc::clone(&previous.classes)),
                None => {
                    let made_from = Classes::new(boxes.elements.clone())?;
                    let index = AddressIndex::build(&made_from.ranges4, &made_from.ranges6);
                    (Arc::new(made_from), Arc::new(index))
                }
            };
        let rows = TermRows::new(&boxes.terms, &made_from)?;
        let (policy, sizes) = policy_image::build(ruleset, &boxes, &rows)?;
        Ok(Self {
            policy: Arc::new(policy),
            classes,
            sizes,
            made_from,
        })
    }
}
