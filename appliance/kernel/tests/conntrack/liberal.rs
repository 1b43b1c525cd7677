//! BE_LIBERAL, seen by what conntrack makes of a segment outside the window.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};

use ravelin_kernel::{ConnectionUpdate, Conntrack};
use ravelin_model::{FlowTuple, protocol};

use crate::support::{in_namespace, key, run};

const TABLE: &str = "table inet watch {
    counter invalid {}
    chain output {
        type filter hook output priority 0
        ct state established accept
        tcp dport 9000-9099 ct state invalid counter name invalid drop
    }
}";

#[test]
fn a_liberal_connection_takes_segments_outside_the_window() {
    in_namespace("liberal", || {
        let path = std::env::temp_dir().join(format!("ravelin-liberal-{}.nft", std::process::id()));
        std::fs::write(&path, TABLE).expect("write");
        run("nft", &format!("-f {}", path.display()));
        std::fs::remove_file(&path).expect("remove");

        let listener = TcpListener::bind("127.0.0.1:9000").expect("listen");
        let mut client = TcpStream::connect("127.0.0.1:9000").expect("connect");
        let (mut server, _) = listener.accept().expect("accept");
        client.write_all(b"x").expect("write");
        server.read_exact(&mut [0]).expect("read");
        let (from, to) = (
            client.local_addr().expect("address"),
            client.peer_addr().expect("address"),
        );
        send_far_off(from, to);
        let before = invalid();
        assert!(before > 0, "the one ahead of the window");

        let mut conntrack = Conntrack::open().expect("open");
        let original = FlowTuple {
            source: from.ip(),
            destination: to.ip(),
            protocol: protocol::TCP,
            source_port: from.port(),
            destination_port: to.port(),
        };
        let update = ConnectionUpdate {
            key: key(original),
            timeout_seconds: None,
            mark: None,
            liberal: true,
        };
        assert_eq!(conntrack.update(&[update]).expect("update"), 1);
        send_far_off(from, to);
        assert_eq!(invalid(), before, "the next are of the connection");
    });
}

/// What nftables found to be of no connection.
fn invalid() -> u64 {
    let said = run("nft", "list counter inet watch invalid");
    let mut words = said.split_whitespace();
    words.find(|word| *word == "packets").expect("a counter");
    words.next().and_then(|word| word.parse().ok()).expect("a number")
}

/// Two acknowledgements with sequence numbers at opposite ends, so that one of them is ahead of the window whatever the
/// connection's are; of the other conntrack may think that it is late, and let it pass. The kernel fills in the IP header's
/// checksum; nobody looks at the segment's, as the packet does not leave the box.
fn send_far_off(from: SocketAddr, to: SocketAddr) {
    let (IpAddr::V4(source), IpAddr::V4(destination)) = (from.ip(), to.ip()) else {
        panic!("IPv4");
    };
    for number in [0x4000_0000_u32, 0xc000_0000] {
        send_raw(
            &segment(source, destination, [from.port(), to.port()], number),
            destination,
        );
    }
}

fn segment(source: Ipv4Addr, destination: Ipv4Addr, ports: [u16; 2], number: u32) -> Vec<u8> {
    let mut packet = vec![0x45, 0, 0, 40, 0, 1, 0x40, 0, 64, 6, 0, 0];
    packet.extend(source.octets());
    packet.extend(destination.octets());
    packet.extend(ports[0].to_be_bytes());
    packet.extend(ports[1].to_be_bytes());
    packet.extend(number.to_be_bytes());
    packet.extend([0; 4]);
    packet.extend([0x50, 0x10, 0xff, 0xff, 0, 0, 0, 0]);
    packet
}

fn send_raw(packet: &[u8], destination: Ipv4Addr) {
    // SAFETY: takes no pointers.
    let socket = unsafe {
        libc::socket(
            libc::AF_INET,
            libc::SOCK_RAW | libc::SOCK_CLOEXEC,
            libc::IPPROTO_RAW,
        )
    };
    assert!(socket >= 0, "{}", std::io::Error::last_os_error());
    let address = libc::sockaddr_in {
        sin_family: libc::sa_family_t::try_from(libc::AF_INET).expect("small"),
        sin_port: 0,
        sin_addr: libc::in_addr {
            s_addr: u32::from_ne_bytes(destination.octets()),
        },
        sin_zero: [0; 8],
    };
    // SAFETY: packet and address outlive the call, which is told their sizes. Refused by the filter it is an error,
    // which the counter tells better.
    unsafe {
        libc::sendto(
            socket,
            packet.as_ptr().cast(),
            packet.len(),
            0,
            (&raw const address).cast(),
            libc::socklen_t::try_from(size_of::<libc::sockaddr_in>()).expect("small"),
        );
        libc::close(socket);
    }
}
