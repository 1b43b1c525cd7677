//! docs/tuning.svg, drawn by the simulation of tuning that the tests assert.

use std::process::Command;

use anyhow::{Context, ensure};

/// Has the test write the plot, or compare it.
pub fn run(check: bool) -> anyhow::Result<()> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut test = Command::new(cargo);
    test.args([
        "test",
        "--quiet",
        "--locked",
        "-p",
        "ravelin-control",
        "--test",
        "tuner",
        "plot::",
    ]);
    test.env_remove("RAVELIN_WRITE_PLOT");
    if !check {
        test.env("RAVELIN_WRITE_PLOT", "1");
    }
    let status = test.status().context("run the simulation")?;
    ensure!(
        status.success(),
        "the simulation or its plot in docs/tuning.svg is not as it should be"
    );
    Ok(())
}
