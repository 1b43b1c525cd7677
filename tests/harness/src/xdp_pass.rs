//! An XDP program that passes everything, for the far ends of veth pairs.

use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

/// bpf(2): BPF_PROG_LOAD and BPF_LINK_CREATE.
const PROG_LOAD: libc::c_long = 5;
const LINK_CREATE: libc::c_long = 28;
/// include/uapi/linux/bpf.h: BPF_PROG_TYPE_XDP, attach type BPF_XDP.
const PROG_TYPE_XDP: u32 = 6;
const ATTACH_XDP: u32 = 37;
const LICENSE: &CStr = c"Dual BSD/GPL";

/// `r0 = XDP_PASS; exit`, as struct bpf_insn.
const PASS: [[u8; 8]; 2] = [[0xb7, 0, 0, 0, 2, 0, 0, 0], [0x95, 0, 0, 0, 0, 0, 0, 0]];

/// Head of union bpf_attr for BPF_PROG_LOAD.
#[repr(C)]
struct ProgramLoad {
    kind: u32,
    instruction_count: u32,
    instructions: u64,
    license: u64,
}

/// Head of union bpf_attr for BPF_LINK_CREATE.
#[repr(C)]
struct LinkCreate {
    program: u32,
    interface_index: u32,
    attach_type: u32,
    flags: u32,
}

/// Attaches to an interface of the calling thread's namespace; attached as long as the descriptor is open.
///
/// veth takes a packet that XDP sends back (XDP_TX) only where its receiving end polls, and the sending end only wakes
/// that poll where it sees a program there (drivers/net/veth.c, veth_xdp_flush). GRO makes it poll but not wake up.
pub fn attach(interface: &str) -> io::Result<OwnedFd> {
    let name = CString::new(interface)?;
    // SAFETY: the name is a C string that outlives the call.
    let interface_index = unsafe { libc::if_nametoindex(name.as_ptr()) };
    if interface_index == 0 {
        return Err(io::Error::last_os_error());
    }
    let program = bpf(
        PROG_LOAD,
        &ProgramLoad {
            kind: PROG_TYPE_XDP,
            instruction_count: 2,
            instructions: PASS.as_ptr().addr() as u64,
            license: LICENSE.as_ptr().addr() as u64,
        },
    )?;
    bpf(
        LINK_CREATE,
        &LinkCreate {
            program: program.as_raw_fd().cast_unsigned(),
            interface_index,
            attach_type: ATTACH_XDP,
            flags: 0,
        },
    )
}

/// bpf(2) with a command that answers with a descriptor.
fn bpf<T>(command: libc::c_long, attributes: &T) -> io::Result<OwnedFd> {
    // SAFETY: the kernel reads `size_of::<T>()` bytes at the pointer, and what they point to; both outlive the call. It
    // takes a shorter union bpf_attr as one filled up with zeros.
    let result = unsafe {
        libc::syscall(
            libc::SYS_bpf,
            command,
            std::ptr::from_ref(attributes),
            size_of::<T>(),
        )
    };
    let descriptor = i32::try_from(result).map_err(io::Error::other)?;
    if descriptor < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel has just made this descriptor for us.
    Ok(unsafe { OwnedFd::from_raw_fd(descriptor) })
}
