//! Where a packet comes in and where it would leave.

use super::case::Group;
use super::draft::{hosts, rule, tcp};
use super::ground::check;
use super::shot::*;

const WEB: u16 = 80;

fn web(name: &str) -> super::draft::Rule {
    rule(name).service(tcp(&["80"]))
}

#[test]
fn zones_decide() {
    check(&[rules_between_zones(), rules_for_any_zone(), the_box_itself()].concat());
}

fn rules_between_zones() -> Vec<Group> {
    let one_way = Group::new("one way")
        .rule(web("out").from("lan").to("wan").accept())
        .case("from zone to zone", syn(LAN, WAN, WEB).passes("out"))
        .case(
            "the other interface of the zone",
            syn(LAN2, WAN, WEB).passes("out"),
        )
        .case("somewhere behind the zone", syn(LAN, INTERNET, WEB).passes("out"))
        .case("the other way round", syn(WAN, LAN, WEB).dropped(UNWRITTEN))
        .case("another source zone", syn(DMZ, WAN, WEB).dropped(UNWRITTEN))
        .case("another destination zone", syn(LAN, DMZ, WEB).dropped(UNWRITTEN))
        .case(
            "from one interface of a zone to another",
            syn(LAN, LAN2, WEB).dropped(UNWRITTEN),
        )
        .case(
            "out of the interface it came in by",
            syn(LAN, Port::Lan.host(11), WEB).dropped(UNWRITTEN),
        )
        .case(
            "the box is not the zone its address is in",
            syn(LAN, ROUTER_WAN, WEB).dropped(UNWRITTEN),
        );
    let within = Group::new("within a zone")
        .rule(web("within").from("lan").to("lan").accept())
        .case(
            "between two interfaces of it",
            syn(LAN, LAN2, WEB).passes("within"),
        )
        .case("and back", syn(LAN2, LAN, WEB).passes("within"))
        .case(
            "out of the interface it came in by",
            syn(LAN, Port::Lan.host(11), WEB).passes("within"),
        )
        .case("not to another zone", syn(LAN, DMZ, WEB).dropped(UNWRITTEN));
    vec![one_way, within]
}

fn rules_for_any_zone() -> Vec<Group> {
    let to_any = Group::new("to any zone")
        .rule(web("from lan").from("lan").accept())
        .case("to the first", syn(LAN, WAN, WEB).passes("from lan"))
        .case("to another", syn(LAN, DMZ, WEB).passes("from lan"))
        .case("to itself", syn(LAN, LAN2, WEB).passes("from lan"))
        .case("to the box", syn(LAN, ROUTER, WEB).passes("from lan"))
        .case("from another zone", syn(WAN, DMZ, WEB).dropped(UNWRITTEN))
        .case(
            "by where it came in, not by whom it says it is from",
            syn(LAN, DMZ, WEB).at(Port::Wan).dropped(UNWRITTEN),
        );
    let from_any = Group::new("from any zone")
        .rule(web("to wan").to("wan").drop())
        .rule(web("to dmz").to("dmz").accept())
        .case("from one", syn(LAN, DMZ, WEB).passes("to dmz"))
        .case("from another", syn(WAN, DMZ, WEB).passes("to dmz"))
        .case("from the box", syn(ROUTER, DMZ, WEB).passes("to dmz"))
        .case("a drop from the box", syn(ROUTER, WAN, WEB).dropped("to wan"))
        .case("a drop from a zone", syn(DMZ, WAN, WEB).dropped("to wan"));
    let any = Group::new("from any to any")
        .rule(rule("all").accept())
        .case("between zones", syn(WAN, LAN, WEB).passes("all"))
        .case("to the box", udp(WAN, ROUTER_WAN, 5000).passes("all"))
        .case("from the box", ping(ROUTER, WAN).passes("all"))
        .case(
            "in by an interface without a zone",
            syn(UNZONED, LAN, WEB).dropped(NO_ZONE),
        )
        .case(
            "out by an interface without a zone",
            syn(LAN, UNZONED, WEB).dropped(NO_ZONE),
        )
        .case(
            "to the box by an interface without a zone",
            syn(UNZONED, Port::Unzoned.host(1), WEB).dropped(NO_ZONE),
        )
        .case(
            "from the box by an interface without a zone",
            udp(Port::Unzoned.host(1), UNZONED, 5000).dropped(NO_ZONE),
        )
        .case(
            "through an interface without a zone",
            syn(UNZONED, Port::Unzoned.host(11), WEB).dropped(NO_ZONE),
        );
    vec![to_any, from_any, any]
}

fn the_box_itself() -> Vec<Group> {
    let closed = Group::new("nothing said")
        .case("to the box from the LAN", syn(LAN, ROUTER, 22).dropped(UNWRITTEN))
        .case(
            "to the box from the WAN",
            udp(WAN, ROUTER_WAN, 53).dropped(UNWRITTEN),
        )
        .case(
            "an echo request to the box",
            ping(WAN, ROUTER_WAN).dropped(UNWRITTEN),
        )
        .case("from the box to the LAN", syn(ROUTER, LAN, WEB).passes(UNWRITTEN))
        .case(
            "from the box to the WAN",
            udp(ROUTER_WAN, INTERNET, 53).passes(UNWRITTEN),
        );
    let open = Group::new("some said")
        .rule(rule("ssh").from("lan").to("local").service(tcp(&["22"])).accept())
        .rule(
            rule("no mail")
                .from("local")
                .to("wan")
                .service(tcp(&["25"]))
                .reject(),
        )
        .rule(
            rule("no dmz")
                .from("local")
                .to("dmz")
                .destination(hosts(&[DMZ]))
                .drop(),
        )
        .case(
            "to the box by its near address",
            syn(LAN, ROUTER, 22).passes("ssh"),
        )
        .case(
            "to the box by its far address",
            syn(LAN, ROUTER_WAN, 22).passes("ssh"),
        )
        .case(
            "not from another zone",
            syn(WAN, ROUTER_WAN, 22).dropped(UNWRITTEN),
        )
        .case("not to another port", syn(LAN, ROUTER, 23).dropped(UNWRITTEN))
        .case("rejected from the box", syn(ROUTER_WAN, WAN, 25).reset("no mail"))
        .case(
            "dropped from the box",
            udp(Port::Dmz.host(1), DMZ, 53).dropped("no dmz"),
        )
        .exchange(
            "an answer to the box",
            [
                udp(ROUTER_WAN, WAN, 53).passes(UNWRITTEN),
                udp_reply(WAN, ROUTER_WAN, 53).passes(UNWRITTEN),
            ],
        );
    vec![closed, open]
}
