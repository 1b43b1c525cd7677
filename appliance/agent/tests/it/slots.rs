//! Installing, and going back by hand.

use ravelin_system::update::{BootRequest, UpdateOptions, UpdateSource, UpdateState};
use ravelin_system::{AgentError, RefusalCode, Slot};
use ravelin_test_harness::privileged;

use crate::box_of::{Boot, Machine};
use crate::workshop::{BOOT_BYTES, ROOT_BYTES, Recipe, Workshop, pattern, read};

#[test]
fn a_bundle_is_written_to_the_other_slot_and_boots_once() {
    if !privileged("netns") {
        return;
    }
    let workshop = Workshop::new();
    let machine = Machine::boot(Boot::of("1.0.0", &workshop.certificate("ours")));
    let before = machine.slot("a");
    let bundle = read(&workshop.bundle(Recipe::version("2.0.0")));
    let update = machine
        .upload(&bundle, &UpdateOptions::default())
        .expect("accepted");
    assert_eq!(update.version.as_deref(), Some("2.0.0"));
    let ready = machine.wait_for(&update.id, UpdateState::ReadyToBoot);
    assert_eq!((ready.slot, ready.written_percent), (Some(Slot::B), Some(100)));
    assert_eq!(ready.received_bytes, u64::try_from(bundle.len()).expect("length"));
    let (root, boot) = machine.slot("b");
    assert!(
        root[..ROOT_BYTES] == pattern(ROOT_BYTES, "2.0.0"),
        "the root is that of the bundle"
    );
    assert!(
        boot[..BOOT_BYTES] == pattern(BOOT_BYTES, "2.0.0"),
        "so is the kernel"
    );
    assert!(machine.slot("a") == before, "what runs is not touched");
    let choice = machine.loader().read().expect("loader");
    assert_eq!(
        (choice.good, choice.trial, choice.bad),
        (Slot::A, Some(Slot::B), None)
    );
    assert!(!machine.asked_to_restart(), "nobody asked for it");
    let status = machine.runtime.block_on(machine.agent.status()).expect("status");
    let versions: Vec<_> = status.slots.iter().map(|slot| slot.version.as_deref()).collect();
    assert_eq!(versions, [Some("1.0.0"), Some("2.0.0")]);
    assert!(status.slots[1].next && !status.slots[1].good);

    // Another one comes in its place.
    let bundle = read(&workshop.bundle(Recipe::version("3.0.0")));
    let options = UpdateOptions {
        reboot: true,
        ..UpdateOptions::default()
    };
    let third = machine.upload(&bundle, &options).expect("accepted");
    machine.wait_for(&third.id, UpdateState::ReadyToBoot);
    let replaced = machine
        .runtime
        .block_on(machine.agent.update(&update.id))
        .expect("update");
    assert_eq!(
        replaced.problem.map(|problem| problem.code),
        Some(RefusalCode::UpdateReplaced)
    );
    ravelin_test_harness::wait_until("the machine restarts", crate::box_of::PATIENCE, || {
        machine.asked_to_restart()
    });
}

#[test]
fn an_older_version_needs_to_be_wanted() {
    if !privileged("netns") {
        return;
    }
    let workshop = Workshop::new();
    let mut machine = Machine::boot(Boot::of("2.0.0", &workshop.certificate("ours")));
    let older = read(&workshop.bundle(Recipe::version("1.0.0")));
    assert_eq!(
        machine.refused(&older, &UpdateOptions::default()).code,
        RefusalCode::UpdateNotNewer
    );
    let options = UpdateOptions {
        allow_downgrade: true,
        ..UpdateOptions::default()
    };
    let update = machine.upload(&older, &options).expect("accepted");
    machine.wait_for(&update.id, UpdateState::ReadyToBoot);
    // It came up and was good; back to the newer one is no downgrade.
    machine.loader().mark_good(Slot::B).expect("good");
    machine.reboot(Slot::B, false, "1.0.0");
    assert_eq!(
        machine
            .runtime
            .block_on(machine.agent.update(&update.id))
            .expect("update")
            .state,
        UpdateState::Good
    );
    let boot = |slot, allow_downgrade| {
        let request = BootRequest {
            allow_downgrade,
            reboot: false,
        };
        machine.runtime.block_on(machine.agent.boot(slot, &request))
    };
    let runs = boot(Slot::B, true).expect_err("it runs");
    assert!(matches!(&runs, AgentError::Refused(refusal) if refusal.code == RefusalCode::SlotRuns));
    let back = boot(Slot::A, false).expect("accepted");
    assert_eq!(
        (back.source, back.version.as_deref()),
        (UpdateSource::Slot, Some("2.0.0"))
    );
    assert_eq!(machine.loader().next().expect("loader"), Slot::A);

    machine.loader().mark_good(Slot::A).expect("good");
    machine.reboot(Slot::A, false, "2.0.0");
    let request = BootRequest::default();
    let older = machine.runtime.block_on(machine.agent.boot(Slot::B, &request));
    let refused = older.expect_err("a downgrade");
    assert!(matches!(&refused, AgentError::Refused(refusal) if refusal.code == RefusalCode::UpdateNotNewer));
}

#[test]
fn an_empty_slot_is_not_booted() {
    if !privileged("netns") {
        return;
    }
    let workshop = Workshop::new();
    let machine = Machine::boot(Boot::of("1.0.0", &workshop.certificate("ours")));
    let request = BootRequest {
        allow_downgrade: true,
        reboot: true,
    };
    let refused = machine
        .runtime
        .block_on(machine.agent.boot(Slot::B, &request))
        .expect_err("empty");
    assert!(matches!(&refused, AgentError::Refused(refusal) if refusal.code == RefusalCode::SlotNotWhole));
    assert_eq!(machine.loader().next().expect("loader"), Slot::A);
    assert!(!machine.asked_to_restart());
}

#[test]
fn a_bundle_damaged_in_the_middle_leaves_a_slot_that_is_not_booted() {
    if !privileged("netns") {
        return;
    }
    let workshop = Workshop::new();
    let machine = Machine::boot(Boot::of("1.0.0", &workshop.certificate("ours")));
    // The format of the image: its signature is of the hashes alone, and what is wrong below shows while it is read.
    let mut bundle = read(&workshop.bundle(Recipe::verity("2.0.0")));
    bundle[ROOT_BYTES / 2] ^= 0xff;
    let update = machine
        .upload(&bundle, &UpdateOptions::default())
        .expect("accepted");
    let failed = machine.wait_for(&update.id, UpdateState::Failed);
    let problem = failed.problem.expect("a problem");
    assert_eq!(problem.code, RefusalCode::UpdateWrite, "{}", problem.detail);
    assert_eq!(machine.loader().next().expect("loader"), Slot::A);
}
