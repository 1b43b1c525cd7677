//! Address translation: what arrives, what comes back, and errors about it.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::ops::RangeInclusive;

use ravelin_test_harness::packet::{ACK, Icmp, Packet, SYN, Tcp, Transport, Udp, View};
use serde_json::{Value, json};

use super::case::Group;
use super::draft::{self, hosts, rule, tcp};
use super::engine::Mode;
use super::ground::{Ground, crossing, grown, on_paper, wait_for_growth};
use super::prober::Prober;
use super::shot::*;

/// How a packet must look where it leaves; None: as it was sent.
#[derive(Debug, Clone, Default)]
struct Want {
    source: Option<Host>,
    destination: Option<Host>,
    source_ports: Option<RangeInclusive<u16>>,
    destination_port: Option<u16>,
}

/// A packet that must come through, with its translation.
struct Translated {
    name: &'static str,
    shot: Shot,
    want: Want,
    families: &'static [u8],
}

fn translated(name: &'static str, shot: Shot, want: Want) -> Translated {
    Translated {
        name,
        shot,
        want,
        families: &[4, 6],
    }
}

fn from(source: Host) -> Want {
    Want {
        source: Some(source),
        ..Want::default()
    }
}

fn to(destination: Host) -> Want {
    Want {
        destination: Some(destination),
        ..Want::default()
    }
}

impl Want {
    fn port(self, port: u16) -> Self {
        Self {
            destination_port: Some(port),
            ..self
        }
    }

    fn seen_from(self, source: Host) -> Self {
        Self {
            source: Some(source),
            ..self
        }
    }

    fn source_ports(self, ports: RangeInclusive<u16>) -> Self {
        Self {
            source_ports: Some(ports),
            ..self
        }
    }
}

/// Shows translations, their replies and errors about them, and the cases of the groups, in both modes.
#[track_caller]
fn check(shown: &[Shown]) {
    let mut failures: Vec<String> = shown.iter().flat_map(|(group, _)| on_paper(group)).collect();
    let Some(crossing) = crossing() else { return };
    let ground = Ground::start(&crossing);
    let counters = || ground.engine.counters();
    for (group, translations) in shown {
        ground.engine.apply(group);
        for mode in Mode::ALL {
            ground.engine.judge_by(mode);
            for one in translations {
                for &family in one.families {
                    if let Err(why) = round_trip(&ground.prober, &counters, one, family) {
                        let (group, name) = (group.name, one.name);
                        failures.push(format!("{group}: {name}, IPv{family}, {mode:?}: {why}"));
                    }
                }
            }
            failures.extend(ground.show_all(group, mode));
        }
    }
    assert!(
        failures.is_empty(),
        "{} failures:\n{}",
        failures.len(),
        failures.join("\n")
    );
}

fn round_trip(
    prober: &Prober,
    counters: &dyn Fn() -> BTreeMap<String, u64>,
    one: &Translated,
    family: u8,
) -> Result<(), String> {
    let Translated { shot, want, .. } = one;
    let Fate::Delivered(exit) = shot.fate else {
        panic!("a translated packet arrives");
    };
    let before = counters();
    let sent = shot.packet(family, prober.own_port(), &prober.marker());
    let there = pass(prober, shot.at, &sent, exit)?;
    let sent = View::of_frame(&sent.build()).expect("a packet");
    let host = |host: Option<Host>, same| host.map_or(same, |host| host.address(family));
    let expected = (
        host(want.source, sent.source),
        host(want.destination, sent.destination),
    );
    if (there.source, there.destination) != expected {
        return Err(format!("arrived as {there:?}, not {expected:?}"));
    }
    if let (Some((source, destination)), Some(ports)) = (there.ports(), sent.ports()) {
        let right = match &want.source_ports {
            Some(range) => range.contains(&source),
            None => source == ports.0,
        };
        if !right || destination != want.destination_port.unwrap_or(ports.1) {
            return Err(format!(
                "arrived with ports {source} and {destination}, sent {ports:?}"
            ));
        }
    }

    let back = pass(prober, exit, &reply(&there, &prober.marker()), shot.at)?;
    if (back.source, back.destination) != (sent.destination, sent.source) {
        return Err(format!("the reply came back as {back:?}"));
    }
    if back.ports() != sent.ports().map(|(source, destination)| (destination, source)) {
        return Err(format!("the reply came back with ports {:?}", back.ports()));
    }

    let (kind, code) = if family == 4 { (3, 4) } else { (2, 0) };
    let error = error_about(&there, kind, code);
    let back = pass(prober, exit, &error, shot.at)?;
    let quoted = back.quoted().ok_or_else(|| format!("{back:?} quotes nothing"))?;
    let right = back.destination == sent.source
        && (quoted.source, quoted.destination) == (sent.source, sent.destination)
        && quoted.ports() == sent.ports();
    if !right {
        return Err(format!("the error came back as {back:?}, quoting {quoted:?}"));
    }

    // Of one connection, so on one line: the packet, its reply and the error.
    let line = match shot.by {
        By::Rule(name) => format!("rule {name}"),
        By::Published(name) => format!("published {name}"),
        other => panic!("{other:?} lets no translated packet in"),
    };
    wait_for_growth(counters, &before, &[(line, 3)]).map(drop)
}

/// Sends a packet with a marker and gives it as it arrives, whole.
fn pass(prober: &Prober, at: Port, packet: &Packet, to: Port) -> Result<View, String> {
    let frame = packet.build();
    let marker = frame[frame.len() - 16..].to_vec();
    let link = at.link().expect("a link");
    prober.wire.send(link, &frame);
    let mut seen: Vec<_> = prober
        .until_fence(at, to)
        .into_iter()
        .filter(|arrival| arrival.bytes.windows(16).any(|window| window == marker))
        .collect();
    match (seen.pop(), seen.is_empty()) {
        (Some(one), true) if one.is_at(to) && one.view.checksum_is_right() => Ok(one.view),
        (one, _) => Err(format!(
            "{} to {}: not one whole packet at {}, but {one:?} {seen:?}",
            packet.source,
            packet.destination,
            to.name()
        )),
    }
}

/// What the host a packet arrived at answers.
fn reply(there: &View, marker: &[u8]) -> Packet {
    let transport = match (there.protocol, there.ports()) {
        (6, Some((source, destination))) => Transport::Tcp(Tcp {
            source: destination,
            destination: source,
            sequence: 5000,
            acknowledgement: 1017,
            flags: SYN | ACK,
            options: Vec::new(),
            payload: marker.to_vec(),
        }),
        (17, Some((source, destination))) => Transport::Udp(Udp {
            source: destination,
            destination: source,
            payload: marker.to_vec(),
        }),
        (protocol, _) => Transport::Icmp(Icmp {
            protocol,
            kind: if protocol == 1 { 0 } else { 129 },
            code: 0,
            rest: there.transport[4..8].try_into().expect("four bytes"),
            payload: marker.to_vec(),
        }),
    };
    between(there.destination, there.source, transport)
}

/// An ICMP error about a packet from the host it arrived at.
fn error_about(there: &View, kind: u8, code: u8) -> Packet {
    let quote = between(
        there.source,
        there.destination,
        Transport::Raw(there.protocol, there.transport.clone()),
    );
    let icmp = Icmp {
        protocol: if there.source.is_ipv4() { 1 } else { 58 },
        kind,
        code,
        // Of "packet too big": 1280 bytes fit.
        rest: [0, 0, 0x05, 0],
        payload: quote.build()[14..].to_vec(),
    };
    between(there.destination, there.source, Transport::Icmp(icmp))
}

fn between(source: IpAddr, destination: IpAddr, transport: Transport) -> Packet {
    let mut packet = Packet::new(if source.is_ipv4() { 4 } else { 6 }, transport);
    (packet.source, packet.destination) = (source, destination);
    packet
}

/// A NAT rule for each family: members whose values are hosts differ between them.
fn nat(group: Group, name: &str, members: &Value, addresses: &[(&str, Host)]) -> Group {
    [4, 6].into_iter().fold(group, |group, family| {
        let mut value = members.clone();
        value["name"] = format!("{name} {family}").into();
        for (member, host) in addresses {
            value[*member] = host.address(family).to_string().into();
        }
        let kind = if value["kind"].is_null() {
            "published_service"
        } else {
            "nat_rule"
        };
        group.object(kind, value)
    })
}

fn out(group: Group) -> Group {
    group.rule(rule("out").from("lan").to("wan").accept())
}

/// A policy with the packets it translates, and cases of packets it does not.
type Shown = (Group, Vec<Translated>);

#[test]
fn packets_are_translated_and_back() {
    check(&[
        masquerade(),
        masquerade_of_some(),
        snat_to_an_address_and_ports(),
        the_first_nat_rule_decides(),
        dnat(),
        hairpin(),
        one_to_one(),
        published_services(),
    ]);
}

fn masquerade() -> Shown {
    let group = out(Group::new("masquerade"))
        .object(
            "nat_rule",
            json!({ "name": "all", "kind": "masquerade", "to_zone": "wan" }),
        )
        .rule(rule("aside").from("lan").to("dmz").accept())
        .rule(rule("in").from("wan").to("lan").accept());
    (
        group,
        vec![
            translated("TCP", syn(LAN, WAN, 80).passes("out"), from(ROUTER_WAN)),
            translated("UDP", udp(LAN, INTERNET, 53).passes("out"), from(ROUTER_WAN)),
            translated("an echo request", ping(LAN, WAN).passes("out"), from(ROUTER_WAN)),
            translated(
                "the other interface",
                syn(LAN2, WAN, 80).passes("out"),
                from(ROUTER_WAN),
            ),
            translated(
                "not to another zone",
                syn(LAN, DMZ, 80).passes("aside"),
                Want::default(),
            ),
            translated("not inwards", udp(WAN, LAN, 80).passes("in"), Want::default()),
        ],
    )
}

fn masquerade_of_some() -> Shown {
    let group = out(Group::new("masquerade of some")).object(
        "nat_rule",
        json!({ "name": "some", "kind": "masquerade", "to_zone": "wan",
            "source_addresses": ["10.77.1.8/29", "fd77:1::8/125"] }),
    );
    (
        group,
        vec![
            translated("one of them", syn(LAN, WAN, 80).passes("out"), from(ROUTER_WAN)),
            translated(
                "another one",
                syn(Port::Lan.host(16), WAN, 80).passes("out"),
                Want::default(),
            ),
        ],
    )
}

fn snat_to_an_address_and_ports() -> Shown {
    let outside = Port::Wan.host(30);
    let members = json!({ "kind": "snat", "to_zone": "wan", "ports": "40000-40999" });
    let group = nat(out(Group::new("snat")), "snat", &members, &[("address", outside)]);
    (
        group,
        vec![
            translated(
                "TCP",
                syn(LAN, WAN, 80).passes("out"),
                from(outside).source_ports(40_000..=40_999),
            ),
            translated(
                "UDP",
                udp(LAN, WAN, 53).passes("out"),
                from(outside).source_ports(40_000..=40_999),
            ),
        ],
    )
}

fn the_first_nat_rule_decides() -> Shown {
    let (one, other) = (Port::Wan.host(30), Port::Wan.host(31));
    let members = json!({ "kind": "snat", "to_zone": "wan" });
    let mut group = out(Group::new("order"));
    for (name, host, addresses) in [
        ("first", one, json!(["10.77.1.10", "fd77:1::a"])),
        ("second", other, json!(["10.77.1.0/24", "fd77:1::/64"])),
    ] {
        for family in [4, 6] {
            let mut value = members.clone();
            value["name"] = format!("{name} {family}").into();
            value["address"] = host.address(family).to_string().into();
            let of_family = addresses[usize::from(family == 6)].clone();
            value["source_addresses"] = json!([of_family]);
            group = group.object("nat_rule", value);
        }
    }
    (
        group,
        vec![
            translated("the first", udp(LAN, WAN, 53).passes("out"), from(one)),
            translated(
                "the second",
                udp(Port::Lan.host(11), WAN, 53).passes("out"),
                from(other),
            ),
        ],
    )
}

fn dnat() -> Shown {
    let group = Group::new("dnat")
        .rule(
            rule("web")
                .from("wan")
                .to("lan")
                .destination(hosts(&[LAN]))
                .service(tcp(&["80", "5000-5009", "7000-7009"]))
                .accept(),
        )
        .rule(
            rule("udp")
                .from("wan")
                .to("dmz")
                .destination(hosts(&[DMZ]))
                .service(draft::udp(&["9000"]))
                .accept(),
        );
    let mut group = group;
    for (name, ports, target_port) in [
        ("8888", "8888", json!(80)),
        ("same ports", "5000-5009", Value::Null),
        ("shifted ports", "6000-6009", json!(7000)),
    ] {
        let mut members = json!({ "kind": "dnat", "from_zone": "wan", "protocol": "tcp", "ports": ports });
        if !target_port.is_null() {
            members["target_port"] = target_port;
        }
        group = nat(group, name, &members, &[("address", ROUTER_WAN), ("target", LAN)]);
    }
    let members = json!({ "kind": "dnat", "from_zone": "wan", "interface": "wan0", "protocol": "udp",
        "ports": "9000" });
    group = nat(group, "by interface", &members, &[("target", DMZ)]);
    let group = group
        .case(
            "a port behind the range",
            syn(WAN, ROUTER_WAN, 6010).dropped(UNWRITTEN),
        )
        .case(
            "the other protocol",
            udp(WAN, ROUTER_WAN, 8888).dropped(UNWRITTEN),
        )
        .case("from another zone", syn(DMZ, ROUTER_WAN, 8888).dropped(UNWRITTEN))
        .case("another address", syn(WAN, ROUTER, 8888).dropped(UNWRITTEN))
        .case("the target itself", syn(WAN, LAN, 81).dropped(UNWRITTEN))
        .case(
            "translated to what no rule allows",
            udp(Port::Wan.host(11), ROUTER_WAN, 9001).dropped(UNWRITTEN),
        );
    (
        group,
        vec![
            translated(
                "8888 to 80",
                syn(WAN, ROUTER_WAN, 8888).arrives(Port::Lan, "web"),
                to(LAN).port(80),
            ),
            translated(
                "the first of a range",
                syn(WAN, ROUTER_WAN, 5000).arrives(Port::Lan, "web"),
                to(LAN),
            ),
            translated(
                "the last of a range",
                syn(WAN, ROUTER_WAN, 5009).arrives(Port::Lan, "web"),
                to(LAN),
            ),
            translated(
                "the first of a shifted range",
                syn(WAN, ROUTER_WAN, 6000).arrives(Port::Lan, "web"),
                to(LAN).port(7000),
            ),
            translated(
                "within a shifted range",
                syn(WAN, ROUTER_WAN, 6003).arrives(Port::Lan, "web"),
                to(LAN).port(7003),
            ),
            translated(
                "the last of a shifted range",
                syn(WAN, ROUTER_WAN, 6009).arrives(Port::Lan, "web"),
                to(LAN).port(7009),
            ),
            translated(
                "by interface",
                udp(WAN, ROUTER_WAN, 9000).arrives(Port::Dmz, "udp"),
                to(DMZ),
            ),
        ],
    )
}

fn hairpin() -> Shown {
    let group = Group::new("hairpin").rule(
        rule("web")
            .to("lan")
            .destination(hosts(&[LAN]))
            .service(tcp(&["80"]))
            .accept(),
    );
    let members = json!({ "kind": "dnat", "from_zone": "wan", "protocol": "tcp", "ports": "8888",
        "target_port": 80, "hairpin": true });
    let group = nat(
        group,
        "hairpin",
        &members,
        &[("address", ROUTER_WAN), ("target", LAN)],
    );
    (
        group,
        vec![
            translated(
                "from outside",
                syn(WAN, ROUTER_WAN, 8888).arrives(Port::Lan, "web"),
                to(LAN).port(80),
            ),
            translated(
                "from the server's own network",
                syn(Port::Lan.host(11), ROUTER_WAN, 8888).arrives(Port::Lan, "web"),
                to(LAN).port(80).seen_from(ROUTER),
            ),
            translated(
                "from another zone",
                syn(DMZ, ROUTER_WAN, 8888).arrives(Port::Lan, "web"),
                to(LAN).port(80),
            ),
        ],
    )
}

fn one_to_one() -> Shown {
    let outside = Port::Wan.host(20);
    let members = json!({ "kind": "one_to_one", "zone": "wan" });
    let group = out(Group::new("one to one")).rule(
        rule("in")
            .from("wan")
            .to("lan")
            .destination(hosts(&[LAN]))
            .accept(),
    );
    let group = nat(
        group,
        "one",
        &members,
        &[("external", outside), ("internal", LAN)],
    );
    let group = group.object(
        "nat_rule",
        json!({ "name": "net 4", "kind": "one_to_one", "zone": "wan", "external": "10.77.2.32/30", "internal": "10.77.1.20/30" }),
    );
    (
        group,
        vec![
            translated("outwards", syn(LAN, WAN, 80).passes("out"), from(outside)),
            translated("inwards", syn(WAN, outside, 80).arrives(Port::Lan, "in"), to(LAN)),
            translated(
                "an echo request inwards",
                ping(WAN, outside).arrives(Port::Lan, "in"),
                to(LAN),
            ),
            translated(
                "another host",
                udp(Port::Lan.host(11), WAN, 53).passes("out"),
                Want::default(),
            ),
            Translated {
                families: &[4],
                ..translated(
                    "of a network",
                    udp(Port::Lan.host(22), WAN, 53).passes("out"),
                    from(Port::Wan.host(34)),
                )
            },
        ],
    )
}

fn published_services() -> Shown {
    let members = json!({ "from_zone": "wan", "protocol": "tcp", "ports": "443", "target_port": 8443 });
    let group = nat(
        Group::new("published"),
        "shop",
        &members,
        &[("address", ROUTER_WAN), ("target", LAN)],
    );
    let members = json!({ "from_zone": "wan", "protocol": "tcp", "ports": "25", "source": { "addresses": ["10.77.2.10", "fd77:2::a"] } });
    let group = nat(
        group,
        "mail",
        &members,
        &[("address", ROUTER_WAN), ("target", DMZ)],
    )
    .case(
        "a port nobody published",
        syn(WAN, ROUTER_WAN, 444).dropped(UNWRITTEN),
    )
    .case(
        "the target past its address",
        syn(WAN, LAN, 444).dropped(UNWRITTEN),
    )
    .case(
        "who may not",
        syn(Port::Wan.host(11), ROUTER_WAN, 25).dropped(UNWRITTEN),
    );
    let each = |name, family: u8, shot: Shot, want| Translated {
        families: if family == 4 { &[4] } else { &[6] },
        ..translated(name, shot, want)
    };
    (
        group,
        vec![
            each(
                "from outside",
                4,
                syn(WAN, ROUTER_WAN, 443).arrives(Port::Lan, By::Published("shop 4")),
                to(LAN).port(8443),
            ),
            each(
                "from outside",
                6,
                syn(WAN, ROUTER_WAN, 443).arrives(Port::Lan, By::Published("shop 6")),
                to(LAN).port(8443),
            ),
            each(
                "from the server's own network",
                4,
                syn(Port::Lan.host(11), ROUTER_WAN, 443).arrives(Port::Lan, By::Published("shop 4")),
                to(LAN).port(8443).seen_from(ROUTER),
            ),
            each(
                "from the server's own network",
                6,
                syn(Port::Lan.host(11), ROUTER_WAN, 443).arrives(Port::Lan, By::Published("shop 6")),
                to(LAN).port(8443).seen_from(ROUTER),
            ),
            each(
                "who may",
                4,
                syn(WAN, ROUTER_WAN, 25).arrives(Port::Dmz, By::Published("mail 4")),
                to(DMZ),
            ),
            each(
                "who may",
                6,
                syn(WAN, ROUTER_WAN, 25).arrives(Port::Dmz, By::Published("mail 6")),
                to(DMZ),
            ),
        ],
    )
}

#[test]
fn a_host_learns_the_mtu_of_a_narrow_link() {
    let Some(crossing) = crossing() else { return };
    let ground = Ground::start(&crossing);
    crossing.router.ip("link set dmz0 mtu 1400");
    ground
        .engine
        .apply_rules(&[rule("all").from("lan").to("dmz").accept()]);
    for mode in Mode::ALL {
        ground.engine.judge_by(mode);
        for family in [4, 6] {
            let send = |length: usize| {
                let own = ground.prober.own_port();
                let mut packet = Packet::udp(family, own, 9, vec![0x5a; length]);
                (packet.source, packet.destination) = (LAN.address(family), DMZ.address(family));
                packet.dont_fragment = true;
                ground
                    .prober
                    .wire
                    .send(Port::Lan.link().expect("a link"), &packet.build());
                ground
                    .prober
                    .until_fence(Port::Lan, Port::Dmz)
                    .into_iter()
                    .filter(move |arrival| {
                        let view = arrival.view.quoted().unwrap_or_else(|| arrival.view.clone());
                        view.ports() == Some((own, 9))
                    })
                    .collect::<Vec<_>>()
            };
            let headers = if family == 4 { 28 } else { 48 };
            let small = send(1400 - headers);
            assert!(
                matches!(&small[..], [one] if one.is_at(Port::Dmz)),
                "{mode:?} {family}: {small:?}"
            );
            let large = send(1401 - headers);
            let [error] = &large[..] else {
                panic!("{mode:?} IPv{family}: {large:?}");
            };
            let kind = if family == 4 { (3, 4) } else { (2, 0) };
            assert!(error.is_at(Port::Lan) && error.icmp() == Some(kind), "{error:?}");
            assert_eq!(error.view.transport[6..8], 1400u16.to_be_bytes(), "{error:?}");
        }
    }
}

/// Two hosts behind one address with the same port are told apart.
#[test]
fn masqueraded_connections_do_not_collide() {
    let Some(crossing) = crossing() else { return };
    let ground = Ground::start(&crossing);
    let group = out(Group::new("masquerade")).object(
        "nat_rule",
        json!({ "name": "all", "kind": "masquerade", "to_zone": "wan" }),
    );
    ground.engine.apply(&group);
    for family in [4, 6] {
        let own = ground.prober.own_port();
        let ports = [10, 11].map(|host| {
            let shot = udp(Port::Lan.host(host), WAN, 53);
            let packet = shot.packet(family, own, &ground.prober.marker());
            let there = pass(&ground.prober, Port::Lan, &packet, Port::Wan).expect("arrives");
            let back = reply(&there, &ground.prober.marker());
            let back = pass(&ground.prober, Port::Wan, &back, Port::Lan).expect("comes back");
            assert_eq!(back.destination, packet.source);
            there.ports().expect("ports").0
        });
        assert_ne!(ports[0], ports[1], "IPv{family}");
    }
    // Nothing else was counted than these.
    let counters = ground.engine.counters();
    assert_eq!(
        grown(&BTreeMap::new(), &counters)
            .iter()
            .filter(|(name, _)| name == "rule out")
            .count(),
        1
    );
}
