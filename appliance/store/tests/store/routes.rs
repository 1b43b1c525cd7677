//! Routes, policy routes and DNS servers of every shape.

use ravelin_model::{AnyObject, DnsServerSpec, PolicyRouteSpec, RouteSpec, RouteTarget};

use crate::policy::object;

/// One of every shape; none of them has a name.
pub(crate) fn every_shape() -> Vec<AnyObject> {
    let route = |destination: &str, target, table, mtu_bytes| RouteSpec {
        destination: destination.parse().expect("a network"),
        target,
        metric: 1,
        table,
        mtu_bytes,
        enabled: table == 254,
        description: "d".to_owned(),
    };
    let gateway = |gateway: &str, interface: Option<&str>| RouteTarget::Gateway {
        gateway: gateway.parse().expect("an address"),
        interface: interface.map(str::to_owned),
    };
    let routes = [
        route("0.0.0.0/0", gateway("192.0.2.1", None), 254, Some(1400)),
        route("2001:db8::/32", gateway("fe80::1", Some("wan0")), u32::MAX, None),
        route("10.0.0.0/8", RouteTarget::Interface("wan0".to_owned()), 1, None),
        route("10.0.0.0/9", RouteTarget::Blackhole, 254, None),
        route("10.0.0.0/10", RouteTarget::Unreachable, 254, None),
    ];
    let nothing = PolicyRouteSpec {
        priority: 32_765,
        source: None,
        destination: None,
        input_interface: None,
        table: 254,
        enabled: true,
        description: String::new(),
    };
    let all = PolicyRouteSpec {
        priority: 1,
        source: Some("2001:db8::/32".parse().expect("a network")),
        destination: Some("::/0".parse().expect("a network")),
        input_interface: Some("lo".to_owned()),
        table: u32::MAX,
        enabled: false,
        description: "d".to_owned(),
    };
    let server = |address: &str, port, description: &str| DnsServerSpec {
        address: address.parse().expect("an address"),
        port: std::num::NonZeroU16::new(port).expect("a port"),
        priority: 65_535,
        description: description.to_owned(),
    };
    let servers = [
        server("192.0.2.53", 53, ""),
        server("2001:db8::53", u16::MAX, "d"),
    ];
    let numbered = |number: usize| format!("n{number}");
    let routes = routes.into_iter().enumerate();
    let rules = [nothing, all].into_iter().enumerate();
    let servers = servers.into_iter().enumerate();
    routes
        .map(|(number, spec)| AnyObject::Route(object(&numbered(number), 0, 1, spec)))
        .chain(rules.map(|(number, spec)| AnyObject::PolicyRoute(object(&numbered(number), 0, 1, spec))))
        .chain(servers.map(|(number, spec)| AnyObject::DnsServer(object(&numbered(number), 0, 1, spec))))
        .collect()
}
