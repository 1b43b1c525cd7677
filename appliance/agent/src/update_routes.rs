//! Updates, and the slots they are in.

use axum::extract::FromRequest;
use axum::extract::{Json, Path, Query, Request, State};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use ravelin_system::update::{BootRequest, Update, UpdateOptions, UpdateRequest, UpdateSource, UpdateState};
use ravelin_system::{Refusal, RefusalCode, Slot};
use reqwest::Url;

use crate::fetch::{Fetch, parse_url};
use crate::routes::Refused;
use crate::state::AgentState;
use crate::task::spawn;
use crate::{install, power};

/// `GET /updates`: all that are remembered, the newest first.
pub async fn index(State(state): State<AgentState>) -> Json<Vec<Update>> {
    Json(state.updates().all())
}

/// `GET /updates/{id}`.
pub async fn show(State(state): State<AgentState>, Path(id): Path<String>) -> Result<Json<Update>, Refused> {
    match state.updates().get(&id) {
        Some(update) => Ok(Json(update)),
        None => Err(Refusal::new(RefusalCode::NotFound, format!("there is no update {id:?}")).into()),
    }
}

/// `POST /updates`: a bundle as the body, with its options in the query, or JSON that says where it is.
///
/// A bundle in the body is received and verified before the answer; one that is fetched is not.
pub async fn create(
    State(state): State<AgentState>,
    Query(options): Query<UpdateOptions>,
    request: Request,
) -> Result<(StatusCode, Json<Update>), Refused> {
    may_update(&state)?;
    if is_json(request.headers()) {
        let Json(UpdateRequest { url, options }) = Json::from_request(request, &())
            .await
            .map_err(|error: axum::extract::rejection::JsonRejection| bad(error.body_text()))?;
        check(&options)?;
        let url = parse_url(&url)?;
        let source = UpdateSource::Url(url.to_string());
        let update = state.updates().begin(source, options, state.version())?;
        spawn(fetch_and_finish(state, update.clone(), url));
        return Ok((StatusCode::ACCEPTED, Json(update)));
    }
    check(&options)?;
    let announced = content_length(request.headers());
    let update = state
        .updates()
        .begin(UpdateSource::Upload, options, state.version())?;
    let bytes = request.into_body().into_data_stream();
    // Whoever sends may go at any time; what is begun is ended all the same.
    let task = spawn(async move {
        let received = install::receive(&state, &update, announced, bytes).await;
        accept(&state, &update, received).await?;
        spawn(install::finish(state.clone(), update.clone()));
        Ok::<_, Refusal>(state.updates().get(&update.id).unwrap_or(update))
    });
    let update = task
        .await
        .map_err(|error| Refusal::new(RefusalCode::Internal, format!("the agent failed: {error}")))??;
    Ok((StatusCode::ACCEPTED, Json(update)))
}

/// `POST /slots/{slot}/boot`: has what is in a slot booted next, on trial.
pub async fn boot(
    State(state): State<AgentState>,
    Path(slot): Path<String>,
    Json(request): Json<BootRequest>,
) -> Result<(StatusCode, Json<Update>), Refused> {
    let slot: Slot = slot
        .parse()
        .map_err(|error| Refusal::new(RefusalCode::NotFound, error))?;
    may_update(&state)?;
    if state.booted()? == slot {
        let detail = format!("slot {slot} runs");
        return Err(Refusal::new(RefusalCode::SlotRuns, detail).into());
    }
    let version = state
        .records()
        .read()
        .remove(&slot)
        .and_then(|record| record.version);
    match &version {
        Some(version) => install::may_run(&state, version, request.allow_downgrade)?,
        None => {
            let detail = format!("nothing is known to be in slot {slot}");
            return Err(Refusal::new(RefusalCode::SlotNotWhole, detail).into());
        }
    }
    if let Some(pending) = state.updates().pending()
        && pending.state.is_active()
    {
        let detail = format!("the update {} is at work", pending.id);
        return Err(Refusal::new(RefusalCode::UpdateUnderWay, detail).into());
    }
    state
        .loader()
        .boot_next(slot)
        .map_err(|error| install::boot_loader(&error))?;
    let options = UpdateOptions {
        sha256: None,
        allow_downgrade: request.allow_downgrade,
        reboot: request.reboot,
    };
    let update = state
        .updates()
        .begin(UpdateSource::Slot, options, state.version())?;
    state.updates().change(&update.id, true, |update| {
        update.state = UpdateState::ReadyToBoot;
        update.version = version;
        update.slot = Some(slot);
    });
    let update = state.updates().get(&update.id).unwrap_or(update);
    if request.reboot {
        power::reboot(state.config()).await?;
    }
    Ok((StatusCode::ACCEPTED, Json(update)))
}

async fn fetch_and_finish(state: AgentState, update: Update, url: Url) {
    let received = async {
        let fetch = Fetch::start(url, state.config().fetch_own).await?;
        let announced = fetch.total_bytes;
        install::receive(&state, &update, announced, fetch.into_stream()).await
    };
    let received = received.await;
    if accept(&state, &update, received).await.is_ok() {
        install::finish(state, update).await;
    }
}

/// Verifies what was received. What is refused leaves nothing but its record.
async fn accept(state: &AgentState, update: &Update, received: Result<(), Refusal>) -> Result<(), Refusal> {
    let accepted = match received {
        Ok(()) => install::verify(state, update).await,
        refused => refused,
    };
    if let Err(problem) = &accepted {
        install::discard(state, &update.id);
        state.updates().fail(&update.id, problem.clone());
    }
    accepted
}

/// Refused where there are no slots, and while the one that runs has yet to show that it works.
fn may_update(state: &AgentState) -> Result<(), Refusal> {
    let slot = state.booted()?;
    let choice = state
        .loader()
        .read()
        .map_err(|error| install::boot_loader(&error))?;
    if state.trial().is_some() || choice.good != slot {
        let detail = format!("slot {slot} runs and has yet to show that it works");
        return Err(Refusal::new(RefusalCode::OnTrial, detail));
    }
    Ok(())
}

fn check(options: &UpdateOptions) -> Result<(), Refusal> {
    let proper = |digest: &String| {
        digest.len() == 64
            && digest
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    match &options.sha256 {
        Some(digest) if !proper(digest) => Err(bad("sha256 is not 64 lower-case hexadecimal digits")),
        _ => Ok(()),
    }
}

fn bad(detail: impl std::fmt::Display) -> Refusal {
    Refusal::new(RefusalCode::BadRequest, detail)
}

fn is_json(headers: &HeaderMap) -> bool {
    let media_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    media_type.is_some_and(|value| value.starts_with("application/json"))
}

fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}
