//! `cargo xtask <task>`: generates the committed files, or checks that they are fresh.

mod abi;
mod layering;
mod openapi;
mod sbom;
mod tuning_plot;

use clap::{Parser, Subcommand};

#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Rust mirror of the structs in ebpf/include; needs libclang (apt: clang-19).
    Abi {
        /// Fail if the committed file differs, write nothing.
        #[arg(long)]
        check: bool,
    },
    /// The API's specification in openapi/.
    Openapi {
        /// Fail if a committed file differs, write nothing.
        #[arg(long)]
        check: bool,
    },
    /// The plot of a simulated day of tuning, docs/tuning.svg.
    TuningPlot {
        /// Fail if the committed file differs, write nothing.
        #[arg(long)]
        check: bool,
    },
    /// The bill of materials of an image.
    Sbom(sbom::Arguments),
    /// Fail if a crate depends on one it must not know.
    Layering,
}

fn main() -> anyhow::Result<()> {
    match Arguments::parse().task {
        Task::Abi { check } => abi::run(check),
        Task::Openapi { check } => openapi::run(check),
        Task::TuningPlot { check } => tuning_plot::run(check),
        Task::Sbom(arguments) => sbom::run(&arguments),
        Task::Layering => layering::run(),
    }
}
