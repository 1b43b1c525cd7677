//! A fake engine.

use std::convert::Infallible;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use futures::channel::mpsc;
use futures::{Stream, StreamExt};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::net::UnixListener;
use tokio::sync::Mutex;
use tokio::task::JoinSet;

type Answer = Response<BoxBody<Bytes, hyper::Error>>;

/// Serves until dropped.
pub struct Engine {
    shared: Arc<Shared>,
    _tasks: JoinSet<()>,
}

struct Shared {
    connections: AtomicUsize,
    /// What `/stream` answers with.
    stream: Mutex<Option<mpsc::UnboundedReceiver<Bytes>>>,
}

impl Engine {
    pub fn start(socket: &Path) -> Self {
        let listener = UnixListener::bind(socket).unwrap();
        let shared = Arc::new(Shared {
            connections: AtomicUsize::new(0),
            stream: Mutex::default(),
        });
        let serving = Arc::clone(&shared);
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                serving.connections.fetch_add(1, Ordering::SeqCst);
                let shared = Arc::clone(&serving);
                connections.spawn(async move {
                    let service = service_fn(|request| answer(Arc::clone(&shared), request));
                    let http = hyper::server::conn::http1::Builder::new();
                    let _ = http.serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
        Self {
            shared,
            _tasks: tasks,
        }
    }

    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }

    /// The next request for `/stream` is answered with what is sent here.
    pub async fn stream(&self) -> mpsc::UnboundedSender<Bytes> {
        let (sender, receiver) = mpsc::unbounded();
        *self.shared.stream.lock().await = Some(receiver);
        sender
    }
}

/// `/head` tells what came, `/echo` sends the body back piece by piece, `/early` answers without reading the body and
/// closes, `/break` closes without an answer, `/hang` never answers.
async fn answer(
    shared: Arc<Shared>,
    request: Request<Incoming>,
) -> Result<Answer, Box<dyn std::error::Error + Send + Sync>> {
    match request.uri().path() {
        "/echo" => Ok(Response::new(request.into_body().boxed())),
        "/stream" => {
            let pieces = shared.stream.lock().await.take().unwrap();
            Ok(Response::new(streamed(pieces)))
        }
        "/early" => {
            let mut answer = Response::new(text("too large for the engine"));
            *answer.status_mut() = StatusCode::PAYLOAD_TOO_LARGE;
            Ok(answer)
        }
        "/break" => Err("closing without an answer".into()),
        "/hang" => std::future::pending().await,
        _ => Ok(head(request).await),
    }
}

async fn head(request: Request<Incoming>) -> Answer {
    let (head, body) = request.into_parts();
    let length = body.collect().await.unwrap().to_bytes().len();
    let headers: Vec<(String, String)> = head
        .headers
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
        .collect();
    let told = json!({
        "method": head.method.as_str(),
        "target": head.uri.to_string(),
        "headers": headers,
        "body_bytes": length,
    });
    let mut answer = Response::new(text(&told.to_string()));
    let fields = answer.headers_mut();
    fields.insert("content-type", "application/json".parse().unwrap());
    fields.insert("etag", "\"3\"".parse().unwrap());
    fields.insert("connection", "x-hop".parse().unwrap());
    fields.insert("x-hop", "1".parse().unwrap());
    answer
}

fn text(text: &str) -> BoxBody<Bytes, hyper::Error> {
    let full = Full::new(Bytes::from(text.to_owned()));
    full.map_err(|never: Infallible| match never {}).boxed()
}

fn streamed(pieces: impl Stream<Item = Bytes> + Send + Sync + 'static) -> BoxBody<Bytes, hyper::Error> {
    BodyExt::boxed(StreamBody::new(pieces.map(|piece| Ok(Frame::data(piece)))))
}
