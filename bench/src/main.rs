//! Benchmarks of the data plane beside their peers, in one run. Only the ratios travel from machine to machine.
//! Needs root; makes its own namespaces and leaves nothing behind.

// The figures are the output.
#![allow(clippy::print_stdout)]

mod classify;
mod frames;
mod generator;
mod lab;
mod lists;
mod miss;
mod ours;
mod peers;
mod programs;
mod receive;
mod replay;
mod report;
mod rules;

use clap::Parser;

use crate::lab::Lab;
use crate::lists::Shape;
use crate::receive::Plan;

#[derive(Parser)]
struct Arguments {
    /// Few rounds: shows that every case runs and every frame takes its path; the figures are rough.
    #[arg(long)]
    short: bool,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let lab = Lab::enter()?;
    let mut goals = receive::run(&lab, &plans(arguments.short))?;
    goals.extend(classify::run(&lab, &classifier_plan(arguments.short))?);
    programs::run(&lab, if arguments.short { 3 } else { 11 })?;
    report::print_goals(&goals);
    Ok(())
}

fn classifier_plan(short: bool) -> classify::Plan {
    if short {
        classify::Plan {
            rules: vec![10, 1_000, 10_000],
            rounds: 3,
            frames: 1 << 17,
        }
    } else {
        classify::Plan {
            rules: vec![10, 100, 1_000, 10_000, 100_000],
            rounds: 9,
            frames: 1 << 19,
        }
    }
}

fn plans(short: bool) -> Vec<Plan> {
    let [random, random_prefixes, clustered, _] = Shape::ALL;
    if short {
        return vec![
            Plan {
                entries: 10_000,
                shapes: vec![random, random_prefixes, clustered],
                rounds: 3,
                frames: 1 << 17,
                peers: true,
            },
            Plan {
                entries: 1_000_000,
                shapes: vec![random],
                rounds: 3,
                frames: 1 << 20,
                peers: false,
            },
        ];
    }
    [(10_000, 11), (100_000, 7), (1_000_000, 5)]
        .map(|(entries, rounds)| Plan {
            entries,
            shapes: Shape::ALL.to_vec(),
            rounds,
            frames: 1 << 20,
            peers: true,
        })
        .into()
}
