//! `scripts/boot`, as somebody new uses it: the API through a forwarded port, by UEFI.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use ravelin_test_harness::{RunDir, eventually, privileged};
use ravelin_tests_image::{
    Api, BOOT, Console, FINGERPRINT, PATIENCE, READY, VERSION, access_token, first_token, image_file, plain,
};
use serde_json::{Value, json};

/// The script, and by `exec` the emulator. Killed when dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn scripts_boot_brings_the_image_up_by_uefi_with_its_api_on_a_port_of_localhost() {
    if !privileged("image") {
        return;
    }
    let directory = RunDir::new();
    let port = free_port();
    let mut child = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/boot"))
        .args(["--uefi", "--accel", "tcg", "--port", &port.to_string(), "--disk"])
        .arg(directory.join("disk.qcow2"))
        .arg("--image")
        .arg(image_file(&format!("ravelin-{VERSION}.raw")))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("scripts/boot");
    let (screen, keyboard) = (child.stdout.take(), child.stdin.take());
    let _running = Running(child);
    let mut console = Console::new(screen.expect("its output"), keyboard.expect("its input"));
    console.wait_for(READY, 0, BOOT);
    let shown = console.wait_for(FINGERPRINT, 0, PATIENCE).text;
    let (_, fingerprint) = shown.split_once(FINGERPRINT).expect("the fingerprint");

    let api = Api::forwarded(port);
    let certificate = eventually(PATIENCE, || api.certificate().ok()).expect("a certificate");
    assert_eq!(
        certificate,
        plain(fingerprint),
        "the console shows another certificate"
    );
    let api = api.pinned(fingerprint);
    let refused = api.get("/api/v1/config");
    assert_eq!(refused.status, 401, "{}", refused.text());
    let token = access_token(&api, &first_token(&mut console));
    let api = api.with_token(&token);
    let rule = json!({ "name": "first", "from_zone": "lan", "to_zone": "wan", "action": "drop",
        "services": [{ "protocol": "tcp", "destination_ports": ["25"] }] });
    api.post("/api/v1/rules", &rule).expect(201);
    api.post("/api/v1/ebpf/features/dns_blocklist/enable", &Value::Null)
        .expect(200);
    let feature = eventually(PATIENCE, || {
        let feature = api.get("/api/v1/ebpf/features/dns_blocklist").expect(200).json();
        (feature["state"] == "active").then_some(feature)
    });
    assert!(feature.is_some(), "dns_blocklist does not get to work");
    // Another certificate would not have been taken.
    let other = Api::forwarded(port).pinned(&"00".repeat(32));
    assert!(other.try_json("GET", "/healthz", &Value::Null).is_err());
}

fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    listener.local_addr().expect("its address").port()
}
