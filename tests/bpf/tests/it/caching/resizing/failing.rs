//! What fails or is killed on the way.

use std::ffi::CString;
use std::fs;
use std::os::fd::{AsFd as _, AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd};
use std::path::PathBuf;

use aya::maps::{Array, MapData};
use aya::programs::{ProgramInfo, loaded_programs};
use ravelin_datapath::{CachedFlow, Datapath as _, DatapathError, Inserted};

use super::{LIMIT, OF_CACHE, ROOM, check, counts, learn, maps, programs, rig, with_traffic};
use crate::caching::ground::{Router, frames};

/// A link whose program cannot be replaced, in the place of that of XDP, until it is dropped.
struct Stubborn {
    links: PathBuf,
    interface: u32,
}

impl Stubborn {
    fn new(router: &Router, interface: u32) -> Self {
        let this = Self {
            links: rig(router).root().join("links"),
            interface,
        };
        fs::rename(this.pin("xdp"), this.pin("saved")).unwrap();
        // It runs a program of another type, and goes on doing so.
        fs::rename(this.pin("tc_egress"), this.pin("xdp")).unwrap();
        this
    }

    fn pin(&self, place: &str) -> PathBuf {
        self.links.join(format!("{place}-{}", self.interface))
    }
}

impl Drop for Stubborn {
    fn drop(&mut self) {
        fs::rename(self.pin("xdp"), self.pin("tc_egress")).unwrap();
        fs::rename(self.pin("saved"), self.pin("xdp")).unwrap();
    }
}

#[test]
fn where_one_link_cannot_be_replaced_all_are_put_back() {
    with_traffic(|mut router, flows| {
        assert!(router.lan0 < router.wan0, "the last one fails");
        let before = rig(&router).links();
        let mut staged = router.parts.datapath.stage_cache(16).unwrap();
        router.copy_to(&mut *staged);
        let stubborn = Stubborn::new(&router, router.wan0);
        let failed = router.parts.datapath.use_staged_cache();
        assert!(matches!(failed, Err(DatapathError::Pin { .. })), "{failed:?}");
        drop(stubborn);
        assert_eq!(rig(&router).links(), before);
        drop(staged);
        router.parts.cache.keep_alive(LIMIT);
        check(&router, &flows, ROOM);
        // And it can be tried again.
        assert_eq!(router.resize(16), []);
        flows.iter().for_each(|flow| learn(&router, flow));
        check(&router, &flows, 16);
    });
}

#[test]
fn where_the_next_process_would_not_find_it_all_links_are_put_back() {
    with_traffic(|mut router, flows| {
        let before = rig(&router).links();
        let mut staged = router.parts.datapath.stage_cache(16).unwrap();
        router.copy_to(&mut *staged);
        let [cache, away] = ["cache", "away"].map(|name| router.maps().join(name));
        fs::rename(&cache, &away).unwrap();
        let failed = router.parts.datapath.use_staged_cache();
        assert!(matches!(failed, Err(DatapathError::Pin { .. })), "{failed:?}");
        fs::rename(&away, &cache).unwrap();
        assert_eq!(rig(&router).links(), before);
        router.parts.cache.keep_alive(LIMIT);
        check(&router, &flows, ROOM);
    });
}

/// bpf(2).
fn bpf(command: libc::c_long, attributes: [u32; 4]) -> i32 {
    // SAFETY: the attributes are as many integers as are told; a path among them outlives the call.
    let result = unsafe {
        libc::syscall(
            libc::SYS_bpf,
            command,
            attributes.as_ptr(),
            size_of_val(&attributes),
        )
    };
    assert!(result >= 0, "{}", std::io::Error::last_os_error());
    i32::try_from(result).unwrap()
}

/// Has the XDP link of an interface run a program.
fn replace(router: &Router, interface: u32, program: BorrowedFd<'_>) {
    const OBJ_GET: libc::c_long = 7;
    const LINK_UPDATE: libc::c_long = 29;
    let pin = rig(router).root().join(format!("links/xdp-{interface}"));
    let path = CString::new(pin.to_str().unwrap()).unwrap();
    let [low, high]: [u32; 2] = bytemuck::cast(path.as_ptr().addr());
    let link = bpf(OBJ_GET, [low, high, 0, 0]);
    // SAFETY: the kernel has just made this descriptor for us.
    let link = unsafe { OwnedFd::from_raw_fd(link) };
    let [number, program] = [link.as_raw_fd(), program.as_raw_fd()].map(i32::cast_unsigned);
    bpf(LINK_UPDATE, [number, program, 0, 0]);
}

/// What the next process finds, and goes on with.
fn check_next(mut router: Router, flows: &[CachedFlow], connections: u32) {
    let before = counts(&router);
    router.config.cached_connections = 33;
    let mut router = router.restart();
    assert!(!router.maps().join("staged").exists());
    assert_eq!(router.parts.datapath.cache_capacity(), connections);
    assert_eq!(counts(&router), before);
    router.attach();
    router.tell_ports();
    for flow in flows {
        // Whether its way is known depends on what was killed.
        for (frame, interface) in frames(flow).iter().zip([router.lan0, router.wan0]) {
            router.xdp(frame, interface);
        }
    }
    check(&router, flows, connections);
    assert_eq!(router.resize(20), []);
    flows.iter().for_each(|flow| learn(&router, flow));
    check(&router, flows, 20);
}

#[test]
fn another_size_outlives_the_process() {
    with_traffic(|mut router, flows| {
        router.resize(16);
        check_next(router, &flows, 16);
    });
}

#[test]
fn killed_while_it_is_staged_the_next_process_has_the_one_at_work() {
    with_traffic(|mut router, flows| {
        let mut staged = router.parts.datapath.stage_cache(16).unwrap();
        router.copy_to(&mut *staged);
        drop(staged);
        assert!(router.maps().join("staged").exists());
        check_next(router, &flows, ROOM);
    });
}

#[test]
fn killed_between_two_links_the_next_process_has_the_one_from_before() {
    with_traffic(|mut router, flows| {
        let mut staged = router.parts.datapath.stage_cache(16).unwrap();
        router.copy_to(&mut *staged);
        drop(staged);
        let newest = loaded_programs()
            .flatten()
            .filter(|program| program.name_as_str() == Some("rv_xdp"))
            .max_by_key(ProgramInfo::id)
            .unwrap();
        replace(&router, router.lan0, newest.fd().unwrap().as_fd());
        let [one, other] = programs(&router, "xdp")[..] else {
            panic!("two links");
        };
        assert_ne!(one, other);
        check_next(router, &flows, ROOM);
    });
}

#[test]
fn killed_before_the_old_one_is_removed_the_next_process_has_the_new_one() {
    with_traffic(|mut router, flows| {
        // Both directories as they are then.
        let [cache, staged] = ["cache", "staged"].map(|name| router.maps().join(name));
        let old: Vec<MapData> = OF_CACHE
            .iter()
            .map(|name| MapData::from_pin(cache.join(name)).unwrap())
            .collect();
        router.resize(16);
        fs::create_dir(&staged).unwrap();
        for (map, name) in old.into_iter().zip(OF_CACHE) {
            map.pin(staged.join(name)).unwrap();
        }
        check_next(router, &flows, 16);
    });
}

/// What the next process has of a cache that somebody spoils meanwhile.
fn check_spoiled(spoil: impl FnOnce(PathBuf) + Send) {
    with_traffic(|mut router, flows| {
        router.resize(16);
        let before = maps(&router);
        spoil(router.maps().join("cache"));
        let mut router = router.restart();
        router.attach();
        router.tell_ports();
        assert_eq!(counts(&router), []);
        check(&router, &[], ROOM);
        for (name, map) in maps(&router) {
            let is_other = map.id != before[&name].id;
            assert_eq!(is_other, OF_CACHE.contains(&name.as_str()), "{name}");
        }
        for flow in &flows {
            assert_eq!(router.parts.cache.insert(flow), Inserted::New);
            learn(&router, flow);
        }
        check(&router, &flows, ROOM);
    });
}

#[test]
fn a_cache_that_is_not_whole_is_made_anew_and_all_else_stays() {
    check_spoiled(|cache| fs::remove_file(cache.join("fast_index6")).unwrap());
    check_spoiled(|cache| {
        // Of another size than the rest.
        const MMAPABLE: u32 = 1 << 10;
        let pin = cache.join("fast_flow6");
        fs::remove_file(&pin).unwrap();
        let other = Array::<MapData, [u64; 24]>::create(4, MMAPABLE).unwrap();
        other.pin(&pin).unwrap();
    });
}
