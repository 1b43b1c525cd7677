//! Packets while the ways change: no frame has the parts of two.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use ravelin_model::Hook;
use ravelin_test_harness::packet::Packet;

use super::reference::{Link, TO_SERVER, TO_VLAN, forwarded};
use super::road::{Connection, Fate, Road, addressed};
use crate::datapath::rig::ip;

const TURNS: usize = 300;

#[test]
fn no_frame_has_parts_of_two_ways() {
    Road::run(|mut road| {
        let connection = Connection::new(4, 17);
        road.insert(&connection);
        road.warm(&connection);
        let packet: Packet = connection.packet(b"whichever way");
        let ways: [Link; 2] = [TO_SERVER, TO_VLAN];
        let expected = ways.map(|link| Fate::Sent(forwarded(&packet, &connection, link)));
        let frame = addressed(&packet);
        let done = AtomicBool::new(false);
        let inside = road.inside;
        let (datapath, cache) = (&road.parts.datapath, &mut road.parts.cache);
        let seen = std::thread::scope(|scope| {
            let runner = scope.spawn(|| {
                let mut seen = [0u64; 2];
                while !done.load(Relaxed) {
                    let outcome = datapath.test_run(Hook::Xdp, &frame, inside).unwrap();
                    let fate = match outcome.return_code {
                        4 => Fate::Sent(outcome.frame),
                        _ => {
                            assert_eq!(outcome.frame, frame);
                            continue;
                        }
                    };
                    let way = expected.iter().position(|way| *way == fate);
                    seen[way.unwrap_or_else(|| panic!("of two ways: {fate:02x?}"))] += 1;
                }
                seen
            });
            for turn in 0..TURNS {
                ip(if turn % 2 == 0 {
                    "route replace 198.51.100.53/32 via 203.0.113.53 dev vlan7"
                } else {
                    "route replace 198.51.100.53/32 dev out0"
                });
                cache.forget_paths();
                if runner.is_finished() {
                    break;
                }
            }
            done.store(true, Relaxed);
            runner.join().unwrap()
        });
        assert!(seen[0] > 0 && seen[1] > 0, "{seen:?}");
    });
}
