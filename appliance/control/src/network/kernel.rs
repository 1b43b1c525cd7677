//! The network of this box.

use ravelin_model::{NetworkFault, NetworkPlan, chain};

use crate::Network;

/// The network the kernel has, of the network namespace of the thread that applies.
#[derive(Debug, Default)]
pub struct KernelNetwork;

impl Network for KernelNetwork {
    fn apply(&self, plan: &NetworkPlan) -> Result<Vec<NetworkFault>, String> {
        // With sockets of its own: nothing of one call is left for another.
        let mut network = ravelin_kernel::Network::open().map_err(|error| chain(&error))?;
        network.apply(plan).map_err(|error| chain(&error))
    }

    fn forward(&self) -> Result<(), String> {
        ravelin_kernel::forward().map_err(|error| chain(&error))
    }
}
