//! Network cards that fail as the test says.

use std::sync::{Arc, Mutex, MutexGuard};

use ravelin_control::{Hardware, SimulatedHardware};
use ravelin_model::{HardwareChange, HardwareProbe};

use crate::datapath::Told;

/// Plain cards everywhere, and a script.
#[derive(Debug)]
pub struct Cards {
    pub simulated: SimulatedHardware,
    script: Mutex<Script>,
    plane: Told,
}

/// What goes wrong, and what was asked for.
#[derive(Debug, Default)]
pub struct Script {
    /// Changes of channels are refused.
    pub refuse_channels: bool,
    /// Features are not switched.
    pub refuse_features: bool,
    /// Asked for receive rings of the first size, the driver makes the second.
    pub ring_comes_out: Option<(u32, u32)>,
    /// Changes that were asked for, and to how many interfaces programs were attached then.
    pub changes: Vec<(String, HardwareChange, usize)>,
}

impl Cards {
    pub fn new(plane: Told) -> Arc<Self> {
        Arc::new(Self {
            simulated: SimulatedHardware::everywhere(),
            script: Mutex::default(),
            plane,
        })
    }

    pub fn now(&self) -> MutexGuard<'_, Script> {
        self.script.lock().expect("no test has failed in here")
    }
}

impl Hardware for Cards {
    fn probe(&self, interface: &str) -> Result<HardwareProbe, String> {
        self.simulated.probe(interface)
    }

    fn change(&self, interface: &str, change: &HardwareChange) -> Result<(), String> {
        let attached = self.plane.now().attached.len();
        let mut script = self.now();
        script
            .changes
            .push((interface.to_owned(), change.clone(), attached));
        let change = match (change, script.ring_comes_out) {
            (HardwareChange::Channels { .. }, _) if script.refuse_channels => {
                return Err("Device or resource busy (os error 16)".to_owned());
            }
            (HardwareChange::Feature { .. }, _) if script.refuse_features => {
                return Err("Device or resource busy (os error 16)".to_owned());
            }
            (HardwareChange::Rings { rx: Some(rx), tx }, Some((asked, made))) if *rx == asked => {
                HardwareChange::Rings {
                    rx: Some(made),
                    tx: *tx,
                }
            }
            (change, _) => change.clone(),
        };
        self.simulated.change(interface, &change)
    }
}
