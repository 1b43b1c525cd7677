//! The cache by tables of news, and by random ones against a conntrack in memory.

mod model;

use std::time::Duration;

use proptest::prelude::*;
use ravelin_datapath::simulate_cache;
use ravelin_model::EndReason;

use super::*;
use model::{Act, Kernel, Kind};

/// A keeper at work with an empty cache.
fn keeper() -> Keeper {
    let mut keeper = Keeper::new(Some(Cache::new(simulate_cache(64))), Carried::default());
    keeper.set_caching(true);
    keeper
}

/// Conntrack does what it is told.
fn flush(keeper: &mut Keeper) {
    keeper.flush(&mut |_| true);
}

/// What is in the cache, in some order.
fn cached(keeper: &mut Keeper) -> Vec<CachedFlow> {
    let mut flows = Vec::new();
    if let Some(cache) = keeper.cache() {
        cache.for_each(&mut |state| flows.push(state.flow));
    }
    flows.sort_by_key(|flow| flow.connection);
    flows
}

/// A connection that has come to be cached, and the keeper that caches it.
fn with_one(kind: Kind) -> (Kernel, Keeper, Connection) {
    let mut kernel = Kernel::default();
    let mut keeper = keeper();
    for act in [Act::Begin(kind), Act::Progress, Act::Progress] {
        for event in kernel.act(0, act) {
            keeper.news(event);
        }
    }
    let connection = kernel.connection(0).expect("it lives");
    keeper.told(&connection);
    flush(&mut keeper);
    assert_eq!(cached(&mut keeper).len(), 1, "{kind:?}");
    (kernel, keeper, connection)
}

fn act(kernel: &mut Kernel, keeper: &mut Keeper, act: Act) {
    for event in kernel.act(0, act) {
        keeper.news(event);
    }
    flush(keeper);
}

#[test]
fn a_connection_is_cached_when_it_is_established_and_not_when_it_closes() {
    for kind in Kind::ALL {
        let (mut kernel, mut keeper, _) = with_one(kind);
        if kind != Kind::Udp {
            act(&mut kernel, &mut keeper, Act::Progress);
            assert_eq!(cached(&mut keeper), [], "{kind:?} closes");
            continue;
        }
        act(&mut kernel, &mut keeper, Act::End);
        assert_eq!(cached(&mut keeper), [], "{kind:?} ended");
    }
}

#[test]
fn a_mark_sets_the_counter_without_a_state_being_told() {
    for kind in Kind::ALL {
        let (mut kernel, mut keeper, _) = with_one(kind);
        act(&mut kernel, &mut keeper, Act::Mark(77));
        let counters: Vec<u32> = cached(&mut keeper).iter().map(|flow| flow.counter).collect();
        assert_eq!(counters, [77], "{kind:?}");
        assert_eq!(keeper.figures().inserted, 1, "{kind:?}");
    }
}

#[test]
fn news_that_tell_too_little_are_asked_after() {
    let mut kernel = Kernel::default();
    let mut keeper = keeper();
    for act in [Act::Begin(Kind::Picked), Act::Progress, Act::Progress] {
        for event in kernel.act(0, act) {
            keeper.news(event);
        }
    }
    flush(&mut keeper);
    assert_eq!(cached(&mut keeper), []);
    let connection = kernel.connection(0).expect("it lives");
    assert_eq!(keeper.take_unsure(), [connection.original]);
}

#[test]
fn an_end_that_is_old_does_not_take_out_who_has_the_ports_now() {
    let (mut kernel, mut keeper, before) = with_one(Kind::Udp);
    act(&mut kernel, &mut keeper, Act::End);
    act(&mut kernel, &mut keeper, Act::Begin(Kind::Udp));
    act(&mut kernel, &mut keeper, Act::Progress);
    let now = kernel.connection(0).expect("it lives");
    assert_eq!(now.original, before.original);
    keeper.news(ConntrackEvent::Destroyed(before));
    let ids: Vec<u32> = cached(&mut keeper).iter().map(|flow| flow.connection).collect();
    assert_eq!(ids, [now.id]);
}

#[test]
fn connections_whose_windows_are_not_let_be_stay_out() {
    let (_, mut keeper, tcp) = with_one(Kind::Tcp);
    keeper.set_caching(false);
    keeper.set_caching(true);
    keeper.told(&tcp);
    let mut asked = Vec::new();
    keeper.flush(&mut |flows| {
        asked.extend(flows.iter().map(|flow| flow.connection));
        false
    });
    assert_eq!((asked, cached(&mut keeper)), (vec![tcp.id], Vec::new()));
    keeper.told(&tcp);
    flush(&mut keeper);
    // One that is in already is let be already.
    let marked = Connection { mark: 9, ..tcp };
    keeper.told(&marked);
    keeper.flush(&mut |_| panic!("asked again"));
    assert_eq!(cached(&mut keeper)[0].counter, 9);
}

#[test]
fn a_reading_tells_every_tcp_connection_whose_windows_are_to_be_let_be() {
    for kind in Kind::ALL {
        let (_, mut keeper, connection) = with_one(kind);
        let tcp = (kind != Kind::Udp).then_some(connection.id);
        let told = |flow: Option<CachedFlow>| flow.map(|flow| flow.connection);
        assert_eq!(told(keeper.read(&connection, false)), tcp, "{kind:?} is in");
        keeper.set_caching(false);
        assert_eq!(told(keeper.read(&connection, true)), None, "{kind:?}, off");
        keeper.set_caching(true);
        assert_eq!(told(keeper.read(&connection, true)), tcp, "{kind:?} is new");
        assert_eq!(cached(&mut keeper).len(), 1, "{kind:?}");
    }
}

#[test]
fn who_is_to_end_leaves_at_once_and_stays_out_and_its_record_says_why() {
    let (mut kernel, mut keeper, connection) = with_one(Kind::Udp);
    let ending = Ending {
        id: connection.id,
        zone: 0,
        original: connection.original,
        reason: EndReason::Policy,
    };
    keeper.take_out(&[ending], Instant::now());
    assert_eq!(cached(&mut keeper), []);
    act(&mut kernel, &mut keeper, Act::Mark(5));
    assert_eq!(cached(&mut keeper), []);
    act(&mut kernel, &mut keeper, Act::End);
    keeper.collect().expect("collect");
    let reasons: Vec<_> = keeper
        .take_ended()
        .iter()
        .map(|ended| ended.reason_hint)
        .collect();
    assert_eq!(reasons, [Some(EndReason::Policy)]);
    // Another connection of the same ports is another.
    for next in [Act::Begin(Kind::Udp), Act::Progress] {
        act(&mut kernel, &mut keeper, next);
    }
    assert_eq!(cached(&mut keeper).len(), 1);
}

#[test]
fn who_did_not_end_may_be_cached_again_in_the_end() {
    let (mut kernel, mut keeper, connection) = with_one(Kind::Udp);
    let ending = Ending {
        id: connection.id,
        zone: 0,
        original: connection.original,
        reason: EndReason::Killed,
    };
    let now = Instant::now();
    keeper.take_out(&[ending], now);
    keeper.expire(now + Duration::from_secs(3600));
    act(&mut kernel, &mut keeper, Act::Mark(5));
    assert_eq!(cached(&mut keeper).len(), 1);
}

#[test]
fn addresses_of_this_box_are_not_cached_from_when_they_are_known() {
    let (mut kernel, mut keeper, connection) = with_one(Kind::Udp);
    keeper.set_locals(Locals::from_addresses([connection.reply.source]));
    assert_eq!(cached(&mut keeper), []);
    act(&mut kernel, &mut keeper, Act::Mark(5));
    assert_eq!(cached(&mut keeper), []);
}

#[test]
fn ends_are_told_though_nothing_is_cached() {
    for cache in [Some(simulate_cache(64)), None] {
        let mut kernel = Kernel::default();
        let mut keeper = Keeper::new(cache.map(Cache::new), Carried::default());
        for next in [Act::Begin(Kind::Tcp), Act::Progress, Act::Progress, Act::End] {
            act(&mut kernel, &mut keeper, next);
        }
        let ended = keeper.take_ended();
        assert_eq!((ended.len(), ended[0].reason_hint), (1, None));
    }
}

#[test]
fn a_comparison_repairs_and_counts_what_is_different() {
    let (mut kernel, mut keeper, kept) = with_one(Kind::Tcp);
    // One that news of were lost, both ways.
    for next in [Act::Begin(Kind::Udp), Act::Progress] {
        kernel.act(1, next);
    }
    let missing = kernel.connection(1).expect("it lives");
    let gone = Connection {
        id: 999,
        original: FlowTuple {
            source_port: 999,
            ..missing.original
        },
        reply: FlowTuple {
            destination_port: 999,
            ..missing.reply
        },
        ..missing.clone()
    };
    keeper.told(&gone);
    flush(&mut keeper);
    let mut seen = HashSet::new();
    let mut differences = Vec::new();
    for connection in [&kept, &missing] {
        seen.insert((connection.original, connection.id));
        differences.extend(keeper.compare(connection));
    }
    differences.extend(keeper.compare_rest(&seen));
    assert_eq!(differences, [missing.original, gone.original]);
    let before = keeper.figures();
    assert!(keeper.repair(&missing.original, Some(&missing)));
    assert!(keeper.repair(&gone.original, None));
    assert!(!keeper.repair(&kept.original, Some(&kept)));
    flush(&mut keeper);
    assert_eq!(keeper.count_drift(&before), 2);
    assert_eq!(keeper.figures().drift, 2);
    let ids: Vec<u32> = cached(&mut keeper).iter().map(|flow| flow.connection).collect();
    assert_eq!(ids, [kept.id, missing.id]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Subscribe, read and replay, while connections come, change and go: afterwards the cache is what conntrack says,
    /// whatever it was before, whenever the reading saw each connection, and from then on by news alone.
    #[test]
    fn after_the_replay_the_cache_is_what_conntrack_says(
        before in model::acts(20),
        stale in model::acts(20),
        during in model::acts(40),
        after in model::acts(40),
        moments in prop::collection::vec(any::<prop::sample::Index>(), model::SLOTS),
    ) {
        let mut keeper = keeper();
        let mut kernel = Kernel::default();
        for (slot, act) in before {
            kernel.act(slot, act);
        }
        // What an earlier process left, or an earlier epoch.
        for connection in kernel.connections() {
            keeper.told(&connection);
        }
        flush(&mut keeper);
        for (slot, act) in stale {
            kernel.act(slot, act);
        }
        // Subscribed. The reading sees each slot at a moment of its own.
        let mut news = Vec::new();
        let mut rows: Vec<(usize, Connection)> = Vec::new();
        let moments: Vec<usize> = moments.iter().map(|moment| moment.index(during.len() + 1)).collect();
        for moment in 0..=during.len() {
            for (slot, at) in moments.iter().enumerate() {
                if *at == moment {
                    rows.extend(kernel.connection(slot).map(|row| (slot, row)));
                }
            }
            if let Some((slot, act)) = during.get(moment) {
                news.extend(kernel.act(*slot, *act));
            }
        }
        let mut seen = HashSet::new();
        let empty = !keeper.has_anything();
        for (_, row) in &rows {
            seen.insert((row.original, row.id));
            keeper.read(row, empty);
        }
        flush(&mut keeper);
        keeper.keep_only(&seen);
        for event in news {
            keeper.news(event);
        }
        flush(&mut keeper);
        answer(&kernel, &mut keeper);
        prop_assert_eq!(cached(&mut keeper), kernel.expected());
        for (slot, act) in after {
            for event in kernel.act(slot, act) {
                keeper.news(event);
            }
            flush(&mut keeper);
            answer(&kernel, &mut keeper);
            prop_assert_eq!(cached(&mut keeper), kernel.expected());
        }
        // Nothing is different then.
        let mut seen = HashSet::new();
        for connection in kernel.connections() {
            seen.insert((connection.original, connection.id));
            prop_assert_eq!(keeper.compare(&connection), None);
        }
        prop_assert_eq!(keeper.compare_rest(&seen), Vec::new());
    }
}

/// Asks the kernel for what the keeper does not know.
fn answer(kernel: &Kernel, keeper: &mut Keeper) {
    for original in keeper.take_unsure() {
        if let Some(connection) = kernel.get(&original) {
            keeper.told(&connection);
        }
    }
    flush(keeper);
}
