//! A box between two networks, IPv4 and IPv6, with the real programs, routes and flow cache.

use std::path::Path;
use std::time::Duration;

use ravelin_datapath::kernel::{KernelConfig, KernelDatapath, KernelParts};
use ravelin_datapath::{
    CachePort, CacheTiming, CachedDirection, CachedFlow, Datapath as _, Inserted, Path as Way, Switches,
};
use ravelin_model::{FlowTuple, Hook};
use ravelin_test_harness::packet::{CLIENT_MAC, Packet, ROUTER_MAC, Transport};

use crate::datapath::rig::{ip, target};
use crate::isolated::isolated;

/// What `BPF_PROG_TEST_RUN` returns of XDP.
const XDP_PASS: u32 = 2;
const XDP_REDIRECT: u32 = 4;

/// Longer than any test.
pub const LONG: Duration = Duration::from_secs(3600);

/// A row of the hit counters.
pub const COUNTER: u32 = 7;

/// Our own address on the way to the server.
pub const WAN_MAC: [u8; 6] = [0x02, 0, 0, 0, 1, 0x01];
/// The server's.
pub const SERVER_MAC: [u8; 6] = [0x02, 0, 0, 0, 1, 0x35];
/// Ours on VLANs.
pub const VLAN_MAC: [u8; 6] = [0x02, 0, 0, 0, 2, 0x01];

/// The VLAN the tests have on `out0`.
pub const TAG: u16 = 7;

/// Only the fast path.
pub const FAST: Switches = Switches {
    statistics: false,
    flow_monitoring: false,
    ddos_protection: false,
    ddos_external_only: false,
    dns_blocklist: false,
    dns_drop: false,
    policy_classifier: false,
    flow_offload: true,
};

/// What became of a frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// It went up, unchanged.
    Up,
    /// It was sent on like this.
    Sent(Vec<u8>),
}

/// The interfaces, the programs on `in0` and `out0`, and the cache, alive.
///
/// ```text
/// client                 in0                  out0              server
/// 192.0.2.10   ---  192.0.2.1         198.51.100.1  ---  198.51.100.53
/// 2001:db8:1::10    2001:db8:1::1    2001:db8:2::1       2001:db8:2::53
/// ```
///
/// `out0` carries VLAN 7 too, whose interface here is `vlan7` (this kernel may have no VLANs of its own): the network
/// 203.0.113.0/24 and 2001:db8:7::/64.
#[derive(Debug)]
pub struct Road {
    pub parts: KernelParts,
    pub inside: u32,
    pub outside: u32,
    pub vlan: u32,
    pub ports: Vec<CachePort>,
}

impl Road {
    /// Runs a test on one of its own.
    pub fn run(test: impl FnOnce(Self) + Send) {
        isolated(|pins| test(Self::new(pins)));
    }

    fn new(pins: &Path) -> Self {
        for (key, value) in [
            ("ipv4/conf/all/forwarding", "1"),
            ("ipv6/conf/all/forwarding", "1"),
            ("ipv6/conf/default/forwarding", "1"),
            ("ipv6/conf/default/accept_dad", "0"),
        ] {
            std::fs::write(format!("/proc/sys/net/{key}"), value).unwrap();
        }
        // Indices far from each other, so that none is taken for another.
        let (inside, outside, vlan) = (41, 52, 63);
        for (name, index, mac, four, six) in [
            ("in0", inside, ROUTER_MAC, "192.0.2.1", "2001:db8:1::1"),
            ("out0", outside, WAN_MAC, "198.51.100.1", "2001:db8:2::1"),
            ("vlan7", vlan, VLAN_MAC, "203.0.113.1", "2001:db8:7::1"),
        ] {
            let mac = text(mac);
            ip(&format!(
                "link add {name} index {index} address {mac} type veth peer name far-{name}"
            ));
            std::fs::write(format!("/proc/sys/net/ipv6/conf/far-{name}/disable_ipv6"), "1").unwrap();
            ip(&format!("address add {four}/24 dev {name}"));
            ip(&format!("address add {six}/64 dev {name}"));
            ip(&format!("link set {name} up"));
            ip(&format!("link set far-{name} up"));
        }
        let road_ports = [
            (inside, inside, None),
            (outside, outside, None),
            (vlan, outside, Some(TAG)),
        ];
        let ports = road_ports.map(|(index, device, tag)| CachePort {
            index,
            device,
            tag,
            redirect: true,
            verify_checksum: false,
        });
        let parts = KernelDatapath::load(&KernelConfig {
            bpffs: pins.to_owned(),
            addresses: 64,
            name_buckets: 64,
            flows: 4096,
            cached_connections: 1024,
            policy_counters: 64,
        });
        let mut road = Self {
            parts: parts.unwrap(),
            inside,
            outside,
            vlan,
            ports: ports.to_vec(),
        };
        for interface in ["in0", "out0"] {
            let attached = road.parts.datapath.attach(&target(interface)).unwrap();
            assert_eq!(attached.problems, Vec::<String>::new());
        }
        road.set_ports();
        road.set_timing(LONG, LONG);
        road.parts.cache.keep_alive(LONG);
        road.switch(FAST);
        for (address, mac, interface) in [
            ("192.0.2.10", CLIENT_MAC, "in0"),
            ("2001:db8:1::10", CLIENT_MAC, "in0"),
            ("198.51.100.53", SERVER_MAC, "out0"),
            ("2001:db8:2::53", SERVER_MAC, "out0"),
            ("203.0.113.53", SERVER_MAC, "vlan7"),
            ("2001:db8:7::53", SERVER_MAC, "vlan7"),
        ] {
            neighbour(address, mac, interface);
        }
        road
    }

    pub fn switch(&mut self, switches: Switches) {
        self.parts.datapath.set_switches(switches).unwrap();
    }

    /// Tells the cache of [`Self::ports`].
    pub fn set_ports(&mut self) {
        let refused = self.parts.cache.set_ports(&self.ports).unwrap();
        assert_eq!(refused, Vec::<u32>::new());
    }

    pub fn set_timing(&mut self, refresh: Duration, idle: Duration) {
        self.parts.cache.set_timing(&CacheTiming {
            tcp_refresh: refresh,
            udp_refresh: refresh,
            tcp_idle: idle,
            udp_idle: idle,
        });
    }

    /// Puts a connection into the cache, whose packets count on [`COUNTER`].
    pub fn insert(&mut self, connection: &Connection) {
        let flow = CachedFlow {
            connection: 1,
            original: connection.original,
            reply: connection.reply,
            counter: COUNTER,
        };
        assert_eq!(self.parts.cache.insert(&flow), Inserted::New, "{flow:?}");
    }

    /// Runs XDP on a frame that comes in by the interface.
    pub fn frame(&self, frame: &[u8], interface: u32) -> Fate {
        let outcome = self.parts.datapath.test_run(Hook::Xdp, frame, interface).unwrap();
        match outcome.return_code {
            XDP_PASS => {
                assert!(outcome.frame == frame, "what goes up is as it came");
                Fate::Up
            }
            XDP_REDIRECT => Fate::Sent(outcome.frame),
            other => panic!("XDP returned {other}"),
        }
    }

    /// Runs XDP on a packet of the connection as its sender sends it: from the client on `in0`, else on `out0`.
    pub fn packet(&self, packet: &Packet) -> Fate {
        self.frame(&addressed(packet), self.ingress(packet))
    }

    /// The interface the packet's sender is at.
    pub fn ingress(&self, packet: &Packet) -> u32 {
        if from_client(packet) {
            self.inside
        } else {
            self.outside
        }
    }

    /// Has both directions tell their way.
    pub fn warm(&self, connection: &Connection) {
        for packet in [connection.packet(b"first"), connection.answer(b"first")] {
            assert_eq!(
                self.packet(&packet),
                Fate::Up,
                "a direction begins with a packet for conntrack"
            );
        }
    }

    /// What the cache has of a direction.
    pub fn direction(&self, connection: &Connection, reply: bool) -> CachedDirection {
        let state = self.parts.cache.reader().get(&connection.original);
        state.expect("the connection is in the cache").directions[usize::from(reply)]
    }

    /// The way of packets of who began the connection.
    pub fn way(&self, connection: &Connection) -> Way {
        self.direction(connection, false).path
    }
}

/// A connection between the client and a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Connection {
    pub original: FlowTuple,
    pub reply: FlowTuple,
}

impl Connection {
    /// One without translation. Protocol: 6 or 17.
    pub fn new(family: u8, protocol: u8) -> Self {
        let packet = Packet::new(family, transport(protocol, 40000, 443, b""));
        let original = tuple(&packet);
        Self {
            original,
            reply: original.inverted(),
        }
    }

    /// From another port of the client; where it is translated, so is this.
    pub fn by_port(mut self, port: u16) -> Self {
        let shift = port.wrapping_sub(self.original.source_port);
        self.original.source_port = port;
        self.reply.destination_port = self.reply.destination_port.wrapping_add(shift);
        self
    }

    /// With another source when its packets leave.
    pub fn masked_as(mut self, address: &str, port: u16) -> Self {
        self.reply.destination = address.parse().unwrap();
        self.reply.destination_port = port;
        self
    }

    /// Published at an address and port that are not the server's.
    pub fn published_at(mut self, address: &str, port: u16) -> Self {
        self.original.destination = address.parse().unwrap();
        self.original.destination_port = port;
        self
    }

    /// To another server.
    pub fn to(mut self, address: &str) -> Self {
        self.original.destination = address.parse().unwrap();
        self.reply.source = self.original.destination;
        self
    }

    /// A packet of who began it.
    pub fn packet(&self, payload: &[u8]) -> Packet {
        of_tuple(&self.original, payload)
    }

    /// A packet of the other side.
    pub fn answer(&self, payload: &[u8]) -> Packet {
        of_tuple(&self.reply, payload)
    }

    /// What a packet of it, in either direction, is translated to.
    pub fn translated(&self, packet: &Packet) -> FlowTuple {
        if tuple(packet) == self.original {
            self.reply.inverted()
        } else {
            self.original.inverted()
        }
    }
}

/// Frame of a packet as it comes to us from its sender.
pub fn addressed(packet: &Packet) -> Vec<u8> {
    let mut frame = packet.build();
    if !from_client(packet) {
        frame[..6].copy_from_slice(&WAN_MAC);
        frame[6..12].copy_from_slice(&SERVER_MAC);
    }
    frame
}

fn from_client(packet: &Packet) -> bool {
    let source = packet.source.to_string();
    source == "192.0.2.10" || source == "2001:db8:1::10"
}

pub fn transport(protocol: u8, source: u16, destination: u16, payload: &[u8]) -> Transport {
    let packet = match protocol {
        6 => Packet::tcp(4, source, destination, payload),
        17 => Packet::udp(4, source, destination, payload),
        other => panic!("no protocol {other}"),
    };
    packet.transport
}

fn of_tuple(tuple: &FlowTuple, payload: &[u8]) -> Packet {
    let family = if tuple.is_ipv6() { 6 } else { 4 };
    let transport = transport(tuple.protocol, tuple.source_port, tuple.destination_port, payload);
    Packet {
        source: tuple.source,
        destination: tuple.destination,
        ..Packet::new(family, transport)
    }
}

fn tuple(packet: &Packet) -> FlowTuple {
    let (protocol, source_port, destination_port) = match &packet.transport {
        Transport::Tcp(tcp) => (6, tcp.source, tcp.destination),
        Transport::Udp(udp) => (17, udp.source, udp.destination),
        other => panic!("{other:?}"),
    };
    FlowTuple {
        source: packet.source,
        destination: packet.destination,
        protocol,
        source_port,
        destination_port,
    }
}

/// Tells the kernel a neighbour for good.
pub fn neighbour(address: &str, mac: [u8; 6], interface: &str) {
    let mac = text(mac);
    ip(&format!(
        "neighbour replace {address} lladdr {mac} dev {interface} nud permanent"
    ));
}

fn text(mac: [u8; 6]) -> String {
    mac.map(|byte| format!("{byte:02x}")).join(":")
}
