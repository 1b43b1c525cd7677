//! Each packet is judged by one policy or the other.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use aya::programs::{ProgramInfo, TestRun as _, TestRunOptions, Xdp, loaded_programs};
use aya_obj::programs::XdpAttachType;
use ravelin_compile::{AddressTerm, PolicyImages, Ruleset};
use ravelin_datapath::Datapath as _;
use ravelin_model::Action;

use super::ground::{Ground, zone};
use super::judging::{opening, routes};
use super::rules::{INTERFACES, LAN, WAN, images, line, ruleset, set};

/// The loaded XDP program, for another thread.
fn xdp(ground: &Ground) -> Xdp {
    let programs = ground.parts.datapath.programs().unwrap();
    let id = programs
        .iter()
        .find(|program| program.name == "rv_xdp")
        .unwrap()
        .id;
    let info: ProgramInfo = loaded_programs().flatten().find(|info| info.id() == id).unwrap();
    Xdp::from_program_info(info, "rv_xdp".into(), XdpAttachType::Interface).unwrap()
}

/// The mark XDP hands over.
fn mark(xdp: &Xdp, frame: &[u8]) -> u32 {
    let mut context = [0u8; 24];
    context[4..8].copy_from_slice(&u32::try_from(frame.len()).unwrap().to_ne_bytes());
    context[12..16].copy_from_slice(&INTERFACES[0].to_ne_bytes());
    let mut out = vec![0; frame.len() + 64];
    let options = TestRunOptions {
        data_in: Some(frame),
        data_out: Some(&mut out),
        ctx_in: Some(&context),
        ..TestRunOptions::new()
    };
    xdp.test_run(options).unwrap();
    u32::from_ne_bytes(out[4..8].try_into().unwrap())
}

/// Stops the other thread, also where a flip fails: nobody would wait for it in vain.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Everything of it says which one it is: zones, list, rule, counter.
fn marker(number: u32) -> Ruleset {
    let mut listed = line(100 + number, Action::Accept);
    listed.source = AddressTerm {
        lists: vec![1],
        ..AddressTerm::default()
    };
    listed.from = Some(zone(LAN + number));
    listed.to = Some(zone(WAN - 1 - number));
    let mut rules = ruleset(vec![listed]);
    let source = ["192.0.2.0/24", "192.0.2.10"][number as usize % 2];
    rules.lists.insert(1, Arc::new(set(&[source])));
    rules.zone_of_interface = [
        (INTERFACES[0], zone(LAN + number)),
        (INTERFACES[1], zone(WAN - 1 - number)),
    ]
    .into();
    rules
}

#[test]
fn no_packet_sees_a_mixture_of_two_policies() {
    let flips = if std::env::var_os("RAVELIN_FULL").is_some() {
        1000
    } else {
        60
    };
    Ground::run(&INTERFACES, |mut ground| {
        routes();
        let policies: Vec<PolicyImages> = (0..3).map(|number| images(&marker(number))).collect();
        let whole: BTreeSet<u32> = (0..3)
            .map(|number| 1 << 30 | (WAN - 1 - number) << 24 | (100 + number))
            .collect();
        ground.parts.datapath.load_policy(&policies[0]).unwrap();
        let (xdp, frame) = (xdp(&ground), opening(4, 80).build());
        let done = AtomicBool::new(false);
        let seen = std::thread::scope(|scope| {
            let judge = scope.spawn(|| {
                let mut seen: BTreeSet<u32> = BTreeSet::new();
                while !done.load(Ordering::Relaxed) {
                    seen.insert(mark(&xdp, &frame));
                }
                seen
            });
            let stop = Stop(&done);
            for flip in 1..=flips {
                let number = flip % 3;
                ground.parts.datapath.load_policy(&policies[number]).unwrap();
                // When the call returns nobody is judged by the old one any more.
                let expected = 1 << 30 | (WAN - 1 - u32::try_from(number).unwrap()) << 24;
                assert_eq!(mark(&xdp, &frame) & 0xff00_0000, expected);
            }
            drop(stop);
            judge.join().unwrap()
        });
        assert_eq!(seen, whole);
    });
}

#[test]
fn classes_that_stay_take_no_second_copy() {
    Ground::run(&INTERFACES, |mut ground| {
        routes();
        let mut rules = marker(0);
        let first = images(&rules);
        rules.defaults.clear();
        let second = PolicyImages::build(&rules, Some(&first)).unwrap();
        assert!(Arc::ptr_eq(&first.classes, &second.classes));
        let held = |ground: &Ground, name: &str| {
            let maps = ground.parts.datapath.maps().unwrap();
            let map = maps.into_iter().find(|map| map.name == name).unwrap();
            (map.max_entries, map.occupancy)
        };
        let pages = u32::try_from(first.classes.pages()).unwrap();
        let policy_pages = |images: &PolicyImages| u32::try_from(images.policy.pages()).unwrap();
        for images in [&first, &second, &first, &second] {
            ground.parts.datapath.load_policy(images).unwrap();
            assert_eq!(held(&ground, "policy_classes"), (pages, Some(pages.into())));
        }
        let both = policy_pages(&first) + policy_pages(&second);
        assert_eq!(
            held(&ground, "policy"),
            (both, Some(policy_pages(&second).into()))
        );
    });
}
