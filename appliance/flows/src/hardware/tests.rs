//! Which connections get rules, and which rules are there.

mod memory;
mod model;
#[path = "../../../nic/tests/it/card.rs"]
mod recorded_card;
mod recorded_cards;

use ravelin_datapath::{CachedFlow, CachedWays, Way};
use ravelin_kernel::RouteRule;
use ravelin_model::{FlowTuple, protocol};

use super::cards::{Card, Cards};
use super::plan::{Unfit, plan};

const LAN: u32 = 2;
const WAN: u32 = 3;

fn card(interface: &str, problem: Option<&str>) -> Card {
    Card {
        interface: interface.to_owned(),
        problem: problem.map(str::to_owned),
        retags: true,
        device: Some("mlx5_core 0000:03:00".to_owned()),
        limit: Some(64),
        mtu: 1500,
    }
}

fn cards() -> Cards {
    Cards::from([(LAN, card("lan0", None)), (WAN, card("wan0", None))])
}

fn tuple(source: &str, destination: &str, ports: [u16; 2], protocol: u8) -> FlowTuple {
    FlowTuple {
        source: source.parse().expect("address"),
        destination: destination.parse().expect("address"),
        protocol,
        source_port: ports[0],
        destination_port: ports[1],
    }
}

/// A connection from the LAN, whose frames are tagged where `tags` says.
fn cached(original: FlowTuple, tags: [Option<u16>; 2]) -> CachedWays {
    let way = |from: u32, to: u32, tags: [Option<u16>; 2]| Way {
        ingress: from,
        ingress_tag: tags[0],
        own_address: [2, 0, 0, 0, 0, u8::try_from(from).expect("small")],
        egress: to,
        egress_tag: tags[1],
        source_address: [2, 0, 0, 0, 0, u8::try_from(to).expect("small")],
        destination_address: [2, 0, 0, 0, 1, u8::try_from(to).expect("small")],
        mtu: 1500,
    };
    CachedWays {
        flow: CachedFlow {
            connection: 7,
            original,
            reply: original.inverted(),
            counter: 1,
        },
        ways: [Some(way(LAN, WAN, tags)), Some(way(WAN, LAN, [tags[1], tags[0]]))],
    }
}

fn web() -> FlowTuple {
    tuple("10.0.0.7", "203.0.113.9", [40_000, 443], protocol::TCP)
}

#[test]
fn both_directions_get_what_the_flow_cache_does() {
    for original in [
        web(),
        tuple("2001:db8:1::7", "2001:db8:2::9", [40_000, 443], protocol::UDP),
    ] {
        let planned = plan(&cached(original, [None, Some(100)]), &cards()).expect("fits");
        let expected = [
            RouteRule {
                ingress: LAN,
                ingress_tag: None,
                own_address: [2, 0, 0, 0, 0, 2],
                tuple: original,
                egress: WAN,
                egress_tag: Some(100),
                source_address: [2, 0, 0, 0, 0, 3],
                destination_address: [2, 0, 0, 0, 1, 3],
            },
            RouteRule {
                ingress: WAN,
                ingress_tag: Some(100),
                own_address: [2, 0, 0, 0, 0, 3],
                tuple: original.inverted(),
                egress: LAN,
                egress_tag: None,
                source_address: [2, 0, 0, 0, 0, 2],
                destination_address: [2, 0, 0, 0, 1, 2],
            },
        ];
        assert_eq!(planned, expected);
    }
}

#[test]
fn a_card_that_is_not_supported_never_gets_a_rule() {
    let reason = "veth has no card";
    for index in [LAN, WAN] {
        let mut cards = cards();
        let name = cards[&index].interface.clone();
        cards.insert(index, card(&name, Some(reason)));
        let refused = plan(&cached(web(), [None, None]), &cards).expect_err("unfit");
        assert_eq!(refused, Unfit::Card(name.clone(), reason.to_owned()));
        assert_eq!(refused.to_string(), format!("{name}: {reason}"));
        cards.remove(&index);
        let refused = plan(&cached(web(), [None, None]), &cards).expect_err("unfit");
        assert_eq!(refused, Unfit::UnknownInterface(index));
    }
}

#[test]
fn what_a_card_would_do_wrong_is_refused() {
    type Spoil = fn(&mut CachedWays, &mut Cards);
    let fit = |one: &str, other: &str| (one.to_owned(), other.to_owned());
    let (lan, wan) = fit("lan0", "wan0");
    let cases: [(Spoil, Unfit); 14] = [
        (|cached, _| cached.ways[0] = None, Unfit::WayUnknown),
        (|cached, _| cached.ways[1] = None, Unfit::WayUnknown),
        (
            |cached, _| cached.flow.reply.destination_port += 1,
            Unfit::Translated,
        ),
        (
            |cached, _| cached.flow.reply.source = "192.0.2.1".parse().expect("address"),
            Unfit::Translated,
        ),
        (
            |cached, _| {
                cached.flow.original.protocol = protocol::GRE;
                cached.flow.reply.protocol = protocol::GRE;
            },
            Unfit::Protocol,
        ),
        (
            |cached, _| {
                cached.flow.original.destination_port = 53;
                cached.flow.reply = cached.flow.original.inverted();
            },
            Unfit::Dns,
        ),
        (
            |cached, _| {
                cached.flow.original.source_port = 53;
                cached.flow.reply = cached.flow.original.inverted();
            },
            Unfit::Dns,
        ),
        (
            |cached, _| cached.ways[1].as_mut().expect("way").ingress = 9,
            Unfit::Asymmetric,
        ),
        (
            |cached, _| cached.ways[1].as_mut().expect("way").egress_tag = Some(9),
            Unfit::Asymmetric,
        ),
        (
            |cached, _| {
                for way in cached.ways.iter_mut().flatten() {
                    (way.ingress, way.egress) = (LAN, LAN);
                    way.own_address = way.source_address;
                }
                cached.ways[1] = cached.ways[0];
            },
            Unfit::Hairpin,
        ),
        (
            |_, cards| cards.get_mut(&WAN).expect("card").device = Some("mlx5_core 0000:04:00".to_owned()),
            Unfit::TwoCards(lan.clone(), wan.clone()),
        ),
        (
            |_, cards| cards.values_mut().for_each(|card| card.device = None),
            Unfit::TwoCards(lan.clone(), wan.clone()),
        ),
        (
            |_, cards| cards.get_mut(&WAN).expect("card").mtu = 9000,
            Unfit::Mtu(lan.clone(), wan.clone()),
        ),
        (
            |cached, cards| {
                cached.ways[0].as_mut().expect("way").egress_tag = Some(5);
                cached.ways[1].as_mut().expect("way").ingress_tag = Some(5);
                cards.get_mut(&WAN).expect("card").retags = false;
            },
            Unfit::Tags(wan.clone()),
        ),
    ];
    for (number, (spoil, expected)) in cases.into_iter().enumerate() {
        let (mut cached, mut cards) = (cached(web(), [None, None]), cards());
        assert!(plan(&cached, &cards).is_ok());
        spoil(&mut cached, &mut cards);
        let found = plan(&cached, &cards);
        assert_eq!(found, Err(expected), "case {number}");
    }
}
