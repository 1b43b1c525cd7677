//! Namespaces, packets and processes for tests. Everything made here goes away when it is dropped; what a killed
//! run left behind goes away when the next one starts. A helper that cannot do its job panics and says why: a test
//! has nothing better to do with an error.

mod binaries;
mod conntrack;
mod crossing;
mod datagrams;
mod dns;
mod ethtool;
mod flow_maps;
mod frames;
mod fresh;
mod gateway;
mod http;
mod lab;
mod limits;
mod namespace;
pub mod packet;
mod process;
mod raveld;
mod require;
mod routed;
mod run_dir;
mod streams;
mod traffic;
mod wait;
mod wire;
mod xdp_pass;

pub use binaries::binary;
pub use conntrack::{Tracked, Tuple, conntrack, conntrack_statistic};
pub use crossing::{Crossing, address};
pub use datagrams::{Datagrams, FlowTally, Pace, Route};
pub use dns::{Answer as DnsAnswer, Dnsmasq, Question};
pub use ethtool::{ShownFeature, shown_features, shown_indirection, shown_number, shown_switch, shown_text};
pub use flow_maps::{CachedFlow, FlowMaps};
pub use frames::Frames;
pub use fresh::in_fresh_namespace;
pub use gateway::Gateway;
pub use http::{Answer, Client, Connection, EventStream, Request, ServerEvent};
pub use lab::{Cable, Lab, Link};
pub(crate) use limits::raise_file_limit;
pub use namespace::Namespace;
pub use process::Process;
pub use raveld::{Raveld, Setup};
pub use require::privileged;
pub use routed::routed;
pub use run_dir::RunDir;
pub use streams::{StreamTally, Streams, Talk};
pub use traffic::{Flood, Sink, send_udp};
pub use wait::{eventually, wait_until};
pub use wire::{Place, Received, Wire, packet_socket};
