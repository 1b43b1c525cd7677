use std::collections::BTreeMap;
use std::path::Path;

use aya::maps::{DevMap, HashMap, Map, MapData};
use ravelin_abi::rv_port_flag::{RV_PORT_REDIRECT, RV_PORT_VERIFY_CHECKSUM};
use ravelin_abi::{rv_port, rv_vlan_key};
use ravelin_datapath::{CachePort, Datapath as _};

use super::ground::{Router, port};
use crate::datapath::rig::ip;

/// What the maps say, read by another loader.
#[derive(Debug, Default, PartialEq, Eq)]
struct Told {
    /// By index: device, tag, flags.
    ports: BTreeMap<u32, (u32, u16, u32)>,
    /// By device and tag: index.
    vlans: BTreeMap<(u32, u16), u32>,
    /// Indices, each under itself.
    devices: Vec<u32>,
}

impl Told {
    fn read(maps: &Path, candidates: &[u32]) -> Self {
        let open = |name: &str| MapData::from_pin(maps.join(name)).unwrap();
        let ports: HashMap<_, u32, [u8; 8]> = Map::HashMap(open("ports")).try_into().unwrap();
        let vlans: HashMap<_, [u8; 8], u32> = Map::HashMap(open("vlans")).try_into().unwrap();
        let devmap: DevMap<_> = Map::DevMap(open("devmap")).try_into().unwrap();
        let there = |index: &u32| match devmap.get(*index, 0) {
            Ok(value) => value.if_index == *index && value.prog_id.is_none(),
            Err(_) => false,
        };
        Self {
            ports: ports
                .iter()
                .map(|entry| {
                    let (index, value) = entry.unwrap();
                    let port: rv_port = bytemuck::pod_read_unaligned(&value);
                    (index, (port.device, port.tag, port.flags.into()))
                })
                .collect(),
            vlans: vlans
                .iter()
                .map(|entry| {
                    let (key, index) = entry.unwrap();
                    let key: rv_vlan_key = bytemuck::pod_read_unaligned(&key);
                    ((key.device, key.tag), index)
                })
                .collect(),
            devices: candidates.iter().copied().filter(there).collect(),
        }
    }
}

/// Tells the cache of ports and holds the maps to what is expected.
fn check(router: &mut Router, ports: &[CachePort], refused: &[u32], expected: &Told) {
    assert_eq!(router.parts.cache.set_ports(ports).unwrap(), refused);
    let candidates = [router.lan0, router.wan0];
    let found = Told::read(&router.maps(), &candidates);
    assert_eq!(found, *expected, "{ports:?}");
    let maps = router.parts.datapath.maps().unwrap();
    let occupancy = |name: &str| {
        maps.iter()
            .find(|map| map.name == name)
            .unwrap()
            .occupancy
            .unwrap()
    };
    assert_eq!(occupancy("ports"), found.ports.len() as u64);
    assert_eq!(occupancy("vlans"), found.vlans.len() as u64);
    assert_eq!(occupancy("devmap"), found.devices.len() as u64);
}

fn told(ports: &[(u32, (u32, u16, u32))], vlans: &[((u32, u16), u32)], devices: &[u32]) -> Told {
    Told {
        ports: ports.iter().copied().collect(),
        vlans: vlans.iter().copied().collect(),
        devices: devices.to_vec(),
    }
}

#[test]
fn the_programs_are_told_of_the_ports_there_are_and_no_others() {
    Router::run(8, |mut router| {
        let (lan0, wan0) = (router.lan0, router.wan0);
        let (lan, wan) = (port(lan0), port(wan0));
        let redirect = RV_PORT_REDIRECT;
        // Nobody sends by a VLAN itself: whether there is one does not matter here.
        let tagged = 700;
        let vlan = CachePort {
            device: wan0,
            tag: Some(7),
            ..port(tagged)
        };
        check(&mut router, &[], &[], &Told::default());
        let both = told(
            &[(lan0, (lan0, 0, redirect)), (wan0, (wan0, 0, redirect))],
            &[],
            &[lan0, wan0],
        );
        check(&mut router, &[lan, wan], &[], &both);
        check(&mut router, &[lan, wan], &[], &both);
        let with_vlan = told(
            &[
                (lan0, (lan0, 0, redirect)),
                (wan0, (wan0, 0, redirect)),
                (tagged, (wan0, 7, redirect)),
            ],
            &[((wan0, 7), tagged)],
            &[lan0, wan0],
        );
        check(&mut router, &[lan, wan, vlan], &[], &with_vlan);
        let verified = CachePort {
            redirect: false,
            verify_checksum: true,
            ..lan
        };
        // The device of the VLAN stays for its sake.
        check(
            &mut router,
            &[verified, vlan],
            &[],
            &told(
                &[
                    (lan0, (lan0, 0, RV_PORT_VERIFY_CHECKSUM)),
                    (tagged, (wan0, 7, redirect)),
                ],
                &[((wan0, 7), tagged)],
                &[wan0],
            ),
        );

        // The next process goes on from there.
        let mut router = router.restart();
        check(&mut router, &[lan, wan], &[], &both);
        check(&mut router, &[], &[], &Told::default());
    });
}

#[test]
fn a_device_the_kernel_does_not_take_is_told_as_not_redirectable() {
    Router::run(8, |mut router| {
        let (lan0, wan0) = (router.lan0, router.wan0);
        // None has the one, and none can have the other.
        for nobody in [4000, 70_000] {
            let expected = told(
                &[(wan0, (wan0, 0, RV_PORT_REDIRECT)), (nobody, (nobody, 0, 0))],
                &[],
                &[wan0],
            );
            check(&mut router, &[port(nobody), port(wan0)], &[nobody], &expected);
        }
        let both = told(
            &[
                (lan0, (lan0, 0, RV_PORT_REDIRECT)),
                (wan0, (wan0, 0, RV_PORT_REDIRECT)),
            ],
            &[],
            &[lan0, wan0],
        );
        let ports = [port(lan0), port(wan0)];
        check(&mut router, &ports, &[], &both);
        ip("link del wan0");
        let without = told(
            &[(lan0, (lan0, 0, RV_PORT_REDIRECT)), (wan0, (wan0, 0, 0))],
            &[],
            &[lan0],
        );
        check(&mut router, &ports, &[wan0], &without);
        // Another device under the same index.
        ip(&format!("link add wan0 index {wan0} type veth peer name wan1"));
        check(&mut router, &ports, &[], &both);
    });
}
