//! Fetching a bundle: a child of the agent does it as nobody, so that what a stranger's server sends is read by a
//! process that may nothing. It tells the length in one line of JSON and then all bytes.

use std::error::Error;
use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::{Stream, StreamExt, TryStreamExt};
use ravelin_system::{Refusal, RefusalCode};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::{Attempt, Policy};
use reqwest::{Client, Url};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStderr, ChildStdout, Command};
use tokio_util::io::ReaderStream;

/// Of a user and a group that own nothing.
const NOBODY: u32 = 65534;
const CONNECT: Duration = Duration::from_secs(15);
/// Longest silence.
const SILENCE: Duration = Duration::from_secs(60);
const MAX_REDIRECTS: usize = 5;
/// Of what the child says in case of trouble.
const MAX_SAID_BYTES: u64 = 4096;

/// What the child is to do.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Order {
    url: String,
    /// Also of this machine: for tests and labs.
    allow_own: bool,
}

/// What it says before the bytes.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Head {
    total_bytes: Option<u64>,
}

/// Refuses what is no URL of a bundle.
pub fn parse_url(text: &str) -> Result<Url, Refusal> {
    let refused = |detail: &str| Err(Refusal::new(RefusalCode::BadRequest, detail));
    let Ok(url) = Url::parse(text) else {
        return refused("url is no URL");
    };
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return refused("url has to begin with http:// or https:// and name a host");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return refused("url names a user: credentials in a URL end up in logs");
    }
    Ok(url)
}

/// A bundle on its way.
#[derive(Debug)]
pub struct Fetch {
    child: Child,
    output: BufReader<ChildStdout>,
    errors: ChildStderr,
    /// Its length, if the server says it.
    pub total_bytes: Option<u64>,
}

impl Fetch {
    /// Starts the child and waits until the server answers.
    pub async fn start(url: Url, allow_own: bool) -> Result<Self, Refusal> {
        let failed = |error: std::io::Error| {
            Refusal::new(
                RefusalCode::Internal,
                format!("the bundle cannot be fetched: {error}"),
            )
        };
        let mut command = Command::new("/proc/self/exe");
        command
            .arg("fetch")
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        if rustix::process::geteuid().is_root() {
            command.uid(NOBODY).gid(NOBODY);
        }
        let mut child = command.spawn().map_err(failed)?;
        let (Some(mut input), Some(output), Some(errors)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(failed(std::io::ErrorKind::BrokenPipe.into()));
        };
        let order = serde_json::to_vec(&Order {
            url: url.into(),
            allow_own,
        })
        .map_err(|error| failed(error.into()))?;
        input.write_all(&order).await.map_err(failed)?;
        drop(input);
        let mut fetch = Self {
            child,
            output: BufReader::new(output),
            errors,
            total_bytes: None,
        };
        let mut line = Vec::new();
        let limited = &mut (&mut fetch.output).take(MAX_SAID_BYTES);
        limited.read_until(b'\n', &mut line).await.map_err(failed)?;
        match serde_json::from_slice::<Head>(&line) {
            Ok(head) => fetch.total_bytes = head.total_bytes,
            Err(_) => return Err(fetch.complaint().await),
        }
        Ok(fetch)
    }

    /// The bytes; the last item says why they end early.
    pub fn into_stream(self) -> impl Stream<Item = Result<Bytes, String>> {
        let Self {
            mut child,
            output,
            mut errors,
            ..
        } = self;
        let bytes = ReaderStream::with_capacity(output, 64 << 10).map_err(|error| error.to_string());
        let end = futures::stream::once(async move {
            match child.wait().await {
                Ok(status) if status.success() => None,
                Ok(_) => Some(Err(said(&mut errors).await)),
                Err(error) => Some(Err(error.to_string())),
            }
        });
        bytes.chain(end.filter_map(std::future::ready))
    }

    async fn complaint(mut self) -> Refusal {
        Refusal::new(RefusalCode::UpdateFetch, said(&mut self.errors).await)
    }
}

async fn said(errors: &mut ChildStderr) -> String {
    let mut text = Vec::new();
    drop(errors.take(MAX_SAID_BYTES).read_to_end(&mut text).await);
    let text = String::from_utf8_lossy(&text);
    match text.trim().trim_start_matches("ravelin-agent: ") {
        "" => "it was not fetched".to_owned(),
        text => text.to_owned(),
    }
}

/// The child: reads its order, writes length and bytes.
pub fn child() -> Result<(), Box<dyn Error>> {
    let mut order = Vec::new();
    std::io::stdin().lock().take(64 << 10).read_to_end(&mut order)?;
    let order: Order = serde_json::from_slice(&order)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(fetch(order))
}

async fn fetch(order: Order) -> Result<(), Box<dyn Error>> {
    // Err: somebody has chosen one, which can only be this one.
    drop(rustls::crypto::ring::default_provider().install_default());
    let Order { url, allow_own } = order;
    let url = parse_url(&url)?;
    if let Some(refused) = own_literal(&url, allow_own) {
        return Err(refused.into());
    }
    let client = Client::builder()
        .connect_timeout(CONNECT)
        .read_timeout(SILENCE)
        .no_proxy()
        .redirect(Policy::custom(move |attempt| follow(attempt, allow_own)))
        .dns_resolver(Arc::new(Elsewhere { allow_own }))
        .user_agent(concat!("ravelin/", env!("CARGO_PKG_VERSION")))
        .build()?;
    let answer = client.get(url).send().await?;
    if !answer.status().is_success() {
        return Err(format!("the server answers {}", answer.status()).into());
    }
    let mut output = std::io::stdout().lock();
    let head = Head {
        total_bytes: answer.content_length(),
    };
    writeln!(output, "{}", serde_json::to_string(&head)?)?;
    let mut bytes = answer.bytes_stream();
    while let Some(piece) = bytes.next().await {
        output.write_all(&piece?)?;
    }
    Ok(output.flush()?)
}

/// Redirections may not leave encryption, nor lead to this machine.
fn follow(attempt: Attempt<'_>, allow_own: bool) -> reqwest::redirect::Action {
    let from_https = attempt.previous().iter().any(|url| url.scheme() == "https");
    if attempt.previous().len() > MAX_REDIRECTS {
        return attempt.error("too many redirections");
    }
    match attempt.url().scheme() {
        "https" => {}
        "http" if !from_https => {}
        _ => return attempt.error("a redirection leads away from https"),
    }
    match own_literal(attempt.url(), allow_own) {
        Some(refused) => attempt.error(refused),
        None => attempt.follow(),
    }
}

fn own_literal(url: &Url, allow_own: bool) -> Option<String> {
    let host = url.host_str()?;
    let address: IpAddr = host.trim_matches(['[', ']']).parse().ok()?;
    (!allow_own && !elsewhere(address)).then(|| refusal(address))
}

fn refusal(address: IpAddr) -> String {
    format!("{address} is of this machine or of this link alone: no bundles are fetched from there")
}

/// Names, without addresses of this machine: a server of the LAN may have updates, the services behind the
/// loopback and the metadata of a cloud are not to be asked on anybody's behalf.
#[derive(Debug, Clone, Copy)]
struct Elsewhere {
    allow_own: bool,
}

impl Resolve for Elsewhere {
    fn resolve(&self, name: Name) -> Resolving {
        let allow_own = self.allow_own;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let all: Vec<SocketAddr> = found.collect();
            let first = all.first().map(SocketAddr::ip);
            let kept: Vec<SocketAddr> = all
                .into_iter()
                .filter(|address| allow_own || elsewhere(address.ip()))
                .collect();
            match first {
                Some(first) if kept.is_empty() => Err(refusal(first).into()),
                _ => Ok(Box::new(kept.into_iter()) as Addrs),
            }
        })
    }
}

fn elsewhere(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            !(v4.is_loopback()
                || v4.is_link_local()
                || v4.is_unspecified()
                || v4.is_multicast()
                || v4.is_broadcast())
        }
        IpAddr::V6(v6) => {
            !(v6.is_loopback() || v6.is_unicast_link_local() || v6.is_unspecified() || v6.is_multicast())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(address: &str, expected: bool) {
        assert_eq!(
            elsewhere(address.parse().expect("address")),
            expected,
            "{address}"
        );
    }

    #[test]
    fn addresses_of_this_machine_are_known() {
        for own in [
            "127.0.0.1",
            "127.9.9.9",
            "::1",
            "::ffff:127.0.0.1",
            "169.254.169.254",
            "fe80::1",
        ] {
            check(own, false);
        }
        for own in ["0.0.0.0", "::", "224.0.0.1", "ff02::1", "255.255.255.255"] {
            check(own, false);
        }
        for other in [
            "192.168.77.9",
            "10.0.0.1",
            "fd00::1",
            "203.0.113.1",
            "2001:db8::1",
        ] {
            check(other, true);
        }
    }

    #[test]
    fn urls_name_a_host_and_no_user() {
        assert!(parse_url("https://updates.example/ravelin.raucb").is_ok());
        for refused in [
            "file:///etc/shadow",
            "ftp://updates.example/x",
            "updates.example",
            "https://user:secret@updates.example/x",
        ] {
            assert!(parse_url(refused).is_err(), "{refused}");
        }
    }

    #[test]
    fn a_literal_of_this_machine_is_refused() {
        let url = |text: &str| Url::parse(text).expect("URL");
        assert!(own_literal(&url("http://[::1]:8080/x"), false).is_some());
        assert!(own_literal(&url("http://127.1/x"), false).is_some());
        assert!(own_literal(&url("http://[::1]:8080/x"), true).is_none());
        assert!(own_literal(&url("http://192.168.77.9/x"), false).is_none());
    }
}
