//! What is refused, before a byte of a slot changes.

use ravelin_system::RefusalCode;
use ravelin_system::update::{UpdateOptions, UpdateState};
use ravelin_test_harness::privileged;

use crate::box_of::{Boot, Machine};
use crate::workshop::{Recipe, Workshop, read};

#[test]
fn bundles_that_are_not_whole_not_signed_or_for_others_are_refused() {
    if !privileged("netns") {
        return;
    }
    let workshop = Workshop::new();
    let machine = Machine::boot(Boot::of("1.0.0", &workshop.certificate("ours")));
    let good = read(&workshop.bundle(Recipe::verity("2.0.0")));
    let content =
        usize::try_from(u64::from_le_bytes(good[40..48].try_into().expect("eight bytes"))).expect("length");
    let mut flipped = good.clone();
    let signature = good.len() - 700;
    flipped[signature] ^= 1;
    let other = |recipe| read(&workshop.bundle(recipe));
    let theirs = other(Recipe {
        key: "theirs",
        ..Recipe::verity("2.0.0")
    });
    let elsewhere = other(Recipe {
        compatible: "ravelin-aarch64",
        ..Recipe::verity("2.0.0")
    });
    let cases: [(&str, &[u8], RefusalCode); 11] = [
        ("nothing", b"", RefusalCode::UpdateNotABundle),
        ("something else", &[b'x'; 5000], RefusalCode::UpdateNotABundle),
        ("half", &good[..good.len() / 2], RefusalCode::UpdateTruncated),
        (
            "a byte is missing",
            &good[..good.len() - 1],
            RefusalCode::UpdateTruncated,
        ),
        (
            "the content alone",
            &good[..content.next_multiple_of(4096)],
            RefusalCode::UpdateUnsigned,
        ),
        (
            "without the end of the signature",
            &good[..good.len() - 500],
            RefusalCode::UpdateTruncated,
        ),
        (
            "a signature that is changed",
            &flipped,
            RefusalCode::UpdateUntrusted,
        ),
        ("another key", &theirs, RefusalCode::UpdateUntrusted),
        ("another machine", &elsewhere, RefusalCode::UpdateIncompatible),
        (
            "the same version",
            &other(Recipe::verity("1.0.0")),
            RefusalCode::UpdateNotNewer,
        ),
        (
            "a pre-release of it",
            &other(Recipe::verity("1.0.0-rc.1")),
            RefusalCode::UpdateNotNewer,
        ),
    ];
    let before = (
        machine.slot("a"),
        machine.slot("b"),
        machine.loader().read().expect("loader"),
    );
    for (what, bundle, expected) in cases {
        let refusal = machine.refused(bundle, &UpdateOptions::default());
        assert_eq!(refusal.code, expected, "{what}: {}", refusal.detail);
        let newest = machine
            .runtime
            .block_on(machine.agent.updates())
            .expect("updates")
            .remove(0);
        assert_eq!(newest.state, UpdateState::Failed, "{what}");
        assert_eq!(newest.problem.as_ref(), Some(&refusal), "{what}");
    }
    let checksum = UpdateOptions {
        sha256: Some("0".repeat(64)),
        ..UpdateOptions::default()
    };
    assert_eq!(
        machine.refused(&good, &checksum).code,
        RefusalCode::UpdateChecksum
    );
    let after = (
        machine.slot("a"),
        machine.slot("b"),
        machine.loader().read().expect("loader"),
    );
    assert!(before == after, "a slot or the boot loader was changed");
    let left = std::fs::read_dir(machine.path("updates"))
        .expect("directory")
        .count();
    assert_eq!(left, 0, "bundles that were refused are removed");
}

#[test]
fn what_is_too_large_or_has_no_room_is_refused() {
    if !privileged("netns") {
        return;
    }
    let workshop = Workshop::new();
    let certificate = workshop.certificate("ours");
    let machine = Machine::boot(Boot {
        more: "bundle_limit_bytes = 100000",
        ..Boot::of("1.0.0", &certificate)
    });
    let good = read(&workshop.bundle(Recipe::verity("2.0.0")));
    let refusal = machine.refused(&good, &UpdateOptions::default());
    assert_eq!(refusal.code, RefusalCode::UpdateTooLarge, "{}", refusal.detail);
}
