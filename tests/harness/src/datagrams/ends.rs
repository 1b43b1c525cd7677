//! Both ends of the flows: who sends and who answers.

use std::io::{self, ErrorKind};
use std::net::UdpSocket;
use std::os::fd::AsRawFd;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::{Cell, Pace, Shared};

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

/// Sends back whatever comes.
pub(super) fn serve(shared: &Shared, sockets: &[UdpSocket]) {
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

/// Sends on each flow in turn and takes what comes back.
pub(super) fn send(shared: &Shared, sockets: &[UdpSocket], pace: Pace) {
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

pub(super) fn set_receive_buffer(socket: &UdpSocket) {
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
