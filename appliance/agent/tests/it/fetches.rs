//! Bundles that are fetched.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener};

use ravelin_system::update::{UpdateOptions, UpdateRequest, UpdateState};
use ravelin_system::{AgentError, RefusalCode, Slot};
use ravelin_test_harness::privileged;

use crate::box_of::{Boot, Machine};
use crate::workshop::{Recipe, Workshop, read};

/// Answers every request by its path: `/bundle`, `/short` (less than announced), `/again` (a redirection to the bundle),
/// `/loop`, `/inside` (to another address of this machine); everything else is not there.
fn server(bundle: Vec<u8>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("port");
    let address = listener.local_addr().expect("address");
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut lines = BufReader::new(&stream).lines();
            let first = lines.next().and_then(Result::ok).unwrap_or_default();
            while lines
                .next()
                .is_some_and(|line| line.is_ok_and(|line| !line.is_empty()))
            {}
            let path = first.split(' ').nth(1).unwrap_or_default();
            let redirect = |to: &str| {
                format!(
                    "HTTP/1.1 302 Found\r\nlocation: {to}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
                )
            };
            let ok = format!(
                "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                bundle.len()
            );
            let (head, body) = match path {
                "/bundle" => (ok, &bundle[..]),
                "/short" => (ok, &bundle[..bundle.len() / 2]),
                "/again" => (redirect("/bundle"), &[][..]),
                "/loop" => (redirect("/loop"), &[][..]),
                "/file" => (redirect("file:///etc/shadow"), &[][..]),
                _ => (
                    "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".to_owned(),
                    &[][..],
                ),
            };
            drop(
                (&stream)
                    .write_all(head.as_bytes())
                    .and_then(|()| (&stream).write_all(body)),
            );
        }
    });
    address
}

#[test]
fn a_bundle_is_fetched_by_a_child_that_may_nothing() {
    if !privileged("netns") {
        return;
    }
    let workshop = Workshop::new();
    let certificate = workshop.certificate("ours");
    let machine = Machine::boot(Boot {
        more: "fetch_own = true",
        ..Boot::of("1.0.0", &certificate)
    });
    let address = server(read(&workshop.bundle(Recipe::version("2.0.0"))));
    let fetch = |path: &str| {
        let request = UpdateRequest {
            url: format!("http://{address}{path}"),
            options: UpdateOptions::default(),
        };
        machine
            .runtime
            .block_on(machine.agent.fetch_update(&request))
            .expect("accepted")
    };
    let cases = [
        ("/nowhere", RefusalCode::UpdateFetch, "404"),
        ("/loop", RefusalCode::UpdateFetch, "redirect"),
        ("/file", RefusalCode::UpdateFetch, "302"),
        ("/short", RefusalCode::UpdateFetch, "broke off"),
    ];
    for (path, code, said) in cases {
        let failed = machine.wait_for(&fetch(path).id, UpdateState::Failed);
        let problem = failed.problem.expect("a problem");
        assert_eq!(problem.code, code, "{path}: {}", problem.detail);
        assert!(
            problem.detail.to_lowercase().contains(said),
            "{path}: {}",
            problem.detail
        );
    }
    let ready = machine.wait_for(&fetch("/again").id, UpdateState::ReadyToBoot);
    assert_eq!(
        (ready.slot, ready.total_bytes),
        (Some(Slot::B), Some(ready.received_bytes))
    );
}

#[test]
fn nothing_is_fetched_from_the_machine_itself() {
    if !privileged("netns") {
        return;
    }
    let workshop = Workshop::new();
    let certificate = workshop.certificate("ours");
    let machine = Machine::boot(Boot::of("1.0.0", &certificate));
    let address = server(Vec::new());
    for host in [
        address.to_string(),
        format!("localhost:{}", address.port()),
        "169.254.169.254".to_owned(),
    ] {
        let request = UpdateRequest {
            url: format!("http://{host}/bundle"),
            options: UpdateOptions::default(),
        };
        let update = machine
            .runtime
            .block_on(machine.agent.fetch_update(&request))
            .expect("accepted");
        let problem = machine
            .wait_for(&update.id, UpdateState::Failed)
            .problem
            .expect("a problem");
        assert!(
            problem.detail.contains("of this machine"),
            "{host}: {}",
            problem.detail
        );
    }
    let request = UpdateRequest {
        url: "file:///etc/shadow".to_owned(),
        options: UpdateOptions::default(),
    };
    let refused = machine
        .runtime
        .block_on(machine.agent.fetch_update(&request))
        .expect_err("no URL");
    assert!(matches!(&refused, AgentError::Refused(refusal) if refusal.code == RefusalCode::BadRequest));
    assert!(
        fs::read_dir(machine.path("updates"))
            .expect("directory")
            .next()
            .is_none()
    );
}
