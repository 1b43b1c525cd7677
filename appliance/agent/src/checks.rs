//! What a slot on trial has to show, asked of those who know.

use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use ravelin_model::chain;
use reqwest::Client;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
use tokio::process::Command;

use crate::config::Config;

/// Longest wait for one answer.
const ANSWER: Duration = Duration::from_secs(5);

/// The first thing that is not well.
pub async fn missing(config: &Config) -> Option<String> {
    if let Err(reason) = boot_finished(config).await {
        return Some(format!("the boot is not finished: {reason}"));
    }
    if let Err(reason) = engine_ready(config).await {
        return Some(format!("the engine is not ready: {reason}"));
    }
    if let Err(reason) = gateway_answers(config).await {
        return Some(format!("the gateway does not answer: {reason}"));
    }
    None
}

/// The service manager has started all it was to start; some of it may have failed, what matters is asked itself.
async fn boot_finished(config: &Config) -> Result<(), String> {
    let asked = Command::new(&config.programs.systemctl)
        .arg("is-system-running")
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .output();
    let answer = tokio::time::timeout(ANSWER, asked)
        .await
        .map_err(|_| "the service manager does not answer")?
        .map_err(|error| format!("systemctl cannot be run: {error}"))?;
    match String::from_utf8_lossy(&answer.stdout).trim() {
        "running" | "degraded" => Ok(()),
        "" => Err("the service manager says nothing".to_owned()),
        other => Err(format!("the system is {other}")),
    }
}

/// Its programs are attached, with the revision that is stored.
async fn engine_ready(config: &Config) -> Result<(), String> {
    let client = Client::builder()
        .timeout(ANSWER)
        .unix_socket(config.engine_socket.as_path())
        .build()
        .map_err(|error| chain(&error))?;
    let answer = client
        .get("http://localhost/readyz")
        .send()
        .await
        .map_err(|error| chain(&error))?;
    if answer.status().is_success() {
        return Ok(());
    }
    let status = answer.status();
    let problem: serde_json::Value = answer.json().await.unwrap_or_default();
    Err(problem["detail"]
        .as_str()
        .map_or_else(|| status.to_string(), str::to_owned))
}

/// It speaks TLS with its own certificate and reaches the engine.
async fn gateway_answers(config: &Config) -> Result<(), String> {
    let tls = pinned(&config.gateway_certificate)?;
    let client = Client::builder()
        .timeout(ANSWER)
        .no_proxy()
        .tls_backend_preconfigured(tls)
        .build()
        .map_err(|error| chain(&error))?;
    let answer = client
        .get(format!("https://{}/healthz", config.gateway))
        .send()
        .await
        .map_err(|error| chain(&error))?;
    match answer.status() {
        status if status.is_success() => Ok(()),
        status => Err(status.to_string()),
    }
}

/// TLS that trusts one certificate alone, whatever names it has and whoever issued it.
fn pinned(certificate: &Path) -> Result<ClientConfig, String> {
    let pem = std::fs::read(certificate).map_err(|error| format!("{}: {error}", certificate.display()))?;
    let certificate = CertificateDer::from_pem_slice(&pem)
        .map_err(|error| format!("{} holds no certificate: {error}", certificate.display()))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = Arc::new(Pinned {
        certificate,
        provider: Arc::clone(&provider),
    });
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    Ok(config)
}

/// Takes one certificate and no other; that its key is there, the handshake shows.
#[derive(Debug)]
struct Pinned {
    certificate: CertificateDer<'static>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if end_entity.as_ref() == self.certificate.as_ref() {
            Ok(ServerCertVerified::assertion())
        } else {
            Err(Error::General(
                "another certificate than the gateway's".to_owned(),
            ))
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(
            message,
            certificate,
            signed,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(
            message,
            certificate,
            signed,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}
