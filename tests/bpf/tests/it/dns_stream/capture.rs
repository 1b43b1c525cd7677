//! What leaves the loopback of this thread's namespace.

use std::io::ErrorKind;
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd};

/// `sockaddr_ll.sll_pkttype` of packets on their way out (linux/if_packet.h).
const PACKET_OUTGOING: u8 = 4;

/// Captures frames from when it is made.
#[derive(Debug)]
pub struct Capture(OwnedFd);

impl Capture {
    pub fn on_loopback() -> Self {
        let protocol = i32::from(u16::try_from(libc::ETH_P_ALL).unwrap().to_be());
        // SAFETY: no pointers; the result is checked before it is owned.
        let socket = unsafe { libc::socket(libc::AF_PACKET, libc::SOCK_RAW | libc::SOCK_NONBLOCK, protocol) };
        assert!(socket >= 0, "packet socket: {}", std::io::Error::last_os_error());
        // SAFETY: a descriptor just opened, and nobody else's.
        Self(unsafe { OwnedFd::from_raw_fd(socket) })
    }

    /// Frames sent since the last call. A packet is here before the call that sends it returns.
    pub fn sent(&mut self) -> Vec<Vec<u8>> {
        let mut frames = Vec::new();
        loop {
            let mut frame = vec![0u8; 2048];
            // SAFETY: all zeros is a valid sockaddr_ll.
            let mut from: libc::sockaddr_ll = unsafe { std::mem::zeroed() };
            let mut length = libc::socklen_t::try_from(size_of_val(&from)).unwrap();
            // SAFETY: the buffer and the address are ours, with their true sizes.
            let size = unsafe {
                libc::recvfrom(
                    self.0.as_raw_fd(),
                    frame.as_mut_ptr().cast(),
                    frame.len(),
                    0,
                    (&raw mut from).cast(),
                    &raw mut length,
                )
            };
            let Ok(size) = usize::try_from(size) else {
                let error = std::io::Error::last_os_error();
                assert_eq!(error.kind(), ErrorKind::WouldBlock, "{error}");
                return frames;
            };
            frame.truncate(size);
            if from.sll_pkttype == PACKET_OUTGOING {
                frames.push(frame);
            }
        }
    }
}
