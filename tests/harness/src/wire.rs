//! Frames and packets sent and received as they are.

use std::ffi::CString;
use std::io;
use std::net::IpAddr;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::time::Instant;

use crate::Namespace;

/// include/uapi/linux/if_packet.h.
const PACKET_IGNORE_OUTGOING: libc::c_int = 23;
/// include/uapi/linux/in6.h.
const IPV6_HDRINCL: libc::c_int = 36;
/// Enough for a burst of a test without being scheduled.
const BUFFER_BYTES: libc::c_int = 16 << 20;
/// Longest frame there is.
const FRAME_BYTES: usize = 65_600;

/// Protocols whose packets to the box itself are seen.
const PROTOCOLS4: [u8; 8] = [1, 6, 17, 47, 50, 132, 253, 254];
const PROTOCOLS6: [u8; 8] = [58, 6, 17, 47, 50, 132, 253, 254];

/// Where something was received.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Place {
    /// At the far end of a link, by its index.
    Link(usize),
    /// By the box itself, behind its filters: an IPv4 packet.
    Local4,
    /// By the box itself: what an IPv6 packet of this protocol carries.
    Local6(u8),
}

/// Received bytes: a frame at a link; see the other places.
#[derive(Debug, Clone)]
pub struct Received {
    /// Where.
    pub place: Place,
    /// What.
    pub bytes: Vec<u8>,
}

/// The far ends of links and the raw sockets of the router between them.
#[derive(Debug)]
pub struct Wire {
    sockets: Vec<(OwnedFd, Place)>,
    senders: [OwnedFd; 2],
}

impl Wire {
    /// Opens the far ends of the links, by name, and the router itself. The calling thread stays on one processor
    /// from now on: the kernel hands a packet from interface to interface on the processor that sent it, so what this
    /// thread sends arrives in order, wherever it arrives. Start other processes before.
    pub fn open(far: &Namespace, links: &[&str], router: &Namespace) -> Self {
        stay_on_one_processor().expect("affinity");
        let mut sockets: Vec<_> = far.within(|| {
            (0..)
                .zip(links)
                .map(|(index, link)| {
                    let socket =
                        packet_socket(link).unwrap_or_else(|error| panic!("socket on {link}: {error}"));
                    (socket, Place::Link(index))
                })
                .collect()
        });
        let (local, senders) = router.within(|| raw_sockets().expect("raw sockets"));
        sockets.extend(local);
        Self { sockets, senders }
    }

    /// Sends a frame from the far end of a link.
    pub fn send(&self, link: usize, frame: &[u8]) {
        // SAFETY: the pointer and the length describe `frame`.
        let sent = unsafe {
            libc::send(
                self.sockets[link].0.as_raw_fd(),
                frame.as_ptr().cast(),
                frame.len(),
                0,
            )
        };
        assert_eq!(
            sent,
            frame.len().cast_signed(),
            "send: {}",
            io::Error::last_os_error()
        );
    }

    /// Sends an IP packet from the router itself. The error is the kernel's, e.g. `EPERM` for a packet that the
    /// router's own filter dropped.
    pub fn send_local(&self, destination: IpAddr, packet: &[u8]) -> io::Result<()> {
        let socket = self.senders[usize::from(destination.is_ipv6())].as_raw_fd();
        let sent = match destination {
            IpAddr::V4(address) => send_to(
                socket,
                packet,
                &libc::sockaddr_in {
                    sin_family: family(libc::AF_INET),
                    sin_port: 0,
                    sin_addr: libc::in_addr {
                        s_addr: u32::from_ne_bytes(address.octets()),
                    },
                    sin_zero: [0; 8],
                },
            ),
            IpAddr::V6(address) => send_to(
                socket,
                packet,
                &libc::sockaddr_in6 {
                    sin6_family: family(libc::AF_INET6),
                    sin6_port: 0,
                    sin6_flowinfo: 0,
                    sin6_addr: libc::in6_addr {
                        s6_addr: address.octets(),
                    },
                    sin6_scope_id: 0,
                },
            ),
        };
        if sent < 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(())
    }

    /// What is received next, anywhere; None when nothing came until the deadline. What was received at one place
    /// comes in order; between places there is no order.
    pub fn receive(&self, deadline: Instant) -> Option<Received> {
        let mut polled: Vec<libc::pollfd> = self
            .sockets
            .iter()
            .map(|(socket, _)| libc::pollfd {
                fd: socket.as_raw_fd(),
                events: libc::POLLIN,
                revents: 0,
            })
            .collect();
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let milliseconds = i32::try_from(left.as_millis())
                .unwrap_or(i32::MAX)
                .saturating_add(1);
            // SAFETY: the pointer and the length describe `polled`.
            let ready = unsafe {
                libc::poll(
                    polled.as_mut_ptr(),
                    libc::nfds_t::try_from(polled.len()).expect("few sockets"),
                    if left.is_zero() { 0 } else { milliseconds },
                )
            };
            assert!(ready >= 0, "poll: {}", io::Error::last_os_error());
            for (poll, (socket, place)) in polled.iter().zip(&self.sockets) {
                if poll.revents != 0
                    && let Some(bytes) = take(socket)
                {
                    return Some(Received { place: *place, bytes });
                }
            }
            if left.is_zero() {
                return None;
            }
        }
    }
}

fn take(socket: &OwnedFd) -> Option<Vec<u8>> {
    let mut buffer = vec![0; FRAME_BYTES];
    // SAFETY: the pointer and the length describe `buffer`.
    let received = unsafe {
        libc::recv(
            socket.as_raw_fd(),
            buffer.as_mut_ptr().cast(),
            buffer.len(),
            libc::MSG_DONTWAIT,
        )
    };
    // An error is that of an earlier packet the socket was told of (ICMP), or nothing to read.
    buffer.truncate(usize::try_from(received).ok()?);
    Some(buffer)
}

/// A socket that receives every frame an interface of the calling thread's namespace receives, and sends frames.
pub fn packet_socket(interface: &str) -> io::Result<OwnedFd> {
    let name = CString::new(interface)?;
    // SAFETY: the name is a C string that outlives the call.
    let index = unsafe { libc::if_nametoindex(name.as_ptr()) };
    if index == 0 {
        return Err(io::Error::last_os_error());
    }
    // Protocol 0: nothing is received before it is bound.
    let socket = socket(libc::AF_PACKET, 0)?;
    set(&socket, libc::SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)?;
    set(&socket, libc::SOL_SOCKET, libc::SO_RCVBUFFORCE, BUFFER_BYTES)?;
    // SAFETY: all zeros is a valid sockaddr_ll.
    let mut address: libc::sockaddr_ll = unsafe { std::mem::zeroed() };
    address.sll_family = family(libc::AF_PACKET);
    address.sll_protocol = u16::try_from(libc::ETH_P_ALL).expect("a protocol").to_be();
    address.sll_ifindex = index.cast_signed();
    // SAFETY: the pointer and the length describe `address`.
    let result = unsafe {
        libc::bind(
            socket.as_raw_fd(),
            (&raw const address).cast(),
            length_of::<libc::sockaddr_ll>(),
        )
    };
    if result != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(socket)
}

/// Sockets that receive, and where each does.
type Receivers = Vec<(OwnedFd, Place)>;

/// Sockets that receive, and one for each family to send by.
fn raw_sockets() -> io::Result<(Receivers, [OwnedFd; 2])> {
    let mut local = Vec::new();
    for protocol in PROTOCOLS4 {
        local.push((socket(libc::AF_INET, protocol.into())?, Place::Local4));
    }
    for protocol in PROTOCOLS6 {
        local.push((socket(libc::AF_INET6, protocol.into())?, Place::Local6(protocol)));
    }
    for (socket, _) in &local {
        set(socket, libc::SOL_SOCKET, libc::SO_RCVBUFFORCE, BUFFER_BYTES)?;
    }
    let senders = [
        socket(libc::AF_INET, libc::IPPROTO_RAW)?,
        socket(libc::AF_INET6, libc::IPPROTO_RAW)?,
    ];
    set(&senders[0], libc::IPPROTO_IP, libc::IP_HDRINCL, 1)?;
    set(&senders[1], libc::IPPROTO_IPV6, IPV6_HDRINCL, 1)?;
    Ok((local, senders))
}

fn socket(domain: libc::c_int, protocol: libc::c_int) -> io::Result<OwnedFd> {
    // SAFETY: socket has no memory effects.
    let socket = unsafe { libc::socket(domain, libc::SOCK_RAW | libc::SOCK_CLOEXEC, protocol) };
    if socket < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel has just made this descriptor for us.
    Ok(unsafe { OwnedFd::from_raw_fd(socket) })
}

fn set(socket: &OwnedFd, level: libc::c_int, option: libc::c_int, value: libc::c_int) -> io::Result<()> {
    // SAFETY: the pointer and the length describe `value`, which outlives the call.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            level,
            option,
            (&raw const value).cast(),
            length_of::<libc::c_int>(),
        )
    };
    if result != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

fn send_to<A>(socket: libc::c_int, packet: &[u8], address: &A) -> isize {
    // SAFETY: both pointers and lengths describe values that outlive the call.
    unsafe {
        libc::sendto(
            socket,
            packet.as_ptr().cast(),
            packet.len(),
            0,
            std::ptr::from_ref(address).cast(),
            length_of::<A>(),
        )
    }
}

fn length_of<T>() -> libc::socklen_t {
    libc::socklen_t::try_from(size_of::<T>()).expect("a short struct")
}

fn family(number: libc::c_int) -> libc::sa_family_t {
    libc::sa_family_t::try_from(number).expect("a family")
}

fn stay_on_one_processor() -> io::Result<()> {
    // SAFETY: sched_getcpu has no preconditions.
    let processor = usize::try_from(unsafe { libc::sched_getcpu() }).map_err(io::Error::other)?;
    // SAFETY: all zeros is an empty set of processors.
    let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    // SAFETY: the kernel's numbers are within the set.
    unsafe { libc::CPU_SET(processor, &mut set) };
    // SAFETY: the pointer and the size describe `set`; 0 is the calling thread.
    if unsafe { libc::sched_setaffinity(0, size_of_val(&set), &raw const set) } != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}
