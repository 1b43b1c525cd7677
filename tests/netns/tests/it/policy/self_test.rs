//! The prober sees what really happens: shown with a filter written by hand, without the engine.

use ravelin_test_harness::packet::Packet;

use super::ground::crossing;
use super::prober::{Prober, judge};
use super::shot::*;

const FILTER: &str = "
table inet filter {
  chain forward {
    type filter hook forward priority 0; policy accept;
    udp dport 1 drop
    udp dport 2 reject with icmpx admin-prohibited
    tcp dport 2 reject with tcp reset
    oifname dmz0 meta l4proto != 253 drop
  }
  chain input {
    type filter hook input priority 0; policy accept;
    udp dport 1 drop
    tcp dport 2 reject with tcp reset
  }
  chain output {
    type filter hook output priority 0; policy accept;
    udp dport 1 drop
    udp dport 2 reject with icmpx admin-prohibited
    tcp dport 2 reject with tcp reset
  }
}";

#[test]
fn fates_are_told_apart() {
    let Some(crossing) = crossing() else { return };
    let file = crossing.dir.join("filter.nft");
    std::fs::write(&file, FILTER).expect("filter");
    crossing.router.run("nft", &["-f", &file.display().to_string()]);
    let prober = Prober::new(&crossing);
    let whole = |p: Packet| p.fragments(8).map(|half| half.build()).to_vec();
    let by = By::Nothing;
    let right = [
        syn(LAN, WAN, 80).passes(by),
        udp(LAN, INTERNET, 80).passes(by),
        sctp(LAN, WAN, 80).passes(by),
        ping(LAN, LAN2).passes(by),
        other(LAN, WAN, 47).passes(by),
        udp(UNZONED, WAN, 80).passes(by),
        syn(LAN, ROUTER, 80).passes(by),
        udp(LAN, ROUTER_WAN, 80).passes(by),
        ping(LAN, ROUTER).passes(by),
        other(LAN, ROUTER, 47).passes(by),
        syn(ROUTER, LAN, 80).passes(by),
        ping(ROUTER, LAN).passes(by),
        udp(LAN, WAN, 1).dropped(by),
        syn(LAN, DMZ, 80).dropped(by),
        udp(LAN, ROUTER, 1).dropped(by),
        udp(ROUTER, LAN, 1).dropped(by),
        syn(LAN, WAN, 2).reset(by),
        udp(LAN, WAN, 2).prohibited(by),
        syn(LAN, ROUTER, 2).reset(by),
        syn(ROUTER, LAN, 2).reset(by),
        udp(ROUTER, LAN, 2).prohibited(by),
        icmp_error(LAN, WAN, 80, (3, 3), (1, 4)).passes(by),
        udp(LAN, DMZ, 80).shaped(whole).dropped(by),
        udp(LAN, WAN, 80)
            .shaped(|mut p| {
                p.ttl = 1;
                vec![p.build()]
            })
            .answered((11, 0), (3, 0), by),
    ];
    let mut failures = Vec::new();
    for family in [4, 6] {
        for shot in &right {
            let outcome = prober.fire(shot, family, prober.own_port());
            if let Err(why) = judge(shot, &outcome) {
                failures.push(format!("IPv{family} {shot:?}: {why}"));
            }
            // Every other fate must be refused.
            for fate in [
                Fate::Delivered(shot.destination.port()),
                Fate::Dropped,
                Fate::Reset,
                Fate::Prohibited,
            ] {
                let other = Shot { fate, ..*shot };
                if fate != shot.fate && judge(&other, &outcome).is_ok() {
                    failures.push(format!("IPv{family} {shot:?} passes for {fate:?}"));
                }
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
