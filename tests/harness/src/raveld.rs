//! The engine under test.

use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::Duration;

use serde_json::Value;

use crate::http::Client;
use crate::process::Process;
use crate::run_dir::RunDir;
use crate::wait::wait_until;
use crate::{Namespace, binary};

/// Longest wait for the engine to answer and to be ready.
const START: Duration = Duration::from_secs(20);

/// Circumstances of an engine.
#[derive(Debug, Clone)]
pub struct Setup {
    /// A BPF file system is mounted where the engine looks for it.
    pub bpffs: bool,
    /// A program with arguments that starts the engine, e.g. `setpriv` with fewer capabilities.
    pub wrapper: Vec<String>,
    /// More lines for the config file.
    pub config: String,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            bpffs: true,
            wrapper: Vec::new(),
            config: String::new(),
        }
    }
}

/// `raveld` in a namespace, with directories and a BPF file system of its own; killed when dropped.
#[derive(Debug)]
pub struct Raveld<'a> {
    namespace: &'a Namespace,
    setup: Setup,
    process: Option<Process>,
    program: PathBuf,
    dir: RunDir,
}

impl<'a> Raveld<'a> {
    /// Starts it and waits until it says it is ready.
    pub fn start(namespace: &'a Namespace) -> Self {
        let raveld = Self::start_with(namespace, Setup::default());
        raveld.wait_ready();
        raveld
    }

    /// Starts it in other circumstances and waits until it answers.
    pub fn start_with(namespace: &'a Namespace, setup: Setup) -> Self {
        let dir = RunDir::new();
        if setup.bpffs {
            dir.mount_bpffs();
        }
        let at = |name| dir.join(name).display().to_string();
        let config = format!(
            "state_dir = '{}'\nrun_dir = '{}'\nbpffs = '{}'\ngateway_user = 'nobody'\n{}\n",
            at("state"),
            at("run"),
            at("bpf"),
            setup.config
        );
        std::fs::write(dir.join("raveld.toml"), config).expect("config file");
        let mut raveld = Self {
            namespace,
            setup,
            process: None,
            program: binary("raveld"),
            dir,
        };
        raveld.start_again();
        raveld
    }

    /// Starts it after [`Self::kill`] or [`Self::terminate`] and waits until it answers.
    pub fn start_again(&mut self) {
        assert!(self.process.is_none(), "raveld is running");
        let program = &self.program;
        let mut words = self.setup.wrapper.iter();
        let mut command = match words.next() {
            None => self.namespace.command(program),
            Some(wrapper) => {
                let mut command = self.namespace.command(wrapper);
                command.args(words).arg(program);
                command
            }
        };
        command.arg("--config").arg(self.dir.join("raveld.toml"));
        self.process = Some(Process::spawn("raveld", command, self.dir.path()));
        let api = self.api();
        let request = crate::Request::new(http::Method::GET, "/healthz");
        wait_until("raveld answers", START, || {
            if let Some(status) = self.process.as_mut().and_then(Process::ended) {
                panic!("raveld ended: {status}");
            }
            api.try_send(&request).is_ok_and(|answer| answer.status == 200)
        });
    }

    /// Waits until `/readyz` says so.
    pub fn wait_ready(&self) {
        let api = self.api();
        let mut last = String::new();
        let ready = crate::eventually(START, || {
            let answer = api.get("/readyz");
            last = answer.text();
            (answer.status == 200).then_some(())
        });
        assert!(ready.is_some(), "raveld does not become ready: {last}");
    }

    /// Its API as root, over the Unix socket.
    pub fn api(&self) -> Client {
        Client::new(&self.socket())
    }

    /// Its Unix socket.
    pub fn socket(&self) -> PathBuf {
        self.dir.join("run/raveld.sock")
    }

    /// The socket for the gateway.
    pub fn gateway_socket(&self) -> PathBuf {
        self.dir.join("run/gateway.sock")
    }

    /// Its state directory.
    pub fn state(&self) -> PathBuf {
        self.dir.join("state")
    }

    /// Its BPF file system.
    pub fn bpffs(&self) -> PathBuf {
        self.dir.join("bpf")
    }

    /// Directory of its files.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Kernel's number of it.
    pub fn process_id(&self) -> u32 {
        self.process.as_ref().expect("raveld is running").id()
    }

    /// Everything it logged.
    pub fn log(&self) -> String {
        self.process.as_ref().map(Process::log).unwrap_or_default()
    }

    /// SIGKILL.
    pub fn kill(&mut self) {
        self.process.take().expect("raveld is running").kill();
    }

    /// SIGTERM; it must end well.
    pub fn terminate(&mut self) {
        let status = self.process.take().expect("raveld is running").terminate();
        assert!(status.success(), "raveld on SIGTERM: {status}");
    }

    /// Has the next start be that of another file with the same program, as after an upgrade.
    pub fn upgrade(&mut self, name: &str) {
        let copy = self.dir.join(name);
        std::fs::copy(&self.program, &copy).expect("copy the program");
        self.program = copy;
    }

    /// Removes everything pinned on its BPF file system, as a reboot does: links and maps go when nobody else has them.
    pub fn remove_pins(&self) {
        assert!(self.process.is_none(), "raveld is running");
        let pins = self.bpffs().join("ravelin");
        std::fs::remove_dir_all(&pins).expect("remove the pins");
    }

    /// `raveld detach` for its config.
    pub fn detach(&self) -> Output {
        self.namespace
            .command(&self.program)
            .args(["detach", "--config"])
            .arg(self.dir.join("raveld.toml"))
            .output()
            .expect("raveld detach")
    }

    /// Enables or disables a feature and gives its status.
    #[track_caller]
    pub fn switch(&self, feature: &str, on: bool) -> Value {
        let verb = if on { "enable" } else { "disable" };
        self.api()
            .post(&format!("/api/v1/ebpf/features/{feature}/{verb}"), &Value::Null)
            .expect(200)
            .json()
    }

    /// Adds a value to a list and gives the entry.
    #[track_caller]
    pub fn add_entry(&self, list: &str, value: &str) -> Value {
        let answer = self.api().post(
            &format!("/api/v1/lists/{list}/entries"),
            &serde_json::json!({ "value": value }),
        );
        assert!(matches!(answer.status, 200 | 201), "{}", answer.text());
        answer.json()["entries"][0].clone()
    }

    /// Replaces the entries of a list and gives the report.
    #[track_caller]
    pub fn import(&self, list: &str, text: &str) -> Value {
        self.api()
            .put_text(&format!("/api/v1/lists/{list}/entries"), text.to_owned())
            .expect(200)
            .json()
    }
}
