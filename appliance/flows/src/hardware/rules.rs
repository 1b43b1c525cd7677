//! Where rules are put.

use std::fmt;

use ravelin_kernel::{FlowerRule, FlowerState, Placement, RuleName, TcFlower};
use ravelin_model::chain;

/// Takes rules and tells of them. Texts say why it could not.
pub(crate) trait FlowRules: Send + fmt::Debug {
    /// Has an interface take rules.
    fn prepare(&mut self, interface: u32) -> Result<(), String>;

    /// Puts in a rule, in place of the one with its name.
    fn replace(&mut self, handle: u32, rule: &FlowerRule) -> Result<(), String>;

    /// Takes out a rule, or finds that it is not there.
    fn delete(&mut self, name: RuleName) -> Result<(), String>;

    /// Our rules at an interface.
    fn rules(&mut self, interface: u32) -> Result<Vec<FlowerState>, String>;
}

/// Traffic control of the kernel, and of cards only.
#[derive(Debug)]
pub(crate) struct KernelRules(TcFlower);

impl KernelRules {
    pub(crate) fn open() -> Result<Self, String> {
        TcFlower::open().map(Self).map_err(|error| chain(&error))
    }
}

impl FlowRules for KernelRules {
    fn prepare(&mut self, interface: u32) -> Result<(), String> {
        self.0.ensure_qdisc(interface).map_err(|error| chain(&error))
    }

    fn replace(&mut self, handle: u32, rule: &FlowerRule) -> Result<(), String> {
        let replaced = self.0.replace(handle, rule, Placement::HardwareOnly);
        replaced.map_err(|error| chain(&error))
    }

    fn delete(&mut self, name: RuleName) -> Result<(), String> {
        self.0.delete(name).map(drop).map_err(|error| chain(&error))
    }

    fn rules(&mut self, interface: u32) -> Result<Vec<FlowerState>, String> {
        self.0.rules(interface).map_err(|error| chain(&error))
    }
}
