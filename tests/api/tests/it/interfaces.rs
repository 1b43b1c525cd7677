use serde_json::json;

use crate::world::World;

#[test]
fn interfaces_are_shown_with_what_is_known_of_them() {
    let world = World::new();
    let page = world.admin().get("/api/v1/interfaces").expect(200).json();
    let names: Vec<_> = page["items"]
        .as_array()
        .expect("items")
        .iter()
        .map(|i| i["name"].clone())
        .collect();
    assert_eq!(names, ["lo", "lan0", "wan0"]);
    let wan = world.admin().get("/api/v1/interfaces/wan0").expect(200).json();
    assert_eq!(wan["mac"], "02:00:00:00:00:ab");
    assert_eq!(wan["addresses"], json!(["2001:db8::1/64"]));
    assert_eq!(wan["link_state"], "up");
    assert_eq!(wan["attachments"][0]["hook"], "xdp", "{wan}");
    assert_eq!(wan["counters"]["received_packets"], 7);
    let lo = world.admin().get("/api/v1/interfaces/lo").expect(200).json();
    assert_eq!((&lo["loopback"], &lo["attachments"]), (&json!(true), &json!([])));
    assert!(lo.get("mac").is_none() && lo.get("xdp_mode").is_none(), "{lo}");
}

#[test]
fn an_interface_is_flagged_external_until_it_is_not() {
    let world = World::new();
    for external in [true, false] {
        let answer = world
            .admin()
            .patch("/api/v1/interfaces/wan0", &json!({"external": external}))
            .expect(200);
        assert_eq!(answer.json()["external"], external);
        assert_eq!(
            answer.headers["ravelin-revision"],
            answer.json()["revision"].to_string()
        );
        assert_eq!(
            world.admin().get("/api/v1/interfaces/wan0").json()["external"],
            external
        );
    }
}
