//! Sends packets and sees what becomes of them.

use std::cell::Cell;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use ravelin_test_harness::packet::{Packet, RST, Transport, View};
use ravelin_test_harness::{Crossing, Place, Wire};

use super::shot::{Fate, Load, PORTS, Port, ROUTER, Shot};

/// Longest a packet may take; nothing waits so long unless it fails.
const ARRIVAL: Duration = Duration::from_secs(3);
/// Protocol of the packets that say that whatever was sent before has been decided (RFC 3692: for experiments).
pub const FENCE: u8 = 253;
/// First bytes of what packets carry; a number follows.
const MARKER: [u8; 8] = *b"\x91RVLNCS\x19";

/// Something that was received.
#[derive(Debug, Clone)]
pub struct Arrival {
    pub place: Place,
    pub view: View,
    /// The whole frame; what was received at [`Place::Local6`] has no headers.
    pub bytes: Vec<u8>,
}

/// What became of a packet.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// It, wherever it arrived.
    pub delivered: Vec<Arrival>,
    /// Resets of its connection and ICMP errors about it.
    pub refusals: Vec<Arrival>,
    /// The kernel's error, where the router itself sent it.
    pub error: Option<String>,
}

/// The hosts around the router.
#[derive(Debug)]
pub struct Prober {
    pub wire: Wire,
    markers: Cell<u64>,
    ports: Cell<u16>,
}

impl Prober {
    /// Start the engine before: see [`Wire::open`].
    pub fn new(crossing: &Crossing) -> Self {
        Self {
            wire: Wire::open(&crossing.far, &PORTS, &crossing.router),
            markers: Cell::new(1),
            ports: Cell::new(10_000),
        }
    }

    /// A port no connection of this prober has used.
    pub fn own_port(&self) -> u16 {
        let port = self.ports.get();
        self.ports.set(port + 1);
        port
    }

    /// What the next packet carries.
    pub fn marker(&self) -> Vec<u8> {
        let number = self.markers.get();
        self.markers.set(number + 1);
        [MARKER, number.to_be_bytes()].concat()
    }

    /// Sends one packet and takes whatever comes of it until a fence behind it has passed.
    pub fn fire(&self, shot: &Shot, family: u8, own: u16) -> Outcome {
        let marker = self.marker();
        let packet = shot.packet(family, own, &marker);
        let destination = packet.destination;
        let mut outcome = Outcome::default();
        for frame in (shot.shape)(packet) {
            match shot.at.link() {
                Some(link) => self.wire.send(link, &frame),
                None => {
                    let sent = self.wire.send_local(destination, &frame[14..]);
                    outcome.error = sent.err().map(|error| error.to_string());
                }
            }
        }
        let towards = match shot.fate {
            Fate::Delivered(port) => port,
            _ => shot.destination.port(),
        };
        let (ports, error_sent) = (shot.ports(own), matches!(shot.load, Load::IcmpError(_)));
        for arrival in self.until_fence(shot.at, towards) {
            let carries = contains(&arrival.bytes, &marker);
            let about = arrival.view.quoted().is_some() && !error_sent;
            let reset = arrival.view.tcp_flags().is_some_and(|flags| flags & RST != 0)
                && arrival.view.ports() == Some((ports.1, ports.0));
            // The answer of a stack to an echo request carries what it carried.
            let answer = arrival.view.source == destination && arrival.place == place_of(shot.at, family);
            match (carries, about) {
                (true, true) => outcome.refusals.push(arrival),
                (true, false) if !answer => outcome.delivered.push(arrival),
                (false, _) if reset => outcome.refusals.push(arrival),
                _ => {}
            }
        }
        outcome
    }

    /// Sends a fence along the way of a packet and gives what arrives before it.
    pub fn until_fence(&self, at: Port, towards: Port) -> Vec<Arrival> {
        let marker = self.marker();
        // Nothing passes an interface without a zone.
        let host = |port, number| match port {
            Port::Unzoned => Port::Lan.host(number),
            Port::Local => ROUTER,
            port => port.host(number),
        };
        // Each path has hosts of its own, or a translated fence would be in the way of another one.
        let mut fence = Packet::new(4, Transport::Raw(FENCE, marker.clone()));
        fence.source = host(at, 31).address(4);
        fence.destination = host(towards, 32 + at as u8).address(4);
        match at {
            Port::Local => {
                let sent = self.wire.send_local(fence.destination, &fence.build()[14..]);
                sent.expect("send the fence");
            }
            port => {
                let link = if port == Port::Unzoned { Port::Lan } else { port };
                self.wire.send(link.link().expect("a link"), &fence.build());
            }
        }
        let mut deadline = Instant::now() + ARRIVAL;
        let mut passed = false;
        let mut arrivals = Vec::new();
        while let Some(received) = self.wire.receive(deadline) {
            let view = match received.place {
                Place::Link(_) => View::of_frame(&received.bytes),
                Place::Local4 => View::of_packet(&received.bytes),
                Place::Local6(protocol) => Some(View {
                    source: IpAddr::from([0; 16]),
                    destination: IpAddr::from([0; 16]),
                    ttl: 0,
                    protocol,
                    dont_fragment: true,
                    fragment: None,
                    transport: received.bytes.clone(),
                }),
            };
            let Some(view) = view else { continue };
            if view.protocol == FENCE && contains(&received.bytes, &marker) {
                // All that was sent before is there, at one place or another.
                passed = true;
                deadline = Instant::now();
                continue;
            }
            arrivals.push(Arrival {
                place: received.place,
                view,
                bytes: received.bytes,
            });
        }
        assert!(
            passed,
            "a fence from {} to {} is lost; {arrivals:?}",
            at.name(),
            towards.name()
        );
        arrivals
    }
}

/// Says how an outcome differs from the fate.
pub fn judge(shot: &Shot, outcome: &Outcome) -> Result<(), String> {
    let refusals: Vec<String> = outcome.refusals.iter().map(describe).collect();
    let delivered: Vec<String> = outcome.delivered.iter().map(describe).collect();
    let wrong = || {
        let error = outcome.error.as_deref().unwrap_or("none");
        format!(
            "delivered {delivered:?}, refused {refusals:?}, error {error}, not {:?}",
            shot.fate
        )
    };
    let refused_with = |kinds: [(u8, u8); 2]| {
        let back = |arrival: &Arrival| {
            let kind = kinds[usize::from(arrival.is_ipv6())];
            arrival.icmp() == Some(kind) && arrival.is_at(shot.at)
        };
        matches!(&outcome.refusals[..], [one] if back(one)) && delivered.is_empty()
    };
    let right = match shot.fate {
        Fate::Delivered(Port::Local) => {
            matches!(&outcome.delivered[..], [one] if one.is_at(Port::Local))
        }
        Fate::Delivered(port) => {
            matches!(&outcome.delivered[..], [one] if one.is_at(port)) && refusals.is_empty()
        }
        Fate::Dropped => delivered.is_empty() && refusals.is_empty(),
        Fate::Reset => {
            let back = |arrival: &Arrival| arrival.view.tcp_flags().is_some() && arrival.is_at(shot.at);
            matches!(&outcome.refusals[..], [one] if back(one)) && delivered.is_empty()
        }
        Fate::Prohibited => refused_with([(3, 13), (1, 1)]),
        Fate::Answered(kinds) => refused_with(kinds),
    };
    if right { Ok(()) } else { Err(wrong()) }
}

impl Arrival {
    pub fn is_at(&self, port: Port) -> bool {
        match (self.place, port.link()) {
            (Place::Link(link), Some(expected)) => link == expected,
            (Place::Local4 | Place::Local6(_), None) => true,
            _ => false,
        }
    }

    fn is_ipv6(&self) -> bool {
        match self.place {
            Place::Link(_) => self.view.source.is_ipv6(),
            Place::Local4 => false,
            Place::Local6(_) => true,
        }
    }

    /// Type and code of an ICMP message.
    pub fn icmp(&self) -> Option<(u8, u8)> {
        self.view.icmp()
    }
}

fn describe(arrival: &Arrival) -> String {
    let place = match arrival.place {
        Place::Link(link) => PORTS[link],
        Place::Local4 | Place::Local6(_) => "local",
    };
    let View {
        source,
        destination,
        protocol,
        ..
    } = &arrival.view;
    format!(
        "{source}→{destination} protocol {protocol} {:?}{:?} at {place}",
        arrival.view.ports(),
        arrival.icmp()
    )
}

fn place_of(port: Port, family: u8) -> Place {
    match port.link() {
        Some(link) => Place::Link(link),
        None if family == 4 => Place::Local4,
        None => Place::Local6(58),
    }
}

fn contains(bytes: &[u8], marker: &[u8]) -> bool {
    bytes.windows(marker.len()).any(|window| window == marker)
}
