//! What comes out of a cable, from power-on, with the time the kernel received it.

use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};

use ravelin_test_harness::packet::View;
use ravelin_test_harness::{Namespace, packet_socket};

/// include/uapi/asm-generic/sockios.h: the time of the packet read last.
const SIOCGSTAMPNS: libc::c_ulong = 0x8907;
/// Longest frame a tap carries.
const FRAME_BYTES: usize = 65_600;
/// How soon the thread sees that it shall end, in milliseconds.
const PATIENCE: libc::c_int = 100;

/// A frame with an IP packet.
#[derive(Debug, Clone)]
pub struct Seen {
    /// When it came.
    pub at: SystemTime,
    /// The packet.
    pub packet: View,
}

/// A running capture; ends when dropped.
#[derive(Debug)]
pub struct Capture {
    seen: Arc<Mutex<Vec<Seen>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Capture {
    /// Begins. Frames the namespace itself sends are left out.
    pub fn start(namespace: &Namespace, interface: &str) -> Self {
        let socket = namespace
            .within(|| packet_socket(interface))
            .unwrap_or_else(|error| panic!("socket on {interface}: {error}"));
        // From the first question on the kernel keeps times; there is none to give yet.
        let _ = time_of_last(&socket);
        let (seen, stop) = (Arc::default(), Arc::new(AtomicBool::new(false)));
        let thread = std::thread::spawn({
            let (seen, stop) = (Arc::clone(&seen), Arc::clone(&stop));
            move || {
                while !stop.load(Ordering::Relaxed) {
                    watch(&socket, &seen);
                }
            }
        });
        Self {
            seen,
            stop,
            thread: Some(thread),
        }
    }

    /// Packets so far that a test is interested in.
    pub fn packets(&self, mut wanted: impl FnMut(&Seen) -> bool) -> Vec<Seen> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.iter().filter(|seen| wanted(seen)).cloned().collect()
    }

    /// Forgets what was so far.
    pub fn clear(&self) {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn watch(socket: &OwnedFd, seen: &Mutex<Vec<Seen>>) {
    let mut poll = libc::pollfd {
        fd: socket.as_raw_fd(),
        events: libc::POLLIN,
        revents: 0,
    };
    // SAFETY: the pointer is to one pollfd that outlives the call.
    if unsafe { libc::poll(&raw mut poll, 1, PATIENCE) } <= 0 {
        return;
    }
    let mut frame = vec![0; FRAME_BYTES];
    // SAFETY: the pointer and the length describe `frame`.
    let length = unsafe {
        libc::recv(
            socket.as_raw_fd(),
            frame.as_mut_ptr().cast(),
            frame.len(),
            libc::MSG_DONTWAIT,
        )
    };
    let Ok(length) = usize::try_from(length) else {
        return;
    };
    frame.truncate(length);
    let at = time_of_last(socket).unwrap_or_else(SystemTime::now);
    // Tags are off: the kernel takes them before it shows a frame.
    if let Some(packet) = View::of_frame(&frame) {
        let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.push(Seen { at, packet });
    }
}

fn time_of_last(socket: &OwnedFd) -> Option<SystemTime> {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: the pointer is to a timespec that outlives the call.
    if unsafe { libc::ioctl(socket.as_raw_fd(), SIOCGSTAMPNS, &raw mut time) } != 0 {
        return None;
    }
    let since = Duration::new(
        u64::try_from(time.tv_sec).ok()?,
        u32::try_from(time.tv_nsec).ok()?,
    );
    Some(SystemTime::UNIX_EPOCH + since)
}
