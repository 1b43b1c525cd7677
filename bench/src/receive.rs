//! What it costs to drop a packet from a listed source, from the driver on: nanoseconds a packet over veth, our
//! programs beside the null program and other ways to hold a list in the same rounds. Goals G1 and G2.

use anyhow::ensure;

use crate::frames;
use crate::generator::Generator;
use crate::lab::Lab;
use crate::lists::{self, Family, Shape};
use crate::miss;
use crate::ours::Protection;
use crate::peers::{Dropper, Ipset, LpmTrie, NftIngress, NullDrop};
use crate::report::{Goal, Measured, print_table};

/// Entries of the list of G1.
const G1_ENTRIES: u32 = 10_000;
/// Entries of the list of G2.
const G2_ENTRIES: u32 = 1_000_000;

/// About what an entry takes in the index.
const ENTRY_BYTES: usize = 64;

/// A size of list, and how it is measured.
pub struct Plan {
    pub entries: u32,
    pub shapes: Vec<Shape>,
    pub rounds: u32,
    /// Frames of a figure. As many before the clock starts: caches are as warm as the list lets them be.
    pub frames: u32,
    /// Whether the peers are measured too, which takes long to set up for large lists.
    pub peers: bool,
}

/// Measures every list of the plans in both families; answers the bars of G1 and G2.
pub fn run(lab: &Lab, plans: &[Plan]) -> anyhow::Result<Vec<Goal>> {
    let ipset = match Ipset::missing() {
        None => true,
        Some(reason) => {
            println!("ipset is left out: {reason}");
            false
        }
    };
    let mut goals = Vec::new();
    for plan in plans {
        for family in Family::BOTH {
            for shape in &plan.shapes {
                goals.extend(run_list(lab, plan, family, *shape, ipset)?);
            }
        }
    }
    Ok(goals)
}

fn run_list(lab: &Lab, plan: &Plan, family: Family, shape: Shape, ipset: bool) -> anyhow::Result<Vec<Goal>> {
    let entries = lists::entries(family, shape, plan.entries);
    let frame = frames::udp(family.destination());
    let mut generator = Generator::load(lab, frame, &lists::listed_sources(&entries))?;
    let mut droppers: Vec<Box<dyn Dropper + '_>> = vec![
        Box::new(NullDrop::load()?),
        Box::new(Protection::load(lab, &entries)?),
    ];
    if plan.peers {
        droppers.push(Box::new(LpmTrie::load(&entries)?));
        droppers.push(Box::new(NftIngress::interval(&entries)?));
        if !shape.prefixes {
            droppers.push(Box::new(NftIngress::hash(&entries)?));
        }
        if ipset {
            droppers.push(Box::new(Ipset::load(&entries)?));
        }
    }
    let mut cases: Vec<Measured> = droppers
        .iter()
        .map(|dropper| Measured::new(dropper.name()))
        .collect();
    for _ in 0..plan.rounds {
        for (case, dropper) in cases.iter_mut().zip(&mut droppers) {
            case.add(measure(&mut generator, plan, dropper.as_mut())?);
        }
    }
    let what = format!("{} {} {shape}", entries.len(), family.name());
    print_table(&format!("drop by a list of {what}"), &cases);
    let bytes = entries.len() * ENTRY_BYTES;
    let miss = miss::nanoseconds(bytes);
    println!(
        "one load from a random place in {} KiB: {miss:.1} ns",
        bytes / 1024
    );
    Ok(goals(plan, family, shape, &cases))
}

/// One figure, which counts only if every frame took the path it is about.
fn measure(generator: &mut Generator, plan: &Plan, dropper: &mut dyn Dropper) -> anyhow::Result<f64> {
    dropper.attach()?;
    generator.send(plan.frames)?;
    let figure = generator.send(plan.frames)?;
    let (sent, who) = (2 * u64::from(plan.frames), dropper.name());
    let dropped = dropper.dropped()?;
    dropper.detach()?;
    if let Some(dropped) = dropped {
        ensure!(dropped == sent, "{who} dropped {dropped} of {sent} frames");
    }
    Ok(figure)
}

fn goals(plan: &Plan, family: Family, shape: Shape, cases: &[Measured]) -> Vec<Goal> {
    let goal = |id: &str, what: &str, reached, bar, at_most| Goal {
        name: format!("{id} {} {shape}: {what}", family.name()),
        reached,
        bar,
        at_most,
        unit: "x",
    };
    let [null, ravelin, peers @ ..] = cases else {
        return Vec::new();
    };
    let over_null = ravelin.median() / null.median();
    match plan.entries {
        G1_ENTRIES => {
            let nft = peers.iter().filter(|case| case.name.starts_with("nft"));
            let fastest = nft.map(Measured::median).fold(f64::INFINITY, f64::min);
            vec![
                goal("G1", "over null XDP_DROP", over_null, 1.8, true),
                goal("G1", "faster than nft", fastest / ravelin.median(), 3.5, false),
            ]
        }
        G2_ENTRIES => vec![goal("G2", "over null XDP_DROP", over_null, 3.0, true)],
        _ => Vec::new(),
    }
}
