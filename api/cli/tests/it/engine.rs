//! A fake engine: canned answers on a Unix socket, one request for each connection.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tempfile::TempDir;

/// What came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Method and target: `GET /api/v1/lists`.
    pub line: String,
    headers: HashMap<String, String>,
    pub body: String,
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// What goes out.
#[derive(Debug, Clone)]
pub struct Reply(String);

impl Reply {
    pub fn new(status: u16, headers: &str, body: &str) -> Self {
        let length = body.len();
        Self(format!(
            "HTTP/1.1 {status} -\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n{body}"
        ))
    }

    pub fn json(body: &str) -> Self {
        Self::new(200, "content-type: application/json\r\n", body)
    }

    pub fn tagged(etag: &str, body: &str) -> Self {
        Self::new(200, &format!("etag: {etag}\r\n"), body)
    }

    pub fn problem(status: u16, body: &str) -> Self {
        Self::new(status, "content-type: application/problem+json\r\n", body)
    }

    /// An event stream that ends as it should.
    pub fn stream(body: &str) -> Self {
        Self(format!(
            "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-type: text/event-stream\r\n\r\n{body}"
        ))
    }

    /// An event stream that breaks off: more was promised.
    pub fn broken_stream(body: &str) -> Self {
        Self(format!(
            "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 99999\r\n\r\n{body}"
        ))
    }
}

type Routes = HashMap<&'static str, Vec<Reply>>;

/// Answers until the test ends.
pub struct Engine {
    place: TempDir,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Engine {
    /// Answers each request line with its reply, and with the next one the next time; others are 404.
    pub fn new<const N: usize>(routes: [(&'static str, Reply); N]) -> Self {
        let place = TempDir::new().unwrap();
        let listener = UnixListener::bind(place.path().join("raveld.sock")).unwrap();
        let requests = Arc::<Mutex<Vec<Request>>>::default();
        let kept = Arc::clone(&requests);
        let mut by_line = Routes::new();
        for (line, reply) in routes {
            by_line.entry(line).or_default().insert(0, reply);
        }
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                serve(&stream.unwrap(), &mut by_line, &kept);
            }
        });
        Self { place, requests }
    }

    pub fn socket(&self) -> PathBuf {
        self.place.path().join("raveld.sock")
    }

    /// A file beside the socket.
    pub fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.place.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    /// The request lines that came, in order.
    pub fn lines(&self) -> Vec<String> {
        self.requests().into_iter().map(|request| request.line).collect()
    }
}

fn serve(stream: &UnixStream, routes: &mut Routes, requests: &Mutex<Vec<Request>>) {
    let Some(request) = read(stream) else { return };
    let unknown = Reply::problem(
        404,
        r#"{"type":"/problems/not-found","title":"There is no such resource","status":404,"detail":"nothing is here","request_id":"r0"}"#,
    );
    let replies = routes.get_mut(request.line.as_str());
    let reply = replies.and_then(|replies| {
        if replies.len() > 1 {
            replies.pop()
        } else {
            replies.first().cloned()
        }
    });
    requests.lock().unwrap().push(request);
    let mut stream = stream;
    // The client may have seen enough.
    let _ = stream.write_all(reply.unwrap_or(unknown).0.as_bytes());
}

fn read(stream: &UnixStream) -> Option<Request> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
    let line = line.trim_end().trim_end_matches(" HTTP/1.1").to_owned();
    let mut headers = HashMap::new();
    loop {
        let mut field = String::new();
        reader.read_line(&mut field).unwrap();
        let Some((name, value)) = field.trim_end().split_once(": ") else {
            break;
        };
        headers.insert(name.to_ascii_lowercase(), value.to_owned());
    }
    let mut body = Vec::new();
    if let Some(length) = headers.get("content-length") {
        body.resize(length.parse().unwrap(), 0);
        reader.read_exact(&mut body).unwrap();
    } else if headers.contains_key("transfer-encoding") {
        read_chunks(&mut reader, &mut body);
    }
    let body = String::from_utf8(body).unwrap();
    Some(Request { line, headers, body })
}

fn read_chunks(reader: &mut impl BufRead, body: &mut Vec<u8>) {
    loop {
        let mut size = String::new();
        reader.read_line(&mut size).unwrap();
        let size = usize::from_str_radix(size.trim_end(), 16).unwrap();
        let mut chunk = vec![0; size + 2];
        reader.read_exact(&mut chunk).unwrap();
        body.extend_from_slice(&chunk[..size]);
        if size == 0 {
            return;
        }
    }
}
