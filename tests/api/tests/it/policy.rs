//! The policy over REST.

mod changes;
mod commits;
mod document;
mod interface_settings;
mod live_flows;
mod lock_out;
mod network;
mod objects;
mod order;
mod references;
mod refusals;
mod revisions;
mod routes;
mod simulation;
mod verdict_log;

use http::Method;
use ravelin_test_harness::{Answer, Request};
use serde_json::{Value, json};

use crate::world::World;

/// Makes an object and says what it is.
#[track_caller]
fn made(world: &World, path: &str, spec: &Value) -> Value {
    world.admin().post(path, spec).expect(201).json()
}

/// The id of an object.
#[track_caller]
fn id(object: &Value) -> &str {
    object["id"].as_str().expect("id")
}

/// Zones `lan` with `lan0` and `wan` with `wan0`, so that the policy is enforced.
fn zones(world: &World) -> (Value, Value) {
    let zone = |name: &str, interface: &str, management: bool| {
        let spec = json!({"name": name, "interfaces": [interface], "management": management});
        made(world, "/api/v1/zones", &spec)
    };
    (zone("lan", "lan0", true), zone("wan", "wan0", false))
}

/// Makes a rule that accepts everything, by default.
#[track_caller]
fn rule(world: &World, name: &str, more: &Value) -> Value {
    let mut spec = json!({"name": name, "action": "accept"});
    let members = spec.as_object_mut().expect("object");
    members.extend(more.as_object().expect("object").clone());
    made(world, "/api/v1/rules", &spec)
}

/// Names of the items of a page, in order.
#[track_caller]
fn names(page: &Value) -> Vec<&str> {
    let items = page["items"].as_array().expect("items");
    items
        .iter()
        .map(|item| item["name"].as_str().expect("name"))
        .collect()
}

/// Asks for a change to whatever is there.
fn change(world: &World, method: Method, path: &str, body: &Value) -> Answer {
    let request = Request::new(method, path).header("if-match", "*");
    world.admin().send(&if body.is_null() {
        request
    } else {
        request.json(body)
    })
}

/// A header as text.
#[track_caller]
fn header<'a>(answer: &'a Answer, name: &str) -> &'a str {
    answer.headers[name].to_str().expect("text")
}
