//! What can go wrong with the data plane.

use std::io;
use std::path::PathBuf;

use ravelin_compile::ImageTooLarge;
use ravelin_model::Hook;
use thiserror::Error;

/// An error of the loader, whose type depends on the features built in.
pub type LoaderError = Box<dyn std::error::Error + Send + Sync>;

/// Why there can be no data plane in the kernel here, in words that say what to do.
#[derive(Debug, Error)]
pub enum Unavailable {
    /// TCX links came with 6.6.
    #[error("the kernel is {release}, at least 6.6 is needed: boot a newer one")]
    KernelTooOld {
        /// Its version.
        release: String,
    },
    /// The process may not use eBPF.
    #[error("the process lacks {}: run it as root or grant it these capabilities", missing.join(", "))]
    MissingCapabilities {
        /// Names of the capabilities.
        missing: Vec<&'static str>,
    },
    /// Nowhere to pin.
    #[error("{} is not a BPF file system: run `mount -t bpf bpf {0}` first, or set `bpffs`", path.display())]
    NoBpfFilesystem {
        /// Where one was looked for.
        path: PathBuf,
    },
    /// The kernel refused in spite of the capabilities.
    #[error(
        "the kernel refuses eBPF: allow it in the container's seccomp profile and user namespace, and leave \
         kernel lockdown below confidentiality"
    )]
    Refused(#[source] io::Error),
}

/// An operation on the data plane failed; what was there before is still there.
#[derive(Debug, Error)]
pub enum DatapathError {
    /// There can be no data plane in the kernel here.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// More entries than a map holds.
    #[error("the list does not fit")]
    TooLarge(#[from] ImageTooLarge),
    /// Such an interface cannot be told to the programs.
    #[error("interface index {index} is not below {limit}")]
    InterfaceIndex {
        /// The index.
        index: u32,
        /// The first that is too large.
        limit: u32,
    },
    /// Detach another interface first.
    #[error("{0} interfaces are attached already, which is the most there can be")]
    TooManyInterfaces(u32),
    /// A hit counter that does not exist.
    #[error("there is no hit counter {counter}, only {capacity} of them")]
    UnknownCounter {
        /// Asked for.
        counter: u32,
        /// How many there are.
        capacity: usize,
    },
    /// An eBPF object could not be read or its maps not made.
    #[error("cannot load the eBPF object of {hook}")]
    LoadObject {
        /// Its hook.
        hook: Hook,
        /// Why.
        source: LoaderError,
    },
    /// Two objects mean different maps by one name.
    #[error("the eBPF objects disagree about map '{0}'")]
    ConflictingMap(String),
    /// An object lacks a program or a map, or has another type under the name.
    #[error("the eBPF objects have no {what} '{name}'")]
    MissingPart {
        /// Program or a type of map.
        what: &'static str,
        /// Its name.
        name: &'static str,
    },
    /// The kernel's map is not what this build expects: `ebpf/abi` and the objects have drifted apart.
    #[error("map '{map}' has {field} {kernel}, this build expects {expected}")]
    MapLayout {
        /// Its name.
        map: &'static str,
        /// What differs.
        field: &'static str,
        /// What the kernel has.
        kernel: u32,
        /// What `ebpf/abi` has.
        expected: u32,
    },
    /// The verifier refused a program, or there was no memory for it.
    #[error("cannot load program '{program}'")]
    LoadProgram {
        /// Its function name.
        program: &'static str,
        /// Why; the end of the verifier's log has been logged.
        source: LoaderError,
    },
    /// A path of the BPF file system.
    #[error("cannot {action} {}", path.display())]
    Pin {
        /// What was to be done.
        action: &'static str,
        /// Where.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Several pins could not be removed; everything else is gone.
    #[error("cannot remove {} pins, the first is {}", .0.len(), .0.first().map_or_else(String::new, |(path, _)| path.display().to_string()))]
    RemoveAll(Vec<(PathBuf, io::Error)>),
    /// A map could not be asked.
    #[error("cannot read map '{map}'")]
    ReadMap {
        /// Its name.
        map: &'static str,
        /// Why.
        source: io::Error,
    },
    /// A map could not be changed.
    #[error("cannot write map '{map}'")]
    WriteMap {
        /// Its name.
        map: &'static str,
        /// Why.
        source: io::Error,
    },
    /// A map's memory could not be had.
    #[error("cannot map the memory of map '{map}'")]
    MapMemory {
        /// Its name.
        map: &'static str,
        /// Why.
        source: io::Error,
    },
    /// Without it, a table in use could be overwritten.
    #[error("cannot wait for packets in flight")]
    GracePeriod(#[source] io::Error),
    /// The numbers the programs know each other by could not be had.
    #[error("cannot get random numbers")]
    Random(#[source] io::Error),
    /// A program could not be asked about.
    #[error("cannot query program '{program}'")]
    QueryProgram {
        /// Its function name.
        program: &'static str,
        /// Why.
        source: LoaderError,
    },
    /// A map could not be asked about.
    #[error("cannot query map '{map}'")]
    QueryMap {
        /// Its name.
        map: String,
        /// Why.
        source: LoaderError,
    },
    /// The kernel does not time programs.
    #[error("cannot have the kernel measure run time")]
    MeasureRunTime(#[source] LoaderError),
    /// The events cannot be read.
    #[error("cannot read the events")]
    Events(#[source] LoaderError),
    /// A flow cache of this size cannot be staged.
    #[error("a flow cache with room for {connections} connections cannot be staged: {reason}")]
    CacheSize {
        /// Asked for.
        connections: u32,
        /// Why not.
        reason: &'static str,
    },
    /// There is nothing to be used in place of the flow cache.
    #[error("no flow cache is staged")]
    NoStagedCache,
    /// A program could not be run on a packet.
    #[error("cannot run the program of {hook} on a packet")]
    TestRun {
        /// Its hook.
        hook: Hook,
        /// Why.
        source: LoaderError,
    },
}
