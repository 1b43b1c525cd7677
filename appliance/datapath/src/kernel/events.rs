//! The ring buffer: a thread of its own waits for records and hands them on.

use std::io;
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread::{self, JoinHandle};

use aya::maps::{Map, MapData, RingBuf};
use ravelin_abi::{rv_event, rv_event_budget, rv_event_version::RV_EVENT_VERSION};
use tokio::sync::mpsc;

use super::table::PerCpuArray;
use crate::{DatapathError, EVENTS_CAPACITY, RawEvent};
use bytemuck::Pod;

const THREAD: &str = "events";

/// Events and what became of those that never arrived. The thread ends when this is dropped.
#[derive(Debug)]
pub(super) struct Events {
    budget: PerCpuArray<rv_event_budget>,
    /// Records read that found no room in the channel, or that no reader understands.
    unread: Arc<AtomicU64>,
    stop: OwnedFd,
    thread: Option<JoinHandle<()>>,
}

impl Events {
    pub(super) fn open(maps: &Path) -> Result<(Self, mpsc::Receiver<RawEvent>), DatapathError> {
        let budget = PerCpuArray::open(maps, "event_budget")?;
        let ring = MapData::from_pin(maps.join("events"))
            .and_then(Map::from_map_data)
            .and_then(RingBuf::try_from)
            .map_err(|error| DatapathError::Events(error.into()))?;
        let start = || -> io::Result<(OwnedFd, OwnedFd)> {
            // SAFETY: no pointers are passed.
            let fd = unsafe { libc::eventfd(0, libc::EFD_CLOEXEC) };
            if fd < 0 {
                return Err(io::Error::last_os_error());
            }
            // SAFETY: the descriptor is new, so nobody else owns it.
            let stop = unsafe { OwnedFd::from_raw_fd(fd) };
            Ok((stop.try_clone()?, stop))
        };
        let (stop, stopped) = start().map_err(|error| DatapathError::Events(error.into()))?;
        let (sender, receiver) = mpsc::channel(EVENTS_CAPACITY);
        let unread = Arc::new(AtomicU64::new(0));
        let reader = Reader {
            ring,
            stopped,
            sender,
            unread: Arc::clone(&unread),
        };
        let thread = thread::Builder::new()
            .name(THREAD.to_owned())
            .spawn(move || reader.run())
            .map_err(|error| DatapathError::Events(error.into()))?;
        let events = Self {
            budget,
            unread,
            stop,
            thread: Some(thread),
        };
        Ok((events, receiver))
    }

    /// (Suppressed by the budget, lost to a full ring or a slow reader.)
    pub(super) fn losses(&self) -> Result<(u64, u64), DatapathError> {
        let mut cpus = self.budget.buffer(rv_event_budget::default());
        self.budget.read(0, &mut cpus)?;
        let suppressed = cpus.iter().map(|cpu| cpu.suppressed).sum();
        let lost: u64 = cpus.iter().map(|cpu| cpu.lost).sum();
        Ok((suppressed, lost + self.unread.load(Relaxed)))
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        let one = 1u64.to_ne_bytes();
        // SAFETY: eight readable bytes, as eventfd(2) asks for.
        let written = unsafe { libc::write(self.stop.as_raw_fd(), one.as_ptr().cast(), one.len()) };
        debug_assert_eq!(written, 8, "an eventfd at 0 takes a 1");
        if let Some(Err(_)) = self.thread.take().map(JoinHandle::join) {
            tracing::error!("the thread that reads events panicked");
        }
    }
}

struct Reader {
    ring: RingBuf<MapData>,
    stopped: OwnedFd,
    sender: mpsc::Sender<RawEvent>,
    unread: Arc<AtomicU64>,
}

impl Reader {
    fn run(mut self) {
        loop {
            while let Some(record) = self.ring.next() {
                let event = parse(&record);
                drop(record);
                if event.is_none_or(|event| self.sender.try_send(event).is_err()) {
                    self.unread.fetch_add(1, Relaxed);
                }
            }
            match self.wait() {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => {
                    tracing::error!(%error, "events are no longer read: poll failed");
                    return;
                }
            }
        }
    }

    /// Waits for records; false: this is the end.
    fn wait(&self) -> io::Result<bool> {
        let interest = |fd| libc::pollfd {
            fd,
            events: libc::POLLIN,
            revents: 0,
        };
        let mut fds = [
            interest(self.ring.as_raw_fd()),
            interest(self.stopped.as_raw_fd()),
        ];
        loop {
            // SAFETY: the array and its length belong together.
            let ready = unsafe { libc::poll(fds.as_mut_ptr(), 2, -1) };
            if ready >= 0 {
                return Ok(fds[1].revents == 0);
            }
            let error = io::Error::last_os_error();
            if error.kind() != io::ErrorKind::Interrupted {
                return Err(error);
            }
        }
    }
}

/// None: not a record this build knows.
fn parse(record: &[u8]) -> Option<RawEvent> {
    let event: rv_event = read(record)?;
    let known =
        u32::from(event.version) == RV_EVENT_VERSION && event.length as usize == size_of::<rv_event>();
    known.then_some(RawEvent(event))
}

fn read<V: Pod>(bytes: &[u8]) -> Option<V> {
    if bytes.len() < size_of::<V>() {
        return None;
    }
    // SAFETY: there are enough bytes, any bytes are a valid `V`, and no alignment is asked for.
    Some(unsafe { bytes.as_ptr().cast::<V>().read_unaligned() })
}
