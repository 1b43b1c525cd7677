//! A real DNS server and a real DNS client.

use std::net::IpAddr;
use std::time::Duration;

use crate::Namespace;
use crate::process::Process;
use crate::run_dir::RunDir;
use crate::wait::wait_until;

/// dnsmasq that answers every name with two fixed addresses.
#[derive(Debug)]
pub struct Dnsmasq {
    _process: Process,
}

impl Dnsmasq {
    /// Starts it on the given addresses and waits until it answers.
    pub fn start(namespace: &Namespace, directory: &RunDir, listen: &[IpAddr], answers: &[IpAddr]) -> Self {
        let mut command = namespace.command("dnsmasq");
        command.args([
            "--keep-in-foreground",
            "--conf-file=/dev/null",
            "--pid-file=",
            "--no-resolv",
            "--no-hosts",
            "--user=root",
            "--log-facility=-",
            "--bind-interfaces",
        ]);
        for address in listen {
            command.arg(format!("--listen-address={address}"));
        }
        for address in answers {
            command.arg(format!("--address=/#/{address}"));
        }
        let process = Process::spawn("dnsmasq", command, directory.path());
        for server in listen {
            wait_until(
                &format!("dnsmasq answers on {server}"),
                Duration::from_secs(10),
                || Question::new(*server, "ready.example").ask(namespace) != Answer::Silence,
            );
        }
        Self { _process: process }
    }
}

/// A question for `dig`.
#[derive(Debug, Clone)]
pub struct Question {
    server: IpAddr,
    name: String,
    tcp: bool,
    edns: bool,
}

/// What `dig` got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// An address.
    Address(IpAddr),
    /// The name does not exist; whether the answer carried EDNS.
    NoSuchName {
        /// An OPT record came back.
        edns: bool,
    },
    /// Another status, by its name in `dig`.
    Status(String),
    /// Nothing, or the connection was cut.
    Silence,
}

impl Question {
    /// For the address of `name` (the A record, or AAAA when the server is asked over IPv6), over UDP with EDNS.
    pub fn new(server: IpAddr, name: &str) -> Self {
        Self {
            server,
            name: name.to_owned(),
            tcp: false,
            edns: true,
        }
    }

    /// Over TCP.
    pub fn tcp(mut self) -> Self {
        self.tcp = true;
        self
    }

    /// Without EDNS.
    pub fn plain(mut self) -> Self {
        self.edns = false;
        self
    }

    /// Asks once, from a namespace; silence is one second without an answer.
    pub fn ask(&self, from: &Namespace) -> Answer {
        let mut command = from.command("dig");
        command
            .arg(format!("@{}", self.server))
            .args(["+time=1", "+tries=1", "+noall", "+comments", "+answer"])
            .arg(if self.tcp { "+tcp" } else { "+notcp" })
            .arg(if self.edns { "+edns=0" } else { "+noedns" })
            .args([
                self.name.as_str(),
                if self.server.is_ipv6() { "AAAA" } else { "A" },
            ]);
        // dig fails when nothing answers; that is an answer here.
        let output = command.output().expect("dig");
        read_answer(&String::from_utf8_lossy(&output.stdout))
    }
}

fn read_answer(text: &str) -> Answer {
    let Some(status) = text
        .split_once("status: ")
        .and_then(|(_, rest)| rest.split(',').next())
    else {
        return Answer::Silence;
    };
    let address = text
        .lines()
        .filter(|line| !line.starts_with(';'))
        .find_map(|line| line.split_whitespace().last()?.parse().ok());
    match (status, address) {
        ("NOERROR", Some(address)) => Answer::Address(address),
        ("NXDOMAIN", _) => Answer::NoSuchName {
            edns: text.contains("EDNS: version: 0"),
        },
        _ => Answer::Status(status.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_of_dig_are_told_apart() {
        let address = ";; Got answer:\n;; ->>HEADER<<- opcode: QUERY, status: NOERROR, id: 1\n\
                       ;; OPT PSEUDOSECTION:\n; EDNS: version: 0, flags:; udp: 1232\n;; ANSWER SECTION:\n\
                       a.example.\t0\tIN\tA\t10.0.0.1\n";
        let none = ";; Got answer:\n;; ->>HEADER<<- opcode: QUERY, status: NXDOMAIN, id: 1\n";
        let none_edns = format!("{none}; EDNS: version: 0, flags:; udp: 1232\n; EDE: 15 (Blocked)\n");
        for (text, expected) in [
            (address, Answer::Address("10.0.0.1".parse().expect("address"))),
            (none, Answer::NoSuchName { edns: false }),
            (&none_edns, Answer::NoSuchName { edns: true }),
            (";; no servers could be reached", Answer::Silence),
            (
                ";; ->>HEADER<<- opcode: QUERY, status: REFUSED, id: 1",
                Answer::Status("REFUSED".into()),
            ),
        ] {
            assert_eq!(read_answer(text), expected, "{text}");
        }
    }
}
