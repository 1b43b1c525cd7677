//! Bytes on the socket, for what no well-behaved client would send.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// A connection without a client.
#[derive(Debug)]
pub struct Raw {
    stream: UnixStream,
    seen: String,
}

impl Raw {
    pub fn open(socket: &Path) -> Self {
        let stream = UnixStream::connect(socket).expect("connect");
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .expect("timeout");
        Self {
            stream,
            seen: String::new(),
        }
    }

    /// Sends these bytes. The other end may have hung up already.
    pub fn send(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes);
    }

    /// Says that no more will come.
    pub fn finish(&mut self) {
        let _ = self.stream.shutdown(std::net::Shutdown::Write);
    }

    /// Reads until the text after what was read before contains `wanted`; answers it up to there.
    #[track_caller]
    pub fn read_until(&mut self, wanted: &str) -> String {
        let mut buffer = [0; 4096];
        loop {
            if let Some(at) = self.seen.find(wanted) {
                return self.seen.drain(..at + wanted.len()).collect();
            }
            let count = self.stream.read(&mut buffer).expect("more to read");
            assert!(count > 0, "the connection ended after {:?}", self.seen);
            self.seen.push_str(&String::from_utf8_lossy(&buffer[..count]));
        }
    }

    /// Reads until the other end hangs up.
    pub fn read_to_end(&mut self) -> String {
        let mut bytes = Vec::new();
        // A reset is an end, too.
        let _ = self.stream.read_to_end(&mut bytes);
        std::mem::take(&mut self.seen) + &String::from_utf8_lossy(&bytes)
    }
}
