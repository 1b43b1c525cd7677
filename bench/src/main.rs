//! Benchmarks of the data plane beside their peers, in one run. Only the ratios travel from machine to machine.
//! Needs root; makes its own namespaces and leaves nothing behind.

// The figures are the output.
#![allow(clippy::print_stdout)]

mod frames;
mod generator;
mod lab;
mod lists;
mod ours;
mod peers;
mod programs;
mod receive;
mod report;

use clap::Parser;

use crate::lab::Lab;
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
    let plan = if arguments.short {
        Plan {
            rounds: 3,
            frames: 1 << 17,
        }
    } else {
        Plan {
            rounds: 11,
            frames: 1 << 20,
        }
    };
    let goals = receive::run(&lab, &plan)?;
    programs::run(&lab, plan.rounds)?;
    report::print_goals(&goals);
    Ok(())
}
