//! Versions of images, compared as SemVer 2.0.0 has it: what is built differently is no other version.

use std::cmp::Ordering;

use semver::Version;

/// Whether an image is newer than the one that runs. Err: they cannot be compared, with the reason.
pub fn is_newer(offered: &str, running: &str) -> Result<bool, String> {
    let parse = |version: &str| {
        Version::parse(version).map_err(|error| format!("{version:?} is no version by SemVer: {error}"))
    };
    Ok(parse(offered)?.cmp_precedence(&parse(running)?) == Ordering::Greater)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(offered: &str, running: &str, expected: bool) {
        assert_eq!(
            is_newer(offered, running),
            Ok(expected),
            "{offered} over {running}"
        );
    }

    #[test]
    fn versions_compare_with_their_pre_releases() {
        check("1.0.1", "1.0.0", true);
        check("1.0.0", "1.0.0", false);
        check("0.10.0", "0.9.0", true);
        check("1.0.0-rc.1", "1.0.0", false);
        check("1.0.0", "1.0.0-rc.1", true);
        check("1.0.0-rc.10", "1.0.0-rc.9", true);
        check("1.0.0-alpha", "1.0.0-alpha.1", false);
        check("1.0.0+2", "1.0.0+1", false);
        check("1.0.0-1", "0.9.9", true);
    }

    #[test]
    fn what_is_no_version_is_not_compared() {
        let told = is_newer("v2", "1.0.0").expect_err("no version");
        assert!(told.contains("\"v2\""), "{told}");
        assert!(is_newer("1.0.0", "1.0").is_err());
    }
}
