//! The device behind an interface by devlink (family "devlink" of generic netlink, include/uapi/linux/devlink.h):
//! versions of the firmware, mode of the switch inside, tables and how full they are.

#[cfg(test)]
mod tests;

use ravelin_model::{DeviceResource, DevlinkDevice, EswitchMode};

use crate::generic::{GenericNetlink, Refusal};
use crate::netlink::{Messages, array, attribute, attributes, text};

const FAMILY: &str = "devlink";

const DEVLINK_CMD_GET: u8 = 1;
const DEVLINK_CMD_PORT_GET: u8 = 5;
const DEVLINK_CMD_ESWITCH_GET: u8 = 29;
const DEVLINK_CMD_RESOURCE_DUMP: u8 = 36;
const DEVLINK_CMD_INFO_GET: u8 = 51;

const DEVLINK_ATTR_BUS_NAME: u16 = 1;
const DEVLINK_ATTR_DEV_NAME: u16 = 2;
const DEVLINK_ATTR_PORT_NETDEV_IFINDEX: u16 = 6;
const DEVLINK_ATTR_ESWITCH_MODE: u16 = 25;
const DEVLINK_ATTR_ESWITCH_ENCAP_MODE: u16 = 62;
const DEVLINK_ATTR_RESOURCE_LIST: u16 = 63;
const DEVLINK_ATTR_RESOURCE: u16 = 64;
const DEVLINK_ATTR_RESOURCE_NAME: u16 = 65;
const DEVLINK_ATTR_RESOURCE_SIZE: u16 = 67;
const DEVLINK_ATTR_RESOURCE_OCC: u16 = 74;
const DEVLINK_ATTR_INFO_DRIVER_NAME: u16 = 98;
const DEVLINK_ATTR_INFO_VERSION_RUNNING: u16 = 101;
const DEVLINK_ATTR_INFO_VERSION_NAME: u16 = 103;
const DEVLINK_ATTR_INFO_VERSION_VALUE: u16 = 104;

const DEVLINK_ESWITCH_MODE_LEGACY: u16 = 0;
const DEVLINK_ESWITCH_MODE_SWITCHDEV: u16 = 1;
const DEVLINK_ESWITCH_MODE_SWITCHDEV_INACTIVE: u16 = 2;

/// Resources of resources that are followed. No driver has more than three.
const RESOURCE_DEPTH: usize = 8;

/// Bus and name of a device.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Handle {
    bus: String,
    name: String,
}

/// What is told of the device an interface is a port of, or that sits at its address of the bus. None: devlink knows no
/// such device. What the driver does not tell is left empty; what it fails with fails the whole.
pub(crate) fn device(
    netlink: &mut GenericNetlink,
    index: u32,
    bus: Option<&str>,
) -> Result<Option<DevlinkDevice>, Refusal> {
    let Some(handle) = find(netlink, index, bus)? else {
        return Ok(None);
    };
    let info = ask(netlink, DEVLINK_CMD_INFO_GET, &handle)?;
    let (driver, running_versions) = read_info(&info);
    let eswitch = ask(netlink, DEVLINK_CMD_ESWITCH_GET, &handle)?;
    let (eswitch_mode, eswitch_encapsulation) = read_eswitch(&eswitch);
    let resources = read_resources(&ask(netlink, DEVLINK_CMD_RESOURCE_DUMP, &handle)?);
    Ok(Some(DevlinkDevice {
        handle: format!("{}/{}", handle.bus, handle.name),
        driver,
        running_versions,
        eswitch_mode,
        eswitch_encapsulation,
        resources,
    }))
}

fn find(netlink: &mut GenericNetlink, index: u32, bus: Option<&str>) -> Result<Option<Handle>, Refusal> {
    let ports = netlink.dump(FAMILY, DEVLINK_CMD_PORT_GET)?;
    if let Some(handle) = ports.iter().find_map(|port| port_of(&port.attributes, index)) {
        return Ok(Some(handle));
    }
    // Drivers without ports, of older kernels most, are known by their address only.
    let Some(bus) = bus else { return Ok(None) };
    let devices = netlink.dump(FAMILY, DEVLINK_CMD_GET)?;
    let mut devices = devices.iter().filter_map(|device| handle(&device.attributes));
    Ok(devices.find(|handle| handle.bus == "pci" && handle.name == bus))
}

fn port_of(port: &[u8], index: u32) -> Option<Handle> {
    let netdev = array(attribute(port, DEVLINK_ATTR_PORT_NETDEV_IFINDEX)?, 0)?;
    (u32::from_ne_bytes(netdev) == index).then(|| handle(port))?
}

fn handle(message: &[u8]) -> Option<Handle> {
    let part = |kind| attribute(message, kind).and_then(text).map(str::to_owned);
    Some(Handle {
        bus: part(DEVLINK_ATTR_BUS_NAME)?,
        name: part(DEVLINK_ATTR_DEV_NAME)?,
    })
}

fn question(handle: &Handle) -> Vec<u8> {
    let mut attributes = Messages::default();
    attributes.put_text(DEVLINK_ATTR_BUS_NAME, &handle.bus);
    attributes.put_text(DEVLINK_ATTR_DEV_NAME, &handle.name);
    attributes.bytes().to_vec()
}

/// The attributes of the answer; none if the driver has no such thing.
fn ask(netlink: &mut GenericNetlink, command: u8, handle: &Handle) -> Result<Vec<u8>, Refusal> {
    match netlink.ask(FAMILY, command, &question(handle)) {
        Ok(replies) => Ok(replies.into_iter().flat_map(|reply| reply.attributes).collect()),
        Err(refusal) if refusal.unsupported() => Ok(Vec::new()),
        Err(refusal) => Err(refusal),
    }
}

fn read_info(reply: &[u8]) -> (Option<String>, Vec<(String, String)>) {
    let driver = attribute(reply, DEVLINK_ATTR_INFO_DRIVER_NAME).and_then(text);
    let running = attributes(reply).filter(|(kind, _)| *kind == DEVLINK_ATTR_INFO_VERSION_RUNNING);
    let versions = running.filter_map(|(_, version)| {
        let name = attribute(version, DEVLINK_ATTR_INFO_VERSION_NAME).and_then(text)?;
        let value = attribute(version, DEVLINK_ATTR_INFO_VERSION_VALUE).and_then(text)?;
        Some((name.to_owned(), value.to_owned()))
    });
    (driver.map(str::to_owned), versions.collect())
}

fn read_eswitch(reply: &[u8]) -> (Option<EswitchMode>, Option<bool>) {
    let mode = attribute(reply, DEVLINK_ATTR_ESWITCH_MODE).and_then(|mode| array(mode, 0));
    let mode = mode.and_then(|mode| match u16::from_ne_bytes(mode) {
        DEVLINK_ESWITCH_MODE_LEGACY => Some(EswitchMode::Legacy),
        DEVLINK_ESWITCH_MODE_SWITCHDEV => Some(EswitchMode::Switchdev),
        DEVLINK_ESWITCH_MODE_SWITCHDEV_INACTIVE => Some(EswitchMode::Inactive),
        _ => None,
    });
    let encapsulation = attribute(reply, DEVLINK_ATTR_ESWITCH_ENCAP_MODE);
    (
        mode,
        encapsulation.and_then(|mode| mode.first()).map(|mode| *mode != 0),
    )
}

fn read_resources(reply: &[u8]) -> Vec<DeviceResource> {
    let mut found = Vec::new();
    resources_below("", reply, RESOURCE_DEPTH, &mut found);
    found
}

/// Those of a message or of a resource. A long list comes in several messages, and so several times.
fn resources_below(parent: &str, message: &[u8], depth: usize, found: &mut Vec<DeviceResource>) {
    let Some(depth) = depth.checked_sub(1) else {
        return;
    };
    let lists = attributes(message).filter(|(kind, _)| *kind == DEVLINK_ATTR_RESOURCE_LIST);
    let resources = lists.flat_map(|(_, list)| attributes(list));
    for (_, resource) in resources.filter(|(kind, _)| *kind == DEVLINK_ATTR_RESOURCE) {
        let number = |kind| Some(u64::from_ne_bytes(array(attribute(resource, kind)?, 0)?));
        let Some(name) = attribute(resource, DEVLINK_ATTR_RESOURCE_NAME).and_then(text) else {
            continue;
        };
        let name = match parent {
            "" => name.to_owned(),
            parent => format!("{parent}/{name}"),
        };
        if let Some(size) = number(DEVLINK_ATTR_RESOURCE_SIZE) {
            found.push(DeviceResource {
                name: name.clone(),
                size,
                occupied: number(DEVLINK_ATTR_RESOURCE_OCC),
            });
        }
        resources_below(&name, resource, depth, found);
    }
}
