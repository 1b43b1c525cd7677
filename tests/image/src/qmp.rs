//! Commands for the emulator.

use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use ravelin_test_harness::eventually;
use serde_json::{Value, json};

/// Has the emulator behind a socket do something, and gives what it returns.
pub(crate) fn execute(socket: &Path, command: &str, arguments: &Value, limit: Duration) -> io::Result<Value> {
    let stream = eventually(limit, || UnixStream::connect(socket).ok())
        .ok_or_else(|| io::Error::from(io::ErrorKind::TimedOut))?;
    stream.set_read_timeout(Some(limit))?;
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut writer = stream;
    // A greeting comes first; commands are taken after `qmp_capabilities`.
    let mut greeting = String::new();
    reader.read_line(&mut greeting)?;
    for request in [
        json!({ "execute": "qmp_capabilities" }),
        json!({ "execute": command, "arguments": arguments }),
    ] {
        writeln!(writer, "{request}")?;
        let answer = answer(&mut reader)?;
        if request["execute"] == command {
            return Ok(answer);
        }
    }
    Err(io::Error::other("no answer"))
}

/// The next answer; events are passed over.
fn answer(reader: &mut impl BufRead) -> io::Result<Value> {
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof));
        }
        let message: Value = serde_json::from_str(&line)?;
        if let Some(value) = message.get("return") {
            return Ok(value.clone());
        }
        if let Some(error) = message.get("error") {
            return Err(io::Error::other(error.to_string()));
        }
    }
}
