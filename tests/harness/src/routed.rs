//! A client and a server with a router between them.

use crate::Namespace;

/// Client, router and server. The router's `lan0` and `wan0` are 10.1.0.1 and 10.2.0.1, fd00:1::1 and fd00:2::1; what
/// they lead to is `eth0` with host number 2. IPv4 and IPv6 are forwarded.
pub fn routed() -> [Namespace; 3] {
    let [client, router, server] = ["client", "router", "server"].map(Namespace::new);
    router.write_sysctl("ipv4/ip_forward", "1");
    router.write_sysctl("ipv6/conf/all/forwarding", "1");
    for (number, port, far) in [(1, "lan0", &client), (2, "wan0", &server)] {
        let name = far.name();
        router.ip(&format!("link add {port} type veth peer name eth0 netns {name}"));
        for (side, device, host) in [(&router, port, 1), (far, "eth0", 2)] {
            side.ip(&format!("address add 10.{number}.0.{host}/24 dev {device}"));
            side.ip(&format!("address add fd00:{number}::{host}/64 dev {device}"));
            side.ip(&format!("link set {device} up"));
        }
        far.ip(&format!("route add default via 10.{number}.0.1"));
        far.ip(&format!("-6 route add default via fd00:{number}::1"));
    }
    [client, router, server]
}
