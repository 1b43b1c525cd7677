//! `ravelin system show`.

use ravelin_api_types::{System, SystemSlot};

use crate::api::Api;
use crate::error::CliError;
use crate::output::{Output, or_empty, word, yes_no};
use crate::recovery_text;
use crate::table::Table;

/// Prints how the machine is.
pub async fn run(api: &Api, output: &mut Output) -> Result<(), CliError> {
    let answer = api.get(&["system"]).await?;
    if output.is_json() {
        return output.json(&answer.body);
    }
    let system: System = api.read(answer.body)?;
    output.table(&figures(&system))?;
    if !system.slots.is_empty() {
        output.line("")?;
        output.table(&slots(&system.slots))?;
    }
    if let Some(trial) = &system.trial {
        let missing = trial
            .waiting_for
            .as_deref()
            .unwrap_or("all is well, and has to stay so");
        output.line("")?;
        output.line(&format!(
            "slot {} is on trial for {} more seconds: {missing}",
            word(&trial.slot),
            trial.left_seconds
        ))?;
    }
    Ok(())
}

fn figures(system: &System) -> Table {
    let mut table = Table::new(&["MACHINE", "VALUE"]);
    let mut row = |name: &str, value: String| {
        table.row([name.to_owned(), value]);
    };
    row("appliance", yes_no(system.appliance));
    row("engine", system.version.clone());
    row("image", or_empty(system.image_version.as_ref()));
    row("recovery", recovery_text::describe(&system.recovery));
    row("uptime", or_empty(system.uptime_seconds.map(duration)));
    let disk = system
        .state_disk
        .map(|disk| format!("{} of {} bytes", disk.used_bytes, disk.size_bytes));
    row("disk", or_empty(disk));
    let memory = system.memory.map(|memory| {
        format!(
            "{} of {} bytes are left",
            memory.available_bytes, memory.total_bytes
        )
    });
    row("memory", or_empty(memory));
    let load = system
        .load
        .as_ref()
        .map(|load| load.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "));
    row("load", or_empty(load));
    let clock = if system.clock.synchronised {
        "follows a server"
    } else {
        "follows no server"
    };
    row("clock", format!("{}, {clock}", system.clock.now));
    for sensor in &system.temperatures {
        let label = sensor.label.as_deref().unwrap_or_default();
        row(
            format!("{} {label}", sensor.sensor).trim_end(),
            format!("{:.1} °C", sensor.celsius),
        );
    }
    table
}

fn slots(slots: &[SystemSlot]) -> Table {
    let mut table = Table::new(&["SLOT", "VERSION", "INSTALLED", "RUNS", "GOOD", "NEXT", "WHOLE"]);
    for slot in slots {
        table.row([
            word(&slot.name),
            or_empty(slot.version.as_ref()),
            or_empty(slot.installed_at),
            yes_no(slot.booted),
            yes_no(slot.good),
            yes_no(slot.next),
            yes_no(!slot.bad),
        ]);
    }
    table
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "whole seconds of a time that passed"
)]
fn duration(seconds: f64) -> String {
    let seconds = seconds as u64;
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    format!("{days} d {hours:02}:{minutes:02}:{:02}", seconds % 60)
}
