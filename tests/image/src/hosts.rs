//! What the hosts on both networks do: connect, serve, ask for a lease.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv6Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use ravelin_test_harness::Namespace;

/// How long a server looks for something before it looks whether it shall end.
const TICK: Duration = Duration::from_millis(50);
/// Longest wait of a client for one answer.
const ANSWER: Duration = Duration::from_secs(2);

/// Answers TCP and UDP on a port with the address it sees the client at. Ends when dropped.
#[derive(Debug)]
pub struct Mirror {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Mirror {
    /// Starts it on every address of a namespace.
    pub fn start(namespace: &Namespace, port: u16) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let everywhere = SocketAddr::from((Ipv6Addr::UNSPECIFIED, port));
        let (tcp, udp) = namespace.within(|| {
            let tcp = TcpListener::bind(everywhere).expect("listen");
            let udp = UdpSocket::bind(everywhere).expect("bind");
            (tcp, udp)
        });
        tcp.set_nonblocking(true).expect("nonblocking");
        udp.set_read_timeout(Some(TICK)).expect("time-out");
        let stopped = Arc::clone(&stop);
        let of_tcp = std::thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                match tcp.accept() {
                    Ok((mut stream, from)) => drop(stream.write_all(seen(from).as_bytes())),
                    Err(_) => std::thread::sleep(TICK),
                }
            }
        });
        let stopped = Arc::clone(&stop);
        let of_udp = std::thread::spawn(move || {
            let mut buffer = [0; 64];
            while !stopped.load(Ordering::Relaxed) {
                if let Ok((_, from)) = udp.recv_from(&mut buffer) {
                    let _ = udp.send_to(seen(from).as_bytes(), from);
                }
            }
        });
        Self {
            stop,
            threads: vec![of_tcp, of_udp],
        }
    }
}

impl Drop for Mirror {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

/// IPv4 as such, though the socket is of IPv6.
fn seen(from: SocketAddr) -> String {
    from.ip().to_canonical().to_string()
}

/// Connects to a mirror by TCP; gives what it saw, or None if it does not answer in time.
pub fn over_tcp(namespace: &Namespace, to: SocketAddr) -> Option<IpAddr> {
    namespace.within(|| {
        let mut stream = TcpStream::connect_timeout(&to, ANSWER).ok()?;
        stream.set_read_timeout(Some(ANSWER)).ok()?;
        let mut text = String::new();
        stream.read_to_string(&mut text).ok()?;
        text.parse().ok()
    })
}

/// Asks a mirror by UDP, from a port of its own each time; gives what it saw, or None if it does not answer in time.
pub fn over_udp(namespace: &Namespace, to: SocketAddr) -> Option<IpAddr> {
    namespace.within(|| {
        let any: IpAddr = if to.is_ipv4() {
            IpAddr::from([0; 4])
        } else {
            Ipv6Addr::UNSPECIFIED.into()
        };
        let socket = UdpSocket::bind((any, 0)).ok()?;
        socket.connect(to).ok()?;
        socket.set_read_timeout(Some(TICK)).ok()?;
        let begin = Instant::now();
        let mut buffer = [0; 64];
        while begin.elapsed() < ANSWER {
            // One may be lost while a neighbour is looked for.
            let _ = socket.send(b"?");
            if let Ok(length) = socket.recv(&mut buffer) {
                return std::str::from_utf8(&buffer[..length]).ok()?.parse().ok();
            }
        }
        None
    })
}

/// What a DHCP server gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The address.
    pub address: IpAddr,
    /// The router.
    pub router: String,
    /// The servers for names.
    pub dns: String,
}

/// Asks for a lease as a laptop does, and takes nothing of it. None if there is no answer.
pub fn lease(namespace: &Namespace, interface: &str, directory: &Path) -> Option<Lease> {
    use std::os::unix::fs::PermissionsExt;
    let script = directory.join("udhcpc.sh");
    let text = "#!/bin/sh\n[ \"$1\" != bound ] || echo \"lease $ip $router $dns\"\n";
    std::fs::write(&script, text).expect("script");
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).expect("mode");
    let mut command: Command = namespace.command("busybox");
    command
        .args([
            "udhcpc", "-i", interface, "-n", "-q", "-f", "-t", "10", "-T", "2", "-s",
        ])
        .arg(script);
    let output = command.output().expect("udhcpc");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = text.lines().find_map(|line| line.strip_prefix("lease "))?;
    let mut words = line.split(' ').map(str::to_owned);
    Some(Lease {
        address: words.next()?.parse().ok()?,
        router: words.next()?,
        dns: words.next()?,
    })
}

/// Addresses of an interface within a prefix text such as `fd`.
pub fn addresses(namespace: &Namespace, interface: &str, beginning: &str) -> Vec<IpAddr> {
    let text = namespace.ip(&format!("-o address show dev {interface} scope global"));
    text.lines()
        .filter_map(|line| line.split_whitespace().nth(3)?.split('/').next())
        .filter(|address| address.starts_with(beginning))
        .filter_map(|address| address.parse().ok())
        .collect()
}
