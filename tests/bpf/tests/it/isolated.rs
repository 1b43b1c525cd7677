//! A place for a test of its own.

use std::ffi::CString;
use std::path::Path;
use std::process::Command;

use ravelin_test_harness::privileged;

/// Runs a test on a thread with its own network and mount namespace, with the loopback up and a bpffs to pin to.
/// All of it goes away with the thread. Says so and returns where there is no root.
pub fn isolated(test: impl FnOnce(&Path) + Send) {
    if !privileged("bpf") {
        return;
    }
    let pins = tempfile::tempdir().unwrap();
    std::thread::scope(|scope| {
        let run = scope.spawn(|| {
            unshare();
            mount_bpffs(pins.path());
            let up = Command::new("ip")
                .args(["link", "set", "lo", "up"])
                .status()
                .unwrap();
            assert!(up.success(), "ip link set lo up");
            test(pins.path());
        });
        if let Err(panic) = run.join() {
            std::panic::resume_unwind(panic);
        }
    });
}

fn unshare() {
    // SAFETY: unshare takes no pointers; it changes the calling thread only.
    let result = unsafe { libc::unshare(libc::CLONE_NEWNS | libc::CLONE_NEWNET) };
    assert_eq!(result, 0, "unshare: {}", std::io::Error::last_os_error());
}

fn mount_bpffs(at: &Path) {
    mount("none", "/", "", libc::MS_REC | libc::MS_PRIVATE);
    mount("bpf", at.to_str().unwrap(), "bpf", 0);
}

fn mount(source: &str, target: &str, kind: &str, flags: libc::c_ulong) {
    let [source, target, kind] = [source, target, kind].map(|text| CString::new(text).unwrap());
    // SAFETY: three strings that end in 0 and live through the call; no data.
    let result = unsafe {
        libc::mount(
            source.as_ptr(),
            target.as_ptr(),
            kind.as_ptr(),
            flags,
            std::ptr::null(),
        )
    };
    assert_eq!(result, 0, "mount {target:?}: {}", std::io::Error::last_os_error());
}
