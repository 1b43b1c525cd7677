//! Limits of the test's own process.

use std::sync::Once;

/// Raises the soft limit of open files to the hard one.
pub(crate) fn raise_file_limit() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let mut limit = libc::rlimit {
            rlim_cur: 0,
            rlim_max: 0,
        };
        // SAFETY: the pointer is to a valid rlimit.
        let result = unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) };
        assert_eq!(result, 0, "getrlimit: {}", std::io::Error::last_os_error());
        limit.rlim_cur = limit.rlim_max;
        // SAFETY: the pointer is to a valid rlimit.
        let result = unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) };
        assert_eq!(result, 0, "setrlimit: {}", std::io::Error::last_os_error());
    });
}
