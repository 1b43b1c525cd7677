//! The one other process of the engine: it keeps CAP_SYS_ADMIN, which the kernel wants of whoever has program runs
//! timed, so that the engine need not. It takes one byte from the engine, and ends with it.

use std::io;
use std::os::unix::net::UnixStream;
use std::process::exit;
use std::time::Duration;

use nix::sys::prctl;
use nix::sys::signal::Signal;
use nix::unistd::{ForkResult, fork};
use ravelin_model::chain;

use crate::privileges;

/// The kernel answers in microseconds.
const ANSWER: Duration = Duration::from_secs(1);

/// Starts the process. To be called while this one has one thread and holds nothing that must not be inherited.
/// None: there is none; measuring run times is then refused by the kernel, with its reason.
pub fn start() -> Option<UnixStream> {
    match spawn() {
        Ok(engine) => Some(engine),
        Err(error) => {
            tracing::warn!(error = chain(&error), "run times cannot be measured");
            None
        }
    }
}

fn spawn() -> io::Result<UnixStream> {
    let (engine, helper) = UnixStream::pair()?;
    engine.set_read_timeout(Some(ANSWER))?;
    // SAFETY: there is one thread, so no lock is held by another that would be gone in the child.
    match unsafe { fork() }? {
        ForkResult::Parent { .. } => Ok(engine),
        ForkResult::Child => {
            drop(engine);
            exit(i32::from(serve(helper).is_err()));
        }
    }
}

fn serve(engine: UnixStream) -> Result<(), Box<dyn std::error::Error>> {
    prctl::set_pdeathsig(Signal::SIGKILL)?;
    prctl::set_name(c"raveld-runtime")?;
    privileges::drop_all_but(privileges::RUN_TIME_HELPER, &[])?;
    Ok(ravelin_datapath::serve_run_time(engine)?)
}
