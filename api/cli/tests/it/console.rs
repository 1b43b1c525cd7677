//! The console on a terminal of its own (`script` of util-linux makes one).

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use crate::engine::{Engine, Reply};
use crate::samples::{NOT_READY, WAN, page};

const PATIENCE: Duration = Duration::from_secs(60);

const POLICY: &str = r#"{"revision":4,"enforced":true,"problems":[]}"#;
const CONFIG: &str = r#"{"zones":[{"name":"lan","interfaces":["wan0"],"management":true}],"zone_pairs":[],"rules":[],
    "services":[],"nat_rules":[],"published_services":[]}"#;

const CERTIFICATE_FILE: &str = "certificate.pem";
/// Nobody looks into it.
const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";

/// The console, and everything it has shown.
struct Console {
    process: Child,
    keys: Option<ChildStdin>,
    output: Receiver<Vec<u8>>,
    shown: String,
}

/// Where the gateway would listen.
fn gateway() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").unwrap()
}

impl Console {
    fn start(engine: &Engine, gateway: SocketAddr) -> Self {
        let token = engine.file("admin-token", "rva_secret\n");
        let command = format!(
            "exec {} --socket {} console --admin-token {} --certificate {} --shell /bin/bash \
             --gateway {gateway}",
            env!("CARGO_BIN_EXE_ravelin"),
            engine.socket().display(),
            token.display(),
            token.with_file_name(CERTIFICATE_FILE).display(),
        );
        let mut process = Command::new("script")
            .args(["-q", "-f", "-e", "-c", &command, "/dev/null"])
            .env("SHELL", "/bin/sh")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut out = process.stdout.take().unwrap();
        let (sender, output) = channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = out.read(&mut buffer) {
                if sender.send(buffer[..count].to_vec()).is_err() {
                    return;
                }
            }
        });
        Self {
            keys: process.stdin.take(),
            process,
            output,
            shown: String::new(),
        }
    }

    /// Waits until it shows this after what was waited for before; gives what it has shown until then.
    #[track_caller]
    fn wait(&mut self, text: &str) -> String {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(at) = self.shown.find(text) {
                return self.shown.drain(..at + text.len()).collect();
            }
            let left = end.saturating_duration_since(Instant::now());
            let Ok(more) = self.output.recv_timeout(left) else {
                panic!("{text:?} was not shown: {:?}", self.shown);
            };
            self.shown.push_str(&String::from_utf8_lossy(&more));
        }
    }

    fn send(&mut self, keys: &str) {
        self.keys.as_mut().unwrap().write_all(keys.as_bytes()).unwrap();
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        self.keys = None;
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn system(recovery: &str) -> Reply {
    Reply::json(&format!(
        r#"{{"appliance":true,"version":"0.1.0","image_version":"7.8","slots":[],"booted_slot":"a","temperatures":[],
        "clock":{{"now":"2026-11-20T10:00:00Z","synchronised":true}},"first_boot":false,"recovery":{recovery}}}"#
    ))
}

fn engine(recovery: &str, readiness: Reply) -> Engine {
    Engine::new([
        ("GET /readyz", readiness),
        ("GET /api/v1/system", system(recovery)),
        ("GET /api/v1/policy", Reply::json(POLICY)),
        ("GET /api/v1/interfaces?limit=1000", page(&[WAN])),
        ("GET /api/v1/config", Reply::json(CONFIG)),
        ("POST /api/v1/system/reboot", Reply::new(202, "", "")),
    ])
}

#[test]
fn it_shows_the_state_and_does_what_it_is_asked_for() {
    let engine = engine(
        r#"{"state":"none","volatile":false}"#,
        Reply::json(r#"{"status":"ready","revision":4}"#),
    );
    let address = gateway().local_addr().unwrap();
    let mut console = Console::start(&engine, address);
    console.wait("Ravelin 7.8, slot a");
    console.wait("health: ready, at revision 4");
    console.wait("wan0: 192.0.2.1/24, 2001:db8::1/64");
    console.wait("the gateway does not listen yet");
    assert!(!console.wait("> ").contains("Ravelin is ready"));
    let _gateway = TcpListener::bind(address).unwrap();
    console.wait("no certificate yet");
    assert!(!console.wait("> ").contains("Ravelin is ready"));
    engine.file(CERTIFICATE_FILE, CERTIFICATE);
    console.wait("certificate SHA-256 70:9E:80:");
    console.wait("Ravelin is ready: https://192.0.2.1/");
    // The keys that end other programs, and what is no choice.
    console.send("\u{3}\u{1a}\u{1c}nonsense\n");
    console.wait("choose one of the numbers");
    console.send("1\n");
    console.wait("Type: show");
    console.send("no\n");
    console.wait("nothing was done");
    assert!(!console.shown.contains("rva_secret"));
    console.send("1\n");
    console.wait("Type: show");
    console.send("show\n");
    console.wait("rva_secret");
    console.send("4\n");
    console.wait("type: yes");
    console.send("yes\n");
    console.wait("the machine will restart");
    assert!(engine.lines().contains(&"POST /api/v1/system/reboot".to_owned()));
    console.send("6\n");
    console.wait("Type: factory reset");
    console.send("yes\n");
    console.wait("nothing was done");
    assert!(!engine.lines().iter().any(|line| line.contains("factory-reset")));
    console.send("7\n");
    console.wait("comes back");
    console.send("echo the shell says $((6 * 7))\nexit\n");
    console.wait("the shell says 42");
    console.wait("Ravelin 7.8");
}

#[test]
fn it_says_what_is_wrong_in_characters_that_do_nothing() {
    let recovery = r#"{"state":"last_known_good","reason":"the \u001b[2Jstore","revision":7,
        "lost_after_revision":7,"volatile":false}"#;
    let engine = engine(recovery, Reply::problem(503, NOT_READY));
    let gateway = gateway();
    engine.file(CERTIFICATE_FILE, CERTIFICATE);
    let mut console = Console::start(&engine, gateway.local_addr().unwrap());
    console
        .wait("RECOVERY: last-known-good revision 7 since the \\u{1b}[2Jstore; revisions after 7 are lost");
    console.wait("health: NOT READY: dns_blocklist: no XDP on tun0");
    console.wait("Ravelin is ready: https://192.0.2.1/");
}

#[test]
fn it_says_what_to_do_without_an_engine() {
    let engine = Engine::new([]);
    std::fs::remove_file(engine.socket()).unwrap();
    let mut console = Console::start(&engine, gateway().local_addr().unwrap());
    console.wait("THE ENGINE DOES NOT ANSWER");
    console.wait("journalctl -b -u raveld");
    console.send("4\n");
    console.wait("type: yes");
    console.send("yes\n");
    console.wait("it did not work");
}
