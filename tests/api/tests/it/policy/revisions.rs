//! Revisions: what was, and that it can be again.

use http::Method;
use serde_json::{Value, json};

use super::{change, id, names, rule, zones};
use crate::check::check_problem;
use crate::world::World;

#[test]
fn what_was_can_be_seen_compared_and_restored() {
    let world = World::new();
    zones(&world);
    let kept = rule(&world, "kept", &json!({}));
    let then = world.control.policy().revision.0;
    change(
        &world,
        Method::PATCH,
        &format!("/api/v1/rules/{}", id(&kept)),
        &json!({"log": true}),
    )
    .expect(200);
    rule(&world, "new", &json!({}));
    let now = world.control.policy().revision.0;

    let page = world.admin().get("/api/v1/revisions?limit=2").expect(200).json();
    let numbers: Vec<_> = page["items"]
        .as_array()
        .expect("items")
        .iter()
        .map(|r| r["revision"].as_u64())
        .collect();
    assert_eq!(numbers, [Some(now), Some(now - 1)]);
    assert!(
        page["items"][0]["actor"]
            .as_str()
            .expect("actor")
            .starts_with("uid:"),
        "{page}"
    );
    let cursor = page["next_cursor"].as_str().expect("more");
    let next = world
        .admin()
        .get(&format!("/api/v1/revisions?limit=1&cursor={cursor}"))
        .expect(200)
        .json();
    assert_eq!(next["items"][0]["revision"], then);
    let one = world
        .admin()
        .get(&format!("/api/v1/revisions/{now}"))
        .expect(200)
        .json();
    assert_eq!(one, page["items"][0]);

    let diff = |query: &str| {
        world
            .admin()
            .get(&format!("/api/v1/revisions/{now}/diff{query}"))
            .expect(200)
            .json()
    };
    let last = diff("");
    assert_eq!(
        (&last["from"], &last["diff"][0]["change"]),
        (&json!(now - 1), &json!("created")),
        "{last}"
    );
    let both = diff(&format!("?against={then}"));
    let updated = both["diff"]
        .as_array()
        .expect("diff")
        .iter()
        .find(|c| c["change"] == "updated")
        .expect("updated");
    assert_eq!(
        (&updated["before"]["log"], &updated["after"]["log"]),
        (&json!(false), &json!(true))
    );

    let restore = |revision: u64| {
        world
            .admin()
            .post(&format!("/api/v1/revisions/{revision}/restore"), &Value::Null)
    };
    let report = restore(then).expect(200).json();
    assert_eq!(report["revision"], now + 1);
    let rules = world.admin().get("/api/v1/rules").expect(200).json();
    assert_eq!(
        (names(&rules), &rules["items"][0]["log"]),
        (vec!["kept"], &json!(false))
    );
    assert_eq!(id(&rules["items"][0]), id(&kept));
    for answer in [
        restore(9999),
        world.admin().get("/api/v1/revisions/9999"),
        world.admin().get("/api/v1/revisions/x"),
        world.admin().get("/api/v1/revisions/9999/diff"),
    ] {
        check_problem(&answer, 404, "not-found");
    }
    check_problem(
        &world.admin().get("/api/v1/revisions?cursor=eA"),
        400,
        "invalid-query",
    );
}
