//! Tuning with real connections: the flow cache grows ahead of them, and shrinks when they are gone.

use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use http::Method;
use ravelin_test_harness::packet::Packet;
use ravelin_test_harness::{Datagrams, Frames, Lab, Pace, Request, Setup, eventually, wait_until};
use serde_json::{Value, json};

use super::ground::{Ground, OTHER, PLAIN, THIRD, Way, lab, routes};
use crate::policy::draft::rule;
use crate::support::{feature, number, optimised, repetitions};

/// Bounds of the cache, in connections of each family.
const LEAST: u64 = 4096;
const MOST: u64 = 262_144;

/// Steady connections: of each family.
const STEADY: usize = 500;

/// Between the steps of a connection: its first packet, the answer, and, later than conntrack takes UDP for a question
/// and its answer (nf_conntrack_proto_udp.c, 2 s), both again.
const TICK: Duration = Duration::from_millis(10);
const STEPS: [u32; 4] = [0, 30, 240, 270];

/// First port connections come from.
const FIRST_PORT: u32 = 1024;
/// Connections to a port of the server, of a family.
const PORTS: u32 = 60_000;

#[track_caller]
fn tuning(ground: &Ground<'_>) -> Value {
    ground.raveld().api().get("/api/v1/tuning").expect(200).json()
}

#[track_caller]
fn set(ground: &Ground<'_>, patch: &Value) {
    let request = Request::new(Method::PATCH, "/api/v1/tuning").header("if-match", "*");
    ground.engine.ask(&request.json(patch)).expect(200);
}

/// Connections of each family that fit, by the tuner's word and by that of the flows.
#[track_caller]
fn capacity(ground: &Ground<'_>) -> (u64, u64) {
    let tuning = tuning(ground);
    let objects = tuning["objects"].as_array().expect("objects");
    let cache = objects
        .iter()
        .find(|object| object["object"] == "flow_cache_connections");
    let told = cache.map_or(0, |cache| number(&cache["value"]));
    (told, counter(ground, "capacity_entries"))
}

#[track_caller]
fn counter(ground: &Ground<'_>, name: &str) -> u64 {
    let feature = feature(ground.raveld(), "conntrack_sync");
    let counters = feature["counters"].as_array().expect("counters");
    let found = counters.iter().find(|counter| counter["name"] == name);
    number(&found.unwrap_or_else(|| panic!("no {name} in {counters:?}"))["value"])
}

fn entries(ground: &Ground<'_>) -> u64 {
    counter(ground, "ipv4_entries") + counter(ground, "ipv6_entries")
}

/// What a window measured of the flow cache.
fn window(ground: &Ground<'_>) -> Value {
    tuning(ground)["window"].clone()
}

/// What became of the cache, oldest first.
fn decisions(ground: &Ground<'_>) -> Vec<Value> {
    let tuning = tuning(ground);
    let decisions = tuning["decisions"].as_array().expect("decisions").iter().rev();
    decisions
        .filter(|decision| decision["object"] == "flow_cache_connections")
        .cloned()
        .collect()
}

/// Many UDP connections, made of frames: no host has sockets for so many.
#[derive(Debug)]
struct Crowd {
    client: Frames,
    server: Frames,
    count: u32,
    /// Nobody reads them; they keep the server from refusing what comes.
    _sockets: Vec<UdpSocket>,
}

impl Crowd {
    fn new(lab: &Lab, count: u32) -> Self {
        let sockets = lab.server.within(|| {
            let addresses = Lab::server_addresses().into_iter();
            let all = addresses.flat_map(|address| [OTHER, THIRD].map(|port| SocketAddr::new(address, port)));
            all.map(|address| UdpSocket::bind(address).expect("bind"))
                .collect()
        });
        Self {
            client: Frames::open(&lab.client, "eth0", 1),
            server: Frames::open(&lab.server, "eth0", 2),
            count,
            _sockets: sockets,
        }
    }

    /// A packet of a connection: from the client, or the answer.
    fn send(&self, connection: u32, answer: bool) {
        let family = usize::from(connection % 2 == 1);
        let number = connection / 2;
        let own = u16::try_from(FIRST_PORT + number % PORTS).expect("a port");
        let port = if number < PORTS { OTHER } else { THIRD };
        let (near, far) = (Lab::client_addresses()[family], Lab::server_addresses()[family]);
        let family = [4, 6][family];
        if answer {
            let mut packet = Packet::udp(family, port, own, vec![0; 8]);
            (packet.source, packet.destination) = (far, near);
            self.server.send(&packet);
        } else {
            let mut packet = Packet::udp(family, own, port, vec![0; 8]);
            (packet.source, packet.destination) = (near, far);
            self.client.send(&packet);
        }
    }

    /// Begins all of them, so many a second, each by its four packets.
    fn begin(&self, rate: u32) {
        let each = (rate / 100).max(1);
        let last = self.count.div_ceil(each) + STEPS[3];
        self.by_ticks(last, |tick| {
            for (step, after) in STEPS.into_iter().enumerate() {
                let Some(batch) = tick.checked_sub(after) else {
                    continue;
                };
                let first = (batch * each).min(self.count);
                for connection in first..(first + each).min(self.count) {
                    self.send(connection, step % 2 == 1);
                }
            }
        });
    }

    /// A packet of each and its answer, so many connections a second.
    fn talk(&self, rate: u32) {
        let each = (rate / 100).max(1);
        self.by_ticks(self.count.div_ceil(each), |tick| {
            let first = tick * each;
            for connection in first..(first + each).min(self.count) {
                self.send(connection, false);
                self.send(connection, true);
            }
        });
    }

    /// Does something for each tick; where the machine is late, everything is.
    fn by_ticks(&self, ticks: u32, mut work: impl FnMut(u32)) {
        let mut due = Instant::now();
        for tick in 0..ticks {
            work(tick);
            due = (due + TICK).max(Instant::now());
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
        }
    }
}

/// 1,000 connections become 200,000 (RAVELIN_FULL, else 40,000) and 1,000 again.
#[test]
fn the_flow_cache_grows_ahead_of_connections_and_shrinks_after_them() {
    let Some(lab) = lab() else { return };
    // Long enough for a round of all of them.
    let idle = repetitions(60, 150);
    for key in ["nf_conntrack_udp_timeout", "nf_conntrack_udp_timeout_stream"] {
        lab.router
            .write_sysctl(&format!("netfilter/{key}"), &idle.to_string());
    }
    let setup = Setup {
        config: format!("[capacity]\ncached_connections = {LEAST}"),
        ..Setup::default()
    };
    let ground = Ground::start_with(&lab, setup);
    let limits = json!({ "flow_cache_connections": { "min": LEAST, "max": MOST } });
    set(
        &ground,
        &json!({ "mode": "auto", "window_seconds": 1, "limits": limits }),
    );
    let steady = Datagrams::establish(
        &lab.client,
        &lab.server,
        &routes(Way::Plain, PLAIN, STEADY),
        Pace {
            rate: 2000,
            ..Pace::default()
        },
    );
    ground.offloaded(&steady.tuples());
    assert_eq!(capacity(&ground), (LEAST, LEAST));
    let (inserted, refused) = (
        counter(&ground, "inserted_entries"),
        counter(&ground, "refused_entries"),
    );

    let count = repetitions(40_000, 200_000);
    // Four packets of each in a tick are less than the ring of a veth port holds (VETH_RING_SIZE, 256).
    let rate = repetitions(1200, 2000);
    let crowd = Crowd::new(&lab, count);
    let start = Instant::now();
    crowd.begin(rate);
    eprintln!("{count} connections in {:?}", start.elapsed());
    let all = u64::from(count) * 99 / 100;
    // What the machine lost on the way begins with the next packets.
    let rounds = (0..6).find(|_| {
        let are_there = entries(&ground) >= all;
        if !are_there {
            crowd.talk(rate * 2);
        }
        are_there
    });
    assert!(
        rounds.is_some(),
        "{} of {count} connections are in the cache",
        entries(&ground)
    );
    let (inserted, refused) = (
        counter(&ground, "inserted_entries") - inserted,
        counter(&ground, "refused_entries") - refused,
    );
    let grown = decisions(&ground);
    for decision in &grown {
        eprintln!(
            "{} to {}: {} ({})",
            decision["from"], decision["to"], decision["reason"], decision["outcome"]
        );
    }
    eprintln!(
        "{inserted} found room, {refused} did not; {:?}",
        capacity(&ground)
    );
    assert!(
        refused * 1000 <= inserted,
        "{refused} found no room, {inserted} did"
    );
    assert!(
        grown.iter().all(|decision| decision["outcome"] == "applied"),
        "{grown:?}"
    );
    let (told, there) = capacity(&ground);
    assert_eq!(told, there);
    assert!(u64::from(count) / 2 < there && there <= MOST, "{there}");

    // Steady: whole windows of packets of all of them.
    let settled = decisions(&ground).len();
    let before = window(&ground)["ended_at"].clone();
    let mut rates = Vec::new();
    std::thread::scope(|scope| {
        let talking = scope.spawn(|| crowd.talk(rate * 2));
        let mut last = before;
        while !talking.is_finished() {
            let window = window(&ground);
            if window["ended_at"] != last {
                last = window["ended_at"].clone();
                rates.push(window["flow_cache"]["hit_rate"].as_f64());
            }
            std::thread::sleep(Duration::from_millis(200));
        }
    });
    eprintln!("hit rates of steady windows: {rates:?}");
    // Null: XDP looked nothing up in that second, as while all of a large conntrack is compared. The first window began
    // before the packets.
    let known: Vec<f64> = rates.iter().skip(1).flatten().copied().collect();
    assert!(known.len() >= 3 && known.len() * 2 >= rates.len(), "{rates:?}");
    assert!(known.iter().all(|rate| *rate >= 0.9), "{rates:?}");
    assert_eq!(
        decisions(&ground).len(),
        settled,
        "it did not settle: {:?}",
        decisions(&ground)
    );
    drop(crowd);

    // Gone: what nobody uses ends by conntrack's time-out, and the cache gives way step by step.
    let patience = Duration::from_secs(u64::from(idle) + 60);
    wait_until("the crowd is gone", patience, || {
        entries(&ground) <= 2 * STEADY as u64 + 100
    });
    let shrunk = eventually(Duration::from_secs(180), || {
        (capacity(&ground) == (LEAST, LEAST)).then_some(())
    });
    assert!(
        shrunk.is_some(),
        "{:?}: {:?}",
        capacity(&ground),
        decisions(&ground)
    );
    for decision in &decisions(&ground)[grown.len()..] {
        eprintln!(
            "{} to {}: {} ({})",
            decision["from"], decision["to"], decision["reason"], decision["outcome"]
        );
        assert!(number(&decision["to"]) < number(&decision["from"]), "{decision}");
        assert_eq!(decision["outcome"], "applied", "{decision}");
    }
    ground.offloaded(&steady.tuples());
    let datagrams = steady.nothing_is_lost();
    eprintln!(
        "{datagrams} datagrams there and back at {} sizes, none lost",
        decisions(&ground).len() + 1
    );
}

#[test]
fn without_traffic_nothing_is_tuned() {
    let Some(lab) = lab() else { return };
    let ground = Ground::start(&lab);
    set(&ground, &json!({ "window_seconds": 1 }));
    let windows = repetitions(30, 600);
    let mut last = Value::Null;
    let mut seen = 0;
    wait_until(
        "the windows are over",
        Duration::from_secs(u64::from(windows) * 4),
        || {
            let now = window(&ground)["ended_at"].clone();
            seen += u32::from(now != last && !now.is_null());
            last = now;
            seen >= windows
        },
    );
    let tuning = tuning(&ground);
    assert_eq!(tuning["decisions"], json!([]), "{tuning}");
    eprintln!("{seen} windows without a decision: {}", tuning["window"]);
}

/// CPU time of the engine so far.
fn cpu(ground: &Ground<'_>) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", ground.raveld().process_id())).expect("stat");
    let (_, fields) = stat.rsplit_once(") ").expect("fields");
    let ticks = fields
        .split(' ')
        .skip(11)
        .take(2)
        .map(|ticks| ticks.parse::<u64>().expect("ticks"));
    Duration::from_millis(ticks.sum::<u64>() * 10)
}

/// CPU time of `times` windows of a second and as many readings of the metrics, beyond what goes on without them.
#[test]
fn tuning_and_metrics_cost_little() {
    let Some(lab) = lab() else { return };
    let ground = Ground::start(&lab);
    let rules = repetitions(1_000, 10_000);
    let many: Vec<Value> = (0..rules)
        .map(|number| {
            let service = crate::policy::draft::tcp(&[(1024 + number % 60_000).to_string().as_str()]);
            let rule = rule(&format!("rule {number}"))
                .from("lan")
                .to("wan")
                .service(service);
            crate::policy::engine::create("rule", &rule.drop().value())
        })
        .collect();
    for batch in many.chunks(2_500) {
        ground.engine.change(batch);
    }
    let steady = Datagrams::establish(
        &lab.client,
        &lab.server,
        &routes(Way::Plain, PLAIN, 10),
        Pace {
            rate: 100,
            ..Pace::default()
        },
    );
    let times = repetitions(15, 60);
    let spent = |seconds: u32, scrape: bool| {
        set(&ground, &json!({ "window_seconds": seconds }));
        let (start, before) = (Instant::now(), cpu(&ground));
        for second in 1..=times {
            if scrape {
                ground.raveld().api().get("/metrics").expect(200);
            }
            std::thread::sleep(
                (start + Duration::from_secs(second.into())).saturating_duration_since(Instant::now()),
            );
        }
        cpu(&ground).saturating_sub(before)
    };
    let [without, tuned, scraped] =
        [(3600, false), (1, false), (3600, true)].map(|(seconds, scrape)| spent(seconds, scrape));
    let each = |spent: Duration| spent.saturating_sub(without) / times;
    let (window, scrape) = (each(tuned), each(scraped));
    // As configured: a window in ten seconds, and a scrape in fifteen.
    let share = window.as_secs_f64() / 10.0 + scrape.as_secs_f64() / 15.0;
    eprintln!(
        "{rules} rules: {window:?} of CPU a window, {scrape:?} a scrape, {:.3} % of a core; {without:?} in {times} s without",
        share * 100.0
    );
    let limit = if optimised() { 0.005 } else { 0.05 };
    assert!(share <= limit, "{:.3} % of a core", share * 100.0);
    steady.nothing_is_lost();
}
