//! Privileged tests never skip silently.

/// Whether tests of a tier may run here, that is as root. Where they may not, the test is skipped with a note, or
/// fails if the tier is named in `RAVELIN_REQUIRE` (comma-separated; CI names them all).
pub fn privileged(tier: &str) -> bool {
    // SAFETY: geteuid has no preconditions and cannot fail.
    let root = unsafe { libc::geteuid() } == 0;
    let required = std::env::var("RAVELIN_REQUIRE")
        .is_ok_and(|tiers| tiers.split(',').any(|required| required.trim() == tier));
    assert!(
        root || !required,
        "RAVELIN_REQUIRE names {tier}, which needs root"
    );
    if !root {
        eprintln!("skipped: {tier} tests need root");
    }
    root
}
