//! The network of this box, brought to a plan by rtnetlink(7).
//!
//! What is there is read whole, by one dump each of links, addresses, routes and rules; a pure comparison says what is to
//! be done; and what came of it is read again. Nothing is remembered in between, so that a change by another, or an end
//! between two changes, is mended by the next plan, whatever it left behind.
//!
//! What is ours carries a number of ours: addresses, routes and rules [`ravelin_model::OWN_PROTOCOL`], links their group.
//! Nothing else is ever changed or removed, but for the links the plan names.

mod bring;
mod build;
mod difference;
mod netlink;
mod number;
mod operation;
mod parse;
mod path;
mod present;

pub(crate) use path::bus_path;
use ravelin_model::{NetworkFault, NetworkPlan};

use crate::KernelError;
use netlink::RouteNetlink;

/// Changes links, addresses, routes and rules of the network namespace of the thread that opened it. Needs
/// `CAP_NET_ADMIN`. Calls block: for less than a millisecond where little is there and nothing to be done, for as long as
/// drivers take to raise links or change MTUs.
#[derive(Debug)]
pub struct Network {
    kernel: RouteNetlink,
}

impl Network {
    /// Opens sockets.
    pub fn open() -> Result<Self, KernelError> {
        let kernel = RouteNetlink::open().map_err(KernelError::OpenNetlink)?;
        Ok(Self { kernel })
    }

    /// Brings the kernel to the plan: what is right already is left alone. What could not be brought about comes back,
    /// part by part, while the rest is in force. An error: it cannot be read, so that nothing is known, and nothing or
    /// not all was done.
    pub fn apply(&mut self, plan: &NetworkPlan) -> Result<Vec<NetworkFault>, KernelError> {
        bring::bring(&mut self.kernel, plan)
    }
}

#[cfg(test)]
mod tests;
