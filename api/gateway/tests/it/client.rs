//! TLS clients.

use std::sync::Arc;

use reqwest::{Certificate, Client, Response};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::gateway::{Gateway, PATIENCE, Place};

/// Protocol versions every test of requests runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Http {
    One,
    Two,
}

impl Http {
    pub const BOTH: [Self; 2] = [Self::One, Self::Two];

    pub fn version(self) -> reqwest::Version {
        match self {
            Self::One => reqwest::Version::HTTP_11,
            Self::Two => reqwest::Version::HTTP_2,
        }
    }
}

fn install_provider() {
    // Another test of this process may have been first.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// A client that trusts the certificate the gateway made and nothing else.
pub fn client(place: &Place, http: Http) -> Client {
    client_trusting(&place.certificate_pem(), http)
}

pub fn client_trusting(pem: &[u8], http: Http) -> Client {
    install_provider();
    let builder = Client::builder()
        .tls_certs_only([Certificate::from_pem(pem).unwrap()])
        .no_proxy()
        .timeout(PATIENCE);
    let builder = match http {
        Http::One => builder.http1_only(),
        Http::Two => builder,
    };
    builder.build().unwrap()
}

/// A bare TLS connection without ALPN, so HTTP/1.1.
pub async fn connect(place: &Place, gateway: &Gateway) -> TlsStream<TcpStream> {
    try_connect(place, gateway).await.unwrap()
}

pub async fn try_connect(place: &Place, gateway: &Gateway) -> std::io::Result<TlsStream<TcpStream>> {
    install_provider();
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(&place.certificate_pem()).unwrap())
        .unwrap();
    let config = ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let tcp = TcpStream::connect(gateway.address).await?;
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, tcp).await
}

/// Sends text on a bare connection and reads until the gateway closes it.
pub async fn exchange(mut stream: TlsStream<TcpStream>, text: &str) -> String {
    stream.write_all(text.as_bytes()).await.unwrap();
    read_to_end(stream).await
}

/// Reads until the gateway closes the connection, cleanly or not.
pub async fn read_to_end(mut stream: impl tokio::io::AsyncRead + Unpin) -> String {
    let mut all = Vec::new();
    let read = async { while matches!(stream.read_buf(&mut all).await, Ok(n) if n > 0) {} };
    tokio::time::timeout(PATIENCE, read)
        .await
        .expect("the gateway closes the connection");
    String::from_utf8(all).unwrap()
}

/// Checks that the answer is a problem of this status and type, and gives its body and headers.
#[track_caller]
pub fn assert_problem(answer: &Response, status: u16) {
    assert_eq!(answer.status().as_u16(), status);
    assert_eq!(answer.headers()["content-type"], "application/problem+json");
}

pub async fn problem(answer: Response, status: u16) -> Value {
    assert_problem(&answer, status);
    let id = answer.headers()["x-request-id"].to_str().unwrap().to_owned();
    let body: Value = answer.json().await.unwrap();
    assert_eq!(
        (&body["status"], &body["request_id"]),
        (&status.into(), &id.into())
    );
    body
}
