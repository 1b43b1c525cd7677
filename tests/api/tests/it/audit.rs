use std::time::Duration;

use http::Method;
use ravelin_test_harness::{Request, wait_until};
use serde_json::json;

use crate::raw::Raw;
use crate::world::World;

const LIMIT: Duration = Duration::from_secs(20);

#[test]
fn every_call_that_may_change_something_leaves_one_entry() {
    let world = World::new();
    let seen = || world.block_on(world.store.audit(None, 100)).expect("audit");
    let first = seen().len();
    let start = world.control.revision();
    world.admin().get("/api/v1/lists").expect(200);
    world.admin().get("/nothing").expect(404);

    let enable = "/api/v1/ebpf/features/dns_blocklist/enable";
    let taken = world.admin().post(enable, &serde_json::Value::Null).expect(200);
    let authorization = format!("Bearer {}", world.access_token());
    let refused = Request::new(Method::POST, "/api/v1/lists?x=1")
        .header("authorization", &authorization)
        .header("x-ravelin-peer", "::ffff:192.0.2.9")
        .json(&json!({}));
    world.gateway().send(&refused).expect(400);
    world
        .gateway()
        .send(&Request::new(Method::DELETE, "/nothing"))
        .expect(401);

    let found: Vec<_> = seen()
        .into_iter()
        .map(|(_, entry)| {
            (
                entry.author.name,
                entry.author.origin,
                entry.method,
                entry.path,
                entry.status,
            )
        })
        .collect();
    let uid = format!(
        "uid:{}",
        std::os::unix::fs::MetadataExt::uid(&std::fs::metadata(world.socket()).expect("socket"))
    );
    let expected = [
        ("anonymous", "unix", "DELETE", "/nothing", 401),
        ("admin", "192.0.2.9", "POST", "/api/v1/lists", 400),
        ("admin", "unix", "POST", "/api/v1/auth/token", 200),
        (uid.as_str(), "unix", "POST", enable, 200),
    ];
    let expected = expected.map(|(name, origin, method, path, status)| {
        (
            name.to_owned(),
            origin.to_owned(),
            method.to_owned(),
            path.to_owned(),
            status,
        )
    });
    assert_eq!(found[..found.len() - first], expected, "newest first");

    let (_, entry) = seen().into_iter().nth(3).expect("entry");
    assert_eq!(
        entry.request_id,
        taken.headers["x-request-id"].to_str().expect("text")
    );
    assert_eq!((entry.before, entry.after.0), (start, start.0 + 1));
}

#[test]
fn a_change_whose_client_went_away_is_audited_too() {
    let world = World::new();
    let start = world.control.revision();
    let path = "/api/v1/lists/blocklist/entries";
    let lines: String = (0..20_000)
        .map(|n| format!("{}\n", std::net::Ipv4Addr::from(0x0a00_0000 + 2 * n)))
        .collect();
    let mut raw = Raw::open(&world.socket());
    let head = "host: a\r\nif-match: *\r\ncontent-type: text/plain";
    raw.send(
        format!(
            "PUT {path} HTTP/1.1\r\n{head}\r\ncontent-length: {}\r\n\r\n{lines}",
            lines.len()
        )
        .as_bytes(),
    );
    drop(raw);
    wait_until("the import is through", LIMIT, || {
        world.control.revision() > start
    });
    wait_until("it is audited", LIMIT, || {
        let entries = world.block_on(world.store.audit(None, 10)).expect("audit");
        entries
            .iter()
            .any(|(_, entry)| entry.path == path && entry.status == 200)
    });
}
