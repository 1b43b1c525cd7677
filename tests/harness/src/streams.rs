//! Many TCP connections whose every byte is checked, there and back.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU16, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;

use crate::conntrack::Tuple;
use crate::datagrams::Route;
use crate::{Namespace, eventually, raise_file_limit};

/// Longest until all are connected, or closed.
const TURN: Duration = Duration::from_secs(60);
/// A connection on which nothing comes for so long has failed.
const SILENCE: Duration = Duration::from_secs(120);
/// How often a paused connection looks whether it is to go on.
const PAUSE: Duration = Duration::from_millis(5);

/// How connections are used: again and again so many bytes, which the server sends back.
#[derive(Debug, Clone, Copy)]
pub struct Talk {
    /// Bytes each time.
    pub bytes: usize,
    /// Between two times.
    pub interval: Duration,
}

impl Default for Talk {
    fn default() -> Self {
        Self {
            bytes: 1000,
            interval: Duration::from_millis(50),
        }
    }
}

/// How a connection is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StreamTally {
    /// Bytes that came back right.
    pub bytes: u64,
    /// It is connected, or was.
    pub connected: bool,
    /// Both sides closed it and saw the other do so.
    pub closed: bool,
    /// What ended it before that.
    pub error: Option<String>,
}

#[derive(Debug, Default)]
struct Cell {
    bytes: AtomicU64,
    port: AtomicU16,
    connected: AtomicBool,
    closed: AtomicBool,
    error: Mutex<Option<String>>,
}

#[derive(Debug)]
struct Shared {
    cells: Vec<Cell>,
    talk: Talk,
    pause: AtomicBool,
    close: AtomicBool,
    stop: AtomicBool,
    server_closed: AtomicU64,
    server_errors: Mutex<Vec<String>>,
}

/// TCP connections under way. They end when dropped.
#[derive(Debug)]
pub struct Streams {
    shared: Arc<Shared>,
    routes: Vec<Route>,
    threads: Vec<JoinHandle<()>>,
}

impl Streams {
    /// Connects one for each route, and waits until all are.
    #[track_caller]
    pub fn connect(client: &Namespace, server: &Namespace, routes: &[Route], talk: Talk) -> Self {
        raise_file_limit();
        let shared = Arc::new(Shared {
            cells: routes.iter().map(|_| Cell::default()).collect(),
            talk,
            pause: AtomicBool::new(false),
            close: AtomicBool::new(false),
            stop: AtomicBool::new(false),
            server_closed: AtomicU64::new(0),
            server_errors: Mutex::default(),
        });
        let mut servers: Vec<SocketAddr> = routes.iter().map(|route| route.server).collect();
        servers.sort_unstable();
        servers.dedup();
        let listeners: Vec<std::net::TcpListener> = server.within(|| {
            let bind = |address| {
                std::net::TcpListener::bind(address).unwrap_or_else(|error| panic!("{address}: {error}"))
            };
            servers.into_iter().map(bind).collect()
        });
        let serving = server.spawn({
            let shared = Arc::clone(&shared);
            move || run(&shared, serve(Arc::clone(&shared), listeners))
        });
        let talking = client.spawn({
            let (shared, routes) = (Arc::clone(&shared), routes.to_vec());
            move || run(&shared, talk_on_all(Arc::clone(&shared), routes))
        });
        let streams = Self {
            shared,
            routes: routes.to_vec(),
            threads: vec![serving, talking],
        };
        streams.go_on(1);
        streams
    }

    /// Every connection as it stands.
    pub fn tallies(&self) -> Vec<StreamTally> {
        self.shared.cells.iter().map(tally).collect()
    }

    /// Packets of the connections as the client sends them.
    pub fn tuples(&self) -> Vec<Tuple> {
        let port = |cell: &Cell| cell.port.load(Ordering::SeqCst);
        let ports = self.shared.cells.iter().map(port);
        self.routes
            .iter()
            .zip(ports)
            .map(|(route, port)| route.tuple(6, port))
            .collect()
    }

    /// Waits until each had so many more answers.
    #[track_caller]
    pub fn go_on(&self, times: u64) {
        let more = times * u64::try_from(self.shared.talk.bytes).expect("a length");
        let before = self.tallies();
        let late = || {
            let now = self.tallies();
            let late = |(now, before): &(StreamTally, &StreamTally)| now.bytes < before.bytes + more;
            now.into_iter()
                .zip(&before)
                .filter(late)
                .map(|(now, _)| now)
                .collect::<Vec<_>>()
        };
        if eventually(TURN, || late().is_empty().then_some(())).is_none() {
            let late = late();
            panic!(
                "{} of {} TCP connections do not go on; the first: {:?}",
                late.len(),
                before.len(),
                late.first()
            );
        }
    }

    /// Says nothing on any until [`Self::resume`]; what is under way still comes.
    pub fn pause(&self) {
        self.shared.pause.store(true, Ordering::SeqCst);
    }

    /// Goes on.
    pub fn resume(&self) {
        self.shared.pause.store(false, Ordering::SeqCst);
    }

    /// Those that ended before their time, by connection.
    pub fn failures(&self) -> Vec<(usize, String)> {
        let error = |(index, tally): (usize, StreamTally)| tally.error.map(|error| (index, error));
        self.tallies().into_iter().enumerate().filter_map(error).collect()
    }

    /// Fails if any ended before its time.
    #[track_caller]
    pub fn none_is_cut(&self) {
        let failures = self.failures();
        assert!(
            failures.is_empty(),
            "{} of {} TCP connections are cut: {:?}",
            failures.len(),
            self.shared.cells.len(),
            &failures[..failures.len().min(8)]
        );
        let errors = self.shared.server_errors.lock().expect("errors");
        assert!(
            errors.is_empty(),
            "at the server: {:?}",
            &errors[..errors.len().min(8)]
        );
    }

    /// Closes all, and fails unless each is closed by both sides. Gives the bytes that went there and back.
    #[track_caller]
    pub fn close(self) -> u64 {
        self.none_is_cut();
        self.shared.pause.store(false, Ordering::SeqCst);
        self.shared.close.store(true, Ordering::SeqCst);
        let closed = |tally: &StreamTally| tally.closed;
        let all = u64::try_from(self.shared.cells.len()).expect("a number");
        let _ = eventually(TURN, || {
            let done =
                self.tallies().iter().all(closed) && self.shared.server_closed.load(Ordering::SeqCst) == all;
            done.then_some(())
        });
        self.none_is_cut();
        let tallies = self.tallies();
        let open = tallies.iter().filter(|tally| !closed(tally)).count();
        assert_eq!(open, 0, "TCP connections that do not end");
        assert_eq!(
            self.shared.server_closed.load(Ordering::SeqCst),
            all,
            "TCP connections the server saw the end of"
        );
        tallies.iter().map(|tally| tally.bytes).sum()
    }
}

impl Drop for Streams {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

fn tally(cell: &Cell) -> StreamTally {
    StreamTally {
        bytes: cell.bytes.load(Ordering::SeqCst),
        connected: cell.connected.load(Ordering::SeqCst),
        closed: cell.closed.load(Ordering::SeqCst),
        error: cell.error.lock().expect("error").clone(),
    }
}

/// Runs one side to its end, or until all is to stop.
fn run(shared: &Shared, side: impl Future<Output = ()>) {
    let runtime: Runtime = Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("runtime");
    runtime.block_on(async {
        let stopped = async {
            while !shared.stop.load(Ordering::SeqCst) {
                tokio::time::sleep(PAUSE).await;
            }
        };
        tokio::select! {
            () = side => {}
            () = stopped => {}
        }
    });
}

async fn serve(shared: Arc<Shared>, listeners: Vec<std::net::TcpListener>) {
    let mut tasks = JoinSet::new();
    for listener in listeners {
        listener.set_nonblocking(true).expect("nonblocking");
        let listener = TcpListener::from_std(listener).expect("listener");
        let shared = Arc::clone(&shared);
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.expect("accept");
                let shared = Arc::clone(&shared);
                connections.spawn(async move {
                    match answer(stream).await {
                        Ok(()) => {
                            shared.server_closed.fetch_add(1, Ordering::SeqCst);
                        }
                        Err(error) => {
                            let mut errors = shared.server_errors.lock().expect("errors");
                            errors.push(error.to_string());
                        }
                    }
                });
            }
        });
    }
    while tasks.join_next().await.is_some() {}
}

/// Sends back what comes, until the other side has closed.
async fn answer(mut stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = vec![0; 64 << 10];
    loop {
        let length = stream.read(&mut buffer).await?;
        if length == 0 {
            return stream.shutdown().await;
        }
        stream.write_all(&buffer[..length]).await?;
    }
}

async fn talk_on_all(shared: Arc<Shared>, routes: Vec<Route>) {
    let mut tasks = JoinSet::new();
    for (index, route) in routes.into_iter().enumerate() {
        let shared = Arc::clone(&shared);
        tasks.spawn(async move {
            let cell = &shared.cells[index];
            match talk(&shared, index, route).await {
                Ok(()) => cell.closed.store(true, Ordering::SeqCst),
                Err(error) => *cell.error.lock().expect("error") = Some(error.to_string()),
            }
        });
    }
    while tasks.join_next().await.is_some() {}
}

async fn talk(shared: &Shared, index: usize, route: Route) -> io::Result<()> {
    let Shared { talk, .. } = shared;
    let cell = &shared.cells[index];
    let socket = if route.source.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    socket.bind(SocketAddr::new(route.source, 0))?;
    cell.port.store(socket.local_addr()?.port(), Ordering::SeqCst);
    let mut stream = socket.connect(route.destination).await?;
    cell.connected.store(true, Ordering::SeqCst);
    stream.set_nodelay(true)?;
    let mut state = u64::try_from(index).expect("a number");
    let mut answer = vec![0; talk.bytes];
    while !shared.close.load(Ordering::SeqCst) {
        if shared.pause.load(Ordering::SeqCst) {
            // An end is seen even where nothing is said.
            readable_end(&stream).await?;
            continue;
        }
        let question = bytes(&mut state, talk.bytes);
        let (mut reader, mut writer) = stream.split();
        let exchange =
            async { tokio::try_join!(writer.write_all(&question), reader.read_exact(&mut answer)) };
        tokio::time::timeout(SILENCE, exchange)
            .await
            .map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
        if answer != question {
            return Err(io::Error::other("the answer is not what was sent"));
        }
        cell.bytes
            .fetch_add(u64::try_from(talk.bytes).expect("a length"), Ordering::SeqCst);
        tokio::time::sleep(talk.interval).await;
    }
    stream.shutdown().await?;
    match stream.read(&mut answer).await? {
        0 => Ok(()),
        _ => Err(io::Error::other("an answer nobody asked for")),
    }
}

/// Waits a little; an error if the connection has ended meanwhile.
async fn readable_end(stream: &TcpStream) -> io::Result<()> {
    let mut byte = [0];
    match tokio::time::timeout(PAUSE, stream.peek(&mut byte)).await {
        Err(_) => Ok(()),
        Ok(Ok(0)) => Err(io::ErrorKind::UnexpectedEof.into()),
        Ok(Ok(_)) => Err(io::Error::other("an answer nobody asked for")),
        Ok(Err(error)) => Err(error),
    }
}

/// Bytes that differ everywhere (splitmix64).
fn bytes(state: &mut u64, length: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = *state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bytes.extend((z ^ (z >> 31)).to_be_bytes());
    }
    bytes.truncate(length);
    bytes
}
