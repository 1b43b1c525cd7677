use std::sync::atomic::Ordering::SeqCst;

use super::ground::{Ground, SEED, all, plain, translated};
use crate::flow_cache::words::Words as _;
use crate::{FlowCache as _, Inserted};

#[test]
fn a_process_that_starts_finds_the_flows_of_the_one_before() {
    let ground = Ground::new(8, 4);
    let mut cache = ground.open();
    let [kept, removed, other] = [translated(4, 1, 50_000), plain(4, 2), plain(6, 3)];
    for flow in [kept, removed, other] {
        cache.insert(&flow);
    }
    cache.remove(&removed.original);
    let before = all(&cache);
    let named = ground.named(0);
    drop(cache);

    let mut cache = ground.open();
    assert_eq!(all(&cache), before);
    assert_eq!(ground.named(0), named);
    assert_eq!(cache.insert(&kept), Inserted::Known);
    // What was taken out before is forgotten, and its slots are free.
    assert_eq!(cache.collect().expect("free"), []);
    for number in 10..17 {
        assert_eq!(cache.insert(&plain(4, number)), Inserted::New, "{number}");
    }
    assert_eq!(cache.insert(&plain(4, 17)), Inserted::Full);
}

/// Ways a process may be killed, each done to the memory by hand.
fn check(what: &str, harm: impl FnOnce(&Ground, [u32; 2])) {
    let ground = Ground::new(2, 4);
    let mut cache = ground.open();
    let [whole, half] = [plain(4, 1), translated(4, 2, 50_000)];
    cache.insert(&whole);
    cache.insert(&half);
    drop(cache);
    harm(&ground, ground.slots4(&half));

    let mut cache = ground.open();
    let there: Vec<_> = all(&cache).iter().map(|state| state.flow).collect();
    assert_eq!(there, [whole], "{what}");
    assert_eq!(ground.named(0), ground.slots4(&whole).to_vec(), "{what}");
    assert_eq!(cache.insert(&half), Inserted::New, "{what}");
    let found = cache.reader().get(&half.reply).map(|state| state.flow);
    assert_eq!(found, Some(half), "{what}");
}

fn forget(ground: &Ground, slot: u32) {
    let words = ground.index[0].words().iter();
    for word in words.filter(|word| word.load(SeqCst) & 0x3f_ffff == slot) {
        word.store(0, SeqCst);
    }
}

#[test]
fn what_is_not_whole_is_cleared() {
    check("killed between the two words", |ground, [_, reply]| {
        forget(ground, reply)
    });
    check(
        "killed between the two words taken away",
        |ground, [original, _]| forget(ground, original),
    );
    check("killed before both", |ground, slots| {
        slots.into_iter().for_each(|slot| forget(ground, slot));
    });
    check("killed while it wrote", |ground, [_, reply]| {
        ground.change4(reply, |flow| flow.rest.version += 1);
    });
    check(
        "another connection in one of the slots",
        |ground, [original, _]| {
            ground.change4(original, |flow| flow.rest.connection += 1);
        },
    );
    check("another key than the word is of", |ground, [original, _]| {
        ground.change4(original, |flow| flow.key.source_port ^= 1);
    });
    check("two words of one slot", |ground, [original, reply]| {
        let words = ground.index[0].words();
        let of = |slot| words.iter().find(|word| word.load(SeqCst) & 0x3f_ffff == slot);
        let twice = of(original).expect("it is named").load(SeqCst);
        of(reply).expect("it is named").store(twice, SeqCst);
    });
    check("a slot that is none", |ground, slots| {
        slots.into_iter().for_each(|slot| forget(ground, slot));
        let free = ground.index[0].words().iter().find(|word| word.load(SeqCst) == 0);
        free.expect("a free word").store(0x3f_ffff, SeqCst);
    });
}

#[test]
fn the_seed_is_made_once() {
    let ground = Ground::new(8, 4);
    drop(ground.open());
    assert_eq!(ground.control().seed, SEED);
    ground.open().forget_paths();
    ground.open();
    let control = ground.control();
    assert_eq!((control.seed, control.generation), (SEED, 2));
}
