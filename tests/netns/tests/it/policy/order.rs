//! The first rule that matches decides.

use serde_json::json;

use super::case::Group;
use super::draft::{Rule, hosts, list, not, rule, tcp};
use super::ground::check;
use super::shot::*;

fn web(name: &str) -> Rule {
    rule(name).from("lan").to("wan").service(tcp(&["80"]))
}

#[test]
fn the_order_decides() {
    check(
        &[
            the_first_match_decides(),
            rules_are_moved(),
            a_rule_out_of_force_matches_nothing(),
            many_rules_are_one_order(),
        ]
        .concat(),
    );
}

fn the_first_match_decides() -> Vec<Group> {
    let accept_first = Group::new("accept before drop")
        .rule(web("accept").accept())
        .rule(web("drop").drop())
        .case("the accept decides", syn(LAN, WAN, 80).passes("accept"));
    let drop_first = Group::new("drop before accept")
        .rule(web("drop").drop())
        .rule(web("accept").accept())
        .case("the drop decides", syn(LAN, WAN, 80).dropped("drop"));
    let exception = Group::new("an exception before the rule")
        .rule(web("not this one").source(hosts(&[LAN])).reject())
        .rule(web("all").accept())
        .case("the exception", syn(LAN, WAN, 80).reset("not this one"))
        .case("everybody else", syn(Port::Lan.host(11), WAN, 80).passes("all"));
    let wide_first = Group::new("a wide rule before narrow ones")
        .rule(rule("wide").drop())
        .rule(
            web("narrow")
                .source(hosts(&[LAN]))
                .destination(hosts(&[WAN]))
                .accept(),
        )
        .case("the wide one decides", syn(LAN, WAN, 80).dropped("wide"));
    let wide_between = Group::new("a wide rule between narrow ones")
        .rule(web("first").destination(hosts(&[WAN])).accept())
        .rule(rule("wide").from("lan").service(tcp(&["1-65535"])).drop())
        .rule(web("last").destination(hosts(&[INTERNET])).accept())
        .case("in front of it", syn(LAN, WAN, 80).passes("first"))
        .case("behind it", syn(LAN, INTERNET, 80).dropped("wide"))
        .case("past it", udp(LAN, WAN, 80).dropped(UNWRITTEN));
    let same = Group::new("the same rule twice")
        .rule(web("one").accept())
        .rule(web("two").accept())
        .case("the first counts", syn(LAN, WAN, 80).passes("one"));
    vec![
        accept_first,
        drop_first,
        exception,
        wide_first,
        wide_between,
        same,
    ]
}

fn rules_are_moved() -> Vec<Group> {
    let three = |name| {
        Group::new(name)
            .rule(web("a").accept())
            .rule(web("b").drop())
            .rule(web("c").reject())
    };
    vec![
        three("as made").case("a decides", syn(LAN, WAN, 80).passes("a")),
        three("the last one first")
            .moved("c", json!({ "to": "first" }))
            .case("c decides", syn(LAN, WAN, 80).reset("c")),
        three("the first one last")
            .moved("a", json!({ "to": "last" }))
            .case("b decides", syn(LAN, WAN, 80).dropped("b")),
        three("one before another")
            .moved("c", json!({ "to": "before", "rule": "a" }))
            .case("c decides", syn(LAN, WAN, 80).reset("c")),
        three("one after another")
            .moved("a", json!({ "to": "after", "rule": "b" }))
            .case("b decides", syn(LAN, WAN, 80).dropped("b")),
    ]
}

fn a_rule_out_of_force_matches_nothing() -> Vec<Group> {
    vec![
        Group::new("out of force")
            .rule(web("disabled").disabled().drop())
            .rule(web("of an empty list").source(list("empty")).drop())
            .rule(web("expired").expires_at("2024-02-29T12:00:00Z").drop())
            .rule(web("in force").accept())
            .list("empty", &[])
            .case("the next one decides", syn(LAN, WAN, 80).passes("in force")),
    ]
}

fn many_rules_are_one_order() -> Vec<Group> {
    // More rules than a chain is long and a leaf is wide, so that both back-ends divide them.
    let mut group = Group::new("three hundred rules");
    for number in 0..300 {
        let port = format!("{}", 2000 + number);
        let one = rule(&format!("rule {number}"))
            .from("lan")
            .to("wan")
            .service(tcp(&[&port]));
        group = group.rule(if number % 3 == 0 { one.drop() } else { one.accept() });
        if number == 150 {
            let wide = rule("in the middle")
                .from("lan")
                .to("wan")
                .service(tcp(&["2100-2200"]));
            group = group.rule(wide.source(not(hosts(&[Port::Lan.host(11)]))).reject());
        }
    }
    let group = group
        .case("the first", syn(LAN, WAN, 2000).dropped("rule 0"))
        .case("the second", syn(LAN, WAN, 2001).passes("rule 1"))
        .case("the 64th", syn(LAN, WAN, 2063).dropped("rule 63"))
        .case("the 65th", syn(LAN, WAN, 2064).passes("rule 64"))
        .case("before the wide one", syn(LAN, WAN, 2149).passes("rule 149"))
        .case(
            "right before the wide one",
            syn(LAN, WAN, 2150).dropped("rule 150"),
        )
        .case("the wide one", syn(LAN, WAN, 2151).reset("in the middle"))
        .case(
            "past the wide one",
            syn(Port::Lan.host(11), WAN, 2151).passes("rule 151"),
        )
        .case("behind the wide one", syn(LAN, WAN, 2201).dropped("rule 201"))
        .case("the last", syn(LAN, WAN, 2299).passes("rule 299"))
        .case("none", syn(LAN, WAN, 2300).dropped(UNWRITTEN));
    vec![group]
}
