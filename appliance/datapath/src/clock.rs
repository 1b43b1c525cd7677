//! The clock the programs stamp flows with.

use std::io;
use std::time::Duration;

/// Time since boot, to a few milliseconds: CLOCK_MONOTONIC_COARSE. No system call.
pub(crate) fn now() -> io::Result<Duration> {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: there is room for the answer.
    if unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC_COARSE, &raw mut time) } != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(Duration::new(
        time.tv_sec.cast_unsigned(),
        u32::try_from(time.tv_nsec).unwrap_or(0),
    ))
}
