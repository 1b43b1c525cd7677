//! Client, router, server.

use std::net::IpAddr;
use std::os::fd::OwnedFd;

use crate::{Namespace, RunDir, xdp_pass};

/// Of Ethernet, in bytes.
const STANDARD_MTU: u32 = 1500;

/// Three namespaces, IPv4 and IPv6, neighbours known from the start so that nothing but the test's own packets
/// crosses the links.
///
/// ```text
/// client                  router                     server
/// eth0 10.77.1.2 ------ lan0 10.77.1.1
///      fd77:1::2             fd77:1::1
///                       wan0 10.77.2.1 ------ eth0 10.77.2.2
///                            fd77:2::1             fd77:2::2
/// ```
#[derive(Debug)]
pub struct Lab {
    /// On the LAN.
    pub client: Namespace,
    /// In between.
    pub router: Namespace,
    /// On the WAN.
    pub server: Namespace,
    /// For files of the test.
    pub dir: RunDir,
    cables: Vec<Cable>,
}

/// What makes the far end of a [`Link`] take packets that XDP sends back.
#[derive(Debug)]
#[must_use = "without it the far end gets no answer of XDP"]
pub struct Cable {
    // None on jumbo links: veth takes no program there.
    _pass: Option<OwnedFd>,
}

/// A veth pair between the router and a namespace, with addresses by its number: `10.77.<number>.{1,2}` and
/// `fd77:<number>::{1,2}`, the router being 1.
#[derive(Debug, Clone, Copy)]
pub struct Link<'a> {
    /// Name on the router.
    pub port: &'a str,
    /// Name on the other side.
    pub far: &'a str,
    /// 1 to 250.
    pub number: u8,
    /// In bytes.
    pub mtu: u32,
}

impl Lab {
    /// Makes it.
    pub fn new() -> Self {
        let mut lab = Self {
            client: Namespace::new("client"),
            router: Namespace::new("router"),
            server: Namespace::new("server"),
            dir: RunDir::new(),
            cables: Vec::new(),
        };
        lab.router.write_sysctl("ipv4/ip_forward", "1");
        lab.router.write_sysctl("ipv6/conf/all/forwarding", "1");
        let mut cables = Vec::new();
        for (port, number, namespace) in [("lan0", 1, &lab.client), ("wan0", 2, &lab.server)] {
            let link = Link {
                port,
                far: "eth0",
                number,
                mtu: STANDARD_MTU,
            };
            cables.push(lab.join(link, namespace));
            namespace.ip(&format!("route add default via {}", link.router4()));
            namespace.ip(&format!("-6 route add default via {}", link.router6()));
        }
        lab.cables = cables;
        lab
    }

    /// Joins a namespace to the router. Answers of XDP on the router's port reach it as long as the cable is kept.
    pub fn join(&self, link: Link<'_>, namespace: &Namespace) -> Cable {
        let Link {
            port,
            far,
            number,
            mtu,
        } = link;
        let (near_mac, far_mac) = (mac(number, 1), mac(number, 2));
        self.router.ip(&format!(
            "link add {port} address {near_mac} mtu {mtu} type veth peer name {far} address {far_mac} mtu {mtu} netns {}",
            namespace.name()
        ));
        for (side, device, own, other, other_mac) in [
            (&self.router, port, 1, 2, &far_mac),
            (namespace, far, 2, 1, &near_mac),
        ] {
            side.ip(&format!("address add 10.77.{number}.{own}/24 dev {device}"));
            side.ip(&format!("address add fd77:{number}::{own}/64 dev {device}"));
            side.ip(&format!("link set {device} up"));
            side.ip(&format!(
                "neighbour replace 10.77.{number}.{other} lladdr {other_mac} dev {device} nud permanent"
            ));
            side.ip(&format!(
                "neighbour replace fd77:{number}::{other} lladdr {other_mac} dev {device} nud permanent"
            ));
        }
        let pass = (mtu <= STANDARD_MTU).then(|| {
            namespace
                .within(|| xdp_pass::attach(far))
                .unwrap_or_else(|error| panic!("XDP on {far}: {error}"))
        });
        Cable { _pass: pass }
    }

    /// Has client and server compute the checksums of what they send. Without this a frame between namespaces has none
    /// (`CHECKSUM_PARTIAL`), as one of a guest to its host; with it frames are as they come by a wire.
    pub fn compute_checksums(&self) {
        for side in [&self.client, &self.server] {
            side.run("ethtool", &["--offload", "eth0", "tx", "off"]);
        }
    }

    /// Gives the client more addresses (`10.77.1.<host>` and `fd77:1::<host>`) to send from.
    pub fn add_client_host(&self, host: u8) -> [IpAddr; 2] {
        let addresses = [
            IpAddr::from([10, 77, 1, host]),
            IpAddr::from([0xfd77, 1, 0, 0, 0, 0, 0, u16::from(host)]),
        ];
        for (address, length) in addresses.iter().zip([24, 64]) {
            self.client
                .ip(&format!("address add {address}/{length} dev eth0"));
            self.router.ip(&format!(
                "neighbour replace {address} lladdr {} dev lan0 nud permanent",
                mac(1, 2)
            ));
        }
        addresses
    }

    /// The client's own addresses, IPv4 and IPv6.
    pub fn client_addresses() -> [IpAddr; 2] {
        addresses(1)
    }

    /// The server's addresses, IPv4 and IPv6.
    pub fn server_addresses() -> [IpAddr; 2] {
        addresses(2)
    }
}

impl Default for Lab {
    fn default() -> Self {
        Self::new()
    }
}

impl Link<'_> {
    fn router4(&self) -> IpAddr {
        IpAddr::from([10, 77, self.number, 1])
    }

    fn router6(&self) -> IpAddr {
        IpAddr::from([0xfd77, u16::from(self.number), 0, 0, 0, 0, 0, 1])
    }
}

fn addresses(number: u8) -> [IpAddr; 2] {
    [
        IpAddr::from([10, 77, number, 2]),
        IpAddr::from([0xfd77, u16::from(number), 0, 0, 0, 0, 0, 2]),
    ]
}

fn mac(link: u8, side: u8) -> String {
    format!("02:00:00:00:{link:02x}:{side:02x}")
}
