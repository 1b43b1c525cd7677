//! The calls of bpf(2) aya 0.14 lacks: links by interface index without a silent fall-back to netlink, batches,
//! per-CPU values without an allocation each. The attribute structs are those of `union bpf_attr` in
//! include/uapi/linux/bpf.h, cut after the last field used.

use std::ffi::CString;
use std::io;
use std::os::fd::{AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use aya_obj::generated::bpf_cmd::{
    self, BPF_LINK_CREATE, BPF_LINK_DETACH, BPF_LINK_UPDATE, BPF_MAP_CREATE, BPF_MAP_DELETE_ELEM,
    BPF_MAP_LOOKUP_BATCH, BPF_MAP_LOOKUP_ELEM, BPF_MAP_UPDATE_ELEM, BPF_OBJ_GET, BPF_OBJ_GET_INFO_BY_FD,
    BPF_OBJ_PIN,
};

use bytemuck::Pod;

/// Runs one command.
///
/// # Safety
/// `attr` has the layout the command reads; the pointers in it are good for what the command does with them.
unsafe fn bpf<A>(command: bpf_cmd, attr: &mut A) -> io::Result<RawFd> {
    // SAFETY: the kernel reads and writes `size_of::<A>()` bytes of `attr`; the rest is the caller's promise.
    let result = unsafe {
        libc::syscall(
            libc::SYS_bpf,
            command as libc::c_long,
            std::ptr::from_mut(attr),
            size_of::<A>(),
        )
    };
    match RawFd::try_from(result) {
        Ok(result) if result >= 0 => Ok(result),
        _ => Err(io::Error::last_os_error()),
    }
}

/// The same for commands that return a descriptor.
///
/// # Safety
/// As for [`bpf`], and the command returns a new descriptor.
unsafe fn bpf_fd<A>(command: bpf_cmd, attr: &mut A) -> io::Result<OwnedFd> {
    // SAFETY: promised by the caller.
    let fd = unsafe { bpf(command, attr)? };
    // SAFETY: the descriptor is new, so nobody else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

fn number(fd: BorrowedFd<'_>) -> u32 {
    fd.as_raw_fd().cast_unsigned()
}

fn address<T>(pointer: *const T) -> u64 {
    pointer.addr() as u64
}

fn c_path(path: &Path) -> io::Result<CString> {
    CString::new(path.as_os_str().as_bytes()).map_err(|_| io::ErrorKind::InvalidInput.into())
}

/// Fills a buffer with random bytes; few of them always come at once.
pub(super) fn random<V: Pod>(values: &mut [V]) -> io::Result<()> {
    let bytes: &mut [u8] = bytemuck::cast_slice_mut(values);
    // SAFETY: there is room for as many bytes as are asked for.
    let got = unsafe { libc::getrandom(bytes.as_mut_ptr().cast(), bytes.len(), 0) };
    match usize::try_from(got) {
        Ok(got) if got == bytes.len() => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

#[repr(C)]
struct Object {
    path: u64,
    fd: u32,
    flags: u32,
}

/// Pins an object. Fails where the path exists.
pub(super) fn pin(fd: BorrowedFd<'_>, path: &Path) -> io::Result<()> {
    let path = c_path(path)?;
    let mut attr = Object {
        path: address(path.as_ptr()),
        fd: number(fd),
        flags: 0,
    };
    // SAFETY: `path` is a C string that outlives the call.
    unsafe { bpf(BPF_OBJ_PIN, &mut attr) }.map(drop)
}

/// Opens a pinned object.
pub(super) fn open_pin(path: &Path) -> io::Result<OwnedFd> {
    let path = c_path(path)?;
    let mut attr = Object {
        path: address(path.as_ptr()),
        fd: 0,
        flags: 0,
    };
    // SAFETY: `path` is a C string that outlives the call; the command returns a descriptor.
    unsafe { bpf_fd(BPF_OBJ_GET, &mut attr) }
}

/// Exchanges two paths of one file system, atomically.
pub(super) fn exchange(one: &Path, other: &Path) -> io::Result<()> {
    let (one, other) = (c_path(one)?, c_path(other)?);
    // SAFETY: both are C strings that outlive the call.
    let result = unsafe {
        libc::renameat2(
            libc::AT_FDCWD,
            one.as_ptr(),
            libc::AT_FDCWD,
            other.as_ptr(),
            libc::RENAME_EXCHANGE,
        )
    };
    match result {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

#[repr(C)]
struct LinkCreate {
    program: u32,
    interface: u32,
    attach_type: u32,
    flags: u32,
    relative: u32,
    pad: u32,
    revision: u64,
}

/// Attaches a program to an interface by a link; it is detached when the last descriptor and pin go.
pub(super) fn create_link(
    program: BorrowedFd<'_>,
    interface: u32,
    attach_type: u32,
    flags: u32,
) -> io::Result<OwnedFd> {
    let mut attr = LinkCreate {
        program: number(program),
        interface,
        attach_type,
        flags,
        relative: 0,
        pad: 0,
        revision: 0,
    };
    // SAFETY: there are no pointers; the command returns a descriptor.
    unsafe { bpf_fd(BPF_LINK_CREATE, &mut attr) }
}

#[repr(C)]
struct LinkUpdate {
    link: u32,
    program: u32,
    flags: u32,
    old_program: u32,
}

/// Puts another program behind a link; each packet meets one of the two.
pub(super) fn update_link(link: BorrowedFd<'_>, program: BorrowedFd<'_>) -> io::Result<()> {
    let mut attr = LinkUpdate {
        link: number(link),
        program: number(program),
        flags: 0,
        old_program: 0,
    };
    // SAFETY: there are no pointers.
    unsafe { bpf(BPF_LINK_UPDATE, &mut attr) }.map(drop)
}

/// Takes the program off the interface at once; closing the last descriptor would leave that to a work queue.
pub(super) fn detach_link(link: BorrowedFd<'_>) -> io::Result<()> {
    let mut attr = number(link);
    // SAFETY: the attribute is the descriptor alone.
    unsafe { bpf(BPF_LINK_DETACH, &mut attr) }.map(drop)
}

/// The head of `struct bpf_link_info`, as XDP and TCX links fill it.
#[repr(C)]
#[derive(Debug, Default)]
pub(super) struct LinkInfo {
    kind: u32,
    /// Kernel id of the link.
    pub(super) id: u32,
    /// Kernel id of the program behind it.
    pub(super) program: u32,
    pad: u32,
    /// 0: the interface is gone.
    pub(super) interface: u32,
    attach_type: u32,
}

#[repr(C)]
struct Info {
    fd: u32,
    length: u32,
    info: u64,
}

/// Asks a link of an interface.
pub(super) fn link_info(link: BorrowedFd<'_>) -> io::Result<LinkInfo> {
    let mut info = LinkInfo::default();
    let mut attr = Info {
        fd: number(link),
        length: u32::try_from(size_of::<LinkInfo>()).expect("six words"),
        info: address(std::ptr::from_mut(&mut info)),
    };
    // SAFETY: the kernel writes at most `length` bytes of plain integers to `info`, which outlives the call.
    unsafe { bpf(BPF_OBJ_GET_INFO_BY_FD, &mut attr)? };
    Ok(info)
}

#[repr(C)]
struct MapCreate {
    kind: u32,
    key_size: u32,
    value_size: u32,
    max_entries: u32,
    flags: u32,
    inner: u32,
    numa_node: u32,
    name: [u8; 16],
}

/// A map to be made; its keys have four bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct NewMap<'a> {
    /// At most 15 bytes are told to the kernel.
    pub(super) name: &'a str,
    /// Of `bpf_map_type`.
    pub(super) kind: u32,
    pub(super) value_size: u32,
    pub(super) max_entries: u32,
    pub(super) flags: u32,
    /// The template where the values are maps.
    pub(super) inner: Option<BorrowedFd<'a>>,
}

/// Makes a map.
pub(super) fn create_map(map: &NewMap<'_>) -> io::Result<OwnedFd> {
    let mut attr = MapCreate {
        kind: map.kind,
        key_size: 4,
        value_size: map.value_size,
        max_entries: map.max_entries,
        flags: map.flags,
        inner: map.inner.map_or(0, number),
        numa_node: 0,
        name: [0; 16],
    };
    // The last byte stays 0.
    for (to, from) in attr.name[..15].iter_mut().zip(map.name.bytes()) {
        *to = from;
    }
    // SAFETY: there are no pointers; the command returns a descriptor.
    unsafe { bpf_fd(BPF_MAP_CREATE, &mut attr) }
}

#[repr(C)]
struct Element {
    map: u32,
    pad: u32,
    key: u64,
    value: u64,
    flags: u64,
}

impl Element {
    fn new<K, V>(map: BorrowedFd<'_>, key: &K, value: *const V) -> Self {
        Self {
            map: number(map),
            pad: 0,
            key: address(std::ptr::from_ref(key)),
            value: address(value),
            flags: 0,
        }
    }
}

/// Reads the value of a key; of a per-CPU map, the value of every CPU.
///
/// # Safety
/// The map's keys are `K`; its values fill `values`, times the number of possible CPUs for a per-CPU map.
pub(super) unsafe fn lookup<K: Pod, V: Pod>(
    map: BorrowedFd<'_>,
    key: &K,
    values: &mut [V],
) -> io::Result<()> {
    let mut attr = Element::new(map, key, values.as_mut_ptr());
    // SAFETY: sizes are the caller's promise; any bytes are a valid `V`.
    unsafe { bpf(BPF_MAP_LOOKUP_ELEM, &mut attr) }.map(drop)
}

/// Sets the value of a key; of a per-CPU map, the value of every CPU.
///
/// # Safety
/// As for [`lookup`].
pub(super) unsafe fn update<K: Pod, V: Pod>(map: BorrowedFd<'_>, key: &K, values: &[V]) -> io::Result<()> {
    let mut attr = Element::new(map, key, values.as_ptr());
    // SAFETY: sizes are the caller's promise; the kernel only reads.
    unsafe { bpf(BPF_MAP_UPDATE_ELEM, &mut attr) }.map(drop)
}

/// Removes a key.
///
/// # Safety
/// The map's keys are `K`.
pub(super) unsafe fn delete<K: Pod>(map: BorrowedFd<'_>, key: &K) -> io::Result<()> {
    let mut attr = Element::new(map, key, std::ptr::null::<u8>());
    // SAFETY: the size of the key is the caller's promise.
    unsafe { bpf(BPF_MAP_DELETE_ELEM, &mut attr) }.map(drop)
}

#[repr(C)]
struct Batch {
    from: u64,
    to: u64,
    keys: u64,
    values: u64,
    count: u32,
    map: u32,
    element_flags: u64,
    flags: u64,
}

/// What a batch came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Batched {
    /// So many entries; there are more.
    More(usize),
    /// So many entries, the last.
    End(usize),
    /// A bucket holds more entries than the buffers; nothing was read.
    TooSmall,
}

/// Reads entries, as many as the buffers hold, after the `position` the last call left; None: from the start.
/// Moves `position` on.
///
/// # Safety
/// The map is a hash map with keys `K` and values `V`, and `per_key` is 1; or a per-CPU array with keys `K = u32`
/// and values `V`, and `per_key` is the number of possible CPUs.
pub(super) unsafe fn lookup_batch<K: Pod, V: Pod>(
    map: BorrowedFd<'_>,
    position: &mut Option<u32>,
    keys: &mut [K],
    values: &mut [V],
    per_key: usize,
) -> io::Result<Batched> {
    let mut next = 0u32;
    let mut attr = Batch {
        from: position
            .as_ref()
            .map_or(0, |from| address(std::ptr::from_ref(from))),
        to: address(std::ptr::from_mut(&mut next)),
        keys: address(keys.as_mut_ptr()),
        values: address(values.as_mut_ptr()),
        count: u32::try_from(keys.len().min(values.len() / per_key)).unwrap_or(u32::MAX),
        map: number(map),
        element_flags: 0,
        flags: 0,
    };
    // SAFETY: the kernel writes at most `count` entries to the buffers and four bytes to `next`: the number of a
    // bucket (__htab_map_lookup_and_delete_batch in kernel/bpf/hashtab.c) or a key of an array
    // (generic_map_lookup_batch in kernel/bpf/syscall.c). Any bytes are a valid `K` and `V`.
    let result = unsafe { bpf(BPF_MAP_LOOKUP_BATCH, &mut attr) };
    let count = attr.count as usize;
    match result {
        Ok(_) => {
            *position = Some(next);
            Ok(Batched::More(count))
        }
        Err(error) if error.raw_os_error() == Some(libc::ENOENT) => Ok(Batched::End(count)),
        Err(error) if error.raw_os_error() == Some(libc::ENOSPC) => Ok(Batched::TooSmall),
        Err(error) => Err(error),
    }
}
