use ravelin_abi::{rv_event, rv_event_kind, rv_event_version};
use ravelin_control::{EventStream, Reading};
use ravelin_datapath::RawEvent;
use ravelin_model::{DnsQueryBlocked, Event, Feature, FeatureState, PacketDropped, Reason};

use crate::engine::{Engine, actor, id, measured, wait_for};

fn raw(kind: u32, reason: Reason, family: u8) -> rv_event {
    rv_event {
        kind: u16::try_from(kind).expect("small"),
        version: u16::try_from(rv_event_version::RV_EVENT_VERSION).expect("small"),
        length: 0,
        ktime_ns: 1,
        ifindex: 2,
        frame_length: 60,
        reason: reason.number(),
        family,
        protocol: 17,
        source_port: 5353,
        destination_port: 53,
        source: [192, 0, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
        destination: [198, 51, 100, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2],
        object: u32::MAX,
        list: 0,
        name_length: 0,
        revision: 0,
        from_zone: 0,
        to_zone: 0,
        pad: [0; 5],
        name: [0; 256],
    }
}

fn query(name: &[u8], set: u32) -> rv_event {
    let mut event = raw(rv_event_kind::RV_EVENT_DNS, Reason::DnsAnswered, 4);
    event.name[..name.len()].copy_from_slice(name);
    event.name_length = u8::try_from(name.len()).expect("short");
    event.object = set;
    event
}

async fn dropped(stream: &mut EventStream) -> PacketDropped {
    wait_for(stream, |event| match event {
        Event::PacketDropped(packet) => Some(packet.clone()),
        _ => None,
    })
    .await
}

async fn blocked(stream: &mut EventStream) -> DnsQueryBlocked {
    wait_for(stream, |event| match event {
        Event::DnsQueryBlocked(query) => Some(query.clone()),
        _ => None,
    })
    .await
}

#[tokio::test]
async fn a_drop_is_told_with_interface_list_and_entry() {
    let engine = Engine::start().await;
    engine.enable(Feature::DdosProtection).await;
    let entries = engine.add("blocklist", &["192.0.2.0/24"]).await;
    let mut stream = engine.control.subscribe(None);
    let mut event = raw(rv_event_kind::RV_EVENT_DROP, Reason::SourceListed, 4);
    event.object = engine.plane.now().row_of("192.0.2.1");
    let unknown = rv_event { version: 99, ..event };
    let elsewhere = rv_event {
        ifindex: 77,
        object: 7,
        family: 6,
        ..event
    };
    for raw in [unknown, event, elsewhere] {
        engine.plane.events.send(RawEvent(raw)).await.expect("queued");
    }
    let expected = PacketDropped {
        interface_index: 2,
        interface: Some("lan0".to_owned()),
        reason: Reason::SourceListed,
        source: "192.0.2.1".parse().expect("address"),
        destination: "198.51.100.1".parse().expect("address"),
        protocol: 17,
        source_port: 5353,
        destination_port: 53,
        list: Some(id("blocklist")),
        entry: Some(entries[0].id),
    };
    assert_eq!(dropped(&mut stream).await, expected);
    let expected = PacketDropped {
        interface_index: 77,
        interface: None,
        source: "c000:201::1".parse().expect("address"),
        destination: "c633:6401::2".parse().expect("address"),
        list: None,
        entry: None,
        ..expected
    };
    assert_eq!(dropped(&mut stream).await, expected);
}

#[tokio::test]
async fn a_blocked_query_is_told_with_its_name_and_the_lists_that_have_it() {
    let engine = Engine::start().await;
    let other = engine.create("below", ravelin_model::ListKind::Domain).await;
    engine.add("dns-blocklist", &["=example.com"]).await;
    engine.add(other.id.as_str(), &["*.example.com"]).await;
    let config = ravelin_model::FeatureConfig::DnsBlocklist(ravelin_model::DnsBlocklistConfig {
        lists: vec![id("dns-blocklist"), other.id.clone()],
        action: ravelin_model::DnsBlockAction::Nxdomain,
    });
    let any = ravelin_control::Precondition::Exists;
    engine
        .control
        .set_config(config, any, &actor())
        .await
        .expect("configure");
    engine.enable(Feature::DnsBlocklist).await;
    let mut stream = engine.control.subscribe(None);
    let set = {
        let told = engine.plane.now();
        let table = told.names.as_ref().expect("a table");
        let name = "example.com".parse().expect("name");
        u32::try_from(table.lookup(&name).expect("listed").0).expect("small")
    };
    for (name, text, list) in [
        (&b"\x07example\x03com\0"[..], "example.com", id("dns-blocklist")),
        (b"\x01a\x07example\x03com\0", "a.example.com", other.id.clone()),
    ] {
        engine
            .plane
            .events
            .send(RawEvent(query(name, set)))
            .await
            .expect("queued");
        let told = blocked(&mut stream).await;
        assert_eq!((told.name.as_str(), told.lists), (text, vec![list]));
        assert_eq!(told.packet.reason, Reason::DnsAnswered);
    }
}

#[tokio::test]
async fn what_is_measured_is_what_happened() {
    let engine = Engine::start().await;
    let before = measured(&engine, |reading| reading.workers.busy.len() == 1).await;
    let read = |reading: &Reading| reading.events.known().map(|events| events.read);
    assert_eq!((read(&before), before.workers.batches), (Some(0), 0));
    for _ in 0..3 {
        let event = raw(rv_event_kind::RV_EVENT_DROP, Reason::SourceListed, 4);
        engine.plane.events.send(RawEvent(event)).await.expect("queued");
    }
    let after = measured(&engine, |reading| {
        read(reading) == Some(3)
            && reading
                .events
                .known()
                .map(|events| (events.batches, events.waiting))
                == Some((reading.workers.batches, 0))
    })
    .await;
    assert!(matches!(after.workers.batches, 1..=3), "{after:?}");
    assert!(after.workers.total_busy > before.workers.total_busy);
    assert!(after.at > before.at);
    let events = after.events.known().expect("told");
    assert_eq!((events.waiting, events.lost, events.buffer_misses), (0, 0, 0));
    assert_eq!(events.bytes, events.tuning.bytes());
    // What is asked of the kernel is told of this box, whatever the links of the test are.
    assert!(after.queues.contains_key("lan0"), "{:?}", after.queues);
    let (softnet, process) = (after.softnet.known(), after.process.known());
    assert!(softnet.is_some_and(|cpus| !cpus.is_empty()), "{softnet:?}");
    let threads = process.map(|process| &process.threads);
    assert!(threads.is_some_and(|threads| threads.iter().any(|thread| thread.name == "events")));
}

#[tokio::test]
async fn a_feature_that_is_switched_is_told_once() {
    let engine = Engine::start().await;
    let mut stream = engine.control.subscribe(None);
    engine.enable(Feature::DnsBlocklist).await;
    engine.enable(Feature::DnsBlocklist).await;
    engine
        .control
        .set_enabled(Feature::DnsBlocklist, false, &actor())
        .await
        .expect("disable");
    for (expected_enabled, expected_state) in [(true, FeatureState::Active), (false, FeatureState::Disabled)]
    {
        let told = wait_for(&mut stream, |event| match event {
            Event::FeatureChanged {
                feature,
                enabled,
                state,
                ..
            } => Some((*feature, *enabled, *state)),
            _ => None,
        })
        .await;
        assert_eq!(told, (Feature::DnsBlocklist, expected_enabled, expected_state));
    }
}
