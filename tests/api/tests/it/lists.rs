use http::Method;
use ravelin_test_harness::Request;
use serde_json::{Value, json};

use crate::check::{check_refused, etag};
use crate::world::World;

fn names(page: &Value) -> Vec<&str> {
    let items = page["items"].as_array().expect("items");
    items
        .iter()
        .map(|list| list["name"].as_str().expect("name"))
        .collect()
}

#[test]
fn built_in_lists_come_first_and_pages_follow_each_other() {
    let world = World::new();
    for name in ["zebra", "aardvark", "moth"] {
        world.list(name, "domain");
    }
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    for _ in 0..3 {
        let page = world
            .admin()
            .get(&format!("/api/v1/lists?limit=2{cursor}"))
            .expect(200)
            .json();
        seen.extend(names(&page).into_iter().map(ToOwned::to_owned));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen, ["blocklist", "dns-blocklist", "aardvark", "moth", "zebra"]);
}

#[test]
fn a_list_is_made_found_renamed_and_deleted() {
    let world = World::new();
    let made = world
        .admin()
        .post("/api/v1/lists", &json!({"name": "mine", "kind": "address"}))
        .expect(201);
    let location = made.headers["location"].to_str().expect("text").to_owned();
    let list = world.admin().get(&location).expect(200).json();
    assert_eq!(list, made.json());
    assert_eq!(list["entries_count"], 0);
    assert_eq!(list["built_in"], false);
    assert_eq!(
        location,
        format!("/api/v1/lists/{}", list["id"].as_str().expect("id"))
    );
    assert!(
        list["updated_at"].as_str().expect("time").ends_with('Z'),
        "{list}"
    );

    let tag = etag(&world, &location);
    let rename = Request::new(Method::PATCH, &location)
        .header("if-match", &tag)
        .json(&json!({"name": "ours"}));
    let renamed = world.admin().send(&rename).expect(200).json();
    assert_eq!(
        (renamed["name"].as_str(), &renamed["id"]),
        (Some("ours"), &list["id"])
    );
    let problem = check_refused(&world, &rename, 412, "precondition-failed");
    assert_eq!(problem["current_etag"], etag(&world, &location));
    check_refused(
        &world,
        &Request::new(Method::DELETE, &location).header("if-match", &tag),
        412,
        "precondition-failed",
    );
    check_refused(
        &world,
        &Request::new(Method::DELETE, &location),
        428,
        "precondition-required",
    );

    let tag = etag(&world, &location);
    let delete = Request::new(Method::DELETE, &location).header("if-match", &tag);
    let gone = world.admin().send(&delete).expect(204);
    assert!(gone.body.is_empty());
    assert_eq!(
        gone.headers["ravelin-revision"],
        world.control.revision().0.to_string()
    );
    check_refused(&world, &delete, 404, "not-found");
}

#[test]
fn names_are_unique() {
    let world = World::new();
    let id = world.list("mine", "address");
    let create = Request::new(Method::POST, "/api/v1/lists").json(&json!({"name": "mine", "kind": "domain"}));
    check_refused(&world, &create, 409, "name-taken");
    let rename = Request::new(Method::PATCH, &format!("/api/v1/lists/{id}"))
        .header("if-match", "*")
        .json(&json!({"name": "blocklist"}));
    check_refused(&world, &rename, 409, "name-taken");
}

#[test]
fn a_list_that_is_used_or_built_in_stays() {
    let world = World::new();
    let delete =
        |id: &str| Request::new(Method::DELETE, &format!("/api/v1/lists/{id}")).header("if-match", "*");
    check_refused(&world, &delete("blocklist"), 409, "built-in-list");
    let id = world.list("mine", "address");
    let config = "/api/v1/ebpf/features/ddos_protection/config";
    world.admin().patch(config, &json!({"lists": [id]})).expect(200);
    let problem = check_refused(&world, &delete(&id), 409, "list-in-use");
    assert_eq!(problem["blocked_by"], json!(["ddos_protection"]));
    world.admin().patch(config, &json!({"lists": []})).expect(200);
    world.admin().send(&delete(&id)).expect(204);
}
