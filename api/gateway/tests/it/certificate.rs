//! The certificate through the life of a gateway.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use rcgen::{CertificateParams, KeyPair};
use rustix::process::Signal;
use time::{Duration, OffsetDateTime};

use crate::client::{Http, client, client_trusting};
use crate::engine::Engine;
use crate::gateway::{Place, wait_for};

fn mode(path: &std::path::Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// Replaces the kept certificate by one for the same key and names with so many days left.
fn age(place: &Place, days_left: i64) {
    let key = KeyPair::from_pem(&fs::read_to_string(place.state_dir().join("key.pem")).unwrap()).unwrap();
    let (_, pem) = x509_parser::pem::parse_x509_pem(&place.certificate_pem()).unwrap();
    let old = pem.parse_x509().unwrap();
    let names = old
        .subject_alternative_name()
        .unwrap()
        .unwrap()
        .value
        .general_names
        .iter();
    let names: Vec<String> = names
        .map(|name| match name {
            x509_parser::prelude::GeneralName::DNSName(name) => (*name).to_owned(),
            x509_parser::prelude::GeneralName::IPAddress([a, b, c, d]) => format!("{a}.{b}.{c}.{d}"),
            _ => "::1".to_owned(),
        })
        .collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.not_before = OffsetDateTime::now_utc() - Duration::days(300);
    params.not_after = OffsetDateTime::now_utc() + Duration::days(days_left);
    let aged = params.self_signed(&key).unwrap().pem();
    fs::write(place.state_dir().join("certificate.pem"), aged).unwrap();
}

#[tokio::test]
async fn it_is_made_once_and_used_again() {
    let place = Place::new();
    let first = place.start("");
    let made = place.certificate_pem();
    let fingerprint = first.wait_for_log("certificate in use");
    let fingerprint = fingerprint.split("sha256=").nth(1).unwrap();
    assert_eq!(
        fingerprint.trim_matches('"').split(':').count(),
        32,
        "{fingerprint}"
    );
    assert_eq!(mode(&place.state_dir().join("key.pem")), 0o600);
    assert_eq!(mode(&place.state_dir().join("certificate.pem")), 0o644);
    drop(first);
    let second = place.start("");
    assert_eq!(place.certificate_pem(), made);
    second.wait_for_log(fingerprint);
}

#[tokio::test]
async fn it_is_valid_for_the_loopback_and_the_configured_names() {
    let place = Place::new();
    let _engine = Engine::start(&place.engine_socket());
    let gateway = place.start("names = ['fw.example']");
    let port = gateway.address.port();
    let client = client(&place, Http::Two);
    client
        .get(format!("https://127.0.0.1:{port}/head"))
        .send()
        .await
        .unwrap();
    client
        .get(format!("https://localhost:{port}/head"))
        .send()
        .await
        .unwrap();
    let text = String::from_utf8_lossy(&place.certificate_pem()).into_owned();
    let (_, pem) = x509_parser::pem::parse_x509_pem(text.as_bytes()).unwrap();
    let names = format!(
        "{:?}",
        pem.parse_x509().unwrap().subject_alternative_name().unwrap()
    );
    assert!(names.contains("fw.example"), "{names}");
}

#[tokio::test]
async fn it_is_renewed_at_start_and_while_running() {
    let place = Place::new();
    let _engine = Engine::start(&place.engine_socket());
    drop(place.start(""));
    let key = fs::read(place.state_dir().join("key.pem")).unwrap();
    age(&place, 29);
    let aged = place.certificate_pem();
    let gateway = place.start("");
    let renewed = place.certificate_pem();
    assert_ne!(renewed, aged);

    age(&place, 31);
    let kept = place.certificate_pem();
    gateway.signal(Signal::HUP);
    gateway.wait_for_log("new certificate in use");
    assert_eq!(place.certificate_pem(), kept);

    age(&place, 1);
    let aged = place.certificate_pem();
    gateway.signal(Signal::HUP);
    wait_for("a new certificate", || {
        (place.certificate_pem() != aged).then_some(())
    });
    // A client that trusts only the newest one, and one that still has the first.
    for trusted in [place.certificate_pem(), renewed] {
        let client = client_trusting(&trusted, Http::Two);
        client.get(gateway.url("/head")).send().await.unwrap();
    }
    assert_eq!(fs::read(place.state_dir().join("key.pem")).unwrap(), key);
}

#[tokio::test]
async fn a_key_open_to_others_is_closed() {
    let place = Place::new();
    drop(place.start(""));
    let key = place.state_dir().join("key.pem");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    let gateway = place.start("");
    assert_eq!(mode(&key), 0o600);
    gateway.wait_for_log("others could read the key");
}

#[tokio::test]
async fn damaged_files_are_made_anew() {
    let place = Place::new();
    drop(place.start(""));
    for file in ["key.pem", "certificate.pem"] {
        fs::write(place.state_dir().join(file), "-----BEGIN").unwrap();
        let _engine_less = place.start("");
        assert!(
            fs::read_to_string(place.state_dir().join(file))
                .unwrap()
                .ends_with("-----\n"),
            "{file}"
        );
    }
}

#[tokio::test]
async fn a_configured_certificate_is_used_instead() {
    let place = Place::new();
    let _engine = Engine::start(&place.engine_socket());
    let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    fs::write(place.path("own.pem"), own.cert.pem()).unwrap();
    fs::write(place.path("own.key"), own.signing_key.serialize_pem()).unwrap();
    let gateway = place.start(&format!(
        "certificate = '{}'\nkey = '{}'",
        place.path("own.pem").display(),
        place.path("own.key").display()
    ));
    let client = client_trusting(own.cert.pem().as_bytes(), Http::Two);
    client.get(gateway.url("/head")).send().await.unwrap();
    assert!(!place.state_dir().exists());
}
