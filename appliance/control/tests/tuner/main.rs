//! Decisions of the tuner over simulated days.

mod day;
mod machine;
mod plot;
mod properties;

use ravelin_model::{Tunable, TuningMode};

use crate::day::{day, limits, most_reversals, problems};
use crate::machine::{Load, Machine, Run, Stuck};

#[test]
fn what_is_tuned_rises_settles_and_falls() {
    let run = day(None);
    let problems = problems(&run);
    assert!(problems.is_empty(), "{problems:#?}");
}

/// Every claim about a day stands on figures: where a source of them is wrong, some claim must fail.
#[test]
fn a_source_that_is_stuck_at_a_wrong_figure_is_found_out() {
    for stuck in [
        Stuck::HitRate,
        Stuck::Occupancy,
        Stuck::OccupancyFull,
        Stuck::Refusals,
        Stuck::BufferMisses,
        Stuck::NoBuffers,
        Stuck::Busy,
        Stuck::Traffic,
    ] {
        let found = problems(&day(Some(stuck)));
        assert!(!found.is_empty(), "nothing is wrong with {stuck:?}");
    }
}

#[test]
fn ten_minutes_without_traffic_change_nothing() {
    for seconds in [1, 10] {
        let mut limits = limits(1_048_576);
        limits.window_seconds = seconds;
        // Neither an empty box nor one whose connections sleep.
        for connections in [0, 100_000] {
            let mut run = Run::new(
                limits.clone(),
                Machine {
                    capacity: 131_072,
                    ..Machine::default()
                },
            );
            let asleep = Load {
                connections,
                ..Load::default()
            };
            run.step("begin", Load { packets: 1, ..asleep });
            run.phase("night", u64::from(600 / seconds), |_| asleep);
            let decided: Vec<_> = run
                .of("night")
                .iter()
                .flat_map(|step| step.decided.clone())
                .collect();
            assert!(decided.is_empty(), "{connections} connections: {decided:?}");
        }
    }
}

#[test]
fn a_load_that_flaps_faster_than_patience_moves_nothing_twice() {
    for period in 1..=4 {
        let mut run = Run::new(
            limits(1_048_576),
            Machine {
                rate: 1600,
                ..Machine::default()
            },
        );
        run.phase("flapping", 400, |window| Load {
            connections: if window / period % 2 == 0 { 150_000 } else { 1000 },
            churn: 100,
            packets: 5,
            events: if window / period % 2 == 0 { 2000 } else { 10 },
            store_ms: 5,
        });
        let reversals = most_reversals(&run, "flapping", Tunable::FlowCacheConnections);
        assert_eq!(reversals, 0, "period {period}");
    }
}

#[test]
fn a_slow_store_lowers_the_rate_and_a_quick_one_raises_it_again() {
    let mut run = Run::new(
        limits(65_536),
        Machine {
            rate: 400,
            ..Machine::default()
        },
    );
    let flood = |store_ms| Load {
        connections: 1000,
        churn: 1,
        packets: 1,
        events: 5000,
        store_ms,
    };
    run.limits
        .bounds
        .insert(Tunable::EventRate, ravelin_model::Bounds { min: 50, max: 400 });
    run.phase("slow", 20, |_| flood(3000));
    assert_eq!(run.machine.rate, 50);
    run.phase("quick", 300, |_| flood(5));
    assert_eq!(run.machine.rate, 400, "{:#?}", run.steps.last());
    assert!(most_reversals(&run, "quick", Tunable::EventRate) <= 1);
}

#[test]
fn advice_is_given_once_and_off_says_nothing() {
    for (mode, expected) in [(TuningMode::Advise, 1), (TuningMode::Off, 0)] {
        let mut limits = limits(1_048_576);
        limits.mode = mode;
        let mut run = Run::new(
            limits,
            Machine {
                capacity: 4096,
                ..Machine::default()
            },
        );
        let full = Load {
            connections: 4000,
            churn: 200,
            packets: 10,
            ..Load::default()
        };
        run.phase("full", 50, |_| full);
        let given = run.steps.iter().flat_map(|step| &step.decided).count();
        assert_eq!(given, expected, "{mode:?}");
        assert_eq!(run.machine.capacity, 4096);
    }
}

#[test]
fn what_the_ceiling_has_no_room_for_is_told_once_and_a_lower_ceiling_is_obeyed() {
    let mut limits = limits(1_048_576);
    limits.memory_ceiling_bytes = 16 << 20;
    let mut run = Run::new(limits, Machine::default());
    let many = |_| Load {
        connections: 60_000,
        churn: 1000,
        packets: 10,
        ..Load::default()
    };
    run.phase("many", 30, many);
    assert_eq!(run.machine.capacity, 16_384);
    let withheld = run.state.take_withheld();
    assert_eq!(withheld.len(), 1, "{withheld:?}");
    assert!(withheld[0].1.contains("of at most 16777216"), "{withheld:?}");

    run.limits.memory_ceiling_bytes = 256 << 20;
    run.phase("more room", 10, many);
    assert!(run.machine.capacity >= 65_536, "{}", run.machine.capacity);

    // Without traffic too: it is an order.
    run.limits.memory_ceiling_bytes = 8 << 20;
    run.phase("less room", 10, |_| Load {
        connections: 60_000,
        ..Load::default()
    });
    assert!(run.machine.capacity <= 8192, "{}", run.machine.capacity);
}
