use ravelin_control::{ControlError, EntryQuery, NewList, Precondition};
use ravelin_datapath::HitCounter;
use ravelin_model::{
    DdosProtectionConfig, Event, Feature, FeatureConfig, InterfaceScope, ListKind, Revision,
};

use crate::engine::{Engine, actor, id, value, wait_for};

const ANY: Precondition = Precondition::Exists;

#[tokio::test]
async fn the_built_in_lists_are_there_and_stay() {
    let engine = Engine::start().await;
    let lists = engine.control.lists().await.expect("lists");
    let ids: Vec<_> = lists.iter().map(|list| list.id.as_str()).collect();
    assert_eq!(ids, ["blocklist", "dns-blocklist"]);
    let refused = engine.control.delete_list(&id("blocklist"), ANY, &actor()).await;
    assert!(matches!(refused, Err(ControlError::BuiltIn(_))), "{refused:?}");
}

#[tokio::test]
async fn a_list_is_made_renamed_and_deleted() {
    let engine = Engine::start().await;
    let mut stream = engine.control.subscribe(None);
    let list = engine.create("office", ListKind::Address).await;
    assert_eq!((list.revision, list.entries_count), (Revision(1), 0));
    let taken = NewList {
        name: "office".parse().expect("name"),
        kind: ListKind::Domain,
    };
    let refused = engine.control.create_list(taken, &actor()).await;
    assert!(
        matches!(&refused, Err(ControlError::NameTaken(name)) if name == "office"),
        "{refused:?}"
    );

    let name = "branch".parse().expect("name");
    let at = Precondition::Revision(list.revision);
    let renamed = engine
        .control
        .rename_list(&list.id, name, at, &actor())
        .await
        .expect("rename");
    assert_eq!((renamed.name.as_str(), renamed.revision), ("branch", Revision(2)));
    assert_eq!(engine.control.list(&list.id).await.expect("list"), renamed);
    let name = "blocklist".parse().expect("name");
    let refused = engine.control.rename_list(&list.id, name, ANY, &actor()).await;
    assert!(matches!(refused, Err(ControlError::NameTaken(_))), "{refused:?}");

    let refused = engine.control.delete_list(&list.id, at, &actor()).await;
    assert!(
        matches!(refused, Err(ControlError::Stale { current: Revision(2) })),
        "{refused:?}"
    );
    let revision = engine
        .control
        .delete_list(&list.id, ANY, &actor())
        .await
        .expect("delete");
    assert_eq!(revision, Revision(3));
    let gone = engine.control.list(&list.id).await;
    assert!(matches!(gone, Err(ControlError::UnknownList(_))), "{gone:?}");
    let mut told = Vec::new();
    while told.len() < 3 {
        told.push(
            wait_for(&mut stream, |event| match event {
                Event::ListChanged {
                    entries_count,
                    revision,
                    ..
                } => Some((*entries_count, revision.0)),
                _ => None,
            })
            .await,
        );
    }
    assert_eq!(told, [(Some(0), 1), (Some(0), 2), (None, 3)]);
}

#[tokio::test]
async fn a_list_a_feature_names_is_not_deleted() {
    let engine = Engine::start().await;
    let list = engine.create("office", ListKind::Address).await;
    let config = FeatureConfig::DdosProtection(DdosProtectionConfig {
        lists: vec![list.id.clone()],
        interfaces: InterfaceScope::All,
    });
    engine
        .control
        .set_config(config, ANY, &actor())
        .await
        .expect("configure");
    let refused = engine.control.delete_list(&list.id, ANY, &actor()).await;
    let Err(ControlError::ListInUse { users, .. }) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(
        users.iter().map(|user| user.id.as_str()).collect::<Vec<_>>(),
        [Feature::DdosProtection.name()]
    );
}

#[tokio::test]
async fn entries_are_loaded_only_while_the_feature_is_enabled() {
    let engine = Engine::start().await;
    engine.add("blocklist", &["192.0.2.0/24", "2001:db8::/32"]).await;
    assert_eq!(engine.plane.now().address_loads, 0);
    engine.enable(Feature::DdosProtection).await;
    assert!(engine.plane.now().drops("192.0.2.7") && engine.plane.now().drops("2001:db8::1"));
    assert!(!engine.plane.now().drops("198.51.100.1"));
    engine.add("blocklist", &["198.51.100.1"]).await;
    assert!(engine.plane.now().drops("198.51.100.1"));
    engine
        .control
        .set_enabled(Feature::DdosProtection, false, &actor())
        .await
        .expect("disable");
    assert!(!engine.plane.now().drops("192.0.2.7"));
    let loads = engine.plane.now().address_loads;
    engine.add("blocklist", &["203.0.113.9"]).await;
    assert_eq!(engine.plane.now().address_loads, loads);
    engine.enable(Feature::DdosProtection).await;
    assert!(engine.plane.now().drops("203.0.113.9"));
}

#[tokio::test]
async fn a_configuration_that_names_other_lists_loads_those() {
    let engine = Engine::start().await;
    let other = engine.create("office", ListKind::Address).await;
    engine.add("blocklist", &["192.0.2.1"]).await;
    engine.add(other.id.as_str(), &["192.0.2.2"]).await;
    engine.enable(Feature::DdosProtection).await;
    assert!(engine.plane.now().drops("192.0.2.1") && !engine.plane.now().drops("192.0.2.2"));
    let config = |lists| {
        FeatureConfig::DdosProtection(DdosProtectionConfig {
            lists,
            interfaces: InterfaceScope::All,
        })
    };
    engine
        .control
        .set_config(config(vec![other.id]), ANY, &actor())
        .await
        .expect("configure");
    assert!(!engine.plane.now().drops("192.0.2.1") && engine.plane.now().drops("192.0.2.2"));
    engine
        .control
        .set_config(config(Vec::new()), ANY, &actor())
        .await
        .expect("configure");
    assert!(!engine.plane.now().drops("192.0.2.2"));
}

#[tokio::test]
async fn names_follow_their_list() {
    let engine = Engine::start().await;
    engine.enable(Feature::DnsBlocklist).await;
    let entries = engine
        .add("dns-blocklist", &["example.com", "=example.net", "*.example.org"])
        .await;
    for (name, blocked) in [
        ("example.com", true),
        ("a.example.com", true),
        ("a.example.net", false),
        ("example.org", false),
        ("a.example.org", true),
    ] {
        assert_eq!(engine.plane.now().blocks(name), blocked, "{name}");
    }
    engine
        .control
        .delete_entry(&id("dns-blocklist"), entries[0].id, &actor())
        .await
        .expect("delete");
    assert!(!engine.plane.now().blocks("example.com"));
}

#[tokio::test]
async fn adding_again_keeps_the_entry_and_its_hits() {
    let engine = Engine::start().await;
    engine.enable(Feature::DdosProtection).await;
    let first = engine.add("blocklist", &["192.0.2.1", "192.0.2.2"]).await;
    let row = engine.plane.now().row_of("192.0.2.1");
    let hits = HitCounter {
        packets: 7,
        bytes: 70,
    };
    engine.plane.now().hits.insert(row, hits);
    let again = engine.add("blocklist", &["192.0.2.3", "192.0.2.1"]).await;
    assert_eq!(again[1], first[0]);
    assert_eq!(engine.plane.now().row_of("192.0.2.1"), row);
    let entry = engine
        .control
        .entry(&id("blocklist"), first[0].id)
        .await
        .expect("entry");
    assert_eq!((entry.entry.id, entry.hits), (first[0].id, Some(hits)));
    let page = EntryQuery {
        search: None,
        after: None,
        limit: 10,
    };
    let items = engine
        .control
        .entries(&id("blocklist"), page)
        .await
        .expect("entries")
        .items;
    let counted: Vec<_> = items
        .iter()
        .map(|item| item.hits.map(|hits| hits.packets))
        .collect();
    assert_eq!(counted, [Some(7), Some(0), Some(0)]);
}

#[tokio::test]
async fn a_hit_counter_starts_at_zero_for_its_next_entry() {
    let engine = Engine::start().await;
    engine.enable(Feature::DdosProtection).await;
    let entries = engine.add("blocklist", &["192.0.2.1"]).await;
    let row = engine.plane.now().row_of("192.0.2.1");
    engine.plane.now().hits.insert(
        row,
        HitCounter {
            packets: 7,
            bytes: 70,
        },
    );
    engine
        .control
        .delete_entry(&id("blocklist"), entries[0].id, &actor())
        .await
        .expect("delete");
    let next = engine.add("blocklist", &["192.0.2.9"]).await;
    assert_eq!(
        engine.plane.now().row_of("192.0.2.9"),
        row,
        "the test needs the same row"
    );
    let entry = engine
        .control
        .entry(&id("blocklist"), next[0].id)
        .await
        .expect("entry");
    assert_eq!(entry.hits, Some(HitCounter::default()));
}

#[tokio::test]
async fn more_addresses_than_counters_are_refused() {
    let engine = Engine::start().await;
    engine.enable(Feature::DdosProtection).await;
    engine
        .add("blocklist", &["192.0.2.1", "192.0.2.2", "192.0.2.3"])
        .await;
    let many = (10..16).map(|n| value(&format!("192.0.2.{n}"))).collect();
    let refused = engine.control.add_entries(&id("blocklist"), many, &actor()).await;
    assert!(matches!(refused, Err(ControlError::NoRoom(_))), "{refused:?}");
    assert_eq!(
        engine
            .control
            .list(&id("blocklist"))
            .await
            .expect("list")
            .entries_count,
        3
    );
    assert!(!engine.plane.now().drops("192.0.2.10"));
    // Replacing all of a full list takes over the counters of those that go.
    let text: String = (100..108).map(|n| format!("192.0.2.{n}\n")).collect();
    assert_eq!(engine.import("blocklist", &text).await.accepted, 8);
    for row in 0..8 {
        let hits = HitCounter {
            packets: 5,
            bytes: 50,
        };
        engine.plane.now().hits.insert(row, hits);
    }
    let text: String = (200..208).map(|n| format!("192.0.2.{n}\n")).collect();
    assert_eq!(engine.import("blocklist", &text).await.accepted, 8);
    assert!(engine.plane.now().drops("192.0.2.207") && !engine.plane.now().drops("192.0.2.107"));
    assert!(
        engine.plane.now().hits.is_empty(),
        "they start at 0 for those that come"
    );
    let counted = engine
        .counter(Feature::DdosProtection, "list.blocklist.packets")
        .await;
    assert_eq!(counted, 40, "and what they counted stays in the total");
}

#[tokio::test]
async fn entries_of_the_wrong_kind_are_named() {
    let engine = Engine::start().await;
    let values = vec![value("192.0.2.1"), value("example.com")];
    let refused = engine
        .control
        .add_entries(&id("blocklist"), values, &actor())
        .await;
    assert!(
        matches!(
            refused,
            Err(ControlError::WrongKind {
                index: 1,
                kind: ListKind::Address
            })
        ),
        "{refused:?}"
    );
    assert_eq!(engine.control.revision(), Revision(0));
}

#[tokio::test]
async fn what_does_not_exist_is_said_so() {
    let engine = Engine::start().await;
    let unknown = id("lst_0");
    let entry = "ent_1".parse().expect("entry id");
    let list = engine
        .control
        .add_entries(&unknown, Vec::new(), &actor())
        .await
        .err();
    assert!(matches!(list, Some(ControlError::UnknownList(_))), "{list:?}");
    let deleted = engine.control.delete_list(&unknown, ANY, &actor()).await.err();
    assert!(
        matches!(deleted, Some(ControlError::UnknownList(_))),
        "{deleted:?}"
    );
    for refused in [
        engine
            .control
            .delete_entry(&id("blocklist"), entry, &actor())
            .await
            .err(),
        engine.control.entry(&id("blocklist"), entry).await.err(),
    ] {
        assert!(
            matches!(refused, Some(ControlError::UnknownEntry { .. })),
            "{refused:?}"
        );
    }
    assert_eq!(engine.control.revision(), Revision(0));
}

#[tokio::test]
async fn pages_follow_each_other_to_the_end() {
    let engine = Engine::start().await;
    let names: Vec<String> = (0..5).map(|n| format!("n{n}.example")).collect();
    engine
        .add(
            "dns-blocklist",
            &names.iter().map(String::as_str).collect::<Vec<_>>(),
        )
        .await;
    let mut query = EntryQuery {
        search: None,
        after: None,
        limit: 2,
    };
    let mut seen = Vec::new();
    loop {
        let page = engine
            .control
            .entries(&id("dns-blocklist"), query.clone())
            .await
            .expect("page");
        seen.push(
            page.items
                .iter()
                .map(|item| item.entry.value.text())
                .collect::<Vec<_>>(),
        );
        assert!(page.items.iter().all(|item| item.hits.is_none()));
        match page.next {
            Some(next) => query.after = Some(next),
            None => break,
        }
    }
    assert_eq!(seen, [&names[..2], &names[2..4], &names[4..]]);
    query = EntryQuery {
        search: Some("n3".to_owned()),
        after: None,
        limit: 2,
    };
    let found = engine
        .control
        .entries(&id("dns-blocklist"), query)
        .await
        .expect("search");
    assert_eq!((found.items.len(), found.next), (1, None));
}
