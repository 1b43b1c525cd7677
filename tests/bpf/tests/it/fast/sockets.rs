//! Real sockets over veth: frames really leave by the other device, and what a guest of this host sends with half a
//! checksum goes the kernel's way.

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::time::Duration;

use ravelin_datapath::kernel::{KernelConfig, KernelDatapath, KernelParts};
use ravelin_datapath::{
    CachePort, CacheTiming, CachedFlow, CachedState, Datapath as _, Inserted, Path as Way, PathRefusal,
};
use ravelin_model::FlowTuple;
use ravelin_test_harness::Lab;

use super::road::{FAST, LONG};
use crate::datapath::rig::{index_of, target};
use crate::isolated::isolated;

const PATIENCE: Duration = Duration::from_secs(10);

const DATAGRAMS: u16 = 50;
const STREAM_BYTES: usize = 300_000;

/// The lab's router with the programs on both ports and a cache that is alive.
fn with_router(test: impl FnOnce(&Lab, &mut KernelParts) + Send) {
    isolated(|pins| {
        let lab = Lab::new();
        let mut parts = lab.router.within(|| {
            let config = KernelConfig {
                bpffs: pins.to_owned(),
                addresses: 64,
                name_buckets: 64,
                flows: 1024,
                cached_connections: 64,
                policy_counters: 64,
            };
            let mut parts = KernelDatapath::load(&config).unwrap();
            let ports = ["lan0", "wan0"].map(|name| {
                let attached = parts.datapath.attach(&target(name)).unwrap();
                assert_eq!(attached.problems, Vec::<String>::new());
                let index = index_of(name);
                CachePort {
                    index,
                    device: index,
                    tag: None,
                    redirect: true,
                    verify_checksum: true,
                }
            });
            assert_eq!(parts.cache.set_ports(&ports).unwrap(), Vec::<u32>::new());
            parts.datapath.set_switches(FAST).unwrap();
            parts
        });
        parts.cache.set_timing(&CacheTiming {
            tcp_refresh: LONG,
            udp_refresh: LONG,
            tcp_idle: LONG,
            udp_idle: LONG,
        });
        parts.cache.keep_alive(LONG);
        test(&lab, &mut parts);
    });
}

fn insert(parts: &mut KernelParts, protocol: u8, client: SocketAddr, server: SocketAddr) -> FlowTuple {
    let original = FlowTuple {
        source: client.ip(),
        destination: server.ip(),
        protocol,
        source_port: client.port(),
        destination_port: server.port(),
    };
    let flow = CachedFlow {
        connection: 1,
        original,
        reply: original.inverted(),
        counter: 0,
    };
    assert_eq!(parts.cache.insert(&flow), Inserted::New);
    original
}

fn state(parts: &KernelParts, tuple: &FlowTuple) -> CachedState {
    parts.cache.reader().get(tuple).unwrap()
}

fn bound(lab: &Lab, address: IpAddr, server: bool) -> UdpSocket {
    let side = if server { &lab.server } else { &lab.client };
    let socket = side.within(|| UdpSocket::bind((address, 0))).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket
}

/// Datagrams there and back, each before the next.
fn exchange(lab: &Lab, parts: &mut KernelParts) -> Vec<(IpAddr, CachedState)> {
    Lab::client_addresses()
        .into_iter()
        .zip(Lab::server_addresses())
        .map(|(client, server)| {
            let asking = bound(lab, client, false);
            let answering = bound(lab, server, true);
            let (from, to) = (asking.local_addr().unwrap(), answering.local_addr().unwrap());
            let tuple = insert(parts, 17, from, to);
            let mut buffer = [0; 2048];
            for number in 0..DATAGRAMS {
                let payload = vec![number.to_be_bytes()[1]; usize::from(number) * 20];
                asking.send_to(&payload, to).unwrap();
                let (length, sender) = answering.recv_from(&mut buffer).unwrap();
                assert_eq!((&buffer[..length], sender), (payload.as_slice(), from));
                answering.send_to(&payload, from).unwrap();
                let (length, sender) = asking.recv_from(&mut buffer).unwrap();
                assert_eq!((&buffer[..length], sender), (payload.as_slice(), to));
            }
            (client, state(parts, &tuple))
        })
        .collect()
}

#[test]
fn datagrams_of_the_wire_take_the_fast_path() {
    with_router(|lab, parts| {
        lab.compute_checksums();
        for (client, state) in exchange(lab, parts) {
            for direction in state.directions {
                // The first told the way.
                assert_eq!(direction.count.packets, u64::from(DATAGRAMS) - 1, "{client}");
                assert!(matches!(direction.path, Way::Forwarded { .. }), "{client}");
            }
        }
    });
}

#[test]
fn datagrams_of_a_guest_of_this_host_arrive_by_the_kernel() {
    with_router(|lab, parts| {
        for (client, state) in exchange(lab, parts) {
            for direction in state.directions {
                assert_eq!(direction.count.packets, 0, "{client}");
                assert_eq!(direction.path, Way::Refused(PathRefusal::Checksum), "{client}");
            }
        }
    });
}

#[test]
fn a_stream_takes_the_fast_path_until_it_ends() {
    with_router(|lab, parts| {
        lab.compute_checksums();
        for server in Lab::server_addresses() {
            let listener = lab.server.within(|| TcpListener::bind((server, 0))).unwrap();
            let to = listener.local_addr().unwrap();
            let mut asking = lab
                .client
                .within(|| TcpStream::connect_timeout(&to, PATIENCE))
                .unwrap();
            let (mut answering, from) = listener.accept().unwrap();
            for stream in [&asking, &answering] {
                stream.set_read_timeout(Some(PATIENCE)).unwrap();
            }
            let tuple = insert(parts, 6, from, to);
            let bytes: Vec<u8> = (0..STREAM_BYTES).map(|n| n.to_le_bytes()[0]).collect();
            let sending = {
                let bytes = bytes.clone();
                std::thread::spawn(move || {
                    asking.write_all(&bytes).unwrap();
                    asking
                })
            };
            let mut received = vec![0; STREAM_BYTES];
            answering.read_exact(&mut received).unwrap();
            assert!(received == bytes, "{server}");
            let before = state(parts, &tuple);
            assert!(
                before.directions[0].count.bytes > STREAM_BYTES as u64 * 9 / 10,
                "{before:?}"
            );
            let asking = sending.join().unwrap();
            drop(asking);
            assert_eq!(answering.read(&mut received).unwrap(), 0, "{server}");
            for direction in state(parts, &tuple).directions {
                assert_eq!(direction.path, Way::Ended, "{server}");
            }
        }
    });
}
