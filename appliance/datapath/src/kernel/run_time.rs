//! Having the kernel time program runs. It takes CAP_SYS_ADMIN (kernel/bpf/syscall.c, `bpf_enable_stats`), which an
//! engine that touches packets has no other use for: a process that has it may do this one thing in its stead.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;

use aya::sys::{Stats, enable_stats};

/// One byte asks, four answer: 0 or the error number, native order.
const ON: u8 = 1;
const OFF: u8 = 0;

/// Switches the measuring of program runs.
#[derive(Debug)]
pub(super) struct RunTime {
    helper: Option<UnixStream>,
    /// The kernel measures as long as it is open.
    own: Option<OwnedFd>,
    on: bool,
}

impl RunTime {
    /// Without a helper this process asks the kernel itself.
    pub(super) fn new(helper: Option<UnixStream>) -> Self {
        Self {
            helper,
            own: None,
            on: false,
        }
    }

    pub(super) fn set(&mut self, on: bool) -> io::Result<()> {
        if on == self.on {
            return Ok(());
        }
        match &mut self.helper {
            Some(helper) => ask(helper, on)?,
            None => self.own = open(on)?,
        }
        self.on = on;
        Ok(())
    }

    /// Whether the kernel measures, at our wish or by the sysctl `kernel.bpf_stats_enabled`.
    pub(super) fn is_measured(&self) -> bool {
        let by_sysctl = || fs::read_to_string("/proc/sys/kernel/bpf_stats_enabled");
        self.on || by_sysctl().is_ok_and(|text| text.trim() == "1")
    }
}

fn ask(helper: &mut UnixStream, on: bool) -> io::Result<()> {
    let mut answer = [0; 4];
    helper.write_all(&[if on { ON } else { OFF }])?;
    helper.read_exact(&mut answer)?;
    match i32::from_ne_bytes(answer) {
        0 => Ok(()),
        number => Err(io::Error::from_raw_os_error(number)),
    }
}

/// Switches the measuring for the engine at the other end, until that closes.
///
/// # Errors
/// The connection broke. The measuring has then ended.
pub fn serve_run_time(mut engine: UnixStream) -> io::Result<()> {
    let mut wish = [OFF];
    let mut held;
    while engine.read(&mut wish)? != 0 {
        let answer: i32;
        (held, answer) = match open(wish[0] == ON) {
            Ok(fd) => (fd, 0),
            Err(error) => (None, error.raw_os_error().unwrap_or(libc::EIO)),
        };
        engine.write_all(&answer.to_ne_bytes())?;
        tracing::debug!(measuring = held.is_some(), "run times");
    }
    Ok(())
}

fn open(on: bool) -> io::Result<Option<OwnedFd>> {
    if !on {
        return Ok(None);
    }
    enable_stats(Stats::RunTime)
        .map(Some)
        .map_err(|error| error.io_error)
}
