use http::Method;
use ravelin_test_harness::Request;
use serde_json::json;

use crate::world::World;

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
