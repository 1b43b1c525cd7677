//! The gateway in front of an engine.

use std::path::PathBuf;
use std::time::Duration;

use crate::process::Process;
use crate::raveld::Raveld;
use crate::wait::wait_until;
use crate::{Namespace, binary};

/// Longest wait for the gateway to answer.
const START: Duration = Duration::from_secs(20);

/// Where it listens, in the namespace of its engine.
const PORT: u16 = 8443;

/// `ravelin-gateway` as a user without privileges, in a namespace; killed when dropped.
#[derive(Debug)]
pub struct Gateway<'a> {
    namespace: &'a Namespace,
    process: Process,
    state: PathBuf,
}

impl<'a> Gateway<'a> {
    /// Starts it in front of `raveld` and waits until it answers.
    pub fn start(namespace: &'a Namespace, raveld: &Raveld<'_>) -> Self {
        let state = raveld.dir().join("gateway");
        // A place the user can reach, wherever the tests were built.
        let program = raveld.dir().join("ravelin-gateway");
        std::fs::copy(binary("ravelin-gateway"), &program).expect("copy the gateway");
        namespace.run(
            "install",
            &["-d", "-m", "0700", "-o", "nobody", &state.display().to_string()],
        );
        let config = raveld.dir().join("gateway.toml");
        let text = format!(
            "listen = '[::]:{PORT}'\nengine_socket = '{}'\nstate_dir = '{}'\n",
            raveld.gateway_socket().display(),
            state.display()
        );
        std::fs::write(&config, text).expect("config file");
        let mut command = namespace.command("setpriv");
        command
            .args(["--reuid=nobody", "--regid=nogroup", "--clear-groups"])
            .args(["--inh-caps=-all", "--bounding-set=-all", "--no-new-privs"])
            .arg(program)
            .arg("--config")
            .arg(config);
        let gateway = Self {
            namespace,
            process: Process::spawn("ravelin-gateway", command, raveld.dir()),
            state,
        };
        wait_until("the gateway answers", START, || {
            gateway.curl(&["/healthz"]).ends_with("200")
        });
        gateway
    }

    /// Runs curl against it with its certificate; the first argument is the path, the rest curl's. Gives curl's
    /// output and, at its end, the HTTP status.
    pub fn curl(&self, arguments: &[&str]) -> String {
        let (path, rest) = arguments.split_first().expect("a path");
        let output = self
            .namespace
            .command("curl")
            .args([
                "--silent",
                "--max-time",
                "30",
                "--write-out",
                "%{http_code}",
                "--cacert",
            ])
            .arg(self.certificate())
            .args(rest)
            .arg(format!("https://localhost:{PORT}{path}"))
            .output()
            .expect("curl");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// The certificate it made.
    pub fn certificate(&self) -> PathBuf {
        self.state.join("certificate.pem")
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("https://localhost:{PORT}")
    }

    /// Kernel's number of it.
    pub fn process_id(&self) -> u32 {
        self.process.id()
    }
}
