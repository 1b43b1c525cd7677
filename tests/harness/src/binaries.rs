//! Where the programs under test are.

use std::path::PathBuf;

/// Path of `raveld`, `ravelin-gateway` or `ravelin`: in `RAVELIN_BIN_DIR`, else where `scripts/build kernel` puts
/// them in the target directory this test was built in.
pub fn binary(name: &str) -> PathBuf {
    let directory = std::env::var_os("RAVELIN_BIN_DIR").map_or_else(
        || {
            let test = std::env::current_exe().expect("path of the test");
            // <target>/<profile>/deps/<test>
            let target = test.ancestors().nth(3).expect("target directory");
            target.join("ravelin/kernel")
        },
        PathBuf::from,
    );
    let path = directory.join(name);
    assert!(
        path.exists(),
        "{} is missing: run `scripts/build kernel`",
        path.display()
    );
    path
}
