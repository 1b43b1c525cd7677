//! Many UDP flows whose every packet is accounted for, there and back.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::conntrack::Tuple;
use crate::wait::wait_until;
use crate::{Namespace, raise_file_limit};

/// Receive buffer of a socket many flows share.
const SHARED_BUFFER_BYTES: libc::c_int = 32 << 20;
/// Most packets on their way at once: fewer than the ring of a veth port holds (VETH_RING_SIZE, 256).
const WINDOW: u64 = 128;
/// How long packets may be on their way before the sender goes on without them.
const PATIENCE: Duration = Duration::from_secs(1);
/// Most packets sent in a row.
const BURST: f64 = 16.0;
/// Flow and number.
const HEADER_BYTES: usize = 12;
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

fn serve(shared: &Shared, sockets: &[UdpSocket]) {
    let mut polled = polled(sockets);
    let mut buffer = [0; 2048];
    while !shared.stop.load(Ordering::Relaxed) {
        poll(&mut polled, 20);
        for (socket, poll) in sockets.iter().zip(&polled) {
            if poll.revents == 0 {
                continue;
            }
            while let Some((length, from)) = received(socket.recv_from(&mut buffer)) {
                let Some((cell, number)) = read(shared, &buffer[..length]) else {
                    continue;
                };
                cell.arrived_sum.fetch_add(number, Ordering::SeqCst);
                cell.arrived.fetch_add(1, Ordering::SeqCst);
                let now = u64::try_from(shared.start.elapsed().as_nanos()).unwrap_or(u64::MAX);
                cell.last_arrival_ns.store(now, Ordering::SeqCst);
                send_again(|| socket.send_to(&buffer[..length], from));
            }
        }
    }
}

fn send(shared: &Shared, sockets: &[UdpSocket], pace: Pace) {
    let mut polled = polled(sockets);
    let mut payload = vec![0; pace.payload_bytes.max(HEADER_BYTES)];
    let (mut next, mut credit) = (0, 0.0);
    let (mut sent, mut returned, mut given_up) = (0_u64, 0_u64, 0_u64);
    let (mut last, mut progress) = (Instant::now(), Instant::now());
    while !shared.stop.load(Ordering::Relaxed) {
        let rate = f64::from(shared.rate.load(Ordering::Relaxed));
        // A pause of the machine must not turn into a burst that overruns a queue.
        credit = f64::min(credit + last.elapsed().as_secs_f64() * rate, BURST);
        last = Instant::now();
        while credit >= 1.0 && !shared.quiet.load(Ordering::SeqCst) && !sockets.is_empty() {
            let on_the_way = sent.saturating_sub(returned + given_up);
            if pace.windowed && on_the_way >= WINDOW {
                if progress.elapsed() < PATIENCE {
                    break;
                }
                given_up += on_the_way;
            }
            let cell = &shared.cells[next];
            let number = cell.sent.load(Ordering::Relaxed);
            payload[..4].copy_from_slice(&u32::try_from(next).expect("few flows").to_be_bytes());
            payload[4..HEADER_BYTES].copy_from_slice(&number.to_be_bytes());
            cell.sent.store(number + 1, Ordering::SeqCst);
            send_again(|| sockets[next].send(&payload));
            sent += 1;
            credit -= 1.0;
            next = (next + 1) % sockets.len();
        }
        if poll(&mut polled, 1) == 0 {
            continue;
        }
        let mut buffer = [0; 2048];
        for (socket, poll) in sockets.iter().zip(&polled) {
            if poll.revents == 0 {
                continue;
            }
            while let Some(length) = received(socket.recv(&mut buffer)) {
                let Some((cell, number)) = read(shared, &buffer[..length]) else {
                    continue;
                };
                cell.returned_sum.fetch_add(number, Ordering::SeqCst);
                cell.returned.fetch_add(1, Ordering::SeqCst);
                returned += 1;
                progress = Instant::now();
            }
        }
    }
}

/// Flow and number of a datagram.
fn read<'a>(shared: &'a Shared, payload: &[u8]) -> Option<(&'a Cell, u64)> {
    let flow = u32::from_be_bytes(payload.get(..4)?.try_into().ok()?);
    let number = u64::from_be_bytes(payload.get(4..HEADER_BYTES)?.try_into().ok()?);
    Some((shared.cells.get(usize::try_from(flow).ok()?)?, number))
}

/// What there is to read. An error is that of an earlier datagram (ICMP), read with this call.
fn received<T>(result: io::Result<T>) -> Option<T> {
    result.ok()
}

/// A refusal (ICMP) is the answer to an earlier datagram, told once; the one at hand is sent again.
fn send_again(mut send: impl FnMut() -> io::Result<usize>) {
    for _ in 0..3 {
        match send() {
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::ConnectionRefused
                        | ErrorKind::HostUnreachable
                        | ErrorKind::PermissionDenied
                        | ErrorKind::NetworkUnreachable
                ) => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                std::thread::sleep(Duration::from_millis(1))
            }
            Err(error) => panic!("send: {error}"),
            Ok(_) => return,
        }
    }
}

fn polled(sockets: &[UdpSocket]) -> Vec<libc::pollfd> {
    let one = |socket: &UdpSocket| libc::pollfd {
        fd: socket.as_raw_fd(),
        events: libc::POLLIN,
        revents: 0,
    };
    sockets.iter().map(one).collect()
}

/// How many have something to read.
fn poll(polled: &mut [libc::pollfd], milliseconds: libc::c_int) -> libc::c_int {
    let length = libc::nfds_t::try_from(polled.len()).expect("few sockets");
    // SAFETY: the pointer and the length describe `polled`.
    let ready = unsafe { libc::poll(polled.as_mut_ptr(), length, milliseconds) };
    assert!(ready >= 0, "poll: {}", io::Error::last_os_error());
    ready
}

fn set_receive_buffer(socket: &UdpSocket) {
    let size = SHARED_BUFFER_BYTES;
    // SAFETY: the pointer and the length describe `size`, which outlives the call.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_RCVBUFFORCE,
            (&raw const size).cast(),
            libc::socklen_t::try_from(size_of_val(&size)).expect("length"),
        )
    };
    assert_eq!(result, 0, "SO_RCVBUFFORCE: {}", io::Error::last_os_error());
}
