//! The API of a machine over HTTPS, with the certificate known by its fingerprint alone, as an operator knows it.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use ravelin_test_harness::{Answer, Namespace};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, SignatureScheme, StreamOwned};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::networks::BOX4;

/// Longest wait for a connection.
const CONNECT: Duration = Duration::from_secs(10);
/// Longest silence within an exchange: a slow emulator checks the signature of a large upload.
const SILENCE: Duration = Duration::from_secs(180);

/// How the API is reached.
#[derive(Debug, Clone, Copy)]
enum Way<'a> {
    Forwarded(u16),
    Network(&'a Namespace),
}

/// A client of the API.
#[derive(Debug, Clone)]
pub struct Api<'a> {
    way: Way<'a>,
    fingerprint: Option<String>,
    token: Option<String>,
}

impl<'a> Api<'a> {
    /// Through a forwarded port of 127.0.0.1. Takes any certificate until it is told the fingerprint.
    pub fn forwarded(port: u16) -> Self {
        Self::new(Way::Forwarded(port))
    }

    /// From a host on the LAN. Takes any certificate until it is told the fingerprint.
    pub fn from_lan(namespace: &'a Namespace) -> Self {
        Self::new(Way::Network(namespace))
    }

    fn new(way: Way<'a>) -> Self {
        Self {
            way,
            fingerprint: None,
            token: None,
        }
    }

    /// Takes only the certificate with this SHA-256, in hex, with or without colons.
    pub fn pinned(mut self, fingerprint: &str) -> Self {
        self.fingerprint = Some(plain(fingerprint));
        self
    }

    /// Shows a token from now on.
    pub fn with_token(mut self, token: &str) -> Self {
        self.token = Some(token.to_owned());
        self
    }

    /// Asks; the error is the transport's.
    pub fn try_send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> io::Result<Answer> {
        let tcp = self.connect()?;
        tcp.set_read_timeout(Some(SILENCE))?;
        tcp.set_write_timeout(Some(SILENCE))?;
        let verifier = Arc::new(Verifier::new(self.fingerprint.clone()));
        let provider = Arc::clone(&verifier.provider);
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_no_client_auth();
        let name = ServerName::try_from(BOX4).map_err(io::Error::other)?;
        let tls = ClientConnection::new(Arc::new(config), name).map_err(io::Error::other)?;
        let mut stream = StreamOwned::new(tls, tcp);
        let mut head = format!("{method} {path} HTTP/1.1\r\nhost: {BOX4}\r\nconnection: close\r\n");
        head.push_str(&format!("content-length: {}\r\n", body.len()));
        if let Some(token) = &self.token {
            head.push_str(&format!("authorization: Bearer {token}\r\n"));
        }
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        stream.write_all(head.as_bytes())?;
        // A refused upload is answered before its end; the answer is worth more than the error.
        let written = stream.write_all(body).and_then(|()| stream.flush());
        let mut answer = Vec::new();
        let read = stream.read_to_end(&mut answer);
        match parse(&answer) {
            Some(answer) => Ok(answer),
            None => Err(written
                .err()
                .or(read.err())
                .unwrap_or_else(|| io::Error::from(io::ErrorKind::UnexpectedEof))),
        }
    }

    /// Asks with JSON, or nothing for null; the error is the transport's.
    pub fn try_json(&self, method: &str, path: &str, value: &Value) -> io::Result<Answer> {
        let body = if value.is_null() {
            String::new()
        } else {
            value.to_string()
        };
        let mut headers = Vec::new();
        if !value.is_null() {
            headers.push(("content-type", "application/json"));
        }
        if matches!(method, "PATCH" | "PUT" | "DELETE") {
            headers.push(("if-match", "*"));
        }
        self.try_send(method, path, &headers, body.as_bytes())
    }

    /// Asks with JSON, or nothing for null. Panics if there is no answer.
    #[track_caller]
    pub fn json(&self, method: &str, path: &str, value: &Value) -> Answer {
        self.try_json(method, path, value)
            .unwrap_or_else(|error| panic!("{method} {path}: {error}"))
    }

    /// GET.
    #[track_caller]
    pub fn get(&self, path: &str) -> Answer {
        self.json("GET", path, &Value::Null)
    }

    /// POST of JSON, or of nothing for null.
    #[track_caller]
    pub fn post(&self, path: &str, value: &Value) -> Answer {
        self.json("POST", path, value)
    }

    /// PATCH whatever is there.
    #[track_caller]
    pub fn patch(&self, path: &str, value: &Value) -> Answer {
        self.json("PATCH", path, value)
    }

    /// The SHA-256 of the certificate the machine shows, in hex.
    pub fn certificate(&self) -> io::Result<String> {
        let verifier = Arc::new(Verifier::new(None));
        let config = ClientConfig::builder_with_provider(Arc::clone(&verifier.provider))
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::clone(&verifier) as Arc<dyn ServerCertVerifier>)
            .with_no_client_auth();
        let name = ServerName::try_from(BOX4).map_err(io::Error::other)?;
        let mut tls = ClientConnection::new(Arc::new(config), name).map_err(io::Error::other)?;
        let mut tcp = self.connect()?;
        tcp.set_read_timeout(Some(SILENCE))?;
        while tls.is_handshaking() {
            tls.complete_io(&mut tcp)?;
        }
        let shown = verifier.shown.lock().unwrap_or_else(PoisonError::into_inner);
        shown.clone().ok_or_else(|| io::Error::other("no certificate"))
    }

    fn connect(&self) -> io::Result<TcpStream> {
        let to = |address: SocketAddr| TcpStream::connect_timeout(&address, CONNECT);
        match self.way {
            Way::Forwarded(port) => to(([127, 0, 0, 1], port).into()),
            Way::Network(namespace) => {
                let address = format!("{BOX4}:443").parse().map_err(io::Error::other)?;
                namespace.within(|| to(address))
            }
        }
    }
}

/// A fingerprint in lower case without colons.
pub fn plain(fingerprint: &str) -> String {
    let hex = fingerprint.chars().filter(char::is_ascii_hexdigit);
    hex.map(|digit| digit.to_ascii_lowercase()).collect()
}

#[derive(Debug)]
struct Verifier {
    provider: Arc<CryptoProvider>,
    wanted: Option<String>,
    shown: Mutex<Option<String>>,
}

impl Verifier {
    fn new(wanted: Option<String>) -> Self {
        Self {
            provider: Arc::new(ring::default_provider()),
            wanted,
            shown: Mutex::new(None),
        }
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let shown: String = Sha256::digest(certificate)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let good = self.wanted.as_ref().is_none_or(|wanted| *wanted == shown);
        *self.shown.lock().unwrap_or_else(PoisonError::into_inner) = Some(shown);
        if good {
            Ok(ServerCertVerified::assertion())
        } else {
            Err(rustls::Error::InvalidCertificate(
                rustls::CertificateError::ApplicationVerificationFailure,
            ))
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

/// The last answer in the bytes of a connection that has ended; interim answers are passed over. None if it is not
/// whole.
fn parse(bytes: &[u8]) -> Option<Answer> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&bytes[..end]).ok()?;
    let mut lines = head.split("\r\n");
    let status: u16 = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let body = &bytes[end + 4..];
    if status < 200 {
        return parse(body);
    }
    let mut headers = HeaderMap::new();
    for line in lines {
        let (name, value) = line.split_once(':')?;
        headers.append(
            HeaderName::try_from(name).ok()?,
            HeaderValue::try_from(value.trim()).ok()?,
        );
    }
    let value = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let body = if value("transfer-encoding") == Some("chunked") {
        joined(body)?
    } else {
        match value("content-length") {
            Some(length) => body.get(..length.parse().ok()?)?.to_vec(),
            None => body.to_vec(),
        }
    };
    Some(Answer {
        status,
        headers,
        body: Bytes::from(body),
    })
}

/// Chunks of RFC 9112 section 7.1 put together; None if the last is missing.
fn joined(mut chunks: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let end = chunks.windows(2).position(|window| window == b"\r\n")?;
        let size = std::str::from_utf8(&chunks[..end]).ok()?.split(';').next()?;
        let size = usize::from_str_radix(size.trim(), 16).ok()?;
        if size == 0 {
            return Some(body);
        }
        chunks = &chunks[end + 2..];
        body.extend(chunks.get(..size)?);
        chunks = chunks.get(size + 2..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_whole_or_not_at_all() {
        let whole = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nETag: \"7\"\r\nContent-Length: 2\r\n\r\n{}";
        let answer = parse(whole).expect("an answer");
        assert_eq!((answer.status, answer.text().as_str()), (201, "{}"));
        assert_eq!(answer.headers["etag"], "\"7\"");
        assert!(parse(&whole[..whole.len() - 1]).is_none());
        let chunked =
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n1\r\nd\r\n0\r\n\r\n";
        assert_eq!(parse(chunked).expect("an answer").text(), "abcd");
        assert!(parse(&chunked[..chunked.len() - 5]).is_none());
    }

    #[test]
    fn fingerprints_compare_however_they_are_written() {
        assert_eq!(plain("AB:cd"), "abcd");
    }
}
