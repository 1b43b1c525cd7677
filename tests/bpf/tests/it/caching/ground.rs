//! A router with the real programs, its flow cache, and connections across it.

use std::fs;
use std::net::IpAddr;
use std::time::Duration;

use ravelin_datapath::kernel::{KernelConfig, KernelDatapath, KernelParts};
use ravelin_datapath::{
    CachePort, CacheTiming, CachedFlow, CachedState, Datapath as _, FlowCache, Inserted, Switches,
};
use ravelin_model::{FlowTuple, protocol};
use ravelin_test_harness::packet::{CLIENT_MAC, Packet, ROUTER_MAC, Transport};

use crate::datapath::rig::{index_of, ip, target};
use crate::isolated::isolated;

/// What `BPF_PROG_TEST_RUN` returns of XDP.
pub const XDP_PASS: u32 = 2;
pub const XDP_REDIRECT: u32 = 4;

/// Of `wan0`, and of the server behind it.
const WAN_MAC: [u8; 6] = [0x02, 0, 0, 0, 0, 0x02];
const SERVER_MAC: [u8; 6] = [0x02, 0, 0, 0, 0, 0x35];

/// Longer than any test.
const LONG: Duration = Duration::from_secs(3600);

/// A loaded data plane between `lan0` and `wan0`, with offload on.
///
/// Clients are 192.0.2.10 and 2001:db8:1::10 behind `lan0`, servers 198.51.100.53 and 2001:db8:2::53 behind `wan0`.
#[derive(Debug)]
pub struct Router {
    pub config: KernelConfig,
    pub parts: KernelParts,
    pub lan0: u32,
    pub wan0: u32,
}

impl Router {
    /// Runs a test with room for so many connections of each family; says so and returns where there is no root.
    pub fn run(connections: u32, test: impl FnOnce(Self) + Send) {
        isolated(|bpffs| {
            network();
            let config = KernelConfig {
                bpffs: bpffs.to_owned(),
                addresses: 64,
                name_buckets: 64,
                flows: 64,
                cached_connections: connections,
                policy_counters: 64,
            };
            test(Self {
                parts: start(&config),
                config,
                lan0: index_of("lan0"),
                wan0: index_of("wan0"),
            });
        });
    }

    /// Loads everything anew, as the next process does.
    pub fn restart(self) -> Self {
        let Self {
            config,
            parts,
            lan0,
            wan0,
        } = self;
        drop(parts);
        Self {
            parts: start(&config),
            config,
            lan0,
            wan0,
        }
    }

    /// Has both interfaces run the programs.
    pub fn attach(&mut self) {
        for name in ["lan0", "wan0"] {
            let attached = self.parts.datapath.attach(&target(name)).unwrap();
            assert_eq!(attached.problems, Vec::<String>::new());
        }
    }

    /// Puts everything that is in the cache into one that is staged; the connections it has no room for.
    pub fn copy_to(&mut self, staged: &mut dyn FlowCache) -> Vec<CachedFlow> {
        self.parts.cache.halt().unwrap();
        let mut refused = Vec::new();
        for state in self.states() {
            match staged.restore(&state) {
                Inserted::New => {}
                Inserted::Full => refused.push(state.flow),
                other => panic!("{other:?}"),
            }
        }
        set_up(staged);
        refused
    }

    /// Has the programs use a cache for so many connections, with all there are; those it has no room for.
    pub fn resize(&mut self, connections: u32) -> Vec<CachedFlow> {
        let mut staged = self.parts.datapath.stage_cache(connections).unwrap();
        let refused = self.copy_to(&mut *staged);
        self.parts.datapath.use_staged_cache().unwrap();
        self.parts.cache = staged;
        self.parts.cache.keep_alive(LONG);
        refused
    }

    /// What XDP returns for a frame that comes in by an interface, and the frame as it leaves it.
    pub fn xdp(&self, frame: &[u8], interface: u32) -> (u32, Vec<u8>) {
        xdp(&self.parts.datapath, frame, interface)
    }

    /// Tells of the two interfaces, whose frames are whole.
    pub fn tell_ports(&mut self) {
        let ports = [self.lan0, self.wan0].map(port);
        assert_eq!(self.parts.cache.set_ports(&ports).unwrap(), Vec::<u32>::new());
    }

    /// What readers see of a connection.
    pub fn state(&self, flow: &CachedFlow) -> Option<CachedState> {
        let reader = self.parts.cache.reader();
        let state = reader.get(&flow.original);
        assert_eq!(
            state.map(|state| state.flow),
            reader.get(&flow.reply).map(|state| state.flow)
        );
        state
    }

    /// Everything in the cache, in order.
    pub fn states(&self) -> Vec<CachedState> {
        let mut states = Vec::new();
        self.parts.cache.for_each(&mut |state| states.push(*state));
        states.sort_by_key(|state| (state.flow.original, state.flow.reply));
        states
    }

    /// Where the maps are pinned.
    pub fn maps(&self) -> std::path::PathBuf {
        let root = fs::read_dir(self.config.bpffs.join("ravelin")).unwrap();
        let mut directories = root.map(|entry| entry.unwrap().path());
        let is_maps = |path: &std::path::PathBuf| {
            let name = path.file_name().unwrap().to_str().unwrap();
            name.starts_with('v')
        };
        directories.find(is_maps).unwrap()
    }
}

/// What XDP returns for a frame that comes in by an interface, and the frame as it leaves it.
pub fn xdp(datapath: &KernelDatapath, frame: &[u8], interface: u32) -> (u32, Vec<u8>) {
    let outcome = datapath
        .test_run(ravelin_model::Hook::Xdp, frame, interface)
        .unwrap();
    (outcome.return_code, outcome.frame)
}

/// An interface frames can be redirected to, and whose frames are whole.
pub fn port(index: u32) -> CachePort {
    CachePort {
        index,
        device: index,
        tag: None,
        redirect: true,
        verify_checksum: false,
    }
}

fn start(config: &KernelConfig) -> KernelParts {
    let mut parts = KernelDatapath::load(config).unwrap();
    parts
        .datapath
        .set_switches(Switches {
            flow_offload: true,
            ..Switches::default()
        })
        .unwrap();
    set_up(&mut *parts.cache);
    parts.cache.keep_alive(LONG);
    parts
}

fn set_up(cache: &mut dyn FlowCache) {
    cache.set_timing(&CacheTiming {
        tcp_refresh: LONG,
        udp_refresh: LONG,
        tcp_idle: LONG,
        udp_idle: LONG,
    });
}

fn mac(bytes: [u8; 6]) -> String {
    bytes.map(|byte| format!("{byte:02x}")).join(":")
}

fn network() {
    for family in ["ipv4", "ipv6"] {
        fs::write(format!("/proc/sys/net/{family}/conf/all/forwarding"), "1").unwrap();
    }
    for (near, far, own_mac, addresses, neighbours, neighbour_mac) in [
        (
            "lan0",
            "lan1",
            ROUTER_MAC,
            ["192.0.2.1/24", "2001:db8:1::1/64"],
            ["192.0.2.10", "2001:db8:1::10"],
            CLIENT_MAC,
        ),
        (
            "wan0",
            "wan1",
            WAN_MAC,
            ["198.51.100.1/24", "2001:db8:2::1/64"],
            ["198.51.100.53", "2001:db8:2::53"],
            SERVER_MAC,
        ),
    ] {
        let own_mac = mac(own_mac);
        ip(&format!(
            "link add {near} address {own_mac} type veth peer name {far}"
        ));
        // The far end says nothing of its own.
        fs::write(format!("/proc/sys/net/ipv6/conf/{far}/disable_ipv6"), "1").unwrap();
        ip(&format!("link set {near} up"));
        ip(&format!("link set {far} up"));
        for address in addresses {
            let nodad = if address.contains(':') { " nodad" } else { "" };
            ip(&format!("address add {address} dev {near}{nodad}"));
        }
        for neighbour in neighbours {
            let lladdr = mac(neighbour_mac);
            ip(&format!(
                "neighbour replace {neighbour} lladdr {lladdr} dev {near} nud permanent"
            ));
        }
    }
}

/// A connection from a port of the client to the server.
pub fn across(family: u8, protocol: u8, port: u16) -> CachedFlow {
    let packet = packet(family, protocol, port, 443);
    let original = FlowTuple {
        source: packet.source,
        destination: packet.destination,
        protocol,
        source_port: port,
        destination_port: 443,
    };
    CachedFlow {
        connection: u32::from(port),
        original,
        reply: original.inverted(),
        counter: 0,
    }
}

/// The same, its source translated to the router's address and another port.
pub fn masqueraded(family: u8, protocol: u8, port: u16, outside: u16) -> CachedFlow {
    let flow = across(family, protocol, port);
    let router: IpAddr = match family {
        4 => "198.51.100.1",
        _ => "2001:db8:2::1",
    }
    .parse()
    .unwrap();
    CachedFlow {
        reply: FlowTuple {
            destination: router,
            destination_port: outside,
            ..flow.reply
        },
        ..flow
    }
}

/// A packet of a direction that is neither the first nor the last.
pub fn packet_of(tuple: &FlowTuple) -> Packet {
    let family = if tuple.is_ipv6() { 6 } else { 4 };
    Packet {
        source: tuple.source,
        destination: tuple.destination,
        ..packet(family, tuple.protocol, tuple.source_port, tuple.destination_port)
    }
}

/// Frames of both directions of a connection as they reach `lan0` and `wan0`.
pub fn frames(flow: &CachedFlow) -> [Vec<u8>; 2] {
    [
        packet_of(&flow.original).build(),
        addressed(&packet_of(&flow.reply), WAN_MAC, SERVER_MAC),
    ]
}

/// What those are when they leave.
pub fn forwarded(flow: &CachedFlow) -> [Vec<u8>; 2] {
    let leaving = |tuple: &FlowTuple| {
        let packet = packet_of(&tuple.inverted());
        Packet {
            ttl: packet.ttl - 1,
            ..packet
        }
    };
    [
        addressed(&leaving(&flow.reply), SERVER_MAC, WAN_MAC),
        addressed(&leaving(&flow.original), CLIENT_MAC, ROUTER_MAC),
    ]
}

fn addressed(packet: &Packet, to: [u8; 6], from: [u8; 6]) -> Vec<u8> {
    let mut frame = packet.build();
    frame[..6].copy_from_slice(&to);
    frame[6..12].copy_from_slice(&from);
    frame
}

/// A segment of a direction with these flags beside ACK.
pub fn segment_of(tuple: &FlowTuple, flags: u8) -> Vec<u8> {
    let mut packet = packet_of(tuple);
    if let Transport::Tcp(tcp) = &mut packet.transport {
        tcp.flags |= flags;
    }
    packet.build()
}

fn packet(family: u8, protocol: u8, source: u16, destination: u16) -> Packet {
    match protocol {
        protocol::TCP => Packet::tcp(family, source, destination, "stays"),
        _ => Packet::udp(family, source, destination, "stays"),
    }
}
