//! The environment block, held against the program GRUB comes with.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use proptest::prelude::*;
use ravelin_system::Slot;
use ravelin_system::boot_choice::{BootChoice, BootChoiceError, BootLoader, environment_of};
use ravelin_system::grub_environment::{BLOCK_BYTES, EnvironmentError, GrubEnvironment};
use tempfile::TempDir;

fn editenv(block: &Path, arguments: &[&str]) -> String {
    let ran = Command::new("grub-editenv")
        .arg(block)
        .args(arguments)
        .output()
        .expect("grub-editenv, of the package grub-common");
    assert!(
        ran.status.success(),
        "{arguments:?}: {}",
        String::from_utf8_lossy(&ran.stderr)
    );
    String::from_utf8(ran.stdout).expect("text")
}

/// The boot loader of an appliance of which GRUB has written the block, with these variables.
fn boot_loader(variables: &[&str]) -> (TempDir, PathBuf, BootLoader) {
    let esp = tempfile::tempdir().expect("directory");
    let block = environment_of(esp.path());
    fs::create_dir(block.parent().expect("parent")).expect("directory");
    editenv(&block, &["create"]);
    if !variables.is_empty() {
        editenv(&block, &[&["set"], variables].concat());
    }
    let loader = BootLoader::new(block.clone(), esp.path().join("lock"));
    (esp, block, loader)
}

/// Names and values that fit the first sector together. grub-editenv takes no value with a line break from its
/// command line that its list would show in one line, so that those have a test of their own.
fn variables() -> impl Strategy<Value = Vec<(String, String)>> {
    prop::collection::btree_map("[a-z_][a-z0-9_]{0,9}", r"[ -~äß]{0,20}", 0..8)
        .prop_map(|variables| variables.into_iter().collect())
}

fn listed(variables: &[(String, String)]) -> Vec<String> {
    let mut lines: Vec<String> = variables
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    lines.sort();
    lines
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn grub_reads_what_is_written(variables in variables()) {
        let directory = tempfile::tempdir().expect("directory");
        let block = directory.path().join("grubenv");
        let mut environment = GrubEnvironment::default();
        for (name, value) in &variables {
            environment.set(name, value.as_str()).expect("a name");
        }
        fs::write(&block, environment.encode().expect("short enough")).expect("write");
        let mut seen: Vec<String> = editenv(&block, &["list"]).lines().map(str::to_owned).collect();
        seen.sort();
        prop_assert_eq!(seen, listed(&variables));
        // And it can go on from there.
        editenv(&block, &["set", "trial=b"]);
        let after = GrubEnvironment::decode(&fs::read(&block).expect("read")).expect("a block");
        prop_assert_eq!(after.get("trial"), Some("b"));
    }

    #[test]
    fn what_grub_writes_is_read(variables in variables()) {
        let directory = tempfile::tempdir().expect("directory");
        let block = directory.path().join("grubenv");
        editenv(&block, &["create"]);
        for (name, value) in &variables {
            editenv(&block, &["set", &format!("{name}={value}")]);
        }
        let read = GrubEnvironment::decode(&fs::read(&block).expect("read")).expect("a block");
        let mut seen: Vec<String> = read
            .variables()
            .map(|(name, value)| format!("{name}={}", String::from_utf8_lossy(value)))
            .collect();
        seen.sort();
        prop_assert_eq!(seen, listed(&variables));
    }

    #[test]
    fn blocks_are_read_as_they_were_written(
        variables in prop::collection::btree_map("[a-z_]{1,8}", prop::collection::vec(1_u8..=255, 0..16), 0..6)
    ) {
        let mut environment = GrubEnvironment::default();
        for (name, value) in &variables {
            environment.set(name, value.clone()).expect("a name");
        }
        let block = environment.encode().expect("short enough");
        prop_assert_eq!(GrubEnvironment::decode(&block).expect("a block"), environment);
    }

    #[test]
    fn no_bytes_bring_it_down(bytes in prop::collection::vec(any::<u8>(), BLOCK_BYTES)) {
        let mut block = b"# GRUB Environment Block\n".to_vec();
        block.extend_from_slice(&bytes);
        block.truncate(BLOCK_BYTES);
        // Whatever is read can be written again, or is told to be too long for that.
        if let Ok(environment) = GrubEnvironment::decode(&block)
            && let Ok(written) = environment.encode()
        {
            prop_assert_eq!(GrubEnvironment::decode(&written).expect("a block"), environment);
        }
    }
}

#[test]
fn a_block_cut_short_or_of_something_else_is_refused() {
    let whole = GrubEnvironment::default().encode().expect("a block");
    let short = GrubEnvironment::decode(&whole[..BLOCK_BYTES - 1]).expect_err("short");
    assert_eq!(short, EnvironmentError::Length(BLOCK_BYTES - 1));
    let zeroes = GrubEnvironment::decode(&[0; BLOCK_BYTES]).expect_err("zeroes");
    assert_eq!(zeroes, EnvironmentError::Signature);
}

#[test]
fn what_would_leave_the_first_sector_is_refused() {
    let mut environment = GrubEnvironment::default();
    environment.set("long", "x".repeat(500)).expect("a name");
    assert!(matches!(environment.encode(), Err(EnvironmentError::TooLong(_))));
    let named = environment.set("a=b", "c").expect_err("no name");
    assert_eq!(named, EnvironmentError::Name("a=b".to_owned()));
}

#[test]
fn a_slot_is_tried_and_becomes_the_good_one() {
    let (_esp, block, loader) = boot_loader(&["good=a", "attempts=xx", "other=kept"]);
    let choice = |trial, bad, attempts| BootChoice {
        good: Slot::A,
        trial,
        bad,
        attempts,
    };
    assert_eq!(loader.read().expect("choice"), choice(None, None, 2));
    loader.clear_attempts().expect("clear");
    loader.mark_bad(Slot::B).expect("bad");
    assert_eq!(loader.read().expect("choice"), choice(None, Some(Slot::B), 0));
    let refused = loader.boot_next(Slot::B).expect_err("not whole");
    assert!(matches!(refused, BootChoiceError::NotWhole(Slot::B)), "{refused}");
    loader.mark_whole(Slot::B).expect("whole");
    loader.boot_next(Slot::B).expect("next");
    assert_eq!(loader.next().expect("next"), Slot::B);
    assert_eq!(loader.read().expect("choice"), choice(Some(Slot::B), None, 0));
    // GRUB takes the trial and boots; the slot works.
    editenv(&block, &["set", "trial="]);
    assert_eq!(loader.next().expect("next"), Slot::A, "only once");
    loader.mark_good(Slot::B).expect("good");
    assert_eq!(loader.next().expect("next"), Slot::B);
    let seen = editenv(&block, &["list"]);
    assert!(
        seen.contains("good=b\n") && seen.contains("other=kept\n"),
        "{seen}"
    );
    assert_eq!(fs::metadata(&block).expect("block").len(), 1024);
}

#[test]
fn the_good_slot_cannot_be_lost() {
    let (_esp, _block, loader) = boot_loader(&["good=b"]);
    let refused = loader.mark_bad(Slot::B).expect_err("the good one");
    assert!(
        matches!(refused, BootChoiceError::StaysGood(Slot::B)),
        "{refused}"
    );
    assert_eq!(loader.next().expect("next"), Slot::B);
}

#[test]
fn a_boot_loader_without_a_good_slot_is_not_guessed_at() {
    let (_esp, block, loader) = boot_loader(&[]);
    assert!(matches!(loader.read(), Err(BootChoiceError::NoGoodSlot)));
    fs::write(&block, "").expect("truncate");
    assert!(matches!(loader.read(), Err(BootChoiceError::Environment(_))));
    fs::remove_file(&block).expect("remove");
    assert!(loader.read().expect_err("gone").is_absent());
}
