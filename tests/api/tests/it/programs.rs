use serde_json::{Value, json};

use crate::world::World;

#[test]
fn programs_and_maps_are_shown_whole() {
    let world = World::new();
    let programs = world.admin().get("/api/v1/ebpf/programs").expect(200).json();
    // The simulated data plane has maps and no programs.
    assert_eq!(programs, json!({"items": [], "next_cursor": null}));

    let maps = world
        .admin()
        .get("/api/v1/ebpf/maps?limit=1000")
        .expect(200)
        .json();
    let maps = maps["items"].as_array().expect("items");
    assert!(!maps.is_empty());
    for map in maps {
        let name = map["name"].as_str().expect("name");
        assert_eq!(
            world
                .admin()
                .get(&format!("/api/v1/ebpf/maps/{name}"))
                .expect(200)
                .json(),
            *map
        );
        assert!(
            map["max_entries"].is_u64() && map["type"].is_string() && map["memory_bytes"].is_u64(),
            "{map}"
        );
    }
    let used = |name: &str| -> Option<u64> {
        let map = maps.iter().find(|map| map["name"] == name)?;
        map["occupancy"].as_u64()
    };
    assert_eq!(used("xdp_blocklist"), Some(0), "{}", Value::from(maps.clone()));
}

#[test]
fn statistics_are_shown_by_interface() {
    let world = World::new();
    let statistics = world.admin().get("/api/v1/ebpf/stats").expect(200).json();
    assert!(statistics["interfaces"].is_array(), "{statistics}");
    assert_eq!(statistics["event_losses"]["lost"], 0);
}
