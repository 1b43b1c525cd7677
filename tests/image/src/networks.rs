//! The two networks the box is between: each a namespace with a kernel of its own, a tap that is both the box's
//! cable and the host's card, and a capture from power-on.

use std::ffi::CString;
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use ravelin_test_harness::{Namespace, Process, RunDir, wait_until};

use crate::capture::Capture;
use crate::machine::mac;

/// The client on the LAN. Outside of what a fresh image's DHCP gives away.
pub const CLIENT4: &str = "192.168.77.9";
/// The server on the WAN.
pub const SERVER4: &str = "203.0.113.1";
/// The server on the WAN.
pub const SERVER6: &str = "2001:db8:77::1";
/// What all names lead to. None of the private or documentation networks: a resolver takes such answers for an attack.
pub const ANSWER: &str = "9.9.9.9";
/// The box on the LAN, as a fresh image has it.
pub const BOX4: &str = "192.168.77.1";

/// include/uapi/linux/if_tun.h.
const TUNSETIFF: libc::c_ulong = 0x4004_54ca;

/// A tap: frames the machine sends are received by its interface, and the other way round.
#[derive(Debug)]
pub struct Tap {
    file: File,
}

impl Tap {
    /// Makes one in a namespace, up.
    pub fn new(namespace: &Namespace, name: &str) -> Self {
        let file = namespace
            .within(|| open_tap(name))
            .unwrap_or_else(|error| panic!("tap {name}: {error}"));
        namespace.ip(&format!("link set {name} up"));
        Self { file }
    }

    pub(crate) fn file(&self) -> &File {
        &self.file
    }
}

fn open_tap(name: &str) -> io::Result<File> {
    let file = File::options().read(true).write(true).open("/dev/net/tun")?;
    // SAFETY: all zeros is a valid ifreq.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    let name = CString::new(name)?;
    for (to, from) in request.ifr_name.iter_mut().zip(name.as_bytes()) {
        *to = from.cast_signed();
    }
    let flags = libc::IFF_TAP | libc::IFF_NO_PI | libc::IFF_VNET_HDR;
    request.ifr_ifru.ifru_flags = libc::c_short::try_from(flags).map_err(io::Error::other)?;
    // SAFETY: the pointer is to a valid ifreq that outlives the call.
    if unsafe { libc::ioctl(file.as_raw_fd(), TUNSETIFF, &raw const request) } < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(file)
}

/// One of the two networks.
#[derive(Debug)]
pub struct Network {
    /// Where the host is.
    pub namespace: Namespace,
    /// The cable of the box.
    pub tap: Tap,
    /// What the box sent into it.
    pub capture: Capture,
}

impl Network {
    /// Makes one whose only interface is `name`.
    pub fn new(name: &str) -> Self {
        let namespace = Namespace::new(name);
        let tap = Tap::new(&namespace, name);
        let capture = Capture::start(&namespace, name);
        Self {
            namespace,
            tap,
            capture,
        }
    }
}

/// Both networks, their hosts and the servers of the provider: DHCP and router advertisements.
#[derive(Debug)]
pub struct Networks {
    _provider: Process,
    /// Of the clients.
    pub lan: Network,
    /// Of the provider.
    pub wan: Network,
    _directory: RunDir,
}

impl Networks {
    /// Makes them. The hosts know the addresses of the box's cards by heart, so that they send whether it answers or
    /// not.
    pub fn new() -> Self {
        let directory = RunDir::new();
        let (lan, wan) = (Network::new("lan"), Network::new("wan"));
        let [near, far] = [0, 1].map(|card| mac(card).map(|byte| format!("{byte:02x}")).join(":"));

        lan.namespace.ip(&format!("address add {CLIENT4}/24 dev lan"));
        lan.namespace.ip(&format!(
            "neigh replace {BOX4} lladdr {near} nud permanent dev lan"
        ));
        lan.namespace.ip(&format!("route add default via {BOX4}"));

        // The provider's own advertisements would give its host another address, which answers would come from.
        wan.namespace.write_sysctl("ipv6/conf/wan/accept_ra", "0");
        wan.namespace.ip(&format!("address add {SERVER4}/24 dev wan"));
        wan.namespace.ip(&format!("address add {SERVER6}/64 dev wan"));
        // To the LAN behind the box, as if nothing were masqueraded. The next hop is only a name for the card.
        wan.namespace.ip(&format!(
            "neigh replace 203.0.113.254 lladdr {far} nud permanent dev wan"
        ));
        wan.namespace.ip("route add 192.168.77.0/24 via 203.0.113.254");
        wan.namespace.ip(&format!(
            "neigh replace fe80::77 lladdr {far} nud permanent dev wan"
        ));
        wan.namespace.ip("-6 route add fc00::/7 via fe80::77 dev wan");

        let provider = provider(&wan.namespace, directory.path());
        Self {
            _provider: provider,
            lan,
            wan,
            _directory: directory,
        }
    }
}

impl Default for Networks {
    fn default() -> Self {
        Self::new()
    }
}

/// dnsmasq as a provider has it: leases, advertisements, and names that all lead to the server.
fn provider(namespace: &Namespace, directory: &Path) -> Process {
    let mut command: Command = namespace.command("dnsmasq");
    command
        .args([
            "--keep-in-foreground",
            "--conf-file=/dev/null",
            "--pid-file=",
            "--no-resolv",
            "--no-hosts",
        ])
        .args([
            "--user=root",
            "--log-facility=-",
            "--interface=wan",
            "--bind-interfaces",
            "--enable-ra",
        ])
        .args([
            "--dhcp-range=203.0.113.100,203.0.113.200,255.255.255.0,1h",
            "--dhcp-authoritative",
        ])
        .args(["--dhcp-range=2001:db8:77::,ra-only,64,1h", "--ra-param=wan,10"])
        .arg(format!("--dhcp-option=option:router,{SERVER4}"))
        .arg(format!("--dhcp-option=option:dns-server,{SERVER4}"))
        .arg(format!("--address=/#/{ANSWER}"))
        .arg(format!("--dhcp-leasefile={}", directory.join("leases").display()));
    let mut process = Process::spawn("provider", command, directory);
    wait_until("the provider serves", Duration::from_secs(20), || {
        assert!(process.ended().is_none(), "dnsmasq ended");
        process.log().contains("IPv6 router advertisement enabled")
    });
    process
}
