//! Zones, rules and what else the policy is made of.

use serde_json::{Value, json};

use crate::engine::{Engine, Reply};
use crate::run::{check, ravelin, ravelin_reading};
use crate::samples::page;

const LAN: &str = r#"{"id":"zon_1","name":"lan","description":"","interfaces":["lan0","lan1"],"management":true,"built_in":false,"updated_at":"2026-11-20T10:00:00Z","revision":4}"#;
const WEB: &str = r#"{"id":"rul_1","position":1,"name":"web","enabled":true,"from_zone":"zon_1","to_zone":"zon_2","from_zone_name":"lan","to_zone_name":"wan","source":{"addresses":[],"lists":[],"negate":false},"destination":{"addresses":["192.0.2.0/24"],"lists":["lst_1"],"negate":true},"services":[{"protocol":"tcp","source_ports":[],"destination_ports":["80","443"],"icmp_types":[]},"svc_1"],"action":"accept","log":false,"comment":"","tags":[],"hits":{"packets":12,"bytes":3456},"updated_at":"2026-11-20T10:00:00Z","revision":5}"#;
const PAIR: &str = r#"{"id":"zpr_1","from":"zon_1","to":"zon_2","from_name":"lan","to_name":"wan","default_action":"reject","log":true,"hits":{"packets":3,"bytes":180},"updated_at":"2026-11-20T10:00:00Z","revision":6}"#;
const OUT: &str = r#"{"id":"nat_1","position":1,"name":"out","enabled":true,"kind":"masquerade","comment":"","to_zone":"zon_2","source_addresses":[],"updated_at":"2026-11-20T10:00:00Z","revision":7}"#;
const SHOP: &str = r#"{"id":"pub_1","name":"shop","enabled":true,"from_zone":"zon_2","source":{"addresses":[],"lists":[],"negate":false},"address":"203.0.113.1","protocol":"tcp","ports":"443","target":"10.0.0.7","hairpin":true,"log":false,"comment":"","hits":{"packets":0,"bytes":0},"updated_at":"2026-11-20T10:00:00Z","revision":8}"#;
const WAN_CARD: &str = r#"{"id":"ifs_1","interface":"wan0","description":"","mtu_bytes":1400,"addresses":["192.0.2.1/24"],"dhcp_client":{"ipv4":false,"ipv6":true},"identity":{"mac":"02:00:00:00:00:01"},"hardware":{"large_receive_offload":false,"rx_ring_descriptors":4096},"state":"failed","state_reason":"no room","updated_at":"2026-11-20T10:00:00Z","revision":9}"#;
const PREVIEW: &str = r#"{"dry_run":true,"revision":5,"results":[{"kind":"rule","id":"rul_2","revision":0}],"diff":[{"kind":"rule","id":"rul_2","name":"late","change":"created","position_after":2}],"diagnostics":[{"severity":"warning","code":"shadowed","object":{"kind":"rule","id":"rul_2","name":"late"},"related":[],"detail":"web decides everything"}],"steps":[]}"#;

const RULES: &str = "POSITION  ID     NAME  ENABLED  FROM  TO   SOURCE  DESTINATION                  SERVICES          ACTION  LOG  PACKETS
       1  rul_1  web   yes      lan   wan  any     not:192.0.2.0/24,list:lst_1  tcp/80,443 svc_1  accept  no        12\n";

#[test]
fn zones_are_shown_and_made() {
    let engine = Engine::new([
        ("GET /api/v1/zones?limit=1000", page(&[LAN])),
        ("POST /api/v1/zones", Reply::new(201, "", LAN)),
        (
            "GET /api/v1/zones/zon_1/references",
            Reply::json(r#"{"items":[{"kind":"rule","id":"rul_1","name":"web"}]}"#),
        ),
    ]);
    let lan = "ID     NAME  INTERFACES  MANAGEMENT  BUILT-IN\nzon_1  lan   lan0,lan1   yes         no\n";
    check(&engine, &["zones", "list"], lan);
    let add = [
        "zones",
        "add",
        "lan",
        "--interface",
        "lan0",
        "--interface",
        "lan1",
        "--management",
    ];
    check(&engine, &add, lan);
    assert_eq!(
        engine.requests().pop().unwrap().json(),
        json!({"name": "lan", "interfaces": ["lan0", "lan1"], "management": true, "description": ""})
    );
    check(
        &engine,
        &["zones", "references", "lan"],
        "KIND  ID     NAME\nrule  rul_1  web\n",
    );
}

#[test]
fn rules_are_found_made_moved_changed_and_deleted_by_name() {
    let engine = Engine::new([
        ("GET /api/v1/rules?limit=1000", page(&[WEB])),
        (
            "GET /api/v1/rules?limit=1000&from_zone=lan&enabled=true",
            page(&[]),
        ),
        ("POST /api/v1/rules", Reply::new(201, "", WEB)),
        ("GET /api/v1/rules/rul_1", Reply::tagged("\"5\"", WEB)),
        ("PATCH /api/v1/rules/rul_1", Reply::json(WEB)),
        ("POST /api/v1/rules/rul_1/move", Reply::json(WEB)),
        ("DELETE /api/v1/rules/rul_1", Reply::new(204, "", "")),
    ]);
    check(&engine, &["rules", "list"], RULES);
    let none = "POSITION  ID  NAME  ENABLED  FROM  TO  SOURCE  DESTINATION  SERVICES  ACTION  LOG  PACKETS\n";
    check(
        &engine,
        &["rules", "list", "--from", "lan", "--enabled", "true"],
        none,
    );
    check(&engine, &["rules", "show", "web"], RULES);
    let add = [
        "rules",
        "add",
        "web",
        "--from",
        "lan",
        "--to",
        "wan",
        "--destination",
        "192.0.2.0/24",
        "--destination",
        "list:bad",
        "--not-destination",
        "--service",
        "tcp/80,443",
        "--service",
        "dns",
        "--action",
        "accept",
        "--tag",
        "t",
    ];
    check(&engine, &add, RULES);
    assert_eq!(
        engine.requests().pop().unwrap().json(),
        json!({"name": "web", "action": "accept", "from_zone": "lan", "to_zone": "wan", "log": false, "enabled": true,
            "comment": "", "tags": ["t"], "services": [{"protocol": "tcp", "destination_ports": ["80", "443"]}, "dns"],
            "destination": {"addresses": ["192.0.2.0/24"], "lists": ["bad"], "negate": true}})
    );
    check(&engine, &["rules", "move", "web", "--before", "rul_9"], RULES);
    let moved = engine.requests().pop().unwrap();
    assert_eq!(moved.json(), json!({"to": "before", "rule": "rul_9"}));
    check(
        &engine,
        &[
            "rules",
            "set",
            "web",
            "log=true",
            "comment=hello",
            "schedule=null",
        ],
        RULES,
    );
    let patch = engine.requests().pop().unwrap();
    assert_eq!(patch.header("if-match"), Some("\"5\""));
    assert_eq!(
        patch.json(),
        json!({"log": true, "comment": "hello", "schedule": null})
    );
    check(&engine, &["rules", "delete", "web"], "rule rul_1 is gone\n");
    assert_eq!(engine.requests().pop().unwrap().header("if-match"), Some("*"));
    let run = ravelin(&engine, &["rules", "delete", "nothing"]);
    assert_eq!(
        (run.status, run.err.as_str()),
        (1, "ravelin: there is no rule called nothing\n")
    );
}

#[test]
fn settings_of_an_interface_are_made_and_changed_by_its_name() {
    let engine = Engine::new([
        ("GET /api/v1/interface-settings?limit=1000", page(&[WAN_CARD])),
        ("POST /api/v1/interface-settings", Reply::new(201, "", WAN_CARD)),
        (
            "GET /api/v1/interface-settings/ifs_1",
            Reply::tagged("\"9\"", WAN_CARD),
        ),
        ("PATCH /api/v1/interface-settings/ifs_1", Reply::json(WAN_CARD)),
        ("DELETE /api/v1/interface-settings/ifs_1", Reply::new(204, "", "")),
    ]);
    let shown =
        "ID     INTERFACE  STATE   NETWORK                                            HARDWARE                                              DESCRIPTION  REASON
ifs_1  wan0       failed  192.0.2.1/24 mtu=1400 dhcp6 mac=02:00:00:00:00:01  large_receive_offload=false rx_ring_descriptors=4096  -            no room\n";
    check(&engine, &["interface-settings", "list"], shown);
    check(&engine, &["interface-settings", "show", "wan0"], shown);
    let add = [
        "interface-settings",
        "add",
        "wan0",
        "hardware.large_receive_offload=false",
        "hardware.rx_ring_descriptors=4096",
    ];
    check(&engine, &add, shown);
    assert_eq!(
        engine.requests().pop().unwrap().json(),
        json!({"interface": "wan0", "description": "",
            "hardware": {"large_receive_offload": false, "rx_ring_descriptors": 4096}})
    );
    let set = [
        "interface-settings",
        "set",
        "wan0",
        "hardware.ntuple_filters=null",
        "description=fast",
    ];
    check(&engine, &set, shown);
    let patch = engine.requests().pop().unwrap();
    assert_eq!(patch.header("if-match"), Some("\"9\""));
    assert_eq!(
        patch.json(),
        json!({"hardware": {"ntuple_filters": null}, "description": "fast"})
    );
    let gone = "interface settings ifs_1 is gone\n";
    check(&engine, &["interface-settings", "delete", "wan0"], gone);
}

#[test]
fn a_dry_run_says_what_would_become_of_it() {
    let engine = Engine::new([
        (
            "POST /api/v1/rules?confirm_within_seconds=60",
            Reply::json(PREVIEW),
        ),
        ("POST /api/v1/changes", Reply::json(PREVIEW)),
    ]);
    let preview = "CHANGE   KIND  ID     NAME  POSITION
created  rule  rul_2  late         2

SEVERITY  CODE      KIND  ID     NAME  DETAIL
warning   shadowed  rule  rul_2  late  web decides everything
nothing was changed; the policy is at revision 5\n";
    let add = [
        "rules",
        "add",
        "late",
        "--action",
        "drop",
        "--dry-run",
        "--confirm-within",
        "60",
    ];
    check(&engine, &add, preview);
    assert_eq!(engine.requests().pop().unwrap().header("prefer"), Some("dry-run"));
    let operations = r#"[{"op":"delete","kind":"rule","id":"rul_1"}]"#;
    let run = ravelin_reading(&engine, &["changes", "apply", "-", "--dry-run"], operations);
    assert_eq!((run.status, run.out.as_str()), (0, preview));
    let operations: Value = serde_json::from_str(operations).unwrap();
    assert_eq!(
        engine.requests().pop().unwrap().json(),
        json!({"operations": operations})
    );
    let broken = engine.file("broken", "{");
    let run = ravelin(&engine, &["changes", "apply", broken.to_str().unwrap()]);
    assert_eq!(run.status, 2, "{}", run.err);
}

const LIVE: &str = r#""live_flows":{"kept":5,"cut":2,"unjudged":1,"sample":[{"protocol":6,"original":{"source":"2001:db8::7","destination":"192.0.2.9","source_port":40000,"destination_port":443},"reply":{"source":"192.0.2.9","destination":"2001:db8::7","source_port":443,"destination_port":40000},"from_zone":"zon_1","origin":"rule","origin_id":"rul_2"}],"duration_ms":12}"#;

#[test]
fn what_a_change_means_for_live_connections_is_said() {
    let preview = PREVIEW.replace("\"steps\":[]", &format!("\"steps\":[],{LIVE}"));
    let changed = WEB.replacen('{', &format!("{{{LIVE},"), 1);
    let unknown = WEB.replacen('{', r#"{"live_flows_problem":"conntrack cannot be read","#, 1);
    let engine = Engine::new([
        ("POST /api/v1/rules", Reply::json(&preview)),
        ("GET /api/v1/rules/rul_1", Reply::tagged("\"5\"", WEB)),
        ("PATCH /api/v1/rules/rul_1", Reply::json(&changed)),
        ("POST /api/v1/rules/rul_1/move", Reply::json(&unknown)),
        (
            "DELETE /api/v1/rules/rul_1",
            Reply::new(204, "ravelin-live-flows: kept=5, cut=2, unjudged=0\r\n", ""),
        ),
    ]);
    let expected = "CHANGE   KIND  ID     NAME  POSITION
created  rule  rul_2  late         2

SEVERITY  CODE      KIND  ID     NAME  DETAIL
warning   shadowed  rule  rul_2  late  web decides everything

PROTOCOL  SOURCE               DESTINATION    FROM   TO  DENIED BY  ID
       6  [2001:db8::7]:40000  192.0.2.9:443  zon_1  -   rule       rul_2
live connections: 2 would be cut, 5 stay, 1 of them because it is not known where they go
nothing was changed; the policy is at revision 5\n";
    let add = ["rules", "add", "late", "--action", "drop", "--dry-run"];
    check(&engine, &add, expected);
    for (arguments, out, err) in [
        (
            &["rules", "set", "rul_1", "log=true"][..],
            RULES,
            "ravelin: live connections: 2 were cut, 5 stay, 1 of them because it is not known where they go\n",
        ),
        (
            &["rules", "move", "rul_1", "--first"][..],
            RULES,
            "ravelin: live connections could not be judged, those denied now go on: conntrack cannot be read\n",
        ),
        (
            &["rules", "delete", "rul_1"][..],
            "rule rul_1 is gone\n",
            "ravelin: live connections: kept=5, cut=2, unjudged=0\n",
        ),
    ] {
        let run = ravelin(&engine, arguments);
        assert_eq!((run.status, run.out.as_str(), run.err.as_str()), (0, out, err));
    }
}

#[test]
fn pairs_services_and_translation_are_shown() {
    let service = r#"{"id":"svc_1","name":"dns","description":"names","entries":[{"protocol":"udp","source_ports":[],"destination_ports":["53"],"icmp_types":[]},{"protocol":89}],"updated_at":"2026-11-20T10:00:00Z","revision":3}"#;
    let engine = Engine::new([
        ("GET /api/v1/zone-pairs?limit=1000", page(&[PAIR])),
        ("GET /api/v1/zone-pairs/zpr_1", Reply::json(PAIR)),
        ("POST /api/v1/services", Reply::new(201, "", service)),
        ("GET /api/v1/nat-rules?limit=1000", page(&[OUT])),
        ("POST /api/v1/nat-rules", Reply::new(201, "", OUT)),
        ("POST /api/v1/published-services", Reply::new(201, "", SHOP)),
    ]);
    let pair =
        "ID     FROM  TO   DEFAULT  LOG  PACKETS  BYTES\nzpr_1  lan   wan  reject   yes        3    180\n";
    check(&engine, &["zone-pairs", "list"], pair);
    check(&engine, &["zone-pairs", "show", "lan:wan"], pair);
    let dns = "ID     NAME  ENTRIES    DESCRIPTION\nsvc_1  dns   udp/53 89  names\n";
    check(
        &engine,
        &["services", "add", "dns", "udp/53", "89", "--description", "names"],
        dns,
    );
    let out = "POSITION  ID     NAME  ENABLED  KIND        ZONE   MATCHES  BECOMES
       1  nat_1  out   yes      masquerade  zon_2  any      the interface's address\n";
    check(&engine, &["nat", "list"], out);
    check(
        &engine,
        &["nat", "add", "out", "--kind", "masquerade", "--to", "wan"],
        out,
    );
    let post = engine.requests().pop().unwrap();
    assert_eq!(
        post.json(),
        json!({"name": "out", "kind": "masquerade", "to_zone": "wan"})
    );
    let shop = "ID     NAME  ENABLED  FROM   ADDRESS      PROTOCOL  PORTS  TARGET    PORT  PACKETS
pub_1  shop  yes      zon_2  203.0.113.1  tcp         443  10.0.0.7  -           0\n";
    let add = [
        "published",
        "add",
        "shop",
        "--from",
        "wan",
        "--address",
        "203.0.113.1",
        "--protocol",
        "tcp",
        "--ports",
        "443",
        "--target",
        "10.0.0.7",
    ];
    check(&engine, &add, shop);
}

#[test]
fn a_packet_is_simulated() {
    let answer = r#"{"verdict":"accept","reason":"rule","rule":{"kind":"rule","id":"rul_1","name":"web"},"decided_by":{"origin":"rule","origin_id":"rul_1","origin_name":"web"},"from_zone":{"id":"zon_1","name":"lan"},"to_zone":{"id":"zon_2","name":"wan"},"translation":{"origin":"nat_rule","origin_id":"nat_1","destination":"10.0.0.7","destination_port":443},"by_program_missing":"the classifier is not at work","by_reference":{"verdict":"accept"},"agree":true,"considered":[{"line":{"origin":"anti_lockout"},"matched":false,"why_not":"destination port is not 22"},{"line":{"origin":"rule","origin_id":"rul_1","origin_name":"web"},"matched":true}],"revision":5}"#;
    let engine = Engine::new([("POST /api/v1/simulate", Reply::json(answer))]);
    let simulate = [
        "simulate",
        "--from",
        "lan",
        "--source",
        "192.0.2.1",
        "--destination",
        "203.0.113.1",
        "--port",
        "443",
    ];
    let run = ravelin(&engine, &simulate);
    let expected = "VERDICT  DECIDED-BY  FROM  TO   TRANSLATED         AGREE
accept   rule:web    lan   wan  10.0.0.7 port 443  yes

LINE          MATCHED  WHY-NOT
anti_lockout  no       destination port is not 22
rule:web      yes      -\n";
    assert_eq!((run.status, run.out.as_str()), (0, expected));
    assert!(run.err.contains("the classifier is not at work"), "{}", run.err);
    assert_eq!(
        engine.requests().pop().unwrap().json(),
        json!({"from_zone": "lan", "source": "192.0.2.1", "destination": "203.0.113.1", "protocol": "tcp",
            "destination_port": 443})
    );
    let run = ravelin(
        &engine,
        &[
            "simulate",
            "--source",
            "192.0.2.1",
            "--destination",
            "203.0.113.1",
        ],
    );
    assert_eq!(run.status, 2, "{}", run.err);
}

const VERDICT: &str = r#""action":"drop","origin":"rule","origin_id":"rul_1","revision":5,"backend":"ebpf","from_zone":"zon_1","to_zone":"zon_2","interface":"lan0","source":"192.0.2.1","destination":"203.0.113.1","protocol":6,"source_port":40000,"destination_port":25,"packet_bytes":60"#;

#[test]
fn the_log_is_shown_and_followed() {
    let logged = format!(r#"{{"number":7,"at":"2026-11-20T10:00:00Z",{VERDICT}}}"#);
    let event = format!(
        "id: 1\nevent: policy_verdict\ndata: {{\"sequence\":1,\"at\":\"2026-11-20T10:00:00Z\",\"type\":\"policy_verdict\",\"policy_verdict\":{{{VERDICT}}}}}\n\n"
    );
    let refusal = r#"{"type":"/problems/unauthorized","title":"A valid credential is needed","status":401,"detail":"gone","request_id":"r1"}"#;
    let engine = Engine::new([
        ("GET /api/v1/verdict-log?limit=100&rule=web", page(&[&logged])),
        ("GET /api/v1/events?types=policy_verdict", Reply::stream(&event)),
        (
            "GET /api/v1/events?types=policy_verdict",
            Reply::problem(401, refusal),
        ),
    ]);
    let table = "TIME                  ACTION  BY     FROM   TO     SOURCE      PORT  DESTINATION  PORT  PROTOCOL  BACKEND
2026-11-20T10:00:00Z  drop    rul_1  zon_1  zon_2  192.0.2.1  40000  203.0.113.1    25         6  ebpf\n";
    check(&engine, &["log", "--rule", "web"], table);
    let run = ravelin(&engine, &["log", "--follow"]);
    let line = "2026-11-20T10:00:00Z  policy_verdict  drop by rul_1 from 192.0.2.1 port 40000 to 203.0.113.1 port 25 protocol 6, zone zon_1 to zon_2, ebpf\n";
    assert_eq!((run.status, run.out.as_str()), (4, line), "{}", run.err);
}

#[test]
fn who_uses_an_object_is_told() {
    let problem = r#"{"type":"/problems/in-use","title":"The object is in use","status":409,"detail":"zone 'zon_1' is used by web","request_id":"r1","blocked_by":["rul_1"],"used_by":[{"kind":"rule","id":"rul_1","name":"web"}]}"#;
    let engine = Engine::new([("DELETE /api/v1/zones/zon_1", Reply::problem(409, problem))]);
    let run = ravelin(&engine, &["zones", "delete", "zon_1"]);
    let expected = "ravelin: The object is in use (409)
  zone 'zon_1' is used by web
  used by rule rul_1 (web)
  request r1\n";
    assert_eq!((run.status, run.err.as_str()), (1, expected));
}

#[test]
fn revisions_are_shown_restored_and_confirmed() {
    let revision = r#"{"revision":5,"at":"2026-11-20T10:00:00Z","actor":"uid:0","origin":"unix","summary":"rule web","policy":true}"#;
    let state = r#"{"revision":6,"enforced":true,"problems":[]}"#;
    let restored = r#"{"dry_run":false,"revision":6,"results":[],"diff":[{"kind":"rule","id":"rul_1","name":"web","change":"deleted","position_before":1}],"diagnostics":[],"steps":[]}"#;
    let engine = Engine::new([
        ("GET /api/v1/revisions?limit=100", page(&[revision])),
        ("GET /api/v1/diagnostics?limit=1000", page(&[])),
        ("POST /api/v1/revisions/5/restore", Reply::json(restored)),
        ("POST /api/v1/revisions/6/confirm", Reply::json(state)),
    ]);
    let list = "REVISION  TIME                  BY     FROM  POLICY  SUMMARY
       5  2026-11-20T10:00:00Z  uid:0  unix  yes     rule web\n";
    check(&engine, &["revisions", "list"], list);
    let report = "CHANGE   KIND  ID     NAME  POSITION\ndeleted  rule  rul_1  web          1\nthe policy is at revision 6\n";
    check(&engine, &["revisions", "restore", "5"], report);
    check(
        &engine,
        &["revisions", "confirm", "6"],
        "the policy stays at revision 6\n",
    );
    check(
        &engine,
        &["diagnostics"],
        "SEVERITY  CODE  KIND  ID  NAME  DETAIL\n",
    );
}
