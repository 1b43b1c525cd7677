//! Single connections between hosts that are the test, forwarded by XDP, and odd packets of them.

use std::time::{Duration, Instant};

use ravelin_test_harness::packet::{ACK, PSH, Packet, View};
use ravelin_test_harness::{CachedFlow, Crossing, FlowMaps, Setup, Tuple, eventually};

use super::ground::IN_STEP;
use crate::policy::draft::{rule, tcp, udp as udp_ports};
use crate::policy::ground::Ground;
use crate::policy::prober::{Arrival, Outcome, judge};
use crate::policy::shot::*;
use crate::support::feature;

/// Port of the server.
pub const PORT: u16 = 80;
/// Port whose packets the DNS blocklist looks into.
pub const DNS: u16 = 53;
/// TTL of packets as the test sends them.
pub const TTL: u8 = 61;

/// How long [`Live::echoes`] listens.
const MOMENT: Duration = Duration::from_millis(50);

/// UDP or TCP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Udp,
    Tcp,
}

/// Every kind in both families.
pub const ALL: [(Kind, u8); 4] = [(Kind::Udp, 4), (Kind::Udp, 6), (Kind::Tcp, 4), (Kind::Tcp, 6)];

/// Starts an engine that lets the LAN ask the WAN.
pub fn start(crossing: &Crossing) -> Ground<'_> {
    let setup = Setup {
        config: "[capacity]\ncached_connections = 4096".to_owned(),
        ..Setup::default()
    };
    let ground = Ground::start_with(crossing, setup);
    let ports = [PORT, DNS].map(|port| port.to_string());
    let ports: Vec<&str> = ports.iter().map(String::as_str).collect();
    ground.engine.apply_rules(&[rule("web")
        .from("lan")
        .service(tcp(&ports))
        .service(udp_ports(&ports))
        .accept()]);
    let synced = || {
        let synced = feature(&ground.engine.raveld, "conntrack_sync")["sync"]["state"] == "synced";
        synced.then_some(())
    };
    eventually(IN_STEP, synced).expect("the engine is in step with conntrack");
    ground
}

/// A connection XDP forwards.
#[derive(Debug)]
pub struct Live<'g> {
    ground: &'g Ground<'g>,
    kind: Kind,
    pub family: u8,
    server: Host,
    port: u16,
    own: u16,
}

impl<'g> Live<'g> {
    /// Makes one from [`LAN`] and waits until both directions are forwarded by XDP.
    #[track_caller]
    pub fn begin(ground: &'g Ground<'g>, kind: Kind, family: u8, server: Host) -> Self {
        let live = Self::begin_slow(ground, kind, family, server, PORT);
        live.is_forwarded();
        live
    }

    /// The same to another port, forwarded or not.
    #[track_caller]
    pub fn begin_slow(ground: &'g Ground<'g>, kind: Kind, family: u8, server: Host, port: u16) -> Self {
        let live = Self {
            ground,
            kind,
            family,
            server,
            port,
            own: ground.prober.own_port(),
        };
        if kind == Kind::Tcp {
            live.pass(&syn(LAN, server, port));
            live.pass(&syn_ack(server, LAN, port));
        }
        live
    }

    /// A packet of who began it.
    pub fn there(&self) -> Shot {
        match self.kind {
            Kind::Udp => udp(LAN, self.server, self.port),
            Kind::Tcp => ack(LAN, self.server, self.port),
        }
    }

    /// A packet of the other side.
    pub fn back(&self) -> Shot {
        match self.kind {
            Kind::Udp => udp_reply(self.server, LAN, self.port),
            Kind::Tcp => segment(self.server, LAN, ACK | PSH, 5017, 1033).from(self.port),
        }
    }

    /// Sends it and sees what becomes of it.
    pub fn fire(&self, shot: &Shot) -> Outcome {
        self.ground.prober.fire(shot, self.family, self.own)
    }

    /// Sends it; its fate must be what it says.
    #[track_caller]
    pub fn meets(&self, shot: &Shot) -> Outcome {
        let outcome = self.fire(shot);
        if let Err(why) = judge(shot, &outcome) {
            panic!("{:?} over IPv{}: {why}", self.kind, self.family);
        }
        outcome
    }

    /// Sends it; it must arrive once, one hop older and whole. Gives it as it arrived.
    #[track_caller]
    pub fn pass(&self, shot: &Shot) -> Arrival {
        let mut outcome = self.meets(shot);
        let arrival = outcome.delivered.pop().expect("it was delivered");
        let view = &arrival.view;
        let ports = Some(shot.ports(self.own));
        assert!(
            view.ttl == TTL - 1 && view.checksum_is_right() && view.ports() == ports,
            "{:?} over IPv{}: arrived as {view:?}",
            self.kind,
            self.family
        );
        arrival
    }

    /// The key of the direction of who began it.
    pub fn key(&self) -> Tuple {
        Tuple {
            protocol: if self.kind == Kind::Udp { 17 } else { 6 },
            source: (LAN.address(self.family), self.own),
            destination: (self.server.address(self.family), self.port),
        }
    }

    /// Both directions, where they are in the cache.
    pub fn cached(&self) -> [Option<CachedFlow>; 2] {
        let mut cache = FlowMaps::open(&self.ground.engine.raveld.bpffs()).flows();
        let key = self.key();
        [cache.remove(&key), cache.remove(&key.inverted())]
    }

    /// Packets XDP forwarded each way.
    pub fn forwarded(&self) -> [u64; 2] {
        self.cached().map(|flow| flow.map_or(0, |flow| flow.count.0))
    }

    /// Sends packets both ways until XDP forwards both. All arrive, whoever forwards them.
    #[track_caller]
    pub fn is_forwarded(&self) {
        self.is_forwarded_within(IN_STEP);
    }

    #[track_caller]
    pub fn is_forwarded_within(&self, limit: Duration) {
        let (there, back) = (self.there(), self.back());
        let before = self.forwarded();
        let forwarded = eventually(limit, || {
            self.pass(&there);
            self.pass(&back);
            let now = self.forwarded();
            (0..2).all(|way| now[way] > before[way]).then_some(())
        });
        assert!(forwarded.is_some(), "XDP does not forward {:?}", self.cached());
    }

    /// Sends it and gives what comes of it within a moment, where not even a fence would pass.
    pub fn echoes(&self, shot: &Shot) -> Vec<Arrival> {
        let prober = &self.ground.prober;
        let marker = prober.marker();
        let link = shot.at.link().expect("a link");
        for frame in (shot.shape)(shot.packet(self.family, self.own, &marker)) {
            prober.wire.send(link, &frame);
        }
        let mut arrivals = Vec::new();
        let deadline = Instant::now() + MOMENT;
        while let Some(received) = prober.wire.receive(deadline) {
            let carries = received
                .bytes
                .windows(marker.len())
                .any(|window| window == marker);
            if let (true, Some(view)) = (carries, View::of_frame(&received.bytes)) {
                arrivals.push(Arrival {
                    place: received.place,
                    view,
                    bytes: received.bytes,
                });
            }
        }
        arrivals
    }

    /// Sends an odd packet; it must meet its fate without XDP, and ordinary ones go on by XDP.
    #[track_caller]
    pub fn goes_up(&self, what: &str, shot: &Shot) -> Outcome {
        let before = self.forwarded();
        let outcome = self.fire(shot);
        if let Err(why) = judge(shot, &outcome) {
            panic!("{what}, {:?} over IPv{}: {why}", self.kind, self.family);
        }
        assert_eq!(self.forwarded(), before, "{what}: XDP forwarded it");
        self.is_forwarded();
        outcome
    }
}

/// Frames of a packet with changed fields.
pub fn with(mut packet: Packet, change: impl FnOnce(&mut Packet)) -> Vec<Vec<u8>> {
    change(&mut packet);
    vec![packet.build()]
}
