//! A steady stream of new connections of several kinds, counted at both ends.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use ravelin_test_harness::packet::View;
use ravelin_test_harness::{Crossing, Place, Wire};

use super::shot::{PORTS, Shot};

/// First bytes of what packets carry; kind and number follow.
const TAG: [u8; 8] = *b"\x91RVLNST\x19";
/// Longest until the last packet is there.
const ARRIVAL: Duration = Duration::from_secs(3);

/// Connections that differ in their ports only.
#[derive(Debug, Clone)]
pub struct Kind {
    pub shot: Shot,
    pub family: u8,
}

/// What became of the packets of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    pub sent: u64,
    /// Bytes sent, from the IP header on.
    pub bytes: u64,
    /// Seen at a link they were not sent from.
    pub received: u64,
}

/// Both families of each packet.
pub fn kinds(shots: &[Shot]) -> Vec<Kind> {
    shots
        .iter()
        .flat_map(|shot| [4, 6].map(|family| Kind { shot: *shot, family }))
        .collect()
}

/// Sends `rate` packets a second, taking turns between the kinds, until `stop`; then waits until `all` are there. Run
/// it on a thread of its own: see [`Wire::open`].
pub fn stream(
    crossing: &Crossing,
    kinds: &[Kind],
    rate: u32,
    stop: &AtomicBool,
    all: impl Fn(&[Tally]) -> bool,
) -> Vec<Tally> {
    let wire = Wire::open(&crossing.far, &PORTS, &crossing.router);
    let mut tallies = vec![Tally::default(); kinds.len()];
    let start = Instant::now();
    let (mut number, mut total) = (0_u64, 0.0);
    while !stop.load(Ordering::Relaxed) {
        // A pause of the machine must not turn into a burst that overruns a queue.
        let due = start.elapsed().as_secs_f64() * f64::from(rate);
        if due - total > 64.0 {
            total = due - 64.0;
        }
        while total < due {
            for (index, (kind, tally)) in kinds.iter().zip(&mut tallies).enumerate() {
                let frame = frame(kind, index, number);
                wire.send(kind.shot.at.link().expect("a link"), &frame);
                tally.sent += 1;
                tally.bytes += frame.len() as u64 - 14;
            }
            number += 1;
            total += 1.0;
        }
        take(
            &wire,
            &mut tallies,
            Instant::now() + Duration::from_millis(1),
            kinds,
        );
    }
    let deadline = Instant::now() + ARRIVAL;
    while !all(&tallies) && Instant::now() < deadline {
        take(
            &wire,
            &mut tallies,
            Instant::now() + Duration::from_millis(10),
            kinds,
        );
    }
    tallies
}

fn frame(kind: &Kind, index: usize, number: u64) -> Vec<u8> {
    // Ports no connection of the last seconds has used.
    let own = 10_000 + u16::try_from(number % 50_000).expect("a port");
    let mut marker = TAG.to_vec();
    marker.extend(u16::try_from(index).expect("few kinds").to_be_bytes());
    marker.extend(&number.to_be_bytes()[2..]);
    kind.shot.packet(kind.family, own, &marker).build()
}

/// Counts what is received until then.
fn take(wire: &Wire, tallies: &mut [Tally], until: Instant, kinds: &[Kind]) {
    while let Some(received) = wire.receive(until) {
        let Some(at) = received.bytes.windows(TAG.len()).position(|window| window == TAG) else {
            continue;
        };
        let index = usize::from(u16::from_be_bytes([
            received.bytes[at + 8],
            received.bytes[at + 9],
        ]));
        let quoted = View::of_frame(&received.bytes).is_some_and(|view| view.quoted().is_some());
        let own = kinds[index].shot.at.link().map(Place::Link);
        if !quoted && Some(received.place) != own {
            tallies[index].received += 1;
        }
    }
}
