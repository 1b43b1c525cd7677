//! What the classifier works from.

use std::sync::Arc;

use ravelin_abi::rv_policy_header;
use ravelin_model::Revision;

use crate::classes::{Classes, TermRows};
use crate::policy_image::{self, PolicyBoxes, PolicySizes};
use crate::{Image, ImageTooLarge, Ruleset};

/// The images of a policy. They are made for each other and go live together.
#[derive(Debug, Clone)]
pub struct PolicyImages {
    /// Trees, rules, zones and destination translations (`ebpf/include/ravelin/policy.h`).
    pub policy: Arc<Image>,
    /// Address index: the class of each address that a term of some rule tells apart. The same one as before where
    /// no term needs another.
    pub classes: Arc<Image>,
    /// What is in them.
    pub sizes: PolicySizes,
    /// What `classes` was made from.
    made_from: Arc<Classes>,
}

impl PolicyImages {
    /// The images of a ruleset. Where `previous` tells the addresses apart, its index is used again: changing a rule
    /// does not cost making the index of its lists.
    ///
    /// # Errors
    /// More ports, address sets or overlaps of rules than the limits the error names.
    pub fn build(ruleset: &Ruleset, previous: Option<&Self>) -> Result<Self, ImageTooLarge> {
        let mut boxes = PolicyBoxes::new(ruleset)?;
        let known = previous.and_then(|previous| {
            let places = previous.made_from.places(&boxes.elements)?;
            Some((Arc::clone(&previous.made_from), places))
        });
        let made_from = match known {
            Some((made_from, places)) => {
                boxes.move_elements(&places);
                made_from
            }
            None => Arc::new(Classes::new(std::mem::take(&mut boxes.elements))?),
        };
        let rows = TermRows::new(&boxes.terms, &made_from)?;
        let (policy, sizes) = policy_image::build(ruleset, &boxes, &rows)?;
        Ok(Self {
            policy: Arc::new(policy),
            classes: Arc::clone(&made_from.index),
            sizes,
            made_from,
        })
    }
    /// The policy they were made from.
    pub fn revision(&self) -> Revision {
        let header: rv_policy_header = self.policy.get(0);
        Revision(header.revision)
    }
}
