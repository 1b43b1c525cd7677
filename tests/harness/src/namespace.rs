//! A network namespace.

use std::fs::File;
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::JoinHandle;

use crate::run_dir::{PREFIX, remove_leftovers};

static COUNTER: AtomicU32 = AtomicU32::new(0);

/// A network namespace with its loopback up; deleted when dropped.
#[derive(Debug)]
pub struct Namespace {
    name: String,
    handle: File,
}

impl Namespace {
    /// Makes one; `role` ends its name.
    pub fn new(role: &str) -> Self {
        remove_leftovers();
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        let name = format!("{PREFIX}{}-{number}-{role}", std::process::id());
        run(Command::new("ip").args(["netns", "add", &name]));
        let path = format!("/run/netns/{name}");
        let handle = File::open(&path).expect("handle of the namespace");
        let namespace = Self { name, handle };
        namespace.ip("link set lo up");
        // Addresses are usable at once; nobody else is on these links.
        namespace.write_sysctl("ipv6/conf/default/accept_dad", "0");
        namespace
    }

    /// Its name under `/run/netns`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A command that will run inside. It is killed when the thread that starts it ends.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        let handle = self.handle.as_raw_fd();
        // SAFETY: between fork and exec only async-signal-safe calls are made: setns and prctl. The handle stays
        // open, as commands are not started after the namespace is dropped (spawn would then fail, not misbehave).
        unsafe {
            command.pre_exec(move || {
                enter(handle)?;
                if libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) != 0 {
                    return Err(std::io::Error::last_os_error());
                }
                Ok(())
            });
        }
        command
    }

    /// Runs a program inside to its end and gives its standard output. Panics if it fails.
    pub fn run(&self, program: &str, arguments: &[&str]) -> String {
        run(self.command(program).args(arguments))
    }

    /// `ip -n <this> <arguments>`, split at white space.
    pub fn ip(&self, arguments: &str) -> String {
        run(Command::new("ip")
            .args(["-n", &self.name])
            .args(arguments.split_whitespace()))
    }

    /// Sets `/proc/sys/net/<key>` of this namespace.
    pub fn write_sysctl(&self, key: &str, value: &str) {
        let path = format!("/proc/sys/net/{key}");
        self.within(|| std::fs::write(&path, value).unwrap_or_else(|error| panic!("write {path}: {error}")));
    }

    /// Runs a closure on a thread inside.
    pub fn within<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        let handle = self.handle.as_raw_fd();
        std::thread::scope(|scope| {
            scope
                .spawn(move || {
                    enter(handle).expect("enter the namespace");
                    work()
                })
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }

    /// Starts a thread inside.
    pub fn spawn<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
        let handle = self.handle.try_clone().expect("handle of the namespace");
        std::thread::spawn(move || {
            enter(handle.as_raw_fd()).expect("enter the namespace");
            work()
        })
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let _ = Command::new("ip").args(["netns", "delete", &self.name]).status();
    }
}

fn enter(handle: RawFd) -> std::io::Result<()> {
    // SAFETY: setns only reads the descriptor and changes the calling thread's namespace.
    if unsafe { libc::setns(handle, libc::CLONE_NEWNET) } != 0 {
        return Err(std::io::Error::last_os_error());
    }
    Ok(())
}

/// Runs a command to its end and gives its standard output. Panics if it fails.
pub(crate) fn run(command: &mut Command) -> String {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(
        output.status.success(),
        "{command:?}: {}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}
