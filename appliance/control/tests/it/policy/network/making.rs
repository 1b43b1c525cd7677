//! Links this box makes.

use std::num::NonZeroU16;

use ravelin_control::CommitOptions;
use ravelin_model::VirtualLink;

use super::*;

fn vlan(parent: &str, id: u16) -> NetworkSettings {
    NetworkSettings {
        virtual_link: Some(VirtualLink::Vlan {
            parent: parent.to_owned(),
            id: NonZeroU16::new(id).expect("not zero"),
        }),
        ..NetworkSettings::default()
    }
}

#[tokio::test]
async fn a_link_is_made_down_and_raised_once_programs_sit_on_it() {
    let engine = Engine::start().await;
    let before = engine.network.applied().len();
    commit(&engine, vec![create("lan0.7", vlan("lan0", 7))]).await;
    let made = planned(&engine, "lan0.7").expect("the link");
    assert_eq!(made.enabled, None, "nothing sits on it yet");
    assert_eq!(planned(&engine, "lan0").expect("its parent").enabled, Some(true));
    let more = links(&[("lo", 1), ("lan0", 2), ("wan0", 3), ("lan0.7", 4)]);
    engine.links.send_replace(more);
    until("it is raised", async || {
        planned(&engine, "lan0.7").is_some_and(|link| link.enabled == Some(true))
    })
    .await;
    for step in &engine.network.applied()[before..] {
        let mut links = step.plan.links.iter();
        let up = links.any(|link| link.name == "lan0.7" && link.enabled == Some(true));
        assert!(!up || step.attached.contains(&4), "{step:?}");
    }
}

#[tokio::test]
async fn a_dry_run_tells_of_the_network_and_changes_nothing() {
    let engine = Engine::start().await;
    commit(
        &engine,
        vec![
            create("lan0", addresses(&["10.0.0.1/24"])),
            create("lan0.7", vlan("lan0", 7)),
        ],
    )
    .await;
    let before = engine.network.applied().len();
    let down = NetworkSettings {
        enabled: Some(false),
        ..addresses(&["10.0.0.2/24"])
    };
    let options = CommitOptions {
        dry_run: true,
        ..CommitOptions::default()
    };
    let operations = vec![replace("lan0", down), delete("lan0.7")];
    let told = engine.control.commit_policy(operations, options, &actor()).await;
    let told = told.expect("a dry run").diagnostics;
    let told: Vec<_> = told
        .iter()
        .map(|told| (told.severity, told.code, told.object.name.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            ("warning", "address_removed", "lan0"),
            ("info", "address_added", "lan0"),
            ("warning", "link_down", "lan0"),
            ("warning", "link_removed", "lan0.7"),
        ]
    );
    assert_eq!(engine.network.applied().len(), before);
}
