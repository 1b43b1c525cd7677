//! The segments.

use ravelin_test_harness::packet::{ACK, Extension, FIN, PSH, Packet, Query, SYN, Tcp, Transport};

/// A segment for port 53.
#[derive(Debug, Clone)]
pub struct Case {
    pub name: String,
    pub query: Query,
    pub packet: Packet,
    pub frame: Vec<u8>,
    /// Whether the answer has an OPT record, and its DO bit.
    pub edns: Option<bool>,
    /// Whether it asks for a listed name.
    pub listed: bool,
}

impl Case {
    fn new(name: &str, query: &Query, packet: Packet) -> Self {
        Self {
            name: format!("IPv{} {name}", if packet.source.is_ipv4() { 4 } else { 6 }),
            query: query.clone(),
            frame: packet.build(),
            packet,
            edns: None,
            listed: true,
        }
    }

    pub fn length(&self) -> u64 {
        u64::try_from(self.frame.len()).unwrap()
    }

    pub fn segment(&self) -> &Tcp {
        match &self.packet.transport {
            Transport::Tcp(tcp) => tcp,
            other => panic!("{other:?} is no segment"),
        }
    }
}

fn segment(family: u8, payload: Vec<u8>) -> Packet {
    Packet::tcp(family, 40000, 53, payload)
}

fn changed(packet: &Packet, change: impl FnOnce(&mut Tcp)) -> Packet {
    let mut packet = packet.clone();
    if let Transport::Tcp(tcp) = &mut packet.transport {
        change(tcp);
    }
    packet
}

/// Segments with a query for a listed name.
pub fn blocked() -> Vec<Case> {
    let mut cases = Vec::new();
    for family in [4, 6] {
        let names = [
            "blocked.example".to_owned(),
            "BLOCKED.Example".to_owned(),
            "a.blocked.example".to_owned(),
            "exact.example".to_owned(),
            "b.a.below.example".to_owned(),
            "z".to_owned(),
            format!("{}z", "a.".repeat(126)),
        ];
        for name in &names {
            let query = Query::new(name);
            let cookie = [0, 10, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8];
            let with_edns = query.clone().edns(0x8000, &cookie);
            for (how, payload, query, edns) in [
                ("framed", query.framed(), &query, None),
                ("length in another segment", query.build(), &query, None),
                ("EDNS, framed", with_edns.framed(), &with_edns, Some(true)),
                (
                    "EDNS, length in another segment",
                    with_edns.build(),
                    &with_edns,
                    Some(true),
                ),
            ] {
                let case = Case::new(&format!("{how}: {name}"), query, segment(family, payload));
                cases.push(Case { edns, ..case });
            }
        }
        cases.extend(blocked_frames(family));
    }
    cases
}

fn blocked_frames(family: u8) -> Vec<Case> {
    let query = Query::new("blocked.example");
    let packet = segment(family, query.framed());
    let second = Query::new("other.example").framed();
    let mut cases = Vec::new();
    for (name, packet) in [
        ("802.1Q", packet.clone().tagged(&[0x8100])),
        ("QinQ", packet.clone().tagged(&[0x88a8, 0x8100])),
        (
            "timestamps",
            changed(&packet, |tcp| {
                tcp.options = vec![1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2]
            }),
        ),
        (
            "longest TCP header",
            changed(&packet, |tcp| tcp.options = vec![1; 40]),
        ),
        ("without PSH", changed(&packet, |tcp| tcp.flags = ACK)),
        (
            "with the client's FIN",
            changed(&packet, |tcp| tcp.flags = PSH | ACK | FIN),
        ),
        (
            "sequence number about to wrap",
            changed(&packet, |tcp| tcp.sequence = u32::MAX - 3),
        ),
        (
            "another query behind it",
            changed(&packet, |tcp| tcp.payload.extend(&second)),
        ),
        (
            "padded frame",
            Packet {
                padding: 9,
                ..packet.clone()
            },
        ),
    ] {
        cases.push(Case::new(name, &query, packet));
    }
    if family == 4 {
        let options = Packet {
            options: vec![1; 12],
            ..packet
        };
        cases.push(Case::new("IP options", &query, options));
    } else {
        for chain in [
            &[Extension::HopByHop(0), Extension::Destination(3)][..],
            &[Extension::Fragment(0, false)],
        ] {
            let packet = packet.clone().extended(chain);
            cases.push(Case::new(&format!("{chain:?}"), &query, packet));
        }
    }
    cases
}

/// Queries longer than the segments they came in, merged by the kernel.
pub fn merged() -> Vec<Case> {
    [4, 6]
        .map(|family| {
            let query = Query::new("blocked.example").edns(0, &[9; 900]);
            let case = Case::new("merged", &query, segment(family, query.framed()));
            Case {
                edns: Some(false),
                ..case
            }
        })
        .to_vec()
}

/// Segments that go on.
pub fn passing() -> Vec<Case> {
    let mut cases = Vec::new();
    for family in [4, 6] {
        let query = Query::new("blocked.example");
        let other = Query::new("other.example");
        let packet = segment(family, query.framed());
        let framed = query.framed();
        let bare = query.build();
        let mut response = query.clone();
        response.flags[0] = 0x81;
        for (name, packet) in [
            ("another name", segment(family, other.framed())),
            (
                "another name, length in another segment",
                segment(family, other.build()),
            ),
            (
                "another name first",
                segment(family, [other.framed(), query.framed()].concat()),
            ),
            ("a response", segment(family, response.framed())),
            ("SYN with data", changed(&packet, |tcp| tcp.flags = SYN)),
            (
                "SYN and ACK with data",
                changed(&packet, |tcp| tcp.flags = SYN | ACK),
            ),
            ("RST with data", changed(&packet, |tcp| tcp.flags = 0x14)),
            ("no ACK", changed(&packet, |tcp| tcp.flags = PSH)),
            ("no payload", segment(family, Vec::new())),
            ("the length alone", segment(family, framed[..2].to_vec())),
            ("one byte", segment(family, framed[..1].to_vec())),
            ("to port 54", changed(&packet, |tcp| tcp.destination = 54)),
            (
                "from port 53",
                changed(&packet, |tcp| (tcp.source, tcp.destination) = (53, 40000)),
            ),
            (
                "some other protocol",
                segment(
                    family,
                    b"GET / HTTP/1.1\r\nHost: blocked.example\r\n\r\n".to_vec(),
                ),
            ),
        ] {
            cases.push(Case {
                listed: false,
                ..Case::new(name, &query, packet)
            });
        }
        // A query split over segments has both parts go on.
        for cut in 3..framed.len() {
            for (part, bytes) in [("head", &framed[..cut]), ("tail", &framed[cut..])] {
                let case = Case::new(
                    &format!("{part}, split at {cut}"),
                    &query,
                    segment(family, bytes.to_vec()),
                );
                cases.push(Case {
                    listed: false,
                    ..case
                });
            }
        }
        for cut in 0..bare.len() {
            let case = Case::new(
                &format!("{cut} bytes, unframed"),
                &query,
                segment(family, bare[..cut].to_vec()),
            );
            cases.push(Case {
                listed: false,
                ..case
            });
        }
        let fragment = if family == 4 {
            Packet {
                fragment: Some((0, true)),
                ..packet.clone()
            }
        } else {
            packet.clone().extended(&[Extension::Fragment(0, true)])
        };
        cases.push(Case {
            listed: false,
            ..Case::new("first fragment", &query, fragment)
        });
    }
    cases
}
