use std::collections::BTreeMap;
use std::sync::Arc;

use ravelin_compile::{AddressTerm, Line, Origin, PairDefault, ResolvedZone, Ruleset};
use ravelin_kernel::{RouteAnswer, RouteQuestion};
use ravelin_model::{IcmpType, PortRange, Revision, ServiceEntry};

use super::*;

const LAN: u32 = 2;
const WAN: u32 = 3;
/// In no zone.
const SPARE: u32 = 4;

/// From `lan` to `wan` pings and TCP to port 21, which counts on 100 and 101. `local` is 1, the others have the number
/// of their interface.
fn policy() -> Judge {
    let number = |number| ZoneNumber::new(number).expect("zone");
    let zones = [(1, "local"), (LAN, "lan"), (WAN, "wan")].map(|(at, name)| ResolvedZone {
        number: number(at),
        id: format!("zon_{name}").parse().expect("id"),
        name: name.to_owned(),
        interfaces: Vec::new(),
    });
    let line = |counter, service| {
        Arc::new(Line {
            origin: Origin::Rule(format!("rul_{counter}").parse().expect("id")),
            counter,
            from: Some(number(LAN)),
            to: Some(number(WAN)),
            source: AddressTerm::default(),
            destination: AddressTerm::default(),
            services: vec![service],
            action: Action::Accept,
            log: false,
            rate_limit: None,
        })
    };
    let any = ServiceEntry {
        protocol: None,
        source_ports: Vec::new(),
        destination_ports: Vec::new(),
        icmp_types: Vec::new(),
    };
    let ping = ServiceEntry {
        protocol: Some(protocol::ICMP),
        icmp_types: vec![IcmpType {
            kind: 8,
            code: Some(0),
        }],
        ..any.clone()
    };
    let ftp = ServiceEntry {
        protocol: Some(protocol::TCP),
        destination_ports: vec![PortRange::new(21, 21).expect("port")],
        ..any
    };
    let default = PairDefault {
        origin: Origin::ZonePair("zpr_1".parse().expect("id")),
        counter: 200,
        action: Action::Reject,
        log: false,
    };
    let numbers = [1, LAN, WAN].map(number);
    let pairs = numbers.iter().flat_map(|from| numbers.map(|to| (*from, to)));
    Judge::new(
        Arc::new(Ruleset {
            revision: Revision(1),
            zones: zones.into_iter().map(|zone| (zone.number, zone)).collect(),
            lines: vec![line(100, ping), line(101, ftp)],
            left_out: Vec::new(),
            defaults: pairs.map(|pair| (pair, default.clone())).collect(),
            lists: BTreeMap::new(),
            translations: Vec::new(),
            dnat: Vec::new(),
            zone_of_interface: BTreeMap::from([(LAN, number(LAN)), (WAN, number(WAN))]),
            pinned: BTreeMap::new(),
        }),
        None,
    )
}

/// The box is 10.0.0.1; 10.0.0.0/8 is at `lan`, 10.9.0.0/16 at the spare interface, everything else at `wan`.
fn answer(questions: &[RouteQuestion]) -> Result<Vec<RouteAnswer>, KernelError> {
    let answer = |question: &RouteQuestion| match question.destination.to_string().as_str() {
        "10.0.0.1" => RouteAnswer::Local,
        "192.0.2.1" => RouteAnswer::Unreachable,
        text if text.starts_with("10.9.") => RouteAnswer::Out { interface: SPARE },
        text if text.starts_with("10.") => RouteAnswer::Out { interface: LAN },
        _ => RouteAnswer::Out { interface: WAN },
    };
    Ok(questions.iter().map(answer).collect())
}

fn tuple(protocol: u8, source: &str, destination: &str, port: u16) -> FlowTuple {
    FlowTuple {
        source: source.parse().expect("address"),
        destination: destination.parse().expect("address"),
        protocol,
        source_port: 40_000,
        destination_port: port,
    }
}

fn connection(original: FlowTuple, status: u32, mark: u32) -> Connection {
    Connection {
        id: 1,
        zone: 0,
        original,
        reply: original.inverted(),
        status: ConnectionStatus(status),
        mark,
        timeout_seconds: None,
        tcp_state: None,
        counts: None,
        started_at: None,
        ended_at: None,
        master: None,
        syn_proxy: false,
        labels: 0,
    }
}

fn judged(connections: impl IntoIterator<Item = Connection>) -> (LiveFlows, Vec<Ending>) {
    let policy = policy();
    let mut ask = answer;
    let mut judging = Judging::new(&policy, Ways::new(&mut ask));
    for connection in connections {
        judging.add(connection).expect("routes are known");
    }
    judging.finish().expect("routes are known")
}

/// None: it is not counted at all. Some: it is kept, or cut by this line.
#[track_caller]
fn check(connection: Connection, expected: Option<Result<(), VerdictLine>>) {
    let (result, endings) = judged([connection.clone()]);
    let found = match (result.kept, result.cut) {
        (0, 0) => None,
        (1, 0) => Some(Ok(())),
        _ => Some(Err(result.sample[0].line.clone())),
    };
    assert_eq!(found, expected, "{connection:?}");
    let cut = matches!(expected, Some(Err(_)));
    assert_eq!(endings.len(), usize::from(cut));
    assert!(
        endings
            .iter()
            .all(|ending| ending.original == connection.original)
    );
}

#[test]
fn a_connection_is_judged_like_the_packet_that_began_it() {
    let denied = || Some(Err(VerdictLine::ZonePair("zpr_1".parse().expect("id"))));
    let kept = || Some(Ok(()));
    let ftp = |source, destination| connection(tuple(protocol::TCP, source, destination, 21), 0, 0);
    check(ftp("10.0.0.7", "203.0.113.7"), kept());
    check(ftp("203.0.113.7", "10.0.0.7"), denied());
    check(ftp("10.0.0.7", "10.0.0.1"), denied());
    check(
        connection(tuple(protocol::TCP, "10.0.0.7", "203.0.113.7", 22), 0, 0),
        denied(),
    );
    // Type and code are in the place of the port.
    let ping = |kind_and_code| {
        connection(
            tuple(protocol::ICMP, "10.0.0.7", "203.0.113.7", kind_and_code),
            0,
            0,
        )
    };
    check(ping(8 << 8), kept());
    check(ping(8 << 8 | 1), denied());
    check(ping(13 << 8), denied());
    // What translation makes of it is judged, not what the client asked for.
    let mut published = ftp("10.0.0.7", "198.51.100.1");
    published.reply.source_port = 2121;
    check(published, denied());
    let mut published = connection(tuple(protocol::TCP, "10.0.0.7", "198.51.100.1", 2121), 0, 0);
    published.reply.source_port = 21;
    check(published, kept());
}

#[test]
fn what_no_rule_could_be_about_stays() {
    let kept = || Some(Ok(()));
    let udp = |source, destination| tuple(protocol::UDP, source, destination, 9);
    // Within the box.
    check(connection(udp("10.0.0.1", "10.0.0.1"), 0, 0), kept());
    let wrong = udp("203.0.113.7", "10.0.0.7");
    check(connection(wrong, 0, fixed_counter::INFRASTRUCTURE), kept());
    check(connection(wrong, 0, 200 | RV_CONNECTION_ANSWERED), kept());
    check(connection(wrong, 0, 100 | RV_CONNECTION_RESET), kept());
    check(connection(wrong, ConnectionStatus::DYING, 0), None);
    for (source, destination) in [
        ("192.0.2.1", "10.0.0.7"),
        ("10.0.0.7", "192.0.2.1"),
        ("0.0.0.0", "10.0.0.1"),
    ] {
        let (result, _) = judged([connection(udp(source, destination), 0, 0)]);
        assert_eq!((result.kept, result.unjudged, result.cut), (1, 1, 0), "{source}");
    }
}

#[test]
fn an_interface_in_no_zone_lets_nothing_live() {
    for (source, destination) in [
        ("10.9.0.7", "203.0.113.7"),
        ("10.0.0.7", "10.9.0.7"),
        ("10.0.0.1", "10.9.0.7"),
    ] {
        let original = tuple(protocol::TCP, source, destination, 21);
        check(connection(original, 0, 0), Some(Err(VerdictLine::NoZone)));
    }
}

#[test]
fn what_was_expected_follows_its_master() {
    let control = |destination| tuple(protocol::TCP, "10.0.0.7", destination, 21);
    let data = |master: Option<FlowTuple>| Connection {
        master,
        ..connection(
            tuple(protocol::TCP, "203.0.113.7", "10.0.0.7", 50_000),
            ConnectionStatus::EXPECTED,
            0,
        )
    };
    let kept = connection(control("203.0.113.7"), 0, 0);
    let cut = connection(control("10.0.0.9"), 0, 0);
    // Its master may come behind it.
    let (result, endings) = judged([
        data(Some(kept.original)),
        data(Some(cut.original)),
        data(None),
        data(Some(control("203.0.113.99"))),
        kept,
        cut.clone(),
    ]);
    assert_eq!((result.kept, result.cut), (4, 2));
    let ended: Vec<_> = endings.iter().map(|ending| ending.original).collect();
    assert_eq!(ended, [cut.original, data(None).original]);
    assert_eq!(result.sample[0].line, result.sample[1].line);
}

#[test]
fn many_are_judged_and_the_first_are_named() {
    let many = u16::try_from(BATCH + 100).expect("few");
    let of = |n: u16| FlowTuple {
        source_port: n,
        ..tuple(
            protocol::TCP,
            "10.0.0.7",
            "203.0.113.7",
            if n.is_multiple_of(2) { 21 } else { 22 },
        )
    };
    let (result, endings) = judged((0..many).map(|n| connection(of(n), 0, 0)));
    assert_eq!(
        (result.kept, result.cut),
        (u64::from(many) / 2, u64::from(many) / 2)
    );
    assert_eq!(endings.len() as u64, result.cut);
    assert_eq!(result.sample.len(), SAMPLE);
    assert!(
        result
            .sample
            .iter()
            .all(|cut| cut.original.destination_port == 22)
    );
}
