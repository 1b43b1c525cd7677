//! Random packets of random connections against the reference.

use ravelin_test_harness::packet::{Packet, Transport};

use super::reference::{TO_CLIENT, TO_SERVER, forwarded, udp_checksum};
use super::road::{Connection, Fate, Road, addressed};
use crate::random::Random;

const CONNECTIONS: usize = 300;
const PACKETS: usize = 20_000;

/// One of a family, with any ports and any translation.
fn connection(random: &mut Random, number: usize) -> Connection {
    let family = *random.of(&[4u8, 6]);
    let mut connection = Connection::new(family, *random.of(&[6, 17]));
    // Ports of the client tell connections apart.
    let port = u16::try_from(1024 + number).unwrap();
    connection.original.source_port = port;
    connection.reply.destination_port = port;
    let server_port = any_port(random);
    connection.original.destination_port = server_port;
    connection.reply.source_port = server_port;
    let (prefix, public) = if family == 4 {
        ("198.51.100.", "203.0.113.")
    } else {
        ("2001:db8:2::", "2001:db8:9::")
    };
    // Ours may collide in nothing the test tells apart: each has a port of its own.
    if random.once_in(2) {
        let host = 1 + random.below(50);
        connection = connection.masked_as(&format!("{prefix}{host}"), 40_000 + port);
    }
    if random.once_in(2) {
        let host = 1 + random.below(200);
        connection = connection.published_at(&format!("{public}{host}"), any_port(random));
    }
    connection
}

fn any_port(random: &mut Random) -> u16 {
    u16::try_from(1 + random.below(65_535)).unwrap()
}

fn packet(random: &mut Random, connection: &Connection, reply: bool) -> Packet {
    let length = match random.below(4) {
        0 => random.below(4),
        1 => random.below(1400),
        _ => random.below(200),
    };
    let payload: Vec<u8> = (0..length).map(|_| random.byte()).collect();
    let mut packet = if reply {
        connection.answer(&payload)
    } else {
        connection.packet(&payload)
    };
    packet.ttl = *random.of(&[2, 3, 64, 127, 128, 129, 255]);
    packet.id = u16::try_from(random.below(65_536)).unwrap();
    packet.dont_fragment = random.once_in(2);
    packet.padding = random.below(3) * random.below(8);
    if let Transport::Tcp(tcp) = &mut packet.transport {
        tcp.flags = 0x10 | random.byte() & 0xf8;
        tcp.options = vec![1; 4 * random.below(11)];
        tcp.sequence = u32::try_from(random.number() & 0xffff_ffff).unwrap();
    }
    packet
}

#[test]
fn random_packets_leave_as_the_reference_says() {
    Road::run(|mut road| {
        let mut random = Random::new();
        let connections: Vec<Connection> = (0..CONNECTIONS)
            .map(|number| connection(&mut random, number))
            .collect();
        for connection in &connections {
            road.insert(connection);
            road.warm(connection);
        }
        for _ in 0..PACKETS {
            let connection = random.of(&connections);
            let reply = random.once_in(2);
            let packet = packet(&mut random, connection, reply);
            let link = if reply { TO_CLIENT } else { TO_SERVER };
            let mut frame = addressed(&packet);
            let mut expected = forwarded(&packet, connection, link);
            if packet.source.is_ipv4()
                && random.once_in(8)
                && let Some(checksum) = udp_checksum(&packet, &mut frame)
            {
                *checksum = [0, 0];
                *udp_checksum(&packet, &mut expected).unwrap() = [0, 0];
            } else if let Some(checksum) = udp_checksum(&packet, &mut frame)
                && *checksum == [0, 0]
            {
                *checksum = [0xff, 0xff];
            }
            let fate = road.frame(&frame, road.ingress(&packet));
            assert_eq!(fate, Fate::Sent(expected), "{connection:?} {packet:?}");
        }
        let sent: u64 = connections
            .iter()
            .flat_map(|connection| [false, true].map(|reply| road.direction(connection, reply).count.packets))
            .sum();
        assert_eq!(sent, u64::try_from(PACKETS).unwrap());
    });
}
