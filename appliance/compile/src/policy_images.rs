//! What the classifier works from.

use std::sync::Arc;

use crate::Image;

/// The images of a policy. They are made for each other and go live together.
#[derive(Debug, Clone)]
pub struct PolicyImages {
    /// Trees, rules, zones and destination translations (`ebpf/include/ravelin/policy.h`).
    pub policy: Arc<Image>,
    /// Address index: the class of each address that a term of some rule tells apart. The same one as before where
    /// the terms are.
    pub classes: Arc<Image>,
}
