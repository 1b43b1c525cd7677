//! Benchmarks of the data plane beside their peers, in one run. Only the ratios travel from machine to machine.
//! Needs root; makes its own namespaces and leaves nothing behind.

// The figures are the output.
#![allow(clippy::print_stdout)]

mod classify;
mod forward;
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

use clap::{Parser, ValueEnum};

use crate::lab::Lab;
use crate::lists::Shape;
use crate::receive::Plan;

#[derive(Parser)]
struct Arguments {
    /// Few rounds: shows that every case runs and every frame takes its path; the figures are rough.
    #[arg(long)]
    short: bool,
    /// Only this part.
    #[arg(long)]
    only: Option<Part>,
}

/// Parts of the run.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Goals G1 and G2.
    Drop,
    /// Goals G3 to G5.
    Forward,
    /// Goals G6, G7, G9 and G11.
    Classify,
    /// Each program by itself.
    Programs,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let lab = Lab::enter()?;
    let wanted = |part| arguments.only.is_none_or(|only| only == part);
    let mut goals = Vec::new();
    if wanted(Part::Drop) {
        goals.extend(receive::run(&lab, &plans(arguments.short))?);
    }
    if wanted(Part::Forward) {
        goals.extend(forward::run(&lab, &forward_plan(arguments.short))?);
    }
    if wanted(Part::Classify) {
        goals.extend(classify::run(&lab, &classifier_plan(arguments.short))?);
    }
    if wanted(Part::Programs) {
        programs::run(&lab, if arguments.short { 3 } else { 11 })?;
    }
    report::print_goals(&goals);
    Ok(())
}

fn forward_plan(short: bool) -> forward::Plan {
    forward::Plan {
        rounds: if short { 3 } else { 11 },
        frames: if short { 1 << 17 } else { 1 << 19 },
    }
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
