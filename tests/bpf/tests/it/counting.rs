//! Features on and off, egress, flows over several packets, the budget of events.

use ravelin_abi::{rv_protocol::RV_PROTOCOL_IPV4_TCP, rv_reason, rv_switch};
use ravelin_compile::{AddressImage, AddressSource};
use ravelin_test_harness::packet::{ACK, FIN, Packet, SYN, Transport};

use crate::isolated::isolated;
use crate::plane::{Cell, Context, Hook, IFINDEX, Plane, SLOT, Verdict};

const COUNTING: u32 = rv_switch::RV_SWITCH_STATISTICS | rv_switch::RV_SWITCH_FLOW_MONITORING;

fn cell(egress: bool, packets: u64, bytes: u64) -> Cell {
    Cell {
        slot: SLOT,
        egress,
        row: RV_PROTOCOL_IPV4_TCP,
        reason: rv_reason::RV_REASON_PASS,
        packets,
        bytes,
    }
}

#[test]
fn each_kind_of_counting_has_its_own_switch() {
    isolated(|pins| {
        let frame = Packet::tcp(4, 40000, 443, b"hello".as_slice()).build();
        let length = u64::try_from(frame.len()).unwrap();
        for hook in Hook::ALL {
            let mut plane = Plane::load(hook, pins);
            for (switches, cells, flows) in [
                (0, 0, 0),
                (rv_switch::RV_SWITCH_STATISTICS, 1, 0),
                (rv_switch::RV_SWITCH_FLOW_MONITORING, 0, 1),
                (COUNTING, 1, 1),
            ] {
                plane.set_switches(switches);
                assert_eq!(plane.run(&frame).verdict, Verdict::Pass);
                let expected = vec![cell(hook == Hook::Egress, 1, length); cells];
                assert_eq!(plane.take_cells(), expected, "{hook:?} {switches:#x}");
                assert_eq!(plane.take_flows().len(), flows, "{hook:?} {switches:#x}");
            }
        }
    });
}

#[test]
fn where_xdp_runs_tc_ingress_counts_nothing() {
    isolated(|pins| {
        let mut plane = Plane::load(Hook::Ingress, pins);
        plane.set_switches(COUNTING);
        plane.set_zone(ravelin_abi::rv_zone_flag::RV_ZONE_XDP);
        plane.run(&Packet::tcp(4, 40000, 443, b"hello".as_slice()).build());
        assert_eq!(plane.take_cells(), []);
        assert_eq!(plane.take_flows(), []);
    });
}

#[test]
fn a_flow_adds_up_packets_bytes_and_flags() {
    isolated(|pins| {
        for hook in Hook::ALL {
            for family in [4, 6] {
                let mut plane = Plane::load(hook, &pins.join(family.to_string()));
                plane.set_switches(COUNTING);
                let mut bytes = 0;
                for (flags, payload) in [(SYN, 0), (ACK, 0), (ACK, 700), (ACK | FIN, 3)] {
                    let mut packet = Packet::tcp(family, 40000, 443, vec![0; payload]);
                    if let Transport::Tcp(tcp) = &mut packet.transport {
                        tcp.flags = flags;
                    }
                    let frame = packet.build();
                    bytes += u64::try_from(frame.len()).unwrap();
                    plane.run(&frame);
                }
                let flows = plane.take_flows();
                let [flow] = flows.as_slice() else {
                    panic!("{flows:?}");
                };
                assert_eq!((flow.packets, flow.bytes), (4, bytes), "{hook:?}");
                assert_eq!(flow.tcp_flags, SYN | ACK | FIN, "{hook:?}");
                assert_eq!(flow.ifindex, if hook == Hook::Egress { 0 } else { IFINDEX });
            }
        }
    });
}

#[test]
fn flows_differ_by_direction_ports_and_protocol() {
    isolated(|pins| {
        for hook in Hook::ALL {
            let mut plane = Plane::load(hook, pins);
            plane.set_switches(COUNTING);
            let packet = Packet::udp(4, 1000, 2000, b"x".as_slice());
            let back = Packet {
                source: packet.destination,
                destination: packet.source,
                ..Packet::udp(4, 2000, 1000, b"x".as_slice())
            };
            for packet in [
                &packet,
                &packet.clone().tagged(&[0x8100]),
                &back,
                &Packet::udp(4, 1001, 2000, b"x".as_slice()),
                &Packet::tcp(4, 1000, 2000, b"x".as_slice()),
            ] {
                plane.run(&packet.build());
            }
            let mut packets: Vec<u64> = plane.take_flows().iter().map(|flow| flow.packets).collect();
            packets.sort_unstable();
            assert_eq!(packets, [1, 1, 1, 2], "{hook:?}");
        }
    });
}

#[test]
fn egress_counts_forwarded_packets_but_as_no_flow() {
    isolated(|pins| {
        let mut plane = Plane::load(Hook::Egress, pins);
        plane.set_switches(COUNTING);
        let frame = Packet::tcp(4, 40000, 443, b"hello".as_slice()).build();
        let length = u64::try_from(frame.len()).unwrap();
        let forwarded = Context {
            ingress_ifindex: 7,
            ..Context::default()
        };
        plane.run_in(&frame, forwarded);
        assert_eq!(plane.take_cells(), [cell(true, 1, length)]);
        assert_eq!(plane.take_flows(), []);
    });
}

#[test]
fn egress_counts_the_segments_a_packet_will_be_split_into() {
    isolated(|pins| {
        let mut plane = Plane::load(Hook::Egress, pins);
        plane.set_switches(COUNTING);
        let frame = Packet::tcp(4, 40000, 443, vec![0; 3000]).build();
        let wire_len = u32::try_from(frame.len()).unwrap() + 2 * 54;
        let context = Context {
            wire_len,
            gso_segs: 3,
            gso_size: 1000,
            ..Context::default()
        };
        plane.run_in(&frame, context);
        assert_eq!(plane.take_cells(), [cell(true, 3, u64::from(wire_len))]);
        assert_eq!(plane.take_flows()[0].packets, 3);
    });
}

#[test]
fn events_beyond_the_ring_are_counted_as_lost() {
    isolated(|pins| {
        let mut plane = Plane::load(Hook::Xdp, pins);
        let source = AddressSource {
            network: "192.0.2.10/32".parse().unwrap(),
            expires_ns: 0,
            counter: 0,
            list: 0,
        };
        plane.load_addresses(&AddressImage::build(&[source], 1).unwrap());
        plane.set_switches(COUNTING | rv_switch::RV_SWITCH_DDOS_PROTECTION);
        let frame = Packet::udp(4, 1, 2, b"x".as_slice()).build();
        for _ in 0..1000 {
            plane.run(&frame);
        }
        let events = u64::try_from(plane.take_events().len()).unwrap();
        let (suppressed, lost) = plane.event_losses();
        assert!(lost > 0, "the ring holds fewer than 1000 events");
        assert_eq!((events + lost, suppressed), (1000, 0));
        assert_eq!(plane.take_hits("blocklist_hits", 0).0, 1000);
    });
}

#[test]
fn events_beyond_the_budget_are_counted_as_suppressed() {
    isolated(|pins| {
        const RATE: u32 = 5;
        let mut plane = Plane::load_with_event_rate(Hook::Xdp, pins, RATE);
        let source = AddressSource {
            network: "192.0.2.10/32".parse().unwrap(),
            expires_ns: 0,
            counter: 0,
            list: 0,
        };
        plane.load_addresses(&AddressImage::build(&[source], 1).unwrap());
        plane.set_switches(COUNTING | rv_switch::RV_SWITCH_DDOS_PROTECTION);
        let frame = Packet::udp(4, 1, 2, b"x".as_slice()).build();
        let started = std::time::Instant::now();
        for _ in 0..100 {
            plane.run(&frame);
        }
        // A budget for each CPU the thread may have run on and each second that may have begun.
        let budgets =
            u64::try_from(aya::util::nr_cpus().unwrap()).unwrap() * (started.elapsed().as_secs() + 2);
        let events = u64::try_from(plane.take_events().len()).unwrap();
        let (suppressed, lost) = plane.event_losses();
        assert_eq!((events + suppressed, lost), (100, 0));
        assert!(
            events >= u64::from(RATE) && events <= u64::from(RATE) * budgets,
            "{events} events"
        );
    });
}
