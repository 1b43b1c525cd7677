//! A raveld with directories of its own.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use ravelin_test_harness::eventually;
use tempfile::TempDir;

/// Longest wait for anything.
const PATIENCE: Duration = Duration::from_secs(20);

/// What a run of the program came to.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub output: String,
    pub errors: String,
}

/// Runs the program to its end.
pub fn raveld(arguments: &[&str]) -> Ended {
    let output = Command::new(env!("CARGO_BIN_EXE_raveld"))
        .args(arguments)
        .output()
        .expect("run raveld");
    Ended {
        code: output.status.code(),
        output: String::from_utf8(output.stdout).expect("text"),
        errors: String::from_utf8(output.stderr).expect("text"),
    }
}

/// A running raveld; killed when dropped.
#[derive(Debug)]
pub struct Daemon {
    directory: TempDir,
    config: String,
    arguments: Vec<&'static str>,
    process: Option<Child>,
}

impl Daemon {
    /// Starts it with more lines of configuration, and waits until it has started.
    pub fn start(more: &str) -> Self {
        let mut daemon = Self::prepare(more);
        daemon.start_again();
        daemon
    }

    /// One of the appliance: with a slot, and cards of its own.
    pub fn of_slot(slot: &'static str, cards: &[&str]) -> Self {
        let mut daemon = Self::prepare("");
        daemon.arguments = vec!["--slot", slot];
        let root = daemon.directory.path();
        fs::write(root.join("first-boot"), "").expect("marker");
        for card in cards {
            let device = root.join("net").join(card);
            let place = root.join("bus").join(card);
            fs::create_dir_all(&device).expect("device");
            fs::create_dir_all(&place).expect("place");
            symlink(&place, device.join("device")).expect("link");
            let address = format!("02:00:00:00:00:{:02x}", card.as_bytes()[card.len() - 1]);
            for (file, text) in [("type", "1"), ("dev_port", "0"), ("address", &address)] {
                fs::write(device.join(file), text).expect("write");
            }
        }
        let more = format!(
            "first_boot_marker = '{root}/first-boot'\nfirst_config = '{root}/config.json'\nnetwork_devices = \
             '{root}/net'\n{}[policy]\nenforce = 'always'\n",
            fs::read_to_string(&daemon.config).expect("config"),
            root = root.display(),
        );
        fs::write(&daemon.config, more).expect("config");
        daemon
    }

    fn prepare(more: &str) -> Self {
        let directory = tempfile::tempdir().expect("directory");
        let root = directory.path().display();
        let datapath = if more.contains("datapath") {
            ""
        } else {
            "datapath = 'sim'\n"
        };
        let text = format!(
            "state_dir = '{root}/state'\nrun_dir = '{root}/run'\ngroup = 'no-such-group'\n\
             gateway_user = 'no-such-user'\n{datapath}{more}"
        );
        let config = directory.path().join("raveld.toml");
        fs::write(&config, text).expect("config");
        Self {
            config: config.to_str().expect("text").to_owned(),
            arguments: Vec::new(),
            directory,
            process: None,
        }
    }

    /// The next start is of another slot.
    pub fn run_as_slot(&mut self, slot: &'static str) {
        self.arguments = vec!["--slot", slot];
    }

    /// Where everything of it is.
    pub fn root(&self) -> &Path {
        self.directory.path()
    }

    /// Starts it once more; the log goes on.
    pub fn start_again(&mut self) {
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.log_path())
            .expect("log");
        let starts = self.log().matches("raveld has started").count();
        let process = Command::new(env!("CARGO_BIN_EXE_raveld"))
            .args(["--config", &self.config])
            .args(&self.arguments)
            .env_remove("NOTIFY_SOCKET")
            .env_remove("RUST_LOG")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("start raveld");
        self.process = Some(process);
        self.wait("start", |daemon| {
            let ended = daemon
                .process
                .as_mut()
                .and_then(|process| process.try_wait().expect("status"));
            assert!(ended.is_none(), "raveld ended: {}", daemon.log());
            daemon.log().matches("raveld has started").count() > starts
        });
    }

    /// Begins another start, and kills it after this time or when it has started.
    pub fn start_and_kill_after(&mut self, time: Duration) {
        let log = File::options()
            .append(true)
            .create(true)
            .open(self.log_path())
            .expect("log");
        let process = Command::new(env!("CARGO_BIN_EXE_raveld"))
            .args(["--config", &self.config])
            .args(&self.arguments)
            .env_remove("NOTIFY_SOCKET")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("start raveld");
        self.process = Some(process);
        std::thread::sleep(time);
        self.kill();
    }

    /// SIGKILL.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().expect("kill");
            process.wait().expect("wait");
        }
    }

    /// Sends a signal and waits for the end; answers status and log.
    pub fn signal(&mut self, signal: &str) -> (ExitStatus, String) {
        let id = self.id().to_string();
        let sent = Command::new("kill")
            .args(["-s", signal, &id])
            .status()
            .expect("kill");
        assert!(sent.success());
        let mut ended = None;
        self.wait("end", |daemon| {
            ended = daemon
                .process
                .as_mut()
                .and_then(|process| process.try_wait().expect("status"));
            ended.is_some()
        });
        self.process = None;
        (ended.expect("ended"), self.log())
    }

    pub fn id(&self) -> u32 {
        self.process.as_ref().expect("runs").id()
    }

    pub fn config(&self) -> &str {
        &self.config
    }

    pub fn state_dir(&self) -> PathBuf {
        self.directory.path().join("state")
    }

    pub fn run_dir(&self) -> PathBuf {
        self.directory.path().join("run")
    }

    /// A connection to the administrators' socket.
    pub fn connect(&self) -> UnixStream {
        let stream = UnixStream::connect(self.run_dir().join("raveld.sock")).expect("connect");
        stream.set_read_timeout(Some(PATIENCE)).expect("timeout");
        stream
    }

    /// The whole answer to a request without a body.
    pub fn request(&self, method: &str, path: &str) -> String {
        self.send(method, path, "")
    }

    /// The whole answer to a request with a body of JSON.
    pub fn send(&self, method: &str, path: &str, body: &str) -> String {
        let mut stream = self.connect();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nIf-Match: *\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(head.as_bytes()).expect("send");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("answer");
        answer
    }

    fn log(&self) -> String {
        fs::read_to_string(self.log_path()).unwrap_or_default()
    }

    fn log_path(&self) -> PathBuf {
        self.directory.path().join("log")
    }

    fn wait(&mut self, what: &str, mut done: impl FnMut(&mut Self) -> bool) {
        let waited = eventually(PATIENCE, || done(self).then_some(()));
        assert!(waited.is_some(), "raveld did not {what}: {}", self.log());
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Sends a request that keeps the connection.
pub fn send(mut stream: &UnixStream, method: &str, path: &str) {
    let head = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    stream.write_all(head.as_bytes()).expect("send");
}

/// What there is of an answer.
pub fn read_some(mut stream: &UnixStream) -> String {
    let mut buffer = [0; 4096];
    let count = stream.read(&mut buffer).expect("answer");
    String::from_utf8_lossy(&buffer[..count]).into_owned()
}
