use ravelin_compile::{AddressImage, AddressSource, NameImage, NameSource};
use ravelin_model::{DomainPattern, FlowTuple, ListId};

use super::simulate_with_events;
use crate::{AttachTarget, CachedFlow, DatapathError, EventTuning, Inserted, Loaded, RawEvent, simulate};

fn target(index: u32) -> AttachTarget {
    AttachTarget {
        name: format!("eth{index}"),
        index,
        external: false,
    }
}

fn occupancy(loaded: &Loaded, map: &str) -> Option<u64> {
    let maps = loaded.datapath.maps().expect("maps");
    maps.iter()
        .find(|info| info.name == map)
        .expect("known map")
        .occupancy
}

#[test]
fn every_hook_is_attached_and_none_claims_a_mode_of_the_kernel() {
    let mut loaded = simulate();
    let attached = loaded.datapath.attach(&target(3)).expect("attach");
    assert_eq!(attached.attachments.len(), 3);
    assert!(
        attached
            .attachments
            .iter()
            .all(|a| a.mode.is_none() && a.program_id == 0)
    );
    assert_eq!(loaded.datapath.programs().expect("programs"), []);
}

#[test]
fn attaching_twice_is_one_interface_and_detaching_frees_it() {
    let mut loaded = simulate();
    for index in [3, 3, 4] {
        loaded.datapath.attach(&target(index)).expect("attach");
    }
    assert_eq!(loaded.datapath.statistics().expect("statistics").len(), 2);
    assert_eq!(occupancy(&loaded, "zones"), Some(2));
    loaded.datapath.detach(3).expect("detach");
    assert_eq!(occupancy(&loaded, "zones"), Some(1));
}

#[test]
fn interfaces_beyond_the_limits_are_refused() {
    let mut loaded = simulate();
    assert!(matches!(
        loaded.datapath.attach(&target(65536)),
        Err(DatapathError::InterfaceIndex {
            index: 65536,
            limit: 65536
        })
    ));
    for index in 1..64 {
        loaded.datapath.attach(&target(index)).expect("attach");
    }
    assert!(matches!(
        loaded.datapath.attach(&target(64)),
        Err(DatapathError::TooManyInterfaces(63))
    ));
}

#[test]
fn occupancy_is_what_was_loaded() {
    let mut loaded = simulate();
    let source = |network: &str| AddressSource {
        network: network.parse().expect("prefix"),
        expires_ns: 0,
        counter: 0,
        list: 1,
    };
    let sources = [
        source("192.0.2.0/24"),
        source("192.0.2.1/32"),
        source("2001:db8::/32"),
    ];
    assert_eq!(occupancy(&loaded, "xdp_blocklist"), Some(0));
    let addresses = AddressImage::build(&sources, 10).expect("fits");
    loaded.datapath.load_addresses(&addresses).expect("load");
    assert_eq!(occupancy(&loaded, "xdp_blocklist"), Some(1));

    let pattern: DomainPattern = "blocked.example".parse().expect("pattern");
    let list: ListId = ListId::DNS_BLOCKLIST.parse().expect("list");
    let names = [NameSource {
        pattern: &pattern,
        list: &list,
    }];
    let names = NameImage::build(&names, 1, 1024).expect("fits");
    loaded.datapath.load_names(&names).expect("load");
    assert_eq!(occupancy(&loaded, "dns_blocklist"), Some(2));
}

#[test]
fn hit_counters_exist_up_to_the_capacity() {
    let mut loaded = simulate();
    let last = u32::try_from(loaded.datapath.address_capacity() - 1).expect("small");
    assert_eq!(loaded.datapath.address_hits(&[0, last]).expect("hits").len(), 2);
    assert!(loaded.datapath.reset_address_hits(&[last + 1]).is_err());
}

#[test]
fn a_staged_cache_takes_the_place_of_the_one_in_use() {
    let mut loaded = simulate();
    let datapath = &mut loaded.datapath;
    let begins = datapath.cache_capacity();
    assert_eq!(loaded.cache.occupancy().capacity, u64::from(begins));
    assert!(datapath.use_staged_cache().is_err(), "nothing is staged");
    for connections in [0, begins, u32::MAX] {
        assert!(datapath.stage_cache(connections).is_err(), "{connections}");
    }
    let tuple = FlowTuple {
        source: [192, 0, 2, 1].into(),
        destination: [192, 0, 2, 2].into(),
        protocol: 17,
        source_port: 1,
        destination_port: 2,
    };
    let flow = CachedFlow {
        connection: 1,
        original: tuple,
        reply: tuple.inverted(),
        counter: 0,
    };
    let mut staged = datapath.stage_cache(2 * begins).expect("stage");
    assert_eq!(staged.insert(&flow), Inserted::New);
    assert_eq!(datapath.cache_capacity(), begins);
    assert_eq!(occupancy(&loaded, "fast_flow4"), Some(0));
    loaded.datapath.use_staged_cache().expect("use");
    assert_eq!(loaded.datapath.cache_capacity(), 2 * begins);
    assert_eq!(occupancy(&loaded, "fast_flow4"), Some(2));
    let bytes = |connections| loaded.datapath.cache_bytes(connections);
    assert!(bytes(2 * begins) > 2 * bytes(begins) - 100_000);

    drop(loaded.datapath.stage_cache(begins).expect("stage"));
    loaded.datapath.drop_staged_cache();
    assert!(loaded.datapath.use_staged_cache().is_err());
    assert_eq!(loaded.datapath.cache_capacity(), 2 * begins);
}

#[test]
fn events_come_out_as_they_went_in() {
    let (loaded, sender) = simulate_with_events();
    let event = RawEvent(ravelin_abi::rv_event {
        kind: 1,
        version: 2,
        length: 344,
        ktime_ns: 5,
        ifindex: 3,
        frame_length: 60,
        reason: 1,
        family: 4,
        protocol: 17,
        source_port: 1,
        destination_port: 53,
        source: [1; 16],
        destination: [2; 16],
        object: 4,
        list: 1,
        revision: 0,
        name_length: 0,
        from_zone: 0,
        to_zone: 0,
        pad: [0; 5],
        name: [0; 256],
    });
    sender.try_send(event.clone()).expect("room");
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let batch = runtime.expect("a runtime").block_on(loaded.events.next());
    assert_eq!(batch.as_deref(), Some(&[event][..]));
    let figures = loaded.datapath.event_figures().expect("figures");
    assert_eq!((figures.read, figures.lost), (1, 0));
}

#[test]
fn what_is_in_force_of_events_is_what_there_is() {
    let mut loaded = simulate();
    let told = loaded.datapath.event_figures().expect("figures");
    assert_eq!(
        (told.tuning, told.bytes),
        (EventTuning::default(), told.tuning.bytes())
    );
    let asked = EventTuning {
        buffers: 3,
        batch: 7,
        rate: 1000,
    };
    assert_eq!(loaded.datapath.tune_events(&asked).ok(), Some(asked));
    let told = loaded.datapath.event_figures().expect("figures");
    assert_eq!((told.tuning, told.bytes), (asked, asked.bytes()));
}
