//! What network cards tell, for whoever asks by name of the interface.

use ravelin_model::HardwareProbe;

use crate::{ControlError, ControlHandle};

impl ControlHandle {
    /// Everything the network card behind an interface tells, asked now.
    pub async fn interface_hardware(&self, name: &str) -> Result<HardwareProbe, ControlError> {
        if !self.links.now().await.iter().any(|link| link.name == name) {
            return Err(ControlError::UnknownInterface(name.to_owned()));
        }
        let hardware = self.hardware.clone();
        let hardware = hardware.ok_or_else(|| ControlError::NoHardware("nobody knows it".to_owned()))?;
        let name = name.to_owned();
        tokio::task::spawn_blocking(move || hardware.probe(&name))
            .await
            .map_err(|error| ControlError::NoHardware(error.to_string()))?
            .map_err(ControlError::NoHardware)
    }
}
