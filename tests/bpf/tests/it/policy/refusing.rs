//! A policy that cannot be loaded leaves the old one at work.

use ravelin_datapath::{Datapath as _, DatapathError};
use ravelin_model::Action;

use super::ground::Ground;
use super::judging::{opening, routes};
use super::rules::{INTERFACES, images, line, ruleset};

/// The mark of a packet: tells which policy is at work by its counter.
fn counter(ground: &Ground) -> u32 {
    let probe = ground
        .parts
        .datapath
        .probe(&opening(4, 80).build(), INTERFACES[0])
        .unwrap();
    probe.mark & 0xf_ffff
}

#[test]
fn counters_that_are_not_there_are_refused() {
    Ground::run(&INTERFACES, |mut ground| {
        routes();
        let last = u32::try_from(ground.parts.datapath.policy_counter_capacity() - 1).unwrap();
        let datapath = &mut ground.parts.datapath;
        datapath
            .load_policy(&images(&ruleset(vec![line(last, Action::Accept)])))
            .unwrap();
        let refused = datapath.load_policy(&images(&ruleset(vec![line(last + 1, Action::Accept)])));
        assert!(
            matches!(refused, Err(DatapathError::UnknownCounter { counter, .. }) if counter == last + 1),
            "{refused:?}"
        );
        let mut rules = ruleset(Vec::new());
        rules
            .defaults
            .values_mut()
            .for_each(|pair| pair.counter = last + 2);
        assert!(datapath.load_policy(&images(&rules)).is_err());
        assert!(datapath.policy_hits(&[last + 1]).is_err());
        assert!(datapath.reset_policy_hits(&[last + 1]).is_err());
        assert_eq!(counter(&ground), last);
    });
}

#[test]
fn without_room_for_a_map_the_old_policy_stays() {
    Ground::run(&INTERFACES, |mut ground| {
        routes();
        let old = images(&ruleset(vec![line(20, Action::Accept)]));
        let new = images(&ruleset(vec![line(21, Action::Accept)]));
        ground.parts.datapath.load_policy(&old).unwrap();
        // As many descriptors as there are: each next one is refused, first that of the policy, then that of the
        // classes, and none of both.
        for (allowed, fails) in [(0, true), (1, true), (2, false)] {
            let limit = set_descriptor_limit(lowest_free_descriptor() + allowed);
            let result = ground.parts.datapath.load_policy(&new);
            set_descriptor_limit(limit);
            assert_eq!(result.is_err(), fails, "{allowed}: {result:?}");
            if let Err(error) = result {
                assert!(error.to_string().contains("polic"), "{error}");
            }
            assert_eq!(counter(&ground), if fails { 20 } else { 21 }, "{allowed}");
        }
    });
}

fn lowest_free_descriptor() -> u64 {
    // SAFETY: dup takes and returns a number; the descriptor is closed at once.
    unsafe {
        let free = libc::dup(0);
        assert!(free >= 0);
        libc::close(free);
        u64::try_from(free).unwrap()
    }
}

/// Sets the limit of this process, which has this one test, and returns the one before.
fn set_descriptor_limit(limit: u64) -> u64 {
    let mut old = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: both structs live through the calls.
    unsafe {
        assert_eq!(libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut old), 0);
        let new = libc::rlimit {
            rlim_cur: limit,
            ..old
        };
        assert_eq!(libc::setrlimit(libc::RLIMIT_NOFILE, &raw const new), 0);
    }
    old.rlim_cur
}

#[test]
fn a_policy_outlives_the_process_and_is_replaced_by_the_next() {
    Ground::run(&INTERFACES, |mut ground| {
        routes();
        ground
            .parts
            .datapath
            .load_policy(&images(&ruleset(vec![line(20, Action::Accept)])))
            .unwrap();
        ground.restart();
        assert_eq!(counter(&ground), 20);
        for next in [21, 22, 23] {
            let rules = ruleset(vec![line(next, Action::Accept)]);
            ground.parts.datapath.load_policy(&images(&rules)).unwrap();
            assert_eq!(counter(&ground), next);
        }
    });
}
