//! Where packets would go (RTM_GETROUTE), for threads that may block.

use std::io;
use std::net::IpAddr;

use netlink_sys::protocols::NETLINK_ROUTE;

use crate::KernelError;
use crate::blocking::BlockingSocket;
use crate::netlink::{Answer, Messages, array, attributes};

// include/uapi/linux/rtnetlink.h
const RTM_NEWROUTE: u16 = 24;
const RTM_GETROUTE: u16 = 26;
/// `struct rtmsg`.
const ROUTE_HEADER: usize = 12;
const ROUTE_TYPE: usize = 7;
const RTA_DST: u16 = 1;
const RTA_SRC: u16 = 2;
const RTA_IIF: u16 = 3;
const RTA_OIF: u16 = 4;
const RTN_UNICAST: u8 = 1;
const RTN_LOCAL: u8 = 2;
const RTN_BROADCAST: u8 = 3;
const RTN_ANYCAST: u8 = 4;
const RTN_MULTICAST: u8 = 5;

/// One answer that the kernel keeps in a buffer, as it counts it (NLMSG_GOODSIZE is a page).
const ANSWER_BYTES: usize = 10 * 1024;
/// Questions told at once.
const AT_ONCE: usize = 512;

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RouteQuestion {
    /// To.
    pub destination: IpAddr,
    /// From, and kernel index of the interface it comes in by; None: the box sends it.
    pub source: Option<(IpAddr, u32)>,
}

/// Where such a packet goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RouteAnswer {
    /// It is for the box.
    Local,
    /// It leaves.
    Out {
        /// Kernel index of the interface.
        interface: u32,
    },
    /// Nowhere: no route, or one that says so, or such a packet is not taken from there.
    Unreachable,
}

/// Asks for routes of the network namespace of the thread that opened it.
#[derive(Debug)]
pub struct Routes {
    socket: BlockingSocket,
    at_once: usize,
}

impl Routes {
    /// Opens a socket.
    pub fn open() -> Result<Self, KernelError> {
        Self::socket().map_err(KernelError::Routes)
    }

    fn socket() -> io::Result<Self> {
        let mut socket = BlockingSocket::open(NETLINK_ROUTE)?;
        let held = socket.hold(AT_ONCE * ANSWER_BYTES)?;
        Ok(Self {
            socket,
            at_once: AT_ONCE.min(held / ANSWER_BYTES),
        })
    }

    /// The answers, one by one to the questions.
    pub fn resolve(&mut self, questions: &[RouteQuestion]) -> Result<Vec<RouteAnswer>, KernelError> {
        let mut found = vec![RouteAnswer::Unreachable; questions.len()];
        let mut refused = None;
        let asked = self
            .socket
            .ask(questions, self.at_once, build, |place, answer| match answer {
                Answer::Message(RTM_NEWROUTE, body) => {
                    let iif = questions
                        .get(place)
                        .is_some_and(|question| question.source.is_some());
                    if let (Some(slot), Some(answer)) = (found.get_mut(place), route(body, iif)) {
                        *slot = answer;
                    }
                }
                Answer::End(error) if error != 0 && !NO_ROUTE.contains(&-error) => {
                    refused = refused.or(Some(error));
                }
                _ => {}
            });
        asked.map_err(KernelError::Routes)?;
        match refused {
            Some(error) => Err(KernelError::Routes(io::Error::from_raw_os_error(
                error.saturating_neg(),
            ))),
            None => Ok(found),
        }
    }
}

/// No route, one that refuses or drops, a source or interface such packets are not taken from (reverse path filter,
/// addresses that cannot be one), an interface that is gone.
const NO_ROUTE: [i32; 7] = [
    libc::ENETUNREACH,
    libc::EHOSTUNREACH,
    libc::EACCES,
    libc::EINVAL,
    libc::EXDEV,
    libc::ENODEV,
    libc::ENONET,
];

fn build(messages: &mut Messages, sequence: u32, question: &RouteQuestion) {
    let (family, bits) = match question.destination {
        IpAddr::V4(_) => (libc::AF_INET, 32),
        IpAddr::V6(_) => (libc::AF_INET6, 128),
    };
    let family = u8::try_from(family).unwrap_or(0);
    let source_bits = if question.source.is_some() { bits } else { 0 };
    let mut header = [0; ROUTE_HEADER];
    header[..3].copy_from_slice(&[family, bits, source_bits]);
    messages.begin(RTM_GETROUTE, 0, sequence, &header);
    put_address(messages, RTA_DST, question.destination);
    if let Some((source, interface)) = question.source {
        put_address(messages, RTA_SRC, source);
        messages.put(RTA_IIF, &interface.to_ne_bytes());
    }
}

fn put_address(messages: &mut Messages, kind: u16, address: IpAddr) {
    match address {
        IpAddr::V4(address) => messages.put(kind, &address.octets()),
        IpAddr::V6(address) => messages.put(kind, &address.octets()),
    }
}

/// `comes_in`: the packet is not the box's own, so that it takes what is for many.
fn route(body: &[u8], comes_in: bool) -> Option<RouteAnswer> {
    let out = || {
        let (_, index) = attributes(body.get(ROUTE_HEADER..)?).find(|(kind, _)| *kind == RTA_OIF)?;
        let interface = u32::from_ne_bytes(array(index, 0)?);
        Some(RouteAnswer::Out { interface })
    };
    match *body.get(ROUTE_TYPE)? {
        RTN_LOCAL | RTN_ANYCAST => Some(RouteAnswer::Local),
        RTN_BROADCAST | RTN_MULTICAST if comes_in => Some(RouteAnswer::Local),
        RTN_UNICAST | RTN_BROADCAST | RTN_MULTICAST => out(),
        _ => Some(RouteAnswer::Unreachable),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_cut_off_is_no_answer() {
        let mut body = vec![0; ROUTE_HEADER];
        body[ROUTE_TYPE] = RTN_UNICAST;
        body.extend([8, 0, 4, 0]);
        body.extend(7_u32.to_ne_bytes());
        assert_eq!(route(&body, false), Some(RouteAnswer::Out { interface: 7 }));
        for length in 0..body.len() {
            assert_eq!(route(&body[..length], false), None, "{length} bytes");
        }
        for (kind, comes_in, expected) in [
            (RTN_LOCAL, false, RouteAnswer::Local),
            (RTN_ANYCAST, true, RouteAnswer::Local),
            (RTN_BROADCAST, true, RouteAnswer::Local),
            (RTN_BROADCAST, false, RouteAnswer::Out { interface: 7 }),
            (RTN_MULTICAST, false, RouteAnswer::Out { interface: 7 }),
            (7, true, RouteAnswer::Unreachable),
            (0, true, RouteAnswer::Unreachable),
        ] {
            body[ROUTE_TYPE] = kind;
            assert_eq!(route(&body, comes_in), Some(expected), "{kind}");
        }
    }
}
