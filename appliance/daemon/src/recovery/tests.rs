//! Opening real stores: sound, damaged, missing, of another slot; with the power going at every step.

mod damage;
mod world;

use ravelin_model::{RecoveryState, Revision};
use ravelin_system::Slot;

use super::choice::StartsBefore;
use world::{Found, World};

fn good(revision: u64) -> Found {
    Found {
        state: RecoveryState::LastKnownGood,
        revision,
        volatile: false,
    }
}

fn none(revision: u64) -> Found {
    Found {
        state: RecoveryState::None,
        revision,
        volatile: false,
    }
}

const LOCKDOWN: Found = Found {
    state: RecoveryState::Lockdown,
    revision: 0,
    volatile: false,
};

const WELL: StartsBefore = StartsBefore::Well;

#[test]
fn a_first_boot_begins_anew_and_nothing_else_does() {
    let world = World::new(Slot::A);
    assert_eq!(
        world.open(WELL),
        LOCKDOWN,
        "the store was deleted, and nobody says it is the first boot"
    );
    let world = World::new(Slot::A);
    world.mark_first_boot();
    assert_eq!(world.open(WELL), none(0));
    assert_eq!(world.current(), Some(Slot::A));
}

#[test]
fn a_store_of_no_use_is_set_aside_and_the_copy_taken() {
    type Damage = (&'static str, fn(&World));
    let damaged: [Damage; 5] = [
        ("deleted", |world| world.damage(|_| None)),
        ("empty", |world| world.damage(|_| Some(Vec::new()))),
        ("cut short", |world| {
            world.damage(|bytes| Some(bytes[..bytes.len() / 2].to_vec()))
        }),
        ("of another program", |world| {
            world.damage(|_| Some(b"not a database at all, really".to_vec()))
        }),
        ("newer", World::make_newer),
    ];
    for (what, damage) in damaged {
        let world = World::new(Slot::A);
        world.fill(Slot::A, 3);
        world.keep_copy(Slot::A);
        world.fill(Slot::A, 1);
        damage(&world);
        let before = world.own_bytes();
        assert_eq!(world.open(WELL), good(3), "{what}");
        assert_eq!(world.bad().len(), usize::from(before.is_some()), "{what}");
        if let Some(before) = before {
            assert_eq!(std::fs::read(&world.bad()[0]).expect("read"), before, "{what}");
        }
        // It stays told until somebody knows.
        assert_eq!(world.open(WELL), good(3), "{what}");

        let world = World::new(Slot::A);
        world.fill(Slot::A, 3);
        damage(&world);
        assert_eq!(world.open(WELL), LOCKDOWN, "{what}");
        assert_eq!(world.open(WELL), LOCKDOWN, "{what}");
    }
}

#[test]
fn a_damaged_copy_gives_way_to_the_one_before_it() {
    let world = World::new(Slot::A);
    world.fill(Slot::A, 2);
    world.keep_copy(Slot::A);
    world.fill(Slot::A, 2);
    world.keep_copy(Slot::A);
    world.damage(|_| None);
    world.damage_newest_copy();
    assert_eq!(world.open(WELL), good(2));
}

#[test]
fn a_store_that_went_back_is_of_no_use() {
    let world = World::new(Slot::A);
    world.fill(Slot::A, 2);
    let early = world.own_bytes().expect("store");
    world.fill(Slot::A, 2);
    world.keep_copy(Slot::A);
    world.damage(|_| Some(early.clone()));
    assert_eq!(world.open(WELL), good(4));
}

#[test]
fn only_three_stores_of_no_use_are_kept() {
    let world = World::new(Slot::A);
    for _ in 0..5 {
        world.damage(|_| Some(b"rubbish that is no database".to_vec()));
        world.open(WELL);
    }
    assert_eq!(world.bad().len(), 3);
}

#[test]
fn another_slot_goes_by_a_copy_and_leaves_the_other_alone() {
    let world = World::new(Slot::B);
    world.fill(Slot::A, 4);
    world.set_current(Slot::A);
    let before = world.directory_of(Slot::A);
    assert_eq!(world.open(WELL), none(4));
    assert_eq!(world.directory_of(Slot::A), before);
    assert_eq!(world.current(), Some(Slot::A), "the slot is not good yet");
    // Nothing of the new slot's own was set: a newer store of the other is taken again.
    world.fill(Slot::A, 1);
    assert_eq!(world.open(WELL), none(5));
    // Something was.
    world.fill(Slot::B, 2);
    assert_eq!(world.open(WELL), none(7));
    // But then the other slot was started, and was good.
    world.set_current(Slot::A);
    world.fill(Slot::A, 1);
    assert_eq!(world.open(WELL), none(6));
}

/// The second update writes to the slot that was in use before the first.
#[test]
fn what_a_slot_had_before_the_update_to_the_other_is_not_taken_again() {
    let world = World::new(Slot::B);
    world.fill(Slot::A, 4);
    world.set_current(Slot::A);
    assert_eq!(world.open(WELL), none(4));
    world.set_current(Slot::B);
    world.fill(Slot::B, 3);

    let world = world.booted(Slot::A);
    assert_eq!(world.open(WELL), none(7));
    world.set_current(Slot::A);
    world.fill(Slot::A, 2);

    let world = world.booted(Slot::B);
    assert_eq!(world.open(WELL), none(9), "and not 7");
}

#[test]
fn a_slot_that_cannot_read_what_is_in_use_goes_by_what_it_had() {
    let world = World::new(Slot::A);
    world.fill(Slot::A, 2);
    world.fill(Slot::B, 6);
    world.set_current(Slot::B);
    world.make_newer_in(Slot::B);
    let before = world.directory_of(Slot::B);
    assert_eq!(world.open(WELL), good(2));
    assert_eq!(world.directory_of(Slot::B), before);
}

#[test]
fn a_revision_the_engine_ends_with_gives_way_to_the_copy_before_it_and_then_to_lockdown() {
    let world = World::new(Slot::A);
    world.fill(Slot::A, 2);
    world.keep_copy(Slot::A);
    world.fill(Slot::A, 1);
    world.keep_copy(Slot::A);
    let early = StartsBefore::EndedEarly(Some(Revision(3)));
    assert_eq!(world.open(early), good(2));
    assert_eq!(
        world.open(WELL),
        good(2),
        "the copy of revision 3 does not come back"
    );
    assert_eq!(world.open(StartsBefore::EndedEarlyAnyway), LOCKDOWN);
    assert_eq!(world.open(StartsBefore::EndedEarlyAnyway), LOCKDOWN, "and stays");
    assert_eq!(world.bad().len(), 2);
    // Without a copy of another revision there is nothing to give way to.
    let world = World::new(Slot::A);
    world.fill(Slot::A, 3);
    world.keep_copy(Slot::A);
    assert_eq!(world.open(early), none(3));
}

/// A full disk, one that is not to be written to, and a file that may not be touched are all the same to SQLite.
#[test]
fn a_store_that_cannot_be_opened_where_it_is_is_used_in_memory_and_left_alone() {
    let world = World::new(Slot::A);
    world.fill(Slot::A, 3);
    let before = world.own_bytes();
    let barrier = world.bar_opening();
    assert_eq!(
        world.open(WELL),
        Found {
            volatile: true,
            ..good(3)
        }
    );
    std::fs::remove_dir(barrier).expect("remove");
    assert_eq!(world.own_bytes(), before);
    assert_eq!(world.open(WELL), none(3), "and is gone by as soon as it can be");
    assert_eq!(world.bad().len(), 0);
}

/// What docs/operations.md says of the cost; debug builds take several times as long.
#[test]
fn a_large_store_is_opened_and_copied_in_little_time() {
    if std::env::var_os("RAVELIN_FULL").is_none() {
        return;
    }
    let world = World::new(Slot::A);
    world.fill_with(Slot::A, 1, 10_000);
    let began = std::time::Instant::now();
    world.keep_copy(Slot::A);
    let copied = began.elapsed();
    let began = std::time::Instant::now();
    assert_eq!(world.open(WELL), none(1));
    let opened = began.elapsed();
    println!("10 000 rules: opened in {opened:?}, copied in {copied:?}");
    assert!(
        opened.as_secs() < 30 && copied.as_secs() < 30,
        "{opened:?}, {copied:?}"
    );
}

/// The power goes before every step there is, once each: the next start comes to the same end, and nothing is lost.
#[test]
fn the_power_may_go_at_every_step() {
    type Case = (&'static str, Slot, fn(&World), StartsBefore, Found);
    let cases: [Case; 5] = [
        ("first boot", Slot::A, World::mark_first_boot, WELL, none(0)),
        (
            "copy of the other slot",
            Slot::B,
            |world| {
                world.fill(Slot::A, 3);
                world.fill(Slot::B, 1);
                world.set_current(Slot::A);
            },
            WELL,
            none(3),
        ),
        (
            "last-known-good",
            Slot::A,
            |world| {
                world.fill(Slot::A, 3);
                world.keep_copy(Slot::A);
                world.fill(Slot::A, 1);
                world.damage(|bytes| Some(bytes[..4096].to_vec()));
            },
            WELL,
            good(3),
        ),
        (
            "lockdown",
            Slot::A,
            |world| {
                world.fill(Slot::A, 3);
                world.damage(|bytes| Some(bytes[..4096].to_vec()));
            },
            WELL,
            LOCKDOWN,
        ),
        (
            "another revision",
            Slot::A,
            |world| {
                world.fill(Slot::A, 2);
                world.keep_copy(Slot::A);
                world.fill(Slot::A, 1);
                world.keep_copy(Slot::A);
            },
            StartsBefore::EndedEarly(Some(Revision(3))),
            good(2),
        ),
    ];
    for (what, slot, prepare, before, expected) in cases {
        let template = World::new(slot);
        prepare(&template);
        let mut steps = 0;
        loop {
            let world = template.copied();
            let cut = world.open_until_the_power_goes(before, steps);
            assert_eq!(world.open(before), expected, "{what}, cut before step {steps}");
            if let Some(found) = cut {
                assert_eq!(found, expected, "{what}");
                break;
            }
            steps += 1;
            assert!(steps < 200, "{what} does not end");
        }
        assert!(steps > 2, "{what} has {steps} steps");
    }
}
