//! What an engine answers.

use crate::engine::{Engine, Reply};

pub const STATISTICS: &str = r#"{"name":"statistics","summary":"Counts packets and bytes by interface, protocol and outcome.","enabled":true,"state":"active","depends_on":[],"hooks":[{"interface":"wan0","interface_index":3,"hook":"xdp","mode":"native","program_id":41},{"interface":"wan0","interface_index":3,"hook":"tc_ingress","program_id":42}],"config":{"measure_run_time":false},"counters":[{"name":"packets","value":18446744073709551615,"gauge":false}],"revision":1}"#;
pub const DNS_BLOCKLIST: &str = r#"{"name":"dns_blocklist","summary":"Answers DNS queries for listed names with NXDOMAIN, or drops them.","enabled":true,"state":"degraded","state_reason":"no XDP on tun0","depends_on":["statistics"],"hooks":[],"config":{"lists":["dns-blocklist"],"action":"drop"},"counters":[],"revision":9}"#;
pub const WAN: &str = r#"{"name":"wan0","index":3,"mac":"02:00:00:00:00:01","mtu_bytes":1500,"addresses":["192.0.2.1/24","2001:db8::1/64"],"address_origins":[],"identity":{},"members":[],"faults":[],"driver":"veth","link_state":"up","loopback":false,"external":true,"xdp_mode":"native","attachments":[{"interface":"wan0","interface_index":3,"hook":"xdp","mode":"native","program_id":41},{"interface":"wan0","interface_index":3,"hook":"tc_ingress","program_id":42}],"counters":{"received_packets":7,"received_bytes":700,"received_dropped_packets":0,"sent_packets":1,"sent_bytes":60,"sent_dropped_packets":0}}"#;
pub const TUN: &str = r#"{"name":"tun0","index":12,"mtu_bytes":1400,"addresses":[],"address_origins":[],"identity":{},"members":[],"faults":[],"link_state":"no_carrier","loopback":false,"external":false,"attachments":[],"attach_error":"not an Ethernet link","counters":{"received_packets":0,"received_bytes":0,"received_dropped_packets":0,"sent_packets":0,"sent_bytes":0,"sent_dropped_packets":0}}"#;
pub const OFFLOAD: &str = r#"{"interface":"wan0","index":3,"driver":"mlx5_core","firmware":"16.31.2006","bus":"0000:03:00.0","pci":"15b3:1017","family":"NVIDIA Mellanox ConnectX-4 and later","model":"ConnectX-5","supported":false,"reason":"hw-tc-offload is off: switch it on","remedy":{"feature":"hw-tc-offload","on":true},"max_flows":{"value":262144,"source":"model_default","reason":"a group"},"capabilities":[{"name":"flow_rules","value":"yes","active":false,"source":"ethtool","reason":"hw-tc-offload is off and can be switched on"},{"name":"gre_decapsulation","value":"unknown","source":"unknown","reason":"the kernel has no feature for GRE on receipt"}],"hardware":{"unread":[]}}"#;
pub const BLOCKLIST: &str = r#"{"id":"blocklist","name":"blocklist","kind":"address","built_in":true,"entries_count":2,"updated_at":"2026-11-20T10:00:00Z","revision":4}"#;
pub const ADS: &str = r#"{"id":"lst_1","name":"ads","kind":"domain","built_in":false,"entries_count":120000,"updated_at":"2026-11-20T11:30:00Z","revision":7}"#;
pub const NETWORK: &str = r#"{"id":"ent_1f","value":"203.0.113.0/24","expires_at":"2026-12-01T00:00:00Z","added_at":"2026-11-20T10:00:00Z","hits":{"packets":12,"bytes":3456}}"#;
pub const HOST: &str = r#"{"id":"ent_20","value":"2001:db8::7/128","added_at":"2026-11-20T10:00:00Z","hits":{"packets":0,"bytes":0}}"#;
pub const NOT_READY: &str = r#"{"type":"/problems/not-ready","title":"Not everything enabled is at work","status":503,"detail":"dns_blocklist: no XDP on tun0 (revision 9)","request_id":"r1"}"#;

pub fn page(items: &[&str]) -> Reply {
    Reply::json(&page_text(items, "null"))
}

pub fn page_text(items: &[&str], next_cursor: &str) -> String {
    format!(r#"{{"items":[{}],"next_cursor":{next_cursor}}}"#, items.join(","))
}

/// An engine with two features and two interfaces, and this answer about readiness.
pub fn engine(readiness: Reply) -> Engine {
    Engine::new([
        ("GET /readyz", readiness),
        (
            "GET /api/v1/ebpf/features?limit=1000",
            page(&[STATISTICS, DNS_BLOCKLIST]),
        ),
        ("GET /api/v1/interfaces?limit=1000", page(&[WAN, TUN])),
    ])
}
