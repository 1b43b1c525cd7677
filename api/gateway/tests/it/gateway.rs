//! Starts the built gateway.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use ravelin_test_harness::eventually;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// Longest a test waits for something to happen.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Directories of one test: what the gateway keeps and where the engine's socket is.
pub struct Place(TempDir);

impl Place {
    pub fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    pub fn engine_socket(&self) -> PathBuf {
        self.0.path().join("gateway.sock")
    }

    pub fn state_dir(&self) -> PathBuf {
        self.0.path().join("state")
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Starts the gateway with more keys in its configuration and waits until it listens.
    pub fn start(&self, more: &str) -> Gateway {
        let config = self.path("gateway.toml");
        let text = format!(
            "listen = '127.0.0.1:0'\nengine_socket = '{}'\nstate_dir = '{}'\n{more}",
            self.engine_socket().display(),
            self.state_dir().display()
        );
        std::fs::write(&config, text).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_ravelin-gateway"))
            .arg("--config")
            .arg(config)
            .env_remove("RUST_LOG")
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let log = Arc::new(Mutex::new(Vec::new()));
        let (listening, address) = mpsc::channel();
        let kept = Arc::clone(&log);
        std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                if line.contains(" listening ") {
                    let field = line
                        .split("address=")
                        .nth(1)
                        .and_then(|rest| rest.split(' ').next());
                    let _ = listening.send(field.unwrap().parse::<SocketAddr>().unwrap());
                }
                kept.lock().unwrap().push(line);
            }
        });
        match address.recv_timeout(PATIENCE) {
            Ok(address) => Gateway { child, address, log },
            Err(error) => panic!("the gateway does not listen: {error}; {:?}", log.lock().unwrap()),
        }
    }

    pub fn certificate_pem(&self) -> Vec<u8> {
        std::fs::read(self.state_dir().join("certificate.pem")).unwrap()
    }
}

/// A running gateway; killed when dropped.
pub struct Gateway {
    child: Child,
    pub address: SocketAddr,
    log: Arc<Mutex<Vec<String>>>,
}

impl Gateway {
    pub fn url(&self, path: &str) -> String {
        format!("https://localhost:{}{path}", self.address.port())
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.child.id().cast_signed()).unwrap();
        kill_process(pid, signal).unwrap();
    }

    /// Waits for a line of the log that contains `text`.
    pub fn wait_for_log(&self, text: &str) -> String {
        let found = || {
            self.log
                .lock()
                .unwrap()
                .iter()
                .find(|line| line.contains(text))
                .cloned()
        };
        wait_for(&format!("the log to say {text:?}"), found)
    }

    /// Waits for the process to end.
    pub fn wait_for_exit(&mut self) -> ExitStatus {
        wait_for("the gateway to exit", || self.child.try_wait().unwrap())
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Polls until `probe` gives something.
pub fn wait_for<T>(what: &str, probe: impl FnMut() -> Option<T>) -> T {
    eventually(PATIENCE, probe).unwrap_or_else(|| panic!("waited too long for {what}"))
}
