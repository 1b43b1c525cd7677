//! A router all of whose neighbours are the test.

use std::net::IpAddr;
use std::os::fd::OwnedFd;

use crate::packet::{CLIENT_MAC, ROUTER_MAC};
use crate::{Namespace, RunDir, xdp_pass};

/// Hosts known to the router on each port: 2 to this.
const HOSTS: u8 = 40;

/// A router and one namespace without addresses in which all its links end. Every host on them is the test, which
/// sends and receives frames as they are (see [`crate::Wire`]); no stack answers, asks or retries behind its back.
///
/// Link `n` (from 1) has the prefixes `10.77.<n>.0/24` and `fd77:<n>::/64`; the router is host 1 and hosts up to 40
/// are known to it. Frames as [`crate::packet::Packet`] makes them fit on each link.
#[derive(Debug)]
pub struct Crossing {
    /// Under test.
    pub router: Namespace,
    /// Where the links end.
    pub far: Namespace,
    /// For files of the test.
    pub dir: RunDir,
    // Far ends take packets that XDP sends as long as these are open.
    _passes: Vec<OwnedFd>,
}

impl Crossing {
    /// Makes it with a link for each port of the router, in order.
    pub fn new(ports: &[&str]) -> Self {
        let router = Namespace::new("router");
        let far = Namespace::new("far");
        let dir = RunDir::new();
        router.write_sysctl("ipv4/ip_forward", "1");
        router.write_sysctl("ipv6/conf/all/forwarding", "1");
        // Answers are part of what is tested; how many a second are not.
        router.write_sysctl("ipv4/icmp_ratelimit", "0");
        router.write_sysctl("ipv6/icmp/ratelimit", "0");
        // How often a host is told of a better way depends on what it was told before.
        router.write_sysctl("ipv4/conf/all/send_redirects", "0");
        router.write_sysctl("ipv4/conf/default/send_redirects", "0");
        far.write_sysctl("ipv6/conf/all/disable_ipv6", "1");
        far.write_sysctl("ipv6/conf/default/disable_ipv6", "1");
        let (router_mac, far_mac) = (mac(ROUTER_MAC), mac(CLIENT_MAC));
        let mut lines = String::new();
        for (number, port) in (1..).zip(ports) {
            lines += &format!(
                "link add {port} address {router_mac} type veth peer name {port} address {far_mac} netns {}\n",
                far.name()
            );
            for address in [address(4, number, 1), address(6, number, 1)] {
                let length = if address.is_ipv4() { 24 } else { 64 };
                lines += &format!("address add {address}/{length} dev {port}\n");
            }
            lines += &format!("link set {port} up\n");
            far_hosts(number, |host| {
                lines += &format!("neighbour replace {host} lladdr {far_mac} dev {port} nud permanent\n");
            });
        }
        batch(&router, &dir, &lines);
        let lines: String = ports.iter().map(|port| format!("link set {port} up\n")).collect();
        batch(&far, &dir, &lines);
        for port in ports {
            // Checksums are whole on the wire, so that the test can check them.
            for side in [&router, &far] {
                side.run("ethtool", &["--offload", port, "tx", "off"]);
            }
        }
        let passes = far.within(|| {
            ports
                .iter()
                .map(|port| xdp_pass::attach(port).unwrap_or_else(|error| panic!("XDP on {port}: {error}")))
                .collect()
        });
        Self {
            router,
            far,
            dir,
            _passes: passes,
        }
    }

    /// Routes a prefix of either family to a host of a link.
    pub fn route(&self, prefix: &str, link: u8, host: u8) {
        let family = if prefix.contains(':') { 6 } else { 4 };
        self.router.ip(&format!(
            "-{family} route replace {prefix} via {}",
            address(family, link, host)
        ));
    }
}

/// Address of a host of a link.
pub fn address(family: u8, link: u8, host: u8) -> IpAddr {
    match family {
        4 => IpAddr::from([10, 77, link, host]),
        _ => IpAddr::from([0xfd77, u16::from(link), 0, 0, 0, 0, 0, u16::from(host)]),
    }
}

fn far_hosts(link: u8, mut each: impl FnMut(IpAddr)) {
    for host in 2..=HOSTS {
        each(address(4, link, host));
        each(address(6, link, host));
    }
}

fn batch(namespace: &Namespace, dir: &RunDir, lines: &str) {
    let file = dir.join("batch");
    std::fs::write(&file, lines).expect("file of ip commands");
    namespace.ip(&format!("-batch {}", file.display()));
}

fn mac(bytes: [u8; 6]) -> String {
    bytes.map(|byte| format!("{byte:02x}")).join(":")
}
