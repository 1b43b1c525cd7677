//! What it costs to drop a packet from a listed source, from the driver on: nanoseconds a packet over veth, our
//! programs beside the null program and nftables in the same rounds. Goal G1.

use anyhow::ensure;
use ipnet::IpNet;

use crate::frames;
use crate::generator::Generator;
use crate::lab::Lab;
use crate::lists::{self, Family, Shape};
use crate::ours::{self, DROPPING, Ours};
use crate::peers::{NftIngress, NullDrop};
use crate::report::{Goal, Measured, print_table};

use ravelin_datapath::Datapath as _;

/// Frames before the clock starts: caches warm, page pool filled.
const WARM_UP: u32 = 1 << 15;

pub struct Plan {
    pub rounds: u32,
    pub frames: u32,
}

/// Measures every family and shape; answers the bars of G1.
pub fn run(lab: &Lab, plan: &Plan) -> anyhow::Result<Vec<Goal>> {
    let mut goals = Vec::new();
    for family in Family::BOTH {
        for shape in [Shape::Addresses, Shape::Prefixes, Shape::Clustered] {
            goals.extend(run_list(lab, plan, family, shape)?);
        }
    }
    Ok(goals)
}

fn run_list(lab: &Lab, plan: &Plan, family: Family, shape: Shape) -> anyhow::Result<[Goal; 2]> {
    let entries = lists::entries(family, shape);
    let (title, set) = match shape {
        Shape::Addresses => ("addresses", "nft netdev ingress, hash set"),
        Shape::Prefixes => ("addresses and prefixes", "nft netdev ingress, interval set"),
        Shape::Clustered => ("clustered addresses", "nft netdev ingress, hash set"),
    };
    let mut generator = Generator::load(lab)?;
    generator.set_sources(&lists::listed_sources(&entries))?;
    let frame = frames::udp(family.destination());
    let mut cases = ["null XDP_DROP", "ravelin, ddos_protection", set].map(Measured::new);
    for _ in 0..plan.rounds {
        let figures = [
            null(&mut generator, plan, &frame)?,
            ravelin(lab, &mut generator, plan, &frame, &entries)?,
            nft(&mut generator, plan, &frame, &entries, shape)?,
        ];
        for (case, figure) in cases.iter_mut().zip(figures) {
            case.add(figure);
        }
    }
    print_table(
        &format!("drop by a list of {} {} {title}", entries.len(), family.name()),
        &cases,
    );
    let [null, ravelin, nft] = cases.each_ref().map(Measured::median);
    let name = |what: &str| format!("G1 {} {title}: {what}", family.name());
    Ok([
        Goal {
            name: name("over null XDP_DROP"),
            reached: ravelin / null,
            bar: 1.8,
            at_most: true,
        },
        Goal {
            name: name("faster than nft"),
            reached: nft / ravelin,
            bar: 3.5,
            at_most: false,
        },
    ])
}

fn null(generator: &mut Generator, plan: &Plan, frame: &[u8]) -> anyhow::Result<f64> {
    let _attached = NullDrop::attach()?;
    generator.send(frame, WARM_UP)?;
    generator.send(frame, plan.frames)
}

fn ravelin(
    lab: &Lab,
    generator: &mut Generator,
    plan: &Plan,
    frame: &[u8],
    entries: &[IpNet],
) -> anyhow::Result<f64> {
    let mut ours = Ours::load(lab)?;
    ours.list(entries)?;
    ours.parts.datapath.set_switches(DROPPING)?;
    ours.attach(lab)?;
    generator.send(frame, WARM_UP)?;
    let figure = generator.send(frame, plan.frames)?;
    let dropped = ours.dropped()?;
    ours::remove(&lab.bpffs)?;
    ensure_all_dropped("ravelin", dropped, plan)?;
    Ok(figure)
}

fn nft(
    generator: &mut Generator,
    plan: &Plan,
    frame: &[u8],
    entries: &[IpNet],
    shape: Shape,
) -> anyhow::Result<f64> {
    let set = NftIngress::install(entries, shape == Shape::Prefixes)?;
    generator.send(frame, WARM_UP)?;
    let figure = generator.send(frame, plan.frames)?;
    ensure_all_dropped("nft", set.dropped()?, plan)?;
    Ok(figure)
}

/// A figure counts only if every frame took the path it is about.
fn ensure_all_dropped(who: &str, dropped: u64, plan: &Plan) -> anyhow::Result<()> {
    let sent = u64::from(WARM_UP) + u64::from(plan.frames);
    ensure!(dropped == sent, "{who} dropped {dropped} of {sent} frames");
    Ok(())
}
