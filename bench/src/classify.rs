//! What it costs to deny a new TCP connection by ordered rules, from the driver on: nanoseconds a packet over veth, by
//! number of rules, beside other ways to go through the rules in the same rounds. Goals G6, G7, G9 and G11.
//!
//! Every frame has headers of its own, so caches are cold. Ravelin's figure is that of the whole program with the
//! features that are on by default: parsing, zone, route, rules, counting.

use std::time::Instant;

use anyhow::{Context, bail};
use ravelin_compile::PolicyImages;
use ravelin_datapath::{Datapath as _, Switches};
use ravelin_model::Reason;

use crate::lab::Lab;
use crate::lists::Family;
use crate::ours::{self, DROPPING, Ours};
use crate::peers::{Dropper, Linear, NftRules, NullDrop};
use crate::replay::Replay;
use crate::report::{Goal, Measured, print_table};
use crate::rules;

/// Longest time a figure of a peer may take, in nanoseconds of a rule by rule scan.
const PEER_NANOSECONDS: u64 = 40_000_000;
/// How often a figure is taken anew where frames were lost: on a busy machine the queue between the interfaces
/// overflows while a slow receiver waits for its turn.
const TRIES: usize = 20;
/// Most rules nft is given one by one: it takes seconds to load more.
const NFT_RULES_MAX: usize = 1000;

/// How the classifier is measured.
pub struct Plan {
    pub rules: Vec<usize>,
    pub rounds: u32,
    /// Frames of a figure; peers that take longer for a frame send fewer.
    pub frames: u32,
}

/// Measures each number of rules in both families; answers the bars.
pub fn run(lab: &Lab, plan: &Plan) -> anyhow::Result<Vec<Goal>> {
    lab.route_back()?;
    let mut goals = Vec::new();
    for family in Family::BOTH {
        let mut of_rules = Vec::new();
        for count in &plan.rules {
            let figures = run_rules(lab, plan, family, *count)?;
            goals.extend(g6(family, *count, &figures));
            of_rules.push((*count, figures.ravelin, figures.null));
        }
        goals.extend(g7(family, &of_rules));
    }
    goals.extend(memory_and_instructions(lab)?);
    Ok(goals)
}

/// Medians in nanoseconds a packet.
struct Figures {
    null: f64,
    ravelin: f64,
    linear: f64,
}

fn run_rules(lab: &Lab, plan: &Plan, family: Family, count: usize) -> anyhow::Result<Figures> {
    let rules = rules::rules(family, count);
    let mut replay = Replay::load(lab, family, &rules::headers(family, &rules))?;
    let mut droppers: Vec<Box<dyn Dropper + '_>> = vec![
        Box::new(NullDrop::load()?),
        Box::new(Policy::load(lab, &rules)?),
        Box::new(Linear::load(family, &rules)?),
        Box::new(NftRules::vmap(&rules)?),
    ];
    if count <= NFT_RULES_MAX {
        droppers.push(Box::new(NftRules::linear(&rules)?));
    }
    let mut cases: Vec<Measured> = droppers
        .iter()
        .map(|dropper| Measured::new(dropper.name()))
        .collect();
    for _ in 0..plan.rounds {
        for (number, (case, dropper)) in cases.iter_mut().zip(&mut droppers).enumerate() {
            let is_peer = number > 1;
            case.add(measure(
                &mut replay,
                frames(plan, count, is_peer),
                dropper.as_mut(),
            )?);
        }
    }
    print_table(
        &format!("deny a new connection by {count} {} rules", family.name()),
        &cases,
    );
    Ok(Figures {
        null: cases[0].median(),
        ravelin: cases[1].median(),
        linear: cases[2].median(),
    })
}

/// A rule costs a scan some five nanoseconds.
fn frames(plan: &Plan, rules: usize, is_peer: bool) -> u32 {
    if !is_peer {
        return plan.frames;
    }
    let most = PEER_NANOSECONDS / (100 + 5 * rules as u64);
    u32::try_from(most).unwrap_or(u32::MAX).clamp(256, plan.frames)
}

/// One figure, which counts only if every frame took the path it is about.
fn measure(replay: &mut Replay, frames: u32, dropper: &mut dyn Dropper) -> anyhow::Result<f64> {
    let sent = 2 * u64::from(frames);
    for _ in 0..TRIES {
        dropper.attach()?;
        replay.send(frames)?;
        let figure = replay.send(frames)?;
        let dropped = dropper.dropped()?;
        dropper.detach()?;
        // The link says a few things of its own.
        if dropped.is_none_or(|dropped| (sent..sent + 16).contains(&dropped)) {
            return Ok(figure);
        }
    }
    bail!("{} never dropped all of {sent} frames", dropper.name())
}

fn g6(family: Family, count: usize, figures: &Figures) -> Option<Goal> {
    let bar = match count {
        1_000 => 27.0,
        10_000 => 150.0,
        100_000 => 300.0,
        _ => return None,
    };
    Some(Goal {
        name: format!("G6 {} {count} rules: faster than a linear scan", family.name()),
        reached: (figures.linear - figures.null) / (figures.ravelin - figures.null),
        bar,
        at_most: false,
        unit: "x",
    })
}

/// From (rules, Ravelin, null).
fn g7(family: Family, figures: &[(usize, f64, f64)]) -> Vec<Goal> {
    let find = |count| figures.iter().find(|(of, ..)| *of == count);
    let (Some((_, few, _)), Some((_, many, null))) = (find(10), find(10_000)) else {
        return Vec::new();
    };
    let goal = |what: &str, reached, bar| Goal {
        name: format!("G7 {}: {what}", family.name()),
        reached,
        bar,
        at_most: true,
        unit: "x",
    };
    vec![
        goal("deny at 10,000 rules over null XDP_DROP", many / null, 7.0),
        goal("deny at 10,000 rules over 10 rules", many / few, 1.5),
    ]
}

/// What 10,000 rules of both families take, and what the verifier walks.
fn memory_and_instructions(lab: &Lab) -> anyhow::Result<Vec<Goal>> {
    let mut ours = Ours::load(lab)?;
    let mut mixed = rules::rules(Family::Ipv4, 5_000);
    mixed.extend(rules::rules(Family::Ipv6, 5_000));
    let begin = Instant::now();
    let images = PolicyImages::build(&rules::ruleset(lab, &mixed), None)?;
    println!(
        "\n10000 rules, half of them IPv6: compiled in {:.1?}, {:?}",
        begin.elapsed(),
        images.sizes
    );
    for _ in 0..2 {
        let begin = Instant::now();
        ours.parts.datapath.load_policy(&images)?;
        println!(
            "loaded in {:.1?}, until no packet uses the old one",
            begin.elapsed()
        );
    }
    let maps = ours.parts.datapath.maps()?;
    let bytes: u64 = maps
        .iter()
        .filter(|map| ["policy", "policy_classes"].contains(&map.name.as_str()))
        .map(|map| map.memory_bytes)
        .sum();
    let programs = ours.parts.datapath.programs()?;
    let most = programs.iter().map(|program| program.verified_instructions).max();
    let most = u32::try_from(most.context("no programs")?)?;
    ours::remove(&lab.bpffs)?;
    Ok(vec![
        Goal {
            name: "G9 images of 10,000 rules, both generations".to_owned(),
            reached: f64::from(u32::try_from(bytes / 1024)?) / 1024.0,
            bar: 2.0,
            at_most: true,
            unit: " MiB",
        },
        Goal {
            name: "G11 verified instructions of the largest program".to_owned(),
            reached: f64::from(most) / 1000.0,
            bar: 100.0,
            at_most: true,
            unit: "k",
        },
    ])
}

/// `policy_classifier` with rules.
struct Policy<'a> {
    lab: &'a Lab,
    ours: Ours,
}

impl<'a> Policy<'a> {
    fn load(lab: &'a Lab, rules: &[rules::Rule]) -> anyhow::Result<Self> {
        let mut ours = Ours::load(lab)?;
        let images = PolicyImages::build(&rules::ruleset(lab, rules), None)?;
        ours.parts.datapath.load_policy(&images)?;
        ours.parts.datapath.set_switches(Switches {
            ddos_protection: false,
            policy_classifier: true,
            ..DROPPING
        })?;
        Ok(Self { lab, ours })
    }
}

impl Dropper for Policy<'_> {
    fn name(&self) -> &'static str {
        "ravelin, policy_classifier"
    }

    fn attach(&mut self) -> anyhow::Result<()> {
        self.ours.attach(self.lab)
    }

    fn dropped(&self) -> anyhow::Result<Option<u64>> {
        let statistics = self.ours.parts.datapath.statistics()?;
        let cells = statistics.iter().flat_map(|interface| &interface.cells);
        let by_policy =
            cells.filter(|cell| matches!(cell.reason, Reason::PolicyRule | Reason::PolicyDefault));
        Ok(Some(by_policy.map(|cell| cell.packets).sum()))
    }

    fn detach(&mut self) -> anyhow::Result<()> {
        Ok(self.ours.parts.datapath.detach(self.lab.receiver_index)?)
    }
}

impl Drop for Policy<'_> {
    fn drop(&mut self) {
        if let Err(error) = ours::remove(&self.lab.bpffs) {
            eprintln!("{error:#}");
        }
    }
}
