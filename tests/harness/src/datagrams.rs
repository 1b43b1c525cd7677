//! Many UDP flows whose every packet is accounted for, there and back.

mod ends;

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use self::ends::{send, serve, set_receive_buffer};
use crate::conntrack::Tuple;
use crate::wait::wait_until;
use crate::{Namespace, raise_file_limit};

/// Longest until the last packets are there.
const SETTLE: Duration = Duration::from_secs(10);

/// Where the packets of a flow go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Route {
    /// Address they are sent from; the port is any.
    pub source: IpAddr,
    /// Where the sender sends them to.
    pub destination: SocketAddr,
    /// Where they arrive: another address than `destination` where it is translated.
    pub server: SocketAddr,
}

impl Route {
    /// To a server that is asked by its own address.
    pub fn new(source: IpAddr, server: SocketAddr) -> Self {
        Self {
            source,
            destination: server,
            server,
        }
    }

    /// Packets from a port of the source.
    pub(crate) fn tuple(&self, protocol: u8, port: u16) -> Tuple {
        Tuple {
            protocol,
            source: (self.source, port),
            destination: (self.destination.ip(), self.destination.port()),
        }
    }
}

/// How datagrams are sent.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// Datagrams a second, of all flows together.
    pub rate: u32,
    /// Bytes of each, 12 at least.
    pub payload_bytes: usize,
    /// Wait for answers where too many are missing. A flow that is to be cut gets none.
    pub windowed: bool,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            rate: 1000,
            payload_bytes: 32,
            windowed: true,
        }
    }
}

/// What became of the datagrams of a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FlowTally {
    /// Sent by the client.
    pub sent: u64,
    /// Arrived at the server, each counted once for each time it arrived.
    pub arrived: u64,
    /// Came back to the client.
    pub returned: u64,
    /// Not one is missing or doubled there.
    pub whole_there: bool,
    /// Not one is missing or doubled back.
    pub whole_back: bool,
    /// Since the start; zero where none did.
    pub last_arrival: Duration,
}

#[derive(Debug, Default)]
struct Cell {
    sent: AtomicU64,
    arrived: AtomicU64,
    // Of the numbers; tells a loss and a double from nothing.
    arrived_sum: AtomicU64,
    returned: AtomicU64,
    returned_sum: AtomicU64,
    last_arrival_ns: AtomicU64,
    // Port the client sends from.
    port: AtomicU32,
}

#[derive(Debug)]
struct Shared {
    cells: Vec<Cell>,
    start: Instant,
    rate: AtomicU32,
    /// Nobody sends any more.
    quiet: AtomicBool,
    /// Everybody ends.
    stop: AtomicBool,
}

/// UDP flows under way: the client sends in turn on each, the server answers each datagram with itself. Ends when
/// dropped.
#[derive(Debug)]
pub struct Datagrams {
    shared: Arc<Shared>,
    routes: Vec<Route>,
    threads: Vec<JoinHandle<()>>,
}

impl Datagrams {
    /// Starts them; a flow for each route.
    pub fn start(client: &Namespace, server: &Namespace, routes: &[Route], pace: Pace) -> Self {
        raise_file_limit();
        let shared = Arc::new(Shared {
            cells: routes.iter().map(|_| Cell::default()).collect(),
            start: Instant::now(),
            rate: AtomicU32::new(pace.rate),
            quiet: AtomicBool::new(false),
            stop: AtomicBool::new(false),
        });
        let mut servers: Vec<SocketAddr> = routes.iter().map(|route| route.server).collect();
        servers.sort_unstable();
        servers.dedup();
        let servers: Vec<UdpSocket> = server.within(|| {
            let bind =
                |address| UdpSocket::bind(address).unwrap_or_else(|error| panic!("{address}: {error}"));
            servers.into_iter().map(bind).collect()
        });
        for socket in &servers {
            set_receive_buffer(socket);
            socket.set_nonblocking(true).expect("nonblocking");
        }
        let clients: Vec<UdpSocket> = client.within(|| {
            routes
                .iter()
                .map(|route| {
                    let socket = UdpSocket::bind((route.source, 0)).expect("bind the source");
                    socket.connect(route.destination).expect("connect");
                    socket.set_nonblocking(true).expect("nonblocking");
                    socket
                })
                .collect()
        });
        for (cell, socket) in shared.cells.iter().zip(&clients) {
            let port = socket.local_addr().expect("own address").port();
            cell.port.store(port.into(), Ordering::Relaxed);
        }
        let threads = vec![
            std::thread::spawn({
                let shared = Arc::clone(&shared);
                move || serve(&shared, &servers)
            }),
            std::thread::spawn({
                let shared = Arc::clone(&shared);
                move || send(&shared, &clients, pace)
            }),
        ];
        Self {
            shared,
            routes: routes.to_vec(),
            threads,
        }
    }

    /// Starts them and waits until every flow had an answer.
    #[track_caller]
    pub fn establish(client: &Namespace, server: &Namespace, routes: &[Route], pace: Pace) -> Self {
        let datagrams = Self::start(client, server, routes, pace);
        datagrams.go_on(2);
        datagrams
    }

    /// Every flow as it stands.
    pub fn tallies(&self) -> Vec<FlowTally> {
        self.shared.cells.iter().map(tally).collect()
    }

    /// Packets of the flows as the client sends them.
    pub fn tuples(&self) -> Vec<Tuple> {
        let port = |cell: &Cell| u16::try_from(cell.port.load(Ordering::Relaxed)).expect("a port");
        let ports = self.shared.cells.iter().map(port);
        self.routes
            .iter()
            .zip(ports)
            .map(|(route, port)| route.tuple(17, port))
            .collect()
    }

    /// Waits until every flow has had so many more answers.
    #[track_caller]
    pub fn go_on(&self, answers: u64) {
        let before = self.tallies();
        let late = |now: &[FlowTally]| {
            let pairs = now.iter().zip(&before);
            pairs
                .filter(|(now, before)| now.returned < before.returned + answers)
                .count()
        };
        let arrived = crate::eventually(Duration::from_secs(60), || {
            (late(&self.tallies()) == 0).then_some(())
        });
        let now = self.tallies();
        assert!(
            arrived.is_some(),
            "{} of {} UDP flows do not go on; the first: {:?}",
            late(&now),
            now.len(),
            now.first()
        );
    }

    /// Datagrams a second from now on; 0: none.
    pub fn set_rate(&self, rate: u32) {
        self.shared.rate.store(rate, Ordering::Relaxed);
    }

    /// Since the start.
    pub fn elapsed(&self) -> Duration {
        self.shared.start.elapsed()
    }

    /// Sends nothing more and waits until everything has arrived and come back, or for long enough. Gives every flow.
    pub fn settle(&self) -> Vec<FlowTally> {
        self.shared.quiet.store(true, Ordering::SeqCst);
        let _ = crate::eventually(SETTLE, || {
            let settled = |cell: &Cell| {
                let tally = tally(cell);
                tally.arrived >= tally.sent && tally.returned >= tally.arrived
            };
            self.shared.cells.iter().all(settled).then_some(())
        });
        self.tallies()
    }

    /// Sends again after [`Self::settle`].
    pub fn resume(&self) {
        self.shared.quiet.store(false, Ordering::SeqCst);
    }

    /// Settles, and fails unless every datagram of every flow has arrived and come back just once. Gives their number.
    #[track_caller]
    pub fn nothing_is_lost(&self) -> u64 {
        let tallies = self.settle();
        let bad: Vec<(usize, &FlowTally)> = tallies
            .iter()
            .enumerate()
            .filter(|(_, tally)| !tally.whole_there || !tally.whole_back)
            .collect();
        let sent: u64 = tallies.iter().map(|tally| tally.sent).sum();
        let lost: u64 = bad
            .iter()
            .map(|(_, tally)| tally.sent - tally.returned.min(tally.sent))
            .sum();
        assert!(
            bad.is_empty(),
            "{lost} of {sent} datagrams are lost, of {} of {} flows: {:?}",
            bad.len(),
            tallies.len(),
            &bad[..bad.len().min(8)]
        );
        sent
    }

    /// Waits until no datagram of any flow has arrived for `silence`; gives when the last one did, since the start.
    #[track_caller]
    pub fn stopped(&self, silence: Duration, limit: Duration) -> Duration {
        let last = || {
            self.tallies()
                .iter()
                .map(|tally| tally.last_arrival)
                .max()
                .unwrap_or_default()
        };
        wait_until("no datagram arrives any more", limit, || {
            self.elapsed().saturating_sub(last()) >= silence
        });
        last()
    }
}

impl Drop for Datagrams {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

fn tally(cell: &Cell) -> FlowTally {
    // What is counted later is read first, so that a flow never seems to have got more than was sent.
    let returned = cell.returned.load(Ordering::SeqCst);
    let arrived = cell.arrived.load(Ordering::SeqCst);
    let sent = cell.sent.load(Ordering::SeqCst);
    let sum = if sent == 0 { 0 } else { sent * (sent - 1) / 2 };
    FlowTally {
        sent,
        arrived,
        returned,
        whole_there: arrived == sent && cell.arrived_sum.load(Ordering::SeqCst) == sum,
        whole_back: returned == sent && cell.returned_sum.load(Ordering::SeqCst) == sum,
        last_arrival: Duration::from_nanos(cell.last_arrival_ns.load(Ordering::SeqCst)),
    }
}
