//! Scripts of the repository.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .expect("root of the repository")
        .to_owned()
}

/// Runs a script to its end, which must be a good one, and gives its standard output.
#[track_caller]
pub fn call(script: &str, arguments: &[&str]) -> String {
    let output = Command::new(script)
        .args(arguments)
        .current_dir(root())
        .stderr(Stdio::inherit())
        .output()
        .unwrap_or_else(|error| panic!("{script}: {error}"));
    assert!(
        output.status.success(),
        "{script} {arguments:?}: {}",
        output.status
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A script in the foreground of its own, as in a terminal.
#[derive(Debug)]
pub struct Script {
    child: Child,
    output: BufReader<ChildStdout>,
}

impl Script {
    /// Starts it.
    pub fn start(script: &str, arguments: &[&str]) -> Self {
        let mut child = Command::new(script)
            .args(arguments)
            .current_dir(root())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap_or_else(|error| panic!("{script}: {error}"));
        let output = BufReader::new(child.stdout.take().expect("standard output"));
        Self { child, output }
    }

    /// What it prints up to and with the line that contains a text.
    #[track_caller]
    pub fn wait_for(&mut self, text: &str) -> String {
        let mut printed = String::new();
        while !printed.contains(text) {
            let read = self.output.read_line(&mut printed).expect("output of the script");
            assert!(read > 0, "it ended before it said {text:?}:\n{printed}");
        }
        printed
    }

    /// Ctrl-C; waits for its end.
    pub fn interrupt(mut self) {
        call("kill", &["-INT", &self.child.id().to_string()]);
        // It goes on printing logs until it ends; nobody reading would block it.
        std::io::copy(&mut self.output, &mut std::io::sink()).expect("rest of the output");
        self.child.wait().expect("wait for the script");
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        if self.child.try_wait().is_ok_and(|status| status.is_none()) {
            let _ = self.child.kill();
            let _ = self.child.wait();
            let _ = Command::new("scripts/up")
                .arg("--down")
                .current_dir(root())
                .status();
        }
    }
}
