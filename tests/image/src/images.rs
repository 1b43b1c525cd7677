//! Where the images are.

use std::path::PathBuf;

use crate::disk::Disk;

/// Size of the disks: larger than an image, so that the first boot has something to grow into.
const DISK_BYTES: u64 = 2 << 30;

/// A file of `scripts/image`: in `RAVELIN_IMAGE_DIR`, else where it puts them in the target directory this test was
/// built in.
pub fn image_file(name: &str) -> PathBuf {
    let directory = std::env::var_os("RAVELIN_IMAGE_DIR").map_or_else(
        || {
            let test = std::env::current_exe().expect("path of the test");
            // <target>/<profile>/deps/<test>
            let target = test.ancestors().nth(3).expect("target directory");
            target.join("ravelin/image")
        },
        PathBuf::from,
    );
    let path = directory.join(name);
    assert!(
        path.exists(),
        "{} is missing: run `scripts/image`",
        path.display()
    );
    path
}

/// Version of the image that is tested: that of the workspace.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// A fresh disk.
pub fn fresh_disk() -> Disk {
    Disk::of_image(&image_file(&format!("ravelin-{VERSION}.raw")), DISK_BYTES).expect("the image")
}

/// Whether the long forms are wanted.
pub fn full() -> bool {
    std::env::var_os("RAVELIN_FULL").is_some()
}
