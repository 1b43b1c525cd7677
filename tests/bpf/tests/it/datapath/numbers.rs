use std::time::Duration;

use ravelin_datapath::{Datapath as _, FlowTable as _, FlowTimeouts, RawEvent, Switches};
use ravelin_model::{Direction, Hook, Reason};
use ravelin_test_harness::packet::Packet;
use ravelin_test_harness::{eventually, wait_until};

use super::rig::{Rig, WATCH, image, index_of, xdp};

const LIMIT: Duration = Duration::from_secs(10);

fn timeouts(seconds: u64) -> FlowTimeouts {
    let timeout = Duration::from_secs(seconds);
    FlowTimeouts {
        tcp_established: timeout,
        tcp_transitory: timeout,
        udp: timeout,
        other: timeout,
    }
}

#[test]
fn packets_are_in_the_cell_of_their_interface_and_protocol_to_the_packet() {
    Rig::run(|rig| {
        let mut parts = rig.start(WATCH);
        rig.attach(&mut parts, "wan1");
        let frame = Packet::tcp(6, 1, 2, "x").build();
        for _ in 0..7 {
            xdp(&parts.datapath, &frame, index_of("wan1"));
        }
        let statistics = parts.datapath.statistics().unwrap();
        let cells = |name: &str| {
            let of = statistics.iter().find(|s| s.interface == name).unwrap();
            of.cells.clone()
        };
        assert_eq!(cells("wan0"), []);
        let [cell] = cells("wan1")[..] else {
            panic!("one cell: {statistics:?}");
        };
        assert_eq!((cell.direction, cell.reason), (Direction::Ingress, Reason::Pass));
        assert_eq!((cell.packets, cell.bytes), (7, 7 * frame.len() as u64));
    });
}

#[test]
fn a_sweep_counts_flows_by_class_and_removes_the_idle_ones() {
    Rig::run(|rig| {
        let mut parts = rig.load();
        parts.datapath.set_switches(WATCH).unwrap();
        for port in 1..=300 {
            xdp(&parts.datapath, &Packet::udp(4, port, 2, "x").build(), 0);
            xdp(&parts.datapath, &Packet::tcp(6, port, 2, "x").build(), 0);
        }
        let sweep = parts.flows.sweep(&timeouts(3600)).unwrap();
        assert_eq!((sweep.entries4, sweep.entries6), (300, 300));
        assert_eq!((sweep.udp, sweep.tcp_established), (300, 300));
        assert_eq!((sweep.tcp_transitory, sweep.other, sweep.expired), (0, 0, 0));
        let occupancy = |name: &str| {
            let maps = parts.datapath.maps().unwrap();
            maps.into_iter().find(|map| map.name == name).unwrap().occupancy
        };
        assert_eq!(
            (occupancy("flow_map4"), occupancy("flow_map6")),
            (Some(300), Some(300))
        );

        let only_udp = FlowTimeouts {
            udp: Duration::ZERO,
            ..timeouts(3600)
        };
        let mut expired = 0;
        wait_until("the coarse clock has moved on", LIMIT, || {
            expired += parts.flows.sweep(&only_udp).unwrap().expired;
            expired == 300
        });
        assert_eq!(parts.flows.entries4().unwrap().len(), 0);
        assert_eq!(parts.flows.entries6().unwrap().len(), 300);
    });
}

#[test]
fn events_arrive_with_what_they_are_about() {
    Rig::run(|rig| {
        let mut parts = rig.load();
        parts
            .datapath
            .set_switches(Switches {
                ddos_protection: true,
                ..WATCH
            })
            .unwrap();
        parts
            .datapath
            .load_addresses(&image(&["10.0.0.0/8", "203.0.113.0/24"]))
            .unwrap();
        let frame = Packet::udp(4, 1234, 2, "x").from("203.0.113.9").build();
        xdp(&parts.datapath, &frame, 0);
        let batch = eventually(LIMIT, || parts.events.try_next()).expect("an event");
        let [RawEvent(event)] = batch[..] else {
            panic!("one event: {batch:?}");
        };
        assert_eq!((event.object, event.list, event.source_port), (1, 1, 1234));
        assert_eq!(event.source[..4], [203, 0, 113, 9]);
        let figures = parts.datapath.event_figures().unwrap();
        assert_eq!((figures.read, figures.suppressed, figures.lost), (1, 0, 0));
        // Dropping the data plane ends the thread and with it the events.
        drop(parts.datapath);
        assert!(parts.events.is_closed());
    });
}

#[test]
fn maps_are_told_as_the_kernel_has_them() {
    Rig::run(|rig| {
        let mut parts = rig.start(WATCH);
        parts
            .datapath
            .load_addresses(&image(&["10.0.0.0/8", "2001:db8::/32"]))
            .unwrap();
        let maps = parts.datapath.maps().unwrap();
        let told = |name: &str| {
            let map = maps.iter().find(|map| map.name == name).unwrap();
            (map.kind.as_str(), map.max_entries, map.occupancy)
        };
        assert_eq!(told("control"), ("array", 1, None));
        assert_eq!(told("flow_map4"), ("lru_hash", 1024, Some(0)));
        assert_eq!(told("events"), ("ringbuf", 256 * 1024, None));
        assert_eq!(told("statistics"), ("percpu_array", 128, None));
        assert_eq!(told("xdp_blocklist"), ("array_of_maps", 1, Some(1)));
        assert_eq!(told("zones"), ("array", 65536, Some(1)));
        let bytes = |maps: &[ravelin_model::MapInfo]| {
            let map = maps.iter().find(|map| map.name == "xdp_blocklist").unwrap();
            (map.max_entries, map.occupancy, map.memory_bytes)
        };
        let (_, _, one) = bytes(&maps);
        assert!(one >= 65536, "{one} bytes");
        // The generation before keeps its page.
        let more: Vec<String> = (0..1000)
            .map(|n| format!("10.{}.{}.0/24", n / 250, n % 250))
            .collect();
        let more: Vec<&str> = more.iter().map(String::as_str).collect();
        let image = image(&more);
        parts.datapath.load_addresses(&image).unwrap();
        let pages = u32::try_from(image.image().pages()).unwrap();
        let (held, used, both) = bytes(&parts.datapath.maps().unwrap());
        assert_eq!((held, used), (1 + pages, Some(pages.into())));
        assert!(
            both >= one + u64::from(pages) * 65536,
            "{both} bytes, {one} before"
        );
        for map in &maps {
            assert!(map.memory_bytes > 0, "{map:?}");
            assert!(
                map.pin.as_ref().is_some_and(|pin| std::fs::exists(pin).unwrap()),
                "{map:?}"
            );
        }
    });
}

#[test]
fn run_time_is_told_while_it_is_measured() {
    Rig::run(|rig| {
        let mut parts = rig.start(WATCH);
        let runs = |parts: &ravelin_datapath::kernel::KernelParts| {
            let programs = parts.datapath.programs().unwrap();
            let xdp = programs.into_iter().find(|p| p.name == "rv_xdp").unwrap();
            assert_eq!(xdp.attachments[0].hook, Hook::Xdp);
            assert!(xdp.verified_instructions > 0 && xdp.jited_bytes > 0 && xdp.memory_bytes > 0);
            assert_eq!(xdp.tag.len(), 16);
            xdp.run_time
        };
        assert_eq!(runs(&parts), None);
        parts.datapath.measure_run_time(true).unwrap();
        let frame = Packet::udp(4, 1, 2, "x").build();
        for _ in 0..3 {
            xdp(&parts.datapath, &frame, 0);
        }
        let (nanoseconds, count) = runs(&parts).unwrap();
        assert_eq!(count, 3);
        assert!(nanoseconds > 0);
        parts.datapath.measure_run_time(false).unwrap();
        assert_eq!(runs(&parts), None);
    });
}

#[test]
fn every_program_runs_on_a_packet_of_an_interface() {
    Rig::run(|rig| {
        let parts = rig.start(WATCH);
        let wan0 = index_of("wan0");
        let frame = Packet::udp(4, 1, 2, "x").build();
        // XDP_PASS and TC_ACT_UNSPEC.
        for (hook, expected) in [
            (Hook::Xdp, 2),
            (Hook::TcIngress, u32::MAX),
            (Hook::TcEgress, u32::MAX),
        ] {
            let outcome = parts.datapath.test_run(hook, &frame, wan0).unwrap();
            assert_eq!(
                (outcome.return_code, &outcome.frame),
                (expected, &frame),
                "{hook}"
            );
        }
        let statistics = parts.datapath.statistics().unwrap();
        let packets = |direction| {
            let cells = statistics[0]
                .cells
                .iter()
                .filter(|cell| cell.direction == direction);
            cells.map(|cell| cell.packets).sum::<u64>()
        };
        // tc ingress left the packet to XDP.
        assert_eq!((packets(Direction::Ingress), packets(Direction::Egress)), (1, 1));
        assert!(
            parts.datapath.test_run(Hook::Xdp, &frame, 65000).is_err(),
            "no such interface"
        );
    });
}
