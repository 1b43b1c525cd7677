//! Datagrams both networks send through the box from power-on, ten a second of each kind, whether it answers or not.

use std::net::IpAddr;
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use ravelin_test_harness::packet::Packet;
use ravelin_test_harness::packet_socket;

use crate::appliance::Appliance;
use crate::capture::Seen;
use crate::machine::mac;
use crate::networks::{CLIENT4, Networks, SERVER4, SERVER6};

const PERIOD: Duration = Duration::from_millis(100);
/// How far the clock of a machine, asked over REST, may seem to be from ours.
const CLOCKS: Duration = Duration::from_millis(500);
/// Where all come from.
const SOURCE_PORT: u16 = 40_404;
/// Source of IPv6 on the LAN; the box's own prefix is made at its first boot.
const CLIENT6: &str = "fd77::9";

/// Which way a probe goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// A fresh image lets these through.
    Out,
    /// And drops these.
    In,
}

/// Probes under way; they end when dropped.
#[derive(Debug)]
pub struct Probes {
    sent: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Probes {
    /// Starts them.
    pub fn start(networks: &Networks) -> Self {
        let open = |network: &crate::Network, name: &str| {
            network
                .namespace
                .within(|| packet_socket(name))
                .unwrap_or_else(|error| panic!("socket on {name}: {error}"))
        };
        let sockets = [open(&networks.lan, "lan"), open(&networks.wan, "wan")];
        let (sent, stop) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let thread = std::thread::spawn({
            let (sent, stop) = (Arc::clone(&sent), Arc::clone(&stop));
            move || {
                let frames = [frames(Direction::Out), frames(Direction::In)];
                while !stop.load(Ordering::Relaxed) {
                    for (socket, frames) in sockets.iter().zip(&frames) {
                        for frame in frames {
                            send(socket, frame);
                        }
                    }
                    sent.fetch_add(1, Ordering::Relaxed);
                    std::thread::sleep(PERIOD);
                }
            }
        });
        Self {
            sent,
            stop,
            thread: Some(thread),
        }
    }

    /// How many of each kind were sent.
    pub fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// Those that came through the box.
    pub fn passed(&self, networks: &Networks, direction: Direction, family: u8) -> Vec<Seen> {
        let network = match direction {
            Direction::Out => &networks.wan,
            Direction::In => &networks.lan,
        };
        // What else goes by may have the port by chance. Neither end is ever translated for those that come in.
        let [client, server] = ends(family);
        let (source, destination) = match direction {
            Direction::Out => (None, server),
            Direction::In => (Some(server), client),
        };
        network.capture.packets(|seen| {
            let ports = seen.packet.ports();
            source.is_none_or(|source| seen.packet.source == source)
                && seen.packet.destination == destination
                && ports.is_some_and(|ports| ports.1 == port(direction))
        })
    }

    /// Panics if even one that is allowed came through before the cards had their programs, since the power came.
    #[track_caller]
    pub fn none_passed_before_the_policy(&self, networks: &Networks, appliance: &Appliance<'_>) {
        let since = appliance.machine().switched_on();
        let attached = appliance.logged("raveld.service", "attached to interface");
        for family in [4, 6] {
            let passed = self.passed(networks, Direction::Out, family);
            let Some(first) = passed.iter().map(|seen| seen.at).find(|at| *at >= since) else {
                continue;
            };
            let after = first.duration_since(attached);
            eprintln!("the first probe of IPv{family} passed {after:?} after the programs were attached");
            assert!(
                first + CLOCKS >= attached,
                "a probe of IPv{family} passed before the policy: {after:?}"
            );
        }
    }
}

impl Drop for Probes {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn port(direction: Direction) -> u16 {
    match direction {
        Direction::Out => 50_001,
        Direction::In => 50_002,
    }
}

/// The client and the server of a family.
fn ends(family: u8) -> [IpAddr; 2] {
    let ends = if family == 4 {
        [CLIENT4, SERVER4]
    } else {
        [CLIENT6, SERVER6]
    };
    ends.map(|text| text.parse().expect("an address"))
}

/// One of each family.
fn frames(direction: Direction) -> Vec<Vec<u8>> {
    let card = mac(usize::from(direction == Direction::In));
    [4, 6]
        .into_iter()
        .map(|family| {
            let [client, server] = ends(family);
            let mut packet = Packet::udp(family, SOURCE_PORT, port(direction), b"probe".to_vec());
            (packet.source, packet.destination) = match direction {
                Direction::Out => (client, server),
                Direction::In => (server, client),
            };
            let mut frame = packet.build();
            frame[..6].copy_from_slice(&card);
            frame[6..12].copy_from_slice(&[2, 0, 0, 0x77, 0, 9]);
            frame
        })
        .collect()
}

/// A full queue of a machine that is off takes no more; that is no fault.
fn send(socket: &OwnedFd, frame: &[u8]) {
    // SAFETY: the pointer and the length describe `frame`.
    unsafe {
        libc::send(
            socket.as_raw_fd(),
            frame.as_ptr().cast(),
            frame.len(),
            libc::MSG_DONTWAIT,
        );
    }
}
