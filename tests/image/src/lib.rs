//! What the tests of the image are made of: a machine with a disk that can lose power, two networks it stands
//! between, its console and its API. The tests are in `tests/it`. They need root, QEMU and an image
//! (`scripts/image`); without root they are skipped unless `RAVELIN_REQUIRE` names `image`.

mod appliance;
mod capture;
mod console;
mod disk;
mod hosts;
mod https;
mod images;
mod machine;
mod nbd;
mod networks;
mod partition;
mod probes;
mod qmp;

pub use appliance::{Appliance, BOOT, FINGERPRINT, PATIENCE, READY, access_token, first_token};
pub use capture::{Capture, Seen};
pub use console::{Console, Line};
pub use disk::{Cut, Disk};
pub use hosts::{Lease, Mirror, addresses, lease, over_tcp, over_udp};
pub use https::{Api, plain};
pub use images::{VERSION, fresh_disk, full, image_file};
pub use machine::{Cable, Machine, Plan, Start, mac};
pub use networks::{ANSWER, BOX4, CLIENT4, Network, Networks, SERVER4, SERVER6, Tap};
pub use partition::Partition;
pub use probes::{Direction, Probes};
