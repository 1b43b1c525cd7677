//! Packets on two CPUs while the ways change: no frame has the parts of two.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use ravelin_datapath::FlowCache;
use ravelin_datapath::kernel::KernelDatapath;
use ravelin_model::Hook;

use super::reference::{TO_SERVER, TO_VLAN, forwarded};
use super::road::{Connection, Road, addressed};

/// Changes of the route.
const TURNS: usize = 3000;
/// Frames that have to be seen of each way, and in how many times so many turns at most.
const FRAMES: u64 = 1000;
const TIMES: usize = 50;

/// The frame, and how often it left as each of two.
struct Race<'a> {
    datapath: &'a KernelDatapath,
    frame: Vec<u8>,
    ingress: u32,
    expected: [Vec<u8>; 2],
    seen: [AtomicU64; 2],
    done: AtomicBool,
}

impl Race<'_> {
    fn send(&self) {
        while !self.done.load(Relaxed) {
            let run = self.datapath.test_run(Hook::Xdp, &self.frame, self.ingress);
            let frame = run.unwrap().frame;
            if frame != self.frame {
                let way = self.expected.iter().position(|way| *way == frame);
                self.seen[way.unwrap_or_else(|| panic!("of two ways: {frame:02x?}"))].fetch_add(1, Relaxed);
            }
        }
    }

    fn is_long_enough(&self) -> bool {
        self.seen.iter().all(|seen| seen.load(Relaxed) >= FRAMES)
    }
}

/// Changes the route to the server again and again, and has ways learned again all the while.
fn turn(cache: &mut dyn FlowCache) {
    let mut routes = Command::new("ip")
        .args(["-batch", "-"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut commands = routes.stdin.take().unwrap();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            for turn in 0..TURNS {
                let way = ["via 203.0.113.53 dev vlan7", "dev out0"][turn % 2];
                writeln!(commands, "route replace 198.51.100.53/32 {way}").unwrap();
            }
        });
        while routes.try_wait().unwrap().is_none() {
            cache.forget_paths();
        }
    });
    assert!(routes.wait().unwrap().success());
}

#[test]
fn no_frame_has_parts_of_two_ways() {
    Road::run(|mut road| {
        let connection = Connection::new(4, 17);
        road.insert(&connection);
        road.warm(&connection);
        let packet = connection.packet(b"whichever way");
        let ingress = road.inside;
        let race = Race {
            datapath: &road.parts.datapath,
            frame: addressed(&packet),
            ingress,
            expected: [TO_SERVER, TO_VLAN].map(|link| forwarded(&packet, &connection, link)),
            seen: Default::default(),
            done: AtomicBool::new(false),
        };
        let cache = road.parts.cache.as_mut();
        std::thread::scope(|scope| {
            let runners = [(); 2].map(|()| scope.spawn(|| race.send()));
            for _ in 0..TIMES {
                turn(cache);
                if race.is_long_enough() || runners.iter().any(|runner| runner.is_finished()) {
                    break;
                }
            }
            race.done.store(true, Relaxed);
        });
        assert!(race.is_long_enough(), "{:?}", race.seen);
    });
}
