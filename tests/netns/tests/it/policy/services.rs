//! Protocols, ports and ICMP messages.

use serde_json::json;

use super::case::Group;
use super::draft::{self, Rule, from_ports, protocol, rule, tcp};
use super::ground::check;
use super::shot::*;

fn out(name: &str) -> Rule {
    rule(name).from("lan").to("wan")
}

#[test]
fn services_decide() {
    check(&[ports(), protocols(), icmp_messages()].concat());
}

fn ports() -> Vec<Group> {
    let one = Group::new("one port")
        .rule(out("web").service(tcp(&["80"])).accept())
        .case("it", syn(LAN, WAN, 80).passes("web"))
        .case("below", syn(LAN, WAN, 79).dropped(UNWRITTEN))
        .case("above", syn(LAN, WAN, 81).dropped(UNWRITTEN))
        .case("the same port of UDP", udp(LAN, WAN, 80).dropped(UNWRITTEN))
        .case("the same port of SCTP", sctp(LAN, WAN, 80).dropped(UNWRITTEN));
    let range = Group::new("a range of ports")
        .rule(out("range").service(draft::udp(&["5000-5009"])).accept())
        .case("its first", udp(LAN, WAN, 5000).passes("range"))
        .case("its last", udp(LAN, WAN, 5009).passes("range"))
        .case("below it", udp(LAN, WAN, 4999).dropped(UNWRITTEN))
        .case("above it", udp(LAN, WAN, 5010).dropped(UNWRITTEN));
    let several = Group::new("several ports")
        .rule(
            out("several")
                .service(tcp(&["22", "80", "8000-8010", "65535"]))
                .accept(),
        )
        .case("the first", syn(LAN, WAN, 22).passes("several"))
        .case("of the range", syn(LAN, WAN, 8005).passes("several"))
        .case("the greatest there is", syn(LAN, WAN, 65535).passes("several"))
        .case("between", syn(LAN, WAN, 443).dropped(UNWRITTEN));
    let source = Group::new("source ports")
        .rule(
            out("from low ports")
                .service(from_ports(tcp(&["514"]), &["512-1023"]))
                .accept(),
        )
        .rule(
            out("from one port")
                .service(from_ports(draft::udp(&[]), &["68"]))
                .accept(),
        )
        .case("within", syn(LAN, WAN, 514).from(1000).passes("from low ports"))
        .case("outside", syn(LAN, WAN, 514).from(1024).dropped(UNWRITTEN))
        .case(
            "the right source, another destination",
            syn(LAN, WAN, 515).from(1000).dropped(UNWRITTEN),
        )
        .case(
            "a source port alone",
            udp(LAN, WAN, 4000).from(68).passes("from one port"),
        )
        .case(
            "it is not the destination",
            udp(LAN, WAN, 68).from(4000).dropped(UNWRITTEN),
        );
    let edges = Group::new("all ports but the edges")
        .rule(out("inner").service(tcp(&["1-65534"])).accept())
        .case("the lowest", syn(LAN, WAN, 1).passes("inner"))
        .case("the highest", syn(LAN, WAN, 65534).passes("inner"))
        .case("above", syn(LAN, WAN, 65535).dropped(UNWRITTEN));
    let any_port = Group::new("every port")
        .rule(out("tcp").service(tcp(&[])).accept())
        .case("a low one", syn(LAN, WAN, 1).passes("tcp"))
        .case("a high one", syn(LAN, WAN, 65535).passes("tcp"))
        .case("not UDP", udp(LAN, WAN, 1).dropped(UNWRITTEN));
    vec![one, range, several, source, edges, any_port]
}

fn protocols() -> Vec<Group> {
    let any = Group::new("every protocol")
        .rule(out("any").service(protocol("any")).accept())
        .case("TCP", syn(LAN, WAN, 80).passes("any"))
        .case("UDP", udp(LAN, WAN, 80).passes("any"))
        .case("ICMP", ping(LAN, WAN).passes("any"))
        .case("SCTP", sctp(LAN, WAN, 80).passes("any"))
        .case("GRE", other(LAN, WAN, 47).passes("any"))
        .case("ESP", other(LAN, WAN, 50).passes("any"))
        .case("one nobody knows", other(LAN, WAN, 254).passes("any"));
    let numbers = Group::new("protocols by number and name")
        .rule(out("gre").service(protocol("gre")).accept())
        .rule(out("esp").service(protocol("esp")).accept())
        .rule(out("sctp").service(draft::sctp(&["3868"])).accept())
        .rule(out("254").service(protocol(254)).accept())
        .case("GRE", other(LAN, WAN, 47).passes("gre"))
        .case("ESP", other(LAN, WAN, 50).passes("esp"))
        .case("SCTP", sctp(LAN, WAN, 3868).passes("sctp"))
        .case("another port of SCTP", sctp(LAN, WAN, 3869).dropped(UNWRITTEN))
        .case("a number", other(LAN, WAN, 254).passes("254"))
        .case("another number", other(LAN, WAN, 89).dropped(UNWRITTEN))
        .case("TCP", syn(LAN, WAN, 3868).dropped(UNWRITTEN));
    let several = Group::new("several services in one rule")
        .rule(
            out("dns and more")
                .service(draft::udp(&["53"]))
                .service(tcp(&["53", "853"]))
                .service(draft::icmp("icmp", &[]))
                .service(draft::icmp("icmpv6", &[]))
                .accept(),
        )
        .case("the first", udp(LAN, WAN, 53).passes("dns and more"))
        .case("the second", syn(LAN, WAN, 853).passes("dns and more"))
        .case("ICMP of the family", ping(LAN, WAN).passes("dns and more"))
        .case("none", udp(LAN, WAN, 853).dropped(UNWRITTEN));
    let named = Group::new("a named service")
        .object(
            "service",
            json!({ "name": "directory", "entries": [
                { "protocol": "tcp", "destination_ports": ["389", "636"] },
                { "protocol": "udp", "destination_ports": ["389"] },
            ] }),
        )
        .rule(out("ldap").service("directory".into()).accept())
        .rule(
            out("and one more")
                .service("directory".into())
                .service(tcp(&["88"]))
                .drop(),
        )
        .case("its first entry", syn(LAN, WAN, 636).passes("ldap"))
        .case("its second entry", udp(LAN, WAN, 389).passes("ldap"))
        .case("what is beside it", syn(LAN, WAN, 88).dropped("and one more"))
        .case("nothing of it", udp(LAN, WAN, 636).dropped(UNWRITTEN));
    vec![any, numbers, several, named]
}

fn icmp_messages() -> Vec<Group> {
    let echo = Group::new("echo requests")
        .rule(
            out("ping")
                .service(draft::icmp("icmp", &[(8, None)]))
                .service(draft::icmp("icmpv6", &[(128, None)]))
                .accept(),
        )
        .case("an echo request", ping(LAN, WAN).passes("ping"))
        .case("the other way round", ping(WAN, LAN).dropped(UNWRITTEN))
        .case4(
            "a timestamp request",
            icmp(LAN, WAN, (13, 0), (128, 0)).dropped(UNWRITTEN),
        )
        .case("an echo reply nobody asked for", pong(LAN, WAN).dropped(INVALID))
        .exchange(
            "request and reply",
            [ping(LAN, WAN).passes("ping"), pong(WAN, LAN).passes("ping")],
        );
    let one_family = Group::new("ICMP of one family")
        .rule(out("icmp").service(draft::icmp("icmp", &[])).accept())
        .case4("IPv4", ping(LAN, WAN).passes("icmp"))
        .case6("IPv6", ping(LAN, WAN).dropped(UNWRITTEN));
    let other_family = Group::new("ICMP of the other family")
        .rule(out("icmpv6").service(draft::icmp("icmpv6", &[])).accept())
        .case4("IPv4", ping(LAN, WAN).dropped(UNWRITTEN))
        .case6("IPv6", ping(LAN, WAN).passes("icmpv6"));
    let crossed = Group::new("the number of the other family's ICMP")
        .rule(
            out("icmp")
                .service(protocol("icmp"))
                .service(protocol("icmpv6"))
                .reject(),
        )
        .rule(out("rest").accept())
        // To the policy it is just a number, but conntrack knows better.
        .case4(
            "protocol 58 in IPv4",
            other(LAN, WAN, 58).not_simulated().dropped(INVALID),
        )
        .case6(
            "protocol 1 in IPv6",
            other(LAN, WAN, 1).not_simulated().dropped(INVALID),
        )
        .case("that of the family", ping(LAN, WAN).prohibited("icmp"))
        .case("another protocol", udp(LAN, WAN, 58).passes("rest"));
    let codes = Group::new("types with codes")
        .rule(
            out("code 1")
                .service(draft::icmp("icmp", &[(8, Some(1))]))
                .service(draft::icmp("icmpv6", &[(128, Some(1))]))
                .accept(),
        )
        .rule(
            out("others")
                .service(draft::icmp("icmp", &[(13, None), (17, Some(0))]))
                .service(draft::icmp("icmpv6", &[(128, Some(7)), (139, None)]))
                .accept(),
        )
        .case("the code", icmp(LAN, WAN, (8, 1), (128, 1)).passes("code 1"))
        .case(
            "another code",
            icmp(LAN, WAN, (8, 0), (128, 0)).dropped(UNWRITTEN),
        )
        .case(
            "any code of a type",
            icmp(LAN, WAN, (13, 0), (139, 3)).passes("others"),
        )
        .case(
            "one of several types",
            icmp(LAN, WAN, (17, 0), (128, 7)).passes("others"),
        );
    vec![echo, one_family, other_family, crossed, codes]
}
