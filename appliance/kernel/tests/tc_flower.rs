//! Rules of flower under a kernel that has it, followed by the kernel alone (`skip_hw`): what they do to frames, read off
//! the wire. The kernel of the image has it; `RAVELIN_REQUIRE` says `flower` where it must not be skipped.

use std::time::{Duration, Instant};

use ravelin_kernel::{FlowerRule, FlowerState, GuardRule, Placement, RouteRule, TcFlower};
use ravelin_model::{FlowTuple, protocol};
use ravelin_test_harness::packet::{ACK, FIN, Packet, ROUTER_MAC, RST, SYN, Tag, Transport, read};
use ravelin_test_harness::{Namespace, Place, Wire, privileged};

const LIMIT: Duration = Duration::from_secs(20);
const SOURCE: [u8; 6] = [2, 0, 0, 0, 0, 0x11];
const NEXT_HOP: [u8; 6] = [2, 0, 0, 0, 0, 0x22];
/// Links of the far side: what `lan0` and `wan0` lead to, and VLANs of the latter.
const LINKS: [&str; 4] = ["lan1", "wan1", "wan1.200", "wan1.300"];
const WAN: usize = 1;
const SOFTWARE: Placement = Placement::SoftwareOnly;

/// A box that forwards nothing by itself.
struct Ground {
    router: Namespace,
    wire: Wire,
    tc: TcFlower,
    lan: u32,
    wan: u32,
}

impl Ground {
    /// None: this kernel has no flower, and need not have it.
    fn new() -> Option<Self> {
        if !privileged("netns") {
            return None;
        }
        let [router, far] = ["router", "far"].map(Namespace::new);
        let name = far.name();
        for (port, peer) in [("lan0", "lan1"), ("wan0", "wan1")] {
            router.ip(&format!(
                "link add {port} type veth peer name {peer} netns {name}"
            ));
            router.ip(&format!("link set {port} up"));
            far.ip(&format!("link set {peer} up"));
        }
        let own = ROUTER_MAC.map(|byte| format!("{byte:02x}")).join(":");
        router.ip(&format!("link set lan0 address {own}"));
        let index = |port: &str| {
            let shown = router.ip(&format!("-oneline link show dev {port}"));
            let index = shown.split(':').next().expect("an index");
            index.parse::<u32>().expect("a number")
        };
        let (lan, wan) = (index("lan0"), index("wan0"));
        let mut tc = router.within(|| TcFlower::open().expect("open"));
        tc.ensure_qdisc(lan).expect("clsact");
        let guard = FlowerRule::Guard(GuardRule::all(lan)[0]);
        if let Err(error) = tc.replace(1, &guard, SOFTWARE) {
            let required = std::env::var("RAVELIN_REQUIRE").unwrap_or_default();
            assert!(
                !required.split(',').any(|tier| tier == "flower"),
                "no flower: {error}"
            );
            eprintln!("skipped: this kernel has no flower");
            return None;
        }
        for tag in [200, 300] {
            far.ip(&format!("link add link wan1 name wan1.{tag} type vlan id {tag}"));
            far.ip(&format!("link set wan1.{tag} up"));
        }
        let wire = Wire::open(&far, &LINKS, &router);
        Some(Self {
            router,
            wire,
            tc,
            lan,
            wan,
        })
    }

    fn guard(&mut self) {
        for guard in GuardRule::all(self.lan) {
            let rule = FlowerRule::Guard(guard);
            self.tc.replace(guard.handle(), &rule, SOFTWARE).expect("a guard");
        }
    }

    fn route(&self, packet: &Packet, tags: [Option<u16>; 2]) -> FlowerRule {
        FlowerRule::Route(RouteRule {
            ingress: self.lan,
            ingress_tag: tags[0],
            own_address: ROUTER_MAC,
            tuple: tuple(packet),
            egress: self.wan,
            egress_tag: tags[1],
            source_address: SOURCE,
            destination_address: NEXT_HOP,
        })
    }

    /// The rules that route.
    fn routes(&mut self) -> Vec<FlowerState> {
        let rules = self.tc.rules(self.lan).expect("rules");
        rules
            .into_iter()
            .filter(|state| state.name.preference > 3)
            .collect()
    }

    /// Frames with these payloads that arrive at a link, in order, until the last of them.
    fn arrivals(&self, link: usize, last: &[u8]) -> Vec<Vec<u8>> {
        let (mut found, deadline) = (Vec::new(), Instant::now() + LIMIT);
        while let Some(received) = self.wire.receive(deadline) {
            if received.place == Place::Link(link) && received.bytes.windows(last.len()).any(is_payload) {
                let is_last = received.bytes.ends_with(last);
                found.push(received.bytes);
                if is_last {
                    return found;
                }
            }
        }
        panic!(
            "{:?} did not arrive; {found:02x?} did",
            String::from_utf8_lossy(last)
        );
    }
}

/// Payloads of these tests; the box itself asks for neighbours and the like.
fn is_payload(bytes: &[u8]) -> bool {
    bytes.starts_with(b"flower ")
}

fn tuple(packet: &Packet) -> FlowTuple {
    let (number, ports) = match &packet.transport {
        Transport::Tcp(tcp) => (protocol::TCP, (tcp.source, tcp.destination)),
        Transport::Udp(udp) => (protocol::UDP, (udp.source, udp.destination)),
        other => panic!("{other:?}"),
    };
    FlowTuple {
        source: packet.source,
        destination: packet.destination,
        protocol: number,
        source_port: ports.0,
        destination_port: ports.1,
    }
}

fn tagged(packet: &Packet, tag: Option<u16>) -> Packet {
    let tags = tag.map(|tci| Tag {
        ethertype: 0x8100,
        tci,
    });
    Packet {
        tags: tags.into_iter().collect(),
        ..packet.clone()
    }
}

fn with_flags(packet: &Packet, flags: u8) -> Packet {
    let mut packet = packet.clone();
    if let Transport::Tcp(tcp) = &mut packet.transport {
        tcp.flags = flags;
    }
    packet
}

#[test]
fn frames_of_the_connection_are_routed_and_no_others() {
    let Some(mut ground) = Ground::new() else { return };
    ground.guard();
    for family in [4, 6] {
        for (number, tags, link) in [
            (1, [None, None], WAN),
            (2, [Some(100), Some(200)], 2),
            (3, [Some(100), None], WAN),
            (4, [None, Some(300)], 3),
        ] {
            let port = 1000 + number;
            for packet in [
                with_flags(&Packet::tcp(family, port, 443, *b"flower first"), ACK),
                Packet::udp(family, port, 5000, *b"flower first"),
            ] {
                let what = format!("IPv{family}, {tags:?}, {:?}", packet.transport);
                let rule = ground.route(&packet, tags);
                ground.tc.replace(7, &rule, SOFTWARE).expect("a rule");
                let packet = tagged(&packet, tags[0]);
                let send = |packet: &Packet| ground.wire.send(0, &packet.build());
                send(&packet);
                // None of these is routed: all arrive before the next that is.
                for flags in [SYN, SYN | ACK, FIN | ACK, RST] {
                    if matches!(packet.transport, Transport::Tcp(_)) {
                        send(&with_flags(&packet, flags));
                    }
                }
                for ttl in [1, 0] {
                    send(&Packet {
                        ttl,
                        ..packet.clone()
                    });
                }
                let mut elsewhere = packet.build();
                elsewhere[5] ^= 1;
                ground.wire.send(0, &elsewhere);
                let mut other_port = packet.clone();
                match &mut other_port.transport {
                    Transport::Tcp(tcp) => tcp.source += 100,
                    Transport::Udp(udp) => udp.source += 100,
                    _ => {}
                }
                send(&other_port);
                send(&tagged(&packet, Some(101)));
                packet.fragments(8).iter().for_each(send);
                let mut last = Packet {
                    ttl: 2,
                    ..packet.clone()
                };
                match &mut last.transport {
                    Transport::Tcp(tcp) => tcp.payload = b"flower last.".to_vec(),
                    Transport::Udp(udp) => udp.payload = b"flower last.".to_vec(),
                    _ => {}
                }
                send(&last);
                let arrived = ground.arrivals(link, b"flower last.");
                assert_eq!(arrived.len(), 2, "{what}: {arrived:02x?}");
                for (frame, sent) in arrived.iter().zip([&packet, &last]) {
                    // Checksums and lengths are right, or this panics.
                    let frame = read(frame);
                    let before = read(&sent.build());
                    assert_eq!(
                        (frame.source_mac, frame.destination_mac),
                        (SOURCE, NEXT_HOP),
                        "{what}"
                    );
                    assert_eq!(frame.ttl + 1, before.ttl, "{what}");
                    let rest = |read: &ravelin_test_harness::packet::Read| {
                        (
                            read.source,
                            read.destination,
                            read.protocol,
                            read.transport.clone(),
                        )
                    };
                    assert_eq!(rest(&frame), rest(&before), "{what}");
                }
                let counted = ground.routes();
                let [state] = counted.as_slice() else {
                    panic!("{what}: {counted:?}")
                };
                // The kernel counts from the IP header on; cards count frames.
                let bytes = |packet: &Packet| packet.build().len() as u64 - packet.network_offset() as u64;
                let expected = bytes(&packet) + bytes(&last);
                assert_eq!((state.packets, state.bytes), (2, expected), "{what}");
                assert!(!state.in_hardware && state.in_hardware_count == 0, "{what}");
                assert!(state.idle.is_some_and(|idle| idle < LIMIT), "{what}: {state:?}");
                let shown = ground
                    .router
                    .run("tc", &["-s", "filter", "show", "dev", "lan0", "ingress"]);
                let sent = format!("Sent {} bytes 2 pkt", state.bytes);
                assert!(
                    shown.contains("skip_hw") && shown.contains(&sent),
                    "{what}: {shown}"
                );
                assert!(ground.tc.delete(state.name).expect("deleted"), "{what}");
                assert!(!ground.tc.delete(state.name).expect("gone"), "{what}");
                assert!(ground.routes().is_empty(), "{what}");
            }
        }
    }
}

#[test]
fn a_rule_is_replaced_in_its_place() {
    let Some(mut ground) = Ground::new() else { return };
    ground.guard();
    let packet = Packet::udp(4, 1000, 5000, *b"flower one");
    let rule = ground.route(&packet, [None, None]);
    for _ in 0..3 {
        ground.guard();
        ground.tc.ensure_qdisc(ground.lan).expect("clsact");
        ground.tc.replace(9, &rule, SOFTWARE).expect("a rule");
        assert_eq!(ground.routes().len(), 1);
        assert_eq!(ground.tc.rules(ground.lan).expect("rules").len(), 5);
    }
    let FlowerRule::Route(other) = rule else {
        unreachable!()
    };
    let other = FlowerRule::Route(RouteRule {
        destination_address: SOURCE,
        ..other
    });
    ground.tc.replace(9, &other, SOFTWARE).expect("another rule");
    ground.wire.send(0, &packet.build());
    let arrived = ground.arrivals(WAN, b"flower one");
    assert_eq!(read(&arrived[0]).destination_mac, SOURCE);
    assert_eq!(ground.routes().len(), 1);
}

#[test]
fn rules_of_others_are_left_alone() {
    let Some(mut ground) = Ground::new() else { return };
    let theirs =
        "filter add dev lan0 ingress protocol ip pref 50 flower skip_hw ip_proto udp dst_port 9 action pass";
    ground.router.run("tc", &theirs.split(' ').collect::<Vec<_>>());
    assert_eq!(ground.tc.rules(ground.lan).expect("rules").len(), 1, "ours");
    for state in ground.tc.rules(ground.lan).expect("rules") {
        ground.tc.delete(state.name).expect("deleted");
    }
    let shown = ground
        .router
        .run("tc", &["filter", "show", "dev", "lan0", "ingress"]);
    assert!(shown.contains("pref 50"), "{shown}");
    assert!(ground.tc.rules(ground.wan).expect("no clsact").is_empty());
}

#[test]
fn what_is_refused_is_not_there_and_why_is_told() {
    let Some(mut ground) = Ground::new() else { return };
    let packet = Packet::udp(6, 1000, 5000, *b"flower one");
    let rule = ground.route(&packet, [None, None]);
    // No card.
    let refused = ground
        .tc
        .replace(9, &rule, Placement::HardwareOnly)
        .expect_err("no card");
    assert_eq!(
        refused.source.raw_os_error(),
        Some(libc::EOPNOTSUPP),
        "{refused:?}"
    );
    let FlowerRule::Route(rule) = rule else {
        unreachable!()
    };
    let nowhere = FlowerRule::Route(RouteRule { egress: 9999, ..rule });
    let refused = ground
        .tc
        .replace(9, &nowhere, SOFTWARE)
        .expect_err("no such interface");
    assert_eq!(refused.source.raw_os_error(), Some(libc::ENODEV), "{refused:?}");
    assert!(ground.routes().is_empty());
    assert!(ground.tc.ensure_qdisc(9999).is_err(), "no such interface");
}
