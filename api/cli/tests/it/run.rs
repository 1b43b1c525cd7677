//! Runs the built command line.

use std::io::Write;
use std::process::{Command, Stdio};

use crate::engine::Engine;

/// What a run printed, and how it ended.
#[derive(Debug, PartialEq, Eq)]
pub struct Run {
    pub status: i32,
    pub out: String,
    pub err: String,
}

/// Runs on the engine's socket.
pub fn ravelin(engine: &Engine, arguments: &[&str]) -> Run {
    ravelin_reading(engine, arguments, "")
}

/// Runs on the engine's socket with something on standard input.
pub fn ravelin_reading(engine: &Engine, arguments: &[&str], input: &str) -> Run {
    let socket = engine.socket();
    run(
        &[&["--socket", socket.to_str().unwrap()], arguments].concat(),
        input,
    )
}

/// Runs anywhere.
pub fn run(arguments: &[&str], input: &str) -> Run {
    run_with(arguments, input, &[])
}

/// Runs anywhere with these variables.
pub fn run_with(arguments: &[&str], input: &str, variables: &[(&str, &str)]) -> Run {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ravelin"));
    for name in [
        "RAVELIN_SOCKET",
        "RAVELIN_URL",
        "RAVELIN_CA_CERT",
        "RAVELIN_TOKEN_FILE",
    ] {
        command.env_remove(name);
    }
    let mut child = command
        .args(arguments)
        .envs(variables.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Most commands end without reading it.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    Run {
        status: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Runs, expects success, and checks what was printed.
#[track_caller]
pub fn check(engine: &Engine, arguments: &[&str], expected: &str) {
    let run = ravelin(engine, arguments);
    assert_eq!((run.status, run.err.as_str()), (0, ""), "{arguments:?}");
    assert_eq!(run.out, expected, "{arguments:?}");
}
