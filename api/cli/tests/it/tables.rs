//! What people see.

use crate::engine::{Engine, Reply};
use crate::run::{check, ravelin};
use crate::samples::{self, DNS_BLOCKLIST, OFFLOAD, STATISTICS, TUN, WAN, page};

const READY: &str = r#"{"status":"ready","revision":9}"#;

const OVERVIEW: &str = "
FEATURE        ENABLED  STATE     REASON
statistics     yes      active    -
dns_blocklist  yes      degraded  no XDP on tun0

INTERFACE  LINK        EXTERNAL  ATTACHED                PROBLEM
wan0       up          yes       xdp(native),tc_ingress  -
tun0       no_carrier  no        -                       not an Ethernet link
";

#[test]
fn status_of_an_engine_that_is_ready() {
    let engine = samples::engine(Reply::json(READY));
    check(&engine, &["status"], &format!("ready, at revision 9\n{OVERVIEW}"));
}

#[test]
fn status_of_an_engine_that_is_not_ready_says_why_and_ends_with_6() {
    let engine = samples::engine(Reply::problem(503, samples::NOT_READY));
    let run = ravelin(&engine, &["status"]);
    let expected = format!("NOT READY: dns_blocklist: no XDP on tun0 (revision 9)\n{OVERVIEW}");
    assert_eq!((run.status, run.out), (6, expected));
}

#[test]
fn features() {
    let engine = Engine::new([
        (
            "GET /api/v1/ebpf/features?limit=1000",
            page(&[STATISTICS, DNS_BLOCKLIST]),
        ),
        ("GET /api/v1/ebpf/features/statistics", Reply::json(STATISTICS)),
        (
            "POST /api/v1/ebpf/features/statistics/enable",
            Reply::json(STATISTICS),
        ),
        (
            "POST /api/v1/ebpf/features/statistics/disable",
            Reply::json(STATISTICS),
        ),
    ]);
    let list = "FEATURE        ENABLED  STATE     REASON
statistics     yes      active    -
dns_blocklist  yes      degraded  no XDP on tun0\n";
    check(&engine, &["features", "list"], list);
    let one = "FEATURE     ENABLED  STATE   REASON\nstatistics  yes      active  -\n";
    check(&engine, &["features", "enable", "statistics"], one);
    check(&engine, &["features", "disable", "statistics"], one);
    let show = "Counts packets and bytes by interface, protocol and outcome.

FEATURE     ENABLED  STATE   REASON
statistics  yes      active  -

SETTING           VALUE
measure_run_time  false

INTERFACE  HOOK        MODE    PROGRAM
wan0       xdp         native       41
wan0       tc_ingress  -            42

COUNTER                 VALUE
packets  18446744073709551615\n";
    check(&engine, &["features", "show", "statistics"], show);
}

#[test]
fn what_is_about_connections_shows_how_it_stands() {
    let feature = |name: &str, more: &str| {
        format!(
            r#"{{"name":"{name}","summary":"About it.","enabled":true,"state":"active","depends_on":[],"hooks":[],"config":{{}},"counters":[],{more},"revision":0}}"#
        )
    };
    let sync = feature(
        "conntrack_sync",
        r#""sync":{"state":"synced","synced_at":"2026-11-20T10:00:00Z"}"#,
    );
    let offload = feature(
        "flow_offload",
        r#""offload_interfaces":[{"interface":"lan0","index":2,"eligible":true},{"interface":"tun0","index":9,"eligible":false,"problem":"no Ethernet"}]"#,
    );
    let cards = feature(
        "hw_offload",
        r#""hw_offload_interfaces":[{"interface":"wan0","index":3,"supported":true,"installed_flows":14,"capacity_flows":65536},{"interface":"lan0","index":2,"supported":false,"reason":"veth has no card","installed_flows":0}]"#,
    );
    let engine = Engine::new([
        ("GET /api/v1/ebpf/features/hw_offload", Reply::json(&cards)),
        ("GET /api/v1/ebpf/features/conntrack_sync", Reply::json(&sync)),
        ("GET /api/v1/ebpf/features/flow_offload", Reply::json(&offload)),
    ]);
    let run = ravelin(&engine, &["features", "show", "conntrack_sync"]);
    let expected = "FLOW CACHE  SINCE                 PROBLEM
synced      2026-11-20T10:00:00Z  -\n";
    assert!(run.out.contains(expected), "{run:?}");
    let run = ravelin(&engine, &["features", "show", "flow_offload"]);
    let expected = "INTERFACE  ELIGIBLE  PROBLEM
lan0       yes       -
tun0       no        no Ethernet\n";
    assert!(run.out.contains(expected), "{run:?}");
    let run = ravelin(&engine, &["features", "show", "hw_offload"]);
    let expected = "INTERFACE  SUPPORTED  FLOWS  CAPACITY  REASON
wan0       yes           14     65536  -
lan0       no             0         -  veth has no card\n";
    assert!(run.out.contains(expected), "{run:?}");
}

#[test]
fn interfaces() {
    let engine = Engine::new([
        ("GET /api/v1/interfaces?limit=1000", page(&[WAN, TUN])),
        ("PATCH /api/v1/interfaces/wan0", Reply::json(WAN)),
    ]);
    let list = "INTERFACE  INDEX  LINK        EXTERNAL   MTU  MAC                DRIVER  ATTACHED                ADDRESSES                    PROBLEM
wan0           3  up          yes       1500  02:00:00:00:00:01  veth    xdp(native),tc_ingress  192.0.2.1/24,2001:db8::1/64  -
tun0          12  no_carrier  no        1400  -                  -       -                       -                            not an Ethernet link\n";
    check(&engine, &["interfaces", "list"], list);
    let run = ravelin(&engine, &["interfaces", "set", "wan0", "--external", "true"]);
    assert_eq!(run.status, 0, "{run:?}");
    let patch = engine.requests().pop().unwrap();
    assert_eq!(patch.body, r#"{"external":true}"#);
}

#[test]
fn the_card_of_an_interface() {
    let engine = Engine::new([("GET /api/v1/interfaces/wan0/offload", Reply::json(OFFLOAD))]);
    let shown = "flow offload is not supported: hw-tc-offload is off: switch it on

INTERFACE  DRIVER     PCI        MODEL       FIRMWARE    MAX-FLOWS  SOURCE
wan0       mlx5_core  15b3:1017  ConnectX-5  16.31.2006     262144  model_default

CAPABILITY         VALUE    ACTIVE  SOURCE   REASON
flow_rules         yes      no      ethtool  hw-tc-offload is off and can be switched on
gre_decapsulation  unknown  -       unknown  the kernel has no feature for GRE on receipt\n";
    check(&engine, &["interfaces", "offload", "wan0"], shown);
}

#[test]
fn leases() {
    let tv = r#"{"address":"192.168.77.9","mac":"52:54:00:12:34:56","hostname":"tv\u001b[2J","expires_at":"2026-11-21T10:00:00Z"}"#;
    let nameless =
        r#"{"address":"192.168.77.100","mac":"52:54:00:12:34:57","expires_at":"2026-11-21T11:00:00Z"}"#;
    let engine = Engine::new([("GET /api/v1/dhcp-leases?limit=1000", page(&[tv, nameless]))]);
    let expected = "ADDRESS         MAC                NAME         EXPIRES
192.168.77.9    52:54:00:12:34:56  tv\\u{1b}[2J  2026-11-21T10:00:00Z
192.168.77.100  52:54:00:12:34:57  -            2026-11-21T11:00:00Z\n";
    check(&engine, &["dhcp-leases"], expected);
}

#[test]
fn programs_and_maps() {
    let programs = r#"{"id":41,"name":"rv_xdp","tag":"0123456789abcdef","attachments":[{"interface":"wan0","interface_index":3,"hook":"xdp","mode":"native","program_id":41}],"verified_instructions":5300,"jited_bytes":4000,"memory_bytes":8192,"run_time":{"total_ns":1000,"runs":10}}"#;
    let maps = r#"{"id":7,"name":"flow_map4","type":"lru_hash","key_bytes":16,"value_bytes":64,"max_entries":262144,"occupancy":12,"memory_bytes":33554432}"#;
    let engine = Engine::new([
        ("GET /api/v1/ebpf/programs?limit=1000", page(&[programs])),
        ("GET /api/v1/ebpf/maps?limit=1000", page(&[maps])),
    ]);
    let expected = "ID  NAME    TAG               ATTACHED          VERIFIED  MEMORY  RUNS  NS-PER-RUN
41  rv_xdp  0123456789abcdef  wan0:xdp(native)      5300    8192    10         100\n";
    check(&engine, &["programs"], expected);
    let expected = "ID  NAME       TYPE      KEY  VALUE  ENTRIES  USED    MEMORY
 7  flow_map4  lru_hash   16     64   262144    12  33554432\n";
    check(&engine, &["maps"], expected);
}

#[test]
fn statistics() {
    let statistics = r#"{"interfaces":[{"interface":"wan0","interface_index":3,"cells":[{"direction":"ingress","protocol":"ipv4_tcp","reason":"pass","verdict":"pass","packets":10,"bytes":1000},{"direction":"ingress","protocol":"ipv6_udp","reason":"source_listed","verdict":"drop","packets":3,"bytes":180}]}],"event_losses":{"suppressed":4,"lost":0}}"#;
    let engine = Engine::new([("GET /api/v1/ebpf/stats", Reply::json(statistics))]);
    let run = ravelin(&engine, &["stats"]);
    let expected = "INTERFACE  DIRECTION  PROTOCOL  VERDICT  REASON         PACKETS  BYTES
wan0       ingress    ipv4_tcp  pass     pass                10   1000
wan0       ingress    ipv6_udp  drop     source_listed        3    180\n";
    assert_eq!(run.out, expected);
    assert!(run.err.contains("4 events were over the budget"), "{}", run.err);
}

#[test]
fn text_from_elsewhere_cannot_move_the_cursor() {
    let reason = STATISTICS.replace(
        r#""state":"active""#,
        r#""state":"failed","state_reason":"\u001b[2Jgone\n\u009b31m\u202e""#,
    );
    let engine = Engine::new([("GET /api/v1/ebpf/features?limit=1000", page(&[&reason]))]);
    let expected = "FEATURE     ENABLED  STATE   REASON
statistics  yes      failed  \\u{1b}[2Jgone\\u{a}\\u{9b}31m\\u{202e}\n";
    check(&engine, &["features", "list"], expected);
}
