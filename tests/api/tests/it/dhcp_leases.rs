//! Leases of clients of the LANs.

use serde_json::{Value, json};

use crate::agent::SimulatedAgent;
use crate::check::check_problem;
use crate::world::World;

const PATH: &str = "/api/v1/dhcp-leases";

#[test]
fn leases_are_shown_by_address() {
    let world = World::on_appliance(SimulatedAgent::new());
    let page = world.admin().get(&format!("{PATH}?limit=2")).expect(200).json();
    let lease = json!({"address": "192.168.77.9", "mac": "02:00:00:00:00:09", "hostname": "tv",
        "expires_at": "2027-01-15T08:00:09Z"});
    assert_eq!(page["items"][0], lease);
    assert_eq!(page["items"][1]["address"], "192.168.77.10");
    assert_eq!(page["items"][1].get("hostname"), None);
    let cursor = page["next_cursor"].as_str().expect("cursor");
    let rest = world
        .admin()
        .get(&format!("{PATH}?cursor={cursor}"))
        .expect(200)
        .json();
    assert_eq!(
        rest["items"][0]["hostname"], "\\x1b[2J",
        "nothing of it does anything to a terminal"
    );
    assert_eq!(
        (rest["items"].as_array().map(Vec::len), &rest["next_cursor"]),
        (Some(1), &Value::Null)
    );
}

#[test]
fn without_an_agent_nobody_serves_a_lan() {
    let world = World::new();
    check_problem(&world.admin().get(PATH), 409, "not-an-appliance");
}
