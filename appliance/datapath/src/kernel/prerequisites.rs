//! Whether there can be a data plane here.

use std::ffi::CString;
use std::fs;
use std::mem::MaybeUninit;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use crate::Unavailable;

/// TCX links: include/uapi/linux/bpf.h, `BPF_TCX_INGRESS`, since 6.6.
const KERNEL_MIN: (u32, u32) = (6, 6);

/// Numbers of include/uapi/linux/capability.h.
const NEEDED: [(&str, u32); 3] = [("CAP_BPF", 39), ("CAP_NET_ADMIN", 12), ("CAP_PERFMON", 38)];
const CAP_SYS_ADMIN: u32 = 21;

/// Says why not, the most basic reason first.
pub(super) fn check(bpffs: &Path) -> Result<(), Unavailable> {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    if version(&release).is_some_and(|version| version < KERNEL_MIN) {
        return Err(Unavailable::KernelTooOld {
            release: release.trim_end().to_owned(),
        });
    }
    let missing = missing_capabilities(&fs::read_to_string("/proc/thread-self/status").unwrap_or_default());
    if !missing.is_empty() {
        return Err(Unavailable::MissingCapabilities { missing });
    }
    if !is_bpffs(bpffs) {
        return Err(Unavailable::NoBpfFilesystem {
            path: bpffs.to_owned(),
        });
    }
    Ok(())
}

/// (Major, minor) of a release such as `6.12.48+deb13-amd64`.
fn version(release: &str) -> Option<(u32, u32)> {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit());
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

/// Reads them from `/proc/thread-self/status`; what cannot be read is left to the kernel to refuse.
fn missing_capabilities(status: &str) -> Vec<&'static str> {
    let effective = status
        .lines()
        .find_map(|line| line.strip_prefix("CapEff:"))
        .and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok())
        .unwrap_or(u64::MAX);
    let has = |number: u32| effective >> number & 1 == 1;
    NEEDED
        .into_iter()
        .filter(|(name, number)| {
            let implied = *name != "CAP_NET_ADMIN" && has(CAP_SYS_ADMIN);
            !has(*number) && !implied
        })
        .map(|(name, _)| name)
        .collect()
}

fn is_bpffs(path: &Path) -> bool {
    let Ok(path) = CString::new(path.as_os_str().as_bytes()) else {
        return false;
    };
    let mut stat = MaybeUninit::<libc::statfs>::uninit();
    // SAFETY: the path is a C string, and there is room for the answer.
    if unsafe { libc::statfs(path.as_ptr(), stat.as_mut_ptr()) } != 0 {
        return false;
    }
    // SAFETY: the call succeeded, so the kernel has filled it in.
    unsafe { stat.assume_init() }.f_type == libc::BPF_FS_MAGIC
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_capabilities(effective: u64, expected: &[&str]) {
        let status = format!("Name:\traveld\nCapPrm:\tffff\nCapEff:\t{effective:016x}\nCapBnd:\tffff\n");
        assert_eq!(missing_capabilities(&status), expected, "{effective:#x}");
    }

    #[test]
    fn missing_capabilities_are_named() {
        check_capabilities(0, &["CAP_BPF", "CAP_NET_ADMIN", "CAP_PERFMON"]);
        check_capabilities(1 << 39 | 1 << 38 | 1 << 12, &[]);
        check_capabilities(1 << 39 | 1 << 12, &["CAP_PERFMON"]);
        check_capabilities(1 << 21, &["CAP_NET_ADMIN"]);
        check_capabilities(1 << 21 | 1 << 12, &[]);
    }

    #[test]
    fn versions_compare_as_numbers() {
        for (release, expected) in [
            ("6.12.48+deb13-amd64\n", Some((6, 12))),
            ("6.6-rc1", Some((6, 6))),
            ("5.15.0-91-generic", Some((5, 15))),
            ("unknown", None),
        ] {
            assert_eq!(version(release), expected, "{release}");
        }
        assert!(version("6.12").is_some_and(|version| version >= KERNEL_MIN));
        assert!(version("5.15").is_some_and(|version| version < KERNEL_MIN));
    }

    #[test]
    fn only_a_bpf_file_system_is_one() {
        assert!(!is_bpffs(Path::new("/proc")));
        assert!(!is_bpffs(Path::new("/nowhere/to/be/found")));
    }
}
