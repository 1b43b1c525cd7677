//! Asks the agent.

use std::io;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HOST};
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Body;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde::Serialize;
use serde::de::DeserializeOwned;
use thiserror::Error;
use tokio::net::UnixStream;

use crate::journal::{JournalPage, JournalQuery};
use crate::network_services::{Leases, NetworkServices};
use crate::refusal::Refusal;
use crate::slot::Slot;
use crate::status::Status;
use crate::update::{BootRequest, Update, UpdateOptions, UpdateRequest};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Where the agent listens on an appliance.
pub const AGENT_SOCKET: &str = "/run/ravelin-agent/agent.sock";

/// Longest wait for an answer. It may run programs meanwhile.
const ANSWER: Duration = Duration::from_secs(60);
/// Longest wait for what becomes of a bundle that is sent: verified, and on the disk.
const UPLOAD: Duration = Duration::from_secs(3600);
/// Longest answer: a page of the journal.
const MAX_ANSWER_BYTES: usize = 32 << 20;
/// Between two looks at a slot on trial.
const LOOK: Duration = Duration::from_secs(1);

/// Why there is no answer, or not the one that was asked for.
#[derive(Debug, Error)]
pub enum AgentError {
    /// There is no agent: this is no appliance.
    #[error("there is no agent at {:?}", .0)]
    Absent(PathBuf),
    /// It cannot be reached.
    #[error("reach the agent")]
    Connect(#[source] io::Error),
    /// It broke off.
    #[error("ask the agent")]
    Exchange(#[source] BoxError),
    /// It takes too long.
    #[error("the agent did not answer in time")]
    Timeout,
    /// It does not do it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Its answer is none.
    #[error("the agent answered {0} and not what was asked for")]
    Strange(StatusCode),
}

/// The agent of this machine, which may have none. Cheap to clone; keeps no connection.
#[derive(Debug, Clone)]
pub struct Agent {
    socket: PathBuf,
}

impl Agent {
    /// The agent behind this socket; an empty path is that of none.
    pub fn new(socket: impl Into<PathBuf>) -> Self {
        Self {
            socket: socket.into(),
        }
    }

    /// Where it listens.
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// How the machine is.
    pub async fn status(&self) -> Result<Status, AgentError> {
        self.get("/status").await
    }

    /// Waits until the slot that runs is the good one. While nobody tells, it is not.
    ///
    /// For what must not happen before: switching to the store of this slot.
    pub async fn until_good(&self) {
        loop {
            if let Ok(status) = self.status().await
                && status.trial.is_none()
                && status.slots.iter().any(|slot| slot.booted && slot.good)
            {
                return;
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Has the daemons of others do this, and nothing else.
    pub async fn put_network_services(&self, services: &NetworkServices) -> Result<(), AgentError> {
        let _: NetworkServices = self.send(Method::PUT, "/network-services", services).await?;
        Ok(())
    }

    /// Leases that were given to clients of the LANs.
    pub async fn dhcp_leases(&self) -> Result<Leases, AgentError> {
        self.get("/dhcp-leases").await
    }

    /// Every update that is remembered, the newest first.
    pub async fn updates(&self) -> Result<Vec<Update>, AgentError> {
        self.get("/updates").await
    }

    /// One update.
    pub async fn update(&self, id: &str) -> Result<Update, AgentError> {
        // Ids have no characters that a path would have to escape; others name nothing.
        if !id
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        {
            let detail = format!("there is no update {id:?}");
            return Err(Refusal::new(crate::RefusalCode::NotFound, detail).into());
        }
        self.get(&format!("/updates/{id}")).await
    }

    /// Has a bundle fetched and installed. Answers before it is there.
    pub async fn fetch_update(&self, request: &UpdateRequest) -> Result<Update, AgentError> {
        self.send(Method::POST, "/updates", request).await
    }

    /// Sends a bundle. Answers once it is received and verified.
    pub async fn send_update<B>(
        &self,
        options: &UpdateOptions,
        length: Option<u64>,
        bundle: B,
    ) -> Result<Update, AgentError>
    where
        B: Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<BoxError>,
    {
        let mut path = format!(
            "/updates?allow_downgrade={}&reboot={}",
            options.allow_downgrade, options.reboot
        );
        if let Some(digest) = &options.sha256 {
            // Hexadecimal digits, or refused.
            let digest: String = digest.chars().filter(char::is_ascii_alphanumeric).collect();
            path.push_str("&sha256=");
            path.push_str(&digest);
        }
        let mut request = Request::post(path).header(CONTENT_TYPE, "application/octet-stream");
        if let Some(length) = length {
            request = request.header(CONTENT_LENGTH, length);
        }
        let answer = self.ask(request, bundle, UPLOAD).await?;
        read(answer)
    }

    /// Has what is in a slot booted next, on trial.
    pub async fn boot(&self, slot: Slot, request: &BootRequest) -> Result<Update, AgentError> {
        self.send(Method::POST, &format!("/slots/{slot}/boot"), request)
            .await
    }

    /// A page of the journal.
    pub async fn logs(&self, query: &JournalQuery) -> Result<JournalPage, AgentError> {
        self.send(Method::POST, "/logs", query).await
    }

    /// Restarts the machine.
    pub async fn reboot(&self) -> Result<(), AgentError> {
        self.send(Method::POST, "/reboot", &()).await
    }

    /// Switches the machine off.
    pub async fn shut_down(&self) -> Result<(), AgentError> {
        self.send(Method::POST, "/shutdown", &()).await
    }

    /// Erases everything that was ever set, and restarts the machine.
    pub async fn factory_reset(&self) -> Result<(), AgentError> {
        self.send(Method::POST, "/factory-reset", &()).await
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, AgentError> {
        let answer = self
            .ask(Request::get(path), Full::<Bytes>::default(), ANSWER)
            .await?;
        read(answer)
    }

    async fn send<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: &(impl Serialize + Sync),
    ) -> Result<T, AgentError> {
        let body = serde_json::to_vec(body).map_err(|error| AgentError::Exchange(error.into()))?;
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(CONTENT_TYPE, "application/json");
        let answer = self.ask(request, Full::from(body), ANSWER).await?;
        read(answer)
    }

    async fn ask<B>(
        &self,
        request: http::request::Builder,
        body: B,
        longest: Duration,
    ) -> Result<(StatusCode, Bytes), AgentError>
    where
        B: Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<BoxError>,
    {
        let request = request
            .header(HOST, "localhost")
            .body(body)
            .map_err(|error| AgentError::Exchange(error.into()))?;
        if self.socket.as_os_str().is_empty() {
            return Err(AgentError::Absent(self.socket.clone()));
        }
        let stream = UnixStream::connect(&self.socket)
            .await
            .map_err(|error| match error.kind() {
                io::ErrorKind::NotFound => AgentError::Absent(self.socket.clone()),
                _ => AgentError::Connect(error),
            })?;
        tokio::time::timeout(longest, exchange(stream, request))
            .await
            .map_err(|_| AgentError::Timeout)?
            .map_err(AgentError::Exchange)
    }
}

/// One request and its answer to the end. What drives the connection may end first.
async fn exchange<B>(stream: UnixStream, request: Request<B>) -> Result<(StatusCode, Bytes), BoxError>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<BoxError>,
{
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let answer = async {
        let answer = sender.send_request(request).await?;
        let status = answer.status();
        let body = Limited::new(answer.into_body(), MAX_ANSWER_BYTES)
            .collect()
            .await?;
        Ok((status, body.to_bytes()))
    };
    let (mut answer, mut connection) = (pin!(answer), pin!(connection));
    let mut open = true;
    loop {
        tokio::select! {
            biased;
            answer = &mut answer => return answer,
            // Whatever ended it, the answer knows.
            _ = &mut connection, if open => open = false,
        }
    }
}

fn read<T: DeserializeOwned>((status, body): (StatusCode, Bytes)) -> Result<T, AgentError> {
    let strange = |_| AgentError::Strange(status);
    if status.is_success() {
        return serde_json::from_slice(&body).map_err(strange);
    }
    let refusal: Refusal = serde_json::from_slice(&body).map_err(strange)?;
    Err(AgentError::Refused(refusal))
}
