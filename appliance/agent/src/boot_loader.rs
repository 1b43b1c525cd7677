//! What RAUC asks of a boot loader it does not know (`bootloader=custom`): one call, one answer on standard output.

use std::io::{self, Write, stdout};

use clap::Subcommand;
use ravelin_system::boot_choice::{BootChoiceError, BootLoader};
use ravelin_system::boot_environment::BootEnvironment;
use ravelin_system::{NoSuchSlot, Slot};
use thiserror::Error;

use crate::config::Config;

/// One call of RAUC.
#[derive(Debug, Clone, Subcommand)]
pub enum Request {
    /// Print the slot that boots next.
    GetPrimary,
    /// Have a slot booted next; once, unless it is the good one.
    SetPrimary {
        /// Its name.
        slot: String,
    },
    /// Print `good` or `bad`.
    GetState {
        /// Its name.
        slot: String,
    },
    /// Say whether a slot works.
    SetState {
        /// Its name.
        slot: String,
        /// `good` or `bad`.
        state: State,
    },
    /// Print the slot that runs.
    GetCurrent,
}

/// What RAUC says of a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum State {
    /// It works.
    Good,
    /// It is not to be booted.
    Bad,
}

/// Why RAUC gets no answer.
#[derive(Debug, Error)]
pub enum RequestError {
    /// The boot loader's variables.
    #[error(transparent)]
    Choice(#[from] BootChoiceError),
    /// A name of no slot.
    #[error(transparent)]
    Slot(#[from] NoSuchSlot),
    /// Nothing says which slot runs.
    #[error("which slot runs is not known")]
    NotBooted,
    /// Only what runs can be known to work.
    #[error("slot {0} does not run, so nobody knows that it works")]
    DoesNotRun(Slot),
    /// A file or standard output.
    #[error("answer the question for the boot loader")]
    Io(#[from] io::Error),
}

/// Does what RAUC asks for.
pub fn answer(request: Request, config: &Config) -> Result<(), RequestError> {
    let loader = config.boot_loader();
    match request {
        Request::GetPrimary => say(loader.next()?.name()),
        Request::SetPrimary { slot } => {
            // RAUC asks for it only once it has written the slot to its end.
            let slot = slot.parse()?;
            loader.mark_whole(slot)?;
            Ok(loader.boot_next(slot)?)
        }
        Request::GetState { slot } => {
            let slot: Slot = slot.parse()?;
            let good = loader.read()?.bad != Some(slot);
            say(if good { "good" } else { "bad" })
        }
        Request::SetState { slot, state } => set_state(&loader, slot.parse()?, state, config),
        Request::GetCurrent => say(running(config)?.name()),
    }
}

/// RAUC says `bad` before it writes a slot. `good` is believed of the slot that runs alone.
fn set_state(loader: &BootLoader, slot: Slot, state: State, config: &Config) -> Result<(), RequestError> {
    match state {
        State::Bad => Ok(loader.mark_bad(slot)?),
        State::Good if running(config)? == slot => Ok(loader.mark_good(slot)?),
        State::Good => Err(RequestError::DoesNotRun(slot)),
    }
}

fn running(config: &Config) -> Result<Slot, RequestError> {
    BootEnvironment::read(&config.boot_environment)?
        .and_then(|boot| boot.slot)
        .ok_or(RequestError::NotBooted)
}

fn say(answer: &str) -> Result<(), RequestError> {
    Ok(writeln!(stdout().lock(), "{answer}")?)
}
