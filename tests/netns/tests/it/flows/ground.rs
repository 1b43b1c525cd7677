//! Client, box and server, with an engine on the box that translates some of what crosses it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use ravelin_test_harness::{
    CachedFlow, Datagrams, FlowMaps, Lab, Pace, Raveld, Route, Setup, Streams, Talk, Tracked, Tuple,
    conntrack, wait_until,
};
use serde_json::json;

use crate::policy::case::Group;
use crate::policy::draft::{rule, tcp, udp};
use crate::policy::engine::Engine;
use crate::support::feature;

/// Port of the server that is asked by its own address.
pub const PLAIN: u16 = 9000;
/// The same, behind a rule of its own.
pub const OTHER: u16 = 9001;
/// A third one.
pub const THIRD: u16 = 9002;
/// Port of the client that is asked by the box's address.
pub const PUBLISHED: u16 = 9200;
/// Host number of the client whose source is translated.
pub const MASQUERADED: u8 = 66;
/// Longest until the flow cache has what conntrack has.
pub const IN_STEP: Duration = Duration::from_secs(20);

/// The engine between LAN and WAN.
#[derive(Debug)]
pub struct Ground<'a> {
    pub lab: &'a Lab,
    pub engine: Engine<'a>,
}

/// A lab whose frames are as they come by a wire; None where privileged tests may be skipped.
pub fn lab() -> Option<Lab> {
    let lab = crate::support::lab()?;
    lab.compute_checksums();
    lab.add_client_host(MASQUERADED);
    Some(lab)
}

/// Everything the routes of [`routes`] need, each port by a rule of its own.
pub fn policy() -> Group {
    let services = |port: u16| {
        let port = port.to_string();
        [tcp(&[port.as_str()]), udp(&[port.as_str()])]
    };
    let open = |name: &'static str, from: &str, to: &str, port: u16| {
        let [tcp, udp] = services(port);
        rule(name).from(from).to(to).service(tcp).service(udp).accept()
    };
    let group = Group::new("flows")
        .object(
            "nat_rule",
            json!({ "name": "out", "kind": "masquerade", "to_zone": "wan",
                "source_addresses": [format!("10.77.1.{MASQUERADED}"), format!("fd77:1::{MASQUERADED:x}")] }),
        )
        .rule(open("plain", "lan", "wan", PLAIN))
        .rule(open("other", "lan", "wan", OTHER))
        .rule(open("third", "lan", "wan", THIRD))
        .rule(open("published", "wan", "lan", PUBLISHED))
        .rule(open("aside", "lan", "dmz", PLAIN));
    let [client4, client6] = Lab::client_addresses();
    [("tcp", "10.77.2.1", client4), ("udp", "10.77.2.1", client4), ("tcp", "fd77:2::1", client6), ("udp", "fd77:2::1", client6)]
        .into_iter()
        .fold(group, |group, (protocol, address, target)| {
            group.object(
                "nat_rule",
                json!({ "name": format!("{protocol} to {target}"), "kind": "dnat", "from_zone": "wan",
                    "protocol": protocol, "ports": PUBLISHED.to_string(), "address": address, "target": target }),
            )
        })
}

impl<'a> Ground<'a> {
    /// Starts the engine with [`policy`] and waits until it is in step with conntrack.
    pub fn start(lab: &'a Lab) -> Self {
        Self::start_with(lab, Setup::default())
    }

    pub fn start_with(lab: &'a Lab, setup: Setup) -> Self {
        let ground = Self {
            lab,
            engine: Engine::start(&lab.router, setup),
        };
        ground.engine.apply(&policy());
        ground.in_step();
        ground
    }

    pub fn raveld(&self) -> &Raveld<'a> {
        &self.engine.raveld
    }

    /// Waits until the engine says that it is.
    #[track_caller]
    pub fn in_step(&self) {
        wait_until("the engine is in step with conntrack", IN_STEP, || {
            feature(self.raveld(), "conntrack_sync")["sync"]["state"] == "synced"
        });
    }

    /// What the kernel knows of these connections, by what began them. Fails where it does not know one.
    #[track_caller]
    pub fn tracked(&self, originals: &[Tuple]) -> BTreeMap<Tuple, Tracked> {
        let mut all = conntrack(&self.lab.router);
        let known: BTreeMap<Tuple, Tracked> = originals
            .iter()
            .filter_map(|tuple| all.remove_entry(tuple))
            .collect();
        let missing = originals.iter().find(|tuple| !known.contains_key(tuple));
        assert_eq!(
            missing,
            None,
            "conntrack has {} of {}",
            known.len(),
            originals.len()
        );
        known
    }

    /// The flow cache as it lies in the kernel.
    pub fn cache(&self) -> BTreeMap<Tuple, CachedFlow> {
        FlowMaps::open(&self.raveld().bpffs()).flows()
    }

    /// Waits until the cache has these connections with the translations conntrack has. Gives both directions of each.
    #[track_caller]
    pub fn cached(&self, originals: &[Tuple]) -> BTreeSet<Tuple> {
        let tracked = self.tracked(originals);
        let mut problem = None;
        let right = ravelin_test_harness::eventually(IN_STEP, || {
            let cache = self.cache();
            problem = tracked.values().find_map(|tracked| wrong(&cache, tracked));
            problem.is_none().then_some(())
        });
        assert!(right.is_some(), "{}", problem.unwrap_or_default());
        let both = tracked
            .values()
            .flat_map(|tracked| [tracked.original, tracked.reply]);
        both.collect()
    }

    /// Waits until XDP forwards both directions of these connections. There must be traffic on all of them.
    #[track_caller]
    pub fn offloaded(&self, originals: &[Tuple]) {
        let directions = self.cached(originals);
        let packets = |cache: &BTreeMap<Tuple, CachedFlow>, tuple: &Tuple| {
            cache.get(tuple).map_or(0, |flow| flow.count.0)
        };
        let before = self.cache();
        let mut idle = None;
        let forwarded = ravelin_test_harness::eventually(IN_STEP, || {
            let now = self.cache();
            let stuck = |tuple: &&Tuple| packets(&now, tuple) <= packets(&before, tuple);
            idle = directions
                .iter()
                .find(stuck)
                .map(|tuple| (*tuple, now.get(tuple).cloned()));
            idle.is_none().then_some(())
        });
        assert!(forwarded.is_some(), "XDP does not forward {idle:?}");
    }

    /// Packets XDP forwarded of these connections, there and back.
    #[track_caller]
    pub fn forwarded(&self, originals: &[Tuple]) -> (u64, u64) {
        let cache = self.cache();
        let tracked = self.tracked(originals);
        let sum = |tuples: &mut dyn Iterator<Item = Tuple>| {
            tuples
                .filter_map(|tuple| cache.get(&tuple))
                .map(|flow| flow.count.0)
                .sum()
        };
        (
            sum(&mut tracked.values().map(|tracked| tracked.original)),
            sum(&mut tracked.values().map(|tracked| tracked.reply)),
        )
    }
}

/// Why the cache does not hold a connection as it should.
fn wrong(cache: &BTreeMap<Tuple, CachedFlow>, tracked: &Tracked) -> Option<String> {
    let Tracked { original, reply, .. } = tracked;
    for (key, translated) in [(original, reply.inverted()), (reply, original.inverted())] {
        let Some(flow) = cache.get(key) else {
            return Some(format!(
                "{key} of {tracked:?} is not in the cache, {} are",
                cache.len()
            ));
        };
        if flow.translated != translated || flow.state != 1 {
            return Some(format!("{flow:?} is not a direction of {tracked:?}"));
        }
    }
    None
}

/// A way a connection is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// From LAN to WAN as it is.
    Plain,
    /// … with the box's address as its source.
    Masqueraded,
    /// From WAN to the box's address, which is the client's.
    Published,
}

/// Routes of a way, as many of each family.
pub fn routes(way: Way, port: u16, each: usize) -> Vec<Route> {
    let [client4, client6] = Lab::client_addresses();
    let [server4, server6] = Lab::server_addresses();
    let at = |address: IpAddr| SocketAddr::new(address, port);
    let hidden: [IpAddr; 2] = [
        [10, 77, 1, MASQUERADED].into(),
        [0xfd77, 1, 0, 0, 0, 0, 0, u16::from(MASQUERADED)].into(),
    ];
    let public: [IpAddr; 2] = [[10, 77, 2, 1].into(), [0xfd77, 2, 0, 0, 0, 0, 0, 1].into()];
    let both = match way {
        Way::Plain => [Route::new(client4, at(server4)), Route::new(client6, at(server6))],
        Way::Masqueraded => [
            Route::new(hidden[0], at(server4)),
            Route::new(hidden[1], at(server6)),
        ],
        Way::Published => [
            Route {
                source: server4,
                destination: at(public[0]),
                server: at(client4),
            },
            Route {
                source: server6,
                destination: at(public[1]),
                server: at(client6),
            },
        ],
    };
    both.into_iter()
        .flat_map(|route| std::iter::repeat_n(route, each))
        .collect()
}

/// Flows of every way, over TCP and UDP.
#[derive(Debug)]
pub struct Traffic {
    pub datagrams: [Datagrams; 2],
    pub streams: [Streams; 2],
}

impl Traffic {
    /// As many of each way and family, over TCP and over UDP: six times that of each. `rate`: datagrams a second.
    #[track_caller]
    pub fn start(lab: &Lab, each: usize, rate: u32, talk: Talk) -> Self {
        let out = [
            routes(Way::Plain, PLAIN, each),
            routes(Way::Masqueraded, PLAIN, each),
        ]
        .concat();
        let inwards = routes(Way::Published, PUBLISHED, each);
        let pace = |rate| Pace {
            rate,
            ..Pace::default()
        };
        let Lab { client, server, .. } = lab;
        Self {
            datagrams: [
                Datagrams::establish(client, server, &out, pace(rate - rate / 3)),
                Datagrams::establish(server, client, &inwards, pace(rate / 3)),
            ],
            streams: [
                Streams::connect(client, server, &out, talk),
                Streams::connect(server, client, &inwards, talk),
            ],
        }
    }

    /// What began each connection.
    pub fn tuples(&self) -> Vec<Tuple> {
        let datagrams = self.datagrams.iter().flat_map(Datagrams::tuples);
        let streams = self.streams.iter().flat_map(Streams::tuples);
        datagrams.chain(streams).collect()
    }

    /// Waits until each connection had some more answers.
    #[track_caller]
    pub fn go_on(&self) {
        self.datagrams.iter().for_each(|datagrams| datagrams.go_on(3));
        self.streams.iter().for_each(|streams| streams.go_on(2));
    }

    /// Not a datagram is lost and no connection cut, and all end well.
    #[track_caller]
    pub fn nothing_is_lost(self) {
        let datagrams: u64 = self.datagrams.iter().map(Datagrams::nothing_is_lost).sum();
        let bytes: u64 = self.streams.into_iter().map(Streams::close).sum();
        eprintln!("{datagrams} datagrams and {bytes} bytes of TCP there and back");
    }
}
