use serde_json::{Value, json};

use crate::world::World;

const ENTRIES: &str = "/api/v1/lists/blocklist/entries";

#[test]
fn one_entry_is_added_shown_and_deleted() {
    let world = World::new();
    let added = world
        .admin()
        .post(
            ENTRIES,
            &json!({"value": "203.0.113.77/24", "expires_at": "2099-01-01T01:00:00+01:00"}),
        )
        .expect(201);
    let location = added.headers["location"].to_str().expect("text").to_owned();
    assert_eq!(
        added.headers["ravelin-revision"],
        added.json()["revision"].to_string()
    );
    assert_eq!(added.json()["list"]["entries_count"], 1);
    let entry = world.admin().get(&location).expect(200).json();
    assert_eq!(entry["value"], "203.0.113.0/24");
    assert_eq!(entry["expires_at"], "2099-01-01T00:00:00Z");
    assert_eq!(entry["id"], added.json()["entries"][0]["id"]);
    assert!(
        location.ends_with(entry["id"].as_str().expect("id")),
        "{location}"
    );
    let gone = world.admin().delete(&location).expect(204);
    assert_eq!(
        gone.headers["ravelin-revision"],
        world.control.revision().0.to_string()
    );
    assert_eq!(world.admin().get(&location).status, 404);
}

#[test]
fn many_entries_are_added_in_order_and_known_ones_keep_their_id() {
    let world = World::new();
    let path = "/api/v1/lists/dns-blocklist/entries";
    let first = world
        .admin()
        .post(path, &json!({"value": "=Known.Example."}))
        .expect(201)
        .json();
    let values =
        json!({"entries": [{"value": "b.example"}, {"value": "=known.example"}, {"value": "*.a.example"}]});
    let added = world.admin().post(path, &values).expect(201).json();
    let values: Vec<_> = added["entries"]
        .as_array()
        .expect("entries")
        .iter()
        .map(|e| e["value"].clone())
        .collect();
    assert_eq!(values, ["b.example", "=known.example", "*.a.example"]);
    assert_eq!(added["entries"][1]["id"], first["entries"][0]["id"]);
    assert_eq!(added["list"]["entries_count"], 3);
}

#[test]
fn pages_and_searches_see_every_entry_once() {
    let world = World::new();
    let entries: Vec<Value> = (0..25)
        .map(|n| json!({"value": format!("10.{n}.0.0/16")}))
        .collect();
    world
        .admin()
        .post(ENTRIES, &json!({"entries": entries}))
        .expect(201);
    for (search, expected) in [
        ("", 25),
        ("&search=10.1", 11),
        ("&search=.24.", 1),
        ("&search=nothing", 0),
    ] {
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = world
                .admin()
                .get(&format!("{ENTRIES}?limit=10{search}{cursor}"))
                .expect(200)
                .json();
            let items = page["items"].as_array().expect("items");
            assert!(items.len() <= 10);
            seen.extend(items.iter().map(|entry| entry["value"].to_string()));
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        let count = seen.len();
        seen.sort();
        seen.dedup();
        assert_eq!((seen.len(), count), (expected, expected), "{search}");
    }
}
