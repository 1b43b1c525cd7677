//! HTTP over a Unix socket, blocking, with the connection under the test's control.

use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::UnixStream;
use tokio::runtime::{Builder, Runtime};

/// Longest wait for an answer.
const LIMIT: Duration = Duration::from_secs(30);

/// A request to make.
#[derive(Debug, Clone)]
pub struct Request {
    method: Method,
    path: String,
    headers: Vec<(String, String)>,
    body: Bytes,
}

impl Request {
    /// One without a body.
    pub fn new(method: Method, path: &str) -> Self {
        Self {
            method,
            path: path.to_owned(),
            headers: Vec::new(),
            body: Bytes::new(),
        }
    }

    /// Adds a header.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sets a JSON body.
    pub fn json(self, value: &Value) -> Self {
        self.body("application/json", value.to_string())
    }

    /// Sets a text body.
    pub fn text(self, text: impl Into<Bytes>) -> Self {
        self.body("text/plain", text)
    }

    /// Sets any body.
    pub fn body(mut self, media_type: &str, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self.header("content-type", media_type)
    }
}

/// What came back.
#[derive(Debug, Clone)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Its headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
}

impl Answer {
    /// The body as JSON. Panics if it is none.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error} in {}", self.text()))
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Itself, if the status is the expected one; panics with the body otherwise.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text());
        self
    }
}

/// One connection, kept open between requests.
#[derive(Debug)]
pub struct Connection {
    runtime: Runtime,
    sender: SendRequest<Full<Bytes>>,
}

impl Connection {
    /// Connects.
    pub fn open(socket: &Path) -> std::io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let sender = runtime.block_on(async {
            let stream = UnixStream::connect(socket).await?;
            let (sender, connection) = handshake(TokioIo::new(stream))
                .await
                .map_err(std::io::Error::other)?;
            #[allow(clippy::disallowed_methods, reason = "ends with the runtime it is spawned on")]
            tokio::task::spawn(connection);
            Ok::<_, std::io::Error>(sender)
        })?;
        Ok(Self { runtime, sender })
    }

    /// Asks and waits for the whole answer.
    pub fn send(&mut self, request: &Request) -> std::io::Result<Answer> {
        let sender = &mut self.sender;
        self.runtime.block_on(async {
            within_limit(async {
                let response = ask(sender, request).await?;
                let (head, body) = response.into_parts();
                let body = body.collect().await.map_err(std::io::Error::other)?.to_bytes();
                Ok(Answer {
                    status: head.status.as_u16(),
                    headers: head.headers,
                    body,
                })
            })
            .await
        })
    }
}

async fn within_limit<T>(work: impl Future<Output = std::io::Result<T>>) -> std::io::Result<T> {
    tokio::time::timeout(LIMIT, work)
        .await
        .map_err(|_| std::io::Error::from(std::io::ErrorKind::TimedOut))?
}

async fn ask(
    sender: &mut SendRequest<Full<Bytes>>,
    request: &Request,
) -> std::io::Result<http::Response<Incoming>> {
    let mut built = http::Request::builder()
        .method(request.method.clone())
        .uri(&request.path)
        .header("host", "localhost");
    for (name, value) in &request.headers {
        built = built.header(name, value);
    }
    let built = built
        .body(Full::new(request.body.clone()))
        .map_err(std::io::Error::other)?;
    sender.ready().await.map_err(std::io::Error::other)?;
    sender.send_request(built).await.map_err(std::io::Error::other)
}

/// Makes requests, each on a connection of its own.
#[derive(Debug, Clone)]
pub struct Client {
    socket: PathBuf,
}

impl Client {
    /// To the server behind a socket.
    pub fn new(socket: &Path) -> Self {
        Self {
            socket: socket.to_owned(),
        }
    }

    /// Asks; the error is the transport's.
    pub fn try_send(&self, request: &Request) -> std::io::Result<Answer> {
        Connection::open(&self.socket)?.send(request)
    }

    /// Asks; panics if there is no answer.
    #[track_caller]
    pub fn send(&self, request: &Request) -> Answer {
        self.try_send(request)
            .unwrap_or_else(|error| panic!("{} {}: {error}", request.method, request.path))
    }

    /// GET.
    #[track_caller]
    pub fn get(&self, path: &str) -> Answer {
        self.send(&Request::new(Method::GET, path))
    }

    /// POST of JSON, or of nothing for null.
    #[track_caller]
    pub fn post(&self, path: &str, value: &Value) -> Answer {
        let request = Request::new(Method::POST, path);
        self.send(&if value.is_null() {
            request
        } else {
            request.json(value)
        })
    }

    /// PATCH whatever is there.
    #[track_caller]
    pub fn patch(&self, path: &str, value: &Value) -> Answer {
        self.send(
            &Request::new(Method::PATCH, path)
                .header("if-match", "*")
                .json(value),
        )
    }

    /// PUT of text over whatever is there.
    #[track_caller]
    pub fn put_text(&self, path: &str, text: impl Into<Bytes>) -> Answer {
        self.send(&Request::new(Method::PUT, path).header("if-match", "*").text(text))
    }

    /// DELETE.
    #[track_caller]
    pub fn delete(&self, path: &str) -> Answer {
        self.send(&Request::new(Method::DELETE, path))
    }

    /// Opens a stream of server-sent events; returns when its head has come.
    #[track_caller]
    pub fn events(&self, path: &str) -> EventStream {
        EventStream::open(&self.socket, path).unwrap_or_else(|error| panic!("GET {path}: {error}"))
    }
}

/// A server-sent event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerEvent {
    /// Field `id`.
    pub id: String,
    /// Field `event`.
    pub event: String,
    /// Field `data`, as JSON.
    pub data: Value,
}

/// A stream of server-sent events.
#[derive(Debug)]
pub struct EventStream {
    connection: Connection,
    body: Incoming,
    buffer: String,
}

impl EventStream {
    fn open(socket: &Path, path: &str) -> std::io::Result<Self> {
        let mut connection = Connection::open(socket)?;
        let request = Request::new(Method::GET, path).header("accept", "text/event-stream");
        let sender = &mut connection.sender;
        let response = connection.runtime.block_on(within_limit(ask(sender, &request)))?;
        assert_eq!(response.status().as_u16(), 200, "GET {path}");
        Ok(Self {
            connection,
            body: response.into_body(),
            buffer: String::new(),
        })
    }

    /// The next event; None when none came within `limit` or the stream ended.
    pub fn next(&mut self, limit: Duration) -> Option<ServerEvent> {
        let Self {
            connection,
            body,
            buffer,
        } = self;
        let wait = async {
            loop {
                if let Some(end) = buffer.find("\n\n") {
                    let block: String = buffer.drain(..end + 2).collect();
                    if let Some(event) = parse_event(&block) {
                        return Some(event);
                    }
                    continue;
                }
                let frame = body.frame().await?.ok()?;
                if let Ok(data) = frame.into_data() {
                    buffer.push_str(&String::from_utf8_lossy(&data));
                }
            }
        };
        connection
            .runtime
            .block_on(async { tokio::time::timeout(limit, wait).await })
            .ok()?
    }
}

/// An event out of its lines; None for a comment.
fn parse_event(block: &str) -> Option<ServerEvent> {
    let field = |name: &str| {
        block
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
            .map(|value| value.trim_start().to_owned())
    };
    Some(ServerEvent {
        id: field("id").unwrap_or_default(),
        event: field("event")?,
        data: serde_json::from_str(&field("data")?).ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_read_and_comments_are_not() {
        let event = parse_event("id: 7\nevent: gap\ndata: {\"lost\":3}\n\n").expect("event");
        assert_eq!((event.id.as_str(), event.event.as_str()), ("7", "gap"));
        assert_eq!(event.data["lost"], 3);
        assert_eq!(parse_event(": keep-alive\n\n"), None);
    }
}
