//! What a commit costs at 10,000 rules: the whole table, and one rule changed, beside `nft -f` of the same whole table
//! as text. Needs root. Medians of several rounds; only ratios travel.
#![expect(clippy::print_stdout, reason = "prints its measurements")]

use std::collections::BTreeMap;
use std::io::Write;
use std::net::Ipv4Addr;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ipnet::IpNet;
use ravelin_compile::{
    AddressSet, AddressTerm, Line, NftRuleset, NftSettings, Origin, ResolvedZone, Ruleset, fixed_counter,
};
use ravelin_kernel::Nftables;
use ravelin_model::{Action, AddressRange, PortRange, Revision, ServiceEntry, ZoneNumber, protocol};
use ravelin_test_harness::{Namespace, privileged};

const RULES: u32 = 10_000;
const ROUNDS: usize = 9;

fn main() {
    if !privileged("netns") {
        return;
    }
    let namespace = Namespace::new("bench");
    namespace.within(|| {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("runtime");
        runtime.block_on(measure());
    });
}

async fn measure() {
    let mut ruleset = ruleset();
    let mut nftables = Nftables::open().expect("open");
    let [mut compile, mut whole, mut text, mut changed, mut read] = [const { Vec::new() }; 5];
    for _ in 0..ROUNDS {
        nftables.remove().await.expect("remove");
        let begin = Instant::now();
        let table = Arc::new(NftRuleset::new(&ruleset, &NftSettings::default()));
        compile.push(begin.elapsed());
        whole.push(nftables.apply(&table).await.expect("apply").duration);
        let listing = Command::new("nft")
            .args(["list", "table", "inet", NftRuleset::TABLE])
            .output()
            .expect("nft");
        nftables.remove().await.expect("remove");
        text.push(load(&listing.stdout));
        // It is there again, though nobody here made it.
        nftables.apply(&table).await.expect("apply");

        ruleset.revision.0 += 1;
        let at = ruleset.lines.len() / 2;
        let line = Arc::make_mut(&mut ruleset.lines[at]);
        line.action = match line.action {
            Action::Accept => Action::Drop,
            _ => Action::Accept,
        };
        let table = Arc::new(NftRuleset::new(&ruleset, &NftSettings::default()));
        changed.push(nftables.apply(&table).await.expect("apply").duration);
        let begin = Instant::now();
        assert_eq!(
            nftables.revision().await.expect("revision"),
            Some(ruleset.revision)
        );
        let counters = nftables.counters().await.expect("counters");
        assert_eq!(counters.len(), table.counters().len());
        read.push(begin.elapsed());
    }
    println!("{RULES} rules, median of {ROUNDS}");
    for (name, durations) in [
        ("compile", compile),
        ("whole table", whole),
        ("whole table as text, nft -f", text),
        ("one rule changed", changed),
        ("revision and counters read back", read),
    ] {
        println!("{name:32} {:8.1} ms", median(durations).as_secs_f64() * 1e3);
    }
}

fn load(text: &[u8]) -> Duration {
    let begin = Instant::now();
    let mut nft = Command::new("nft")
        .args(["-f", "-"])
        .stdin(Stdio::piped())
        .spawn()
        .expect("nft");
    nft.stdin.take().expect("piped").write_all(text).expect("write");
    assert!(nft.wait().expect("wait").success(), "nft reads what it lists");
    begin.elapsed()
}

fn median(mut durations: Vec<Duration>) -> Duration {
    durations.sort_unstable();
    durations[durations.len() / 2]
}

/// A service on each of many hosts, for some networks.
fn ruleset() -> Ruleset {
    let zone = |number: u32, name: &str, interfaces: &[&str]| {
        let number = ZoneNumber::new(number).expect("a zone");
        let zone = ResolvedZone {
            number,
            id: format!("zon_{name}").parse().expect("an id"),
            name: name.to_owned(),
            interfaces: interfaces.iter().map(ToString::to_string).collect(),
        };
        (number, zone)
    };
    Ruleset {
        revision: Revision(1),
        zones: [
            zone(1, "local", &[]),
            zone(2, "lan", &["lan0"]),
            zone(3, "wan", &["wan0"]),
        ]
        .into(),
        lines: (0..RULES).map(|at| Arc::new(line(at))).collect(),
        left_out: Vec::new(),
        defaults: BTreeMap::new(),
        lists: BTreeMap::new(),
        translations: Vec::new(),
        dnat: Vec::new(),
        zone_of_interface: BTreeMap::new(),
        pinned: BTreeMap::new(),
    }
}

fn line(at: u32) -> Line {
    let network = |number: u32, bits: u8| {
        let net = IpNet::new(Ipv4Addr::from(number).into(), bits)
            .expect("a prefix")
            .trunc();
        AddressTerm {
            addresses: AddressSet::new([AddressRange::from(net)]),
            ..AddressTerm::default()
        }
    };
    let port = u16::try_from(1024 + at % 4096).expect("a port");
    Line {
        origin: Origin::UnwrittenPair,
        counter: fixed_counter::FIRST_FREE + at,
        from: ZoneNumber::new(2),
        to: ZoneNumber::new(3),
        source: network(0x0a00_0000 + (at % 251) * 0x100, 24),
        destination: network(0xc612_0000 + at * 7, 32),
        services: vec![ServiceEntry {
            protocol: Some(protocol::TCP),
            source_ports: Vec::new(),
            destination_ports: vec![PortRange::new(port, port).expect("in order")],
            icmp_types: Vec::new(),
        }],
        action: if at.is_multiple_of(3) {
            Action::Drop
        } else {
            Action::Accept
        },
        log: false,
        rate_limit: None,
    }
}
