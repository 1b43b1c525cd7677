//! What it costs to forward a packet of a connection that is established, from one driver to the other: nanoseconds a
//! packet over two veth pairs, the fast path beside a program that only forwards, the kernel without rules, and nft
//! with connection tracking, in the same rounds. Goals G3, G4 and G5.

mod fast;
mod flows;
mod ground;
mod kernel;
mod null;

use anyhow::{bail, ensure};

use crate::lab::Lab;
use crate::lists::Family;
use crate::replay::Replay;
use crate::report::{Goal, Measured, print_table};
use fast::{Fast, Translation};
use flows::Flow;
use ground::Ground;
use kernel::{Conntrack, Plain};
use null::NullForward;

/// Connections of G3 and G4.
const FEW: usize = 1 << 10;
/// Connections of G5.
const MANY: usize = 1 << 16;

/// What a flow map with the next hop inside cost over a program that only forwards. The bars beside the kernel were set
/// where that program is 8.8 times as fast as the kernel and 12.1 times as fast as nft: on a machine where it is not, they
/// cannot be reached, and this one says how near it is to what can.
const PROTOTYPE_OVER_NULL: f64 = 1.79;

/// How often a figure is taken anew where frames were lost: on a busy machine the queue between the interfaces
/// overflows while a slow receiver waits for its turn.
const TRIES: usize = 20;

/// How it is measured.
pub struct Plan {
    pub rounds: u32,
    /// Frames of a figure; more than there are connections.
    pub frames: u32,
}

/// Something that forwards what arrives at the receiver. In each round it has the interfaces to itself.
trait Forwarder {
    fn name(&self) -> String;

    fn attach(&mut self) -> anyhow::Result<()>;

    /// Packets it forwarded itself since it was made; None: it does not count.
    fn forwarded(&self) -> anyhow::Result<Option<u64>>;

    fn detach(&mut self) -> anyhow::Result<()>;
}

/// Measures both families; answers the bars.
pub fn run(lab: &Lab, plan: &Plan) -> anyhow::Result<Vec<Goal>> {
    let ground = Ground::lay(lab)?;
    let mut goals = Vec::new();
    for family in Family::BOTH {
        goals.extend(run_family(lab, &ground, plan, family)?);
    }
    Ok(goals)
}

fn run_family(lab: &Lab, ground: &Ground, plan: &Plan, family: Family) -> anyhow::Result<Vec<Goal>> {
    let many = flows::flows(family, MANY);
    let few = &many[..FEW];
    let mut replays = [replay(lab, family, few)?, replay(lab, family, &many)?];
    let fast = |flows: &[Flow], translation| Fast::load(lab, ground, flows, translation);
    // Each with whether its frames are of many connections.
    let mut forwarders: Vec<(bool, Box<dyn Forwarder + '_>)> = vec![
        (false, Box::new(NullForward::load(ground)?)),
        (false, Box::new(fast(few, Translation::None))),
        (false, Box::new(fast(few, Translation::Source))),
        (false, Box::new(fast(few, Translation::None).monitoring())),
        (true, Box::new(fast(&many, Translation::None))),
        (true, Box::new(fast(&many, Translation::Source))),
        (false, Box::new(Plain)),
        (false, Box::new(Conntrack::new(lab, ground, family, few)?)),
    ];
    let mut cases: Vec<Measured> = forwarders
        .iter()
        .map(|(many, forwarder)| {
            let flows = if *many { MANY } else { FEW };
            Measured::new(format!("{}, {flows} connections", forwarder.name()))
        })
        .collect();
    for _ in 0..plan.rounds {
        for (case, (many, forwarder)) in cases.iter_mut().zip(&mut forwarders) {
            let replay = &mut replays[usize::from(*many)];
            case.add(measure(ground, replay, plan, forwarder.as_mut())?);
        }
    }
    print_table(
        &format!("forward established connections, {}", family.name()),
        &cases,
    );
    Ok(goals(family, &cases))
}

fn replay(lab: &Lab, family: Family, flows: &[Flow]) -> anyhow::Result<Replay> {
    let headers: Vec<[u8; 60]> = flows.iter().map(Flow::headers).collect();
    Replay::load(lab, family, &headers)
}

/// One figure, which counts only if every frame arrived, and took the path it is about.
fn measure(
    ground: &Ground,
    replay: &mut Replay,
    plan: &Plan,
    forwarder: &mut dyn Forwarder,
) -> anyhow::Result<f64> {
    let sent = u64::from(plan.frames);
    forwarder.attach()?;
    // Every connection is known, and caches are warm.
    replay.send(plan.frames)?;
    for _ in 0..TRIES {
        let arrived = ground.arrived()?;
        let before = forwarder.forwarded()?;
        let figure = replay.send(plan.frames)?;
        let arrived = ground.arrived()? - arrived;
        let forwarded = forwarder.forwarded()?;
        if let (Some(before), Some(after)) = (before, forwarded) {
            ensure!(
                after - before == sent,
                "{} forwarded {} of {sent} frames itself",
                forwarder.name(),
                after - before
            );
        }
        if arrived == sent {
            forwarder.detach()?;
            return Ok(figure);
        }
    }
    bail!("{}: frames are lost again and again", forwarder.name())
}

fn goals(family: Family, cases: &[Measured]) -> Vec<Goal> {
    let [
        null,
        few,
        few_translated,
        _,
        many,
        many_translated,
        plain,
        conntrack,
    ] = cases
    else {
        return Vec::new();
    };
    let goal = |id: &str, what: &str, reached, bar| Goal {
        name: format!("{id} {}: {what}", family.name()),
        reached,
        bar,
        at_most: false,
        unit: "x",
    };
    let times = |peer: &Measured, case: &Measured| peer.median() / case.median();
    vec![
        Goal {
            at_most: true,
            ..goal(
                "G3",
                "over null XDP forward",
                times(few, null),
                PROTOTYPE_OVER_NULL,
            )
        },
        goal("G3", "faster than nft conntrack", times(conntrack, few), 6.0),
        goal("G3", "faster than plain forwarding", times(plain, few), 4.4),
        goal(
            "G4",
            "translated, of the speed without",
            times(few, few_translated),
            0.95,
        ),
        goal(
            "G5",
            "64k connections, than nft with 1k",
            times(conntrack, many),
            3.0,
        ),
        goal(
            "G5",
            "the same, translated",
            times(conntrack, many_translated),
            3.0,
        ),
    ]
}
