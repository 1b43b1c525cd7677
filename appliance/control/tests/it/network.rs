//! The network, and daemons of others, as the test says.

use std::sync::{Arc, Mutex, MutexGuard};

use ravelin_control::{Network, NetworkDaemons, SimulatedNetwork};
use ravelin_model::{NetworkFault, NetworkPlan, NetworkServices, Revision};

use crate::datapath::Told;

/// A network in memory, and what else was so when it was set.
#[derive(Debug)]
pub struct Networks {
    pub simulated: SimulatedNetwork,
    applied: Mutex<Vec<Applied>>,
    plane: Told,
}

/// A plan that was applied.
#[derive(Debug, Clone)]
pub struct Applied {
    pub plan: NetworkPlan,
    /// Of the table nftables had then.
    pub filter: Option<Revision>,
    /// Links with programs then.
    pub attached: Vec<u32>,
}

impl Networks {
    pub fn new(plane: Told) -> Arc<Self> {
        Arc::new(Self {
            simulated: SimulatedNetwork::default(),
            applied: Mutex::default(),
            plane,
        })
    }

    pub fn applied(&self) -> Vec<Applied> {
        self.applied.lock().expect("no test has failed in here").clone()
    }
}

impl Network for Networks {
    fn apply(&self, plan: &NetworkPlan) -> Result<Vec<NetworkFault>, String> {
        let outcome = self.simulated.apply(plan)?;
        let script = self.plane.now();
        let applied = Applied {
            plan: plan.clone(),
            filter: script.filter.as_ref().map(|filter| filter.revision()),
            attached: script.attached.keys().copied().collect(),
        };
        self.applied
            .lock()
            .expect("no test has failed in here")
            .push(applied);
        Ok(outcome)
    }

    fn forward(&self) -> Result<(), String> {
        self.simulated.forward()
    }
}

/// Daemons that do what they are told, or not.
#[derive(Debug, Default)]
pub struct Daemons(Mutex<DaemonScript>);

/// What they were told, and what goes wrong.
#[derive(Debug, Default)]
pub struct DaemonScript {
    /// Why they do nothing.
    pub broken: Option<String>,
    /// What they were told and did.
    pub told: Vec<NetworkServices>,
}

impl Daemons {
    pub fn now(&self) -> MutexGuard<'_, DaemonScript> {
        self.0.lock().expect("no test has failed in here")
    }
}

impl NetworkDaemons for Daemons {
    fn apply(&self, services: &NetworkServices) -> Result<(), String> {
        let mut script = self.now();
        if let Some(why) = &script.broken {
            return Err(why.clone());
        }
        script.told.push(services.clone());
        Ok(())
    }
}
