//! Settings of interfaces.

use std::sync::Arc;

use ravelin_model::{AnyObject, InterfaceSettingsSpec, Object, ObjectName};
use serde::{Deserialize, Serialize};

use super::network::NetworkRow;
use super::{Stored, named};
use crate::StoreError;
use crate::hardware::HardwareRow;

/// The name of the object is that of the interface.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::policy) struct InterfaceSettingsRow {
    #[serde(default, skip_serializing_if = "String::is_empty")]
    description: String,
    #[serde(default, skip_serializing_if = "NetworkRow::says_nothing")]
    network: NetworkRow,
    #[serde(default, skip_serializing_if = "HardwareRow::says_nothing")]
    hardware: HardwareRow,
}

impl Stored for InterfaceSettingsSpec {
    type Row = InterfaceSettingsRow;

    fn row(&self) -> InterfaceSettingsRow {
        let Self {
            interface: _,
            description,
            network,
            hardware,
        } = self;
        InterfaceSettingsRow {
            description: description.clone(),
            network: NetworkRow::of(network),
            hardware: HardwareRow::of(*hardware),
        }
    }

    fn from_row(row: InterfaceSettingsRow, name: Option<ObjectName>) -> Result<Self, StoreError> {
        let InterfaceSettingsRow {
            description,
            network,
            hardware,
        } = row;
        Ok(Self {
            interface: named(name)?.to_string(),
            description,
            network: network.settings()?,
            hardware: hardware.settings(),
        })
    }

    fn wrap(object: Arc<Object<Self>>) -> AnyObject {
        AnyObject::InterfaceSettings(object)
    }
}
