//! What happens where no rule says.

use super::case::Group;
use super::draft::{rule, tcp};
use super::ground::check;
use super::shot::*;

#[test]
fn defaults_decide() {
    check(
        &[
            defaults_of_zone_pairs(),
            reject_tells_the_sender(),
            a_management_zone_cannot_be_locked_out(),
        ]
        .concat(),
    );
}

fn defaults_of_zone_pairs() -> Vec<Group> {
    let (drop, reject, accept) = (
        By::Pair("lan", "wan"),
        By::Pair("lan", "dmz"),
        By::Pair("dmz", "wan"),
    );
    let written = Group::new("written pairs")
        .pair("lan", "wan", "drop")
        .pair("lan", "dmz", "reject")
        .pair("dmz", "wan", "accept")
        .rule(rule("web").from("lan").service(tcp(&["80"])).accept())
        .case("drop: TCP", syn(LAN, WAN, 443).dropped(drop))
        .case("drop: UDP", udp(LAN, WAN, 443).dropped(drop))
        .case("reject: TCP is reset", syn(LAN, DMZ, 443).reset(reject))
        .case("reject: UDP is prohibited", udp(LAN, DMZ, 443).prohibited(reject))
        .case(
            "reject: an echo request is prohibited",
            ping(LAN, DMZ).prohibited(reject),
        )
        .case(
            "reject: SCTP is prohibited",
            sctp(LAN, DMZ, 443).prohibited(reject),
        )
        .case(
            "reject: GRE is prohibited",
            other(LAN, DMZ, 47).prohibited(reject),
        )
        .case(
            "reject: ESP is prohibited",
            other(LAN, DMZ, 50).prohibited(reject),
        )
        .case("accept: TCP", syn(DMZ, WAN, 443).passes(accept))
        .case("accept: UDP", udp(DMZ, WAN, 443).passes(accept))
        .case(
            "accept: a protocol nobody knows",
            other(DMZ, WAN, 254).passes(accept),
        )
        .case("a rule comes first", syn(LAN, DMZ, 80).passes("web"))
        .case(
            "the other way round nobody wrote",
            syn(WAN, DMZ, 443).dropped(UNWRITTEN),
        );
    let within = By::Pair("lan", "lan");
    let local = Group::new("pairs with the box")
        .pair("lan", "lan", "accept")
        .pair("lan", "local", "reject")
        .pair("wan", "local", "accept")
        .pair("local", "wan", "drop")
        .pair("local", "dmz", "reject")
        .case("within a zone", syn(LAN, LAN2, 443).passes(within))
        .case(
            "to the box: TCP is reset",
            syn(LAN, ROUTER, 443).reset(By::Pair("lan", "local")),
        )
        .case(
            "to the box: UDP is prohibited",
            udp(LAN, ROUTER, 443).prohibited(By::Pair("lan", "local")),
        )
        .case(
            "to the box: an echo request is prohibited",
            ping(LAN, ROUTER).prohibited(By::Pair("lan", "local")),
        )
        .case(
            "to the box: accepted",
            syn(WAN, ROUTER_WAN, 443).passes(By::Pair("wan", "local")),
        )
        .case(
            "to the box: GRE",
            other(WAN, ROUTER_WAN, 47).passes(By::Pair("wan", "local")),
        )
        .case(
            "from the box: dropped",
            udp(ROUTER_WAN, WAN, 443).dropped(By::Pair("local", "wan")),
        )
        .case(
            "from the box: rejected",
            syn(Port::Dmz.host(1), DMZ, 443).reset(By::Pair("local", "dmz")),
        )
        .case(
            "from the box: nobody wrote",
            syn(ROUTER, LAN, 443).passes(UNWRITTEN),
        );
    vec![written, local]
}

fn reject_tells_the_sender() -> Vec<Group> {
    let group = Group::new("reject rules")
        .rule(rule("no").from("lan").to("wan").reject())
        .rule(rule("not here").from("lan").to("local").reject())
        .case("a connection is reset", syn(LAN, WAN, 443).reset("no"))
        .case("a datagram is prohibited", udp(LAN, WAN, 443).prohibited("no"))
        .case("an echo request is prohibited", ping(LAN, WAN).prohibited("no"))
        .case("SCTP is prohibited", sctp(LAN, WAN, 443).prohibited("no"))
        .case(
            "any protocol is prohibited",
            other(LAN, WAN, 254).prohibited("no"),
        )
        .case(
            "a connection to the box is reset",
            syn(LAN, ROUTER, 443).reset("not here"),
        )
        .case(
            "a datagram to the box is prohibited",
            udp(LAN, ROUTER, 443).prohibited("not here"),
        );
    vec![group]
}

fn a_management_zone_cannot_be_locked_out() -> Vec<Group> {
    let group = Group::new("everything is dropped")
        .pair("mgmt", "local", "drop")
        .rule(rule("nothing").drop())
        .case(
            "the management port from the management zone",
            syn(MANAGEMENT, Port::Management.host(1), 8443).passes(ANTI_LOCKOUT),
        )
        .case(
            "by another address of the box",
            syn(MANAGEMENT, ROUTER, 8443).passes(ANTI_LOCKOUT),
        )
        .case(
            "another port",
            syn(MANAGEMENT, Port::Management.host(1), 8444).dropped("nothing"),
        )
        .case(
            "UDP",
            udp(MANAGEMENT, Port::Management.host(1), 8443).dropped("nothing"),
        )
        .case("from another zone", syn(LAN, ROUTER, 8443).dropped("nothing"))
        .case("past the box", syn(MANAGEMENT, LAN, 8443).dropped("nothing"));
    vec![group]
}
