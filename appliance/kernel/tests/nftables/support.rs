//! Namespaces and tables.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use std::sync::Arc;

use ravelin_compile::generate::{Random, Shape, World};
use ravelin_compile::{
    AddressTerm, Line, NftRuleset, NftSettings, Origin, ResolvedZone, Ruleset, fixed_counter,
};
use ravelin_kernel::{Nftables, PacketCount};
use ravelin_model::{Action, Revision, ZoneNumber};
use ravelin_test_harness::{Namespace, privileged};

/// Runs a test on a thread in a fresh namespace.
pub fn in_namespace<F: Future<Output = ()>>(role: &str, test: impl FnOnce() -> F + Send) {
    if !privileged("netns") {
        return;
    }
    let namespace = Namespace::new(role);
    namespace.within(|| runtime().block_on(test()));
}

/// All on the calling thread, so that all is in its namespace.
pub fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("runtime")
}

/// A random ruleset of so many rules.
pub fn random_ruleset(random: &mut Random, rules: usize) -> Ruleset {
    World::new(random, &Shape::rules(rules)).resolve()
}

/// Its table.
pub fn compiled(ruleset: &Ruleset) -> Arc<NftRuleset> {
    Arc::new(NftRuleset::new(ruleset, &NftSettings::default()))
}

/// The table as nft lists it, without what it counts: its chains, sets and limits in any order, as it keeps none.
pub fn listed() -> BTreeSet<String> {
    let output = Command::new("nft")
        .args(["-s", "list", "table", "inet", NftRuleset::TABLE])
        .output()
        .expect("run nft");
    let text = String::from_utf8_lossy(&output.stdout);
    let blocks = text
        .split("\n\t}\n")
        .map(|block| match block.split_once("elements = {") {
            Some((head, elements)) => {
                let mut elements: Vec<&str> = elements
                    .split(',')
                    .map(|element| element.trim_matches([' ', '\n', '\t', '}']))
                    .collect();
                elements.sort_unstable();
                format!("{head}{}", elements.join(", "))
            }
            None => block.to_owned(),
        });
    blocks
        .map(|block| {
            block
                .trim_start_matches("table inet ravelin {\n")
                .trim()
                .to_owned()
        })
        .filter(|block| !block.is_empty())
        .collect()
}

/// The same blocks; shows those that are not, which a whole table would bury.
#[track_caller]
pub fn assert_same(found: &BTreeSet<String>, expected: &BTreeSet<String>) {
    let only = |these: &BTreeSet<String>, those: &BTreeSet<String>| {
        these
            .difference(those)
            .map(String::as_str)
            .collect::<Vec<_>>()
            .join("\n\n")
    };
    assert!(
        found == expected,
        "{}\n\nexpected:\n\n{}",
        only(found, expected),
        only(expected, found)
    );
}

/// What is listed when the table is loaded where nothing was before.
pub fn listed_in_its_own_namespace(table: &Arc<NftRuleset>) -> BTreeSet<String> {
    let namespace = Namespace::new("fresh");
    namespace.within(|| {
        runtime().block_on(async {
            let mut nftables = Nftables::open().expect("open");
            nftables.apply(table).await.expect("apply");
            listed()
        })
    })
}

/// A link that is in no zone, with 192.0.2.0/24 behind it.
pub fn link_out() {
    for arguments in [
        "link add out0 type veth peer name out1",
        "address add 192.0.2.2/24 dev out0",
        "link set out0 up",
        "link set out1 up",
    ] {
        let status = Command::new("ip")
            .args(arguments.split(' '))
            .status()
            .expect("run ip");
        assert!(status.success(), "{arguments}");
    }
}

/// Sends so many datagrams to an address and says how many the box tried to send.
pub fn visit(address: &str, count: u64) -> u64 {
    let socket = std::net::UdpSocket::bind("0.0.0.0:0").expect("socket");
    for _ in 0..count {
        // Refused by the filter it is an error, and counted all the same.
        let _ = socket.send_to(b"x", (address, 9));
    }
    count
}

/// What a counter says.
pub async fn counted_to(nftables: &mut Nftables, counter: u32) -> PacketCount {
    let counters = nftables.counters().await.expect("counters");
    counters.get(&counter).copied().unwrap_or_default()
}

/// A table where everything from the box to `out0` meets one line with the first free counter, and is logged.
pub fn logging_ruleset(revision: Revision, action: Action, settings: &NftSettings) -> Arc<NftRuleset> {
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
    let line = Line {
        origin: Origin::UnwrittenPair,
        counter: fixed_counter::FIRST_FREE,
        from: Some(ZoneNumber::LOCAL),
        to: None,
        source: AddressTerm::default(),
        destination: AddressTerm::default(),
        services: Vec::new(),
        action,
        log: true,
        rate_limit: None,
    };
    let ruleset = Ruleset {
        revision,
        zones: [zone(1, "local", &[]), zone(2, "out", &["out0"])].into(),
        lines: vec![Arc::new(line)],
        left_out: Vec::new(),
        defaults: BTreeMap::new(),
        lists: BTreeMap::new(),
        translations: Vec::new(),
        dnat: Vec::new(),
        zone_of_interface: BTreeMap::new(),
        pinned: BTreeMap::new(),
    };
    Arc::new(NftRuleset::new(&ruleset, settings))
}
