//! Through the gateway: HTTPS with a certificate of its own.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;

use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use tempfile::TempDir;

use crate::engine::{Engine, Reply};
use crate::run::{Run, run, run_with};

const ANSWER: &str = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 64\r\n\r\n\
    {\"interfaces\": [], \"event_losses\": {\"suppressed\": 0, \"lost\": 0}}";

/// Answers every request over TLS until the test ends; gives the port and the PEM of its certificate.
fn gateway() -> (u16, String) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut tls = StreamOwned::new(connection, stream.unwrap());
            // A client that does not trust us breaks off here.
            if tls.read(&mut [0; 4096]).is_ok() {
                let _ = tls.write_all(ANSWER.as_bytes());
                tls.conn.send_close_notify();
                let _ = tls.flush();
            }
        }
    });
    (port, made.cert.pem())
}

/// Asks `https://HOST:PORT`, trusting this certificate and nothing else.
fn ask(host: &str, port: u16, trusted: Option<&str>) -> Run {
    let place = TempDir::new().unwrap();
    let file = place.path().join("certificate.pem");
    let url = format!("https://{host}:{port}");
    let mut arguments = vec!["--url", &url, "--json", "stats"];
    if let Some(pem) = trusted {
        std::fs::write(&file, pem).unwrap();
        arguments.extend(["--ca-cert", file.to_str().unwrap()]);
    }
    run(&arguments, "")
}

#[track_caller]
fn check(run: &Run, status: i32, said: &str) {
    assert_eq!(run.status, status, "{run:?}");
    assert!(run.err.contains(said), "{}", run.err);
}

#[test]
fn the_given_certificate_is_trusted() {
    let (port, pem) = gateway();
    check(&ask("localhost", port, Some(&pem)), 0, "");
}

#[test]
fn nothing_else_is_trusted_and_the_way_out_is_told() {
    let (port, pem) = gateway();
    let (_, other) = gateway();
    check(&ask("localhost", port, None), 3, "with --ca-cert");
    check(&ask("localhost", port, Some(&other)), 3, "with --ca-cert");
    check(
        &ask("127.0.0.1", port, Some(&pem)),
        3,
        "a host name it is valid for",
    );
}

#[test]
fn the_socket_needs_no_certificates_of_the_machine() {
    let engine = Engine::new([("GET /api/v1/ebpf/stats", Reply::json("{}"))]);
    let socket = engine.socket();
    let run = run_with(
        &["--socket", socket.to_str().unwrap(), "--json", "stats"],
        "",
        &[
            ("SSL_CERT_FILE", "/nonexistent"),
            ("SSL_CERT_DIR", "/nonexistent"),
        ],
    );
    check(&run, 0, "");
}
