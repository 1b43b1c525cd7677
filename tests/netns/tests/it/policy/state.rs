//! Connections: what belongs to one passes, what belongs to none is judged or is invalid.

use ravelin_test_harness::packet::{ACK, FIN, PSH, RST, SYN};

use ravelin_test_harness::Setup;

use super::case::Group;
use super::draft::{rule, tcp, udp as udp_ports};
use super::engine::Mode;
use super::ground::{Ground, check, crossing};
use super::prober::judge;
use super::shot::*;

fn out() -> Group {
    Group::new("out only")
        .rule(rule("web").from("lan").to("wan").service(tcp(&["80"])).accept())
        .rule(
            rule("dns")
                .from("lan")
                .to("wan")
                .service(udp_ports(&["53"]))
                .accept(),
        )
        .rule(
            rule("ping")
                .from("lan")
                .to("wan")
                .service(super::draft::protocol("icmp"))
                .service(super::draft::protocol("icmpv6"))
                .accept(),
        )
}

#[test]
fn connections_are_known() {
    check(&[
        replies_pass_and_nothing_else(),
        icmp_errors_pass_if_they_are_about_a_connection(),
        what_belongs_to_no_connection(),
    ]);
}

fn replies_pass_and_nothing_else() -> Group {
    out()
        .exchange(
            "a TCP connection",
            [
                syn(LAN, WAN, 80).passes("web"),
                syn_ack(WAN, LAN, 80).passes("web"),
                ack(LAN, WAN, 80).passes("web"),
                segment(WAN, LAN, ACK | PSH, 5017, 1033).from(80).passes("web"),
                segment(LAN, WAN, ACK | FIN, 1033, 5033).to(80).passes("web"),
                segment(WAN, LAN, RST | ACK, 5033, 1050).from(80).passes("web"),
            ],
        )
        .exchange(
            "a connection that is refused",
            [
                syn(LAN, WAN, 80).passes("web"),
                segment(WAN, LAN, RST | ACK, 0, 1017).from(80).passes("web"),
            ],
        )
        .exchange(
            "a datagram and its answers",
            [
                udp(LAN, WAN, 53).passes("dns"),
                udp_reply(WAN, LAN, 53).passes("dns"),
                udp_reply(WAN, LAN, 53).passes("dns"),
                udp(LAN, WAN, 53).passes("dns"),
            ],
        )
        .exchange(
            "echo",
            [ping(LAN, WAN).passes("ping"), pong(WAN, LAN).passes("ping")],
        )
        .exchange(
            "an answer from elsewhere",
            [
                udp(LAN, WAN, 53).passes("dns"),
                udp_reply(Port::Wan.host(11), LAN, 53).dropped(UNWRITTEN),
            ],
        )
        .exchange(
            "an answer from another port",
            [
                udp(LAN, WAN, 53).passes("dns"),
                udp_reply(WAN, LAN, 54).dropped(UNWRITTEN),
            ],
        )
        .case(
            "a new connection from the WAN",
            syn(WAN, LAN, 80).dropped(UNWRITTEN),
        )
        .case(
            "a new datagram from the WAN",
            udp(WAN, LAN, 53).dropped(UNWRITTEN),
        )
        .case("an echo request from the WAN", ping(WAN, LAN).dropped(UNWRITTEN))
}

fn icmp_errors_pass_if_they_are_about_a_connection() -> Group {
    out()
        .exchange(
            "port unreachable from the server",
            [
                udp(LAN, WAN, 53).passes("dns"),
                icmp_error(WAN, LAN, 53, (3, 3), (1, 4)).passes("dns"),
            ],
        )
        .exchange(
            "time exceeded from the server",
            [
                udp(LAN, WAN, 53).passes("dns"),
                icmp_error(WAN, LAN, 53, (11, 0), (3, 0)).passes("dns"),
            ],
        )
        .exchange(
            "packet too big from the server",
            [
                udp(LAN, WAN, 53).passes("dns"),
                icmp_error(WAN, LAN, 53, (3, 4), (2, 0)).passes("dns"),
            ],
        )
        .case(
            "an error about nothing",
            icmp_error(WAN, LAN, 53, (3, 3), (1, 4)).dropped(INVALID),
        )
        .case(
            "an error about nothing, outwards",
            icmp_error(LAN, WAN, 53, (3, 3), (1, 4)).dropped(INVALID),
        )
}

fn what_belongs_to_no_connection() -> Group {
    let bare = |flags| segment(LAN, WAN, flags, 7000, 9000).to(80);
    out()
        .case("a reset", bare(RST).dropped(INVALID))
        .case("a reset with ACK", bare(RST | ACK).dropped(INVALID))
        .case("a FIN", bare(FIN).dropped(INVALID))
        .case("no flags at all", bare(0).dropped(INVALID))
        .case("SYN and FIN", bare(SYN | FIN).dropped(INVALID))
        .case("SYN and RST", bare(SYN | RST).dropped(INVALID))
        .case("every flag", bare(0x3f).dropped(INVALID))
        .case(
            "a SYN-ACK nobody asked for",
            segment(WAN, LAN, SYN | ACK, 5000, 1017).from(80).dropped(INVALID),
        )
        .case(
            "an ACK from the WAN",
            segment(WAN, LAN, ACK, 5000, 1017).from(80).dropped(INVALID),
        )
        .case(
            "an ACK to the box",
            segment(WAN, ROUTER_WAN, ACK, 5000, 1017).to(22).dropped(INVALID),
        )
        .case("an ACK outwards", bare(ACK).dropped(INVALID))
}

/// More flows than the flow map holds.
const FLOWS: u16 = 600;

#[test]
fn a_reply_passes_whose_flow_was_evicted() {
    let Some(crossing) = crossing() else { return };
    let setup = Setup {
        config: "[capacity]\nflows = 64".to_owned(),
        ..Setup::default()
    };
    let ground = Ground::start_with(&crossing, setup);
    ground.engine.apply(&out());
    for mode in Mode::ALL {
        ground.engine.judge_by(mode);
        for family in [4, 6] {
            let (tcp, dns) = (ground.prober.own_port(), ground.prober.own_port());
            for (own, shot) in [
                (tcp, syn(LAN, WAN, 80).passes("web")),
                (dns, udp(LAN, WAN, 53).passes("dns")),
            ] {
                judge(&shot, &ground.prober.fire(&shot, family, own)).expect("it begins");
            }
            for _ in 0..FLOWS {
                let shot = udp(LAN, WAN, 53).passes("dns");
                judge(
                    &shot,
                    &ground.prober.fire(&shot, family, ground.prober.own_port()),
                )
                .expect("it passes");
            }
            for (own, shot) in [
                (tcp, syn_ack(WAN, LAN, 80).passes("web")),
                (tcp, ack(LAN, WAN, 80).passes("web")),
                (dns, udp_reply(WAN, LAN, 53).passes("dns")),
            ] {
                judge(&shot, &ground.prober.fire(&shot, family, own)).expect("it goes on");
            }
        }
    }
}
