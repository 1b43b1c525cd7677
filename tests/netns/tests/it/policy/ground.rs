//! A router with the engine on it, and the doors every case goes through.

use std::collections::BTreeMap;
use std::time::Duration;

use ravelin_test_harness::{Crossing, Setup, eventually, privileged};

use super::case::{Case, Group, single_packets};
use super::engine::{Engine, Mode, key};
use super::paper::Paper;
use super::prober::{Prober, judge};
use super::shot::{PORTS, Port};

/// Longest until a packet is seen in the counters.
const COUNTED: Duration = Duration::from_secs(3);

/// The router, its engine and the links.
#[derive(Debug)]
pub struct Ground<'a> {
    pub crossing: &'a Crossing,
    pub engine: Engine<'a>,
    pub prober: Prober,
}

/// A crossing with the routes of the cases; None where privileged tests may be skipped.
pub fn crossing() -> Option<Crossing> {
    if !privileged("netns") {
        return None;
    }
    let crossing = Crossing::new(&PORTS);
    for (prefix, link) in [
        ("198.51.100.0/24", Port::Wan),
        ("2001:db8:2::/48", Port::Wan),
        ("::ffff:0:0/96", Port::Wan),
        ("192.0.2.0/24", Port::Lan),
        ("2001:db8:1::/48", Port::Lan),
    ] {
        let link = u8::try_from(link.link().expect("a link") + 1).expect("few links");
        crossing.route(prefix, link, 2);
    }
    Some(crossing)
}

/// Shows the cases of some policies in every way there is. All that fails is told at once.
#[track_caller]
pub fn check(groups: &[Group]) {
    let mut failures: Vec<String> = groups.iter().flat_map(on_paper).collect();
    let Some(crossing) = crossing() else { return };
    let ground = Ground::start(&crossing);
    let simulated = Setup {
        config: "datapath = 'sim'".to_owned(),
        ..Setup::default()
    };
    let simulated = Engine::start(&crossing.router, simulated);
    let mut shown = 0;
    for group in groups {
        simulated.apply(group);
        failures.extend(simulated.simulate(group));
        ground.engine.apply(group);
        for mode in Mode::ALL {
            ground.engine.judge_by(mode);
            shown += group.cases.len();
            failures.extend(ground.show_all(group, mode));
            failures.extend(ground.engine.simulate(group));
        }
    }
    assert!(
        failures.is_empty(),
        "{} failures, {shown} shown:\n{}",
        failures.len(),
        failures.join("\n")
    );
}

/// Shows every single packet of a group to the reference; gives what failed.
pub fn on_paper(group: &Group) -> Vec<String> {
    let paper = Paper::of(group);
    single_packets(group)
        .filter_map(|(case, family, shot)| {
            let why = paper.judge(&shot, family).err()?;
            Some(format!("{}: {case}, IPv{family}, reference: {why}", group.name))
        })
        .collect()
}

impl<'a> Ground<'a> {
    /// Starts an engine whose zones are those of the cases.
    pub fn start(crossing: &'a Crossing) -> Self {
        Self::start_with(crossing, Setup::default())
    }

    pub fn start_with(crossing: &'a Crossing, setup: Setup) -> Self {
        Self {
            crossing,
            engine: Engine::start(&crossing.router, setup),
            prober: Prober::new(crossing),
        }
    }

    /// Shows the cases of a group as the mode it is in; gives what failed.
    pub fn show_all(&self, group: &Group, mode: Mode) -> Vec<String> {
        let mut failures = Vec::new();
        let mut counters = self.engine.counters();
        for case in &group.cases {
            for &family in case.families.each() {
                if let Err(why) = self.show(case, family, &mut counters) {
                    let (group, case) = (group.name, case.name);
                    failures.push(format!("{group}: {case}, IPv{family}, {mode:?}: {why}"));
                    counters = self.engine.counters();
                }
            }
        }
        failures
    }

    /// Sends the packets of a case and says what is not as it should be. `counters` are those before and, if all is
    /// well, after it.
    fn show(&self, case: &Case, family: u8, counters: &mut BTreeMap<String, u64>) -> Result<(), String> {
        let own = self.prober.own_port();
        for (step, shot) in (1..).zip(&case.shots) {
            let outcome = self.prober.fire(shot, family, own);
            let expected: Vec<_> = key(shot.by).map(|key| (key, shot.counts)).into_iter().collect();
            *counters = judge(shot, &outcome)
                .and_then(|()| wait_for_growth(&|| self.engine.counters(), counters, &expected))
                .map_err(|why| format!("packet {step}: {why}"))?;
        }
        Ok(())
    }
}

/// Waits until counters have grown by just this, and gives them.
pub fn wait_for_growth(
    counters: &dyn Fn() -> BTreeMap<String, u64>,
    before: &BTreeMap<String, u64>,
    by: &[(String, u64)],
) -> Result<BTreeMap<String, u64>, String> {
    let mut seen = Vec::new();
    let right = eventually(COUNTED, || {
        let now = counters();
        seen = grown(before, &now);
        (seen == by).then_some(now)
    });
    right.ok_or_else(|| format!("counted {seen:?}, not {by:?}"))
}

/// What grew, without what the router itself sends at its own times.
pub fn grown(before: &BTreeMap<String, u64>, after: &BTreeMap<String, u64>) -> Vec<(String, u64)> {
    after
        .iter()
        .filter(|(name, _)| *name != "fixed infrastructure")
        .map(|(name, count)| (name.clone(), count - before.get(name).copied().unwrap_or(0)))
        .filter(|(_, more)| *more > 0)
        .collect()
}
