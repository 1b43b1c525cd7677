//! Real sockets over veth: their senders leave checksums to a network card (CHECKSUM_PARTIAL), which no prog-run test
//! can bring about, and kernels that refuse a wrong checksum receive the answers.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::AsRawFd as _;
use std::path::Path;
use std::time::Duration;

use ravelin_abi::{rv_reason, rv_switch, rv_zone_flag::RV_ZONE_XDP};
use ravelin_test_harness::packet::{Query, nxdomain};
use ravelin_test_harness::{Lab, Namespace};

use crate::isolated::isolated;
use crate::names::listed;
use crate::plane::{Hook, Plane};

const FEATURES: u32 = rv_switch::RV_SWITCH_STATISTICS | rv_switch::RV_SWITCH_DNS_BLOCKLIST;

/// Long enough for a machine under load; a wrong checksum shows as this time running out.
const PATIENCE: Duration = Duration::from_secs(10);

const SERVERS: [IpAddr; 2] = [
    IpAddr::V4(Ipv4Addr::new(10, 77, 2, 2)),
    IpAddr::V6(Ipv6Addr::new(0xfd77, 2, 0, 0, 0, 0, 0, 2)),
];

/// A lab with the programs of the hooks on the router's LAN port.
fn with_programs(hooks: &[Hook], test: impl FnOnce(&Lab, &mut [Plane]) + Send) {
    isolated(|pins: &Path| {
        let lab = Lab::new();
        let flags = if hooks.contains(&Hook::Xdp) {
            RV_ZONE_XDP
        } else {
            0
        };
        let mut planes: Vec<Plane> = hooks
            .iter()
            .map(|&hook| {
                let mut plane = Plane::load(hook, pins);
                plane.load_names(&listed().image);
                plane.set_switches(FEATURES);
                plane.attach(&lab.router, "lan0", flags);
                plane
            })
            .collect();
        test(&lab, &mut planes);
    });
}

/// Packets counted under a reason, by all programs.
fn counted(planes: &mut [Plane], reason: u32) -> u64 {
    planes
        .iter_mut()
        .flat_map(Plane::take_cells)
        .filter(|cell| cell.reason == reason && !cell.egress)
        .map(|cell| cell.packets)
        .sum()
}

fn asker(client: &Namespace, server: IpAddr) -> UdpSocket {
    let any: IpAddr = if server.is_ipv4() {
        Ipv4Addr::UNSPECIFIED.into()
    } else {
        Ipv6Addr::UNSPECIFIED.into()
    };
    let socket = client.within(|| UdpSocket::bind((any, 0))).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket.connect((server, 53)).unwrap();
    socket
}

fn ask_datagrams(lab: &Lab, planes: &mut [Plane]) {
    for server in SERVERS {
        let socket = asker(&lab.client, server);
        for (query, edns) in [
            (Query::new("a.Blocked.example"), None),
            (Query::new("blocked.example").edns(0x8000, &[]), Some(true)),
        ] {
            socket.send(&query.build()).unwrap();
            let mut answer = [0; 512];
            let length = socket
                .recv(&mut answer)
                .unwrap_or_else(|error| panic!("{server}: {error}"));
            assert_eq!(&answer[..length], nxdomain(&query, edns), "{server}");
        }
        assert_eq!(counted(planes, rv_reason::RV_REASON_DNS_ANSWERED), 2, "{server}");
    }
}

#[test]
fn xdp_answers_datagrams_of_a_real_client() {
    with_programs(&[Hook::Xdp], ask_datagrams);
}

#[test]
fn tc_answers_datagrams_of_a_real_client() {
    with_programs(&[Hook::Ingress], ask_datagrams);
}

#[test]
fn tc_drops_what_it_cannot_answer_with_a_right_checksum() {
    with_programs(&[Hook::Ingress], |lab, planes| {
        let socket = asker(&lab.client, SERVERS[0]);
        let options = [1u8; 4];
        // SAFETY: four bytes that live through the call.
        let result = unsafe {
            libc::setsockopt(
                socket.as_raw_fd(),
                libc::IPPROTO_IP,
                libc::IP_OPTIONS,
                options.as_ptr().cast(),
                4,
            )
        };
        assert_eq!(result, 0, "{}", std::io::Error::last_os_error());
        socket.send(&Query::new("blocked.example").build()).unwrap();
        // On veth the packet has been through the router's programs when send returns, or soon after.
        let dropped = ravelin_test_harness::eventually(PATIENCE, || {
            let dropped = counted(planes, rv_reason::RV_REASON_DNS_DROPPED);
            (dropped > 0).then_some(dropped)
        });
        assert_eq!(dropped, Some(1));
    });
}

/// A server that takes one connection after the other, waits for a whole message and sends it back. Tells how each
/// one ended.
fn serve(listener: &TcpListener, connections: usize) -> Vec<Result<Vec<u8>, ErrorKind>> {
    let echo = |mut stream: TcpStream| {
        stream.set_read_timeout(Some(PATIENCE))?;
        let mut message = vec![0; 2];
        stream.read_exact(&mut message)?;
        message.resize(2 + usize::from(u16::from_be_bytes([message[0], message[1]])), 0);
        stream.read_exact(&mut message[2..])?;
        stream.write_all(&message)?;
        Ok(message)
    };
    (0..connections)
        .map(|_| echo(listener.accept().unwrap().0).map_err(|error: std::io::Error| error.kind()))
        .collect()
}

/// Sends the writes and gives all that comes back.
fn converse(client: &Namespace, server: SocketAddr, writes: &[&[u8]]) -> Vec<u8> {
    client.within(|| {
        let mut stream = TcpStream::connect_timeout(&server, PATIENCE).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        for bytes in writes {
            stream.write_all(bytes).unwrap();
        }
        let mut received = Vec::new();
        stream.read_to_end(&mut received).unwrap();
        received
    })
}

fn ask_streams(lab: &Lab, planes: &mut [Plane]) {
    for server in SERVERS {
        let listener = lab.server.within(|| TcpListener::bind((server, 53))).unwrap();
        let serving = lab.server.spawn(move || serve(&listener, 3));
        let address = SocketAddr::new(server, 53);
        let blocked = Query::new("www.blocked.example").edns(0, &[]);
        let answer = nxdomain(&blocked, Some(false));
        let mut framed = u16::try_from(answer.len()).unwrap().to_be_bytes().to_vec();
        framed.extend(answer);
        let query = blocked.framed();
        assert_eq!(converse(&lab.client, address, &[&query]), framed, "{server}");
        assert_eq!(
            converse(&lab.client, address, &[&query[..2], &query[2..]]),
            framed,
            "{server}"
        );
        let other = Query::new("other.example").framed();
        assert_eq!(converse(&lab.client, address, &[&other]), other, "{server}");
        let ends = serving.join().unwrap();
        assert_eq!(ends[0], Err(ErrorKind::ConnectionReset), "{server}");
        // The length came by itself and went on; the rest did not.
        assert!(
            matches!(&ends[1], Ok(bytes) if *bytes == query[..2]) || ends[1].is_err(),
            "{server}"
        );
        assert_eq!(ends[2], Ok(other), "{server}");
        assert_eq!(counted(planes, rv_reason::RV_REASON_DNS_ANSWERED), 2, "{server}");
    }
}

#[test]
fn a_real_client_gets_its_answer_over_tcp_and_the_server_a_reset() {
    with_programs(&[Hook::Ingress], ask_streams);
}

#[test]
fn the_same_behind_xdp() {
    with_programs(&[Hook::Xdp, Hook::Ingress], ask_streams);
}
