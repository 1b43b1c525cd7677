//! UDP traffic that is counted at both ends.

use std::collections::HashMap;
use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::Namespace;

/// Receive buffer of a sink: enough for a second without being scheduled.
const RECEIVE_BUFFER_BYTES: libc::c_int = 32 << 20;

/// Counts datagrams by their source address.
#[derive(Debug)]
pub struct Sink {
    counts: Arc<Mutex<HashMap<IpAddr, u64>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Sink {
    /// Listens in a namespace.
    pub fn open(namespace: &Namespace, address: SocketAddr) -> Self {
        let socket = namespace.within(|| UdpSocket::bind(address).expect("bind the sink"));
        set_receive_buffer(&socket);
        socket
            .set_read_timeout(Some(Duration::from_millis(100)))
            .expect("read time-out");
        let counts = Arc::new(Mutex::new(HashMap::new()));
        let stop = Arc::new(AtomicBool::new(false));
        let thread = std::thread::spawn({
            let (counts, stop) = (Arc::clone(&counts), Arc::clone(&stop));
            move || {
                let mut buffer = [0; 2048];
                while !stop.load(Ordering::Relaxed) {
                    match socket.recv_from(&mut buffer) {
                        Ok((_, from)) => *counts.lock().expect("counts").entry(from.ip()).or_insert(0) += 1,
                        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                        }
                        Err(error) => panic!("receive: {error}"),
                    }
                }
            }
        });
        Self {
            counts,
            stop,
            thread: Some(thread),
        }
    }

    /// Datagrams that came from an address so far.
    pub fn count(&self, source: IpAddr) -> u64 {
        self.counts
            .lock()
            .expect("counts")
            .get(&source)
            .copied()
            .unwrap_or(0)
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn set_receive_buffer(socket: &UdpSocket) {
    let size = RECEIVE_BUFFER_BYTES;
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
    assert_eq!(result, 0, "SO_RCVBUFFORCE: {}", std::io::Error::last_os_error());
}

/// Sends so many datagrams of so many payload bytes.
pub fn send_udp(from: &Namespace, source: IpAddr, to: SocketAddr, packets: u64, payload_bytes: usize) {
    from.within(|| {
        let socket = UdpSocket::bind((source, 0)).expect("bind the source");
        let payload = vec![0; payload_bytes];
        for _ in 0..packets {
            send(&socket, &payload, to);
        }
    });
}

/// A refusal (ICMP port unreachable) is the answer to an earlier datagram; the one at hand is sent again.
fn send(socket: &UdpSocket, payload: &[u8], to: SocketAddr) {
    while let Err(error) = socket.send_to(payload, to) {
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused, "send: {error}");
    }
}

/// Sends steadily in the background, taking turns between sources; ends when dropped.
#[derive(Debug)]
pub struct Flood {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<HashMap<IpAddr, u64>>>,
}

impl Flood {
    /// Starts sending `rate` packets a second altogether, each source to its destination.
    pub fn start(from: &Namespace, pairs: &[(IpAddr, SocketAddr)], rate: u32) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let pairs = pairs.to_vec();
        let thread = from.spawn({
            let stop = Arc::clone(&stop);
            move || flood(&pairs, rate, &stop)
        });
        Self {
            stop,
            thread: Some(thread),
        }
    }

    /// Ends it and says how many datagrams each source has sent.
    pub fn stop(mut self) -> HashMap<IpAddr, u64> {
        self.stop.store(true, Ordering::Relaxed);
        let thread = self.thread.take().expect("it is stopped once");
        thread.join().expect("flood")
    }
}

impl Drop for Flood {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn flood(pairs: &[(IpAddr, SocketAddr)], rate: u32, stop: &AtomicBool) -> HashMap<IpAddr, u64> {
    let sockets: Vec<UdpSocket> = pairs
        .iter()
        .map(|(source, _)| UdpSocket::bind((*source, 0)).expect("bind the source"))
        .collect();
    let mut sent = HashMap::new();
    let mut next = 0;
    let start = Instant::now();
    let mut total = 0.0;
    while !stop.load(Ordering::Relaxed) {
        // A pause of the machine must not turn into a burst that overruns a queue.
        let due = start.elapsed().as_secs_f64() * f64::from(rate);
        if due - total > 32.0 {
            total = due - 32.0;
        }
        while total < due {
            let (source, to) = pairs[next];
            send(&sockets[next], &[0; 32], to);
            *sent.entry(source).or_insert(0) += 1;
            next = (next + 1) % pairs.len();
            total += 1.0;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    sent
}
