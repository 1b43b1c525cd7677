//! A day in the life of a box, and what must be true of it.

use std::collections::BTreeMap;

use ravelin_model::{Bounds, Tunable, TuningLimits};

use crate::machine::{Load, Machine, Run, Step, Stuck};

/// Reversals are counted in any so many windows; at most one is allowed on a constant load.
const SPAN: usize = 10;

/// Limits of the first part of the day: the cache may not become as large as it is needed.
const NARROW: u64 = 131_072;

pub fn limits(most_connections: u64) -> TuningLimits {
    let mut limits = TuningLimits::default();
    let bounds = |min, max| Bounds { min, max };
    limits
        .bounds
        .insert(Tunable::FlowCacheConnections, bounds(4096, most_connections));
    limits.bounds.insert(Tunable::EventRate, bounds(50, 1600));
    limits.bounds.insert(Tunable::EventWorkers, bounds(1, 8));
    limits
}

fn load(connections: u64, events: u64) -> Load {
    Load {
        connections,
        churn: connections / 500,
        packets: 10,
        events,
        store_ms: 5,
    }
}

/// Ramp, constant, limited, burst, churn, flapping, fall, night.
pub fn day(stuck: Option<Stuck>) -> Run {
    let machine = Machine {
        rate: 1600,
        stuck,
        ..Machine::default()
    };
    let mut run = Run::new(limits(NARROW), machine);
    run.phase("quiet", 30, |_| load(1000, 20));
    run.phase("ramp", 30, |window| load(1000 + window * 2500, 20 + window * 25));
    run.phase("constant", 60, |_| load(76_000, 770));
    run.phase("limited", 20, |window| {
        load(76_000 + (window + 1).min(10) * 12_000, 770)
    });
    run.limits = limits(1_048_576);
    // No connection begins: only the packets tell that there is no room for all of them.
    run.phase("limit raised", 20, |_| Load {
        churn: 0,
        ..load(196_000, 770)
    });
    run.phase("burst", 30, |_| load(196_000, 2800));
    run.phase("after", 40, |_| load(196_000, 100));
    run.phase("churn", 40, |_| Load {
        churn: 8000,
        ..load(150_000, 400)
    });
    run.phase("flapping", 120, |window| match window / 12 % 2 {
        0 => load(190_000, 2600),
        _ => load(2000, 10),
    });
    run.phase("fall", 150, |window| {
        load(150_000_u64.saturating_sub(window * 6000).max(1000), 20)
    });
    run.phase("night", 60, |_| Load {
        connections: 1000,
        ..Load::default()
    });
    run
}

/// Values of an object, window by window, with what they were before.
fn values(steps: &[&Step], tunable: Tunable) -> Vec<u64> {
    steps
        .iter()
        .map(|step| *step.after.clone().value(tunable))
        .collect()
}

/// Most reversals of an object in any [`SPAN`] windows of a phase, the first against what was before the phase.
pub fn most_reversals(run: &Run, phase: &str, tunable: Tunable) -> usize {
    let mut way: Option<bool> = None;
    let mut reversals = Vec::new();
    for (place, step) in run.steps.iter().enumerate() {
        let changes = step
            .decided
            .iter()
            .filter(|decided| decided.object.tunable == tunable);
        for change in changes {
            let up = change.to > change.from;
            if step.phase == phase && way.is_some_and(|before| before != up) {
                reversals.push(place);
            }
            way = Some(up);
        }
    }
    let within = |first: &usize| {
        reversals
            .iter()
            .filter(|place| (*first..first + SPAN).contains(place))
            .count()
    };
    reversals.iter().map(within).max().unwrap_or(0)
}

/// Everything that is wrong with a day.
pub fn problems(run: &Run) -> Vec<String> {
    let mut problems = Vec::new();
    let mut claim = |holds: bool, problem: String| {
        if !holds {
            problems.push(problem);
        }
    };
    let last = |phase: &str, tunable| *values(&run.of(phase), tunable).last().expect("windows");
    let cache = Tunable::FlowCacheConnections;

    // It rises …
    let sum = |phase: &str, of: fn(&Step) -> u64| run.of(phase).into_iter().map(of).sum::<u64>();
    let refused = |step: &Step| step.truth.cache.map_or(0, |cache| cache.refused);
    let inserted = |step: &Step| step.truth.cache.map_or(0, |cache| cache.inserted);
    for phase in ["quiet", "ramp", "constant", "churn"] {
        let (refused, inserted) = (sum(phase, refused), sum(phase, inserted));
        claim(
            refused * 1000 <= inserted,
            format!("{phase}: {refused} connections found no room, {inserted} did"),
        );
    }
    let peak = last("ramp", cache);
    claim(peak >= 100_000, format!("the cache only rose to {peak}"));
    let raised = last("limit raised", cache);
    claim(
        raised > NARROW,
        format!("the cache stayed at {raised} though packets found nothing"),
    );
    let burst = last("burst", Tunable::EventWorkers);
    claim(
        burst > last("after", Tunable::EventWorkers),
        format!("{burst} workers in the burst, and after it"),
    );
    let lost = |step: &Step| step.truth.events.map_or(0, |events| events.lost);
    let late = run.of("burst");
    let late: u64 = late[late.len() - 15..].iter().map(|step| lost(step)).sum();
    claim(late == 0, format!("{late} events were lost late in the burst"));

    // … settles …
    for phase in ["constant", "limit raised", "burst", "churn"] {
        let steps = run.of(phase);
        let settled = &steps[steps.len() / 2..];
        let rates = settled.iter().filter_map(|step| step.truth.cache?.hit_rate());
        let worst = rates.fold(1.0, f64::min);
        claim(worst >= 0.9, format!("{phase}: hit rate {worst}"));
        let decided: Vec<_> = settled
            .iter()
            .flat_map(|step| &step.decided)
            .filter(|decided| decided.object.tunable == cache && decided.to > decided.from)
            .collect();
        claim(
            decided.is_empty(),
            format!("{phase}: still growing late: {decided:?}"),
        );
    }
    let over = run
        .of("constant")
        .last()
        .map_or(0, |step| step.after.buffers * step.after.batch);
    claim(
        over <= 8192,
        format!("room for {over} events, though 770 a second come"),
    );
    for phase in ["quiet", "constant", "limit raised", "burst", "after", "churn"] {
        for tunable in Tunable::ALL
            .into_iter()
            .filter(|tunable| *tunable != Tunable::ReceiveQueues)
        {
            let reversals = most_reversals(run, phase, tunable);
            claim(
                reversals <= 1,
                format!(
                    "{phase}: {} turned back {reversals} times in {SPAN} windows",
                    tunable.name()
                ),
            );
        }
    }

    // … falls, and rests.
    let low = last("fall", cache);
    claim(low <= 8192, format!("the cache is at {low} after the fall"));
    let flaps = run.of("flapping");
    let mut changes = BTreeMap::<Tunable, usize>::new();
    for decided in flaps.iter().flat_map(|step| &step.decided) {
        *changes.entry(decided.object.tunable).or_default() += 1;
    }
    for (tunable, changes) in changes {
        claim(
            changes * 5 <= flaps.len(),
            format!(
                "{} was changed {changes} times while the load flapped",
                tunable.name()
            ),
        );
    }
    let night: usize = run.of("night").iter().map(|step| step.decided.len()).sum();
    claim(night == 0, format!("{night} decisions without traffic"));
    problems
}
