//! The ring buffer: a thread of its own waits for records and hands them on.

use std::io;
use std::mem;
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd};
use std::path::Path;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use aya::maps::{Map, MapData, RingBuf};
use ravelin_abi::{rv_event, rv_event_budget, rv_event_version::RV_EVENT_VERSION};

use super::table::PerCpuArray;
use crate::events::{EventBatches, Intake, Pool};
use crate::{DatapathError, EventFigures, EventTuning, RawEvent};
use bytemuck::Pod;

const THREAD: &str = "events";

/// Reads events. The thread ends when this is dropped, and leaves what it did not read to the next process.
#[derive(Debug)]
pub(super) struct Events {
    budget: PerCpuArray<rv_event_budget>,
    pool: Arc<Pool>,
    stop: OwnedFd,
    thread: Option<JoinHandle<()>>,
}

impl Events {
    pub(super) fn open(maps: &Path) -> Result<(Self, EventBatches), DatapathError> {
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
        let (pool, intake, batches) = Pool::new();
        let reader = Reader {
            ring,
            stopped,
            intake,
        };
        let thread = thread::Builder::new()
            .name(THREAD.to_owned())
            .spawn(move || reader.run())
            .map_err(|error| DatapathError::Events(error.into()))?;
        let events = Self {
            budget,
            pool,
            stop,
            thread: Some(thread),
        };
        Ok((events, batches))
    }

    /// Changes buffers and batch.
    pub(super) fn tune(&self, tuning: &EventTuning) {
        self.pool.tune(tuning);
    }

    /// How it goes, at this rate.
    pub(super) fn figures(&self, rate: u32) -> Result<EventFigures, DatapathError> {
        let mut cpus = self.budget.buffer(rv_event_budget::default());
        self.budget.read(0, &mut cpus)?;
        let suppressed = cpus.iter().map(|cpu| cpu.suppressed).sum();
        let lost = cpus.iter().map(|cpu| cpu.lost).sum();
        Ok(self.pool.figures(suppressed, lost, rate))
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        self.pool.stop();
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
    intake: Intake,
}

impl Reader {
    fn run(mut self) {
        loop {
            while let Some(record) = self.ring.next() {
                // The record stays in the ring until it is dropped, so also while its event waits for a buffer.
                match parse(&record) {
                    None => self.intake.lose(),
                    Some(event) => {
                        if !self.intake.push(event) {
                            mem::forget(record);
                            return;
                        }
                    }
                }
            }
            self.intake.hand_on();
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
