//! The way to the engine: its socket, or the gateway by HTTPS.

use std::error::Error;
use std::io;
use std::path::Path;
use std::time::Duration;

use reqwest::{Certificate, Client, ClientBuilder, Url};

use crate::arguments::Target;
use crate::error::CliError;

/// Longest wait for a connection. Answers may take longer: an import is as long as its list.
const CONNECT: Duration = Duration::from_secs(10);
/// A silent connection is asked for a sign of life, or an event stream would wait for ever for a dead machine.
const KEEPALIVE: Duration = Duration::from_secs(30);

const SOCKET_MISSING: &str = "Check that raveld runs, and that --socket names raveld.sock in its run_dir.";
const SOCKET_CLOSED: &str = "The socket is there, but nobody listens: check that raveld runs.";
const SOCKET_FORBIDDEN: &str = "Only root and members of the group ravelin may use the socket.";
const GATEWAY_SILENT: &str = "Check the address, and that ravelin-gateway runs there.";
const NOT_TRUSTED: &str =
    "Pass the gateway's certificate.pem with --ca-cert, and use a host name it is valid for.";

/// The way to the engine, for messages and URLs.
#[derive(Debug)]
pub struct Connection {
    base: Url,
    /// Shown to people.
    target: String,
    socket: bool,
}

/// Prepares a client.
pub fn prepare(target: &Target) -> Result<(Client, Connection), CliError> {
    let builder = Client::builder()
        .connect_timeout(CONNECT)
        .tcp_keepalive(KEEPALIVE)
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(concat!("ravelin/", env!("CARGO_PKG_VERSION")));
    let (builder, connection) = match &target.url {
        Some(url) => by_https(builder, url, target.ca_cert.as_deref())?,
        None => by_socket(builder, &target.socket)?,
    };
    let client = builder.build().map_err(|error| CliError::Usage(causes(&error)))?;
    Ok((client, connection))
}

fn by_socket(builder: ClientBuilder, socket: &Path) -> Result<(ClientBuilder, Connection), CliError> {
    let base = Url::parse("http://localhost").map_err(|error| CliError::Usage(error.to_string()))?;
    let connection = Connection {
        base,
        target: socket.display().to_string(),
        socket: true,
    };
    // No TLS there: a machine without any certificates will do.
    Ok((builder.unix_socket(socket).tls_certs_only([]), connection))
}

fn by_https(
    builder: ClientBuilder,
    url: &Url,
    ca_cert: Option<&Path>,
) -> Result<(ClientBuilder, Connection), CliError> {
    // A token must not go out in the clear, and one in the URL would show in the process list.
    if url.scheme() != "https" || !url.username().is_empty() || url.password().is_some() {
        return Err(CliError::Usage(
            "--url has to be https://HOST:PORT, without a user".to_owned(),
        ));
    }
    let connection = Connection {
        base: url.clone(),
        target: url.origin().ascii_serialization(),
        socket: false,
    };
    let Some(path) = ca_cert else {
        return Ok((builder, connection));
    };
    let pem = std::fs::read(path).map_err(|source| CliError::ReadFile {
        path: path.to_owned(),
        source,
    })?;
    let bad = |problem: String| CliError::BadFile {
        path: path.to_owned(),
        problem,
    };
    let trusted = Certificate::from_pem_bundle(&pem).map_err(|error| bad(causes(&error)))?;
    if trusted.is_empty() {
        return Err(bad("it holds no certificate in PEM".to_owned()));
    }
    Ok((builder.tls_certs_only(trusted), connection))
}

impl Connection {
    /// The URL of a path below a prefix; every segment is escaped.
    pub fn url(&self, prefix: &[&str], path: &[String]) -> Url {
        let mut url = self.base.clone();
        url.set_query(None);
        url.set_fragment(None);
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.clear().extend(prefix).extend(path);
        }
        url
    }

    /// An answer nobody expected.
    pub fn strange(&self, cause: impl ToString) -> CliError {
        CliError::Strange {
            target: self.target.clone(),
            cause: cause.to_string(),
        }
    }

    /// Why there is no answer.
    pub fn failure(&self, error: &reqwest::Error) -> CliError {
        if !error.is_connect() {
            return CliError::BrokeOff {
                cause: last_cause(error),
            };
        }
        CliError::Unreachable {
            target: self.target.clone(),
            cause: last_cause(error),
            advice: self.advice(error),
        }
    }

    fn advice(&self, error: &reqwest::Error) -> &'static str {
        if !self.socket {
            return if is_tls(error) {
                NOT_TRUSTED
            } else {
                GATEWAY_SILENT
            };
        }
        let io_error = chain(error).find_map(|cause| cause.downcast_ref::<io::Error>());
        match io_error.map(io::Error::kind) {
            Some(io::ErrorKind::PermissionDenied) => SOCKET_FORBIDDEN,
            Some(io::ErrorKind::ConnectionRefused) => SOCKET_CLOSED,
            _ => SOCKET_MISSING,
        }
    }
}

fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error: &&'a (dyn Error + 'static)| (*error).source())
}

/// Whether TLS is among the causes. An I/O error holds its cause, and names only the cause of that as its source.
fn is_tls(error: &(dyn Error + 'static)) -> bool {
    chain(error).any(|cause| {
        let held = cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        cause.is::<rustls::Error>() || held.is_some_and(|held| is_tls(held))
    })
}

fn causes(error: &(dyn Error + 'static)) -> String {
    chain(error)
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}

/// The innermost cause: the outer ones only say that a request was sent.
fn last_cause(error: &(dyn Error + 'static)) -> String {
    chain(error).last().map(ToString::to_string).unwrap_or_default()
}
