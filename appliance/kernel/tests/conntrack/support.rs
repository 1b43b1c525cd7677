//! Namespaces, and conntrack(8) in them.

use std::process::Command;

use ravelin_kernel::{ConnectionKey, Conntrack, NewConnection};
use ravelin_model::{Connection, ConnectionStatus, FlowTuple, TcpState, protocol};
use ravelin_test_harness::{Namespace, privileged};

/// Runs a test on a thread in a fresh namespace.
pub fn in_namespace(role: &str, test: impl FnOnce() + Send) {
    if privileged("netns") {
        Namespace::new(role).within(test);
    }
}

/// Runs a program in the thread's namespace; what it says.
pub fn run(program: &str, arguments: &str) -> String {
    let output = Command::new(program)
        .args(arguments.split_whitespace())
        .output()
        .unwrap_or_else(|error| panic!("{program}: {error}"));
    assert!(
        output.status.success(),
        "{program} {arguments}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// What conntrack(8) lists of one family: with its numbers, one line a connection.
pub fn listed(family: &str) -> Vec<String> {
    run("conntrack", &format!("-L -f {family} -o extended,id"))
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect()
}

pub fn tuple(number: u8, source: &str, destination: &str, ports: (u16, u16)) -> FlowTuple {
    FlowTuple {
        source: source.parse().expect("address"),
        destination: destination.parse().expect("address"),
        protocol: number,
        source_port: ports.0,
        destination_port: ports.1,
    }
}

pub fn key(original: FlowTuple) -> ConnectionKey {
    ConnectionKey {
        original,
        zone: 0,
        id: None,
    }
}

/// An established one that nobody translates.
pub fn new(original: FlowTuple) -> NewConnection {
    NewConnection {
        original,
        reply: original.inverted(),
        zone: 0,
        status: ConnectionStatus(ConnectionStatus::SEEN_REPLY | ConnectionStatus::ASSURED),
        mark: 0,
        timeout_seconds: 600,
        tcp_state: (original.protocol == protocol::TCP).then_some(TcpState::Established),
    }
}

/// So many UDP connections of one host.
pub fn many(count: u32) -> Vec<NewConnection> {
    (0..count)
        .map(|at| {
            let [_, _, high, low] = at.to_be_bytes();
            let destination = format!("10.9.{high}.{low}");
            new(tuple(protocol::UDP, "10.8.0.1", &destination, (4000, 53)))
        })
        .collect()
}

pub fn dump(conntrack: &mut Conntrack) -> Vec<Connection> {
    let mut found = Vec::new();
    conntrack
        .dump(&mut |connection| found.push(connection))
        .expect("dump");
    found.sort_by_key(|connection| (connection.original, connection.zone));
    found
}
