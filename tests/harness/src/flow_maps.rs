//! The maps of the flow cache, read as bytes: a second opinion on what the engine says of them. Offsets are those of
//! `ebpf/include/ravelin/fast.h`, written down again.

use std::collections::BTreeMap;
use std::ffi::CString;
use std::fs::File;
use std::io;
use std::net::IpAddr;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::conntrack::Tuple;
use crate::eventually;

/// bpf(2).
const MAP_LOOKUP_ELEM: libc::c_long = 1;
const OBJ_GET: libc::c_long = 7;
const OBJ_GET_INFO_BY_FD: libc::c_long = 15;

/// Bytes of a bucket, of a word of it, and the bits of a word that are the slot.
const BUCKET: usize = 64;
const WORD: usize = 4;
const SLOT: u32 = 0x003f_ffff;

/// Longest until all maps of a cache are there.
const PATIENCE: Duration = Duration::from_secs(10);

/// A direction of a connection in the cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CachedFlow {
    /// As its packets come in.
    pub key: Tuple,
    /// As they leave.
    pub translated: Tuple,
    /// 1 live, 2 ended, 3 idle.
    pub state: u8,
    /// Row of the rule.
    pub counter: u32,
    /// Generation its way was learned in; 0: not learned.
    pub generation: u32,
    /// Why XDP does not forward it; 0: it does.
    pub refusal: u8,
    /// Ethernet address of its next hop.
    pub destination_mac: [u8; 6],
    /// Packets XDP forwarded, and their bytes from the IP header on.
    pub count: (u64, u64),
}

/// Where the fields of a family lie.
#[derive(Debug, Clone, Copy)]
struct Layout {
    family: u8,
    address: usize,
    size: usize,
    counts: usize,
}

const LAYOUTS: [Layout; 2] = [
    Layout {
        family: 4,
        address: 4,
        size: 128,
        counts: 64,
    },
    Layout {
        family: 6,
        address: 16,
        size: 192,
        counts: 128,
    },
];

/// The maps of a family.
#[derive(Debug)]
struct Family {
    layout: Layout,
    index: Map,
    flows: Map,
}

/// The pinned maps below the BPF file system of an engine, as they were when they were opened.
#[derive(Debug)]
pub struct FlowMaps([Family; 2]);

impl FlowMaps {
    /// Finds them.
    pub fn open(bpffs: &Path) -> Self {
        let root = bpffs.join("ravelin");
        let directories =
            std::fs::read_dir(&root).unwrap_or_else(|error| panic!("{}: {error}", root.display()));
        let cache = directories
            .map(|entry| entry.expect("entry").path().join("cache"))
            .find(|path| path.exists())
            .unwrap_or_else(|| panic!("no flow cache below {}", root.display()));
        // Another one may be there from one moment to the next.
        eventually(PATIENCE, || Self::open_all(&cache).ok())
            .unwrap_or_else(|| panic!("no flow cache in {}", cache.display()))
    }

    /// All of one cache.
    fn open_all(cache: &Path) -> io::Result<Self> {
        let directory = File::open(cache)?;
        let pins = PathBuf::from(format!("/proc/self/fd/{}", directory.as_raw_fd()));
        let open = |layout: Layout| {
            let family = layout.family;
            let index = Map::open(&pins.join(format!("fast_index{family}")))?;
            let flows = Map::open(&pins.join(format!("fast_flow{family}")))?;
            assert_eq!(
                (index.value, flows.value),
                (BUCKET, layout.size),
                "sizes of values"
            );
            Ok::<_, io::Error>(Family { layout, index, flows })
        };
        let [four, six] = LAYOUTS;
        Ok(Self([open(four)?, open(six)?]))
    }

    /// Every direction a bucket names, by its key. Panics where a bucket names a slot twice or one that is not there.
    pub fn flows(&self) -> BTreeMap<Tuple, CachedFlow> {
        let mut found = BTreeMap::new();
        for Family { layout, index, flows } in &self.0 {
            for bucket in 0..index.entries {
                for word in index.get(bucket).chunks_exact(WORD) {
                    let word = u32::from_ne_bytes(word.try_into().expect("four bytes"));
                    if word == 0 {
                        continue;
                    }
                    let flow = layout.read(&flows.get(word & SLOT));
                    let twice = found.insert(flow.key, flow);
                    assert_eq!(twice, None, "a flow is in the cache twice");
                }
            }
        }
        found
    }
}

impl Layout {
    fn read(&self, bytes: &[u8]) -> CachedFlow {
        let Self { address, counts, .. } = *self;
        let tuples = 2 * (2 * address + 4);
        let protocol = bytes[tuples];
        let tuple = |at: usize| Tuple {
            protocol,
            source: (ip(&bytes[at..at + address]), port(bytes, at + 2 * address)),
            destination: (
                ip(&bytes[at + address..at + 2 * address]),
                port(bytes, at + 2 * address + 2),
            ),
        };
        let path = tuples + 8;
        CachedFlow {
            key: tuple(0),
            translated: tuple(tuples / 2),
            state: bytes[tuples + 1],
            counter: number32(bytes, tuples + 4),
            generation: number32(bytes, path),
            refusal: bytes[path + 18],
            destination_mac: bytes[path + 20..path + 26].try_into().expect("six bytes"),
            count: (number64(bytes, counts), number64(bytes, counts + 8)),
        }
    }
}

fn ip(bytes: &[u8]) -> IpAddr {
    match bytes.len() {
        4 => <[u8; 4]>::try_from(bytes).expect("four bytes").into(),
        _ => <[u8; 16]>::try_from(bytes).expect("sixteen bytes").into(),
    }
}

fn port(bytes: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([bytes[at], bytes[at + 1]])
}

fn number32(bytes: &[u8], at: usize) -> u32 {
    u32::from_ne_bytes(bytes[at..at + 4].try_into().expect("four bytes"))
}

fn number64(bytes: &[u8], at: usize) -> u64 {
    u64::from_ne_bytes(bytes[at..at + 8].try_into().expect("eight bytes"))
}

/// An array map.
#[derive(Debug)]
struct Map {
    descriptor: OwnedFd,
    entries: u32,
    value: usize,
}

/// Heads of union bpf_attr.
#[repr(C)]
struct Object {
    path: u64,
    descriptor: u32,
    flags: u32,
}

#[repr(C)]
struct Info {
    descriptor: u32,
    length: u32,
    info: u64,
}

#[repr(C)]
struct Element {
    map: u64,
    key: u64,
    value: u64,
    flags: u64,
}

/// Head of struct bpf_map_info.
#[repr(C)]
#[derive(Default)]
struct MapInfo {
    kind: u32,
    id: u32,
    key_size: u32,
    value_size: u32,
    max_entries: u32,
}

impl Map {
    fn open(pin: &Path) -> io::Result<Self> {
        let path = CString::new(pin.as_os_str().as_bytes()).expect("a path");
        let object = Object {
            path: path.as_ptr().addr() as u64,
            descriptor: 0,
            flags: 0,
        };
        let descriptor = bpf(OBJ_GET, &object)?;
        // SAFETY: the kernel has just made this descriptor for us.
        let descriptor = unsafe { OwnedFd::from_raw_fd(descriptor) };
        let mut info = MapInfo::default();
        let request = Info {
            descriptor: descriptor.as_raw_fd().cast_unsigned(),
            length: u32::try_from(size_of::<MapInfo>()).expect("a short struct"),
            info: (&raw mut info).addr() as u64,
        };
        bpf(OBJ_GET_INFO_BY_FD, &request)?;
        Ok(Self {
            descriptor,
            entries: info.max_entries,
            value: usize::try_from(info.value_size).expect("a size"),
        })
    }

    fn get(&self, key: u32) -> Vec<u8> {
        assert!(key < self.entries, "there is no slot {key}");
        let mut value = vec![0_u8; self.value];
        let request = Element {
            map: self.descriptor.as_raw_fd().cast_unsigned().into(),
            key: (&raw const key).addr() as u64,
            value: value.as_mut_ptr().addr() as u64,
            flags: 0,
        };
        bpf(MAP_LOOKUP_ELEM, &request).expect("an element of an array");
        value
    }
}

fn bpf<T>(command: libc::c_long, attributes: &T) -> io::Result<i32> {
    // SAFETY: the kernel reads `size_of::<T>()` bytes at the pointer and reads or writes what they point to, which is as
    // long as it says and outlives the call. It takes a shorter union bpf_attr as one filled up with zeros.
    let result = unsafe {
        libc::syscall(
            libc::SYS_bpf,
            command,
            std::ptr::from_ref(attributes),
            size_of::<T>(),
        )
    };
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    i32::try_from(result).map_err(io::Error::other)
}
