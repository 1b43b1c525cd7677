//! The network cards of this box.

use ravelin_kernel::{KernelError, NetworkCards};
use ravelin_model::{HardwareChange, HardwareProbe, chain};

use crate::Hardware;

/// The network cards the kernel knows, of the network namespace of the thread that asks.
#[derive(Debug, Default)]
pub struct KernelHardware;

impl Hardware for KernelHardware {
    fn probe(&self, interface: &str) -> Result<HardwareProbe, String> {
        with_cards(|cards| cards.probe(interface))
    }

    fn change(&self, interface: &str, change: &HardwareChange) -> Result<(), String> {
        with_cards(|cards| cards.change(interface, change))
    }
}

/// With sockets of its own: calls are rare, and one that takes seconds keeps no other from asking.
fn with_cards<T>(call: impl FnOnce(&mut NetworkCards) -> Result<T, KernelError>) -> Result<T, String> {
    let mut cards = NetworkCards::open().map_err(|error| chain(&error))?;
    call(&mut cards).map_err(|error| chain(&error))
}
