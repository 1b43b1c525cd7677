//! The engine runs as its own user with few capabilities; nft needs one of them.

use ravelin_compile::generate::Random;
use ravelin_kernel::{KernelError, Nftables};

use crate::support::{compiled, in_namespace, random_ruleset};

const NOBODY: libc::uid_t = 65_534;
const CAP_NET_ADMIN: u32 = 12;
const LINUX_CAPABILITY_VERSION_3: u32 = 0x2008_0522;

#[test]
fn nft_is_given_the_one_capability_it_needs() {
    in_namespace("inherit", || async {
        become_nobody(true);
        let mut nftables = Nftables::open().expect("open");
        let table = compiled(&random_ruleset(&mut Random::seeded(), 5));
        nftables.apply(&table).await.expect("apply");
        assert_eq!(
            nftables.revision().await.expect("revision"),
            Some(table.revision())
        );
    });
}

#[test]
fn without_it_nft_says_that_it_may_not() {
    in_namespace("keep", || async {
        become_nobody(false);
        let mut nftables = Nftables::open().expect("open");
        let table = compiled(&random_ruleset(&mut Random::seeded(), 5));
        let error = nftables.apply(&table).await.expect_err("not permitted");
        let KernelError::NftRefused { said, .. } = error else {
            panic!("{error}")
        };
        assert!(said.contains("Operation not permitted"), "{said}");
    });
}

/// The calling thread alone becomes another user who has CAP_NET_ADMIN, inheritable or not, and nothing else.
fn become_nobody(inheritable: bool) {
    let capability = 1_u32 << CAP_NET_ADMIN;
    let header: [u32; 2] = [LINUX_CAPABILITY_VERSION_3, 0];
    // Effective, permitted and inheritable; the low and the high 32.
    let data: [u32; 6] = [
        capability,
        capability,
        if inheritable { capability } else { 0 },
        0,
        0,
        0,
    ];
    // SAFETY: the calls take numbers, and pointers to arrays that outlive them; libc would change every thread.
    unsafe {
        assert_eq!(libc::prctl(libc::PR_SET_KEEPCAPS, 1, 0, 0, 0), 0);
        assert_eq!(libc::syscall(libc::SYS_setresuid, NOBODY, NOBODY, NOBODY), 0);
        assert_eq!(libc::syscall(libc::SYS_capset, header.as_ptr(), data.as_ptr()), 0);
    }
}
