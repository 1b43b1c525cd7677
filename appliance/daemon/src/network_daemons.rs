//! Daemons of others, by the agent of the appliance.

use std::path::Path;
use std::sync::Arc;

use ravelin_control::NetworkDaemons;
use ravelin_model::chain;
use ravelin_system::Agent;
use ravelin_system::network_services::NetworkServices;
use tokio::runtime::Handle;

/// The agent, asked from threads that may block.
#[derive(Debug)]
struct ByAgent {
    agent: Agent,
    runtime: Handle,
}

/// None: there is no agent. Asked within the runtime.
pub fn network_daemons(socket: &Path) -> Option<Arc<dyn NetworkDaemons>> {
    (!socket.as_os_str().is_empty()).then(|| {
        let daemons: Arc<dyn NetworkDaemons> = Arc::new(ByAgent {
            agent: Agent::new(socket),
            runtime: Handle::current(),
        });
        daemons
    })
}

impl NetworkDaemons for ByAgent {
    fn apply(&self, services: &ravelin_model::NetworkServices) -> Result<(), String> {
        let services = NetworkServices::try_from(services).map_err(|error| error.to_string())?;
        let asked = self.runtime.block_on(self.agent.put_network_services(&services));
        asked.map_err(|error| chain(&error))
    }
}
