//! A packet of a case and what must become of it.

use std::net::IpAddr;

use ravelin_test_harness::address;
use ravelin_test_harness::packet::{
    ACK, FIN, Icmp, Packet, RST, SYN, Sctp, Tcp, Transport, Udp, checksum, transport_checksum,
};

/// Ports of the router, in the order of their links.
pub const PORTS: [&str; 6] = ["lan0", "wan0", "lan1", "dmz0", "mgm0", "non0"];

/// Where packets come in and go out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Port {
    Lan,
    Wan,
    /// In the same zone as [`Self::Lan`].
    Lan2,
    Dmz,
    Management,
    /// In no zone.
    Unzoned,
    /// The router itself.
    Local,
}

impl Port {
    /// Index of its link.
    pub fn link(self) -> Option<usize> {
        (self != Self::Local).then_some(self as usize)
    }

    pub fn name(self) -> &'static str {
        self.link().map_or("local", |link| PORTS[link])
    }

    pub const fn host(self, host: u8) -> Host {
        Host::On(self, host)
    }
}

/// A host: an address of each family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Host {
    /// Of a link; the router is 1.
    On(Port, u8),
    /// Elsewhere: where the route leads.
    Far(Port, &'static str, &'static str),
}

impl Host {
    pub fn address(self, family: u8) -> IpAddr {
        match self {
            Self::On(port, host) => {
                let link = port.link().expect("a host is on a link");
                address(family, u8::try_from(link + 1).expect("few links"), host)
            }
            Self::Far(_, v4, v6) => if family == 4 { v4 } else { v6 }.parse().expect("address"),
        }
    }

    /// Where packets to it leave.
    pub fn port(self) -> Port {
        match self {
            Self::On(_, 1) => Port::Local,
            Self::On(port, _) | Self::Far(port, ..) => port,
        }
    }
}

pub const LAN: Host = Port::Lan.host(10);
pub const LAN2: Host = Port::Lan2.host(10);
pub const WAN: Host = Port::Wan.host(10);
pub const DMZ: Host = Port::Dmz.host(10);
pub const MANAGEMENT: Host = Port::Management.host(10);
pub const UNZONED: Host = Port::Unzoned.host(10);
/// The router, by its address on the LAN.
pub const ROUTER: Host = Port::Lan.host(1);
/// The router, by its address on the WAN.
pub const ROUTER_WAN: Host = Port::Wan.host(1);
/// Somewhere behind the WAN.
pub const INTERNET: Host = Host::Far(Port::Wan, "198.51.100.7", "2001:db8:2::7");

/// The case's own port, another one for each time it runs.
pub const OWN: u16 = 0;

/// What a packet carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Load {
    Tcp {
        flags: u8,
        sequence: u32,
        acknowledgement: u32,
    },
    Udp,
    /// Type and code in IPv4 and in IPv6.
    Icmp([(u8, u8); 2]),
    /// An ICMP error of a type and code about a packet from the destination's host to another one.
    IcmpError([(u8, u8); 2]),
    Sctp,
    Other(u8),
}

/// What becomes of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It arrives there, and nowhere else.
    Delivered(Port),
    /// It arrives nowhere and nobody is told.
    Dropped,
    /// The sender gets a TCP reset.
    Reset,
    /// The sender gets ICMP "administratively prohibited".
    Prohibited,
    /// The sender gets an ICMP error of this type and code in IPv4 and in IPv6.
    Answered([(u8, u8); 2]),
}

/// What must have counted it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    Rule(&'static str),
    /// The default of a zone pair somebody wrote, by its zones.
    Pair(&'static str, &'static str),
    Published(&'static str),
    /// A counter that is there without a rule, by its name in the API.
    Fixed(&'static str),
    /// The packet never comes to the policy.
    Nothing,
}

impl From<&'static str> for By {
    fn from(rule: &'static str) -> Self {
        Self::Rule(rule)
    }
}

/// The default of a zone pair nobody wrote.
pub const UNWRITTEN: By = By::Fixed("unwritten_pair");
pub const NO_ZONE: By = By::Fixed("no_zone");
pub const INVALID: By = By::Fixed("invalid_state");
pub const ANTI_LOCKOUT: By = By::Fixed("anti_lockout");
pub const INFRASTRUCTURE: By = By::Fixed("infrastructure");

/// A packet and its fate.
#[derive(Debug, Clone, Copy)]
pub struct Shot {
    /// Where it comes in.
    pub at: Port,
    pub source: Host,
    pub destination: Host,
    pub load: Load,
    pub source_port: u16,
    pub destination_port: u16,
    /// Makes the frames out of the packet; most packets are one frame.
    pub shape: fn(Packet) -> Vec<Vec<u8>>,
    pub fate: Fate,
    pub by: By,
    /// How often it is counted.
    pub counts: u64,
    /// Whether `POST /simulate` can be asked about it: a new connection that nothing but the policy decides.
    pub simulated: bool,
}

fn shot(source: Host, destination: Host, load: Load) -> Shot {
    let at = match source {
        Host::On(_, 1) => Port::Local,
        Host::On(port, _) | Host::Far(port, ..) => port,
    };
    Shot {
        at,
        source,
        destination,
        load,
        source_port: OWN,
        destination_port: OWN,
        shape: |packet| vec![packet.build()],
        fate: Fate::Delivered(destination.port()),
        by: By::Nothing,
        counts: 1,
        simulated: true,
    }
}

/// A segment of a connection, or of none.
pub fn segment(source: Host, destination: Host, flags: u8, sequence: u32, acknowledgement: u32) -> Shot {
    Shot {
        simulated: flags & (SYN | ACK | RST | FIN) == SYN,
        ..shot(
            source,
            destination,
            Load::Tcp {
                flags,
                sequence,
                acknowledgement,
            },
        )
    }
}

/// The first segment of a connection. Like all packets here it carries the 16 bytes it is recognised by.
pub fn syn(source: Host, destination: Host, port: u16) -> Shot {
    segment(source, destination, SYN, 1000, 0).to(port)
}

/// The answer to [`syn`].
pub fn syn_ack(source: Host, destination: Host, port: u16) -> Shot {
    segment(source, destination, SYN | ACK, 5000, 1017).from(port)
}

/// The answer to [`syn_ack`].
pub fn ack(source: Host, destination: Host, port: u16) -> Shot {
    segment(source, destination, ACK, 1017, 5017).to(port)
}

pub fn udp(source: Host, destination: Host, port: u16) -> Shot {
    shot(source, destination, Load::Udp).to(port)
}

/// The answer to [`udp`].
pub fn udp_reply(source: Host, destination: Host, port: u16) -> Shot {
    Shot {
        simulated: false,
        ..shot(source, destination, Load::Udp).from(port)
    }
}

pub fn sctp(source: Host, destination: Host, port: u16) -> Shot {
    shot(source, destination, Load::Sctp).to(port)
}

pub fn icmp(source: Host, destination: Host, v4: (u8, u8), v6: (u8, u8)) -> Shot {
    shot(source, destination, Load::Icmp([v4, v6]))
}

/// An echo request.
pub fn ping(source: Host, destination: Host) -> Shot {
    icmp(source, destination, (8, 0), (128, 0))
}

/// The answer to [`ping`].
pub fn pong(source: Host, destination: Host) -> Shot {
    Shot {
        simulated: false,
        ..icmp(source, destination, (0, 0), (129, 0))
    }
}

/// An ICMP error about a UDP packet that `destination` sent to `about` from its own port to this one.
pub fn icmp_error(source: Host, destination: Host, port: u16, v4: (u8, u8), v6: (u8, u8)) -> Shot {
    Shot {
        simulated: false,
        ..shot(source, destination, Load::IcmpError([v4, v6])).from(port)
    }
}

/// A packet of a protocol without ports.
pub fn other(source: Host, destination: Host, protocol: u8) -> Shot {
    shot(source, destination, Load::Other(protocol))
}

impl Shot {
    pub fn from(mut self, port: u16) -> Self {
        self.source_port = port;
        self
    }

    pub fn to(mut self, port: u16) -> Self {
        self.destination_port = port;
        self
    }

    /// It comes in there, whatever its source says.
    pub fn at(mut self, port: Port) -> Self {
        self.at = port;
        self
    }

    pub fn shaped(mut self, shape: fn(Packet) -> Vec<Vec<u8>>) -> Self {
        self.shape = shape;
        self.simulated = false;
        self
    }

    pub fn counts(mut self, counts: u64) -> Self {
        self.counts = counts;
        self
    }

    /// `POST /simulate` would not say what the kernel does, for a reason the case tells.
    pub fn not_simulated(mut self) -> Self {
        self.simulated = false;
        self
    }

    fn ends(mut self, fate: Fate, by: impl Into<By>) -> Self {
        self.fate = fate;
        if fate == Fate::Delivered(Port::Local) && self.is_answered_by_a_stack() {
            // The answer is of the same connection.
            self.counts = 2;
        }
        let by = by.into();
        // No zone, no policy.
        self.simulated &= by != NO_ZONE;
        self.by = by;
        self
    }

    /// It arrives, thanks to this.
    pub fn passes(self, by: impl Into<By>) -> Self {
        let fate = self.fate;
        self.ends(fate, by)
    }

    /// It arrives at this port.
    pub fn arrives(self, port: Port, by: impl Into<By>) -> Self {
        self.ends(Fate::Delivered(port), by)
    }

    pub fn dropped(self, by: impl Into<By>) -> Self {
        self.ends(Fate::Dropped, by)
    }

    pub fn reset(self, by: impl Into<By>) -> Self {
        self.ends(Fate::Reset, by)
    }

    pub fn prohibited(self, by: impl Into<By>) -> Self {
        self.ends(Fate::Prohibited, by)
    }

    pub fn answered(self, v4: (u8, u8), v6: (u8, u8), by: impl Into<By>) -> Self {
        self.ends(Fate::Answered([v4, v6]), by)
    }

    /// Nobody listens on the router: its stack resets connections, refuses datagrams and answers echo requests.
    fn is_answered_by_a_stack(&self) -> bool {
        match self.load {
            Load::Tcp { flags, .. } => flags & RST == 0,
            Load::Udp => true,
            Load::Icmp(kinds) => kinds == [(8, 0), (128, 0)],
            Load::IcmpError(_) | Load::Sctp | Load::Other(_) => false,
        }
    }

    /// The packet, carrying `marker`; `own` is the case's own port.
    pub fn packet(&self, family: u8, own: u16, marker: &[u8]) -> Packet {
        let port = |port| if port == OWN { own } else { port };
        let (source_port, destination_port) = (port(self.source_port), port(self.destination_port));
        let source = self.source.address(family);
        let destination = self.destination.address(family);
        let protocol = if family == 4 { 1 } else { 58 };
        let [high, low] = own.to_be_bytes();
        let transport = match self.load {
            Load::Tcp {
                flags,
                sequence,
                acknowledgement,
            } => Transport::Tcp(Tcp {
                source: source_port,
                destination: destination_port,
                sequence,
                acknowledgement,
                flags,
                options: Vec::new(),
                payload: marker.to_vec(),
            }),
            Load::Udp => Transport::Udp(Udp {
                source: source_port,
                destination: destination_port,
                payload: marker.to_vec(),
            }),
            Load::Icmp(kinds) => {
                let (kind, code) = kinds[usize::from(family == 6)];
                Transport::Icmp(Icmp {
                    protocol,
                    kind,
                    code,
                    rest: [high, low, 0, 1],
                    payload: marker.to_vec(),
                })
            }
            Load::IcmpError(kinds) => {
                let (kind, code) = kinds[usize::from(family == 6)];
                let mut about = Packet::udp(family, destination_port, source_port, marker);
                (about.source, about.destination) = (destination, source);
                Transport::Icmp(Icmp {
                    protocol,
                    kind,
                    code,
                    rest: [0; 4],
                    payload: about.build()[14..].to_vec(),
                })
            }
            Load::Sctp => Transport::Sctp(Sctp {
                source: source_port,
                destination: destination_port,
                tag: 0,
                chunks: init_chunk(marker),
            }),
            Load::Other(47) => Transport::Raw(47, [&[0, 0, 0x08, 0], marker].concat()),
            Load::Other(protocol) => {
                let mut bytes = [&[0, 0, high, low, 0, 0, 0, 1], marker].concat();
                // The kernel answers nothing whose bytes do not sum up, unless it knows that they need not
                // (net/ipv4/netfilter/nf_reject_ipv4.c, nf_reject_verify_csum).
                let sum = match family {
                    4 => checksum(&bytes),
                    _ => transport_checksum(source, destination, protocol, &bytes),
                };
                bytes[..2].copy_from_slice(&sum.to_be_bytes());
                Transport::Raw(protocol, bytes)
            }
        };
        let mut packet = Packet::new(family, transport);
        (packet.source, packet.destination, packet.id) = (source, destination, own);
        packet
    }

    /// Ports on the wire.
    pub fn ports(&self, own: u16) -> (u16, u16) {
        let port = |port| if port == OWN { own } else { port };
        (port(self.source_port), port(self.destination_port))
    }
}

/// An SCTP INIT (RFC 9260 section 3.3.2) whose one parameter is unknown, to be skipped, and carries the marker.
fn init_chunk(marker: &[u8]) -> Vec<u8> {
    let length = u16::try_from(20 + 4 + marker.len()).expect("a marker is short");
    let mut chunk = vec![1, 0];
    chunk.extend(length.to_be_bytes());
    chunk.extend(1u32.to_be_bytes());
    chunk.extend(65_536u32.to_be_bytes());
    chunk.extend([0, 1, 0, 1]);
    chunk.extend(1u32.to_be_bytes());
    chunk.extend(0x8001u16.to_be_bytes());
    chunk.extend((length - 20).to_be_bytes());
    chunk.extend(marker);
    chunk
}
