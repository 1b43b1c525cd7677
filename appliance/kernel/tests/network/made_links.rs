//! VLAN devices, bridges and bonds: made, changed, made anew and deleted.

use std::num::NonZeroU16;

use ravelin_model::{BondMode, NetworkPlan, VirtualLink, WantedLink};
use serde_json::Value;

use crate::support::{
    addresses, apply, bridge, check, ip, is_up, link, listed, made, plan, shown, the_link, try_ip, with_cards,
};

fn vlan(parent: &str, id: u16) -> VirtualLink {
    VirtualLink::Vlan {
        parent: parent.to_owned(),
        id: NonZeroU16::new(id).expect("not 0"),
    }
}

fn bond(ports: &[&str], mode: BondMode) -> VirtualLink {
    VirtualLink::Bond {
        ports: ports.iter().map(|port| (*port).to_owned()).collect(),
        mode,
    }
}

fn with_mtu(link: WantedLink, bytes: u32) -> WantedLink {
    WantedLink {
        mtu_bytes: Some(bytes),
        ..link
    }
}

/// Whether the kernel has a kind of link; skips with a note, or fails where it must not.
fn has(kind: &str, more: &str) -> bool {
    let has = try_ip(&format!("link add name try0 {more}")).is_some();
    if has {
        ip("link delete try0");
        return true;
    }
    let required = std::env::var("RAVELIN_REQUIRE").unwrap_or_default();
    assert!(
        !required.split(',').any(|tier| tier == kind),
        "no links of kind {kind}"
    );
    eprintln!("skipped, because the kernel has no links of kind {kind}");
    false
}

fn data(link: &str) -> Value {
    shown(&format!("link show dev {link}"))["linkinfo"]["info_data"].clone()
}

fn names() -> Vec<String> {
    let listed = listed("link show");
    let names = listed.iter().filter_map(|link| link["ifname"].as_str());
    names.map(str::to_owned).collect()
}

fn mtu(link: &str) -> Value {
    shown(&format!("link show dev {link}"))["mtu"].clone()
}

#[test]
fn ports_move_between_bridges() {
    with_cards("ports", &["lan0", "lan1"], || {
        let cards = || vec![link("lan0", &[]), link("lan1", &[])];
        let with = |links: Vec<WantedLink>| plan([cards(), links].concat());
        check(
            &with(vec![
                made("br0", bridge(&["lan0"]), &[]),
                made("br1", bridge(&["lan1"]), &[]),
            ]),
            &[],
        );
        ip("link add tap9 type veth peer name tap9-far");
        ip("link set tap9 master br0");
        check(
            &with(vec![
                made("br0", bridge(&["lan1"]), &[]),
                made("br1", bridge(&["lan0"]), &[]),
            ]),
            &[],
        );
        assert_eq!(shown("link show dev lan0")["master"], "br1");
        assert_eq!(shown("link show dev lan1")["master"], "br0");
        assert_eq!(
            shown("link show dev tap9")["master"],
            Value::Null,
            "the plan says who its ports are"
        );
        let spanning = VirtualLink::Bridge {
            ports: Vec::new(),
            spanning_tree: true,
        };
        check(&with(vec![made("br0", spanning, &[])]), &[]);
        assert_eq!(data("br0")["stp_state"], 1);
        assert_eq!(shown("link show dev lan1")["master"], Value::Null);
        assert!(!names().contains(&"br1".to_owned()));
    });
}

#[test]
fn links_of_earlier_plans_are_deleted_only_if_they_are_ours() {
    with_cards("former", &["lan0"], || {
        check(&plan(vec![made("br0", bridge(&[]), &[])]), &[]);
        ip("link add br1 type bridge");
        check(&NetworkPlan::default(), &[]);
        let names = names();
        assert!(!names.contains(&"br0".to_owned()));
        assert!(names.contains(&"br1".to_owned()) && names.contains(&"lan0".to_owned()));
    });
}

#[test]
fn vlan_devices_are_made_and_made_anew() {
    with_cards("vlan", &["lan0", "lan1"], || {
        if !has("vlan", "link lan0 type vlan id 9") {
            return;
        }
        let on = |parent: &str, id: u16| {
            plan(vec![
                made("inner", vlan("guests", 8), &["10.8.0.1/24", "fd00:8::1/64"]),
                made("guests", vlan(parent, id), &["10.7.0.1/24"]),
                link("lan0", &[]),
                link("lan1", &[]),
            ])
        };
        for (parent, id) in [("lan0", 7), ("lan0", 17), ("lan1", 17)] {
            check(&on(parent, id), &[]);
            assert_eq!(data("guests")["id"], id);
            assert_eq!(shown("link show dev guests")["link"], parent);
            // It stands on the other, and went with it.
            assert_eq!(shown("link show dev inner")["link"], "guests");
            assert_eq!(addresses("inner"), ["10.8.0.1/24", "fd00:8::1/64"]);
            assert!(is_up("guests") && is_up("inner"));
            check(&on(parent, id), &[]);
        }
        let orphans = plan(vec![made("guests", vlan("none0", 7), &["10.7.0.1/24"])]);
        check(
            &orphans,
            &[(the_link("guests"), true, "no link 'none0' to carry it")],
        );
        assert!(!names().iter().any(|name| name == "guests" || name == "inner"));
    });
}

#[test]
fn mtus_grow_from_below_and_shrink_from_above() {
    with_cards("mtu", &["lan0", "lan1"], || {
        if !has("vlan", "link lan0 type vlan id 9") || !has("bond", "type bond") {
            return;
        }
        let all = |bytes: u32| {
            let links = vec![
                made("guests", vlan("bond9", 7), &[]),
                made("bond9", bond(&["lan0", "lan1"], BondMode::ActiveBackup), &[]),
                link("lan0", &[]),
                link("lan1", &[]),
            ];
            plan(links.into_iter().map(|link| with_mtu(link, bytes)).collect())
        };
        for bytes in [1500, 9000, 1400, 4000] {
            check(&all(bytes), &[]);
            for link in ["guests", "bond9", "lan0", "lan1"] {
                assert_eq!(mtu(link), bytes, "{link}");
            }
        }
        let too_large = plan(vec![
            with_mtu(made("guests", vlan("lan0", 7), &[]), 9000),
            with_mtu(link("lan0", &[]), 1500),
        ]);
        let faults = apply(&too_large);
        assert_eq!(faults.len(), 1, "{faults:?}");
        assert_eq!(faults[0].part, the_link("guests"));
        assert!(is_up("guests"));
    });
}

#[test]
fn bonds_are_made_and_get_their_ports() {
    with_cards("bond", &["lan0", "lan1"], || {
        if !has("bond", "type bond") {
            return;
        }
        // A bond takes no port that is up.
        ip("link set lan0 up");
        let with = |ports: &[&str], mode| {
            plan(vec![
                made("bond9", bond(ports, mode), &["10.0.0.1/24", "fd00::1/64"]),
                link("lan0", &[]),
                link("lan1", &[]),
            ])
        };
        for (mode, said) in [
            (BondMode::ActiveBackup, "active-backup"),
            (BondMode::Lacp, "802.3ad"),
            (BondMode::BalanceXor, "balance-xor"),
        ] {
            check(&with(&["lan0", "lan1"], mode), &[]);
            let data = data("bond9");
            assert_eq!(
                (&data["mode"], &data["miimon"]),
                (&Value::from(said), &Value::from(100))
            );
            if mode != BondMode::ActiveBackup {
                assert_eq!(data["xmit_hash_policy"], "layer3+4");
            }
            for port in ["lan0", "lan1"] {
                assert_eq!(shown(&format!("link show dev {port}"))["master"], "bond9");
                assert!(is_up(port));
            }
            assert_eq!(addresses("bond9"), ["10.0.0.1/24", "fd00::1/64"]);
        }
        check(&with(&["lan1"], BondMode::BalanceXor), &[]);
        assert_eq!(shown("link show dev lan0")["master"], Value::Null);
        assert!(is_up("lan0"), "it was taken out, which sets it down");
        check(&NetworkPlan::default(), &[]);
        assert!(!names().contains(&"bond9".to_owned()));
    });
}

#[test]
fn a_vlan_device_is_raised_by_the_plan_alone() {
    with_cards("raised", &["lan0"], || {
        if !has("vlan", "link lan0 type vlan id 9") {
            return;
        }
        let with = |enabled| {
            let guests = WantedLink {
                enabled: Some(enabled),
                ..made("guests", vlan("lan0", 7), &["10.7.0.1/24"])
            };
            plan(vec![guests, link("lan0", &[])])
        };
        check(&with(false), &[]);
        assert!(is_up("lan0") && !is_up("guests"));
        ip("link set lan0 down");
        ip("link set lan0 up");
        assert!(!is_up("guests"), "with what carries it");
        check(&with(true), &[]);
        assert!(is_up("guests"));
    });
}

#[test]
fn a_bond_raises_no_port_that_shall_not_be_up() {
    with_cards("held-back", &["lan0"], || {
        if !has("bond", "type bond") {
            return;
        }
        let with = |enabled| {
            let port = WantedLink {
                enabled,
                ..link("lan0", &[])
            };
            plan(vec![
                made("bond9", bond(&["lan0"], BondMode::ActiveBackup), &[]),
                port,
            ])
        };
        check(&with(None), &[(the_link("bond9"), true, "'lan0' is down")]);
        assert!(!is_up("lan0"));
        check(&with(Some(true)), &[]);
        assert_eq!(shown("link show dev lan0")["master"], "bond9");
        check(&with(None), &[]);
        assert_eq!(shown("link show dev lan0")["master"], "bond9");
        check(&with(Some(false)), &[(the_link("bond9"), true, "'lan0' is down")]);
        assert!(!is_up("lan0"));
        assert_eq!(shown("link show dev lan0")["master"], Value::Null);
    });
}
