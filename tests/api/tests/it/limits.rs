use http::Method;
use ravelin_api_server::Limits;
use ravelin_test_harness::Request;

use crate::check::check_problem;
use crate::raw::Raw;
use crate::world::World;

#[test]
fn a_large_header_is_refused_with_a_problem() {
    let world = World::new();
    let sized =
        |bytes: usize| Request::new(Method::GET, "/api/v1/lists").header("x-padding", &"a".repeat(bytes));
    world.admin().send(&sized(15 << 10)).expect(200);
    check_problem(&world.admin().send(&sized(17 << 10)), 431, "header-too-large");
    check_problem(
        &world
            .admin()
            .get(&format!("/api/v1/lists?search={}", "a".repeat(17 << 10))),
        431,
        "header-too-large",
    );
    // What is larger still is refused before there is a request.
    let mut raw = Raw::open(&world.socket());
    raw.send(
        format!(
            "GET / HTTP/1.1\r\nhost: a\r\nx: {}\r\n\r\n",
            "a".repeat(100 << 10)
        )
        .as_bytes(),
    );
    assert!(raw.read_to_end().starts_with("HTTP/1.1 431 "));
}

#[test]
fn what_is_no_request_of_http_1_is_refused() {
    let world = World::new();
    for bytes in [
        &b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..],
        b"\x16\x03\x01\x02\x00",
        b"GET\r\n\r\n",
    ] {
        let mut raw = Raw::open(&world.socket());
        raw.send(bytes);
        raw.finish();
        let answer = raw.read_to_end();
        assert!(
            answer.is_empty() || answer.starts_with("HTTP/1.1 400 "),
            "{answer}"
        );
    }
    let mut raw = Raw::open(&world.socket());
    raw.send(b"GET /api/v1/lists HTTP/1.1\r\nhost: a\r\nconnection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAAQAAP__\r\n\r\n");
    let answer = raw.read_until("\r\n\r\n");
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

#[test]
fn a_principal_that_asks_too_often_has_to_wait_and_others_do_not() {
    let world = World::with(Limits {
        requests_per_second: 1,
        requests_burst: 5,
        ..Limits::default()
    });
    let statuses: Vec<u16> = (0..7).map(|_| world.admin().get("/readyz").status).collect();
    assert_eq!(statuses[..5], [200; 5]);
    let answer = world.admin().get("/readyz");
    check_problem(&answer, 429, "too-many-requests");
    let seconds = answer.headers["retry-after"].to_str().expect("text");
    assert!(
        (1..=2).contains(&seconds.parse::<u64>().expect("seconds")),
        "{seconds}"
    );
    // Another principal, and whoever asks only whether the process is up.
    let request = Request::new(Method::GET, "/readyz")
        .header("authorization", &format!("Bearer {}", world.access_token()));
    world.gateway().send(&request).expect(200);
    world.admin().get("/healthz").expect(200);
}

#[test]
fn who_has_no_credential_has_to_wait_too_and_does_not_fill_the_audit_trail() {
    let world = World::with(Limits {
        requests_per_second: 1,
        requests_burst: 5,
        ..Limits::default()
    });
    let post = |peer: &str| {
        let request = Request::new(Method::POST, "/api/v1/lists").header("x-ravelin-peer", peer);
        world.gateway().send(&request)
    };
    let first: Vec<u16> = (0..5).map(|_| post("192.0.2.1").status).collect();
    assert_eq!(first, [401; 5]);
    check_problem(&post("192.0.2.1"), 429, "too-many-requests");
    check_problem(&post("192.0.2.2"), 401, "unauthorized");
    let entries = world.block_on(world.store.audit(None, 100)).expect("audit");
    assert!(
        entries.iter().all(|(_, entry)| entry.status == 401),
        "{entries:?}"
    );
}

#[test]
fn request_ids_are_ours_and_unique() {
    let world = World::new();
    let ask = || {
        let answer = world
            .admin()
            .send(&Request::new(Method::GET, "/healthz").header("x-request-id", "mine"));
        answer.headers["x-request-id"].to_str().expect("text").to_owned()
    };
    let (first, second) = (ask(), ask());
    assert!(first.starts_with("req_") && first != second, "{first} {second}");
}
