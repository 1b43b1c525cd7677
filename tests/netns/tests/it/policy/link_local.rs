//! What hosts and router need of each other to be on a link at all, and what is for many.

use ravelin_test_harness::packet::{CLIENT_MAC, Icmp, Packet, Transport};

use super::case::Group;
use super::draft::{rule, udp as udp_ports};
use super::engine::Mode;
use super::ground::{Ground, check, crossing};
use super::shot::*;

/// The frame with its destination address made from that of the packet, as for many.
fn for_many(packet: Packet) -> Vec<Vec<u8>> {
    let mut frame = packet.build();
    let mac = match packet.destination {
        std::net::IpAddr::V4(address) if address.is_broadcast() => [0xff; 6],
        std::net::IpAddr::V4(address) => {
            let [_, b, c, d] = address.octets();
            [1, 0, 0x5e, b & 0x7f, c, d]
        }
        std::net::IpAddr::V6(address) => {
            let bytes = address.octets();
            [0x33, 0x33, bytes[12], bytes[13], bytes[14], bytes[15]]
        }
    };
    frame[..6].copy_from_slice(&mac);
    vec![frame]
}

#[test]
fn packets_for_many() {
    let all_hosts = Host::Far(Port::Local, "224.0.0.1", "ff02::1");
    let broadcast = Host::Far(Port::Local, "255.255.255.255", "ff02::1");
    let subnet = Host::Far(Port::Local, "10.77.1.255", "ff02::1");
    let group = Group::new("for many")
        .rule(
            rule("dhcp")
                .from("lan")
                .to("local")
                .service(udp_ports(&["67"]))
                .accept(),
        )
        .case(
            "multicast: accepted",
            udp(LAN, all_hosts, 67).shaped(for_many).passes("dhcp").counts(1),
        )
        .case(
            "multicast: dropped",
            udp(LAN, all_hosts, 68).shaped(for_many).dropped(UNWRITTEN),
        )
        .case4(
            "broadcast: accepted",
            udp(LAN, broadcast, 67).shaped(for_many).passes("dhcp").counts(1),
        )
        .case4(
            "broadcast: dropped",
            udp(LAN, broadcast, 68).shaped(for_many).dropped(UNWRITTEN),
        )
        .case4(
            "broadcast of the network: accepted",
            udp(LAN, subnet, 67).shaped(for_many).passes("dhcp").counts(1),
        )
        .case4(
            "broadcast of the network: dropped",
            udp(LAN, subnet, 68).shaped(for_many).dropped(UNWRITTEN),
        )
        .case(
            "multicast from another zone",
            udp(WAN, all_hosts, 67).shaped(for_many).dropped(UNWRITTEN),
        );
    check(&[group]);
}

/// A message of neighbour discovery from a host of the LAN.
fn discovery(kind: u8, destination: &str, body: Vec<u8>) -> Vec<u8> {
    let mut packet = Packet::new(
        6,
        Transport::Icmp(Icmp {
            protocol: 58,
            kind,
            code: 0,
            rest: [0; 4],
            payload: body,
        }),
    );
    packet.source = "fe80::77".parse().expect("address");
    packet.destination = destination.parse().expect("address");
    packet.ttl = 255;
    for_many(packet).remove(0)
}

#[test]
fn neighbour_discovery_works_whatever_the_policy_says() {
    let Some(crossing) = crossing() else { return };
    let ground = Ground::start(&crossing);
    ground.engine.apply_rules(&[rule("nothing").drop()]);
    let target = ROUTER.address(6);
    let std::net::IpAddr::V6(target) = target else {
        panic!("IPv6")
    };
    let mut solicitation = target.octets().to_vec();
    solicitation.extend([1, 1]);
    solicitation.extend(CLIENT_MAC);
    let infrastructure = || ground.engine.counters()["fixed infrastructure"];
    for mode in Mode::ALL {
        ground.engine.judge_by(mode);
        let before = infrastructure();
        let frame = discovery(135, "ff02::1:ff00:1", solicitation.clone());
        let link = Port::Lan.link().expect("a link");
        ground.prober.wire.send(link, &frame);
        let arrivals = ground.prober.until_fence(Port::Lan, Port::Lan);
        let advertised = arrivals.iter().any(|arrival| {
            arrival.is_at(Port::Lan)
                && arrival.icmp() == Some((136, 0))
                && arrival.view.transport[8..24] == target.octets()
        });
        assert!(advertised, "{mode:?}: {arrivals:?}");
        assert!(infrastructure() >= before + 2, "{mode:?}");
        for (kind, destination, body) in [
            (133, "ff02::2", vec![]),
            (134, "ff02::1", vec![0; 8]),
            (130, "ff02::1", vec![0; 20]),
        ] {
            let before = infrastructure();
            ground.prober.wire.send(link, &discovery(kind, destination, body));
            ground.prober.until_fence(Port::Lan, Port::Lan);
            assert!(infrastructure() > before, "{mode:?}: type {kind} is not counted");
        }
    }
}

#[test]
fn arp_is_not_the_policys() {
    let Some(crossing) = crossing() else { return };
    let ground = Ground::start(&crossing);
    ground.engine.apply_rules(&[rule("nothing").drop()]);
    for mode in Mode::ALL {
        ground.engine.judge_by(mode);
        let mut frame = vec![0xff; 6];
        frame.extend(CLIENT_MAC);
        frame.extend([8, 6, 0, 1, 8, 0, 6, 4, 0, 1]);
        frame.extend(CLIENT_MAC);
        frame.extend([10, 77, 1, 10]);
        frame.extend([0; 6]);
        frame.extend([10, 77, 1, 1]);
        ground.prober.wire.send(Port::Lan.link().expect("a link"), &frame);
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(3);
        let answer = std::iter::from_fn(|| ground.prober.wire.receive(deadline))
            .find(|received| received.bytes[12..14] == [8, 6] && received.bytes[20..22] == [0, 2]);
        assert!(answer.is_some(), "{mode:?}: nobody answers ARP");
    }
}
