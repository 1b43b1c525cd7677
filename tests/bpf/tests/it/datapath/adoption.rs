use std::fs;

use aya::maps::{Array, MapData};
use ravelin_datapath::kernel::KernelConfig;
use ravelin_datapath::{Datapath as _, HitCounter, Switches};
use ravelin_test_harness::packet::Packet;

use super::rig::{Rig, WATCH, XDP_DROP, XDP_PASS, image, index_of, ip, names, target, xdp};

const PROTECT: Switches = Switches {
    ddos_protection: true,
    ..WATCH
};

fn listed() -> Vec<u8> {
    Packet::udp(4, 1000, 2000, "x").from("203.0.113.7").build()
}

#[test]
fn a_restart_replaces_programs_behind_the_same_links_and_keeps_every_map() {
    Rig::run(|rig| {
        let wan0 = index_of("wan0");
        let mut parts = rig.start(PROTECT);
        parts
            .datapath
            .load_addresses(&image(&["203.0.113.0/24"]))
            .unwrap();
        assert_eq!(xdp(&parts.datapath, &listed(), wan0), XDP_DROP);
        let flow = Packet::udp(6, 1, 2, "x").build();
        assert_eq!(xdp(&parts.datapath, &flow, wan0), XDP_PASS);
        let before = rig.links();
        let counted = parts.datapath.statistics().unwrap();
        drop(parts);

        // Killed: nobody there, everything at work.
        assert_eq!(rig.links(), before);

        let mut parts = rig.load();
        assert_eq!(parts.datapath.switches(), PROTECT);
        assert_eq!(rig.links(), before, "loading alone changes nothing");
        rig.attach(&mut parts, "wan0");
        let after = rig.links();
        assert_eq!(before.len(), 3);
        for (pin, (link, program)) in &before {
            let (same, other) = after[pin];
            assert_eq!(same, *link, "{pin} is another link");
            assert_ne!(other, *program, "{pin} has the old program");
        }
        assert_eq!(parts.datapath.statistics().unwrap(), counted);
        assert_eq!(parts.flows.entries6().unwrap().len(), 1);
        assert_eq!(xdp(&parts.datapath, &listed(), wan0), XDP_DROP);
        let hits = parts.datapath.address_hits(&[0]).unwrap();
        assert_eq!(hits[0].packets, 2);
    });
}

#[test]
fn a_link_lost_in_the_middle_is_made_again() {
    Rig::run(|rig| {
        drop(rig.start(WATCH));
        let before = rig.links();
        let egress = format!("tc_egress-{}", index_of("wan0"));
        fs::remove_file(rig.root().join("links").join(&egress)).unwrap();
        let _parts = rig.start(WATCH);
        let after = rig.links();
        for (pin, (link, _)) in &before {
            assert_eq!(after[pin].0 == *link, *pin != egress, "{pin}");
        }
    });
}

#[test]
fn an_interface_that_came_again_under_its_old_index_is_attached_afresh() {
    Rig::run(|rig| {
        let mut parts = rig.start(PROTECT);
        let wan0 = index_of("wan0");
        xdp(&parts.datapath, &listed(), wan0);
        let again = format!("link add wan0 index {wan0} type veth peer name wan1");
        ip("link del wan0");
        ip(&again);
        ip("link set wan0 up");
        let attached = rig.attach(&mut parts, "wan0");
        assert_eq!(attached.attachments.len(), 3, "{:?}", attached.problems);
        assert!(ip("link show dev wan0").contains(" xdp "));

        // And while nobody was there: what it counted was of another.
        drop(parts);
        ip("link del wan0");
        ip(&again);
        let parts = rig.start(PROTECT);
        assert_eq!(parts.datapath.statistics().unwrap()[0].cells, []);
    });
}

#[test]
fn links_of_interfaces_that_are_gone_are_removed_at_the_next_start() {
    Rig::run(|rig| {
        drop(rig.start(WATCH));
        ip("link del wan0");
        drop(rig.load());
        assert_eq!(names(&rig.root().join("links")), Vec::<String>::new());
    });
}

#[test]
fn a_slot_of_the_statistics_starts_at_0_for_another_interface() {
    Rig::run(|rig| {
        let mut parts = rig.start(WATCH);
        xdp(&parts.datapath, &listed(), index_of("wan0"));
        parts.datapath.detach(index_of("wan0")).unwrap();
        rig.attach(&mut parts, "wan1");
        let statistics = parts.datapath.statistics().unwrap();
        assert_eq!(statistics.len(), 1);
        assert_eq!(
            (statistics[0].interface.as_str(), &statistics[0].cells[..]),
            ("wan1", &[][..])
        );
    });
}

#[test]
fn a_pin_of_another_shape_has_the_whole_set_made_anew() {
    Rig::run(|rig| {
        let mut parts = rig.start(PROTECT);
        parts
            .datapath
            .load_addresses(&image(&["203.0.113.0/24"]))
            .unwrap();
        drop(parts);
        let [directory] = &rig.map_directories()[..] else {
            panic!("one directory of maps");
        };
        let pin = rig.root().join(directory).join("zones");
        fs::remove_file(&pin).unwrap();
        Array::<MapData, u32>::create(8, 0).unwrap().pin(&pin).unwrap();

        let mut parts = rig.start(PROTECT);
        let zones = parts
            .datapath
            .maps()
            .unwrap()
            .into_iter()
            .find(|map| map.name == "zones")
            .unwrap();
        assert_eq!((zones.value_bytes, zones.max_entries), (8, 65536));
        let wan0 = index_of("wan0");
        assert_eq!(
            xdp(&parts.datapath, &listed(), wan0),
            XDP_PASS,
            "a fresh set lists nothing"
        );
        parts
            .datapath
            .load_addresses(&image(&["203.0.113.0/24"]))
            .unwrap();
        assert_eq!(xdp(&parts.datapath, &listed(), wan0), XDP_DROP);
    });
}

#[test]
fn another_capacity_keeps_the_old_maps_until_no_link_needs_them() {
    Rig::run(|rig| {
        let mut old = rig.start(PROTECT);
        rig.attach(&mut old, "wan1");
        drop(old);
        let before = rig.links();
        let larger = Rig {
            config: KernelConfig {
                addresses: 2000,
                ..rig.config.clone()
            },
        };
        let mut parts = larger.load();
        assert_eq!(rig.map_directories().len(), 2);
        parts
            .datapath
            .load_addresses(&image(&["203.0.113.0/24"]))
            .unwrap();
        parts.datapath.set_switches(PROTECT).unwrap();
        larger.attach(&mut parts, "wan0");
        assert_eq!(rig.map_directories().len(), 2, "wan1 still uses the old ones");
        larger.attach(&mut parts, "wan1");
        assert_eq!(rig.map_directories().len(), 1);
        for (pin, (link, _)) in rig.links() {
            assert_eq!(before[&pin].0, link, "{pin}");
        }
        assert_eq!(parts.datapath.address_capacity(), 2000);
        assert_eq!(xdp(&parts.datapath, &listed(), index_of("wan0")), XDP_DROP);
        assert_eq!(
            parts.datapath.address_hits(&[0, 1999]).unwrap()[1],
            HitCounter::default()
        );
    });
}

#[test]
fn the_external_flag_follows_the_interface_without_a_restart() {
    Rig::run(|rig| {
        let mut parts = rig.start(Switches {
            ddos_external_only: true,
            ..PROTECT
        });
        parts
            .datapath
            .load_addresses(&image(&["203.0.113.0/24"]))
            .unwrap();
        let wan0 = index_of("wan0");
        for (external, expected) in [(false, XDP_PASS), (true, XDP_DROP), (false, XDP_PASS)] {
            let attached = parts.datapath.attach(&ravelin_datapath::AttachTarget {
                external,
                ..target("wan0")
            });
            attached.unwrap();
            assert_eq!(
                xdp(&parts.datapath, &listed(), wan0),
                expected,
                "external: {external}"
            );
        }
    });
}

#[test]
fn links_of_another_network_namespace_are_not_taken_for_ours() {
    Rig::run(|rig| {
        drop(rig.start(PROTECT));
        let wan0 = index_of("wan0");
        // The old namespace lives on, as one does that some process still holds.
        let old = fs::File::open("/proc/thread-self/ns/net").unwrap();
        // SAFETY: unshare takes no pointers; it changes this thread only, which is the test's own.
        assert_eq!(unsafe { libc::unshare(libc::CLONE_NEWNET) }, 0);
        ip(&format!("link add wan0 index {wan0} type veth peer name wan1"));
        ip("link set wan0 up");
        let parts = rig.start(PROTECT);
        assert!(ip("link show dev wan0").contains(" xdp "));
        assert_eq!(rig.links().len(), 3);
        drop((parts, old));
    });
}
