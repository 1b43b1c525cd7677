//! Our messages beside those of devlink(8), and what is read beside what it prints.

use super::*;
use crate::recorded::recorded;

const REQUEST: u16 = 1;
const ACKNOWLEDGE: u16 = 4;
const DUMP: u16 = 0x300;

fn simulated() -> Handle {
    Handle {
        bus: "netdevsim".to_owned(),
        name: "netdevsim10".to_owned(),
    }
}

/// Byte for byte, but for the family's number and the sequence number. devlink(8) asks for dumps with an acknowledgement,
/// which the end of a dump is.
#[track_caller]
fn check_request(shell: &str, command: u8, flags: u16, attributes: &[u8]) {
    let recorded = recorded(shell);
    let request = recorded.request(command);
    assert_eq!(
        (request.flags & !ACKNOWLEDGE, request.version),
        (flags, 1),
        "{shell}"
    );
    assert_eq!(attributes, request.attributes, "{shell}");
}

#[test]
fn requests_are_those_of_devlink() {
    let about = question(&simulated());
    check_request("devlink port show", DEVLINK_CMD_PORT_GET, REQUEST | DUMP, &[]);
    check_request("devlink dev show", DEVLINK_CMD_GET, REQUEST | DUMP, &[]);
    let info = "devlink dev info netdevsim/netdevsim10";
    check_request(info, DEVLINK_CMD_INFO_GET, REQUEST, &about);
    let eswitch = "devlink dev eswitch show netdevsim/netdevsim10";
    check_request(eswitch, DEVLINK_CMD_ESWITCH_GET, REQUEST, &about);
    let resources = "devlink resource show netdevsim/netdevsim10";
    check_request(resources, DEVLINK_CMD_RESOURCE_DUMP, REQUEST, &about);
}

#[test]
fn ports_and_devices_are_those_devlink_prints() {
    let ports = recorded("devlink port show");
    assert!(
        ports
            .printed
            .starts_with("netdevsim/netdevsim10/0: type eth netdev sim0 "),
        "{ports:?}"
    );
    let port = ports.answer(7);
    let index = attribute(port, DEVLINK_ATTR_PORT_NETDEV_IFINDEX).and_then(|index| array(index, 0));
    let index = u32::from_ne_bytes(index.expect("index"));
    assert_eq!(port_of(port, index), Some(simulated()));
    assert_eq!(port_of(port, index + 1), None, "another interface");
    let devices = recorded("devlink dev show");
    assert_eq!(devices.printed, "netdevsim/netdevsim10\n");
    assert_eq!(handle(devices.answer(3)), Some(simulated()));
}

#[test]
fn versions_are_those_devlink_prints() {
    let recorded = recorded("devlink dev info netdevsim/netdevsim10");
    let printed: Vec<_> = recorded.printed.lines().map(str::trim).collect();
    assert_eq!(
        printed[..5],
        [
            "netdevsim/netdevsim10:",
            "driver netdevsim",
            "versions:",
            "running:",
            "fw.mgmt 10.20.30"
        ]
    );
    let running = vec![("fw.mgmt".to_owned(), "10.20.30".to_owned())];
    assert_eq!(
        read_info(recorded.answer(DEVLINK_CMD_INFO_GET)),
        (Some("netdevsim".to_owned()), running)
    );
}

#[test]
fn the_mode_of_the_switch_is_the_one_devlink_prints() {
    let recorded = recorded("devlink dev eswitch show netdevsim/netdevsim10");
    assert_eq!(recorded.printed, "netdevsim/netdevsim10: mode legacy\n");
    let told = read_eswitch(recorded.answer(DEVLINK_CMD_ESWITCH_GET));
    assert_eq!(told, (Some(EswitchMode::Legacy), None));
}

#[test]
fn modes_are_told_apart() {
    for (mode, expected) in [
        (0, Some(EswitchMode::Legacy)),
        (1, Some(EswitchMode::Switchdev)),
        (2, Some(EswitchMode::Inactive)),
        (3, None),
    ] {
        for (encapsulation, told) in [(0, false), (1, true)] {
            let mut reply = Messages::default();
            reply.put(DEVLINK_ATTR_ESWITCH_MODE, &u16::to_ne_bytes(mode));
            reply.put(DEVLINK_ATTR_ESWITCH_ENCAP_MODE, &[encapsulation]);
            assert_eq!(read_eswitch(reply.bytes()), (expected, Some(told)), "{mode}");
        }
    }
}

/// Path, size and occupancy of each line `name NAME size SIZE [occ OCCUPIED] …`, indented by its place in the tree.
fn printed_resources(text: &str) -> Vec<DeviceResource> {
    let mut path: Vec<(usize, String)> = Vec::new();
    let mut resources = Vec::new();
    for line in text.lines() {
        let indent = line.len() - line.trim_start().len();
        let words: Vec<_> = line.split_whitespace().collect();
        let after = |word| {
            let at = words.iter().position(|found| *found == word)?;
            words.get(at + 1).copied()
        };
        let (Some(name), Some(size)) = (after("name"), after("size")) else {
            continue;
        };
        path.retain(|(of, _)| *of < indent);
        path.push((indent, name.to_owned()));
        let names: Vec<_> = path.iter().map(|(_, name)| name.as_str()).collect();
        resources.push(DeviceResource {
            name: names.join("/"),
            size: if size == "unlimited" {
                u64::MAX
            } else {
                size.parse().expect("size")
            },
            occupied: after("occ").map(|occupied| occupied.parse().expect("occupancy")),
        });
    }
    resources
}

#[test]
fn resources_are_those_devlink_prints() {
    let recorded = recorded("devlink resource show netdevsim/netdevsim10");
    let expected = printed_resources(&recorded.printed);
    assert_eq!(expected.len(), 7);
    assert_eq!(expected[1].name, "IPv4/fib");
    assert_eq!(
        read_resources(recorded.answer(DEVLINK_CMD_RESOURCE_DUMP)),
        expected
    );
}

#[test]
fn resources_in_several_messages_are_one_list() {
    let recorded = recorded("devlink resource show netdevsim/netdevsim10");
    let once = recorded.answer(DEVLINK_CMD_RESOURCE_DUMP);
    assert_eq!(read_resources(&[once, once].concat()).len(), 14);
}

#[test]
fn what_is_cut_off_is_not_read() {
    for shell in [
        "devlink resource show netdevsim/netdevsim10",
        "devlink dev info netdevsim/netdevsim10",
    ] {
        for message in recorded(shell).received {
            for length in 0..message.attributes.len() {
                let cut = &message.attributes[..length];
                let whole = read_resources(&message.attributes).len();
                assert!(read_resources(cut).len() <= whole);
                let _ = (read_info(cut), read_eswitch(cut), handle(cut), port_of(cut, 1));
            }
        }
    }
}
