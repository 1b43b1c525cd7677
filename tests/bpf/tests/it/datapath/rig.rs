//! A loaded data plane on a veth pair of its own.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use aya::programs::links::{FdLink, PinnedLink};
use ravelin_compile::{AddressImage, AddressSource};
use ravelin_datapath::kernel::{KernelConfig, KernelDatapath, KernelParts};
use ravelin_datapath::{AttachTarget, Attached, Datapath as _, Switches};
use ravelin_model::Hook;

use crate::isolated::isolated;

/// What `BPF_PROG_TEST_RUN` returns of XDP.
pub const XDP_DROP: u32 = 1;
pub const XDP_PASS: u32 = 2;

/// Everything on that needs no list.
pub const WATCH: Switches = Switches {
    statistics: true,
    flow_monitoring: true,
    ddos_protection: false,
    ddos_external_only: false,
    dns_blocklist: false,
    dns_drop: false,
    policy_classifier: false,
    flow_offload: false,
};

/// A bpffs and a veth pair `wan0` – `wan1`, both up.
#[derive(Debug)]
pub struct Rig {
    pub config: KernelConfig,
}

impl Rig {
    /// Runs a test with one of its own; says so and returns where there is no root.
    pub fn run(test: impl FnOnce(&Self) + Send) {
        isolated(|bpffs| {
            // Nothing but the packets of the test: the links would announce themselves otherwise.
            fs::write("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1").unwrap();
            ip("link add wan0 type veth peer name wan1");
            ip("link set wan0 up");
            ip("link set wan1 up");
            test(&Self {
                config: KernelConfig {
                    bpffs: bpffs.to_owned(),
                    addresses: 1000,
                    name_buckets: 64,
                    flows: 1024,
                    cached_connections: 64,
                    policy_counters: 64,
                },
            });
        });
    }

    pub fn load(&self) -> KernelParts {
        KernelDatapath::load(&self.config).unwrap()
    }

    /// Loads and attaches to `wan0`, as a start of the daemon does.
    pub fn start(&self, switches: Switches) -> KernelParts {
        let mut parts = self.load();
        parts.datapath.set_switches(switches).unwrap();
        let attached = self.attach(&mut parts, "wan0");
        assert_eq!(attached.problems, Vec::<String>::new());
        parts
    }

    pub fn attach(&self, parts: &mut KernelParts, name: &str) -> Attached {
        parts.datapath.attach(&target(name)).unwrap()
    }

    pub fn root(&self) -> PathBuf {
        self.config.bpffs.join("ravelin")
    }

    /// Name of the pin -> (kernel id of the link, of its program).
    pub fn links(&self) -> BTreeMap<String, (u32, u32)> {
        names(&self.root().join("links"))
            .into_iter()
            .map(|name| {
                let pin = self.root().join("links").join(&name);
                let info = FdLink::from(PinnedLink::from_pin(pin).unwrap()).info().unwrap();
                (name, (info.id(), info.program_id()))
            })
            .collect()
    }

    /// Directories of maps.
    pub fn map_directories(&self) -> Vec<String> {
        let mut directories = names(&self.root());
        directories.retain(|name| name.starts_with('v'));
        directories
    }
}

/// Names in a directory, sorted.
pub fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

pub fn target(name: &str) -> AttachTarget {
    AttachTarget {
        name: name.to_owned(),
        index: index_of(name),
        external: false,
    }
}

pub fn index_of(name: &str) -> u32 {
    let listing = ip(&format!("-o link show dev {name}"));
    listing.split(':').next().unwrap().parse().unwrap()
}

/// Runs ip(8) in the namespace of this thread.
pub fn ip(arguments: &str) -> String {
    let output = Command::new("ip").args(arguments.split(' ')).output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "ip {arguments}: {error}");
    String::from_utf8(output.stdout).unwrap()
}

/// An image of prefixes that never expire, each with its position as counter.
pub fn image(networks: &[&str]) -> AddressImage {
    let sources: Vec<AddressSource> = (0..)
        .zip(networks)
        .map(|(counter, network)| AddressSource {
            network: network.parse().unwrap(),
            expires_ns: 0,
            counter,
            list: 1,
        })
        .collect();
    AddressImage::build(&sources, sources.len()).unwrap()
}

/// What XDP returns for a frame that comes in on an interface.
pub fn xdp(datapath: &KernelDatapath, frame: &[u8], interface: u32) -> u32 {
    datapath
        .test_run(Hook::Xdp, frame, interface)
        .unwrap()
        .return_code
}

/// Sends a frame out of an interface, so many times.
pub fn send(interface: &str, frame: &[u8], times: u32) {
    let index = i32::try_from(index_of(interface)).unwrap();
    // SAFETY: plain numbers; then an address that is all integers, and a frame, which live through the call.
    unsafe {
        let socket = libc::socket(libc::AF_PACKET, libc::SOCK_RAW, 0);
        assert!(socket >= 0, "{}", std::io::Error::last_os_error());
        let mut address: libc::sockaddr_ll = std::mem::zeroed();
        address.sll_family = u16::try_from(libc::AF_PACKET).unwrap();
        address.sll_ifindex = index;
        for _ in 0..times {
            let sent = libc::sendto(
                socket,
                frame.as_ptr().cast(),
                frame.len(),
                0,
                (&raw const address).cast(),
                u32::try_from(size_of::<libc::sockaddr_ll>()).unwrap(),
            );
            assert_eq!(
                usize::try_from(sent).ok(),
                Some(frame.len()),
                "{}",
                std::io::Error::last_os_error()
            );
        }
        libc::close(socket);
    }
}

/// Numbers of include/uapi/linux/capability.h.
pub const CAP_NET_ADMIN: u32 = 12;
pub const CAP_PERFMON: u32 = 38;
pub const CAP_BPF: u32 = 39;

/// Leaves this thread these capabilities only.
pub fn keep_capabilities(capabilities: &[u32]) {
    /// `_LINUX_CAPABILITY_VERSION_3`: two words of each set.
    const VERSION: u32 = 0x2008_0522;
    let set = capabilities.iter().fold(0u64, |set, number| set | 1 << number);
    let words = [set & 0xffff_ffff, set >> 32].map(|word| u32::try_from(word).unwrap());
    let header = [VERSION, 0];
    // Effective, permitted, inheritable, for each word.
    let data = words.map(|word| [word, word, 0]);
    // SAFETY: the header and the two structs of version 3 are laid out as capset(2) wants them.
    let result = unsafe { libc::syscall(libc::SYS_capset, header.as_ptr(), data.as_ptr()) };
    assert_eq!(result, 0, "capset: {}", std::io::Error::last_os_error());
}
