//! The queries.

use ravelin_abi::rv_protocol::RV_PROTOCOL_OTHER;
use ravelin_test_harness::packet::{Extension, Packet, Query};

use super::udp_row;

/// What shall become of a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    Pass,
    Drop,
    /// `edns`: whether the answer has an OPT record, and its DO bit.
    Answer {
        edns: Option<bool>,
    },
}

/// A datagram and its fate.
#[derive(Debug, Clone)]
pub struct Case {
    pub name: String,
    pub query: Query,
    pub packet: Packet,
    pub frame: Vec<u8>,
    /// `rv_protocol`.
    pub row: u32,
    pub fate: Fate,
}

impl Case {
    fn new(name: impl Into<String>, query: Query, packet: Packet, fate: Fate) -> Self {
        let family = if packet.source.is_ipv4() { 4 } else { 6 };
        Self {
            name: format!("IPv{family} {}", name.into()),
            frame: packet.build(),
            query,
            packet,
            row: udp_row(family),
            fate,
        }
    }

    pub fn length(&self) -> u64 {
        u64::try_from(self.frame.len()).unwrap()
    }
}

fn datagram(family: u8, query: &Query) -> Packet {
    Packet::udp(family, 40000, 53, query.build())
}

fn labels(count: usize, suffix: &str) -> String {
    format!("{}{suffix}", "a.".repeat(count))
}

/// Queries for listed names.
pub fn blocked() -> Vec<Case> {
    let mut cases = Vec::new();
    for family in [4, 6] {
        for (query, edns) in blocked_queries() {
            let packet = datagram(family, &query.1);
            cases.push(Case::new(query.0, query.1, packet, Fate::Answer { edns }));
        }
        cases.extend(blocked_frames(family));
    }
    cases
}

type Named = (String, Query);

fn blocked_queries() -> Vec<(Named, Option<bool>)> {
    let query = Query::new("blocked.example");
    let changed = |change: &dyn Fn(&mut Query)| {
        let mut query = query.clone();
        change(&mut query);
        query
    };
    let cookie = [0, 10, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8];
    let mut cases: Vec<(Named, Option<bool>)> = [
        "blocked.example",
        "BLOCKED.Example",
        "a.blocked.example",
        "A.B.C.blocked.eXample",
        "exact.example",
        "a.below.example",
        "b.a.below.example",
        "a.b.c.d.deep.example",
        "x.a.b.c.d.deep.example",
        "child.blocked2.example",
        "other.blocked2.example",
        "tld-only",
        "www.tld-only",
        "z",
        "under_score.example",
        "XN--mnchen-3ya.de",
        "1.2.3.4.5.6.7.8.9.10.11.12.13.14.15.16.17.18.19.20.many.example",
        &labels(126, "z"),
        &labels(119, "blocked.example"),
        &format!("{}.blocked.example", "l".repeat(63)),
        &format!(
            "{}.{}.{}.{}.blocked.example",
            "l".repeat(63),
            "m".repeat(63),
            "n".repeat(63),
            "o".repeat(45)
        ),
    ]
    .into_iter()
    .map(|name| ((name.to_owned(), Query::new(name)), None))
    .collect();
    let mut add = |name: &str, query: Query, edns| cases.push(((name.to_owned(), query), edns));
    for kind in [28, 255, 65, 16, 41, 0] {
        add(
            &format!("type {kind}"),
            changed(&|query| query.kind[0] = kind),
            None,
        );
    }
    add(
        "no recursion desired",
        changed(&|query| query.flags = [0, 0]),
        None,
    );
    add(
        "checking disabled",
        changed(&|query| query.flags = [1, 0x10]),
        None,
    );
    add(
        "authentic data asked for",
        changed(&|query| query.flags = [1, 0x20]),
        None,
    );
    add(
        "junk in the flags an answer has",
        changed(&|query| query.flags = [7, 0xef]),
        None,
    );
    add("id 0", changed(&|query| query.id = 0), None);
    add("EDNS", query.clone().edns(0, &[]), Some(false));
    add("EDNS, DNSSEC OK", query.clone().edns(0x8000, &[]), Some(true));
    add("EDNS, all flags", query.clone().edns(0xffff, &[]), Some(true));
    add(
        "EDNS with a cookie",
        query.clone().edns(0x8000, &cookie),
        Some(true),
    );
    add(
        "EDNS, long options",
        query.clone().edns(0, &[7; 400]),
        Some(false),
    );
    add(
        "EDNS, longest name",
        Query::new(&labels(126, "z")).edns(0x8000, &cookie),
        Some(true),
    );
    add(
        "EDNS of a later version",
        changed(&|query| query.rest = vec![0, 0, 41, 2, 0, 0, 1, 0, 0, 0, 0]),
        None,
    );
    add(
        "OPT cut off",
        changed(&|query| {
            query.counts[3] = 1;
            query.rest = vec![0, 0, 41, 2, 0, 0, 0, 0, 0, 0];
        }),
        None,
    );
    add(
        "OPT whose options are cut off",
        changed(&|query| {
            query.counts[3] = 1;
            query.rest = vec![0, 0, 41, 2, 0, 0, 0, 0, 0, 0, 9, 1];
        }),
        None,
    );
    add(
        "OPT with a name",
        changed(&|query| {
            query.counts[3] = 1;
            query.rest = vec![1, b'a', 0, 0, 41, 2, 0, 0, 0, 0, 0, 0, 0];
        }),
        None,
    );
    add(
        "an additional record that is no OPT",
        changed(&|query| {
            query.counts[3] = 1;
            query.rest = vec![0, 0, 250, 0, 255, 0, 0, 0, 0, 0, 0];
        }),
        None,
    );
    add(
        "OPT and another record",
        changed(&|query| {
            *query = query.clone().edns(0, &[]);
            query.counts[3] = 2;
            query.rest.extend([0, 0, 250, 0, 255, 0, 0, 0, 0, 0, 0]);
        }),
        None,
    );
    add(
        "bytes behind the question",
        changed(&|query| query.rest = vec![1; 100]),
        None,
    );
    cases
}

fn blocked_frames(family: u8) -> Vec<Case> {
    let query = Query::new("blocked.example").edns(0x8000, &[]);
    let packet = datagram(family, &query);
    let answer = Fate::Answer { edns: Some(true) };
    let case = |name: &str, packet: Packet| Case::new(name, query.clone(), packet, answer);
    let mut cases = vec![
        case("802.1Q", packet.clone().tagged(&[0x8100])),
        case("QinQ", packet.clone().tagged(&[0x88a8, 0x8100])),
        case(
            "padded frame",
            Packet {
                padding: 30,
                ..packet.clone()
            },
        ),
        case(
            "TTL 1",
            Packet {
                ttl: 1,
                ..packet.clone()
            },
        ),
        case("from port 53", Packet::udp(family, 53, 53, query.build())),
        case("from port 0", Packet::udp(family, 0, 53, query.build())),
    ];
    if family == 4 {
        for length in [4, 40] {
            let name = format!("{length} bytes of options");
            cases.push(case(
                &name,
                Packet {
                    options: vec![1; length],
                    ..packet.clone()
                },
            ));
        }
        let mut bare = case("no UDP checksum", packet.clone());
        let at = packet.network_offset() + 20 + 6;
        bare.frame[at..at + 2].fill(0);
        cases.push(bare);
    } else {
        use Extension::{Authentication, Destination, Fragment, HopByHop, Routing};
        for chain in [
            &[HopByHop(0)][..],
            &[Destination(4)],
            &[Fragment(0, false)],
            &[
                HopByHop(1),
                Destination(0),
                Routing(2),
                Authentication(4),
                Destination(0),
            ],
        ] {
            cases.push(case(&format!("{chain:?}"), packet.clone().extended(chain)));
        }
        let tagged = packet.clone().extended(&[HopByHop(0)]).tagged(&[0x8100, 0x8100]);
        cases.push(case("tags and an extension header", tagged));
    }
    let mut group = Case::new(
        "to a group address, answered by nobody",
        query.clone(),
        packet,
        Fate::Drop,
    );
    group.frame[..6].fill(0xff);
    cases.push(group);
    cases
}

/// Datagrams that are no query for a listed name.
pub fn passing() -> Vec<Case> {
    let mut cases = Vec::new();
    for family in [4, 6] {
        for (name, query) in passing_queries() {
            let packet = datagram(family, &query);
            cases.push(Case::new(name, query, packet, Fate::Pass));
        }
        cases.extend(passing_frames(family));
    }
    cases
}

fn passing_queries() -> Vec<Named> {
    let query = Query::new("blocked.example");
    let changed = |change: &dyn Fn(&mut Query)| {
        let mut query = query.clone();
        change(&mut query);
        query
    };
    let mut cases: Vec<Named> = [
        "example",
        "other.example",
        "notblocked.example",
        "blocked.example.org",
        "blocked-example",
        "a.exact.example",
        "below.example",
        "b.c.d.deep.example",
        "blocked2.example",
        "tld-only2",
        "1.2.3.4.5.6.7.8.9.10.11.12.13.14.15.16.17.18.19.many.example",
        &labels(126, "y"),
        "",
    ]
    .into_iter()
    .map(|name| (format!("\"{name}\""), Query::new(name)))
    .collect();
    let mut add = |name: &str, query: Query| cases.push((name.to_owned(), query));
    add("a response", changed(&|query| query.flags[0] = 0x81));
    for opcode in [1, 2, 4, 5, 15] {
        add(
            &format!("opcode {opcode}"),
            changed(&|query| query.flags[0] = opcode << 3),
        );
    }
    for (count, value) in [(0, 0), (0, 2), (0, 257), (1, 1), (2, 1), (1, 256)] {
        add(
            &format!("count {count} of {value}"),
            changed(&|query| query.counts[count] = value),
        );
    }
    for class in [0, 3, 4, 254, 255, 256, 257] {
        add(&format!("class {class}"), changed(&|query| query.kind[1] = class));
    }
    for (what, bytes) in [
        ("compression pointer", vec![0xc0, 12]),
        (
            "compression pointer behind a label",
            b"\x07blocked\xc0\x0c".to_vec(),
        ),
        ("label of a reserved type", b"\x40blocked\x07example\0".to_vec()),
        (
            "label of 64 bytes",
            [&[64][..], &[b'a'; 64], b"\x07example\0"].concat(),
        ),
        (
            "label that reaches beyond the message",
            b"\x07blocked\x3fexample\0".to_vec(),
        ),
        ("name without an end", b"\x07blocked\x07example".to_vec()),
        (
            "name of 256 bytes",
            [&b"\x01a".repeat(120)[..], b"\x07blocked\x07exampl\0"].concat(),
        ),
    ] {
        add(what, changed(&|query| query.name.clone_from(&bytes)));
    }
    cases
}

fn passing_frames(family: u8) -> Vec<Case> {
    let query = Query::new("blocked.example");
    let packet = datagram(family, &query);
    let case = |name: &str, packet: Packet| Case::new(name, query.clone(), packet, Fate::Pass);
    let mut cases = vec![
        case("to port 54", Packet::udp(family, 40000, 54, query.build())),
        case("to port 5353", Packet::udp(family, 40000, 5353, query.build())),
        case(
            "from port 53 to another",
            Packet::udp(family, 53, 40000, query.build()),
        ),
        Case {
            row: RV_PROTOCOL_OTHER,
            ..case("three tags", packet.clone().tagged(&[0x88a8, 0x8100, 0x8100]))
        },
    ];
    let message = query.build();
    for length in 0..message.len() {
        let cut = Packet::udp(family, 40000, 53, &message[..length]);
        cases.push(case(&format!("{length} bytes of the message"), cut));
    }
    let header = if family == 4 { 20 } else { 40 };
    for (what, length) in [
        ("0", 0),
        ("7", 7),
        ("of the header", 8),
        ("beyond the packet", 500),
    ] {
        let mut odd = case(&format!("UDP length {what}"), packet.clone());
        let at = packet.network_offset() + header + 4;
        odd.frame[at..at + 2].copy_from_slice(&u16::to_be_bytes(length));
        cases.push(odd);
    }
    let padded = Packet {
        padding: 30,
        ..packet.clone()
    };
    let mut reaching = case("UDP length into the padding", padded);
    let at = packet.network_offset() + header + 4;
    let length = u16::try_from(8 + message.len() + 10).unwrap();
    reaching.frame[at..at + 2].copy_from_slice(&length.to_be_bytes());
    cases.push(reaching);
    for (offset, more) in [(0, true), (8, false), (8, true)] {
        let fragment = if family == 4 {
            Packet {
                fragment: Some((offset, more)),
                ..packet.clone()
            }
        } else {
            packet.clone().extended(&[Extension::Fragment(offset, more)])
        };
        cases.push(case(&format!("fragment at {offset}, more: {more}"), fragment));
    }
    cases
}
