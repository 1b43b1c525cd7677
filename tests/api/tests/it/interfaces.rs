use ravelin_control::Hardware as _;
use ravelin_model::{DevlinkDevice, EswitchMode, HardwareProbe, NicFeature, PciId, Told};
use serde_json::{Value, json};

use crate::check::check_problem;
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

/// What the tables know of a card, whatever the simulated one tells else.
fn connectx5(world: &World, flow_rules: bool) -> HardwareProbe {
    let plain = world.hardware.probe("wan0").expect("a plain card");
    HardwareProbe {
        driver: Some("mlx5_core".to_owned()),
        firmware: Some("16.31.2006".to_owned()),
        bus: Some("0000:03:00.0".to_owned()),
        pci: Some(PciId {
            vendor: 0x15b3,
            device: 0x1017,
        }),
        features: Told::Known(vec![NicFeature {
            name: "hw-tc-offload".to_owned(),
            active: flow_rules,
            wanted: flow_rules,
            supported: true,
            fixed: false,
        }]),
        pause: Told::Failed("Device or resource busy (os error 16)".to_owned()),
        devlink: Told::Known(DevlinkDevice {
            handle: "pci/0000:03:00.0".to_owned(),
            eswitch_mode: Some(EswitchMode::Legacy),
            ..DevlinkDevice::default()
        }),
        ..plain
    }
}

fn offload(world: &World) -> Value {
    world
        .admin()
        .get("/api/v1/interfaces/wan0/offload")
        .expect(200)
        .json()
}

#[test]
fn the_card_of_an_interface_is_shown_with_what_it_can_do_and_why() {
    let world = World::new();
    world.hardware.insert(connectx5(&world, true));
    let shown = offload(&world);
    assert_eq!(shown["interface"], "wan0");
    assert_eq!(shown["driver"], "mlx5_core");
    assert_eq!(shown["pci"], "15b3:1017");
    assert_eq!(shown["model"], "ConnectX-5");
    assert_eq!(shown["supported"], true, "{shown}");
    assert!(shown.get("remedy").is_none(), "{shown}");
    let max_flows = &shown["max_flows"];
    assert_eq!(
        (&max_flows["value"], &max_flows["source"]),
        (&json!(262_144), &json!("model_default"))
    );
    let rules = json!({
        "name": "flow_rules", "value": "yes", "active": true, "source": "ethtool", "reason": "hw-tc-offload is on",
    });
    assert_eq!(shown["capabilities"][0], rules);
    let hardware = &shown["hardware"];
    assert_eq!(hardware["devlink"]["eswitch_mode"], "legacy");
    assert_eq!(hardware["features"][0]["name"], "hw-tc-offload");
    assert!(hardware.get("pause").is_none(), "{hardware}");
    let unread = json!([{"part": "pause", "reason": "Device or resource busy (os error 16)"}]);
    assert_eq!(hardware["unread"], unread);
}

#[test]
fn a_card_that_only_has_to_be_switched_says_which_feature() {
    let world = World::new();
    world.hardware.insert(connectx5(&world, false));
    let shown = offload(&world);
    assert_eq!(shown["supported"], false);
    assert_eq!(shown["reason"], "hw-tc-offload is off: switch it on");
    assert_eq!(shown["remedy"], json!({"feature": "hw-tc-offload", "on": true}));
}

#[test]
fn a_card_of_no_table_is_refused_with_why() {
    let world = World::new();
    let shown = offload(&world);
    assert_eq!(shown["supported"], false);
    assert_eq!(shown["reason"], "the driver simulated is in no table");
    assert_eq!(shown["max_flows"]["source"], "unknown");
    assert!(
        shown["max_flows"].get("value").is_none() && shown.get("model").is_none(),
        "{shown}"
    );
}

#[test]
fn the_card_of_no_interface_is_not_found() {
    let world = World::new();
    let answer = world.admin().get("/api/v1/interfaces/nope0/offload");
    check_problem(&answer, 404, "not-found");
}
