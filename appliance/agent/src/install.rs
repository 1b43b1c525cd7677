//! The way of a bundle: received into a file, verified, written to the slot that does not run.

use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::pin::{Pin, pin};
use std::time::Duration;

use bytes::Bytes;
use futures::{Stream, StreamExt};
use ravelin_model::chain;
use ravelin_system::boot_choice::BootChoiceError;
use ravelin_system::update::{Update, UpdateState};
use ravelin_system::version::is_newer;
use ravelin_system::{Refusal, RefusalCode, Slot, bundle, readings};
use sha2::{Digest, Sha256};
use tokio::fs::File;
use tokio::io::AsyncWriteExt;

use crate::state::AgentState;
use crate::task::on_thread;
use crate::{keep, power, rauc};

/// What stays free on the state partition for the policy and its log.
const RESERVE_BYTES: u64 = 32 << 20;
/// Longest time a bundle may take to come in.
const LONGEST: Duration = Duration::from_secs(2 * 3600);
/// How long it is listened to what is not kept.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often it is looked whether there is room.
const ROOM_EVERY_BYTES: u64 = 8 << 20;

/// Where the bundle of an update is kept meanwhile.
pub fn file_of(state: &AgentState, id: &str) -> PathBuf {
    state.config().updates_dir.join(format!("{id}.raucb"))
}

/// Receives a bundle into its file. What cannot be kept is heard to its end all the same, so that whoever sends it
/// hears why.
pub async fn receive<E: std::fmt::Display>(
    state: &AgentState,
    update: &Update,
    announced: Option<u64>,
    bytes: impl Stream<Item = Result<Bytes, E>>,
) -> Result<(), Refusal> {
    let mut bytes = pin!(bytes);
    let received = tokio::time::timeout(LONGEST, keep_all(state, update, announced, bytes.as_mut())).await;
    let received = received.unwrap_or_else(|_| {
        let detail = format!("it did not come within {} seconds", LONGEST.as_secs());
        Err(Refusal::new(RefusalCode::UpdateFetch, detail))
    });
    if received.is_err() {
        let mut left = state.config().bundle_limit_bytes;
        let rest = async {
            while let Some(Ok(piece)) = bytes.next().await {
                left = left.saturating_sub(piece.len() as u64);
                if left == 0 {
                    break;
                }
            }
        };
        // Whoever goes on for longer hears nothing.
        drop(tokio::time::timeout(PATIENCE, rest).await);
    }
    received
}

async fn keep_all<E: std::fmt::Display>(
    state: &AgentState,
    update: &Update,
    announced: Option<u64>,
    mut bytes: Pin<&mut impl Stream<Item = Result<Bytes, E>>>,
) -> Result<(), Refusal> {
    may_come(state, announced.unwrap_or(0))?;
    let path = file_of(state, &update.id);
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    let mut file = File::from_std(options.open(&path).map_err(|error| cannot_keep(&error))?);
    let mut digest = Sha256::new();
    let (mut received, mut looked) = (0_u64, 0_u64);
    state
        .updates()
        .change(&update.id, false, |update| update.total_bytes = announced);
    while let Some(piece) = bytes.next().await {
        let piece = piece.map_err(|error| {
            let detail = format!("it broke off after {received} bytes: {error}");
            Refusal::new(RefusalCode::UpdateFetch, detail)
        })?;
        received += piece.len() as u64;
        if received - looked >= ROOM_EVERY_BYTES || received > state.config().bundle_limit_bytes {
            may_come(state, piece.len() as u64)?;
            too_large(state, received)?;
            looked = received;
        }
        digest.update(&piece);
        file.write_all(&piece)
            .await
            .map_err(|error| cannot_keep(&error))?;
        state
            .updates()
            .change(&update.id, false, |update| update.received_bytes = received);
    }
    file.flush().await.map_err(|error| cannot_keep(&error))?;
    if announced.is_some_and(|announced| announced != received) {
        let detail = format!(
            "{} bytes were announced and {received} came",
            announced.unwrap_or(0)
        );
        return Err(Refusal::new(RefusalCode::UpdateTruncated, detail));
    }
    let digest = hex(&digest.finalize());
    match &update.options.sha256 {
        Some(wanted) if *wanted != digest => Err(Refusal::new(
            RefusalCode::UpdateChecksum,
            format!("its SHA-256 is {digest}, not {wanted}"),
        )),
        _ => Ok(()),
    }
}

/// Looks at everything that can be wrong with a bundle before a byte of the slot is changed.
pub async fn verify(state: &AgentState, update: &Update) -> Result<(), Refusal> {
    let path = file_of(state, &update.id);
    state
        .updates()
        .change(&update.id, true, |update| update.state = UpdateState::Verifying);
    let file = path.clone();
    on_thread(move || bundle::check_shape(&std::fs::File::open(file)?))
        .await?
        .map_err(|error| cannot_keep(&error))??;
    let info = rauc::info(state.config(), &path).await?;
    if info.compatible != state.config().compatible {
        let detail = format!(
            "it is for {:?}, and this machine takes what is for {:?}",
            info.compatible,
            state.config().compatible
        );
        return Err(Refusal::new(RefusalCode::UpdateIncompatible, detail));
    }
    let version = info.version.clone();
    state
        .updates()
        .change(&update.id, true, |update| update.version = Some(version));
    may_run(state, &info.version, update.options.allow_downgrade)
}

/// Refuses a version that is not newer than the one that runs, unless that is wanted.
pub fn may_run(state: &AgentState, version: &str, allow_downgrade: bool) -> Result<(), Refusal> {
    if allow_downgrade {
        return Ok(());
    }
    let running = state.version().unwrap_or_default();
    let detail = match is_newer(version, running) {
        Ok(true) => return Ok(()),
        Ok(false) => format!("version {version} is not newer than {running}, which runs"),
        Err(reason) => reason,
    };
    let detail = format!("{detail}; allow_downgrade takes it all the same");
    Err(Refusal::new(RefusalCode::UpdateNotNewer, detail))
}

/// Writes a verified bundle, and has its slot booted next.
pub async fn write(state: &AgentState, update: &Update) -> Result<(), Refusal> {
    let slot = target(state)?;
    state.updates().change(&update.id, true, |update| {
        update.state = UpdateState::Writing;
        update.slot = Some(slot);
    });
    let note = |noted: io::Result<()>| {
        if let Err(error) = noted {
            tracing::warn!(%error, "what is in the slots cannot be noted");
        }
    };
    note(state.records().forget(slot));
    let progress = |percent| {
        state
            .updates()
            .change(&update.id, false, |update| update.written_percent = Some(percent));
    };
    rauc::install(state.config(), &file_of(state, &update.id), progress).await?;
    let next = state.loader().next().map_err(|error| boot_loader(&error))?;
    if next != slot {
        let detail = format!("slot {slot} was written, and slot {next} would boot next");
        return Err(Refusal::new(RefusalCode::UpdateWrite, detail));
    }
    let written = state.updates().get(&update.id).and_then(|update| update.version);
    note(state.records().note_written(slot, &written.unwrap_or_default()));
    state
        .updates()
        .change(&update.id, true, |update| update.state = UpdateState::ReadyToBoot);
    Ok(())
}

/// Verifies what was received and writes it, then restarts the machine if that is wanted.
pub async fn finish(state: AgentState, update: Update) {
    let result = write(&state, &update).await;
    discard(&state, &update.id);
    match result {
        Err(problem) => state.updates().fail(&update.id, problem),
        Ok(()) if update.options.reboot => {
            if let Err(problem) = power::reboot(state.config()).await {
                tracing::error!(problem = problem.detail, "the machine does not restart");
            }
        }
        Ok(()) => {}
    }
}

/// Removes the bundle of an update.
pub fn discard(state: &AgentState, id: &str) {
    if let Err(error) = keep::remove(&file_of(state, id)) {
        tracing::warn!(%error, "a bundle stays on the disk");
    }
}

/// The slot that is written: the one that does not run, if it is not the one this machine falls back to.
fn target(state: &AgentState) -> Result<Slot, Refusal> {
    let slot = state.booted()?.other();
    let choice = state.loader().read().map_err(|error| boot_loader(&error))?;
    if choice.good == slot {
        let detail = format!("slot {slot} is the good one until the one that runs has shown that it works");
        return Err(Refusal::new(RefusalCode::OnTrial, detail));
    }
    Ok(slot)
}

/// A trouble with the boot loader, for whoever asked.
pub fn boot_loader(error: &BootChoiceError) -> Refusal {
    let code = match error {
        BootChoiceError::NotWhole(_) => RefusalCode::SlotNotWhole,
        error if error.is_absent() => RefusalCode::NotAnAppliance,
        _ => RefusalCode::Internal,
    };
    Refusal::new(code, chain(error))
}

fn may_come(state: &AgentState, more: u64) -> Result<(), Refusal> {
    too_large(state, more)?;
    let Some(disk) = readings::disk(&state.config().updates_dir) else {
        return Err(Refusal::new(RefusalCode::NoRoom, "there is no place for bundles"));
    };
    if disk.free_bytes < more.saturating_add(RESERVE_BYTES) {
        let detail = format!(
            "{} bytes are free, of which {RESERVE_BYTES} stay so",
            disk.free_bytes
        );
        return Err(Refusal::new(RefusalCode::NoRoom, detail));
    }
    Ok(())
}

fn too_large(state: &AgentState, bytes: u64) -> Result<(), Refusal> {
    let most = state.config().bundle_limit_bytes;
    if bytes > most {
        let detail = format!("it is larger than {most} bytes");
        return Err(Refusal::new(RefusalCode::UpdateTooLarge, detail));
    }
    Ok(())
}

fn cannot_keep(error: &io::Error) -> Refusal {
    let code = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => RefusalCode::NoRoom,
        _ => RefusalCode::Internal,
    };
    Refusal::new(code, format!("the bundle cannot be kept: {error}"))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Removes bundles that an agent has left behind.
pub fn clean(updates_dir: &Path) {
    for entry in std::fs::read_dir(updates_dir).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.extension().is_some_and(|extension| extension == "raucb")
            && let Err(error) = keep::remove(&path)
        {
            tracing::warn!(%error, "a bundle of before stays on the disk");
        }
    }
}
