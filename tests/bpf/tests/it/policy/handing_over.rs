//! The verdict on its way from XDP over tc to nftables, with real frames.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use ravelin_datapath::{Datapath as _, Switches};
use ravelin_model::Action;
use ravelin_test_harness::eventually;
use ravelin_test_harness::packet::Packet;

use super::ground::Ground;
use super::judging::{opening, routes};
use super::rules::{INTERFACES, WAN, addresses, images, line, ruleset};
use crate::datapath::rig;
use crate::isolated::isolated;
use crate::plane::{Context, Hook, Plane};

const PATIENCE: Duration = Duration::from_secs(10);

/// Counts packets by their mark where nftables would look at it.
const WATCH: &str = "
table inet watch {
    counter marked { }
    counter unmarked { }
    counter other { }
    chain look {
        type filter hook prerouting priority raw;
        iifname != gen0 accept
        meta mark 0x7f000014 counter name marked accept
        meta mark 0 counter name unmarked accept
        counter name other
    }
}";

fn nft(input: &str) -> String {
    let mut child = Command::new("nft")
        .args(["-f", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

/// Packets of (marked, unmarked, other).
fn counted() -> [u64; 3] {
    ["marked", "unmarked", "other"].map(|name| {
        let listing = nft(&format!("list counter inet watch {name}\n"));
        let packets = listing.split("packets ").nth(1).unwrap();
        packets.split(' ').next().unwrap().parse().unwrap()
    })
}

fn attach(ground: &mut Ground) {
    // Frames for the router's address of the harness.
    rig::ip("link set gen0 address 02:00:00:00:00:01");
    nft(WATCH);
    let attached = ground.parts.datapath.attach(&rig::target("gen0")).unwrap();
    assert_eq!(attached.problems, Vec::<String>::new());
}

#[test]
fn nftables_sees_the_verdict_of_xdp_as_a_mark() {
    Ground::run(&INTERFACES, |mut ground| {
        routes();
        let mut allowed = line(20, Action::Accept);
        allowed.destination = addresses(&["198.51.100.53", "2001:db8:2::53"]);
        ground
            .parts
            .datapath
            .load_policy(&images(&ruleset(vec![allowed])))
            .unwrap();
        attach(&mut ground);
        let count = |expected: [u64; 3]| {
            let reached = eventually(PATIENCE, || (counted() == expected).then_some(()));
            assert!(reached.is_some(), "{:?} instead of {expected:?}", counted());
        };
        let before = counted();
        let mut expected = before;
        for family in [4, 6] {
            for _ in 0..3 {
                ground.send("peer0", &Packet::udp(family, 1, 2, b"x".as_slice()).build());
                ground.send("peer0", &opening(family, 80).build());
            }
            expected[0] += 6;
            // Both deny: XDP drops the one, the other goes up with its verdict.
            let mut udp = Packet::udp(family, 1, 2, b"x".as_slice());
            let mut tcp = opening(family, 80);
            let denied = if family == 4 {
                "198.51.100.54"
            } else {
                "2001:db8:2::54"
            }
            .parse()
            .unwrap();
            (udp.destination, tcp.destination) = (denied, denied);
            ground.send("peer0", &udp.build());
            ground.send("peer0", &tcp.build());
            expected[2] += 1;
            // Nobody guesses.
            let tail = Packet::tcp(family, 1, 2, b"x".as_slice());
            ground.send("peer0", &tail.build());
            expected[1] += 1;
        }
        count(expected);
        // Without the classifier no packet has a mark.
        ground.parts.datapath.set_switches(Switches::default()).unwrap();
        for family in [4, 6] {
            ground.send("peer0", &Packet::udp(family, 1, 2, b"x".as_slice()).build());
            expected[1] += 1;
        }
        count(expected);
    });
}

#[test]
fn the_program_of_another_flow_cache_hands_over_as_the_one_before() {
    Ground::run(&INTERFACES, |mut ground| {
        routes();
        let rules = images(&ruleset(vec![line(20, Action::Accept)]));
        ground.parts.datapath.load_policy(&rules).unwrap();
        let handed_over = |ground: &Ground| {
            let frame = opening(4, 80).build();
            let xdp = ground
                .parts
                .datapath
                .test_run(ravelin_model::Hook::Xdp, &frame, INTERFACES[0]);
            xdp.unwrap().metadata
        };
        let before = handed_over(&ground);
        assert!(!before.is_empty());
        drop(ground.parts.datapath.stage_cache(8).unwrap());
        ground.parts.datapath.use_staged_cache().unwrap();
        assert_eq!(handed_over(&ground), before, "tc would not know it");
        // The number is of the process.
        ground.restart();
        ground.parts.datapath.load_policy(&rules).unwrap();
        assert_ne!(handed_over(&ground), before);
    });
}

#[test]
fn tc_classifies_what_comes_without_a_word_from_xdp() {
    Ground::run(&INTERFACES, |mut ground| {
        routes();
        ground
            .parts
            .datapath
            .load_policy(&images(&ruleset(vec![line(20, Action::Accept)])))
            .unwrap();
        attach(&mut ground);
        // XDP is gone and tc does not know.
        let pins = ground.root().join("links");
        let link = std::fs::read_dir(&pins)
            .unwrap()
            .flatten()
            .find(|pin| pin.file_name().to_string_lossy().contains("xdp"));
        std::fs::remove_file(link.expect("a link of XDP").path()).unwrap();
        let [marked, ..] = counted();
        let reached = eventually(PATIENCE, || {
            ground.send("peer0", &Packet::udp(4, 1, 2, b"x".as_slice()).build());
            (counted()[0] > marked).then_some(())
        });
        assert!(reached.is_some(), "{:?}", counted());
    });
}

#[test]
fn the_bits_of_others_stay() {
    isolated(|pins: &Path| {
        let mut plane = Plane::load(Hook::Ingress, pins);
        plane.set_switches(ravelin_abi::rv_switch::RV_SWITCH_POLICY_CLASSIFIER);
        let frame = Packet::udp(4, 1, 2, b"x".as_slice()).build();
        // There is no policy: ours are taken off, whoever set them.
        for (before, after) in [(0, 0), (0x00f0_0000, 0x00f0_0000), (u32::MAX, 0x00f0_0000)] {
            let context = Context {
                mark: before,
                ..Context::default()
            };
            assert_eq!(plane.run_in(&frame, context).mark, after, "{before:#x}");
        }
        plane.set_switches(ravelin_abi::rv_switch::RV_SWITCH_STATISTICS);
        let context = Context {
            mark: u32::MAX,
            ..Context::default()
        };
        assert_eq!(
            plane.run_in(&frame, context).mark,
            u32::MAX,
            "with the classifier off"
        );
    });
}

const _: () = assert!(0x7f00_0014 == 1 << 30 | WAN << 24 | 20);
