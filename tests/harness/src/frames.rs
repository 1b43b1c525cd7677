//! Frames of a host that does not care what comes of them.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

use crate::Namespace;
use crate::packet::Packet;
use crate::wire::packet_socket;

/// Sends frames from an interface.
#[derive(Debug)]
pub struct Frames {
    socket: OwnedFd,
    // Destination and source.
    addresses: [u8; 12],
}

impl Frames {
    /// Opens an interface of a namespace, e.g. `eth0` of [`crate::Lab`], which is link `number` there.
    pub fn open(namespace: &Namespace, interface: &str, number: u8) -> Self {
        let socket = namespace.within(|| packet_socket(interface));
        let [near, far] = [1, 2].map(|side| [2, 0, 0, 0, number, side]);
        Self {
            socket: socket.unwrap_or_else(|error| panic!("socket on {interface}: {error}")),
            addresses: [near, far].concat().try_into().expect("two addresses"),
        }
    }

    /// Sends a packet to the router.
    pub fn send(&self, packet: &Packet) {
        let mut frame = packet.build();
        frame[..12].copy_from_slice(&self.addresses);
        loop {
            // SAFETY: the pointer and the length describe `frame`.
            let sent = unsafe { libc::send(self.socket.as_raw_fd(), frame.as_ptr().cast(), frame.len(), 0) };
            if sent >= 0 {
                return;
            }
            let error = io::Error::last_os_error();
            assert_eq!(error.raw_os_error(), Some(libc::ENOBUFS), "send: {error}");
            std::thread::yield_now();
        }
    }
}
